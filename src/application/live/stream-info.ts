// What a stream consists of, and how much of it comes and goes in a second: one structure for the administration, the command
// line, and whoever else asks. It looks at the first bytes of messages as they pass; decoder configurations are read when they
// come, and nothing here is done for each player.

import { DecodeError } from '../../errors.ts';
import {
  type AudioDetails,
  audioDetails,
  soundDetails,
  type VideoDetails,
  videoDetails,
} from '../../media/details.ts';
import {
  type AudioTag,
  audioTracks,
  holdsManyTracks,
  type MediaTag,
  trackData,
  type VideoTag,
  videoTracks,
} from '../../media/tag.ts';
import { type AmfObject, membersOf } from '../../protocol/amf/amf.ts';
import { decodeData } from '../../protocol/rtmp/command.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import type { WireMessage } from '../../protocol/rtmp/wire-message.ts';
import { type Counter, type Rate, Rates } from './rates.ts';

interface TrackFacts {
  /** Of Enhanced RTMP; 0 for what is in no track. */
  readonly id: number;
  /** `avc`, `hevc`, `aac`; `unknown`, or the FourCC of one that we do not know. */
  readonly codec: string;
}

export interface VideoTrackInfo extends TrackFacts, VideoDetails {
  /** As measured. */
  readonly frameRate: Rate;
  /** Between the two latest keyframes, by their timestamps. */
  readonly keyframeIntervalMs: number | undefined;
}

export interface AudioTrackInfo extends TrackFacts, AudioDetails {}

/** Bytes a second, as on the wire. */
export interface StreamRates {
  readonly audio: Rate;
  readonly video: Rate;
  readonly data: Rate;
  /** All three. */
  readonly in: Rate;
  /** To all players and other servers. */
  readonly out: Rate;
}

/** Ids are the publisher's choice. */
const MAX_TRACKS = 32;
/** Keyframes further apart than that are the two sides of a jump. */
const MAX_INTERVAL_MS = 10 * 60_000;
/** onMetaData that is larger is not looked into. */
const MAX_METADATA_BYTES = 64 << 10;

const UNKNOWN = 'unknown';
const META_DATA = 'onMetaData';

export class StreamInfo {
  readonly #bytesOut: () => number;
  readonly #rates: Rates;
  readonly #audioBytes: Counter;
  readonly #videoBytes: Counter;
  readonly #dataBytes: Counter;
  readonly #outBytes: Counter;
  #bytesOutBefore: number;
  readonly #video = new Map<number, VideoTrack>();
  readonly #audio = new Map<number, AudioTrack>();
  #metaData: WireMessage | undefined;
  #members: AmfObject | undefined;

  /** `bytesOut`: what all players have been sent so far. */
  constructor(bytesOut: () => number) {
    this.#bytesOut = bytesOut;
    this.#bytesOutBefore = bytesOut();
    this.#rates = new Rates(() => this.#countOut());
    this.#audioBytes = this.#rates.counter();
    this.#videoBytes = this.#rates.counter();
    this.#dataBytes = this.#rates.counter();
    this.#outBytes = this.#rates.counter();
  }

  #countOut(): void {
    const now = this.#bytesOut();
    this.#outBytes.count += now - this.#bytesOutBefore;
    this.#bytesOutBefore = now;
  }

  // ── what passes ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Each message, in whatever it is. */
  count({ typeId, wire }: WireMessage, nowMs: number): void {
    this.#rates.advance(nowMs);
    const { length } = wire;
    if (typeId === MessageType.Video) this.#videoBytes.count += length;
    else if (typeId === MessageType.Audio) this.#audioBytes.count += length;
    else this.#dataBytes.count += length;
  }

  /** Bytes that came in the last whole second. */
  get bytesPerSecond(): number {
    return this.#audioBytes.oneSecond + this.#videoBytes.oneSecond + this.#dataBytes.oneSecond;
  }

  /** A video message that is no header. */
  picture(tag: VideoTag | undefined, head: Uint8Array, timestampMs: number): void {
    if (!tag || tag.isSequenceEnd || tag.isCommandFrame) return;
    if (holdsManyTracks(head, tag)) {
      for (const id of videoTracks(head)) this.#videoTrack(id)?.frame(tag.isKeyframe, timestampMs);
      return;
    }
    const track = this.#videoTrack(tag.trackId ?? 0);
    if (!track) return;
    const codec = nameOf(tag);
    if (!track.isOf(codec)) track.configure(codec, {});
    track.frame(tag.isKeyframe, timestampMs);
  }

  /** An audio message that is no header. */
  sound(tag: AudioTag | undefined, head: Uint8Array): void {
    if (!tag || tag.isSequenceEnd) return;
    const track = this.#audioTrack(tag.trackId ?? 0);
    const codec = nameOf(tag);
    if (!track || track.isOf(codec)) return;
    track.configure(codec, tag.fourCc === undefined ? soundDetails(tag.codec, head, tag.dataOffset) : {});
  }

  /** A decoder configuration that is in force. */
  videoHeader(tag: VideoTag, payload: Uint8Array): void {
    if (!tag.isSequenceHeader) return;
    for (const { id, codec, data } of partsOf(tag, payload, videoTracks(payload)))
      this.#videoTrack(id)?.configure(codec ?? nameOf(tag), videoDetails(codec, data));
  }

  audioHeader(tag: AudioTag, payload: Uint8Array): void {
    if (!tag.isSequenceHeader) return;
    for (const { id, codec, data } of partsOf(tag, payload, audioTracks(payload)))
      this.#audioTrack(id)?.configure(codec ?? nameOf(tag), audioDetails(codec, data));
  }

  dataFrame(name: string, message: WireMessage | undefined): void {
    if (name !== META_DATA) return;
    this.#metaData = message;
    this.#members = undefined;
  }

  #videoTrack(id: number): VideoTrack | undefined {
    let track = this.#video.get(id);
    if (!track && this.#video.size < MAX_TRACKS) {
      track = new VideoTrack(id, this.#rates.counter());
      this.#video.set(id, track);
    }
    return track;
  }

  #audioTrack(id: number): AudioTrack | undefined {
    let track = this.#audio.get(id);
    if (!track && this.#audio.size < MAX_TRACKS) {
      track = new AudioTrack(id);
      this.#audio.set(id, track);
    }
    return track;
  }

  /** Something else comes: what is known of the media is of what came before. */
  clear(): void {
    for (const { frames } of this.#video.values()) this.#rates.drop(frames);
    this.#video.clear();
    this.#audio.clear();
    this.dataFrame(META_DATA, undefined);
  }

  /** Its publisher has gone. */
  reset(): void {
    this.clear();
    this.#rates.reset();
    this.#bytesOutBefore = this.#bytesOut();
  }

  // ── for who asks ───────────────────────────────────────────────────────────────────────────────────────────────

  rates(nowMs: number): StreamRates {
    this.#rates.advance(nowMs);
    const [audio, video, data] = [this.#audioBytes.rate, this.#videoBytes.rate, this.#dataBytes.rate];
    return { audio, video, data, in: sum(audio, video, data), out: this.#outBytes.rate };
  }

  /** In the order of their ids. */
  video(nowMs: number): VideoTrackInfo[] {
    this.#rates.advance(nowMs);
    return inOrder(this.#video).map((track, i) => ({
      ...(i === 0 ? this.#pictureSaid() : {}),
      ...track.info,
    }));
  }

  audio(): AudioTrackInfo[] {
    return inOrder(this.#audio).map((track, i) => ({ ...(i === 0 ? this.#soundSaid() : {}), ...track.info }));
  }

  /** What onMetaData says of the first track, for what its configuration does not say. */
  #pictureSaid(): VideoDetails {
    const { width, height } = this.#said();
    return isCount(width) && isCount(height) ? { width, height } : {};
  }

  #soundSaid(): AudioDetails {
    const { audiosamplerate: sampleRate, audiochannels, stereo } = this.#said();
    const channels = audiochannels ?? (typeof stereo === 'boolean' ? Number(stereo) + 1 : undefined);
    return { ...(isCount(sampleRate) && { sampleRate }), ...(isCount(channels) && { channels }) };
  }

  #said(): AmfObject {
    this.#members ??= this.#metaData ? readMetaData(this.#metaData) : {};
    return this.#members;
  }
}

class Track<Details extends object> {
  readonly id: number;
  #codec: string | undefined;
  protected details: Partial<Details> = {};

  constructor(id: number) {
    this.id = id;
  }

  isOf(codec: string): boolean {
    return this.#codec === codec;
  }

  /** `details`: undefined for what cannot be read, which changes nothing. */
  configure(codec: string, details: Partial<Details> | undefined): void {
    if (details === undefined) return;
    this.#codec = codec;
    this.details = details;
  }

  get facts(): TrackFacts {
    return { id: this.id, codec: this.#codec ?? UNKNOWN };
  }
}

class VideoTrack extends Track<VideoDetails> {
  readonly frames: Counter;
  #keyframeMs: number | undefined;
  #intervalMs: number | undefined;

  constructor(id: number, frames: Counter) {
    super(id);
    this.frames = frames;
  }

  frame(isKeyframe: boolean, timestampMs: number): void {
    this.frames.count += 1;
    if (!isKeyframe) return;
    if (this.#keyframeMs !== undefined) {
      const intervalMs = (timestampMs - this.#keyframeMs) | 0;
      this.#intervalMs = intervalMs > 0 && intervalMs <= MAX_INTERVAL_MS ? intervalMs : undefined;
    }
    this.#keyframeMs = timestampMs;
  }

  get info(): VideoTrackInfo {
    const measured = { frameRate: this.frames.rate, keyframeIntervalMs: this.#intervalMs };
    return { ...this.facts, ...this.details, ...measured };
  }
}

class AudioTrack extends Track<AudioDetails> {
  get info(): AudioTrackInfo {
    return { ...this.facts, ...this.details };
  }
}

/** As it is called where it is known; else as its messages call it. */
function nameOf({ codec, fourCc }: MediaTag): string {
  return codec ?? (fourCc !== undefined && /^[\x21-\x7e ]{4}$/.test(fourCc) ? fourCc : UNKNOWN);
}

/** What a header says of each of its tracks. */
function* partsOf(
  tag: MediaTag,
  payload: Uint8Array,
  ids: readonly number[],
): Generator<{ id: number; codec: string | undefined; data: Uint8Array }> {
  let i = 0;
  for (const part of trackData(payload, tag)) {
    const id = ids[i++];
    if (id === undefined) return;
    yield { id, ...part };
  }
}

function inOrder<T>(tracks: ReadonlyMap<number, T>): T[] {
  return [...tracks].sort(([a], [b]) => a - b).map(([, track]) => track);
}

function readMetaData({ typeId, payload }: WireMessage): AmfObject {
  if (payload.length > MAX_METADATA_BYTES) return {};
  try {
    const { values } = decodeData(typeId, payload);
    return values.map(membersOf).find((members) => members !== undefined) ?? {};
  } catch (error) {
    if (error instanceof DecodeError) return {};
    throw error;
  }
}

/** What a publisher says may be anything. */
function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 1e6;
}

function sum(...rates: readonly Rate[]): Rate {
  let oneSecond = 0;
  let tenSeconds = 0;
  for (const rate of rates) {
    oneSecond += rate.oneSecond;
    tenSeconds += rate.tenSeconds;
  }
  return { oneSecond, tenSeconds };
}
