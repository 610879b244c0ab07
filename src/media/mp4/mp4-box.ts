// Boxes: what MP4, MOV and F4V consist of. ISO/IEC 14496-12 §4.2.
import { DecodeError } from '../../errors.ts';
import { ByteReader } from '../../protocol/bytes.ts';

export interface Box {
  readonly type: string;
  /** Without its header. */
  readonly body: Uint8Array;
}

/** What the first bytes of a box say. */
export interface BoxHead {
  readonly type: string;
  readonly headBytes: number;
  /** Head and all; undefined: to the end of the file. */
  readonly bytes: number | undefined;
}

export const BOX_HEAD_BYTES = 16;

// | size u32 | type | [size u64, if the first is 1] |
export function readBoxHead(bytes: Uint8Array): BoxHead {
  const from = new ByteReader(bytes);
  const size = from.u32();
  const type = String.fromCharCode(from.u8(), from.u8(), from.u8(), from.u8());
  if (size === 0) return { type, headBytes: 8, bytes: undefined };
  const headBytes = size === 1 ? 16 : 8;
  const boxBytes = size === 1 ? from.u32() * 0x1_0000_0000 + from.u32() : size;
  if (boxBytes < headBytes || !Number.isSafeInteger(boxBytes)) {
    throw new DecodeError('ERR_MP4_BOX', `a box ${JSON.stringify(type)} of ${boxBytes} bytes`);
  }
  return { type, headBytes, bytes: boxBytes };
}

/** Films have some dozens; each look for one of them goes through all. */
const MAX_INNER_BOXES = 1_000;

/** The boxes in a box. What is behind the last whole one is passed over. */
export function* boxesIn(body: Uint8Array): Generator<Box> {
  let count = 0;
  for (let at = 0; at + 8 <= body.length; ) {
    count += 1;
    if (count > MAX_INNER_BOXES) {
      throw new DecodeError('ERR_MP4_BOX', `more than ${MAX_INNER_BOXES} boxes in a box`);
    }
    const rest = body.subarray(at);
    if (readBoxSize(rest) === 1 && rest.length < BOX_HEAD_BYTES) return;
    const { type, headBytes, bytes = rest.length } = readBoxHead(rest);
    if (bytes > rest.length) return;
    yield { type, body: rest.subarray(headBytes, bytes) };
    at += bytes;
  }
}

function readBoxSize(bytes: Uint8Array): number {
  return new ByteReader(bytes).u32();
}
