// Many recordings: what they leave behind is counted.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { h264Clip } from '../../support/ffmpeg.ts';
import { Desk, messagesOf } from '../../support/recording-desk.ts';

/** Two minutes of it: UNDERSTUDY_SOAK_ROUNDS=60. */
const ROUNDS = Number(process.env.UNDERSTUDY_SOAK_ROUNDS ?? 2);
const RECORDINGS = 50;
/** What a heap is larger or smaller by chance. */
const HEAP_SLACK_BYTES = 6 << 20;

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

test('recordings that start and stop leave no descriptor and no memory behind', async (t) => {
  if (process.platform !== 'linux') return t.skip('counts descriptors as Linux shows them');
  await using desk = new Desk();
  const messages = messagesOf(await h264Clip()).filter(({ timestampMs }) => timestampMs < 2_500);
  const round = async () => {
    const recordings = Array.from({ length: RECORDINGS }, (_, i) =>
      desk.open({
        stream: i % 2 === 0 ? `cam${i}` : `mp4:cam${i}`,
        mode: i % 4 < 2 ? 'record' : 'append',
        segmentS: 2,
      }),
    );
    for (const message of messages) for (const recording of recordings) recording.take([message]);
    for (const recording of recordings) recording.close();
    await desk.finished();
    assert.deepEqual(desk.events, []);
    desk.completed.length = 0;
    desk.log.records.length = 0;
    collect();
  };
  await round();
  await round();
  const before = { descriptors: descriptors(), heap: process.memoryUsage().heapUsed };
  for (let i = 0; i < ROUNDS; i += 1) await round();
  assert.ok(
    descriptors() <= before.descriptors,
    `${descriptors()} descriptors, ${before.descriptors} before`,
  );
  const grown = process.memoryUsage().heapUsed - before.heap;
  assert.ok(grown < HEAP_SLACK_BYTES, `the heap has grown by ${grown} bytes`);
  assert.equal(desk.clock.pending, 0);
});
