// An MP3 file as a stream of sound.
import { type Place, type Segment, segmentOf } from '../application/recorded.ts';
import { DecodeError } from '../errors.ts';
import { encodeOnMetaData } from '../media/flv.ts';
import { id3Bytes, MP3_HEAD_BYTES, type Mp3Frame, readId3, readMp3Frame } from '../media/mp3.ts';
import { encodeData } from '../protocol/command.ts';
import { MessageType } from '../protocol/message.ts';
import { buildWireMessage, type WireMessage } from '../protocol/wire-message.ts';
import { Keyframes } from './keyframes.ts';
import type { Media, ReadableFile } from './media.ts';

const BLOCK_BYTES = 64 << 10;
/** Where a player can begin, and where segments end. */
const STEP_MS = 1_000;
const SEGMENT_STEPS = 4;
const MAX_TAG_BYTES = 1 << 20;
/** What may stand between two frames that is none. */
const MAX_RUBBISH_BYTES = 1 << 20;
/** MP3, 44 kHz, 16 bits, stereo: what it really is its frames say. FLV 10.1 §E.4.2.1. */
const MP3_TAG = 0x2f;

export class Mp3Media implements Media {
  readonly isGrowing = false;
  readonly hasVideo = false;
  readonly #file: ReadableFile;
  readonly #chunkBytes: number;
  readonly #tagsOnly: boolean;
  #tags: WireMessage | undefined;
  #first: Mp3Frame | undefined;
  /** A frame each second: its time, and where it is. */
  readonly #steps = new Keyframes();
  #knownTo = 0;
  #samples = 0;
  #rubbishBytes = 0;
  #looking: Promise<void> | undefined;

  private constructor(file: ReadableFile, chunkBytes: number, tagsOnly: boolean) {
    this.#file = file;
    this.#chunkBytes = chunkBytes;
    this.#tagsOnly = tagsOnly;
  }

  /** `tagsOnly`: what its ID3 tag says, and none of the sound. */
  static async open(file: ReadableFile, chunkBytes: number, tagsOnly: boolean): Promise<Mp3Media> {
    const media = new Mp3Media(file, chunkBytes, tagsOnly);
    const tagBytes = id3Bytes(await file.read(0, 10));
    if (tagBytes > 0) {
      const texts = readId3(await file.read(0, Math.min(tagBytes, MAX_TAG_BYTES)));
      media.#tags = media.#data('onId3', texts);
    }
    media.#knownTo = tagBytes;
    await media.#look(() => media.#first !== undefined);
    if (!media.#first) throw new DecodeError('ERR_MP3_FRAME', 'a file without a frame of MP3');
    return media;
  }

  #data(name: string, value: ReturnType<typeof readId3>): WireMessage {
    const { payload } = encodeData({ name, values: [value] }, 0);
    return buildWireMessage({
      typeId: MessageType.DataAmf0,
      timestampMs: 0,
      payload,
      chunkBytes: this.#chunkBytes,
    });
  }

  get path(): string {
    return this.#file.path;
  }
  get sizeBytes(): number {
    return this.#file.sizeBytes;
  }

  /** Exact once all of it is known; before that it is as long as if its rate were the same all over. */
  get lengthMs(): number {
    if (this.#tagsOnly || !this.#first) return 0;
    const restBytes = Math.max(0, this.sizeBytes - this.#knownTo);
    return Math.round(this.#knownMs + (restBytes * 8_000) / this.#first.bitrate);
  }

  get #knownMs(): number {
    return this.#first ? (this.#samples * 1000) / this.#first.sampleRate : 0;
  }

  onGrown(): () => void {
    return () => {};
  }

  isWhole(): boolean {
    return true;
  }

  // ── what is where ──────────────────────────────────────────────────────────────────────────────────────────────

  async #look(isEnough: () => boolean): Promise<void> {
    while (!isEnough() && this.#knownTo + MP3_HEAD_BYTES <= this.sizeBytes) {
      const before = this.#knownTo;
      this.#looking ??= this.#lookAtBlock().finally(() => {
        this.#looking = undefined;
      });
      await this.#looking;
      if (this.#knownTo === before) return;
    }
  }

  async #lookAtBlock(): Promise<void> {
    const begin = this.#knownTo;
    const block = await this.#file.read(begin, BLOCK_BYTES);
    let at = 0;
    while (at + MP3_HEAD_BYTES <= block.length) {
      const frame = readMp3Frame(block, at);
      if (frame) {
        this.#first ??= frame;
        if (this.#knownMs - (this.#steps.last?.timeMs ?? -STEP_MS) >= STEP_MS) {
          this.#steps.add(this.#knownMs, begin + at);
        }
        this.#samples += frame.samples;
        at += frame.bytes;
      } else {
        this.#rubbishBytes += 1; // a tag at the end, or damage
        if (this.#rubbishBytes > MAX_RUBBISH_BYTES) {
          throw new DecodeError('ERR_MP3_FRAME', 'a file that is not MP3 for the most part');
        }
        at += 1;
      }
    }
    this.#knownTo = begin + at;
  }

  async keyframeBefore(ms: number): Promise<Place | undefined> {
    await this.#look(() => this.#knownMs > ms);
    return this.#place(this.#steps.before(ms) ?? this.#steps.from(0));
  }

  async keyframeFrom(ms: number): Promise<Place | undefined> {
    await this.#look(() => (this.#steps.last?.timeMs ?? -1) >= ms);
    return this.#place(this.#steps.from(ms));
  }

  #place(step: { timeMs: number; at: number } | undefined): Place | undefined {
    if (!step || !this.#first) return undefined;
    const { channels, sampleRate } = this.#first;
    const payload = encodeOnMetaData(
      { audiocodecid: 2, audiosamplerate: sampleRate, audiochannels: channels },
      this.lengthMs / 1000,
    );
    const metaData = buildWireMessage({
      typeId: MessageType.DataAmf0,
      timestampMs: 0,
      payload,
      chunkBytes: this.#chunkBytes,
    });
    const headers = this.#tagsOnly ? (this.#tags ? [this.#tags] : []) : [metaData];
    return { at: step.at, timeMs: Math.round(step.timeMs), headers };
  }

  // ── media ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async read(at: number): Promise<Segment | undefined> {
    if (this.#tagsOnly) return at === this.sizeBytes ? undefined : segmentOf([], this.sizeBytes);
    const step = this.#steps.indexAt(at);
    if (step === undefined) return undefined;
    const endStep = (Math.floor(step / SEGMENT_STEPS) + 1) * SEGMENT_STEPS;
    await this.#look(() => this.#steps.count > endStep);
    const next = this.#steps.of(endStep)?.at ?? this.sizeBytes;
    const bytes = await this.#file.read(at, next - at);
    const messages: WireMessage[] = [];
    let samples = 0;
    const beginMs = this.#steps.of(step)!.timeMs;
    for (let i = 0; i + MP3_HEAD_BYTES <= bytes.length; ) {
      const frame = readMp3Frame(bytes, i);
      if (!frame) {
        i += 1;
        continue;
      }
      if (i + frame.bytes > bytes.length) break;
      const payload = Buffer.concat([Uint8Array.of(MP3_TAG), bytes.subarray(i, i + frame.bytes)]);
      const timestampMs = Math.round(beginMs + (samples * 1000) / this.#first!.sampleRate);
      messages.push(
        buildWireMessage({ typeId: MessageType.Audio, timestampMs, payload, chunkBytes: this.#chunkBytes }),
      );
      samples += frame.samples;
      i += frame.bytes;
    }
    return segmentOf(messages, next);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
