// H.264's decoder configuration: what an AVC sequence header carries. ISO/IEC 14496-15 §5.3.3.1; H.264 §7.3.2.1.1.
import { DecodeError } from '../../errors.ts';
import { ByteReader } from '../../protocol/bytes.ts';
import { BitReader, withoutEmulationPrevention } from './bit-reader.ts';

export interface AvcConfiguration {
  /** 66 Baseline, 77 Main, 100 High … */
  profile: number;
  /** constraint_set flags. */
  compatibility: number;
  /** Ten times the level: 31 is 3.1. */
  level: number;
  /** Bytes of the length in front of each NAL unit: 1, 2 or 4. */
  nalLengthBytes: number;
  sps: Uint8Array[];
  pps: Uint8Array[];
  /** What is shown, after cropping. */
  width: number;
  height: number;
}

// | 1 | profile u8 | compatibility u8 | level u8 | 111111 u6 | length bytes − 1 u2 | 111 u3 | SPS count u5 |
// | { length u16 | SPS }… | PPS count u8 | { length u16 | PPS }… | chroma and bit depth, for some profiles |
export function decodeAvcConfiguration(bytes: Uint8Array): AvcConfiguration {
  const r = new ByteReader(bytes);
  const version = r.u8();
  if (version !== 1)
    throw new DecodeError('ERR_AVC_VERSION', `AVC configuration version ${version} is not 1`);
  const profile = r.u8();
  const compatibility = r.u8();
  const level = r.u8();
  const nalLengthBytes = (r.u8() & 0x03) + 1;
  if (nalLengthBytes === 3) throw new DecodeError('ERR_AVC_LENGTH_BYTES', 'NAL unit lengths of 3 bytes');
  const sps = readUnits(r, r.u8() & 0x1f);
  const pps = readUnits(r, r.u8());
  if (sps[0] === undefined) throw new DecodeError('ERR_AVC_NO_SPS', 'AVC configuration without an SPS');
  return { profile, compatibility, level, nalLengthBytes, sps, pps, ...decodeSpsDimensions(sps[0]) };
}

function readUnits(r: ByteReader, count: number): Uint8Array[] {
  return Array.from({ length: count }, () => r.take(r.u16()));
}

/** Profiles whose SPS describes chroma, bit depth and scaling. H.264 §7.3.2.1.1. */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

const NAL_TYPE_SPS = 7;
/** Level 6.2, the highest, ends at 16 880. H.264 table A-1. */
const MAX_DIMENSION = 0xffff;
const CHROMA_444 = 3;

/** `unit` is a whole NAL unit, its header byte included. */
export function decodeSpsDimensions(unit: Uint8Array): { width: number; height: number } {
  const nalType = (unit[0] ?? 0) & 0x1f;
  if (nalType !== NAL_TYPE_SPS)
    throw new DecodeError('ERR_AVC_NOT_SPS', `NAL unit type ${nalType} is not an SPS`);
  const r = new BitReader(withoutEmulationPrevention(unit.subarray(1)));
  const profile = r.bits(8);
  r.skip(16); // constraint flags, level
  r.ue(); // seq_parameter_set_id
  let chromaFormat = 1;
  let hasSeparatePlanes = false;
  if (HIGH_PROFILES.has(profile)) {
    chromaFormat = r.ue();
    if (chromaFormat === CHROMA_444) hasSeparatePlanes = r.flag();
    r.ue(); // bit_depth_luma_minus8
    r.ue(); // bit_depth_chroma_minus8
    r.skip(1); // qpprime_y_zero_transform_bypass_flag
    if (r.flag()) skipScalingLists(r, chromaFormat === CHROMA_444 ? 12 : 8);
  }
  r.ue(); // log2_max_frame_num_minus4
  skipPictureOrderCount(r);
  r.ue(); // max_num_ref_frames
  r.skip(1); // gaps_in_frame_num_value_allowed_flag
  const widthInMbs = r.ue() + 1;
  const heightInMapUnits = r.ue() + 1;
  const isFrameMbsOnly = r.bit();
  if (isFrameMbsOnly === 0) r.skip(1); // mb_adaptive_frame_field_flag
  r.skip(1); // direct_8x8_inference_flag
  const [left, right, top, bottom] = r.flag() ? [r.ue(), r.ue(), r.ue(), r.ue()] : [0, 0, 0, 0];
  // Cropping counts in chroma samples, and in lines of a field when there are fields. H.264 §7.4.2.1.1.
  const isSubsampled = !hasSeparatePlanes && chromaFormat > 0;
  const cropX = isSubsampled && chromaFormat < CHROMA_444 ? 2 : 1;
  const cropY = (isSubsampled && chromaFormat === 1 ? 2 : 1) * (2 - isFrameMbsOnly);
  const width = widthInMbs * 16 - (left + right) * cropX;
  const height = heightInMapUnits * 16 * (2 - isFrameMbsOnly) - (top + bottom) * cropY;
  if (width < 1 || height < 1 || width > MAX_DIMENSION || height > MAX_DIMENSION) {
    throw new DecodeError('ERR_AVC_DIMENSIONS', `an SPS of ${width} × ${height} pixels`);
  }
  return { width, height };
}

/** H.264 §7.3.2.1.1.1: only how many bits they take matters here. */
function skipScalingLists(r: BitReader, count: number): void {
  for (let list = 0; list < count; list += 1) {
    if (!r.flag()) continue;
    let last = 8;
    for (let i = 0; i < (list < 6 ? 16 : 64); i += 1) {
      last = (last + r.se() + 256) & 0xff;
      if (last === 0) break; // the rest repeats
    }
  }
}

function skipPictureOrderCount(r: BitReader): void {
  const type = r.ue();
  if (type === 0) r.ue(); // log2_max_pic_order_cnt_lsb_minus4
  if (type !== 1) return;
  r.skip(1); // delta_pic_order_always_zero_flag
  r.se(); // offset_for_non_ref_pic
  r.se(); // offset_for_top_to_bottom_field
  const cycle = r.ue();
  for (let i = 0; i < cycle; i += 1) r.se();
}
