// An FLV file as a stream: its tags are RTMP messages with another head.
import { type Place, type Segment, segmentOf } from '../../application/contract/recorded.ts';
import { CodedError } from '../../errors.ts';
import { FLV_BACK_POINTER_BYTES, FLV_TAG_HEAD_BYTES, readFlvTagHead } from '../../media/flv.ts';
import { messageFault } from '../../media/media-fault.ts';
import { decodeData, encodeData, isDataType, ObjectEncoding } from '../../protocol/rtmp/command.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import { buildWireMessage, type WireMessage } from '../../protocol/rtmp/wire-message.ts';
import { FlvIndex, isTagType } from './flv-index.ts';
import type { GrowingFile } from './growing.ts';
import { type Reserve, UNBOUNDED } from './index-memory.ts';
import type { Keyframe } from './keyframes.ts';
import { type Media, type ReadableFile, structureInvalid } from './media.ts';

/** Segments end before the first tag behind a multiple of this. */
const SEGMENT_BYTES = 256 << 10;
/** And behind so many tags: some have no more than a byte of payload. */
const SEGMENT_TAGS = 2_000;
/** The last tag of most segments is read along with them. */
const TAIL_BYTES = 32 << 10;

export class FlvMedia implements Media {
  readonly #growing: GrowingFile | undefined;
  readonly #file: ReadableFile;
  readonly #index: FlvIndex;
  readonly #chunkBytes: number;

  private constructor(
    file: ReadableFile,
    growing: GrowingFile | undefined,
    index: FlvIndex,
    chunkBytes: number,
  ) {
    this.#file = file;
    this.#growing = growing;
    this.#index = index;
    this.#chunkBytes = chunkBytes;
  }

  /** `growing`: it is being recorded. */
  static async open(
    file: ReadableFile,
    growing: GrowingFile | undefined,
    chunkBytes: number,
    reserve: Reserve = UNBOUNDED,
  ): Promise<FlvMedia> {
    return new FlvMedia(file, growing, await FlvIndex.open(file, growing, chunkBytes, reserve), chunkBytes);
  }

  get path(): string {
    return this.#file.path;
  }
  get sizeBytes(): number {
    return this.#growing?.flushedBytes ?? this.#file.sizeBytes;
  }
  get lengthMs(): number {
    return this.#index.lengthMs;
  }
  get hasVideo(): boolean {
    return this.#index.hasVideo;
  }

  get isGrowing(): boolean {
    return this.#growing?.isGrowing === true;
  }

  onGrown(call: () => void): () => void {
    return this.#growing?.onFlushed(call) ?? (() => {});
  }

  /** As long as its end is the end of what is written, there will be more of a segment. */
  isWhole(at: number, { next }: Segment): boolean {
    return !this.isGrowing || next >= boundaryBehind(at);
  }

  async keyframeBefore(ms: number): Promise<Place | undefined> {
    return this.#place(await this.#index.keyframeBefore(ms), ms);
  }

  async keyframeFrom(ms: number): Promise<Place | undefined> {
    const found = await this.#index.keyframeFrom(ms);
    return found && this.#place(found, ms);
  }

  /** At the very beginning a file is played with what may stand before its first keyframe. */
  #place(keyframe: Keyframe | undefined, ms: number): Place | undefined {
    const index = this.#index;
    const { firstAt } = index;
    if (firstAt === undefined) return undefined;
    const isFirst = !keyframe || ms <= 0 || keyframe.timeMs <= 0;
    const { at, timeMs } = isFirst ? { at: firstAt, timeMs: 0 } : keyframe;
    return { at, timeMs, headers: index.headersAt(at) };
  }

  async read(at: number): Promise<Segment | undefined> {
    await this.#index.begun();
    const { endAt } = this.#index;
    if (at >= endAt) return undefined;
    const boundary = boundaryBehind(at);
    let bytes = await this.#file.read(at, Math.min(boundary + TAIL_BYTES, endAt) - at);
    const messages: WireMessage[] = [];
    let next = 0;
    let tags = 0;
    while (at + next < boundary && tags < SEGMENT_TAGS && next + FLV_TAG_HEAD_BYTES <= bytes.length) {
      const { typeId, isEncrypted, length, timestampMs } = readFlvTagHead(bytes, next);
      if (typeId === 0) break; // nothing was ever written there
      if (!isTagType(typeId) || isEncrypted) throw structureInvalid(`there is no tag at byte ${at + next}`);
      const begin = next + FLV_TAG_HEAD_BYTES;
      const end = begin + length;
      if (at + end > endAt) break; // it is not whole, and nothing follows
      if (end > bytes.length) {
        bytes = Buffer.concat([bytes, await this.#file.read(at + bytes.length, end - bytes.length)]);
        if (end > bytes.length) break; // it was cut off meanwhile
      }
      const payload = length > 0 ? playable(typeId, bytes.subarray(begin, end)) : undefined;
      if (payload) {
        const type = typeId as WireMessage['typeId'];
        const ms = this.#index.timeOf(timestampMs);
        messages.push(
          buildWireMessage({ typeId: type, timestampMs: ms, payload, chunkBytes: this.#chunkBytes }),
        );
      }
      next = end + FLV_BACK_POINTER_BYTES;
      tags += 1;
    }
    return next === 0 ? undefined : segmentOf(messages, at + next);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** What players get of a tag: nothing of one that nobody could play, and of script data what can be read. */
function playable(typeId: number, payload: Uint8Array): Uint8Array | undefined {
  if (!isDataType(typeId)) return messageFault(typeId, payload) ? undefined : payload;
  try {
    const data = decodeData(typeId, payload);
    const encoding = typeId === MessageType.DataAmf3 ? ObjectEncoding.Amf3 : ObjectEncoding.Amf0;
    return data.oddity === undefined ? payload : encodeData(data, encoding).payload;
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}

function boundaryBehind(at: number): number {
  return (Math.floor(at / SEGMENT_BYTES) + 1) * SEGMENT_BYTES;
}
