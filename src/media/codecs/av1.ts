// AV1's decoder configuration: what its sequence header carries in RTMP. "AV1 Codec ISO Media File Format Binding" §2.3.3;
// AV1 Bitstream & Decoding Process Specification §5.3, §5.5.
import { DecodeError } from '../../errors.ts';
import { BitReader } from './bit-reader.ts';

export interface Av1Configuration {
  /** 0 Main, 1 High, 2 Professional. */
  profile: number;
  /** 4 × (major − 2) + minor: 5 is 3.1. 31: none. */
  level: number;
}

const VERSION = 1;
const HEAD_BYTES = 4;
const OBU_SEQUENCE_HEADER = 1;

// | marker 1 u1 | version 1 u7 | profile u3 | level u5 | formats u8 | delay u8 | OBUs… |
export function decodeAv1Configuration(bytes: Uint8Array): Av1Configuration {
  const r = new BitReader(bytes);
  const marker = r.bits(8);
  if (marker !== (0x80 | VERSION))
    throw new DecodeError('ERR_AV1_VERSION', 'an AV1 configuration of another version than 1');
  const profile = r.bits(3);
  const level = r.bits(5);
  r.skip(16); // formats, delay
  return { profile, level };
}

/** E-RTMP v2, Mpeg2TsSequenceStart: tag 80 and length 4 of an AV1 video descriptor stand before the same bytes. */
export function withoutDescriptor(carried: Uint8Array): Uint8Array {
  return carried[0] === 0x80 && carried[1] === 4 ? carried.subarray(2) : carried;
}

/** Of the largest picture, as the sequence header inside a configuration says; undefined where there is none. */
export function av1Size(configuration: Uint8Array): { width: number; height: number } | undefined {
  const header = sequenceHeaderIn(configuration.subarray(HEAD_BYTES));
  return header && readSize(new BitReader(header));
}

// | 0 u1 | type u4 | extension u1 | has size u1 | 0 u1 | [extension u8] | [size leb128] | … |
function sequenceHeaderIn(bytes: Uint8Array): Uint8Array | undefined {
  let at = 0;
  while (at < bytes.length) {
    const head = bytes[at]!;
    at += head & 0x04 ? 2 : 1;
    let size = bytes.length - at;
    if (head & 0x02) {
      size = 0;
      for (let shift = 0; shift < 28; shift += 7) {
        const byte = bytes[at++] ?? 0;
        size += (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
    }
    if (((head >>> 3) & 0x0f) === OBU_SEQUENCE_HEADER) return bytes.subarray(at, at + size);
    at += size;
  }
  return undefined;
}

/** AV1 §5.5.1. */
function readSize(r: BitReader): { width: number; height: number } {
  r.skip(3 + 1); // seq_profile, still_picture
  if (r.flag())
    r.skip(5); // reduced_still_picture_header: seq_level_idx alone
  else skipOperatingPoints(r);
  const widthBits = r.bits(4) + 1;
  const heightBits = r.bits(4) + 1;
  return { width: r.bits(widthBits) + 1, height: r.bits(heightBits) + 1 };
}

function skipOperatingPoints(r: BitReader): void {
  const delayBits = r.flag() ? readTiming(r) : undefined;
  const hasDisplayDelay = r.flag();
  for (let points = r.bits(5) + 1; points > 0; points -= 1) {
    r.skip(12); // operating_point_idc
    if (r.bits(5) > 7) r.skip(1); // seq_level_idx, seq_tier
    if (delayBits !== undefined && r.flag()) r.skip(2 * delayBits + 1);
    if (hasDisplayDelay && r.flag()) r.skip(4);
  }
}

/** The length of delays in operating points; undefined: those have none. */
function readTiming(r: BitReader): number | undefined {
  r.skip(32 + 32); // num_units_in_display_tick, time_scale
  if (r.flag()) r.ue(); // num_ticks_per_picture_minus_1
  if (!r.flag()) return undefined;
  const delayBits = r.bits(5) + 1;
  r.skip(32 + 5 + 5); // num_units_in_decoding_tick, lengths of other times
  return delayBits;
}
