// An MP4, MOV or F4V file as a stream: its first picture track and its first sound track that RTMP can say, in the order of
// decoding. Whole files and those of fragments, also while they grow.
import { type Place, type Segment, segmentOf } from '../application/recorded.ts';
import { DecodeError, StatusError } from '../errors.ts';
import { encodeOnMetaData } from '../media/flv.ts';
import { addFragment, type Movie, type Mp4Track, readMovie } from '../media/mp4.ts';
import { BOX_HEAD_BYTES, readBoxHead } from '../media/mp4-box.ts';
import type { AmfObject } from '../protocol/amf.ts';
import { MessageType } from '../protocol/message.ts';
import { buildWireMessage, type WireMessage } from '../protocol/wire-message.ts';
import { readPieces } from './disk-packets.ts';
import type { GrowingFile } from './growing.ts';
import { type Keyframe, Keyframes } from './keyframes.ts';
import { type Media, type ReadableFile, structureInvalid } from './media.ts';

/** A film of many hours has some 20 MB of this; the box of a fragment is small. */
const MAX_MOOV_BYTES = 128 << 20;
const MAX_MOOF_BYTES = 8 << 20;
const MAX_BOXES = 1_000_000;
/** The size field of a message has 24 bits, and something stands before the sample. */
const MAX_SAMPLE_BYTES = 0xff_ff00;
const SEGMENT_BYTES = 256 << 10;
const SEGMENT_SAMPLES = 256;
const SOUND_STEP_MS = 1_000;

interface Playable {
  readonly track: Mp4Track;
  /** How many of its samples are in the order already. */
  taken: number;
}

export class Mp4Media implements Media {
  readonly #file: ReadableFile;
  readonly #growing: GrowingFile | undefined;
  readonly #chunkBytes: number;
  #movie: Movie | undefined;
  #moovAt = 0;
  #tracks: Playable[] = [];
  /** Samples of both tracks in the order in which they are sent: track and number. */
  #order = new Uint32Array(1024);
  #count = 0;
  /** Where segments end, in that order. */
  readonly #cuts: number[] = [];
  #cutBytes = 0;
  readonly #keyframes = new Keyframes();
  #soundMs = Number.NEGATIVE_INFINITY;
  /** Added to all times, so that none is before 0. */
  #shiftMs = 0;
  #lengthMs = 0;
  /** Boxes before are known. */
  #knownTo = 0;
  #boxes = 0;
  #looking: Promise<void> | undefined;

  private constructor(file: ReadableFile, growing: GrowingFile | undefined, chunkBytes: number) {
    this.#file = file;
    this.#growing = growing;
    this.#chunkBytes = chunkBytes;
  }

  static async open(
    file: ReadableFile,
    growing: GrowingFile | undefined,
    chunkBytes: number,
  ): Promise<Mp4Media> {
    const media = new Mp4Media(file, growing, chunkBytes);
    await media.#look();
    if (!media.#movie && !growing) throw new DecodeError('ERR_MP4_BOX', 'a file without a film (moov)');
    return media;
  }

  get path(): string {
    return this.#file.path;
  }
  get sizeBytes(): number {
    return this.#growing?.flushedBytes ?? this.#file.sizeBytes;
  }
  get lengthMs(): number {
    return this.#growing?.flushedMs ?? this.#lengthMs;
  }
  get hasVideo(): boolean {
    return this.#tracks.some(({ track }) => track.kind === 'video');
  }
  get isGrowing(): boolean {
    return this.#growing?.isGrowing === true;
  }

  onGrown(call: () => void): () => void {
    return this.#growing?.onFlushed(call) ?? (() => {});
  }

  // ── what is where ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Reads on, box by box, to the end of what is there. */
  async #look(): Promise<void> {
    this.#looking ??= this.#lookOn().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  async #lookOn(): Promise<void> {
    const endAt = this.sizeBytes;
    while (this.#knownTo + 8 <= endAt) {
      this.#boxes += 1;
      if (this.#boxes > MAX_BOXES) throw new DecodeError('ERR_MP4_BOX', `more than ${MAX_BOXES} boxes`);
      const at = this.#knownTo;
      const head = readBoxHead(padded(await this.#file.read(at, BOX_HEAD_BYTES)));
      const bytes = head.bytes ?? endAt - at;
      if (at + bytes > endAt && head.type !== 'mdat') return; // it is not whole yet, or was cut off
      if (head.type === 'moov') this.#takeMovie(await this.#body(at, head, bytes, MAX_MOOV_BYTES), at);
      else if (head.type === 'moof' && this.#movie) {
        addFragment(this.#movie, await this.#body(at, head, bytes, MAX_MOOF_BYTES), at);
        this.#takeSamples();
      }
      this.#knownTo = at + bytes;
    }
  }

  async #body(
    at: number,
    { type, headBytes }: { type: string; headBytes: number },
    bytes: number,
    maxBytes: number,
  ): Promise<Buffer> {
    if (bytes > maxBytes) throw new DecodeError('ERR_MP4_BOX', `a box ${type} of ${bytes} bytes`);
    return this.#file.read(at + headBytes, bytes - headBytes);
  }

  #takeMovie(moov: Buffer, at: number): void {
    if (this.#movie) return;
    const movie = readMovie(moov);
    const first = (kind: Mp4Track['kind']) =>
      movie.tracks.find((track) => track.kind === kind && track.descriptions.some(({ packing }) => packing));
    const tracks = [first('video'), first('audio')].filter((track) => track !== undefined);
    if (tracks.length === 0) {
      const types = movie.tracks.flatMap(({ descriptions }) =>
        descriptions.map(({ sampleType }) => sampleType),
      );
      throw new StatusError(
        'NetStream.Play.NoSupportedTrackFound',
        `There is nothing in the file that could be played (${types.join(', ') || 'no picture, no sound'}).`,
      );
    }
    this.#movie = movie;
    this.#moovAt = at;
    this.#lengthMs = movie.lengthMs;
    this.#tracks = tracks.map((track) => ({ track, taken: 0 }));
    const earliest = tracks.map((track) => (track.samples.count > 0 ? timeOf(track, 0) : track.shiftMs));
    this.#shiftMs = Math.max(0, -Math.min(...earliest));
    this.#takeSamples();
  }

  /** Puts the new samples of both tracks into one order. */
  #takeSamples(): void {
    const [a, b] = this.#tracks;
    while (a) {
      const aMs = nextMs(a);
      const bMs = b ? nextMs(b) : Number.POSITIVE_INFINITY;
      const ms = Math.min(aMs, bMs);
      if (ms === Number.POSITIVE_INFINITY) return;
      const index = aMs <= bMs ? 0 : 1;
      const playable = this.#tracks[index]!;
      this.#takeSample(playable.track, index, playable.taken, ms + this.#shiftMs);
      playable.taken += 1;
    }
  }

  #takeSample({ kind, samples }: Mp4Track, track: number, sample: number, ms: number): void {
    if (this.#count === this.#order.length) {
      const more = new Uint32Array(this.#count * 2);
      more.set(this.#order);
      this.#order = more;
    }
    this.#order[this.#count] = sample * 2 + track;
    const timeMs = wireTime(ms);
    if (kind === 'video') {
      if (samples.isKey(sample)) this.#keyframes.add(timeMs, this.#count);
    } else if (!this.hasVideo && timeMs - this.#soundMs >= SOUND_STEP_MS) {
      this.#soundMs = timeMs;
      this.#keyframes.add(timeMs, this.#count);
    }
    this.#lengthMs = Math.max(this.#lengthMs, timeMs);
    this.#count += 1;
    this.#cutBytes += samples.sizeOf(sample);
    const inSegment = this.#count - (this.#cuts.at(-1) ?? 0);
    if (this.#cutBytes < SEGMENT_BYTES && inSegment < SEGMENT_SAMPLES) return;
    this.#cutBytes = 0;
    this.#cuts.push(this.#count);
  }

  // ── places ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async keyframeBefore(ms: number): Promise<Place | undefined> {
    await this.#lookAgain();
    const found = this.#keyframes.before(ms);
    const first = this.#keyframes.from(0);
    return this.#place(found && first && found.at > first.at ? found : undefined);
  }

  async keyframeFrom(ms: number): Promise<Place | undefined> {
    await this.#lookAgain();
    const found = this.#keyframes.from(ms);
    return found && this.#place(found);
  }

  async #lookAgain(): Promise<void> {
    if (this.#growing) await this.#look();
  }

  /** At the very beginning a film is played with the sound that may come before its first picture. */
  #place(keyframe: Keyframe | undefined): Place | undefined {
    if (this.#count === 0) return undefined;
    const at = keyframe?.at ?? 0;
    const timeMs = keyframe?.timeMs ?? this.#timeAt(0);
    return {
      at,
      timeMs,
      headers: [this.#metaData(), ...this.#tracks.flatMap((one, i) => this.#header(one, i, at))],
    };
  }

  #timeAt(at: number): number {
    const entry = this.#order[at]!;
    const { track } = this.#tracks[entry & 1]!;
    return wireTime(timeOf(track, entry >>> 1) + this.#shiftMs);
  }

  /** What the decoder of the track needs for its next sample from there on. */
  #header({ track }: Playable, index: number, at: number): WireMessage[] {
    let next = at;
    while (next < this.#count && next < at + SEGMENT_SAMPLES && (this.#order[next]! & 1) !== index) next += 1;
    const entry = this.#order[next];
    const isThere = entry !== undefined && (entry & 1) === index;
    const description = isThere ? track.samples.of(entry >>> 1).description : 0;
    return this.#configuration(track, description, 0);
  }

  #configuration(track: Mp4Track, description: number, timestampMs: number): WireMessage[] {
    const header = track.descriptions[description]?.packing?.header;
    return header ? [this.#message(typeIdOf(track), timestampMs, header)] : [];
  }

  #message(typeId: WireMessage['typeId'], timestampMs: number, payload: Uint8Array): WireMessage {
    return buildWireMessage({ typeId, timestampMs, payload, chunkBytes: this.#chunkBytes });
  }

  #metaData(): WireMessage {
    const entries = describe(
      this.#movie!,
      this.#tracks.map(({ track }) => track),
      this.#moovAt,
    );
    const payload = encodeOnMetaData(entries, this.lengthMs / 1000);
    return this.#message(MessageType.DataAmf0, 0, payload);
  }

  // ── media ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async read(at: number): Promise<Segment | undefined> {
    if (at >= this.#count) await this.#lookAgain();
    if (at >= this.#count) return undefined;
    const next = Math.min(this.#cutBehind(at), this.#count);
    const entries = [...this.#order.subarray(at, next)];
    const samples = entries.map((entry) => this.#tracks[entry & 1]!.track.samples.of(entry >>> 1));
    const wanted = samples.map(({ at: place, size }) => {
      if (place < 0 || !Number.isSafeInteger(place))
        throw structureInvalid('a sample is outside of the file');
      return { at: place, size: size > MAX_SAMPLE_BYTES ? 0 : size };
    });
    const pieces = await readPieces(this.#file, wanted);
    const messages: WireMessage[] = [];
    for (const [i, entry] of entries.entries()) {
      const piece = pieces[i];
      if (!piece) return i === 0 ? undefined : segmentOf(messages, at + i); // the file ends before
      if (piece.length > 0) messages.push(...this.#pack(entry, piece));
    }
    return segmentOf(messages, next);
  }

  #pack(entry: number, piece: Buffer): WireMessage[] {
    const { track } = this.#tracks[entry & 1]!;
    const index = entry >>> 1;
    const { composition, isKey, description } = track.samples.of(index);
    const { packing } = track.descriptions[description] ?? {};
    if (!packing) return [];
    const timestampMs = wireTime(timeOf(track, index) + this.#shiftMs);
    const head = packing.frameHead(isKey, Math.round((composition * 1000) / track.timescale));
    const frame = this.#message(typeIdOf(track), timestampMs, Buffer.concat([head, piece]));
    const before = index > 0 ? track.samples.of(index - 1).description : description;
    return before === description
      ? [frame]
      : [...this.#configuration(track, description, timestampMs), frame];
  }

  #cutBehind(at: number): number {
    let low = 0;
    let high = this.#cuts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#cuts[middle]! <= at) low = middle + 1;
      else high = middle;
    }
    return this.#cuts[low] ?? this.#count;
  }

  isWhole(at: number, { next }: Segment): boolean {
    return !this.isGrowing || next === this.#cutBehind(at);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function padded(bytes: Buffer): Buffer {
  return bytes.length >= BOX_HEAD_BYTES ? bytes : Buffer.concat([bytes, Buffer.alloc(BOX_HEAD_BYTES)]);
}

/** Of its next sample; infinity: there is none. */
function nextMs({ track, taken }: Playable): number {
  return taken < track.samples.count ? timeOf(track, taken) : Number.POSITIVE_INFINITY;
}

/** Decoding time on the film's clock, ms; what the edit list leaves out is before 0. */
function timeOf({ samples, timescale, shiftMs }: Mp4Track, sample: number): number {
  return (samples.dtsOf(sample) * 1000) / timescale + shiftMs;
}

/** Whole, and of 32 bits. */
function wireTime(ms: number): number {
  return Math.min(Math.max(0, Math.round(ms)), 0xffff_ffff);
}

function typeIdOf({ kind }: Mp4Track): WireMessage['typeId'] {
  return kind === 'video' ? MessageType.Video : MessageType.Audio;
}

/** As Flash Media Server describes such a file: codecs by their names. */
function describe({ tracks: all }: Movie, tracks: readonly Mp4Track[], moovPosition: number): AmfObject {
  const entries: AmfObject = { moovPosition };
  for (const { kind, descriptions, samples, timescale } of tracks) {
    const description = descriptions[0]!;
    const { sampleType, width, height, sampleRate, channels } = description;
    if (kind === 'audio') {
      Object.assign(entries, known({ aacaot: description.aacObjectType }), { audiocodecid: sampleType });
      Object.assign(entries, known({ audiosamplerate: sampleRate, audiochannels: channels }));
      continue;
    }
    Object.assign(entries, known({ width, height }), { videocodecid: sampleType });
    Object.assign(entries, known({ avcprofile: description.avcProfile, avclevel: description.avcLevel }));
    const spanS = samples.count > 1 ? (samples.dtsOf(samples.count - 1) - samples.dtsOf(0)) / timescale : 0;
    if (spanS > 0) entries.videoframerate = Math.round(((samples.count - 1) / spanS) * 1000) / 1000;
  }
  entries.trackinfo = all.map(({ duration, timescale, language, descriptions }) => ({
    ...{ length: duration, timescale, language },
    sampledescription: descriptions.map(({ sampleType }) => ({ sampletype: sampleType })),
  }));
  return entries;
}

function known(values: Record<string, number | undefined>): AmfObject {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}
