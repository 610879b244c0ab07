// What scripts take: measured in the isolate and around it, told once a second.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ScriptMetrics, type ScriptUsage } from '../../../src/application/accounts/script-metrics.ts';
import { DecodeError } from '../../../src/errors.ts';
import { parseUsage } from '../../../src/script/process/usage.ts';
import {
  FrameType,
  HANDLER_BOUNDS_MS,
  HEARTBEAT_MS,
  MAX_HANDLER_NAMES,
  OTHER_HANDLERS,
  TURN_BOUNDS_MS,
} from '../../../src/script/wire/wire.ts';
import { TestRunner, type TestUnit } from '../../support/runner.ts';

const BOUNDS = { turnMs: TURN_BOUNDS_MS, handlerMs: HANDLER_BOUNDS_MS };

describe('what a script has used', { timeout: 60_000 }, () => {
  let runner: TestRunner;
  before(async () => {
    runner = await TestRunner.start();
  });
  after(() => runner[Symbol.asyncDispose]());

  function usages({ id }: TestUnit): ScriptUsage[] {
    const frames = runner.frames.filter(({ type, unit }) => type === FrameType.Usage && unit === id);
    return frames.map(({ body }) => parseUsage(body));
  }

  /** All that the unit has told so far, once that fits. */
  async function metrics(unit: TestUnit, fits: (metrics: ScriptMetrics) => boolean): Promise<ScriptMetrics> {
    const sum = () => {
      const all = new ScriptMetrics(BOUNDS);
      const meter = all.isolate();
      for (const usage of usages(unit)) meter.used(usage);
      return all;
    };
    await runner.until(() => fits(sum()), 'that usage');
    return sum();
  }

  test('is told by handler and turn, with its time of a processor and its memory', async () => {
    const unit = await runner.run(`
      application.onConnect = () => true;
      Client.prototype.spin = (ms) => { const end = Date.now() + ms; while (Date.now() < end); return 1 };
      Client.prototype.throws = () => { throw new Error('x') };
      Client.prototype.waits = async () => { await null; await null; return 1 };`);
    await unit.connect().verdict;
    await unit.value('spin', 60);
    await unit.call('throws');
    await unit.value('waits');
    const all = await metrics(unit, ({ handlers }) => handlers.has('client.waits'));
    assert.deepEqual([...all.handlers].map(([name, { count }]) => [name, count]).sort(), [
      ['client.spin', 1],
      ['client.throws', 1],
      ['client.waits', 1],
      ['onConnect', 1],
    ]);
    const spin = all.handlers.get('client.spin')!;
    assert.ok(spin.sumMs >= 59 && spin.quantileMs(1) >= 100, JSON.stringify(spin));
    assert.ok(all.turns.count >= 5 && all.turns.sumMs >= 59, JSON.stringify(all.turns));
    assert.ok(all.cpuMs >= 30, `${all.cpuMs} ms`);
    assert.ok(all.heapBytes > 100_000 && all.heapBytes < 64 << 20, `${all.heapBytes} bytes`);
  });

  test('counts what was cut short', async () => {
    const unit = await runner.run(
      'Client.prototype.hang = () => { for (;;); }; application.onConnect = () => true;',
      {
        limits: { turnMs: 300 },
      },
    );
    await unit.connect().verdict;
    await unit.call('hang');
    const { handlers } = await metrics(unit, (all) => all.handlers.has('client.hang'));
    assert.equal(handlers.get('client.hang')!.count, 1);
    assert.ok(handlers.get('client.hang')!.sumMs >= 290);
  });

  test('has so many names and no more, whatever scripts call their methods', async () => {
    const unit = await runner.run(`
      application.onConnect = (client) => { for (let i = 0; i < 200; i++) client['m' + i] = () => 1; return true };`);
    await unit.connect().verdict;
    await Promise.all(Array.from({ length: 200 }, (_, i) => unit.value(`m${i}`)));
    const { handlers } = await metrics(unit, ({ handlers: known }) => {
      let count = 0;
      for (const one of known.values()) count += one.count;
      return count === 201;
    });
    assert.ok(handlers.size <= MAX_HANDLER_NAMES + 1);
    assert.ok(handlers.get(OTHER_HANDLERS)!.count >= 150);
  });

  test('is not told while it does nothing, and told at once when it ends', async () => {
    const unit = await runner.run(
      'Client.prototype.hang = () => { for (;;); }; application.onConnect = () => true;',
      {
        // Longer than from one beat to the next: the last turn is cut short while what the one before it used is told.
        limits: { turnMs: 3 * HEARTBEAT_MS },
      },
    );
    await unit.connect().verdict;
    await metrics(unit, ({ handlers }) => handlers.has('onConnect'));
    const told = usages(unit).length;
    const { beats } = runner;
    await runner.until(() => runner.beats >= beats + 6, 'six beats');
    assert.equal(usages(unit).length, told);
    for (let i = 0; i < 3; i += 1) void unit.call('hang').catch(() => {});
    assert.equal((await unit.dead()).kind, 'timeouts');
    const { handlers } = await metrics(unit, () => true);
    assert.equal(handlers.get('client.hang')!.count, 3);
  });

  test('is a DecodeError when it is not what it should be', () => {
    const turns = { counts: [1], sumMs: 1 };
    const good = { cpuMs: 1, turns, handlers: { a: turns } };
    assert.equal(parseUsage(Buffer.from(JSON.stringify(good))).turns.sumMs, 1);
    for (const bad of [
      null,
      { ...good, cpuMs: -1 },
      { ...good, heapBytes: 'x' },
      { ...good, turns: { counts: new Array(99).fill(1), sumMs: 1 } },
      { ...good, turns: { counts: [1e300], sumMs: 1 } },
      { ...good, handlers: [null] },
      { ...good, handlers: { a: { counts: 'x', sumMs: 1 } } },
    ]) {
      assert.throws(() => parseUsage(Buffer.from(JSON.stringify(bad))), DecodeError, JSON.stringify(bad));
    }
  });
});
