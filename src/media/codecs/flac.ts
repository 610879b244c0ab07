// FLAC's decoder configuration: the STREAMINFO block that its sequence header carries. RFC 9639 §8.2.
import { ByteReader } from '../../protocol/bytes.ts';

export interface FlacConfiguration {
  sampleRate: number;
  channels: number;
  /** The metadata blocks, without what stands before them in a file. */
  blocks: Uint8Array;
}

const MARK = 0x664c6143; // fLaC

// | ["fLaC"] | head of the block u32 | sizes of blocks and frames, 10 bytes | rate u20 | channels − 1 u3 | bits − 1 u5 | … |
export function decodeFlacConfiguration(bytes: Uint8Array): FlacConfiguration {
  const blocks = new ByteReader(bytes).u32() === MARK ? bytes.subarray(4) : bytes;
  const r = new ByteReader(blocks);
  r.take(4 + 10);
  const packed = r.u32();
  return { sampleRate: packed >>> 12, channels: ((packed >>> 9) & 7) + 1, blocks };
}
