// What many viewers need is made once, whatever shape they get it in: the tests bring a shape that the server does not know.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RTMP_CHUNKS, RtmpShape } from '../../../src/application/live/rtmp-shape.ts';
import { Shaped, type ViewerShape, type WireShape } from '../../../src/application/live/shape.ts';
import { Stream } from '../../../src/application/live/stream.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import type { WireMessage } from '../../../src/protocol/rtmp/wire-message.ts';
import { STREAM_OPTIONS } from '../../support/core.ts';
import { FakePlayer, wireMessage } from '../../support/fake-player.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { audio, video } from '../../support/media.ts';

/** A line for each message: its time, and the last byte of its payload. */
class Lines implements ViewerShape, WireShape {
  /** Rows of messages that were put together for everybody, and for one viewer. */
  joins = 0;
  rewrites = 0;

  get shared(): WireShape {
    return this;
  }
  join(messages: readonly WireMessage[]): Buffer {
    this.joins += 1;
    return this.#lines(messages, ({ timestampMs }) => timestampMs);
  }
  rewrite(messages: readonly WireMessage[], timeOf: (message: WireMessage) => number): Buffer[] {
    this.rewrites += 1;
    return [this.#lines(messages, timeOf)];
  }
  #lines(messages: readonly WireMessage[], timeOf: (message: WireMessage) => number): Buffer {
    return Buffer.from(messages.map((one) => `${timeOf(one)} ${one.payload.at(-1)}\n`).join(''));
  }
}

function setUp() {
  const lines = new Lines();
  const stream = new Stream('cam', { ...STREAM_OPTIONS, clock: new ManualClock() });
  const join = (shape: ViewerShape) => {
    const player = new FakePlayer(1, shape);
    return { player, viewer: stream.addPlayer(player) };
  };
  const picture = (ms: number, payload: Uint8Array) =>
    stream.publish(wireMessage(MessageType.Video, ms, payload));
  const text = ({ player }: { player: FakePlayer }) => Buffer.concat(player.writes).toString();
  return { lines, stream, join, picture, text };
}

test('viewers of a second shape share one buffer a flush, and those of RTMP share theirs', () => {
  const { lines, join, picture, text } = setUp();
  const [a, b, c] = [join(lines), join(lines), join(lines)];
  const [d, e] = [join(new RtmpShape(1)), join(new RtmpShape(1))];
  picture(0, video.keyframe(1));
  picture(40, video.frame(2));
  assert.equal(lines.joins, 2, 'one for each flush');
  assert.equal(lines.rewrites, 0);
  for (const at of [0, 1]) {
    assert.equal(a.player.writes[at], b.player.writes[at]);
    assert.equal(a.player.writes[at], c.player.writes[at]);
    assert.equal(d.player.writes[at], e.player.writes[at]);
    assert.notEqual(a.player.writes[at], d.player.writes[at]);
  }
  assert.equal(text(a), '0 1\n40 2\n');
  assert.deepEqual(
    d.player.messages().map(({ timestampMs }) => timestampMs),
    [0, 40],
  );
});

test('joiners of each shape share what they begin with', () => {
  const { lines, join, picture, text } = setUp();
  picture(0, video.keyframe(1));
  picture(40, video.frame(2));
  const [a, b] = [join(lines), join(lines)];
  const [c, d] = [join(new RtmpShape(1)), join(new RtmpShape(1))];
  assert.equal(lines.joins, 1);
  assert.equal(text(a), '0 1\n40 2\n');
  assert.equal(a.player.writes[0], b.player.writes[0]);
  assert.equal(c.player.writes[0], d.player.writes[0]);
});

test('no RTMP is made where nobody wants it, and nothing of a shape that nobody has', () => {
  let chunks = 0;
  const counting: WireShape = {
    join: (messages) => {
      chunks += 1;
      return RTMP_CHUNKS.join(messages);
    },
  };
  const { lines, join, picture } = setUp();
  join({ shared: counting, rewrite: () => [] });
  picture(0, video.keyframe(1));
  assert.equal(chunks, 1);
  assert.equal(lines.joins, 0);
});

test('those that wait for a keyframe share their sound, and one that comes back gets headers before the shared buffer', () => {
  const { lines, stream, join, picture, text } = setUp();
  picture(0, video.header(9));
  picture(10, video.frame(1)); // no keyframe is kept
  const [a, b] = [join(lines), join(lines)];
  lines.joins = 0;
  stream.publish(wireMessage(MessageType.Audio, 20, audio.frame(5)));
  picture(40, video.frame(6));
  assert.equal(lines.joins, 1);
  assert.equal(a.player.writes.at(-1), b.player.writes.at(-1));
  assert.ok(!text(a).includes('40 6'));
  picture(80, video.keyframe(7));
  assert.equal(a.player.writes.at(-1), b.player.writes.at(-1));
  assert.match(text(a), /20 5\n80 7\n$/);

  b.player.queuedBytes = 2 << 20;
  b.player.progress = 1;
  picture(120, video.frame(8));
  b.player.queuedBytes = 0;
  picture(160, video.keyframe(10));
  assert.match(text(b), /80 7\n160 9\n160 10\n$/);
  assert.equal(a.player.writes.at(-1), b.player.writes.at(-1));
});

test('a viewer with times of its own, or that wants no sound, gets bytes of its own in its shape', () => {
  const { lines, stream, join, text } = setUp();
  const player = new FakePlayer(1, lines);
  stream.addPlayer(player, { begins: () => 1_000 });
  const deaf = join(lines);
  deaf.viewer.receiveAudio(false);
  stream.publish(wireMessage(MessageType.Audio, 0, audio.frame(1)));
  stream.publish(wireMessage(MessageType.Video, 0, video.keyframe(2)));
  stream.publish(wireMessage(MessageType.Video, 40, video.frame(3)));
  assert.equal(text({ player }).split('\n').at(-2), '1040 3');
  assert.equal(text(deaf), '0 2\n40 3\n');
  assert.ok(lines.rewrites >= 3);
});

test('a row of messages is made once in each shape, and an empty one in none', () => {
  const [one, two] = [new Lines(), new Lines()];
  const row = new Shaped([wireMessage(MessageType.Video, 0, video.keyframe(1))]);
  for (const shape of [one, two, RTMP_CHUNKS]) assert.equal(row.as(shape), row.as(shape));
  assert.deepEqual([one.joins, two.joins], [1, 1]);
  assert.equal(new Shaped([]).as(one).length, 0);
  assert.equal(one.joins, 1);
});
