import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TestRunner, type TestUnit } from '../../../support/runner.ts';

let runner: TestRunner;
before(async () => {
  runner = await TestRunner.start();
});
after(() => runner[Symbol.asyncDispose]());

/** A client that answers each onBWCheck. How many characters each had; what onBWDone was told. */
async function answerAll(unit: TestUnit): Promise<{ rounds: number[]; done: unknown[] }> {
  const rounds: number[] = [];
  for (;;) {
    await runner.until(() => unit.of('clientCall').length > rounds.length, 'the next round');
    const { name, args, responder } = unit.of('clientCall')[rounds.length]!;
    if (name === 'onBWDone') return { rounds, done: args as unknown[] };
    assert.equal(name, 'onBWCheck');
    rounds.push((args as string[])[0]!.length);
    unit.post({ t: 'callResult', responder: responder!, ok: true, value: rounds.length });
  }
}

test('the script, or the client, has the bandwidth checked by calls that the client answers', async () => {
  for (const isAskedByScript of [true, false]) {
    const code = isAskedByScript
      ? 'application.onConnect = function (c) { application.acceptConnection(c); c.checkBandwidth(); c.checkBandwidth(); };'
      : '';
    const unit = await runner.run(code, { kind: 'classic' });
    await unit.connect('c1').verdict;
    if (!isAskedByScript) await unit.value('checkBandwidth');
    const { rounds, done } = await answerAll(unit);
    assert.equal(rounds[0], 0);
    assert.ok(rounds.length > 2 && rounds.every((size, i) => i === 0 || size > rounds[i - 1]!));
    const [kbps, kilobits, seconds, latencyMs] = done as number[];
    assert.ok(kbps! > 0 && seconds! > 0 && latencyMs! >= 0);
    assert.equal(kilobits, (rounds.at(-1)! * 8) / 1000);
    assert.equal(kbps, Math.round(kilobits! / seconds!));
  }
});

test('a client that does not know how is left alone, and may be asked again', async () => {
  const unit = await runner.run('Client.prototype.go = function () { this.checkBandwidth(); };');
  await unit.connect('c1').verdict;
  for (let i = 1; i <= 2; i++) {
    await unit.value('go');
    await runner.until(() => unit.of('clientCall').length === i, 'the first round');
    const { responder } = unit.of('clientCall').at(-1)!;
    unit.post({ t: 'callResult', responder: responder!, ok: false, value: null });
  }
});

test('a script may have one of its own', async () => {
  const unit = await runner.run('Client.prototype.checkBandwidth = () => 7;');
  await unit.connect('c1').verdict;
  assert.equal(await unit.value('checkBandwidth'), 7);
});
