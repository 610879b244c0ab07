// What a new player or recorder needs before the live edge makes sense to it: data frames (onMetaData), sequence headers,
// E-RTMP colour information, and everything since the last keyframe.
import { MessageType } from '../protocol/message.ts';
import { rewire, WIRE_STREAM_ID, type WireMessage } from '../protocol/wire-message.ts';

export interface GopCacheLimits {
  /** Wire bytes held; a longer group of pictures is dropped whole, joiners then wait for the next keyframe. */
  maxBytes: number;
  /** Span of timestamps. */
  maxMs: number;
}

export class GopCache {
  readonly #limits: GopCacheLimits;
  /** Data frame name → its message; replayed in the order of their first appearance. */
  readonly #dataFrames = new Map<string, WireMessage>();
  /** What it is (and of which track) → its message. */
  readonly #headers = new Map<string, WireMessage>();
  #group: WireMessage[] = [];
  #groupBytes = 0;
  /** False from the start until a keyframe, and after a group outgrew its limits. */
  #hasGroup = false;
  #joined: Buffer | undefined;

  constructor(limits: GopCacheLimits) {
    this.#limits = limits;
  }

  get groupBytes(): number {
    return this.#groupBytes;
  }

  setDataFrame(name: string, message: WireMessage): void {
    this.#dataFrames.set(name, message);
    this.#joined = undefined;
  }
  clearDataFrame(name: string): void {
    this.#dataFrames.delete(name);
    this.#joined = undefined;
  }
  /** Sequence headers, channel layouts, colour information; `key` tells them apart, each replaces the one before it. */
  setHeader(key: string, message: WireMessage): void {
    const before = this.#headers.get(key);
    this.#headers.set(key, message);
    this.#joined = undefined;
    // COMPAT: encoders repeat their header now and then; only another one makes the pictures before it undecodable
    const isVideo = message.typeId === MessageType.Video;
    if (isVideo && before && Buffer.compare(before.payload, message.payload) !== 0) this.#dropGroup();
  }

  /** Any message that is not a header, in stream order. */
  add(message: WireMessage, isKeyframe: boolean): void {
    if (isKeyframe) {
      this.#dropGroup();
      this.#hasGroup = this.#limits.maxBytes > 0;
    }
    if (!this.#hasGroup) return;
    this.#group.push(message);
    this.#groupBytes += message.wire.length;
    this.#joined = undefined;
    const span = (message.timestampMs - this.#group[0]!.timestampMs) | 0;
    if (this.#groupBytes > this.#limits.maxBytes || span > this.#limits.maxMs) this.#dropGroup();
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
  }

  /** True when a joiner gets a picture at once, so that it need not wait for a keyframe. */
  get hasGroup(): boolean {
    return this.#hasGroup;
  }

  /** Headers first, then the group, as messages: for recorders and for players off the fast path. */
  messages(): WireMessage[] {
    return [...this.headers(), ...this.#group];
  }

  headers(): WireMessage[] {
    return [...this.#dataFrames.values(), ...this.#headers.values()];
  }

  /**
   * The same as one buffer, built at the first joiner and shared by the others until the stream moves on. Headers carry the
   * timestamp at which the joiner's media begins: the encoder's 0 would look to it like a jump of hours.
   */
  joined(): Buffer {
    this.#joined ??= Buffer.concat([
      this.headersAt(this.#group[0]?.timestampMs),
      ...this.#group.map((message) => message.wire),
    ]);
    return this.#joined;
  }

  /** Headers only, at a timestamp: for a player that comes back at a keyframe. */
  headersAt(timestampMs: number | undefined): Buffer {
    return Buffer.concat(
      this.headers().map((header) =>
        timestampMs === undefined || timestampMs === header.timestampMs
          ? header.wire
          : rewire(header, { streamId: WIRE_STREAM_ID, timestampMs }),
      ),
    );
  }
}
