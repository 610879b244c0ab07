// Scripts that mean harm: whatever they do, another instance in the same process is answered, and the process goes on, or asks
// to be replaced.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ScriptOptions, TestRunner, type TestUnit } from '../../support/runner.ts';

let runner: TestRunner;
let neighbour: TestUnit;
before(async () => {
  runner = await TestRunner.start();
  neighbour = await runner.run('Client.prototype.fine = () => 1');
  await neighbour.connect().verdict;
});
after(() => runner[Symbol.asyncDispose]());

const LIMITS: ScriptOptions = { limits: { memoryMb: 32, turnMs: 250, loadMs: 1000 } };

async function attack(body: string): Promise<TestUnit> {
  const unit = await runner.run(
    `application.onConnect = (client) => true;\nClient.prototype.attack = async function () { ${body} }`,
    LIMITS,
  );
  await unit.connect().verdict;
  return unit;
}

describe('ways out of the isolate', () => {
  for (const code of [
    'require("node:fs")',
    'process.exit()',
    'module.constructor',
    'await import("node:fs")',
    'await import("data:text/javascript,1")',
    'Function("return process")()',
    '(function () {}).constructor.constructor("return process")().exit()',
    'trace.constructor("return process")()',
    'trace.constructor.constructor("return require")()("node:fs")',
    'this.call.constructor("return process.exit(1)")()',
    '(await crypto.subtle.digest("SHA-256", new Uint8Array(1))).constructor.constructor("return process")()',
    'new Function("return this")().process.exit()',
    '(0, eval)("process.exit()")',
    'Error.prepareStackTrace = (e, sites) => sites.map((s) => s.getThis()?.process?.exit()).concat(sites.map((s) => s.getFunction()?.constructor("return process")())); new Error("x").stack; process.exit()',
    'globalThis["\\0fail"]("x")',
    'new ivm.Isolate()',
    'library.guest.drain()',
  ]) {
    test(`${code} is none`, async () => {
      const unit = await attack(`return ${code.includes(';') ? `(() => { ${code} })()` : code}`);
      const ret = await unit.call('attack');
      assert.ok(ret.found && !ret.ok, JSON.stringify(ret));
      assert.equal(await neighbour.value('fine'), 1);
    });
  }

  test('no caller of a script leads to the library', async () => {
    const unit = await runner.run(
      `function seen() { return [seen.caller, seen.arguments && seen.arguments.callee && seen.arguments.callee.caller] }
       Client.prototype.attack = function () { return seen()[0] === Client.prototype.attack && Client.prototype.attack.caller }`,
      { ...LIMITS, kind: 'classic' },
    );
    await unit.connect().verdict;
    assert.equal(await unit.value('attack'), null);
  });
});

describe('attacks on the time of others', () => {
  for (const [name, body] of [
    ['a loop', 'for (;;);'],
    ['a loop that catches its end', 'for (;;) { try { for (;;); } catch {} finally { for (;;); } }'],
    ['an endless chain of microtasks', 'const f = () => Promise.resolve().then(f); return f()'],
    ['a regular expression that backtracks', 'return /^(a+)+$/.test("a".repeat(40) + "b")'],
    [
      'a comparator without an order',
      'const a = Array.from({ length: 1e5 }, (_, i) => i); for (;;) a.sort(() => Math.random() - 0.5)',
    ],
    ['a recursion that catches its end', 'const f = () => { try { f() } catch { f() } }; f()'],
    ['a proxy as a result', 'return new Proxy({}, { get() { for (;;); }, ownKeys() { for (;;); } })'],
    ['a getter as a result', 'return { get x() { for (;;); } }'],
    ['a thenable as a result', 'return { then() { for (;;); } }'],
    ['an error with a slow message', 'throw { get message() { for (;;); } }'],
    ['a stack that does not end', 'Error.prepareStackTrace = () => { for (;;); }; throw new Error("x")'],
    ['a flood of log lines', 'for (;;) trace("x".repeat(8000))'],
    [
      'a flood of large objects in the log',
      'let o = {}; for (let i = 0; i < 18; i++) o = { a: o, b: o }; for (;;) console.log(o)',
    ],
    [
      'a shared object of a million paths',
      'let o = {}; for (let i = 0; i < 26; i++) o = { a: o, b: o }; JSON.stringify(o)',
    ],
    ['weak references', 'for (;;) new WeakRef({})'],
  ]) {
    test(`${name} is cut, and the others do not notice`, async () => {
      const unit = await attack(body!);
      const call = unit.call('attack');
      call.catch(() => {});
      assert.equal(await neighbour.value('fine'), 1);
      await runner.until(
        () => unit.death !== undefined || unit.of('error').some(({ kind }) => kind === 'timeout'),
        'the cut',
      );
      assert.equal(await neighbour.value('fine'), 1);
      unit.unload();
    });
  }

  test('a thousand intervals are one timer', async () => {
    const unit = await attack(
      `let n = 0; for (let i = 0; i < 1000; i++) setInterval(() => { n += 1; if (n === 20000) trace('many') }, 0)`,
    );
    await unit.call('attack');
    for (let i = 0; i < 20; i++) assert.equal(await neighbour.value('fine'), 1);
    await unit.command('log');
    unit.unload();
  });

  for (const thrown of [
    'new Proxy(new Error("x"), { get() { for (;;); }, getOwnPropertyDescriptor() { for (;;); } })',
    'Object.defineProperties(new Error("x"), { message: { get() { for (;;); } }, stack: { get() { for (;;); } } })',
  ]) {
    test(`throwing ${thrown.slice(0, 30)}… while loading is a failure like any other`, async () => {
      const unit = runner.sendLoad(`throw ${thrown}`, LIMITS);
      await runner.until(() => unit.failure !== undefined, 'the failure');
      assert.equal(unit.failure!.kind, 'timeout');
      assert.equal(runner.recycle, undefined);
    });
  }
});

describe('attacks on the memory of others', () => {
  for (const [name, body] of [
    ['an array', 'const a = []; for (;;) a.push({ x: a.length, y: "v" + a.length })'],
    ['a doubling string', 'let s = "x"; for (;;) { s += s; s.charCodeAt(s.length - 1) }'],
    ['typed arrays', 'const a = []; for (;;) { try { a.push(new Uint8Array(1 << 20).fill(1)) } catch {} }'],
    ['a map', 'const m = new Map(); for (let i = 0; ; i++) m.set(i, i)'],
    ['typed arrays as arguments', 'for (;;) this.call("m", null, new Uint8Array(1e6))'],
  ]) {
    test(`${name} ends the turn or the instance`, async () => {
      const unit = await attack(body!);
      const call = unit.call('attack');
      call.catch(() => {});
      await Promise.race([call.catch(() => {}), unit.dead().catch(() => {})]);
      assert.equal(await neighbour.value('fine'), 1);
      unit.unload();
    });
  }
});

describe('forged answers', () => {
  test('patched primitives reach neither the answer nor the runner', async () => {
    const unit = await attack(`
      const evil = () => ({ op: 'shutdown', commands: [{ op: 'shutdown' }] });
      Object.prototype.toJSON = String.prototype.toJSON = Array.prototype.toJSON = evil;
      JSON.stringify = evil; JSON.parse = evil; Array.prototype.join = evil;
      Object.defineProperty(Array.prototype, 0, { set() {}, get: evil, configurable: true });
      return 'own'`);
    const ret = await unit.call('attack');
    assert.deepEqual(ret, { op: 'ret', id: ret.id, found: true, ok: true, value: 'own' });
    assert.deepEqual(unit.of('shutdown'), []);
  });

  test('a __proto__ from a client or a script changes nobody', async () => {
    const unit = await attack(`return [({}).polluted, JSON.parse('{"__proto__":{"polluted":1}}')]`);
    unit.post({
      t: 'call',
      id: 70,
      client: 'c1',
      name: 'nothing',
      args: [{ $: 'object', v: [['__proto__', { polluted: 1 }]] }],
      wantsResult: true,
    });
    const ret = await unit.call('attack');
    assert.ok(ret.found && ret.ok);
    assert.deepEqual(ret.value, [{ $: 'undefined' }, { $: 'object', v: [['__proto__', { polluted: 1 }]] }]);
  });
});

test('a text of half a gigabyte as an answer is refused before the engine makes one piece of it: the process goes on', async () => {
  const unit = await attack(`return 'x'.repeat(5e8)`);
  const ret = await unit.call('attack');
  assert.ok(ret.found && !ret.ok, JSON.stringify(ret));
  assert.match(ret.description, /^a text of 500000000 characters/);
  assert.equal(await neighbour.value('fine'), 1);
});
