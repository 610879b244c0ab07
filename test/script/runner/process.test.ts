import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeBody } from '../../../src/script/wire/frames.ts';
import { FrameType, type HelloBody } from '../../../src/script/wire/wire.ts';
import { TestRunner } from '../../support/runner.ts';

const LOOP_FOR_EVER = `
  Client.prototype.trap = () => {
    const error = new Error('x');
    Object.defineProperty(error, 'message', { get() { for (;;); } });
    Promise.reject(error);
  }`;

describe('the runner', () => {
  test('says hello and lets its heart be heard', async () => {
    await using runner = await TestRunner.start();
    const hello = decodeBody(runner.frames[0]!.body) as HelloBody;
    assert.equal(hello.pid, runner.process.pid);
    assert.match(hello.node, /^v\d+/);
    await runner.until(() => runner.beats >= 3, 'three heartbeats');
  });

  test('ends when its channel closes, with a script running and one stuck', async () => {
    await using runner = await TestRunner.start();
    const unit = await runner.run(LOOP_FOR_EVER);
    await unit.connect('c1').verdict;
    unit.post({ t: 'call', id: 9, client: 'c1', name: 'trap', args: [], wantsResult: true });
    await runner.until(
      () => runner.frames.some(({ type, unit: at }) => type === FrameType.Turn && at === unit.id),
      'the turn',
    );
    runner.channel.destroy();
    await runner.ended;
  });

  test('goes on at SIGINT, SIGTERM and SIGHUP: the media process decides', async () => {
    await using runner = await TestRunner.start();
    process.kill(runner.process.pid!, 'SIGTERM');
    process.kill(runner.process.pid!, 'SIGINT');
    process.kill(runner.process.pid!, 'SIGHUP');
    const before = runner.beats;
    await runner.until(() => runner.beats > before + 1, 'its heart');
    const unit = await runner.run('');
    assert.equal((await unit.connect().verdict).accepted, true);
  });

  test('ends with a message when the media side talks nonsense', async () => {
    await using runner = await TestRunner.start();
    runner.channel.write(Buffer.from([0, 0, 0, 5, 99, 0, 0, 0, 0]));
    await runner.ended;
    assert.match(runner.stderr, /frame of type 99/);
  });

  test('unloads a unit: its timers fire no more, and events for it go nowhere', async () => {
    await using runner = await TestRunner.start();
    const unit = await runner.run(`setInterval(() => trace('tick'), 1)`);
    await unit.command('log');
    unit.unload();
    unit.post({ t: 'disconnect', client: 'x' });
    // The next unit's answer comes behind whatever the old one had still sent.
    await runner.run('');
    const ticks = unit.logs.length;
    await sleep(30);
    await runner.run('');
    assert.equal(unit.logs.length, ticks);
  });

  test('loads units side by side, each with globals of its own', async () => {
    await using runner = await TestRunner.start();
    const units = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        runner.run(`globalThis.shared ??= '${name}'; Client.prototype.mine = () => shared`),
      ),
    );
    for (const unit of units) await unit.connect().verdict;
    assert.deepEqual(await Promise.all(units.map((unit) => unit.value('mine'))), ['a', 'b', 'c']);
  });

  test('serves many instances in turn', async () => {
    await using runner = await TestRunner.start();
    const units = await Promise.all(
      Array.from({ length: 20 }, () => runner.run('Client.prototype.n = (n) => n + 1')),
    );
    await Promise.all(units.map((unit) => unit.connect().verdict));
    const sums = await Promise.all(
      units.map(async (unit) => {
        let n = 0;
        for (let i = 0; i < 20; i++) n = (await unit.value('n', n)) as number;
        return n;
      }),
    );
    assert.deepEqual(new Set(sums), new Set([20]));
  });
});
