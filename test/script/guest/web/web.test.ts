// What browsers and Node have beside the language: the same code in a script and in Node gives the same.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parseUrl } from '../../../../src/script/guest/web/url-parser.ts';
import { formatUrl } from '../../../../src/script/guest/web/url-record.ts';
import { Random } from '../../../support/random.ts';
import { TestRunner, type TestUnit } from '../../../support/runner.ts';

let runner: TestRunner;
let unit: TestUnit;
before(async () => {
  runner = await TestRunner.start();
  unit = await runner.run(
    `Client.prototype.run = async function (code) {
      return JSON.stringify(await (0, eval)('(async () => {' + code + '})()'));
    }`,
  );
  await unit.connect().verdict;
});
after(() => runner[Symbol.asyncDispose]());

const AsyncFunction = (async () => {}).constructor as new (body: string) => () => Promise<unknown>;

/** Runs the body of an async function here and there. */
async function same(body: string): Promise<void> {
  const theirs = JSON.parse(JSON.stringify(await new AsyncFunction(body)()));
  assert.deepEqual(JSON.parse((await unit.value('run', body)) as string), theirs, body);
  assert.notEqual(theirs, null, 'a comparison of nothing');
}

describe('URL', () => {
  test('is parsed as Node parses it, whatever is put together', () => {
    const random = new Random(11);
    const starts = [
      'http://',
      'https://u:p@',
      'file:///',
      'foo://',
      'foo:',
      '//',
      '/',
      'http:',
      'ws:',
      'file:',
      '',
    ];
    const pieces = [
      ...[
        'http',
        'file',
        ':',
        '//',
        '/',
        '\\',
        '?',
        '#',
        '@',
        'a',
        'b.c',
        'example.com',
        '.',
        '..',
        '%2e',
        '%41',
      ],
      ...[
        '%zz',
        '[::1]',
        '[1:2::8]',
        '[::ffff:1.2.3.4]',
        '127.1',
        '0x7f.1',
        '1.2.3.4',
        '256.1',
        'C:',
        'c|',
        'ü',
      ],
      ...[
        'ß',
        '日本',
        ' ',
        '\t',
        '"',
        '<',
        '^',
        '`',
        '{',
        '|',
        "'",
        '80',
        '99999',
        'localhost',
        '&',
        '=',
        'Σ',
        '。',
      ],
      ...['\u00ad', '\u0000', '\ud800', '😀', '%', '~', '-', '*'],
    ];
    const text = () =>
      random.pick(starts) + Array.from({ length: random.below(8) }, () => random.pick(pieces)).join('');
    const ours = (url: string, base?: string) => {
      const parsedBase = base === undefined ? undefined : parseUrl(base, undefined);
      if (base !== undefined && !parsedBase) return undefined;
      const parsed = parseUrl(url, parsedBase);
      return parsed && formatUrl(parsed);
    };
    let valid = 0;
    for (let i = 0; i < 20_000; i += 1) {
      const url = text();
      const base = random.oneIn(3) ? text() : undefined;
      const theirs = URL.parse(url, base)?.href;
      assert.equal(ours(url, base), theirs, JSON.stringify([url, base]));
      if (theirs !== undefined) valid += 1;
    }
    assert.ok(valid > 2000, `${valid} valid ones`);
  });

  test('has parts that can be read and set', async () => {
    await same(`
      const url = new URL('../c?x=1#h', 'http://u:p@example.com:8080/a/b/');
      const parts = [url.href, url.origin, url.protocol, url.username, url.password, url.host, url.hostname, url.port,
        url.pathname, url.search, url.hash, String(url), JSON.stringify(url)];
      url.protocol = 'https'; url.host = 'other:443'; url.port = '81'; url.pathname = '/ä b'; url.search = 'y=2';
      url.hash = ''; url.username = 'ü'; url.password = '';
      parts.push(url.href);
      url.port = 'x'; url.host = ''; url.protocol = 'foo'; url.hostname = 'a b';
      parts.push(url.href);
      return parts;
    `);
  });

  test('and its searchParams change each other', async () => {
    await same(`
      const url = new URL('http://h/?a=1&b=2');
      const { searchParams } = url;
      const seen = [];
      searchParams.append('c', 'ä &'); seen.push(url.href);
      searchParams.delete('a'); seen.push(url.search);
      searchParams.set('b', '3'); seen.push(url.search);
      url.search = '?z=9'; seen.push(searchParams.get('z'), searchParams.size);
      url.href = 'http://i/?q=%20'; seen.push(searchParams.get('q'));
      searchParams.delete('q'); seen.push(url.href, searchParams === url.searchParams);
      return seen;
    `);
  });

  test('says what is no address', async () => {
    await same(`
      let error; try { new URL('no address') } catch (e) { error = e }
      return [error instanceof TypeError, URL.canParse('/x'), URL.canParse('/x', 'http://h'), URL.parse('::')];
    `);
  });
});

describe('structuredClone', () => {
  test('copies what Node copies, and shares nothing', async () => {
    await same(`
      const value = { a: [1, , 'x'], d: new Date(5), m: new Map([[{ k: 1 }, new Set([2])]]), r: /x/gi, u: undefined,
        e: new RangeError('r'), b: new Uint8Array([1, 2, 3]).subarray(1), n: new Number(4), big: String(10n), nan: NaN };
      value.self = value; value.again = value.a;
      const copy = structuredClone(value);
      const [[key, set]] = copy.m;
      value.a[0] = 9;
      return [copy.self === copy, copy.again === copy.a, copy.a[0], 1 in copy.a, copy.d.getTime(), key, [...set], String(copy.r),
        'u' in copy, copy.e.message, copy.e instanceof RangeError, [...copy.b], copy.b.byteOffset, copy.n instanceof Number,
        copy.big, String(copy.nan), Object.keys(copy)];
    `);
  });

  test('refuses functions, symbols and promises by name, and goes through getters', async () => {
    await same(`
      const errors = [];
      for (const value of [() => {}, Symbol('s'), { f() {} }, [Promise.resolve()]]) {
        try { structuredClone(value); errors.push('none') } catch (e) { errors.push(e.name, e instanceof DOMException, e.code) }
      }
      class Point { constructor() { this.x = 1 } get y() { return 2 } }
      const copy = structuredClone({ get g() { return 3 }, p: new Point() });
      return [errors, copy, copy.p instanceof Point];
    `);
  });

  test('transfers buffers, which have nothing afterwards', async () => {
    await same(`
      const buffer = new Uint8Array([1, 2]).buffer;
      const copy = structuredClone({ buffer }, { transfer: [buffer] });
      return [buffer.byteLength, [...new Uint8Array(copy.buffer)]];
    `);
  });

  test('leaves clients, streams and the application where they are', async () => {
    const names = await unit.value(
      'run',
      `return [application.clients[0], application, Stream.prototype.constructor].map((value) => {
        try { structuredClone({ value }); return 'copied' } catch (e) { return e.name } })`,
    );
    assert.deepEqual(JSON.parse(names as string), ['DataCloneError', 'DataCloneError', 'DataCloneError']);
  });
});

describe('events', () => {
  test('reach their listeners in order, once each, until one stops them', async () => {
    await same(`
      const target = new EventTarget();
      const heard = [];
      const a = (event) => heard.push('a ' + event.type + (event.target === target));
      target.addEventListener('x', a);
      target.addEventListener('x', a);
      target.addEventListener('x', { handleEvent(event) { heard.push('b'); event.preventDefault() } }, { once: true });
      target.addEventListener('x', (event) => { heard.push('c'); event.stopImmediatePropagation() });
      target.addEventListener('x', () => heard.push('never'));
      const first = target.dispatchEvent(new Event('x', { cancelable: true }));
      const second = target.dispatchEvent(new Event('x'));
      target.removeEventListener('x', a);
      target.dispatchEvent(new Event('x'));
      const controller = new AbortController();
      target.addEventListener('y', () => heard.push('y'), { signal: controller.signal });
      target.dispatchEvent(new Event('y'));
      controller.abort();
      target.dispatchEvent(new Event('y'));
      return [heard, first, second];
    `);
  });

  test('go on when a listener throws, and the log says so', async () => {
    const heard = await unit.value(
      'run',
      `const heard = []; const target = new EventTarget();
       target.addEventListener('boom', () => { throw new Error('in a listener') });
       target.addEventListener('boom', () => heard.push('next'));
       target.dispatchEvent(new Event('boom')); return heard`,
    );
    assert.equal(heard, '["next"]');
    const error = await unit.command('error', ({ where }) => where === 'boom');
    assert.match(error.message, /in a listener/);
  });
});

describe('AbortController', () => {
  test('aborts once, with its reason', async () => {
    await same(`
      const controller = new AbortController();
      const { signal } = controller;
      const heard = [];
      signal.onabort = (event) => heard.push('on ' + event.type);
      signal.addEventListener('abort', () => heard.push(signal.reason));
      const before = signal.aborted;
      controller.abort('why'); controller.abort('again');
      let thrown; try { signal.throwIfAborted() } catch (e) { thrown = e }
      const { reason } = AbortSignal.abort();
      return [before, signal.aborted, heard, thrown, reason.name, reason.code, reason instanceof DOMException,
        reason instanceof Error, Object.prototype.toString.call(signal)];
    `);
  });

  test('any follows the first, timeout its time', async () => {
    await same(`
      const [a, b] = [new AbortController(), new AbortController()];
      const any = AbortSignal.any([a.signal, b.signal]);
      b.abort(2);
      const { reason } = any;
      a.abort(1);
      const late = AbortSignal.any([a.signal]);
      const timeout = AbortSignal.timeout(1);
      await new Promise((resolve) => { timeout.onabort = resolve });
      let error; try { new AbortSignal() } catch (e) { error = e instanceof TypeError }
      return [reason, any.reason, late.aborted, timeout.reason.name, timeout.reason.code, error];
    `);
  });
});

test('performance.now counts from the load, and goes on over a wait', async () => {
  const [first, second, origin] = JSON.parse(
    (await unit.value(
      'run',
      `const first = performance.now(); await new Promise((resolve) => setTimeout(resolve, 3));
       return [first, performance.now(), performance.timeOrigin]`,
    )) as string,
  );
  assert.ok(first >= 0 && second >= first + 1, `${first} ${second}`);
  assert.ok(Math.abs(Date.now() - second - origin) < 60_000);
});

test('atob and btoa refuse by the name that browsers use', async () => {
  await same(`
    const names = [];
    for (const call of [() => atob('*'), () => btoa('\\u0100')]) try { call() } catch (e) { names.push(e.name) }
    return [names, atob('YQ=='), btoa('a')];
  `);
});
