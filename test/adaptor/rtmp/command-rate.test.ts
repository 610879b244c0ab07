import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandRate } from '../../../src/adaptor/rtmp/command-rate.ts';
import { encodeCommand } from '../../../src/protocol/rtmp/command.ts';
import { Core, until } from '../../support/core.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function rateOf(maxCommandRate: number | undefined) {
  const clock = new ManualClock();
  const heard: string[] = [];
  const rate = new CommandRate({ maxCommandRate, maxCommandWaitMs: 30_000 }, clock, {
    wait: () => heard.push('wait'),
    goOn: () => heard.push('go on'),
    exceeded: () => heard.push('exceeded'),
  });
  return { clock, heard, rate };
}

test('a burst of two seconds’ worth of commands does not wait, and the one behind it does', () => {
  const { clock, heard, rate } = rateOf(100);
  for (let i = 0; i < 200; i += 1) rate.spent(1);
  assert.deepEqual(heard, []);
  rate.spent(1);
  assert.deepEqual(heard, ['wait']);
  clock.advance(25);
  assert.deepEqual(heard, ['wait', 'go on']);
});

test('a client at its rate may go on for ever, and one over it is disconnected after the time that it may be', () => {
  const steady = rateOf(100);
  for (let i = 0; i < 10_000; i += 1) {
    steady.rate.spent(1);
    steady.clock.advance(10);
  }
  assert.deepEqual(steady.heard, []);

  const flood = rateOf(100);
  let runs = 0;
  while (!flood.heard.includes('exceeded')) {
    flood.rate.spent(1);
    runs += 1;
    flood.clock.advance(flood.heard.at(-1) === 'wait' ? 100 : 0);
    assert.ok(runs < 10_000, 'it is never disconnected');
  }
  assert.ok(flood.clock.now() >= 30_000 && flood.clock.now() < 35_000, `${flood.clock.now()}`);
});

test('without a rate nothing waits', () => {
  const { heard, rate } = rateOf(undefined);
  for (let i = 0; i < 100_000; i += 1) rate.spent(10);
  assert.deepEqual(heard, []);
});

test('the command that ends a connection leaves nothing that waits', () => {
  const { clock, heard, rate } = rateOf(100);
  for (let i = 0; i < 200; i += 1) rate.spent(1);
  rate.close();
  rate.spent(1);
  clock.advance(60_000);
  assert.deepEqual(heard, []);
});

test('commands over the rate are run later and in their order, and the socket is not read meanwhile', async () => {
  await using core = await Core.start({ scripted: false, session: { maxCommandRate: 10 } });
  const peer = await core.peer();
  await peer.connect('live');
  for (let i = 2; i <= 60; i += 1) peer.command('_checkbw', i, []);
  await until('the burst', () => answers(peer).length >= 20);
  for (let i = 0; i < 10; i += 1) await new Promise((resolve) => setImmediate(resolve));
  const atOnce = answers(peer).length;
  assert.ok(atOnce <= 22, `${atOnce} commands were run at once`);
  for (let i = 0; answers(peer).length < 59; i += 1) {
    assert.ok(i < 1000);
    core.clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(
    answers(peer),
    Array.from({ length: 59 }, (_, i) => i + 2),
  );
});

test('commands that cannot be read count against the rate as well', async () => {
  await using core = await Core.start({ scripted: false, session: { maxCommandRate: 10 } });
  const peer = await core.peer();
  await peer.connect('live');
  const { typeId, payload } = encodeCommand({ name: 'x', transactionId: 0, object: null, args: ['cut'] }, 0);
  const cut = payload.subarray(0, payload.length - 1);
  for (let i = 0; i < 40; i += 1) peer.send({ typeId, streamId: 0, timestampMs: 0, payload: cut });
  peer.command('_checkbw', 7, []);
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
  await (await core.peer()).connect('live'); // what was sent before has come
  assert.deepEqual(answers(peer), []);
  for (let i = 0; answers(peer).length < 1; i += 1) {
    assert.ok(i < 1000);
    core.clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
});

test('a client that floods with commands is closed, with one line and a count, and the others are served', async () => {
  await using core = await Core.start({
    scripted: false,
    session: { maxCommandRate: 10, maxCommandWaitMs: 1_000 },
  });
  const peer = await core.peer();
  await peer.connect('live');
  for (let i = 2; i <= 2_000; i += 1) peer.command('receiveAudio', 0, [true], 1);
  await until('its end', () => {
    core.clock.advance(100);
    return core.sessionCount === 0;
  });
  const [line, ...more] = core.trouble;
  assert.deepEqual([line?.event, line?.limit, more], ['limit', 'MaxCommandRate', []]);
  assert.equal(core.lines.limitCounts().find(({ limit }) => limit === 'MaxCommandRate')?.count, 1);
  const other = await core.peer();
  assert.equal((await other.connect('live')).name, '_result');
});

function answers({ heard }: { heard: readonly { command?: { name: string; transactionId: number } }[] }) {
  return heard.flatMap(({ command }) =>
    command?.name === '_result' && command.transactionId > 1 ? [command.transactionId] : [],
  );
}
