import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { TestRunner, type TestUnit } from '../../../support/runner.ts';

let runner: TestRunner;
let unit: TestUnit;
before(async () => {
  runner = await TestRunner.start();
  unit = await runner.run(
    `Client.prototype.run = function (code) { return (0, eval)('(async () => ' + code + ')()') }`,
    { limits: { turnMs: 5000 } }, // what they do is judged here, and not how fast
  );
  await unit.connect().verdict;
});
after(() => runner[Symbol.asyncDispose]());

/** The value of an expression inside the isolate. */
const js = (code: string) => unit.value('run', code);
/** The message that it fails with. */
async function failure(code: string): Promise<string> {
  const ret = await unit.call('run', code);
  assert.ok(ret.found && !ret.ok, code);
  return ret.description;
}

describe('the globals', () => {
  test('are those of the language and ours, and nothing is added to prototypes for for-in to find', async () => {
    const missing = [
      ...[
        'require',
        'process',
        'module',
        'Buffer',
        'FinalizationRegistry',
        'WebAssembly',
        'SharedArrayBuffer',
      ],
      ...['Atomics', 'library', 'setImmediate', 'ivm', '_ivm'],
    ];
    assert.deepEqual(await js(`${JSON.stringify(missing)}.filter((name) => name in globalThis)`), []);
    assert.deepEqual(
      await js(
        `{ const seen = []; for (const k in {}) seen.push(k); for (const k in []) seen.push(k); for (const k in globalThis) seen.push(k); return seen }`
          .replace(/^/, '(() => ')
          .replace(/$/, ')()'),
      ),
      [],
    );
    assert.equal(await js('global === globalThis && typeof trace === "function"'), true);
  });

  test('have the names by which they are known', async () => {
    const other = `Object.getOwnPropertyNames(globalThis).map((name) => [name, globalThis[name]])
      .filter(([name, value]) => typeof value === 'function' && value.name !== name).map(([name]) => name)`;
    assert.deepEqual(await js(other), []);
    assert.deepEqual(await js(`[URL.name, trace.name, new Response('').constructor.name]`), [
      'URL',
      'trace',
      'Response',
    ]);
  });

  test('may be redeclared by a script', async () => {
    const classic = await runner.run(
      `function Client2() {} function trace() { return 'mine' } var application2 = application; var Stream = 5;
       function Application() {} function console() {}
       application.onConnect = function () { return trace() === 'mine' && Stream === 5 }`,
      { kind: 'classic' },
    );
    assert.equal((await classic.connect().verdict).accepted, true);
  });

  test('buffers do not grow past the memory limit', async () => {
    assert.deepEqual(
      await js(`[new ArrayBuffer(4, { maxByteLength: 1e9 }).resizable, typeof ArrayBuffer.prototype.resize,
        typeof ArrayBuffer.prototype.transfer, new Uint8Array(3).buffer.constructor === ArrayBuffer,
        new ArrayBuffer(5).byteLength, new ArrayBuffer(1) instanceof ArrayBuffer]`),
      [false, 'undefined', 'undefined', true, 5, true],
    );
  });
});

describe('trace and console', () => {
  test('take anything, and any number of it', async () => {
    const traced = await runner.run(`
      const cycle = { name: 'c' }; cycle.self = cycle;
      trace('a', 1, null, undefined, true, -0, 10n, Symbol('s'));
      trace({ a: [1, 'x', { b: {} }], f() {}, get g() { throw 1 } });
      trace(cycle);
      trace(new Map([[1, 'a']]), new Set(['b']), new Date(0), new Date(NaN), [, 1]);
      trace();
      trace(Object.create(null), new (class Room { seats = 2 })());
      trace(new Proxy({}, { ownKeys() { throw new Error('no') } }));
      trace(new Error('oh').message);
      console.log('log'); console.info('i'); console.warn('w'); console.error('e'); console.debug('d');
      console.assert(1, 'never'); console.assert(0, 'wrong');
      trace('x'.repeat(10000));`);
    assert.deepEqual(traced.logs.slice(0, 8), [
      'a 1 null undefined true -0 10n Symbol(s)',
      '{ a: [1, "x", { b: {} }], f: [Function f], g: [Getter] }',
      '{ name: "c", self: [Circular] }',
      'Map {1 => "a"} Set {"b"} 1970-01-01T00:00:00.000Z Invalid Date [<empty>, 1]',
      '',
      '{} Room { seats: 2 }',
      '<unprintable>',
      'oh',
    ]);
    const rest = traced.of('log').slice(8);
    assert.deepEqual(
      rest.slice(0, 6).map(({ level, text }) => `${level} ${text}`),
      ['info log', 'info i', 'warn w', 'error e', 'debug d', 'error assertion failed: wrong'],
    );
    assert.equal(rest[6]!.text.length, 8192);
  });

  test('print an error with its stack', async () => {
    const traced = await runner.run(`trace(new TypeError('oh'))`);
    assert.match(traced.logs[0]!, /^TypeError: oh\n {4}at .*app:\/\/\/test\/main\.ts:1:7/);
  });
});

describe('timers', () => {
  test('fire in their order, with their arguments, and can be stopped', async () => {
    const timed = await runner.run(`
      const ids = [
        setTimeout((...args) => trace('second', args), 20, 'a', 2),
        setTimeout(() => trace('first'), 1),
        setTimeout(() => trace('never'), 10),
      ];
      clearTimeout(ids[2]);
      clearTimeout('nonsense'); clearTimeout(undefined); clearInterval(12345);
      trace(ids.every((id) => typeof id === 'number'));`);
    await timed.command('log', ({ text }) => text.startsWith('second'));
    assert.deepEqual(timed.logs, ['true', 'first', 'second ["a", 2]']);
  });

  test('setInterval repeats until it is stopped, from within too', async () => {
    const timed = await runner.run(
      `let n = 0; const id = setInterval((step) => { n += step; if (n === 6) { clearInterval(id); trace('done', n); setTimeout(() => trace('end', n), 20) } }, 0, 2)`,
    );
    await timed.command('log', ({ text }) => text === 'end 6');
    assert.deepEqual(timed.logs, ['done 6', 'end 6']);
  });

  test('setInterval(object, "method", ms, …) looks the method up at each call', async () => {
    const timed = await runner.run(
      `var o = { n: 0, tick: function (a) { trace('tick', this === o, a); this.tick = function (a) { clearInterval(id); trace('tock', a) } } };
       var id = setInterval(o, 'tick', 1, 'x');`,
      { kind: 'classic' },
    );
    await timed.command('log', ({ text }) => text === 'tock "x"' || text === 'tock x');
    assert.deepEqual(timed.logs, ['tick true x', 'tock x']);
  });

  test('a callback that throws is reported, and its interval goes on', async () => {
    const timed = await runner.run(
      `let n = 0; const id = setInterval(() => { n += 1; if (n === 1) throw new Error('tick'); clearInterval(id); trace('again') }, 1)`,
    );
    await timed.command('log');
    assert.deepEqual(
      timed.of('error').map(({ where, message }) => `${where} ${message}`),
      ['setInterval Error: tick'],
    );
  });

  test('there are 1,000 of them', async () => {
    const timed = await runner.run(
      `let n = 0; try { for (;;) { setTimeout(() => {}, 1e9); n += 1 } } catch (e) { trace(n, e.message) }`,
    );
    assert.deepEqual(timed.logs, ['1000 more than 1000 timers']);
  });

  test('queueMicrotask runs after the handler', async () => {
    assert.deepEqual(
      await js(
        `(() => { const order = []; queueMicrotask(() => order.push('later')); order.push('now'); return new Promise((r) => setTimeout(() => r(order), 1)) })()`,
      ),
      ['now', 'later'],
    );
  });
});

describe('text', () => {
  test('TextEncoder and TextDecoder agree with Node', async () => {
    for (const text of ['', 'plain', 'äöü€', '\u{1f600}\u{10ffff}', 'a\0b', '\ufeffmark']) {
      const bytes = [...new TextEncoder().encode(text)];
      assert.deepEqual(await js(`[...new TextEncoder().encode(${JSON.stringify(text)})]`), bytes);
      assert.equal(
        await js(`new TextDecoder('utf-8').decode(new Uint8Array(${JSON.stringify(bytes)}))`),
        new TextDecoder().decode(Uint8Array.from(bytes)),
      );
    }
    assert.deepEqual(await js(`[...new TextEncoder().encode('\\ud800x')]`), [0xef, 0xbf, 0xbd, 0x78]);
  });

  test('what is not UTF-8 is replaced as Node replaces it, or refused', async () => {
    const wrong = [
      ...[
        [0xff],
        [0xc0, 0x80],
        [0xe0, 0x80, 0x80],
        [0xed, 0xa0, 0x80],
        [0xf4, 0x90, 0x80, 0x80],
        [0x80, 0x41],
      ],
      ...[[0xe2, 0x82], [0xe2, 0x41], [0xf0, 0x9f, 0x98, 0x41], [0xf0, 0x9f, 0x98], [0xc3]],
    ];
    for (const bytes of wrong) {
      const input = `new Uint8Array(${JSON.stringify(bytes)})`;
      assert.equal(
        await js(`new TextDecoder().decode(${input})`),
        new TextDecoder().decode(Uint8Array.from(bytes)),
      );
      assert.match(await failure(`new TextDecoder('utf8', { fatal: true }).decode(${input})`), /not valid/);
    }
  });

  test('a decoder puts together what comes in pieces', async () => {
    assert.equal(
      await js(
        `(() => { const d = new TextDecoder(); let t = ''; for (const b of new TextEncoder().encode('\\ufeffa€\\u{1f600}')) t += d.decode(new Uint8Array([b]), { stream: true }); return t + d.decode() })()`,
      ),
      'a€\u{1f600}',
    );
  });

  test('atob and btoa agree with Node', async () => {
    for (const text of ['', 'a', 'ab', 'abc', 'abcd', '\xff\x00\x80']) {
      assert.equal(await js(`btoa(${JSON.stringify(text)})`), btoa(text));
      assert.equal(await js(`atob(${JSON.stringify(btoa(text))})`), text);
    }
    assert.equal(await js(`atob(' YW Jj\\n')`), 'abc');
    assert.equal(await js(`atob('YQ')`), 'a');
    for (const bad of ['a', 'a===', 'YQ=', '=', 'Y*==', 'YQ==YQ==']) await failure(`atob('${bad}')`);
    await failure(`btoa('€')`);
    assert.equal(await js('btoa("x".repeat(100000)).length'), btoa('x'.repeat(100000)).length);
  });
});

describe('URLSearchParams', () => {
  const queries = [
    ...[
      '',
      '?',
      'a=1&b=2&a=3',
      '?x',
      '&&a=b&',
      'a+b=c%20d',
      '%zz=%',
      '%e2%82%ac=%ff',
      'a=b=c',
      'k=v%26&ü=ö',
      '=x',
      'a%2',
      '+%2B+',
    ],
  ];
  for (const query of queries) {
    test(`reads ${JSON.stringify(query)} as Node does`, async () => {
      const expected = new URLSearchParams(query);
      assert.deepEqual(await js(`[...new URLSearchParams(${JSON.stringify(query)})]`), [...expected]);
      assert.equal(await js(`new URLSearchParams(${JSON.stringify(query)}).toString()`), expected.toString());
    });
  }

  test('has the methods of the standard', async () => {
    const code = `(() => {
      const p = new URLSearchParams({ b: 2, a: 'x y' });
      p.append('b', '3'); p.append('c', '*-._~!');
      const all = [p.get('b'), p.getAll('b'), p.get('no'), p.has('a'), p.has('a', 'z'), p.size];
      p.set('b', 'only'); p.set('new', 1); p.delete('c'); p.sort();
      const seen = []; p.forEach((v, k) => seen.push(k + v));
      return [all, seen, [...p.keys()], [...p.values()], String(p), new URLSearchParams([['q', 'r']]).get('q'), new URLSearchParams(p).size]
    })()`;
    // biome-ignore lint/security/noGlobalEval: the same code in Node is the expectation
    const expected = eval(code);
    assert.deepEqual(await js(code), JSON.parse(JSON.stringify(expected)));
    await failure(`new URLSearchParams([['only']])`);
  });
});

describe('crypto', () => {
  test('gives random bytes and UUIDs of version 4', async () => {
    const uuid = (await js('crypto.randomUUID()')) as string;
    assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.notEqual(await js('crypto.randomUUID()'), uuid);
    const [first, second] = (await js(
      `[...[0, 0].map(() => [...crypto.getRandomValues(new Uint32Array(4))])]`,
    )) as number[][];
    assert.notDeepEqual(first, second);
    assert.equal(
      await js(`(() => { const a = new Uint8Array(8); return crypto.getRandomValues(a) === a })()`),
      true,
    );
    for (const bad of ['new Float64Array(2)', '[1]', 'new ArrayBuffer(4)', 'undefined'])
      await failure(`crypto.getRandomValues(${bad})`);
  });

  test('the pool of a turn is limited, and full again later', async () => {
    assert.match(await failure('crypto.getRandomValues(new Uint8Array(20000))'), /16384 random bytes/);
    for (let i = 0; i < 4; i++) {
      assert.equal(await js('crypto.getRandomValues(new Uint8Array(12000)).some((b) => b !== 0)'), true);
    }
  });

  test('crypto.subtle.digest agrees with Node', async () => {
    for (const [name, node] of [
      ['SHA-1', 'sha1'],
      ['sha-256', 'sha256'],
      ['SHA-384', 'sha384'],
      ['SHA-512', 'sha512'],
    ]) {
      const hex = await js(
        `[...new Uint8Array(await crypto.subtle.digest(${JSON.stringify(name)}, new TextEncoder().encode('abc')))]`,
      );
      assert.deepEqual(hex, [...createHash(node!).update('abc').digest()]);
    }
    assert.match(await failure(`crypto.subtle.digest('MD5', new Uint8Array(1))`), /MD5/);
    assert.match(await failure(`crypto.subtle.digest('SHA-256', 'text')`), /ArrayBuffer/);
    assert.match(await failure(`crypto.subtle.digest('SHA-256', new Uint8Array(1048577))`), /1048576/);
  });

  test('64 calls may be under way', async () => {
    assert.deepEqual(
      await js(
        `Promise.allSettled(Array.from({ length: 66 }, () => crypto.subtle.digest('SHA-256', new Uint8Array(1)))).then((all) => [all.filter((r) => r.status === 'fulfilled').length, all[65].reason.name])`,
      ),
      [64, 'OperationError'],
    );
  });
});
