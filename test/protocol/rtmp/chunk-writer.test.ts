import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkReader } from '../../../src/protocol/rtmp/chunk-reader.ts';
import { ChunkWriter } from '../../../src/protocol/rtmp/chunk-writer.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { hex, toHex } from '../../support/hex.ts';
import { ramp } from './chunk.cases.ts';

function assertBytes(actual: Uint8Array, expected: string): void {
  assert.equal(toHex(actual), toHex(hex(expected)));
}

test('Window Acknowledgement Size, Set Peer Bandwidth and Set Chunk Size as servers send them', () => {
  const writer = new ChunkWriter();
  const encode = (typeId: number, payload: string) =>
    writer.encode({ typeId, streamId: 0, timestampMs: 0, payload: hex(payload) }, 2);
  assertBytes(encode(MessageType.WindowAckSize, '002625a0'), '02 000000 000004 05 00000000 002625a0');
  assertBytes(encode(MessageType.SetPeerBandwidth, '002625a002'), '02 000000 000005 06 00000000 002625a0 02');
  assertBytes(encode(MessageType.SetChunkSize, '00001000'), '02 000000 000004 01 00000000 00001000');
});

test('RTMP 1.0 §5.3.2.2: 307 bytes leave in chunks of 128', () => {
  const wire = new ChunkWriter().encode(
    { typeId: 9, streamId: 12346, timestampMs: 1000, payload: ramp(307) },
    4,
  );
  assert.equal(wire.length, 140 + 129 + 52);
  assertBytes(wire.subarray(0, 12), '04 0003e8 000133 09 3a300000');
  assert.equal(wire[140], 0xc4);
  assert.equal(wire[140 + 129], 0xc4);
});

test('an extended timestamp stands in every chunk', () => {
  const writer = new ChunkWriter();
  writer.chunkBytes = 2;
  const wire = writer.encode({ typeId: 20, streamId: 0, timestampMs: 0xfffffffe, payload: hex('010203') }, 3);
  assertBytes(wire, '03 ffffff 000003 14 00000000 fffffffe 0102  c3 fffffffe 03');
});

test('what it writes the reader reads, with chunks of 1 to 300 bytes', () => {
  for (let chunkBytes = 1; chunkBytes <= 300; chunkBytes += 1) {
    const writer = new ChunkWriter();
    const reader = new ChunkReader();
    const announce = new Uint8Array(4);
    new DataView(announce.buffer).setUint32(0, chunkBytes);
    const first = writer.encode({ typeId: 1, streamId: 0, timestampMs: 0, payload: announce }, 2);
    writer.chunkBytes = chunkBytes;
    const sent = [0, 1, 127, 128, 299, 300].map((length, i) => ({
      typeId: 20,
      streamId: i,
      timestampMs: i === 5 ? 0xffffff : i,
      payload: ramp(length),
    }));
    const wire = Buffer.concat([first, ...sent.map((message) => writer.encode(message, 3))]);
    const [, ...got] = [...reader.push(wire)];
    assert.deepEqual(
      got.map((message) => ({ ...message, payload: toHex(message.payload) })),
      sent.map((message) => ({ ...message, payload: toHex(message.payload) })),
    );
  }
});
