import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from '../../../src/errors.ts';
import { decodeControl, encodeControl, isControlType } from '../../../src/protocol/rtmp/control.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { codecCases } from '../../support/codec.ts';
import { hex } from '../../support/hex.ts';
import { controlCases } from './control.cases.ts';

for (const entry of controlCases) {
  const typeId = entry.value?.typeId ?? MessageType.UserControl;
  codecCases(
    { decode: (wire) => decodeControl(typeId, wire), encode: (message) => encodeControl(message!) },
    [entry],
  );
}

function refusal(typeId: 1 | 6, wire: string, code: string): void {
  assert.throws(
    () => decodeControl(typeId, hex(wire)),
    (error: unknown) => error instanceof DecodeError && error.code === code,
  );
}

test('a chunk size of zero, or with the top bit set, is refused', () => {
  refusal(MessageType.SetChunkSize, '00 00 00 00', 'ERR_RTMP_CHUNK_SIZE');
  refusal(MessageType.SetChunkSize, '80 00 00 00', 'ERR_RTMP_CHUNK_SIZE');
});

test('a limit type beyond dynamic is refused', () => {
  refusal(MessageType.SetPeerBandwidth, '00 26 25 a0 03', 'ERR_RTMP_LIMIT_TYPE');
});

test('types 1 to 6 are control messages, media and commands are not', () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 20].filter(isControlType), [1, 2, 3, 4, 5, 6]);
});
