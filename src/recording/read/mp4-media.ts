// An MP4, MOV or F4V file as a stream: its first picture track and its first sound track that RTMP can say, in the order of
// decoding. Whole files and those of fragments, also while they grow.
import { setImmediate } from 'node:timers/promises';
import { type Place, type Segment, segmentOf } from '../../application/contract/recorded.ts';
import { SeekMark, seekMark } from '../../application/contract/seek-marks.ts';
import { DecodeError, StatusError } from '../../errors.ts';
import { encodeOnMetaData } from '../../media/flv.ts';
import { addFragment, type Movie, type Mp4Track, readMovie, readSamples } from '../../media/mp4/mp4.ts';
import { BOX_HEAD_BYTES, readBoxHead } from '../../media/mp4/mp4-box.ts';
import { Presentation } from '../../media/mp4/mp4-presentation.ts';
import type { AmfObject } from '../../protocol/amf/amf.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import { buildWireMessage, type WireMessage } from '../../protocol/rtmp/wire-message.ts';
import { readPieces } from './disk-packets.ts';
import type { GrowingFile } from './growing.ts';
import { type Reserve, UNBOUNDED } from './index-memory.ts';
import type { Keyframe } from './keyframes.ts';
import { type Media, type ReadableFile, structureInvalid } from './media.ts';
import { type Entry, Mp4Order } from './mp4-order.ts';
import { inSlices } from './slices.ts';

/** A film of many hours has some 20 MB of this; the box of a fragment is small. */
const MAX_MOOV_BYTES = 128 << 20;
const MAX_MOOF_BYTES = 8 << 20;
/** 200,000 fragments: two days of one each second. */
const MAX_BOXES = 400_000;
/** Between two breaks. */
const STEP_BOXES = 500;
const STEP_SAMPLES = 20_000;
/** What is read at a time of a file of many small boxes. */
const WINDOW_BYTES = 8 << 10;
/** The size field of a message has 24 bits, and something stands before the sample. */
const MAX_SAMPLE_BYTES = 0xff_ff00;

const NOTHING = Buffer.alloc(0);

interface Playable {
  readonly track: Mp4Track;
  readonly presentation: Presentation;
}

export class Mp4Media implements Media {
  readonly #file: ReadableFile;
  readonly #growing: GrowingFile | undefined;
  readonly #chunkBytes: number;
  #movie: Movie | undefined;
  #moovAt = 0;
  #tracks: Playable[] = [];
  /** Samples of both tracks as they are sent. */
  readonly #order: Mp4Order;
  readonly #reserve: Reserve;
  /** Added to all times, so that no picture is decoded before 0; undefined: it is not known yet. */
  #shiftMs: number | undefined;
  #lengthMs = 0;
  /** Boxes before are known. */
  #knownTo = 0;
  #boxes = 0;
  #looking: Promise<void> | undefined;
  /** The bytes around the box that is being looked at. */
  #window: { at: number; bytes: Buffer } = { at: 0, bytes: NOTHING };

  private constructor(
    file: ReadableFile,
    growing: GrowingFile | undefined,
    chunkBytes: number,
    reserve: Reserve,
  ) {
    this.#order = new Mp4Order(reserve);
    this.#reserve = reserve;
    this.#file = file;
    this.#growing = growing;
    this.#chunkBytes = chunkBytes;
  }

  static async open(
    file: ReadableFile,
    growing: GrowingFile | undefined,
    chunkBytes: number,
    reserve: Reserve = UNBOUNDED,
  ): Promise<Mp4Media> {
    const media = new Mp4Media(file, growing, chunkBytes, reserve);
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
      this.#window = { at: 0, bytes: NOTHING };
    });
    await this.#looking;
  }

  async #lookOn(): Promise<void> {
    const endAt = this.sizeBytes;
    while (this.#knownTo + 8 <= endAt) {
      this.#boxes += 1;
      if (this.#boxes > MAX_BOXES) throw new DecodeError('ERR_MP4_BOX', `more than ${MAX_BOXES} boxes`);
      const at = this.#knownTo;
      if (this.#boxes % STEP_BOXES === 0) await setImmediate();
      const head = readBoxHead(
        padded(this.#inWindow(at, BOX_HEAD_BYTES) ?? (await this.#bytesAt(at, BOX_HEAD_BYTES))),
      );
      const bytes = head.bytes ?? endAt - at;
      if (at + bytes > endAt && head.type !== 'mdat') break; // it is not whole yet, or was cut off
      if (head.type === 'moov') {
        assertBytes(head.type, bytes, MAX_MOOV_BYTES);
        this.#reserve(bytes); // as long as it is being read
        await this.#takeMovie(await this.#body(at, head, bytes), at);
        this.#reserve(-bytes);
      } else if (head.type === 'moof' && this.#movie) {
        assertBytes(head.type, bytes, MAX_MOOF_BYTES);
        const moof = await this.#body(at, head, bytes);
        await inSlices(addFragment(this.#movie, moof, { moofAt: at, fileBytes: this.sizeBytes }));
        await inSlices(this.#takeSamples());
      }
      this.#knownTo = at + bytes;
    }
    if (!this.isGrowing) await inSlices(this.#takeSamples(true));
  }

  #body(at: number, { headBytes }: { headBytes: number }, bytes: number): Promise<Buffer> {
    return this.#bytesAt(at + headBytes, bytes - headBytes);
  }

  /** Fewer than that only where the file ends. */
  async #bytesAt(at: number, length: number): Promise<Buffer> {
    const known = this.#inWindow(at, length);
    if (known) return known;
    if (length >= WINDOW_BYTES) return this.#file.read(at, length);
    this.#window = { at, bytes: await this.#file.read(at, WINDOW_BYTES) };
    return this.#window.bytes.subarray(0, length);
  }

  #inWindow(at: number, length: number): Buffer | undefined {
    const { at: begin, bytes } = this.#window;
    const isThere = at >= begin && at + length <= begin + bytes.length;
    return isThere ? bytes.subarray(at - begin, at - begin + length) : undefined;
  }

  async #takeMovie(moov: Buffer, at: number): Promise<void> {
    if (this.#movie) return;
    const movie = readMovie(moov, this.#reserve);
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
    for (const track of tracks) await inSlices(readSamples(track, this.sizeBytes));
    for (const track of movie.tracks) track.table = undefined;
    this.#movie = movie;
    this.#moovAt = at;
    this.#tracks = tracks.map((track) => ({ track, presentation: new Presentation(track) }));
    this.#lengthMs = this.#presentedMs() ?? movie.lengthMs;
    await inSlices(this.#takeSamples());
  }

  /** As the edit lists have it; undefined: there are none, or there are fragments, whose length nobody knows. */
  #presentedMs(): number | undefined {
    const isCut = this.#tracks.some(({ presentation }) => presentation.hasList);
    if (!isCut || !this.#tracks.every(({ track }) => track.isWhole)) return undefined;
    return Math.max(...this.#tracks.map(({ presentation }) => presentation.endMs));
  }

  /** Puts the new samples of both tracks into one order. `isLast`: there are no more fragments. */
  *#takeSamples(isLast = false): Generator<void, void> {
    const shiftMs = this.#findShift(isLast);
    while (shiftMs !== undefined) {
      const next = this.#tracks.map(({ track, presentation }) => presentation.peek(isLast || track.isWhole));
      const [a, b] = next;
      const index = b && (!a || b.ms < a.ms) ? 1 : 0;
      const first = next[index];
      if (!first) return;
      const { track, presentation } = this.#tracks[index]!;
      presentation.skip();
      const isVideo = track.kind === 'video';
      this.#order.add(index, first, first.ms + shiftMs, {
        isKey: isVideo && track.samples.isKey(first.sample),
        isSound: !isVideo && !this.hasVideo,
        bytes: track.samples.sizeOf(first.sample),
      });
      this.#lengthMs = Math.max(this.#lengthMs, first.ms);
      if (this.#order.count % STEP_SAMPLES === 0) yield;
    }
  }

  /** Pictures that are seen at 0 are decoded before. */
  #findShift(isLast: boolean): number | undefined {
    if (this.#shiftMs !== undefined) return this.#shiftMs;
    const video = this.#tracks.find(({ track }) => track.kind === 'video');
    if (!video) this.#shiftMs = this.#tracks.length > 0 ? 0 : undefined;
    else {
      const isComplete = isLast || video.track.isWhole;
      const firstMs = video.presentation.firstMs(isComplete);
      if (firstMs !== undefined || isComplete) this.#shiftMs = Math.max(0, -(firstMs ?? 0));
    }
    return this.#shiftMs;
  }

  // ── places ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async keyframeBefore(ms: number): Promise<Place | undefined> {
    await this.#lookAgain();
    const found = this.#order.keyframes.before(ms);
    const first = this.#order.keyframes.from(0);
    return this.#place(found && first && found.at > first.at ? found : undefined);
  }

  async keyframeFrom(ms: number): Promise<Place | undefined> {
    await this.#lookAgain();
    const found = this.#order.keyframes.from(ms);
    return found && this.#place(found);
  }

  async #lookAgain(): Promise<void> {
    if (this.#growing) await this.#look();
  }

  /** At the very beginning a film is played with the sound that may come before its first picture. */
  #place(keyframe: Keyframe | undefined): Place | undefined {
    if (this.#order.count === 0) return undefined;
    const at = keyframe?.at ?? 0;
    const timeMs = keyframe?.timeMs ?? this.#order.of(0).timeMs;
    return {
      at,
      timeMs,
      headers: [this.#metaData(), ...this.#tracks.flatMap((one, i) => this.#header(one, i, at))],
    };
  }

  /** What the decoder of the track needs for its next sample from there on. */
  #header({ track }: Playable, index: number, at: number): WireMessage[] {
    const next = this.#order.near(index, at, 1);
    const description = next === undefined ? 0 : track.samples.of(this.#order.of(next).sample).description;
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
    if (at >= this.#order.count) await this.#lookAgain();
    if (at >= this.#order.count) return undefined;
    const next = Math.min(this.#order.cutBehind(at), this.#order.count);
    const entries = Array.from({ length: next - at }, (_, i) => this.#order.of(at + i));
    const wanted = entries.map(({ track, sample }) => {
      const { at: place, size } = this.#tracks[track]!.track.samples.of(sample);
      if (place < 0 || !Number.isSafeInteger(place))
        throw structureInvalid('a sample is outside of the file');
      return { at: place, size: size > MAX_SAMPLE_BYTES ? 0 : size };
    });
    const pieces = await readPieces(this.#file, wanted);
    const messages: WireMessage[] = [];
    for (const [i, entry] of entries.entries()) {
      const piece = pieces[i];
      if (!piece) return i === 0 ? undefined : segmentOf(messages, at + i); // the file ends before
      if (piece.length > 0) messages.push(...this.#pack(entry, at + i, piece));
    }
    return segmentOf(messages, next);
  }

  #pack(entry: Entry, at: number, piece: Buffer): WireMessage[] {
    const { track } = this.#tracks[entry.track]!;
    const { isKey, description } = track.samples.of(entry.sample);
    const { packing } = track.descriptions[description] ?? {};
    if (!packing) return [];
    const { timeMs, compositionMs, isHidden } = entry;
    const head = packing.frameHead(isKey, compositionMs);
    const frame = this.#message(typeIdOf(track), timeMs, Buffer.concat([head, piece]));
    const before = this.#before(entry, at);
    const isConfigured = before === undefined || track.samples.of(before.sample).description === description;
    const wasHidden = before?.isHidden === true;
    return [
      ...(isConfigured ? [] : this.#configuration(track, description, timeMs)),
      ...(isHidden && !wasHidden ? [seekMark(frame, SeekMark.Begins)] : []),
      ...(wasHidden && !isHidden ? [seekMark(frame, SeekMark.Ends)] : []),
      frame,
    ];
  }

  /** Of the same track what is sent before it. */
  #before(entry: Entry, at: number): Entry | undefined {
    const before = at > 0 ? this.#order.near(entry.track, at - 1, -1) : undefined;
    return before === undefined ? undefined : this.#order.of(before);
  }

  isWhole(at: number, { next }: Segment): boolean {
    return !this.isGrowing || next === this.#order.cutBehind(at);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function assertBytes(type: string, bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) throw new DecodeError('ERR_MP4_BOX', `a box ${type} of ${bytes} bytes`);
}

function padded(bytes: Buffer): Buffer {
  return bytes.length >= BOX_HEAD_BYTES ? bytes : Buffer.concat([bytes, Buffer.alloc(BOX_HEAD_BYTES)]);
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
