// What is where in an FLV file: keyframes and decoder configurations. From the index that its metadata may hold; what that
// does not say is found by going from tag to tag, no further than somebody wants to know, and only once for all of them.
import {
  decodeOnMetaData,
  encodeOnMetaData,
  FLV_BACK_POINTER_BYTES,
  FLV_TAG_HEAD_BYTES,
  type FlvTagHead,
  readFlvHeader,
  readFlvTagHead,
} from '../media/flv.ts';
import { GroupStarts } from '../media/group-starts.ts';
import {
  audioHeaderKey,
  holdsManyTracks,
  inspectAudio,
  inspectVideo,
  type VideoTag,
  videoHeaderKey,
} from '../media/tag.ts';
import { type AmfObject, type AmfValue, membersOf } from '../protocol/amf.ts';
import { MessageType } from '../protocol/message.ts';
import { buildWireMessage, type WireMessage } from '../protocol/wire-message.ts';
import type { GrowingFile } from './growing.ts';
import { type Keyframe, Keyframes } from './keyframes.ts';
import { type ReadableFile, structureInvalid } from './media.ts';

const BLOCK_BYTES = 64 << 10;
const HEADER_BYTES = 9;
/** What must be there of a payload to see what it is. */
const PEEK_BYTES = 32;
const MAX_METADATA_BYTES = 4 << 20;
const MAX_HEADER_BYTES = 1 << 20;
const MAX_HEADERS = 256;
/** In a file of sound alone a player can begin so often. */
const SOUND_STEP_MS = 1_000;
/** Days, as milliseconds of 32 bits. */
const MAX_LENGTH_MS = 0xffff_ffff;

/** A decoder configuration, and from where on it is in force. */
interface Header {
  readonly at: number;
  readonly key: string;
  readonly message: WireMessage;
}

export class FlvIndex {
  /** What was found on the way; a file that is being recorded comes with its own. */
  readonly #found = new Keyframes();
  readonly #groups = new GroupStarts();
  readonly #growing: GrowingFile | undefined;
  readonly #file: ReadableFile;
  readonly #chunkBytes: number;
  /** Where tags end that make sense. */
  #brokenAt = Number.POSITIVE_INFINITY;
  hasVideo = false;
  /** Of the first tag that is more than a header, and its time. */
  firstAt: number | undefined;
  firstMs = 0;
  /** As the file says, or as far as has been looked. */
  #lengthMs = 0;
  #metaData: WireMessage | undefined;
  #headers: Header[] = [];
  /** As the metadata has them; not to be believed yet. */
  #foundIndex: Keyframe[] = [];
  #soundMs = Number.NEGATIVE_INFINITY;
  /** Everything before is known. */
  #knownTo: number;
  #knownMs = 0;
  #looking: Promise<void> | undefined;

  private constructor(
    file: ReadableFile,
    growing: GrowingFile | undefined,
    chunkBytes: number,
    firstTagAt: number,
  ) {
    this.#file = file;
    this.#growing = growing;
    this.#chunkBytes = chunkBytes;
    this.#knownTo = firstTagAt;
  }

  static async open(
    file: ReadableFile,
    growing: GrowingFile | undefined,
    chunkBytes: number,
  ): Promise<FlvIndex> {
    const { firstTagAt, hasVideo } = readFlvHeader(await file.read(0, HEADER_BYTES));
    const index = new FlvIndex(file, growing, chunkBytes, firstTagAt);
    index.hasVideo = hasVideo;
    await index.#lookAtBegin();
    if (growing) return index;
    await index.#takeIndex();
    if (index.#knownTo < index.endAt) await index.#findLength();
    return index;
  }

  /** Where tags end that may be read: the end of the file, or of what is written of it. */
  get endAt(): number {
    return Math.min(this.#brokenAt, this.#growing?.flushedBytes ?? this.#file.sizeBytes);
  }

  get lengthMs(): number {
    return this.#growing?.flushedMs ?? this.#lengthMs;
  }

  /** Of a file that is being recorded there may be nothing yet. */
  #lookAtBegin(): Promise<void> {
    return this.#look(() => this.firstAt !== undefined && this.#knownTo >= BLOCK_BYTES);
  }

  /** Of a file that says nothing of its length: the time of its last tag, to which its last bytes lead. */
  async #findLength(): Promise<void> {
    const pointer = await this.#file.read(this.endAt - FLV_BACK_POINTER_BYTES, FLV_BACK_POINTER_BYTES);
    if (pointer.length < FLV_BACK_POINTER_BYTES) return;
    const at = this.endAt - FLV_BACK_POINTER_BYTES - pointer.readUInt32BE(0);
    if (at < this.#knownTo) return;
    const bytes = await this.#file.read(at, FLV_TAG_HEAD_BYTES);
    if (bytes.length < FLV_TAG_HEAD_BYTES) return;
    const { typeId, length, timestampMs } = readFlvTagHead(bytes, 0);
    const isTag =
      isTagType(typeId) && at + FLV_TAG_HEAD_BYTES + length + FLV_BACK_POINTER_BYTES === this.endAt;
    if (isTag) this.#lengthMs = Math.max(this.#lengthMs, timestampMs);
  }

  /** What must come before the tag at that place. */
  headersAt(at: number): WireMessage[] {
    const latest = new Map<string, WireMessage>();
    for (const header of this.#headers) {
      if (header.at >= at) continue;
      latest.delete(header.key); // headers that share a track come in the order in which they came
      latest.set(header.key, header.message);
    }
    return [...(this.#metaData ? [this.#metaData] : []), ...latest.values()];
  }

  async keyframeBefore(ms: number): Promise<Keyframe | undefined> {
    const given = await this.#given();
    if (given) return this.#flushed(given.before(ms), given);
    await this.#look(() => this.#knownMs > ms);
    return this.#found.before(ms);
  }

  async keyframeFrom(ms: number): Promise<Keyframe | undefined> {
    const given = await this.#given();
    if (given) {
      const found = given.from(ms);
      return found && found.at < this.endAt ? found : undefined;
    }
    await this.#look(() => (this.#found.last?.timeMs ?? -1) >= ms);
    return this.#found.from(ms);
  }

  /** The latest keyframe may be on its way to the disk. */
  #flushed(found: Keyframe | undefined, given: Keyframes): Keyframe | undefined {
    let latest = found;
    for (let i = given.count - 1; latest && latest.at >= this.endAt; i -= 1) latest = given.of(i);
    return latest;
  }

  /** Who records the file knows where its keyframes are; where a file of sound can be entered is for us to find out. */
  async #given(): Promise<Keyframes | undefined> {
    if (!this.#growing) return undefined;
    if (this.firstAt === undefined) await this.#lookAtBegin();
    return this.#growing.keyframes.count > 0 ? this.#growing.keyframes : undefined;
  }

  /** Goes on from where it was, until that is so or nothing is left. One at a time: who comes later profits. */
  async #look(isEnough: () => boolean): Promise<void> {
    while (!isEnough() && this.#knownTo < this.endAt) {
      const before = this.#knownTo;
      this.#looking ??= this.#lookAtBlock().finally(() => {
        this.#looking = undefined;
      });
      await this.#looking;
      if (this.#knownTo === before) return; // half a tag
    }
  }

  async #lookAtBlock(): Promise<void> {
    const begin = this.#knownTo;
    const block = await this.#file.read(begin, Math.min(BLOCK_BYTES, this.endAt - begin));
    let at = 0;
    while (at + FLV_TAG_HEAD_BYTES <= block.length) {
      const head = readFlvTagHead(block, at);
      if (!isTagType(head.typeId)) {
        this.#brokenAt = begin + at; // zeros behind what was written when the power failed, or no FLV any more
        break;
      }
      if (head.isEncrypted) throw structureInvalid('it is encrypted');
      const payloadAt = at + FLV_TAG_HEAD_BYTES;
      const end = payloadAt + head.length;
      if (begin + end > this.endAt) break;
      const wanted = Math.min(head.length, PEEK_BYTES);
      if (payloadAt + wanted > block.length && at > 0) break;
      await this.#note(begin + at, head, block.subarray(payloadAt, Math.min(end, block.length)));
      at = end + FLV_BACK_POINTER_BYTES;
    }
    this.#knownTo = Math.min(begin + at, Math.max(this.endAt, begin));
  }

  /** `peek`: of the payload what is at hand. */
  async #note(at: number, head: FlvTagHead, peek: Uint8Array): Promise<void> {
    const { typeId, timestampMs, length } = head;
    if (typeId === MessageType.Video) {
      this.hasVideo = true;
      const tag = inspectVideo(peek);
      if (tag?.isSequenceHeader || tag?.isMetadata)
        return this.#keepHeader(at, head, peek, (payload) => videoHeaderKey(tag, payload));
      if (tag) await this.#notePicture(at, head, peek, tag);
    } else if (typeId === MessageType.Audio) {
      const tag = inspectAudio(peek);
      if (tag?.isSequenceHeader || tag?.isMultichannelConfig)
        return this.#keepHeader(at, head, peek, (payload) => audioHeaderKey(tag, payload));
      if (!this.hasVideo && timestampMs - this.#soundMs >= SOUND_STEP_MS) {
        this.#soundMs = timestampMs;
        this.#found.add(timestampMs, at);
      }
    } else if (this.firstAt === undefined && length <= MAX_METADATA_BYTES) {
      const payload = await this.#payload(at, head, peek);
      if (this.#noteMetaData(payload)) return;
    }
    if (this.firstAt === undefined) {
      this.firstAt = at;
      this.firstMs = timestampMs;
    }
    this.#knownMs = Math.max(this.#knownMs, timestampMs);
    this.#lengthMs = Math.max(this.#lengthMs, this.#knownMs);
  }

  async #notePicture(at: number, head: FlvTagHead, peek: Uint8Array, tag: VideoTag): Promise<void> {
    const isCut = tag.isKeyframe && holdsManyTracks(peek, tag);
    const seen = isCut ? await this.#payload(at, head, peek) : peek;
    const beginAt = this.#groups.take(tag, seen, head.timestampMs, at);
    if (beginAt !== undefined) this.#found.add(head.timestampMs, beginAt);
  }

  async #payload(at: number, { length }: FlvTagHead, peek: Uint8Array): Promise<Uint8Array> {
    return peek.length >= length
      ? peek.subarray(0, length)
      : this.#file.read(at + FLV_TAG_HEAD_BYTES, length);
  }

  async #keepHeader(
    at: number,
    head: FlvTagHead,
    peek: Uint8Array,
    keyOf: (payload: Uint8Array) => string | undefined,
  ): Promise<void> {
    if (head.length > MAX_HEADER_BYTES) return;
    const payload = await this.#payload(at, head, peek);
    const key = keyOf(payload)!;
    const message = wireOf(head.typeId, payload, this.#chunkBytes);
    this.#headers.push({ at, key, message });
    if (this.#headers.length > MAX_HEADERS) this.#headers.shift();
  }

  /** True: it was onMetaData, and of use. */
  #noteMetaData(payload: Uint8Array): boolean {
    let entries: AmfObject | undefined;
    try {
      entries = decodeOnMetaData(payload);
    } catch {
      return true; // other data may be anything; what cannot be read is not sent as metadata either
    }
    if (!entries) return false;
    const { keyframes, duration, ...others } = entries;
    const seconds = typeof duration === 'number' && duration > 0 ? duration : 0;
    this.#lengthMs = Math.min(seconds * 1000, MAX_LENGTH_MS);
    // the index of a long file is large, and says places that are of no use to anybody else
    this.#metaData = wireOf(MessageType.DataAmf0, encodeOnMetaData(others, seconds), this.#chunkBytes);
    this.#foundIndex = indexOf(keyframes);
    return true;
  }
  /** Of the metadata's own index what is true: tags that are keyframes of that time. */
  async #takeIndex(): Promise<void> {
    const found = this.#foundIndex.filter(({ at }) => at >= this.#knownTo && at < this.endAt);
    this.#foundIndex = [];
    const [first, last] = [found[0], found.at(-1)];
    if (!first || !last || !(await this.#isKeyframe(first)) || !(await this.#isKeyframe(last))) return;
    for (const { timeMs, at } of found) this.#found.add(timeMs, at);
    if (this.#found.last?.at !== last.at) return;
    this.#knownTo = last.at;
    this.#knownMs = last.timeMs;
  }

  async #isKeyframe({ timeMs, at }: Keyframe): Promise<boolean> {
    const bytes = await this.#file.read(at, FLV_TAG_HEAD_BYTES + PEEK_BYTES);
    if (bytes.length < FLV_TAG_HEAD_BYTES) return false;
    const { typeId, timestampMs } = readFlvTagHead(bytes, 0);
    const isNear = Math.abs(timestampMs - timeMs) < SOUND_STEP_MS;
    const peek = bytes.subarray(FLV_TAG_HEAD_BYTES);
    return isNear && typeId === MessageType.Video && inspectVideo(peek)?.isKeyframe === true;
  }
}

export function isTagType(typeId: number): boolean {
  return (
    typeId === MessageType.Audio ||
    typeId === MessageType.Video ||
    typeId === MessageType.DataAmf0 ||
    typeId === MessageType.DataAmf3
  );
}

function wireOf(typeId: number, payload: Uint8Array, chunkBytes: number): WireMessage {
  return buildWireMessage({ typeId: typeId as WireMessage['typeId'], timestampMs: 0, payload, chunkBytes });
}

/** `keyframes` of onMetaData: { times: seconds[], filepositions: bytes[] }. */
function indexOf(value: AmfValue | undefined): Keyframe[] {
  const { times, filepositions } = membersOf(value) ?? {};
  if (!Array.isArray(times) || !Array.isArray(filepositions) || times.length !== filepositions.length)
    return [];
  return times.flatMap((time, i) => {
    const at = filepositions[i];
    return typeof time === 'number' && time >= 0 && typeof at === 'number' && Number.isSafeInteger(at)
      ? [{ timeMs: Math.round(time * 1000), at }]
      : [];
  });
}
