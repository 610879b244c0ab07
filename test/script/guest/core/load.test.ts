import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FailedBody } from '../../../../src/script/wire/wire.ts';
import { type ScriptOptions, TestRunner } from '../../../support/runner.ts';

let runner: TestRunner;
before(async () => {
  runner = await TestRunner.start();
});
after(() => runner[Symbol.asyncDispose]());

const classic = (files: Record<string, string> = {}): ScriptOptions => ({ kind: 'classic', files });

async function failureOf(code: string, options?: ScriptOptions): Promise<FailedBody> {
  const unit = runner.sendLoad(code, options);
  await runner.until(() => unit.failure !== undefined || unit.isLoaded, 'the failure');
  assert.ok(unit.failure, 'it loaded');
  return unit.failure;
}

describe('load()', () => {
  test('runs files after the main script and before onAppStart, in the order of the calls', async () => {
    const unit = await runner.run(
      `load('a.asc'); load("lib/b.js"); trace('main'); var fromMain = 1;
       application.onAppStart = function () { trace('start', helper(2), fromA) };`,
      classic({
        'a.asc': `trace('a', fromMain); load('c.asc'); fromA = 'implicit global';`,
        'lib/b.js': `trace('b'); function helper(x) { return x * 2 }`,
        'c.asc': `trace('c', typeof helper)`,
      }),
    );
    assert.deepEqual(unit.logs, ['main', 'a 1', 'b', 'c function', 'start 4 implicit global']);
  });

  test('of a file twice runs it twice; later it runs at once', async () => {
    const unit = await runner.run(
      `var n = 0; load('n.asc'); load('./n.asc');
       application.onConnect = function () { load('n.asc'); trace('in handler', n); return true };`,
      classic({ 'n.asc': 'n++; trace(n)' }),
    );
    await unit.connect().verdict;
    assert.deepEqual(unit.logs, ['1', '2', '3', 'in handler 3']);
  });

  test('forgives upper and lower case, and backslashes, and says so', async () => {
    const unit = await runner.run(`load('LIB\\\\Util.ASC')`, classic({ 'lib/util.asc': `trace('loaded')` }));
    assert.equal(unit.logs.length, 2);
    assert.match(unit.logs[0]!, /lib\/util\.asc/);
    assert.equal(unit.logs[1], 'loaded');
  });

  for (const path of [
    '../a.asc',
    'x/../../a.asc',
    '/a.asc',
    '\\a.asc',
    'C:\\a.asc',
    'file:///a.asc',
    'none.asc',
    'toString',
  ]) {
    test(`of ${path} fails and names it`, async () => {
      const { kind, message, stack } = await failureOf(
        `\nload(${JSON.stringify(path)})`,
        classic({ 'a.asc': '', 'x/a.asc': '' }),
      );
      assert.equal(kind, 'throw');
      assert.ok(message.includes(path), message);
      assert.match(stack, /app:\/\/\/test\/main\.asc:2:1/);
    });
  }

  test('an error in a loaded file names that file and its line', async () => {
    const thrown = await failureOf(`load('lib/a.asc')`, classic({ 'lib/a.asc': `var x;\nnothing.here();` }));
    assert.equal(thrown.kind, 'throw');
    assert.equal(thrown.message, 'ReferenceError: nothing is not defined');
    assert.match(thrown.stack, /app:\/\/\/test\/lib\/a\.asc:2:1/);
    const syntax = await failureOf(`load('lib/a.asc')`, classic({ 'lib/a.asc': `var x;\n  var = 5;` }));
    assert.equal(syntax.kind, 'syntax');
    assert.match(syntax.message, /Unexpected token '='/);
    assert.match(syntax.stack, /app:\/\/\/test\/lib\/a\.asc:2:7/);
  });

  test('is relative to the main script', async () => {
    const unit = await runner.run(`load('util.asc')`, {
      ...classic({ 'util.asc': `application.onConnect = function () { nothing.here }` }),
      filename: 'app:///chat/scripts/main.asc',
    });
    await unit.connect().verdict;
    assert.match(unit.of('error')[0]!.stack, /app:\/\/\/chat\/scripts\/util\.asc:1/);
  });

  test('is not for modules', async () => {
    assert.match((await failureOf(`load('a.js')`, { files: { 'a.js': '' } })).message, /import/);
  });
});

test('what a script has logged before it fails to load is heard', async () => {
  for (const code of [
    `trace('a'); console.warn('b'); nothing.here();`,
    `trace('a'); console.warn('b'); for (;;);`,
  ]) {
    const unit = runner.sendLoad(code, { limits: { loadMs: 300 } });
    await runner.until(() => unit.failure !== undefined, 'the failure');
    assert.deepEqual(unit.logs, ['a', 'b']);
  }
});

describe('a classic script', () => {
  test('is sloppy, and its top level is the global scope', async () => {
    const unit = await runner.run(
      `var a = 1; b = 2; function f() { return arguments.callee === f && this === global && 010 }
       function Log() {} Log = function () { return 'replaced' };
       with ({ c: 3 }) { trace(c) }
       trace(global.a, global.b, f(), delete b, typeof b, global.Log());
       <!-- a comment
       application.onConnect = function () { return this === application };`,
      classic(),
    );
    assert.deepEqual(unit.logs, ['3', '1 2 8 true undefined replaced']);
    assert.equal((await unit.connect().verdict).accepted, true);
  });

  test('with carriage returns alone between its lines has lines', async () => {
    const failure = await failureOf('// comment\rvar x = 1;\rnothing();', classic());
    assert.match(failure.stack, /main\.asc:3:1/);
  });

  test('that imports is refused', async () => {
    const failure = await failureOf(`import x from 'y'`, classic());
    assert.equal(failure.kind, 'syntax');
    assert.match(failure.message, /import statement/);
  });
});

describe('loading', () => {
  test('a syntax error has its place', async () => {
    const failure = await failureOf('const a = 1;\n  const = 2;');
    assert.equal(failure.kind, 'syntax');
    assert.match(failure.message, /^SyntaxError: Unexpected token '='/);
    assert.match(failure.stack, /\n {4}at app:\/\/\/test\/main\.ts:2:9$/);
  });

  test('what the top level throws has its stack, whatever it is', async () => {
    const failure = await failureOf(`function f() { throw new RangeError('top') }\nf();`);
    assert.equal(failure.kind, 'throw');
    assert.equal(failure.message, 'RangeError: top');
    assert.match(failure.stack, /at f \(app:\/\/\/test\/main\.ts:1:22\)\n.*app:\/\/\/test\/main\.ts:2:1/);
    assert.doesNotMatch(failure.stack, /understudy:guest/);
    for (const [thrown, message] of [
      ['"text"', 'text'],
      ['null', 'null'],
      ['{ code: 5 }', '{ code: 5 }'],
      ['undefined', 'undefined'],
    ]) {
      assert.equal((await failureOf(`throw ${thrown}`)).message, message);
    }
  });

  test('a script cannot close a bracket that it did not open', async () => {
    assert.equal((await failureOf('} catch (e) {} throw 1; try {')).kind, 'syntax');
    assert.equal((await failureOf('}); (() => {')).kind, 'syntax');
  });

  test('commands of the top level follow Loaded', async () => {
    const unit = await runner.load(`application.broadcastMsg('early')`);
    await unit.command('broadcast');
  });

  test('a rejection that nobody handles is reported and does not keep it from loading', async () => {
    const unit = await runner.run(`Promise.reject(new Error('floating'));\ntrace('on')`);
    const error = await unit.command('error');
    assert.equal(error.kind, 'rejection');
    assert.equal(error.message, 'Error: floating');
    assert.match(error.stack, /^Error: floating\n {4}at .*app:\/\/\/test\/main\.ts:1:16/);
    assert.doesNotMatch(error.stack, /node:|isolated-vm|\/src\//);
  });

  test('the application knows itself at top level', async () => {
    const unit = await runner.run(
      `trace(application.name.split('/')[0], application.hostname, application.server, application.config.user.name)
       application.name = 'x'; trace(application.name, application instanceof Application)`,
      { ...classic(), application: { config: { user: { name: 'ann' } } } },
    );
    assert.deepEqual(unit.logs, ['test localhost Understudy/0 ann', 'test/_definst_ true']);
  });
});
