// An MP3 file as a stream of sound.
import { type Place, type Segment, segmentOf } from '../../application/contract/recorded.ts';
import { DecodeError } from '../../errors.ts';
import {
  id3Bytes,
  isFollowed,
  MP3_HEAD_BYTES,
  type Mp3Frame,
  readId3,
  readMp3Frame,
} from '../../media/codecs/mp3.ts';
import {
  believedFrames,
  MP3_TAIL_BYTES,
  mp3TagsBehind,
  readMp3Header,
} from '../../media/codecs/mp3-header.ts';
import { encodeOnMetaData } from '../../media/flv.ts';
import { encodeData } from '../../protocol/rtmp/command.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import { buildWireMessage, type WireMessage } from '../../protocol/rtmp/wire-message.ts';
import { type Reserve, UNBOUNDED } from './index-memory.ts';
import { Keyframes } from './keyframes.ts';
import type { Media, ReadableFile } from './media.ts';

const BLOCK_BYTES = 64 << 10;
/** Where a player can begin, and where segments end. */
const STEP_MS = 1_000;
const SEGMENT_STEPS = 4;
const MAX_TAG_BYTES = 1 << 20;
/** What may stand between two frames that is none. */
const MAX_RUBBISH_BYTES = 1 << 20;
const ID3_HEAD_BYTES = 10;
/** Some programs put theirs in front of what is there. */
const MAX_ID3_TAGS = 8;
/** Of a file that says nothing of its length it is looked here and there how large its frames are. */
const PROBES = 16;
const PROBE_BYTES = 8 << 10;
/** Where they differ, all of them are looked at, in a file of up to so many bytes: some hours. */
const MAX_SCAN_BYTES = 256 << 20;
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
  readonly #steps: Keyframes;
  #knownTo = 0;
  /** Where the frames end, and the tags behind them begin. */
  #endAt: number;
  /** What is in the place that is known is the begin of a frame. */
  #isInStep = false;
  #samples = 0;
  #rubbishBytes = 0;
  /** Of all frames, as the file says and may be believed. */
  #claimedFrames: number | undefined;
  #looking: Promise<void> | undefined;

  private constructor(file: ReadableFile, chunkBytes: number, tagsOnly: boolean, reserve: Reserve) {
    this.#file = file;
    this.#steps = new Keyframes(reserve);
    this.#chunkBytes = chunkBytes;
    this.#tagsOnly = tagsOnly;
    this.#endAt = file.sizeBytes;
  }

  /** `tagsOnly`: what its ID3 tag says, and none of the sound. */
  static async open(
    file: ReadableFile,
    chunkBytes: number,
    tagsOnly: boolean,
    reserve: Reserve = UNBOUNDED,
  ): Promise<Mp3Media> {
    const media = new Mp3Media(file, chunkBytes, tagsOnly, reserve);
    await media.#skipTags();
    await media.#look(() => media.#first !== undefined);
    if (!media.#first) throw new DecodeError('ERR_MP3_FRAME', 'a file without a frame of MP3');
    if (!tagsOnly) await media.#findLength();
    return media;
  }

  /** A tag that claims to be longer than the file is none. */
  async #skipTags(): Promise<void> {
    const { sizeBytes } = this;
    let at = 0;
    for (let i = 0; i < MAX_ID3_TAGS; i += 1) {
      const bytes = id3Bytes(await this.#file.read(at, ID3_HEAD_BYTES));
      if (bytes === 0 || at + bytes >= sizeBytes) break;
      this.#tags ??= this.#data('onId3', readId3(await this.#file.read(at, Math.min(bytes, MAX_TAG_BYTES))));
      at += bytes;
    }
    const tailBytes = Math.min(sizeBytes, MP3_TAIL_BYTES);
    const behind = mp3TagsBehind(await this.#file.read(sizeBytes - tailBytes, tailBytes));
    this.#knownTo = at;
    if (sizeBytes - behind > at) this.#endAt = sizeBytes - behind;
  }

  /** Of a file with a header what that says, if it can be; of one with frames of one size what they say; else of all of them. */
  async #findLength(): Promise<void> {
    const begin = this.#steps.of(0)!.at;
    const frame = this.#first!;
    const header = readMp3Header(await this.#file.read(begin, frame.bytes), frame);
    if (header) await this.#beginBehind(begin + frame.bytes);
    const { meanBytes, isConstant } = await this.#probe(begin);
    this.#claimedFrames = header && believedFrames(header, frame, this.#endAt - begin, meanBytes);
    if (this.#claimedFrames !== undefined || isConstant) return;
    await this.#look(() => this.#knownTo - begin >= MAX_SCAN_BYTES);
  }

  /** What the header stands in is a frame without sound. */
  async #beginBehind(at: number): Promise<void> {
    const header = this.#first;
    this.#first = undefined;
    this.#steps.clear();
    this.#samples = 0;
    this.#knownTo = at;
    this.#isInStep = true;
    await this.#look(() => this.#first !== undefined);
    this.#first ??= header;
  }

  /** Looks at frames here and there. Of places chosen by bytes large frames are found more often, hence the harmonic mean. */
  async #probe(begin: number): Promise<{ meanBytes: number | undefined; isConstant: boolean }> {
    const { bitrate, sampleRate, samples } = this.#first!;
    const step = (this.#endAt - begin) / PROBES;
    let isConstant = true;
    let count = 0;
    let inverse = 0;
    for (let i = 0; i < PROBES; i += 1) {
      const bytes = await this.#file.read(Math.floor(begin + step * (i + 0.5)), PROBE_BYTES);
      const frame = frameIn(bytes);
      if (frame) {
        count += 1;
        inverse += 1 / frame.bytes;
      }
      isConstant &&=
        frame?.bitrate === bitrate && frame.sampleRate === sampleRate && frame.samples === samples;
    }
    return { meanBytes: count === PROBES ? count / inverse : undefined, isConstant };
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

  /** As its header says; without one exact once all of it is known, before that as if its rate were the same all over. */
  get lengthMs(): number {
    if (this.#tagsOnly || !this.#first) return 0;
    const { bitrate, sampleRate, samples } = this.#first;
    if (this.#claimedFrames !== undefined)
      return Math.round((this.#claimedFrames * samples * 1000) / sampleRate);
    const restBytes = Math.max(0, this.#endAt - this.#knownTo);
    return Math.round(this.#knownMs + (restBytes * 8_000) / bitrate);
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
    while (!isEnough() && this.#knownTo + MP3_HEAD_BYTES <= this.#endAt) {
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
    const block = await this.#file.read(begin, Math.min(BLOCK_BYTES, this.#endAt - begin));
    const isLast = begin + block.length >= this.#endAt;
    let at = 0;
    while (at + MP3_HEAD_BYTES <= block.length) {
      const frame = readMp3Frame(block, at);
      const isFrame = frame && (this.#isInStep || (isFollowed(block, at, frame) ?? (isLast || undefined)));
      if (frame && isFrame === undefined && at > 0) break; // the next block has what follows it
      if (frame && isFrame) {
        this.#first ??= frame;
        if (this.#knownMs - (this.#steps.last?.timeMs ?? -STEP_MS) >= STEP_MS) {
          this.#steps.add(this.#knownMs, begin + at);
        }
        this.#samples += frame.samples;
        at += frame.bytes;
      } else {
        this.#rubbishBytes += 1; // a tag that we do not know, or damage
        if (this.#rubbishBytes > MAX_RUBBISH_BYTES) {
          throw new DecodeError('ERR_MP3_FRAME', 'a file that is not MP3 for the most part');
        }
        at += 1;
      }
      this.#isInStep = isFrame === true;
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
    const next = this.#steps.of(endStep)?.at ?? this.#endAt;
    const bytes = await this.#file.read(at, next - at);
    const messages: WireMessage[] = [];
    let samples = 0;
    const beginMs = this.#steps.of(step)!.timeMs;
    let isInStep = true;
    for (let i = 0; i + MP3_HEAD_BYTES <= bytes.length; ) {
      const frame = readMp3Frame(bytes, i);
      isInStep = frame !== undefined && (isInStep || isFollowed(bytes, i, frame) !== false);
      if (!frame || !isInStep) {
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

function frameIn(bytes: Uint8Array): Mp3Frame | undefined {
  for (let at = 0; at + MP3_HEAD_BYTES <= bytes.length; at += 1) {
    const frame = readMp3Frame(bytes, at);
    if (frame && isFollowed(bytes, at, frame)) return frame;
  }
  return undefined;
}
