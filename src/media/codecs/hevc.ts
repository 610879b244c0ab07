// H.265's decoder configuration: what an HEVC sequence header carries. ISO/IEC 14496-15 §8.3.3.1; H.265 §7.3.2.2.
import { DecodeError } from '../../errors.ts';
import { ByteReader } from '../../protocol/bytes.ts';
import { BitReader, withoutEmulationPrevention } from './bit-reader.ts';

export interface HevcConfiguration {
  /** 1 Main, 2 Main 10, 3 Main Still Picture, 4 and above the extensions. H.265 §A.3. */
  profile: number;
  /** Thirty times the level: 93 is 3.1. */
  level: number;
  /** What is shown, after cropping. */
  width: number;
  height: number;
}

/** Between the profile and the level: flags of compatibility and of constraints. */
const FLAG_BYTES = 10;
/** Between the level and the count of arrays: formats. */
const FORMAT_BYTES = 9;
const NAL_TYPE_SPS = 33;
/** H.265 §A.4.1: level 6.2 ends at 16 888. */
const MAX_DIMENSION = 0xffff;
const CHROMA_444 = 3;

// | version 1 u8 | space u2 | tier u1 | profile u5 | 10 bytes | level u8 | 9 bytes | array count u8 | { complete u1, 0 u1, NAL unit type u6 | count u16 | { length u16 | NAL unit }… }… |
export function decodeHevcConfiguration(bytes: Uint8Array): HevcConfiguration {
  const r = new ByteReader(bytes);
  r.u8(); // version
  const profile = r.u8() & 0x1f;
  r.take(FLAG_BYTES);
  const level = r.u8();
  r.take(FORMAT_BYTES);
  let sps: Uint8Array | undefined;
  for (let arrays = r.u8(); arrays > 0; arrays -= 1) {
    const type = r.u8() & 0x3f;
    for (let units = r.u16(); units > 0; units -= 1) {
      const unit = r.take(r.u16());
      if (type === NAL_TYPE_SPS) sps ??= unit;
    }
  }
  if (sps === undefined) throw new DecodeError('ERR_HEVC_NO_SPS', 'an HEVC configuration without an SPS');
  return { profile, level, ...decodeSpsDimensions(sps) };
}

/** `unit` is a whole NAL unit, its header of two bytes included. */
function decodeSpsDimensions(unit: Uint8Array): Pick<HevcConfiguration, 'width' | 'height'> {
  const r = new BitReader(withoutEmulationPrevention(unit.subarray(2)));
  r.skip(4); // sps_video_parameter_set_id
  const subLayers = r.bits(3);
  r.skip(1); // sps_temporal_id_nesting_flag
  skipProfileTierLevel(r, subLayers);
  r.ue(); // sps_seq_parameter_set_id
  const chromaFormat = r.ue();
  if (chromaFormat === CHROMA_444) r.skip(1); // separate_colour_plane_flag
  const codedWidth = r.ue();
  const codedHeight = r.ue();
  const [left, right, top, bottom] = r.flag() ? [r.ue(), r.ue(), r.ue(), r.ue()] : [0, 0, 0, 0];
  const cropX = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1;
  const cropY = chromaFormat === 1 ? 2 : 1;
  const width = codedWidth - (left + right) * cropX;
  const height = codedHeight - (top + bottom) * cropY;
  if (width < 1 || height < 1 || width > MAX_DIMENSION || height > MAX_DIMENSION) {
    throw new DecodeError('ERR_HEVC_DIMENSIONS', `an SPS of ${width} × ${height} pixels`);
  }
  return { width, height };
}

const PROFILE_BITS = 88;
const LEVEL_BITS = 8;

/** H.265 §7.3.3. */
function skipProfileTierLevel(r: BitReader, subLayers: number): void {
  r.skip(PROFILE_BITS + LEVEL_BITS);
  const present: [profile: boolean, level: boolean][] = [];
  for (let i = 0; i < subLayers; i += 1) present.push([r.flag(), r.flag()]);
  if (subLayers > 0) r.skip(2 * (8 - subLayers));
  for (const [profile, level] of present) r.skip((profile ? PROFILE_BITS : 0) + (level ? LEVEL_BITS : 0));
}
