import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkReader } from '../../../src/protocol/rtmp/chunk-reader.ts';
import { ChunkWriter } from '../../../src/protocol/rtmp/chunk-writer.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { buildWireMessage, retimed, rewire, WireMessage } from '../../../src/protocol/rtmp/wire-message.ts';
import { hex, toHex } from '../../support/hex.ts';
import { ramp } from './chunk.cases.ts';

function assertBytes(actual: Uint8Array, expected: string): void {
  assert.equal(toHex(actual), toHex(hex(expected)));
}

test('a built message is what the reader would have made of it', () => {
  for (const length of [0, 5, 4096, 60_000, 60_001, 150_000]) {
    for (const timestampMs of [7, 0x0123_4567]) {
      const payload = ramp(length);
      const built = buildWireMessage({ typeId: MessageType.Video, timestampMs, payload });
      const wire = new ChunkWriter().encode({ typeId: 9, streamId: 1, timestampMs, payload }, 4);
      const [received] = [...new ChunkReader().push(wire)];
      assert.ok(received instanceof WireMessage);
      assert.equal(toHex(built.wire), toHex(received.wire));
      assert.deepEqual({ ...built, wire: undefined }, { ...received, wire: undefined });
    }
  }
});

test('each kind has its chunk stream: audio 4, data 5, video and aggregates 6', () => {
  const csidOf = (typeId: 8 | 9 | 15 | 18 | 22) =>
    buildWireMessage({ typeId, timestampMs: 0, payload: ramp(1) }).wire[0];
  assert.deepEqual(
    [8, 15, 18, 9, 22].map((typeId) => csidOf(typeId as 8)),
    [4, 5, 5, 6, 6],
  );
});

test('the payload of a message in one chunk is a view, and so is every head', () => {
  const small = buildWireMessage({ typeId: 9, timestampMs: 0x0100_0000, payload: ramp(60_000) });
  assert.equal(small.payload.buffer, small.wire.buffer);
  assert.deepEqual(Buffer.from(small.payload), Buffer.from(ramp(60_000)));
  const large = buildWireMessage({
    typeId: 9,
    timestampMs: 0x0100_0000,
    payload: ramp(300),
    chunkBytes: 128,
  });
  assert.equal(large.head.buffer, large.wire.buffer);
  assert.deepEqual(Buffer.from(large.head), Buffer.from(ramp(128)));
});

test('the payload of a message in several chunks is put together once', () => {
  for (const timestampMs of [0, 0x0100_0000]) {
    for (const chunkBytes of [1, 99, 100, 128, 299]) {
      const message = buildWireMessage({ typeId: 9, timestampMs, payload: ramp(300), chunkBytes });
      assert.equal(toHex(message.payload), toHex(ramp(300)));
      assert.equal(message.payload, message.payload);
    }
  }
});

test('rewire, retimed: other message stream, clock and chunk size', () => {
  const message = buildWireMessage({ typeId: 8, timestampMs: 16, payload: hex('af01aabbccdd') });
  assertBytes(message.wire, '04 000010 000006 08 01000000 af01aabbccdd');
  assertBytes(rewire(message, { streamId: 3 }), '04 000010 000006 08 03000000 af01aabbccdd');
  assertBytes(
    rewire(retimed(message, 0xffffff), { streamId: 0x01020304, chunkBytes: 4 }),
    '04 ffffff 000006 08 04030201 00ffffff af01aabb  c4 00ffffff ccdd',
  );
  assertBytes(message.wire, '04 000010 000006 08 01000000 af01aabbccdd');
});
