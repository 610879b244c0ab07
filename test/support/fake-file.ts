// A recorded stream in memory: one that is whole, or grows as a test says.
import {
  type Place,
  type RecordedRequest,
  type RecordedStream,
  type RecordedStreams,
  type Segment,
  segmentOf,
} from '../../src/application/contract/recorded.ts';
import { inspectVideo } from '../../src/media/tag.ts';
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import type { WireMessage } from '../../src/protocol/rtmp/wire-message.ts';
import { wireMessage } from './fake-player.ts';
import { audio, video } from './media.ts';

const FRAME_MS = 40;
const SEGMENT_MESSAGES = 10;

/** Of `fromMs` up to `toMs`, a keyframe each `groupMs`; the last byte of a picture is its number since time 0, modulo 256. */
export function pictures(fromMs: number, toMs: number, groupMs = 1_000): WireMessage[] {
  const messages: WireMessage[] = [];
  for (let ms = fromMs; ms < toMs; ms += FRAME_MS) {
    const payload = (ms % groupMs === 0 ? video.keyframe : video.frame)(ms / FRAME_MS);
    messages.push(wireMessage(MessageType.Video, ms, payload));
  }
  return messages;
}

export function sounds(fromMs: number, toMs: number): WireMessage[] {
  const messages: WireMessage[] = [];
  for (let ms = fromMs; ms < toMs; ms += FRAME_MS)
    messages.push(wireMessage(MessageType.Audio, ms, audio.frame(ms / FRAME_MS)));
  return messages;
}

export class FakeFile implements RecordedStream {
  readonly path = '/recordings/show.flv';
  readonly hasVideo: boolean;
  isGrowing: boolean;
  isClosed = false;
  /** Thrown by whatever would read. */
  trouble: Error | undefined;
  reads = 0;
  readonly #messages: WireMessage[];
  readonly #listeners = new Set<() => void>();

  constructor(messages: readonly WireMessage[], { isGrowing = false } = {}) {
    this.#messages = [...messages];
    this.isGrowing = isGrowing;
    this.hasVideo = messages.some(({ typeId }) => typeId === MessageType.Video);
  }

  get sizeBytes(): number {
    return this.#messages.reduce((sum, { wire }) => sum + wire.length, 0);
  }
  get lengthMs(): number {
    return this.#messages.at(-1)?.timestampMs ?? 0;
  }
  onGrown(call: () => void): () => void {
    this.#listeners.add(call);
    return () => this.#listeners.delete(call);
  }
  get listenerCount(): number {
    return this.#listeners.size;
  }

  grow(messages: readonly WireMessage[]): void {
    this.#messages.push(...messages);
    for (const call of [...this.#listeners]) call();
  }
  end(): void {
    this.isGrowing = false;
    for (const call of [...this.#listeners]) call();
  }

  async keyframeBefore(ms: number): Promise<Place | undefined> {
    this.#check();
    const at = this.#messages.findLastIndex((one) => this.#isEntry(one) && one.timestampMs <= ms);
    return this.#place(at < 0 ? this.#messages.findIndex((one) => this.#isEntry(one)) : at);
  }
  async keyframeFrom(ms: number): Promise<Place | undefined> {
    this.#check();
    return this.#place(this.#messages.findIndex((one) => this.#isEntry(one) && one.timestampMs >= ms));
  }
  #isEntry({ typeId, head }: WireMessage): boolean {
    if (!this.hasVideo) return true;
    return typeId === MessageType.Video && inspectVideo(head)?.isKeyframe === true;
  }

  #place(at: number): Place | undefined {
    if (at < 0) return undefined;
    const headers = this.hasVideo ? [wireMessage(MessageType.Video, 0, video.header(0xee))] : [];
    return { at, timeMs: this.#messages[at]!.timestampMs, headers };
  }

  async read(at: number): Promise<Segment | undefined> {
    this.#check();
    this.reads += 1;
    const messages = this.#messages.slice(at, at + SEGMENT_MESSAGES);
    return messages.length > 0 ? segmentOf(messages, at + messages.length) : undefined;
  }

  #check(): void {
    if (this.trouble) throw this.trouble;
  }

  close(): void {
    this.isClosed = true;
  }
}

/** Each file goes to one who plays it. */
export class FakeLibrary implements RecordedStreams {
  readonly files = new Map<string, FakeFile>();
  readonly asked: string[] = [];
  /** Thrown instead of opening. */
  trouble: Error | undefined;
  /** Opening waits for it. */
  gate: Promise<void> | undefined;

  async open({ name }: RecordedRequest): Promise<RecordedStream | undefined> {
    this.asked.push(name);
    await this.gate;
    if (this.trouble) throw this.trouble;
    return this.files.get(name);
  }
}

/** What has been asked of a file, or of the turns of the event loop, is there, and what follows from it. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
