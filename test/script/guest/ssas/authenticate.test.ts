import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TestRunner } from '../../../support/runner.ts';

let runner: TestRunner;
before(async () => {
  runner = await TestRunner.start();
});
after(() => runner[Symbol.asyncDispose]());

async function verdictOf(expression: string) {
  const unit = await runner.run(`application.onAuthenticate = function (user) { return ${expression} }`);
  const { id, op, ...verdict } = await unit.authenticate('ann').verdict;
  return { verdict, errors: unit.of('error') };
}

const UNKNOWN = { accepted: false, reason: 'unknown user' };

test('a password, or the hash of either scheme, now or later, is passed on', async () => {
  for (const [expression, secret] of [
    ['user + 1', { kind: 'plain', password: 'ann1' }],
    ['Promise.resolve(user)', { kind: 'plain', password: 'ann' }],
    ['({ salt: "s", hash: "h" })', { kind: 'adobe', salt: 's', hash: 'h' }],
    ['({ ha1: "h" })', { kind: 'llnw', hash: 'h' }],
  ] as const) {
    const { verdict, errors } = await verdictOf(expression);
    assert.deepEqual(verdict, { accepted: true, secret }, expression);
    assert.deepEqual(errors, []);
  }
});

test('nothing, null and false mean that there is no such user; so does a script without a handler', async () => {
  for (const expression of ['undefined', 'null', 'false', 'Promise.resolve()']) {
    assert.deepEqual(await verdictOf(expression), { verdict: UNKNOWN, errors: [] }, expression);
  }
  const unit = await runner.run('');
  const { accepted } = await unit.authenticate('ann').verdict;
  assert.equal(accepted, false);
});

test('whatever else it returns is reported, without saying what it was', async () => {
  for (const expression of [
    '""',
    '7',
    'true',
    '({ password: "hunter2" })',
    '["hunter2"]',
    '({ salt: "hunter2" })',
  ]) {
    const { verdict, errors } = await verdictOf(expression);
    assert.deepEqual(verdict, UNKNOWN, expression);
    assert.equal(errors.length, 1);
    assert.equal(errors[0]!.kind, 'verdict');
    assert.match(errors[0]!.message, /^returned neither a password/);
    assert.doesNotMatch(JSON.stringify(errors), /hunter2/);
  }
});

test('an error of the handler, of its promise or of a getter is reported, and there is no such user', async () => {
  const broken = '({ get salt() { throw new Error("boom") } })';
  for (const expression of ['nowhere.to.be.found', 'Promise.reject(new Error("boom"))', broken]) {
    const { verdict, errors } = await verdictOf(expression);
    assert.deepEqual(verdict, UNKNOWN, expression);
    assert.equal(errors[0]?.where, 'onAuthenticate');
  }
});

test('a handler that computes for too long has no answer but "unknown"', async () => {
  const { verdict } = await verdictOf('(() => { for (;;); })()');
  assert.deepEqual(verdict, UNKNOWN);
});
