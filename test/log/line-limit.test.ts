import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineLimit } from '../../src/log/line-limit.ts';
import { keepingLog } from '../support/core.ts';
import { ManualClock } from '../support/manual-clock.ts';

function setUp() {
  const clock = new ManualClock();
  const limit = new LineLimit(clock);
  const lines: string[] = [];
  const say = (kind: string, address: string, text = '') =>
    limit.line(kind, address, (repeats) => lines.push(`${kind} ${address}${text} +${repeats}`));
  return { clock, limit, lines, say };
}

test('the first line is written at once, its repetitions within the second as one line with their number', () => {
  const { clock, lines, say } = setUp();
  for (let i = 0; i < 5; i++) say('refused', '10.0.0.1', `#${i}`);
  assert.deepEqual(lines, ['refused 10.0.0.1#0 +0']);
  clock.advance(1000);
  assert.deepEqual(lines, ['refused 10.0.0.1#0 +0', 'refused 10.0.0.1#4 +3']);
});

test('a flood has one line in each second, and its end leaves no timer', () => {
  const { clock, lines, say } = setUp();
  for (let ms = 0; ms < 5000; ms += 10) {
    say('refused', '10.0.0.1');
    clock.advance(10);
  }
  assert.equal(lines.length, 6);
  clock.advance(2000);
  assert.equal(clock.pending, 0);
  const counted = lines.reduce((sum, line) => sum + 1 + Number(/\+(\d+)$/.exec(line)![1]), 0);
  assert.equal(counted, 500);
});

test('a second without repetitions ends without a line', () => {
  const { clock, lines, say } = setUp();
  say('refused', '10.0.0.1');
  clock.advance(1000);
  say('refused', '10.0.0.1');
  assert.deepEqual(lines, ['refused 10.0.0.1 +0', 'refused 10.0.0.1 +0']);
});

test('kinds and addresses have a line each', () => {
  const { lines, say } = setUp();
  say('refused', '10.0.0.1');
  say('refused', '10.0.0.2');
  say('unreadable', '10.0.0.1');
  assert.equal(lines.length, 3);
});

test('a flood from very many addresses keeps few of them', () => {
  const { clock, lines, say } = setUp();
  for (let i = 0; i < 10_000; i++) say('refused', `10.0.${i >> 8}.${i & 255}`);
  assert.equal(lines.length, 257);
  assert.equal(clock.pending, 257);
  clock.advance(1000);
  assert.match(lines.at(-1)!, /\+9742$/);
});

test('closing says what was counted, once', () => {
  const { clock, limit, lines, say } = setUp();
  say('refused', '10.0.0.1');
  say('refused', '10.0.0.1');
  limit.close();
  clock.advance(5000);
  assert.deepEqual(lines, ['refused 10.0.0.1 +0', 'refused 10.0.0.1 +0']);
  assert.equal(clock.pending, 0);
});

test('a limit that is reached has a bounded line with its name, and counts each time', () => {
  const { clock, limit } = setUp();
  const { log, records } = keepingLog();
  for (let i = 0; i < 4; i++)
    limit.limit('MaxDataDepth', '10.0.0.1', { log, ip: '10.0.0.1' }, 'a message was refused');
  clock.advance(1000);
  assert.deepEqual(
    records.map(({ event, limit: name, ip, repeats, msg }) => ({ event, name, ip, repeats, msg })),
    [
      {
        event: 'limit',
        name: 'MaxDataDepth',
        ip: '10.0.0.1',
        repeats: undefined,
        msg: 'a message was refused (limit: MaxDataDepth)',
      },
      {
        event: 'limit',
        name: 'MaxDataDepth',
        ip: '10.0.0.1',
        repeats: 2,
        msg: 'a message was refused (limit: MaxDataDepth)',
      },
    ],
  );
  const counts = new Map(limit.limitCounts().map(({ limit: name, count }) => [name, count]));
  assert.equal(counts.get('MaxDataDepth'), 4);
  assert.equal(counts.get('MaxDataValues'), 0);
});
