// What a new player or recorder needs before the live edge makes sense to it: data frames (onMetaData), sequence headers,
// E-RTMP colour information, and everything since the last keyframe.
import type { ApplicationRows } from '../../config/schema/application.ts';
import { memoryBytes, retimed, type WireMessage } from '../../protocol/rtmp/wire-message.ts';
import { Shaped, type WireShape } from './shape.ts';

/** AccumulatedIFrames of Application.xml; a size of 0 keeps nothing. */
export type GopCacheLimits = ApplicationRows['streamManager']['live']['accumulatedIFrames'];

/** Data frames of other names, and headers of other tracks, are relayed and not kept. */
const MAX_DATA_FRAMES = 32;
const MAX_HEADERS = 64;
/** Both together: every joiner gets them. */
const MAX_KEPT_BYTES = 1 << 20;

export class GopCache {
  readonly #limits: GopCacheLimits;
  /** Data frame name → its message; replayed in the order of their first appearance. */
  readonly #dataFrames = new Map<string, WireMessage>();
  /** What it is (and of which track) → its message. */
  readonly #headers = new Map<string, WireMessage>();
  /** Bytes of these two. */
  #keptBytes = 0;
  #group: WireMessage[] = [];
  #groupBytes = 0;
  /** False from the start until a keyframe, and after a group outgrew its limits. */
  #hasGroup = false;
  #joined: Shaped | undefined;
  /** How often what joiners get was put together. */
  builds = 0;

  constructor(limits: GopCacheLimits) {
    this.#limits = limits;
  }

  get groupBytes(): number {
    return this.#groupBytes;
  }

  setDataFrame(name: string, message: WireMessage): void {
    this.#keep(this.#dataFrames, MAX_DATA_FRAMES, name, message);
  }
  clearDataFrame(name: string): void {
    this.#drop(this.#dataFrames, name);
  }
  hasDataFrame(name: string): boolean {
    return this.#dataFrames.has(name);
  }
  /**
   * Sequence headers, channel layouts, colour information. `key` says of which tracks: the message takes the place of the one
   * before it, and comes behind all others, which may hold the same track among others. `endsGroup`: pictures need it.
   */
  setHeader(key: string, message: WireMessage, endsGroup: boolean): void {
    const before = this.#headers.get(key);
    this.#drop(this.#headers, key);
    this.#keep(this.#headers, MAX_HEADERS, key, message);
    // COMPAT: encoders repeat their header now and then; only another one makes the pictures before it undecodable
    if (endsGroup && before && Buffer.compare(before.payload, message.payload) !== 0) this.#dropGroup();
  }

  #keep(map: Map<string, WireMessage>, maxCount: number, key: string, message: WireMessage): void {
    this.#joined = undefined;
    const before = map.get(key);
    if (!before && map.size >= maxCount) return;
    const keptBytes = this.#keptBytes - (before?.wire.length ?? 0) + message.wire.length;
    if (keptBytes > MAX_KEPT_BYTES) {
      this.#drop(map, key); // the one before it is no longer true
      return;
    }
    map.set(key, message);
    this.#keptBytes = keptBytes;
  }

  #drop(map: Map<string, WireMessage>, key: string): void {
    this.#joined = undefined;
    this.#keptBytes -= map.get(key)?.wire.length ?? 0;
    map.delete(key);
  }

  /** Any message that is not a header, in stream order. `leadIn`: a group begins with it, or with these that came before. */
  add(message: WireMessage, leadIn?: readonly WireMessage[]): void {
    if (leadIn) {
      this.#dropGroup();
      this.#hasGroup = this.#limits.maxSizeBytes > 0;
      for (const early of leadIn) this.#add(early);
    }
    this.#add(message);
  }

  #add(message: WireMessage): void {
    if (!this.#hasGroup) return;
    this.#group.push(message);
    this.#groupBytes += memoryBytes(message);
    this.#joined = undefined;
    const span = (message.timestampMs - this.#group[0]!.timestampMs) | 0;
    if (this.#groupBytes > this.#limits.maxSizeBytes || span > this.#limits.maxTimeMs) this.#dropGroup();
  }

  #dropGroup(): void {
    this.#group = [];
    this.#groupBytes = 0;
    this.#hasGroup = false;
    this.#joined = undefined;
  }

  /** The publisher has gone. */
  clear(): void {
    this.#dropGroup();
    this.#dataFrames.clear();
    this.#headers.clear();
    this.#keptBytes = 0;
  }

  /** True when a joiner gets a picture at once, so that it need not wait for a keyframe. */
  get hasGroup(): boolean {
    return this.#hasGroup;
  }

  /** Of the keyframe that it begins with. */
  get beginMs(): number | undefined {
    return this.#group[0]?.timestampMs;
  }

  /**
   * Data frames first, whose time is 0, then headers, then the group. Headers carry the time at which what follows them begins,
   * without a group `liveMs`, the live edge: the encoder's 0 would look to a player like a jump of hours.
   */
  messages(liveMs: number): WireMessage[] {
    return [...this.headersAt(this.#group[0]?.timestampMs ?? liveMs), ...this.#group];
  }

  /** How many `messages` gives. */
  get messageCount(): number {
    return this.#dataFrames.size + this.#headers.size + this.#group.length;
  }

  /** Data frames and headers only, for a player that comes back at a keyframe. */
  headersAt(timestampMs: number): WireMessage[] {
    const headers = [...this.#headers.values()].map((header) => retimed(header, timestampMs));
    return [...this.#dataFrames.values(), ...headers];
  }

  /** `messages` as one buffer, made for the first joiner of a shape and shared by the others until the stream moves on. */
  joined(shape: WireShape, liveMs: number): Buffer {
    if (!this.#hasGroup) return this.#gather(liveMs).as(shape);
    this.#joined ??= this.#gather(liveMs);
    return this.#joined.as(shape);
  }

  #gather(liveMs: number): Shaped {
    this.builds += 1;
    return new Shaped(this.messages(liveMs));
  }
}
