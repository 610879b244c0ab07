// The decoder configuration of VP8 and VP9. "VP Codec ISO Media File Format Binding", VPCodecConfigurationRecord.
import { ByteReader } from '../../protocol/bytes.ts';

export interface VpConfiguration {
  profile: number;
  /** Ten times the level: 31 is 3.1. 0: unknown. */
  level: number;
}

/** Version and flags of the box around it, which some senders leave out. */
const BOX_HEAD = [1, 0, 0, 0];

// | [1 u8 | flags u24] | profile u8 | level u8 | depth u4 | chroma u3 | range u1 | primaries u8 | transfer u8 | matrix u8 |
// | size u16 | data… |
export function decodeVpConfiguration(bytes: Uint8Array): VpConfiguration {
  const r = new ByteReader(bytes);
  if (BOX_HEAD.every((byte, i) => bytes[i] === byte)) r.take(BOX_HEAD.length);
  const profile = r.u8();
  const level = r.u8();
  r.take(4); // formats and colours
  r.take(r.u16());
  return { profile, level };
}
