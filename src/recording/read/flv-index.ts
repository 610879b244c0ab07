// What is where in an FLV file: keyframes and decoder configurations. From the index that its metadata may hold; what that
// does not say is found by going from tag to tag, no further than somebody wants to know, and only once for all of them.
import {
  decodeOnMetaData,
  encodeOnMetaData,
  FLV_BACK_POINTER_BYTES,
  FLV_TAG_HEAD_BYTES,
  type FlvTagHead,
  flvTime,
  readFlvHeader,
  readFlvTagHead,
} from '../../media/flv.ts';
import { GroupStarts } from '../../media/group-starts.ts';
import { messageFault } from '../../media/media-fault.ts';
import {
  audioHeaderKey,
  holdsManyTracks,
  inspectAudio,
  inspectVideo,
  type VideoTag,
  videoHeaderKey,
} from '../../media/tag.ts';
import { type AmfObject, type AmfValue, membersOf } from '../../protocol/amf/amf.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import { buildWireMessage, type WireMessage } from '../../protocol/rtmp/wire-message.ts';
import type { GrowingFile } from './growing.ts';
import { type Reserve, UNBOUNDED } from './index-memory.ts';
import { type Keyframe, Keyframes } from './keyframes.ts';
import { type ReadableFile, structureInvalid } from './media.ts';

const BLOCK_BYTES = 64 << 10;
const HEADER_BYTES = 9;
/** What must be there of a payload to see what it is. */
const PEEK_BYTES = 32;
const MAX_METADATA_BYTES = 4 << 20;
/** What may stand in front of the first picture or sound. */
const MAX_BEGIN_BYTES = 16 << 20;
const MAX_HEADER_BYTES = 1 << 20;
const MAX_HEADERS = 256;
/** In a file of sound alone a player can begin so often. */
const SOUND_STEP_MS = 1_000;
/** Days, as milliseconds of 32 bits. */
const MAX_LENGTH_MS = 0xffff_ffff;
/** Behind the last picture or sound; their times may be anything. */
const MAX_DATA_TAGS = 64;

/** A decoder configuration, and from where on it is in force. */
interface Header {
  readonly at: number;
  readonly key: string;
  readonly message: WireMessage;
}

export class FlvIndex {
  /** What was found on the way; a file that is being recorded comes with its own. */
  readonly #found: Keyframes;
  readonly #groups = new GroupStarts();
  readonly #growing: GrowingFile | undefined;
  readonly #file: ReadableFile;
  readonly #reserve: Reserve;
  readonly #chunkBytes: number;
  /** Where tags end that make sense. */
  #brokenAt = Number.POSITIVE_INFINITY;
  hasVideo = false;
  /** Of the first tag that is more than a header. */
  firstAt: number | undefined;
  /** The timestamp of the first picture or sound; all times are counted from there. */
  #beginMs: number | undefined;
  /** As the metadata has it; 0: it says nothing. */
  #claimedMs = 0;
  /** Of the last picture or sound; undefined: the end of the file does not lead to it. */
  #lastMs: number | undefined;
  #metaData: AmfObject | undefined;
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
    reserve: Reserve,
  ) {
    this.#found = new Keyframes(reserve);
    this.#reserve = reserve;
    this.#file = file;
    this.#growing = growing;
    this.#chunkBytes = chunkBytes;
    this.#knownTo = firstTagAt;
  }

  static async open(
    file: ReadableFile,
    growing: GrowingFile | undefined,
    chunkBytes: number,
    reserve: Reserve = UNBOUNDED,
  ): Promise<FlvIndex> {
    const { firstTagAt, hasVideo } = readFlvHeader(await file.read(0, HEADER_BYTES));
    const index = new FlvIndex(file, growing, chunkBytes, firstTagAt, reserve);
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
    if (this.#growing) return Math.max(0, this.#growing.flushedMs - this.#originMs);
    const seenMs = Math.max(this.#knownMs, this.#lastMs ?? 0);
    if (this.#originMs === 0) return Math.max(this.#claimedMs, seenMs);
    // what writes such files says where they end, not how long they are
    const isKnown = this.#lastMs !== undefined || this.#knownTo >= this.endAt;
    return isKnown ? seenMs : Math.max(seenMs, this.#claimedMs - Math.max(0, this.#originMs));
  }

  /** What the recorder of a file, and its metadata, call the time of its begin. */
  get #originMs(): number {
    return (this.#beginMs ?? 0) | 0;
  }

  /** Of a tag with that timestamp, from the begin of the file on. */
  timeOf(timestampMs: number): number {
    return Math.max(0, flvTime(timestampMs, this.#beginMs ?? timestampMs));
  }

  /** Of a file that is being recorded there may be nothing yet. */
  #lookAtBegin(): Promise<void> {
    return this.#look(() => this.#hasBegun && this.#knownTo >= BLOCK_BYTES);
  }

  /** Nothing but data may be there. */
  get #hasBegun(): boolean {
    return this.firstAt !== undefined && (this.#beginMs !== undefined || this.#knownTo >= MAX_BEGIN_BYTES);
  }

  /** Times make sense from then on. */
  async begun(): Promise<void> {
    if (!this.#hasBegun) await this.#lookAtBegin();
  }

  /** The time of its last picture or sound, to which its last bytes lead. */
  async #findLength(): Promise<void> {
    let end = this.endAt;
    for (let i = 0; i < MAX_DATA_TAGS; i += 1) {
      const tag = await this.#tagBefore(end);
      if (!tag || tag.at < this.#knownTo) return;
      if (isMedia(tag.head)) {
        this.#lastMs = this.timeOf(tag.head.timestampMs);
        return;
      }
      end = tag.at;
    }
  }

  async #tagBefore(end: number): Promise<{ at: number; head: FlvTagHead } | undefined> {
    const pointer = await this.#file.read(end - FLV_BACK_POINTER_BYTES, FLV_BACK_POINTER_BYTES);
    if (pointer.length < FLV_BACK_POINTER_BYTES) return undefined;
    const at = end - FLV_BACK_POINTER_BYTES - pointer.readUInt32BE(0);
    if (at < HEADER_BYTES) return undefined;
    const bytes = await this.#file.read(at, FLV_TAG_HEAD_BYTES);
    if (bytes.length < FLV_TAG_HEAD_BYTES) return undefined;
    const head = readFlvTagHead(bytes, 0);
    const isTag =
      isTagType(head.typeId) && at + FLV_TAG_HEAD_BYTES + head.length + FLV_BACK_POINTER_BYTES === end;
    return isTag ? { at, head } : undefined;
  }

  /** What must come before the tag at that place. */
  headersAt(at: number): WireMessage[] {
    const latest = new Map<string, WireMessage>();
    for (const header of this.#headers) {
      if (header.at >= at) continue;
      latest.delete(header.key); // headers that share a track come in the order in which they came
      latest.set(header.key, header.message);
    }
    return [...this.#describe(), ...latest.values()];
  }

  /** What is being recorded has a length that nobody can rely on yet. */
  #describe(): WireMessage[] {
    if (!this.#metaData) return [];
    const ms = this.#growing ? this.#claimedMs : this.lengthMs;
    return [wireOf(MessageType.DataAmf0, encodeOnMetaData(this.#metaData, ms / 1000), this.#chunkBytes)];
  }

  async keyframeBefore(ms: number): Promise<Keyframe | undefined> {
    const given = await this.#given();
    if (given) return this.#fromBegin(this.#flushed(given.before(ms + this.#originMs), given));
    await this.#look(() => this.#knownMs > ms);
    return this.#found.before(ms);
  }

  async keyframeFrom(ms: number): Promise<Keyframe | undefined> {
    const given = await this.#given();
    if (given) {
      const found = given.from(ms + this.#originMs);
      return found && found.at < this.endAt ? this.#fromBegin(found) : undefined;
    }
    await this.#look(() => (this.#found.last?.timeMs ?? -1) >= ms);
    return this.#found.from(ms);
  }

  #fromBegin(given: Keyframe | undefined): Keyframe | undefined {
    return given && { at: given.at, timeMs: this.timeOf(given.timeMs) };
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
    await this.begun();
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
    const isBegin = this.#beginMs === undefined && isMedia(head) && !isConfiguration(typeId, peek);
    if (isBegin) this.#beginMs = timestampMs;
    const timeMs = this.timeOf(timestampMs);
    if (typeId === MessageType.Video) {
      this.hasVideo = true;
      const tag = inspectVideo(peek);
      if (tag?.isSequenceHeader || tag?.isMetadata)
        return this.#keepHeader(at, head, peek, (payload) => videoHeaderKey(tag, payload));
      if (tag) await this.#notePicture(at, { ...head, timestampMs: timeMs }, peek, tag);
    } else if (typeId === MessageType.Audio) {
      const tag = inspectAudio(peek);
      if (tag?.isSequenceHeader || tag?.isMultichannelConfig)
        return this.#keepHeader(at, head, peek, (payload) => audioHeaderKey(tag, payload));
      if (!this.hasVideo && timeMs - this.#soundMs >= SOUND_STEP_MS) {
        this.#soundMs = timeMs;
        this.#found.add(timeMs, at);
      }
    } else if (this.firstAt === undefined && length <= MAX_METADATA_BYTES) {
      this.#reserve(length);
      const payload = await this.#payload(at, head, peek);
      if (this.#noteMetaData(payload)) return;
    }
    this.firstAt ??= at;
    if (isMedia(head)) this.#knownMs = Math.max(this.#knownMs, timeMs);
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
    if (messageFault(head.typeId, payload)) return; // the one before it is still in force
    const key = keyOf(payload)!;
    this.#reserve(payload.length);
    const message = wireOf(head.typeId, payload, this.#chunkBytes);
    this.#headers.push({ at, key, message });
    if (this.#headers.length > MAX_HEADERS) this.#reserve(-(this.#headers.shift()?.message.length ?? 0));
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
    this.#claimedMs = Math.min(seconds * 1000, MAX_LENGTH_MS);
    // the index of a long file is large, and says places that are of no use to anybody else
    this.#metaData = others;
    this.#foundIndex = indexOf(keyframes);
    return true;
  }

  /** Of the metadata's own index what is true: tags that are keyframes of that time, from whatever begin it is counted. */
  async #takeIndex(): Promise<void> {
    const found = this.#foundIndex.filter(({ at }) => at >= this.#knownTo && at < this.endAt);
    this.#foundIndex = [];
    const [first, last] = [found[0], found.at(-1)];
    const firstOff = first && (await this.#offOf(first));
    const lastOff = last && (await this.#offOf(last));
    if (!last || firstOff === undefined || lastOff === undefined) return;
    if (Math.abs(lastOff - firstOff) >= SOUND_STEP_MS) return;
    const shiftMs = Math.abs(firstOff) < SOUND_STEP_MS ? 0 : firstOff;
    if (shiftMs !== 0 && Math.abs((shiftMs + this.#originMs) | 0) >= SOUND_STEP_MS) return;
    for (const { timeMs, at } of found) this.#found.add(timeMs + shiftMs, at);
    if (this.#found.last?.at !== last.at) return;
    this.#knownTo = last.at;
    this.#knownMs = last.timeMs + shiftMs;
  }

  /** By how much its time is more than the index has it; undefined: there is no keyframe. */
  async #offOf({ timeMs, at }: Keyframe): Promise<number | undefined> {
    const bytes = await this.#file.read(at, FLV_TAG_HEAD_BYTES + PEEK_BYTES);
    if (bytes.length < FLV_TAG_HEAD_BYTES) return undefined;
    const { typeId, timestampMs } = readFlvTagHead(bytes, 0);
    const peek = bytes.subarray(FLV_TAG_HEAD_BYTES);
    const isKeyframe = typeId === MessageType.Video && inspectVideo(peek)?.isKeyframe === true;
    return isKeyframe ? this.timeOf(timestampMs) - timeMs : undefined;
  }
}

/** Whose times say where the file is. */
function isMedia({ typeId }: FlvTagHead): boolean {
  return typeId === MessageType.Audio || typeId === MessageType.Video;
}

function isConfiguration(typeId: number, peek: Uint8Array): boolean {
  if (typeId === MessageType.Video) {
    const tag = inspectVideo(peek);
    return tag?.isSequenceHeader === true || tag?.isMetadata === true;
  }
  const tag = inspectAudio(peek);
  return tag?.isSequenceHeader === true || tag?.isMultichannelConfig === true;
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
    return typeof time === 'number' &&
      Number.isFinite(time) &&
      typeof at === 'number' &&
      Number.isSafeInteger(at)
      ? [{ timeMs: Math.round(time * 1000), at }]
      : [];
  });
}
