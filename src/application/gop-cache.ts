// What a new player or recorder needs before the live edge makes sense to it: data frames (onMetaData), sequence headers,
// E-RTMP colour information, and everything since the last keyframe.
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
  #videoHeader: WireMessage | undefined;
  #audioHeader: WireMessage | undefined;
  #colorInfo: WireMessage | undefined;
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
  setVideoHeader(message: WireMessage): void {
    this.#videoHeader = message;
    this.#dropGroup(); // its pictures belong to the header before
  }
  setAudioHeader(message: WireMessage): void {
    this.#audioHeader = message;
    this.#joined = undefined;
  }
  setColorInfo(message: WireMessage): void {
    this.#colorInfo = message;
    this.#joined = undefined;
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
    this.#videoHeader = undefined;
    this.#audioHeader = undefined;
    this.#colorInfo = undefined;
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
    const headers = [...this.#dataFrames.values()];
    if (this.#videoHeader) headers.push(this.#videoHeader);
    if (this.#audioHeader) headers.push(this.#audioHeader);
    if (this.#colorInfo) headers.push(this.#colorInfo);
    return headers;
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
