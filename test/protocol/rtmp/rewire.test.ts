import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { rewireAll } from '../../../src/protocol/rtmp/rewire.ts';
import { buildWireMessage, rewire, type WireMessage } from '../../../src/protocol/rtmp/wire-message.ts';
import { Random } from '../../support/random.ts';

const TYPES = [MessageType.Audio, MessageType.Video, MessageType.DataAmf0] as const;
const LENGTHS = [0, 1, 300, 4_095, 4_096, 59_999, 60_000, 60_001, 130_000];
const TIMES = [0, 40, 0xff_fffe, 0xff_ffff, 0x100_0000, 0xffff_ffff];

function someMessages(random: Random, chunkBytes: number): WireMessage[] {
  return Array.from({ length: random.below(12) }, () => {
    const payload = Buffer.alloc(random.pick(LENGTHS), random.below(256));
    return buildWireMessage({
      ...{ typeId: random.pick(TYPES), timestampMs: random.pick(TIMES), payload, chunkBytes },
    });
  });
}

test('many messages are what each of them is by itself, whatever their lengths, times and chunks', () => {
  const random = new Random(16);
  for (let round = 0; round < 300; round += 1) {
    const messages = someMessages(random, random.pick([128, 4_096, 60_000]));
    const offsetMs = random.pick([0, 1, 0xff_ffff]);
    const streamId = random.pick([2, 0xffff_ffff]);
    const timeOf = ({ timestampMs }: WireMessage) => (timestampMs + offsetMs) >>> 0;
    const each = messages.map((one) => rewire(one, { streamId, timestampMs: timeOf(one) }));
    assert.ok(
      Buffer.concat(rewireAll(messages, { streamId, timeOf })).equals(Buffer.concat(each)),
      `round ${round}`,
    );
  }
});

test('a picture of megabytes takes next to no memory of its own, whatever its time becomes', () => {
  const payload = Buffer.alloc(8 << 20);
  for (const [timestampMs, becomesMs] of [
    [40, 40],
    [40, 0x100_0000],
    [0x100_0000, 0x100_0028],
    [0x100_0000, 0x100_0000],
  ] as const) {
    const picture = buildWireMessage({ typeId: MessageType.Video, timestampMs, payload });
    const pieces = rewireAll([picture], { streamId: 2, timeOf: () => becomesMs });
    const own = pieces.filter(({ buffer }) => buffer !== picture.wire.buffer);
    const ownBytes = own.reduce((sum, { length }) => sum + length, 0);
    assert.ok(ownBytes < 1_000, `${ownBytes} bytes of its own`);
  }
});
