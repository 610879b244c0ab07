// A stream whose publisher is the server: a playlist of sources, one behind the other on one line of time (Stream.play).
//
// Times on the wire never go back. A file begins where the item before it ended, and is due by the clock from there on: what
// one item is late, the next one makes good. What is live comes when it comes.

import type { Clock } from '../../clock.ts';
import { CodedError } from '../../errors.ts';
import { inspectAudio, inspectVideo } from '../../media/tag.ts';
import { type ClockFault, Timeline } from '../../media/timeline.ts';
import { isMetaData } from '../../protocol/rtmp/command.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import type { StatusCode } from '../../protocol/rtmp/status.ts';
import { retimed, type WireMessage } from '../../protocol/rtmp/wire-message.ts';
import type { Source, SourceItem } from '../contract/source.ts';
import { LiveGroups } from '../live/live-groups.ts';
import type { Stream } from '../live/stream.ts';
import type { ServerHold } from '../publish/stream-table.ts';

export interface ServerStreamOptions {
  stream: Stream;
  clock: Clock;
  /** Resolves when the name is this node's, rejects with a StatusError when it is another's. Undefined: it is. */
  granted?: Promise<void> | undefined;
  status(code: StatusCode, details: string, description?: string): void;
  /** Its media goes to the players from now on. */
  onAir(): void;
  /** It does not any more: headers and pictures mean nothing to what comes. */
  offAir(): void;
  /** Its playlist is through; the name is free. */
  closed(): void;
  /** Timestamps of what it plays made no sense, or jumped. */
  clockFault(fault: ClockFault, details: string): void;
  /** No `CodedError`. */
  broke(error: unknown): void;
}

/** Items that wait. */
export const MAX_PLAYLIST = 1_000;
/** A script that hears of the end may play on within so long, and nothing of it shows. */
const GRACE_MS = 1_000;
/** Two frames of a slide show are further apart than any gap between two items should be. */
const MAX_FRAME_MS = 500;

export class ServerStream implements ServerHold {
  readonly kind = 'server';
  readonly #options: ServerStreamOptions;
  #upcoming: SourceItem[] = [];
  #current: { item: SourceItem; source: Source | undefined } | undefined;
  /** A source that took longer to open than its item was wanted has nothing to say. */
  #turn = 0;
  #isOpening = false;
  #cancelGrace: (() => void) | undefined;
  #isOnAir = false;
  #isClosed = false;
  #wantsAudio = true;
  #wantsVideo = true;
  #bufferMs: number | undefined;
  /** Of its first item. */
  readonly sinceMs: number;

  /** On the wire, of what comes next. */
  #nextMs = 0;
  /** The clock at time 0 of the wire; undefined: what came last was live. */
  #originMs: number | undefined;
  /** Where the item begins, on the wire. */
  #beginMs = 0;
  /** From its first sound or picture on; undefined: nothing of it has come. */
  #timeline: Timeline | undefined;
  readonly #tracks: Record<'audio' | 'video', Track> = { audio: new Track(), video: new Track() };
  readonly #groups = new LiveGroups();
  #waitsForKeyframe = false;
  /** Since the first picture that was left out. */
  #waitsSinceMs: number | undefined;

  constructor(options: ServerStreamOptions) {
    this.#options = options;
    this.sinceMs = options.clock.now();
  }

  get isOnAir(): boolean {
    return this.#isOnAir;
  }
  /** It has asked for what it is to play. */
  get isOpening(): boolean {
    return this.#isOpening;
  }
  /** What is played at the moment. */
  get item(): SourceItem | undefined {
    return this.#current?.item;
  }

  /** False: the playlist is full. */
  play(item: SourceItem, reset: boolean): boolean {
    if (this.#isClosed) return false;
    if (reset) {
      this.#upcoming = [];
      this.#options.status('NetStream.Play.Reset', item.name);
      this.#stopCurrent();
    }
    if (this.#upcoming.length >= MAX_PLAYLIST) return false;
    this.#upcoming.push(item);
    if (!this.#current) this.#playNext();
    return true;
  }

  receive(wants: { audio?: boolean | undefined; video?: boolean | undefined }): void {
    if (wants.video && !this.#wantsVideo) this.#waitForKeyframe();
    this.#wantsAudio = wants.audio ?? this.#wantsAudio;
    this.#wantsVideo = wants.video ?? this.#wantsVideo;
  }

  set bufferMs(ms: number) {
    this.#bufferMs = ms;
    this.#current?.source?.setBufferMs?.(ms);
  }

  /** The name is free afterwards. May be called twice. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#upcoming = [];
    this.#cancelGrace?.();
    this.#stopCurrent();
    this.#goOffAir();
    this.#options.closed();
  }

  // ── one item after the other ───────────────────────────────────────────────────────────────────────────────────

  #playNext(): void {
    this.#cancelGrace?.();
    this.#cancelGrace = undefined;
    const item = this.#upcoming.shift()!;
    this.#current = { item, source: undefined };
    this.#turn += 1;
    if (!this.#isOpening) void this.#openCurrent();
  }

  /** One at a time, however quickly a script changes its mind. */
  async #openCurrent(): Promise<void> {
    this.#isOpening = true;
    while (this.#current && !this.#current.source) await this.#open(this.#current.item, this.#turn);
    this.#isOpening = false;
  }

  async #open(item: SourceItem, turn: number): Promise<void> {
    const { granted, status, broke } = this.#options;
    try {
      if (granted) await granted;
      const source = await item.open();
      if (turn === this.#turn && source) this.#begin(item, source);
      else if (source) source.close();
      else if (turn === this.#turn) {
        status('NetStream.Play.StreamNotFound', item.name, `Failed to play ${item.name}; stream not found.`);
        this.#over();
      }
    } catch (error) {
      if (!(error instanceof CodedError)) broke(error);
      if (turn !== this.#turn) return;
      if (error instanceof CodedError) status(error.code as StatusCode, item.name, error.message);
      else status('NetStream.Play.Failed', item.name, `Failed to play ${item.name}.`);
      this.#over();
    }
  }

  #begin(item: SourceItem, source: Source): void {
    const { clock, status } = this.#options;
    const turn = this.#turn;
    this.#current = { item, source };
    this.#beginMs = this.#nextMs;
    this.#groups.reset();
    this.#waitForKeyframe();
    for (const track of Object.values(this.#tracks)) track.begin();
    if (this.#isOnAir) this.#options.stream.changeSource();
    if (this.#bufferMs !== undefined) source.setBufferMs?.(this.#bufferMs);
    const now = clock.now();
    const isLate = this.#originMs === undefined || now - (this.#originMs + this.#nextMs) > GRACE_MS;
    if (source.isLive) this.#originMs = undefined;
    else if (isLate) this.#originMs = now - this.#nextMs;
    status('NetStream.Play.Start', item.name);
    const isMine = () => turn === this.#turn;
    source.begin(
      {
        take: (message) => {
          if (isMine()) this.#take(message, item);
        },
        lost: () => {
          if (isMine()) this.#lost(item);
        },
        ended: () => {
          if (isMine()) this.#ended(item);
        },
        failed: (code, description) => {
          if (!isMine()) return;
          status(code as StatusCode, item.name, description);
          this.#over();
        },
      },
      (this.#originMs ?? 0) + this.#nextMs,
    );
  }

  #ended(item: SourceItem): void {
    this.#options.status('NetStream.Play.Stop', item.name);
    this.#over();
  }

  /** What was live has gone. With something to follow that is the end of it; else it may come back. */
  #lost(item: SourceItem): void {
    this.#options.status('NetStream.Play.UnpublishNotify', item.name);
    if (this.#upcoming.length > 0) this.#ended(item);
    else {
      if (this.#isOnAir) this.#options.stream.changeSource();
      this.#cancelGrace = this.#options.clock.after(GRACE_MS, () => this.#goOffAir());
      this.#beginMs = this.#nextMs;
      this.#endTimeline();
      this.#groups.reset();
      this.#waitForKeyframe();
    }
  }

  #over(): void {
    this.#drop();
    if (this.#isClosed) return;
    if (this.#upcoming.length > 0) {
      this.#options.status('NetStream.Play.Switch', this.#upcoming[0]!.name);
      this.#playNext();
    } else this.#cancelGrace = this.#options.clock.after(GRACE_MS, () => this.close());
  }

  #stopCurrent(): void {
    const { item } = this;
    if (!item) return;
    this.#drop();
    this.#options.status('NetStream.Play.Stop', item.name);
  }

  #drop(): void {
    this.#turn += 1;
    const source = this.#current?.source;
    this.#current = undefined;
    this.#endTimeline();
    source?.close();
  }

  #endTimeline(): void {
    this.#timeline?.end();
    this.#timeline = undefined;
  }

  #goOffAir(): void {
    if (!this.#isOnAir) return;
    this.#isOnAir = false;
    this.#options.offAir();
    this.#options.status('NetStream.Unpublish.Success', this.#options.stream.name);
  }

  // ── its media ──────────────────────────────────────────────────────────────────────────────────────────────────

  #take(message: WireMessage, item: SourceItem): void {
    const { typeId } = message;
    const isMedia = typeId === MessageType.Audio || typeId === MessageType.Video;
    const kind = isMedia ? kindOf(message) : 'other';
    if (!this.#isWanted(message, kind)) return;
    const isFirst = this.#timeline === undefined;
    this.#timeline ??= new Timeline(this.#beginMs, (fault) => this.#options.clockFault(fault, item.name));
    const wireMs = this.#placeOf(this.#timeline, message, kind);
    if (item.lengthMs && kind !== 'header' && wireMs - this.#beginMs >= item.lengthMs) {
      this.#nextMs = Math.max(this.#nextMs, this.#beginMs + item.lengthMs);
      this.#ended(item);
      return;
    }
    if (isFirst) {
      this.#cancelGrace?.();
      this.#goOnAir(item);
    }
    this.#publish(retimed(message, wireMs >>> 0));
    if (kind === 'other' || kind === 'header') return;
    const track = this.#tracks[typeId === MessageType.Audio ? 'audio' : 'video'];
    this.#nextMs = Math.max(this.#nextMs, track.next(wireMs));
    if (item.lengthMs === 0 && typeId === MessageType.Video) this.#ended(item);
  }

  #placeOf(timeline: Timeline, { typeId, timestampMs }: WireMessage, kind: MediaKind): number {
    const nowMs = this.#options.clock.now();
    if (kind === 'other') return timeline.placeData(timestampMs, nowMs);
    const track = typeId === MessageType.Audio ? 'audio' : 'video';
    if (kind === 'header') return timeline.placeHeader(track, timestampMs, nowMs);
    return timeline.place(track, timestampMs, nowMs);
  }

  #isWanted(message: WireMessage, kind: MediaKind): boolean {
    if (kind === 'header' || kind === 'other') return true;
    if (message.typeId === MessageType.Audio) return this.#wantsAudio;
    const startsGroup = this.#groups.take(message) !== undefined;
    if (!this.#wantsVideo) return false;
    if (startsGroup || this.#hasWaited()) this.#waitsForKeyframe = false;
    // a keyframe of a further track, which the lead track's may follow, can be decoded whatever comes
    return kind === 'keyframe' || !this.#waitsForKeyframe;
  }

  #waitForKeyframe(): void {
    this.#waitsForKeyframe = true;
    this.#waitsSinceMs = undefined;
  }

  /** As its players would: no longer than that. */
  #hasWaited(): boolean {
    if (!this.#waitsForKeyframe) return false;
    const { clock, stream } = this.#options;
    this.#waitsSinceMs ??= clock.now();
    return clock.now() - this.#waitsSinceMs >= stream.keyframeWaitMs;
  }

  #goOnAir(item: SourceItem): void {
    const { onAir, status, stream } = this.#options;
    if (this.#current?.source?.isLive) status('NetStream.Play.PublishNotify', item.name);
    if (this.#isOnAir) return;
    this.#isOnAir = true;
    onAir();
    status('NetStream.Publish.Start', stream.name);
  }

  #publish(message: WireMessage): void {
    const { stream } = this.#options;
    if (isMetaData(message)) stream.setDataFrame('onMetaData', message);
    else stream.publish(message);
  }
}

type MediaKind = 'header' | 'keyframe' | 'frame' | 'other';

function kindOf({ typeId, head }: WireMessage): MediaKind {
  if (typeId === MessageType.Audio) {
    const tag = inspectAudio(head);
    return tag?.isSequenceHeader || tag?.isMultichannelConfig || tag?.isSequenceEnd ? 'header' : 'frame';
  }
  const tag = inspectVideo(head);
  if (tag?.isSequenceHeader || tag?.isMetadata || tag?.isSequenceEnd || tag?.isCommandFrame) return 'header';
  return tag?.isKeyframe ? 'keyframe' : 'frame';
}

/** Where the next frame of a track would be. */
class Track {
  #lastMs: number | undefined;
  #frameMs = 0;

  begin(): void {
    this.#lastMs = undefined;
    this.#frameMs = 0;
  }

  next(ms: number): number {
    if (this.#lastMs !== undefined && ms > this.#lastMs) {
      this.#frameMs = Math.min(ms - this.#lastMs, MAX_FRAME_MS);
    }
    this.#lastMs = ms;
    return ms + this.#frameMs;
  }
}
