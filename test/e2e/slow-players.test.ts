// Three players of one stream, over real sockets: one that keeps up, one whose line takes half of it, one that stops reading.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import { until } from '../support/core.ts';
import { video } from '../support/media.ts';
import { type Heard, RtmpPeer, statusOf } from '../support/rtmp-peer.ts';
import { startServer } from '../support/server.ts';
import { Throttle } from '../support/throttle.ts';

const FRAME_BYTES = 60_000;
const FRAMES_A_GROUP = 10;
/** Of the time after everything has been shown, when the server only has to lose its patience. */
const SMALL_FRAME_BYTES = 1_000;
/** For the slow ones to be noticed: many times the stall time below, however fast the machine sends meanwhile. */
const PATIENCE_MS = 60_000;
const SETTINGS = `<Application><Client><Backlog>
  <SoftSize>256</SoftSize><SoftTime>100</SoftTime><StallTime>500</StallTime>
</Backlog></Client></Application>`;

/** What it is told before it is let go must not take long. */
const LAST_WORDS =
  '<Root><Server><ResourceLimits><Connection><CloseTimeout>1</CloseTimeout></Connection></ResourceLimits></Server></Root>';

/** A picture with its number at its end. */
function picture(number: number, bytes = FRAME_BYTES): Uint8Array {
  const head = number % FRAMES_A_GROUP === 0 ? video.keyframe() : video.frame();
  const payload = Buffer.alloc(bytes);
  payload.set(head);
  payload.writeUInt32BE(number, bytes - 4);
  return payload;
}

/** Undefined: no picture; -1: the header. */
function numberOf({ media, typeId }: Heard): number | undefined {
  if (!media || typeId !== MessageType.Video) return undefined;
  return media[1] === 0 ? -1 : Buffer.from(media.buffer, media.byteOffset).readUInt32BE(media.length - 4);
}

/** What a player got, in its order. */
function pictures({ heard }: RtmpPeer): number[] {
  return heard.flatMap((one) => numberOf(one) ?? []);
}

function lastPicture({ heard }: RtmpPeer): number | undefined {
  const last = heard.findLast((one) => numberOf(one) !== undefined);
  return last && numberOf(last);
}

test('one keeps up and misses nothing, one at half speed skips to keyframes, one that stops reading is let go', async () => {
  await using server = await startServer({
    applications: { 'live/Application.xml': SETTINGS },
    conf: { 'Server.xml': LAST_WORDS },
  });
  await using publisher = await RtmpPeer.open(server.port);
  const id = await publisher.publish('live', 'show');
  publisher.video(id, 0, video.header());
  publisher.video(id, 0, picture(0));

  await using healthy = await RtmpPeer.open(server.port);
  await healthy.play('live', 'show');
  await using line = await Throttle.to(server.port);
  await using slow = await RtmpPeer.open(line.port);
  await slow.play('live', 'show');
  await using stalled = await RtmpPeer.open(server.port);
  await stalled.play('live', 'show');
  for (const peer of [healthy, slow, stalled]) {
    await until('the first picture', () => pictures(peer).includes(0));
  }
  stalled.socket.pause();
  line.allow(0);

  const isStalledGone = () =>
    server.log.some(
      ({ event, reason }) => event === 'disconnect' && reason === 'the player did not read the stream',
    );
  /** It was told, and has a picture of later. */
  const hasSkipped = () => {
    const told = slow.heard.findLastIndex(
      ({ command }) => statusOf(command)?.code === 'NetStream.Play.InsufficientBW',
    );
    return (
      told >= 0 && slow.heard.slice(told).some((one) => numberOf(one) === -1) && lastPicture(slow) !== -1
    );
  };
  let sent = 1;
  let bytes = FRAME_BYTES;
  const end = performance.now() + PATIENCE_MS;
  while (!isStalledGone() || bytes === FRAME_BYTES) {
    publisher.video(id, sent * 40, picture(sent, bytes));
    line.allow(bytes / 2);
    if (bytes === FRAME_BYTES && hasSkipped()) bytes = SMALL_FRAME_BYTES;
    const last = sent;
    await until('the healthy one to have it', () => lastPicture(healthy) === last);
    sent += 1;
    assert.ok(
      performance.now() < end,
      `after ${sent} pictures ${hasSkipped() ? 'the stalled one is still there' : 'the slow one has skipped nothing'}`,
    );
  }

  // The healthy one: all of it, once, in order.
  assert.deepEqual(pictures(healthy), [-1, ...Array.from({ length: sent }, (_, number) => number)]);
  assert.equal(healthy.summary().includes('NetStream.Play.InsufficientBW'), false);

  // The one at half speed is told, and goes on at a keyframe, its header before it; within a group nothing is missing.
  assert.equal(slow.isClosed, false);
  assert.ok(slow.summary().includes('NetStream.Play.InsufficientBW'));
  const got = pictures(slow);
  for (const [i, number] of got.entries()) {
    if (i === 0 || number === -1) continue;
    const before = got[i - 1]!;
    if (before === -1) assert.equal(number % FRAMES_A_GROUP, 0, `after a header comes ${number}`);
    else assert.equal(number, before + 1, `after ${before} comes ${number}`);
  }
  // The stalled one got what the system had room for, from the beginning and without a gap.
  stalled.socket.resume();
  await until('the end of the stalled one', () => stalled.isClosed);
  const rest = pictures(stalled);
  assert.deepEqual(
    rest,
    rest.map((_, i) => i - 1),
  );
});
