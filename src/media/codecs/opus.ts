// Opus's decoder configuration: the identification header that its sequence header carries. RFC 7845 §5.1.
import { DecodeError } from '../../errors.ts';
import { ByteReader } from '../../protocol/bytes.ts';

export interface OpusConfiguration {
  channels: number;
  /** Samples at 48 kHz to be thrown away at the beginning. */
  preSkip: number;
  /** Of the sound before it was encoded; it is played at 48 kHz whatever that was. */
  inputRate: number;
  /** dB in Q7.8, as its 16 bits stand there. */
  gain: number;
  /** The channel mapping: its family and what follows. */
  mapping: Uint8Array;
}

export const OPUS_RATE = 48_000;

// | "OpusHead" | version u8 | channels u8 | pre-skip u16 LE | input rate u32 LE | gain i16 LE | mapping… |
export function decodeOpusConfiguration(bytes: Uint8Array): OpusConfiguration {
  const r = new ByteReader(bytes);
  if (r.u32() !== 0x4f707573 || r.u32() !== 0x48656164)
    throw new DecodeError('ERR_OPUS_HEAD', 'an Opus configuration without OpusHead');
  r.u8(); // version
  const channels = r.u8();
  if (channels === 0) throw new DecodeError('ERR_OPUS_HEAD', 'Opus of 0 channels');
  const preSkip = swap16(r.u16());
  const inputRate = r.u32le();
  const gain = swap16(r.u16());
  return { channels, preSkip, inputRate, gain, mapping: r.take(r.remaining) };
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}
