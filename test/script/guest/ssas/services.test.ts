import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Json } from '../../../../src/script/wire/wire.ts';
import { TestRunner, type TestUnit } from '../../../support/runner.ts';

let runner: TestRunner;
let unit: TestUnit;
before(async () => {
  runner = await TestRunner.start();
  unit = await runner.run(
    `Client.prototype.run = function (code) { return (0, eval)('(async () => { ' + code + ' })()') };`,
    { application: { env: { TOKEN: 'secret' } } },
  );
  await unit.connect().verdict;
});
after(() => runner[Symbol.asyncDispose]());

const js = (code: string) => unit.value('run', code);
async function failure(code: string): Promise<string> {
  const ret = await unit.call('run', code);
  assert.ok(ret.found && !ret.ok, code);
  return ret.description;
}

let seen = 0;
/** The next request of the script to the service. */
async function asked(): Promise<{ id: number; request: { [name: string]: Json } }> {
  const known = seen;
  const command = await unit.command('ask', ({ id }) => id > known);
  seen = command.id;
  assert.equal(command.service, 'fetch');
  return { id: command.id, request: command.request as { [name: string]: Json } };
}
const ANSWER = {
  url: 'http://h/x',
  redirected: true,
  status: 201,
  statusText: 'Created',
  headers: [
    ['content-type', 'application/json'],
    ['set-cookie', 'a=1'],
    ['set-cookie', 'b=2'],
  ],
  body: { text: '\ufeff{"a":"é"}' },
};

describe('fetch', () => {
  test('asks with what the script gave it, and answers with a Response', async () => {
    const result = js(`
      const r = await fetch('http://h/x', { method: 'post', headers: { 'X-A': ' b ' }, body: new URLSearchParams({ k: 'v w' }) });
      const copy = r.clone();
      return [r.ok, r.status, r.statusText, r.url, r.redirected, r.headers.get('Content-Type'), r.headers.getSetCookie(),
        await r.json(), r.bodyUsed, await copy.text(), r instanceof Response, Object.prototype.toString.call(r)]`);
    const { id, request } = await asked();
    assert.deepEqual(request, {
      url: 'http://h/x',
      method: 'POST',
      redirect: 'follow',
      headers: [
        ['content-type', 'application/x-www-form-urlencoded;charset=UTF-8'],
        ['x-a', 'b'],
      ],
      text: 'k=v+w',
    });
    unit.post({ t: 'answer', id, ok: true, value: ANSWER });
    assert.deepEqual(await result, [
      ...[true, 201, 'Created', 'http://h/x', true, 'application/json', ['a=1', 'b=2']],
      ...[{ a: 'é' }, true, '{"a":"é"}', true, '[object Response]'],
    ]);
  });

  test('carries bytes', async () => {
    const result = js(
      `return [...await (await fetch('http://h/', { method: 'PUT', body: new Uint8Array([1, 255]) })).bytes()]`,
    );
    const { id, request } = await asked();
    assert.equal(request.base64, 'Af8=');
    unit.post({ t: 'answer', id, ok: true, value: { ...ANSWER, body: { base64: '/wD+' } } });
    assert.deepEqual(await result, [255, 0, 254]);
  });

  test('rejects as the service says, and the script goes on', async () => {
    const result = js(
      `try { await fetch('http://h/') } catch (e) { return [e.name, e.message, e instanceof TypeError] }`,
    );
    const { id } = await asked();
    unit.post({ t: 'answer', id, ok: false, name: 'TypeError', message: 'fetch: not granted' });
    assert.deepEqual(await result, ['TypeError', 'fetch: not granted', true]);
    // An answer to nobody.
    unit.post({ t: 'answer', id, ok: true, value: null }, { t: 'answer', id: 999, ok: true, value: null });
    assert.equal(await js('return 1'), 1);
  });

  test('takes a Request, and refuses what none can be', async () => {
    const result = js(`
      const first = new Request('http://h/', { method: 'POST', body: 'text', headers: [['a', '1'], ['A', '2']] });
      const second = new Request(first, { headers: { b: '3' } });
      await fetch(second);
      return [first.headers.get('a'), [...second.headers], await first.clone().text()]`);
    const { id, request } = await asked();
    assert.deepEqual([request.method, request.text], ['POST', 'text']);
    unit.post({ t: 'answer', id, ok: true, value: ANSWER });
    assert.deepEqual(await result, ['1, 2', [['b', '3']], 'text']);
    assert.match(await failure(`await fetch('http://h/', { body: 'x' })`), /GET request has no body/);
    assert.match(await failure(`new Headers({ 'a b': 'c' })`), /a b is no name/);
    assert.match(await failure(`new Headers({ a: 'b\\r\\nc: d' })`), /U\+000d/);
    assert.match(await failure(`new Headers({ a: '€' })`), /character/);
    assert.match(await failure(`new Response('', { status: 99 })`), /status 99/);
    assert.match(await failure(`await fetch('http://h/', { signal: 1 })`), /AbortSignal/);
    assert.match(
      await failure(`const r = new Response('x'); await r.text(); await r.text()`),
      /read already/,
    );
  });

  test('has Responses of the script’s own', async () => {
    assert.deepEqual(
      await js(`
        const r = Response.json({ a: 1 }, { status: 203 });
        return [r.status, r.headers.get('content-type'), await r.json(), (await new Response(null).arrayBuffer()).byteLength]`),
      [203, 'application/json', { a: 1 }, 0],
    );
  });

  test('that nobody waits for any more is taken back', async () => {
    const result = js(`
      const listeners = [];
      const signal = { aborted: false, reason: new Error('changed my mind'),
        addEventListener: (type, call) => listeners.push(call), removeEventListener() {} };
      const pending = fetch('http://h/', { signal });
      listeners[0]();
      try { await pending } catch (e) { return e.message }`);
    const { id } = await asked();
    assert.equal(await result, 'changed my mind');
    assert.equal((await unit.command('unask')).id, id);
  });
});

test('application.env holds the secrets that the operator has put there, and is not to be changed', async () => {
  assert.deepEqual(await js(`return [application.env.TOKEN, Object.isFrozen(application.env)]`), [
    'secret',
    true,
  ]);
});

describe('application.exec', () => {
  const exec = async () => {
    const known = seen;
    const command = await unit.command('ask', ({ id }) => id > known);
    seen = command.id;
    assert.equal(command.service, 'exec');
    return command;
  };

  test('starts a job, waits for its end and can end it', async () => {
    const result = js(`
      const job = application.exec('thumb', { input: 'show', size: 2 }, { until: 'show' });
      job.kill();
      return [job.name, await job.exited]`);
    const begin = await exec();
    assert.deepEqual(begin.request, { run: 'thumb', values: { input: 'show', size: '2' }, until: 'show' });
    unit.post({ t: 'answer', id: begin.id, ok: true, value: { job: 5 } });
    const [one, other] = [await exec(), await exec()];
    assert.deepEqual([one.request, other.request], [{ wait: 5 }, { kill: 5 }]);
    unit.post({ t: 'answer', id: one.id, ok: true, value: { code: null, signal: 'SIGTERM', stderr: '' } });
    unit.post({ t: 'answer', id: other.id, ok: true, value: null });
    assert.deepEqual(await result, ['thumb', { code: null, signal: 'SIGTERM', stderr: '' }]);
  });

  test('that cannot start rejects where somebody looks, and troubles nobody else', async () => {
    const errors = unit.of('error').length;
    const result = js(
      `application.exec('a'); try { await application.exec('b').exited } catch (e) { return e.message }`,
    );
    for (const command of [await exec(), await exec()]) {
      unit.post({ t: 'answer', id: command.id, ok: false, name: 'TypeError', message: 'exec: no command' });
    }
    assert.equal(await result, 'exec: no command');
    assert.equal(unit.of('error').length, errors);
  });

  test('lists what runs', async () => {
    const result = js(`return (await application.jobs()).map(({ name }) => name)`);
    const list = await exec();
    unit.post({ t: 'answer', id: list.id, ok: true, value: [{ job: 1, name: 'thumb' }] });
    assert.deepEqual((await exec()).request, { wait: 1 });
    assert.deepEqual(await result, ['thumb']);
  });
});
