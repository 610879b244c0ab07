// Tracks of a stream in a line: `H.264 High 1920x1080, 25 frames/s, a keyframe every 2 s`, `AAC LC 44.1 kHz stereo`.
import { decimal } from './units.ts';

interface Track {
  id: number;
  codec: string;
  profile?: string;
}
export interface Picture extends Track {
  width?: number;
  height?: number;
  frameRate: { tenSeconds: number };
  keyframeIntervalMs?: number;
}
export interface Sound extends Track {
  sampleRate?: number;
  channels?: number;
}

const CODECS: Readonly<Record<string, string>> = {
  aac: 'AAC',
  av1: 'AV1',
  avc: 'H.264',
  flac: 'FLAC',
  h263: 'H.263',
  hevc: 'HEVC',
  mp3: 'MP3',
  opus: 'Opus',
  pcm: 'PCM',
  speex: 'Speex',
  vp6: 'VP6',
  vp8: 'VP8',
  vp9: 'VP9',
};
const CHANNELS: Readonly<Record<number, string>> = { 1: 'mono', 2: 'stereo', 6: '5.1', 8: '7.1' };

/** `isOneOfMany`: its id tells it from the others. */
export function formatPicture(picture: Picture, isOneOfMany: boolean): string {
  const { width, height, frameRate, keyframeIntervalMs } = picture;
  const size = width === undefined || height === undefined ? '' : ` ${width}x${height}`;
  const frames = frameRate.tenSeconds > 0 ? ` at ${decimal(frameRate.tenSeconds)} frames/s` : '';
  const keyframes =
    keyframeIntervalMs === undefined ? '' : ` with a keyframe every ${decimal(keyframeIntervalMs / 1000)} s`;
  return `${nameOf(picture, isOneOfMany)}${size}${frames}${keyframes}`;
}

export function formatSound(sound: Sound, isOneOfMany: boolean): string {
  const { sampleRate, channels } = sound;
  const rate = sampleRate === undefined ? '' : ` ${decimal(sampleRate / 1000)} kHz`;
  const many = channels === undefined ? '' : ` ${CHANNELS[channels] ?? `${channels} channels`}`;
  return `${nameOf(sound, isOneOfMany)}${rate}${many}`;
}

function nameOf({ id, codec, profile }: Track, isOneOfMany: boolean): string {
  const name = `${CODECS[codec] ?? codec}${profile === undefined ? '' : ` ${profile}`}`;
  return isOneOfMany ? `track ${id} ${name}` : name;
}
