// NetStream.play2: a playlist changed without a break; and how long a live stream is played.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AmfObject, AmfValue } from '../../../src/protocol/amf/amf.ts';
import { Cinema, type Visitor } from '../../support/cinema.ts';
import { flvFile } from '../../support/flv.ts';
import { audio, video } from '../../support/media.ts';
import { type RtmpPeer, statusOf } from '../../support/rtmp-peer.ts';

const PAD = { small: 10, large: 300 };

async function cinema(): Promise<Cinema> {
  const at = await Cinema.open();
  at.put('low.flv', flvFile({ ms: 20_000, gopMs: 2_000, padBytes: PAD.small }).bytes);
  at.put('high.flv', flvFile({ ms: 20_000, gopMs: 2_000, padBytes: PAD.large }).bytes);
  return at;
}

function play2(visitor: Visitor, options: Record<string, AmfValue>): void {
  visitor.say('play2', { oldStreamName: '', start: -2_000, len: -1_000, ...options });
}

/** Times of the pictures of each size: what came of which stream. */
function pictures(visitor: Visitor): { low: number[]; high: number[] } {
  const of = (size: number) =>
    visitor.peer.heard.flatMap(({ media, timestampMs }) => (media?.length === 6 + size ? [timestampMs] : []));
  return { low: of(PAD.small), high: of(PAD.large) };
}

function transitions(visitor: Visitor): unknown[] {
  return visitor.peer.heard.flatMap(({ command, data }) => {
    const info =
      statusOf(command) ?? (data?.name === 'onPlayStatus' ? (data.values[0] as AmfObject) : undefined);
    return String(info?.code).includes('Transition')
      ? [[String(info!.code).replace('NetStream.Play.', ''), info!.details, info!.reason].filter(Boolean)]
      : [];
  });
}

function assertOnward(times: readonly number[]): void {
  assert.deepEqual(
    times.toSorted((a, b) => a - b),
    times,
  );
}

for (const transition of ['switch', 'swap']) {
  test(`S-26: ${transition} from file to file happens at a keyframe, and time goes on`, async () => {
    await using at = await cinema();
    const visitor = await at.visitor('low', 0);
    await visitor.pass(1_000);
    play2(visitor, { streamName: 'high', oldStreamName: 'low', transition });
    await visitor.quiet();
    assert.deepEqual(transitions(visitor), [['Transition', 'high', 'NetStream.Transition.Success']]);
    await visitor.untilEvent('Play.Stop');
    const { low, high } = pictures(visitor);
    assert.deepEqual([low.at(-1), high[0]], [3_960, 4_000]);
    assertOnward(visitor.times());
    assert.equal(low.length + high.length, 500);
    assert.deepEqual(transitions(visitor)[1], ['TransitionComplete', 'high']);
    assert.deepEqual(
      at.core
        .script()
        .told('play', 'stopPlay')
        .map(({ event, stream }) => `${event} ${stream}`),
      ['play low', 'stopPlay low', 'play high', 'stopPlay high'],
    );
  });
}

test('S-26: with an offset the new stream begins at the keyframe behind it, though more was sent already', async () => {
  await using at = await cinema();
  const visitor = await at.visitor();
  visitor.buffer(9_000);
  visitor.say('play', 'low', 0);
  await visitor.quiet();
  play2(visitor, { streamName: 'high', offset: 3.5, transition: 'switch' });
  await visitor.quiet();
  assert.deepEqual([pictures(visitor).low.at(-1), pictures(visitor).high[0]], [9_000, 4_000]);
});

test('without a keyframe ahead the switch is forced, and time goes on all the same', async () => {
  await using at = await cinema();
  at.put('short.flv', flvFile({ ms: 2_000, gopMs: 2_000, padBytes: PAD.large }).bytes);
  const visitor = await at.visitor('low', 0);
  await visitor.pass(3_000);
  play2(visitor, { streamName: 'short', transition: 'switch' });
  await visitor.untilEvent('Play.Stop');
  assert.deepEqual(transitions(visitor)[1], ['Transition', 'short', 'NetStream.Transition.Forced']);
  assertOnward(visitor.times());
  assert.equal(pictures(visitor).high.length, 50);
});

test('what is not there is not switched to, and the old stream goes on', async () => {
  await using at = await cinema();
  const visitor = await at.visitor('low', 0);
  await visitor.quiet();
  play2(visitor, { streamName: 'none', transition: 'switch' });
  const { details } = await visitor.peer.expectStatus('NetStream.Play.Failed');
  assert.equal(details, 'none');
  await visitor.untilEvent('Play.Stop');
  assert.equal(pictures(visitor).low.length, 500);
});

async function publish(
  at: Cinema,
  name: string,
): Promise<{ peer: RtmpPeer; send: (ms: number, pad: number, isKey: boolean) => Promise<void> }> {
  const { peer, id } = await at.core.publisher(name);
  return {
    peer,
    async send(ms, pad, isKey) {
      const head = (isKey ? video.keyframe() : video.frame()).subarray(0, 5);
      peer.video(id, ms, Buffer.concat([head, Buffer.alloc(pad), Uint8Array.of(1)]));
      peer.audio(id, ms, audio.frame());
      await peer.settle();
    },
  };
}

test('S-26: live, the switch is at the next keyframe of the new stream; synchronous times are kept', async () => {
  await using at = await Cinema.open();
  const [low, high] = [await publish(at, 'low'), await publish(at, 'high')];
  const visitor = await at.visitor('low', -1_000);
  await visitor.peer.expectStatus('NetStream.Play.Start');
  for (let ms = 1_000_000; ms < 1_006_000; ms += 500) {
    const isKey = ms % 2_000 === 0;
    at.core.clock.advance(500);
    await low.send(ms, PAD.small, isKey);
    await high.send(ms, PAD.large, isKey);
    if (ms !== 1_002_500) continue;
    play2(visitor, { streamName: 'high', transition: 'switch', start: -1_000 });
    await visitor.quiet();
  }
  at.core.clock.advance(100);
  await visitor.quiet();
  const got = pictures(visitor);
  assert.deepEqual([got.low.at(-1), got.high[0], got.high.at(-1)], [1_004_000, 1_004_000, 1_005_500]);
  assertOnward(visitor.times());
  assert.equal(transitions(visitor).length, 2);
});

test('live, another programme goes on behind the time of the one before', async () => {
  await using at = await Cinema.open();
  const [low, high] = [await publish(at, 'low'), await publish(at, 'high')];
  const visitor = await at.visitor('low', -1_000);
  await visitor.peer.expectStatus('NetStream.Play.Start');
  await low.send(90_000, PAD.small, true);
  await visitor.quiet();
  play2(visitor, { streamName: 'high', transition: 'swap', start: -1_000 });
  await visitor.quiet();
  for (const [ms, isKey] of [
    [0, true],
    [40, false],
  ] as const)
    await high.send(ms, PAD.large, isKey);
  await visitor.pass(100);
  const got = pictures(visitor);
  assert.deepEqual(
    got.high.map((ms) => ms > 90_000 && ms < 90_100),
    [true, true],
  );
  assertOnward(visitor.times());
});

test('live, a keyframe that does not come is not waited for longer than is configured', async () => {
  await using at = await Cinema.open();
  const [low, high] = [await publish(at, 'low'), await publish(at, 'high')];
  await low.send(0, PAD.small, true);
  await high.send(0, PAD.large, true);
  const visitor = await at.visitor('low', -1_000);
  await visitor.peer.expectStatus('NetStream.Play.Start');
  await visitor.quiet();
  play2(visitor, { streamName: 'high', transition: 'switch', start: -1_000 });
  await visitor.quiet();
  assert.equal(pictures(visitor).high.length, 0);
  await visitor.pass(10_000);
  assert.equal(pictures(visitor).high.length, 1);
  assert.deepEqual(transitions(visitor)[1], ['Transition', 'high', 'NetStream.Transition.Forced']);
});

test('from a file to live, and back', async () => {
  await using at = await cinema();
  const live = await publish(at, 'cam');
  const visitor = await at.visitor('low', 0);
  await visitor.quiet();
  play2(visitor, { streamName: 'cam', transition: 'swap', start: -1_000 });
  await visitor.quiet();
  await live.send(500_000, PAD.large, true);
  await visitor.pass(100);
  play2(visitor, { streamName: 'low', transition: 'swap', start: 4_000 });
  await visitor.untilEvent('Play.Stop');
  assertOnward(visitor.times());
  assert.equal(pictures(visitor).high.length, 1);
  assert.equal(pictures(visitor).low.filter((ms) => ms > 2_001).length, 400);
});

test('append, appendAndWait, stop and reset change the playlist', async () => {
  await using at = await cinema();
  at.put('a.flv', flvFile({ ms: 400 }).bytes);
  at.put('b.flv', flvFile({ ms: 400 }).bytes);
  const visitor = await at.visitor();
  play2(visitor, { streamName: 'a', transition: 'appendAndWait' });
  await visitor.pass(1_000);
  assert.deepEqual(visitor.times(), []);
  play2(visitor, { streamName: 'b', transition: 'append' });
  await visitor.untilEvent('Play.Stop');
  const started = () =>
    visitor.peer.heard.flatMap(({ command }) => {
      const status = statusOf(command);
      return status?.code === 'NetStream.Play.Start' ? [status.details] : [];
    });
  assert.deepEqual(started(), ['a', 'b']);
  play2(visitor, { streamName: 'low', transition: 'reset' });
  await visitor.quiet();
  play2(visitor, { streamName: 'b', transition: 'append' });
  play2(visitor, { streamName: 'a', oldStreamName: 'b', transition: 'swap' });
  play2(visitor, { streamName: 'low', transition: 'stop' });
  await visitor.quiet();
  assert.deepEqual(started().slice(2), ['low', 'a']);
});

test('resume goes on from where another connection was cut off, without a Reset', async () => {
  await using at = await cinema();
  const visitor = await at.visitor();
  play2(visitor, { streamName: 'low', offset: 6, transition: 'resume' });
  await visitor.quiet();
  assert.ok(!visitor.events().includes('Play.Reset'));
  assert.equal(visitor.media()[0], '0v150');
});

for (const [options, why] of [
  [{ streamName: 'low' }, 'without a transition'],
  [{ streamName: 7, transition: 'switch' }, 'of no name'],
  [{ streamName: 'low', transition: 'dissolve' }, 'of an unknown transition'],
] as [Record<string, AmfValue>, string][]) {
  test(`play2 ${why} fails`, async () => {
    await using at = await cinema();
    const visitor = await at.visitor();
    play2(visitor, options);
    await visitor.peer.expectStatus('NetStream.Play.Failed');
  });
}

test('a live stream is played as long as was asked for', async () => {
  await using at = await Cinema.open();
  const live = await publish(at, 'cam');
  const visitor = await at.visitor('cam', -1_000, 2_000);
  await visitor.peer.expectStatus('NetStream.Play.Start');
  for (let ms = 70_000; ms <= 73_000; ms += 500) {
    await live.send(ms, PAD.small, ms % 2_000 === 0);
    at.core.clock.advance(100);
  }
  await visitor.untilEvent('Play.Stop');
  assert.equal(visitor.lastMs, 71_500);
  assert.deepEqual(at.core.script().told('stopPlay').length, 1);
});
