import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkReader } from '../../../src/protocol/rtmp/chunk-reader.ts';
import { ChunkWriter } from '../../../src/protocol/rtmp/chunk-writer.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';

test('who leaves a push behind a message is given back what follows, and the next push goes on there', () => {
  const writer = new ChunkWriter();
  const messages = Array.from({ length: 40 }, (_, i) => ({
    typeId: MessageType.CommandAmf0,
    streamId: 1,
    timestampMs: i === 20 ? 0x0100_0000 : i,
    payload: new Uint8Array(i * 11).fill(i),
  }));
  const bytes = Buffer.concat(messages.map((message, i) => writer.encode(message, 3 + (i % 5))));
  for (const pieceBytes of [1, 7, 150, bytes.length]) {
    const reader = new ChunkReader();
    const read: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      let input: Uint8Array | undefined = Uint8Array.from(bytes.subarray(at, at + pieceBytes));
      while (input) {
        let unread: Uint8Array | undefined;
        for (const { payload } of reader.push(input)) {
          read.push(Uint8Array.from(payload));
          unread = reader.takeUnread();
          break;
        }
        input = unread;
      }
    }
    assert.deepEqual(
      read,
      messages.map(({ payload }) => payload),
    );
    assert.equal(reader.bytesReceived, bytes.length);
  }
});

test('who has read all of a push is given nothing back', () => {
  const writer = new ChunkWriter();
  const message = {
    typeId: MessageType.CommandAmf0,
    streamId: 1,
    timestampMs: 0,
    payload: new Uint8Array(100),
  };
  const bytes = Buffer.concat([writer.encode(message, 3), writer.encode(message, 3).subarray(0, 50)]);
  const reader = new ChunkReader();
  assert.equal([...reader.push(bytes)].length, 1);
  assert.equal(reader.takeUnread(), undefined);
  assert.equal(reader.bytesReceived, bytes.length);
});
