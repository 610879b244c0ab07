// A named stream of an application instance: its publisher comes and goes, its players and recorders may wait for it.
// This is the media path: no work per message per player, one write per player per flush, nothing here waits.

import type { Clock } from '../../clock.ts';
import type { ApplicationRows } from '../../config/schema/application.ts';
import { type MediaFault, mediaFault } from '../../media/media-fault.ts';
import {
  audioHeaderKey,
  inspectAudio,
  inspectVideo,
  type VideoTag,
  videoHeaderKey,
} from '../../media/tag.ts';
import { isMetaData } from '../../protocol/rtmp/command.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import { memoryBytes, retimed, type WireMessage } from '../../protocol/rtmp/wire-message.ts';
import { Turns } from '../pace/turns.ts';
import { BURST_TICK_MS, type LoadGovernor } from './flush.ts';
import { Flush } from './flush-batch.ts';
import { GopCache } from './gop-cache.ts';
import { LiveGroups } from './live-groups.ts';
import { StreamInfo } from './stream-info.ts';
import { Sweep } from './sweep.ts';
import { type Player, Viewer, type ViewerPlan, type ViewerTotals } from './viewer.ts';

/** Takes whole batches onwards: a recorder, a segmenter. Must not throw or wait. */
export interface Sink {
  take(batch: readonly WireMessage[]): void;
  /** The publisher has gone; another may come. */
  unpublished(): void;
}

/** What a stream needs of the server. */
export interface StreamServices {
  clock: Clock;
  /** Shared by all streams of the process. */
  governor: LoadGovernor;
  /** Of all work that peers cause; undefined: its own. */
  turns?: Turns | undefined;
  /** Runs `give`, which writes to many players, and may let all that leave at once when it returns. Undefined: runs it. */
  sweep?: ((give: () => void) => void) | undefined;
}

/** Of Application.xml. */
export type StreamSettings = Pick<
  ApplicationRows['streamManager']['live'],
  'accumulatedIFrames' | 'keyframeWaitMs' | 'flush'
> &
  Pick<ApplicationRows['client'], 'backlog'>;

export type StreamOptions = StreamServices & StreamSettings;

export type StreamFaultListener = (stream: string, fault: MediaFault) => void;

export interface StreamStats extends ViewerTotals {
  messagesIn: number;
  bytesIn: number;
  flushes: number;
  /** One write per player per flush. */
  writes: number;
  /** Flushes that a slow player did not get. */
  skipped: number;
  /** Joiners that had to wait for their turn. */
  deferred: number;
}

/** What may wait for a flush. */
const MAX_PENDING_BYTES = 4 << 20;

/** With sound and no picture for so long, nobody waits for a keyframe any more: it is a stream of sound. */
const VIDEO_GONE_MS = 10_000;

export class Stream {
  readonly name: string;
  readonly stats: StreamStats = {
    messagesIn: 0,
    bytesIn: 0,
    messagesOut: 0,
    bytesOut: 0,
    messagesDropped: 0,
    flushes: 0,
    writes: 0,
    skipped: 0,
    deferred: 0,
  };
  /** What it consists of, and its rates. */
  readonly info = new StreamInfo(() => this.stats.bytesOut);
  readonly #clock: Clock;
  readonly #options: StreamOptions;
  readonly #cache: GopCache;
  readonly #viewers = new Set<Viewer>();
  /** Who has come since the last flush, and how much of what is pending it has been given with its first bytes. */
  #fresh = new Map<Viewer, number>();
  readonly #sinks = new Set<Sink>();
  readonly #sweep: Sweep;
  /** Who has come and waits for its turn to be sent the group. */
  #joiners: Viewer[] = [];
  #cancelJoins: (() => void) | undefined;
  #pending: WireMessage[] = [];
  #pendingBytes = 0;
  /** What is pending begins with a group of pictures: that of it which has left already. Undefined: it does not. */
  #pendingLeadIn: readonly WireMessage[] | undefined;
  readonly #groups = new LiveGroups();
  readonly #onFault: StreamFaultListener | undefined;
  /** Kinds of messages that are left out. */
  readonly #faults = new Set<string>();
  #cancelFlush: (() => void) | undefined;
  #hasVideo = false;
  #videoAt = 0;
  #liveMs = 0;

  /** `onFault`: once for each kind of message that is left out, and publisher. */
  constructor(name: string, options: StreamOptions, onFault?: StreamFaultListener) {
    this.name = name;
    this.#onFault = onFault;
    this.#clock = options.clock;
    this.#options = options;
    this.#cache = new GopCache(options.accumulatedIFrames);
    this.#sweep = new Sweep({
      turns: options.turns ?? new Turns(options.clock),
      give: (viewer, flush) => this.#give(viewer, flush),
      swept: (beganMs, endedMs) => options.governor.swept(beganMs, endedMs),
      leaveOut: (viewer, flush) => viewer.leaveOut(flush, this.#cache),
    });
  }

  get viewers(): ReadonlySet<Viewer> {
    return this.#viewers;
  }
  /** Timestamp of the latest picture or sound. */
  get liveMs(): number {
    return this.#liveMs;
  }
  /** How long pictures may be kept back for want of a keyframe. */
  get keyframeWaitMs(): number {
    return this.#options.keyframeWaitMs;
  }
  get sinkCount(): number {
    return this.#sinks.size;
  }

  /** Audio and video, in the order in which the publisher sent them. */
  publish(message: WireMessage): void {
    this.#count(message);
    if (message.typeId === MessageType.Video) this.#publishVideo(message);
    else if (message.typeId === MessageType.Audio) this.#publishAudio(message);
    else this.#enqueue(isMetaData(message) ? retimed(message, 0) : message);
  }

  #publishVideo(message: WireMessage): void {
    const tag = inspectVideo(message.head);
    if (this.#leavesOut(mediaFault('video', tag, message))) return;
    this.#hasVideo = true;
    this.#videoAt = this.#clock.now();
    if (tag?.isSequenceHeader || tag?.isMetadata) this.#publishVideoHeader(tag, message);
    else {
      this.#enqueuePicture(tag, message);
      const { flush, governor } = this.#options;
      if (flush.mode === 'frame' && governor.gatherMs(flush) === 0) this.flush();
      else this.#armFlush();
    }
  }

  #publishVideoHeader(tag: VideoTag, message: WireMessage): void {
    const { payload } = message;
    this.info.videoHeader(tag, payload);
    const endsGroup = tag.isSequenceHeader && this.#groups.areConfiguredBy(payload);
    this.#publishHeader(videoHeaderKey(tag, payload)!, message, endsGroup);
  }

  #enqueuePicture(tag: VideoTag | undefined, message: WireMessage): void {
    this.info.picture(tag, message.head, message.timestampMs);
    const leadIn = this.#groups.take(message, tag);
    if (leadIn) this.flush(); // so that a group of pictures begins at the beginning of a write
    this.#enqueue(message, leadIn);
  }

  #publishAudio(message: WireMessage): void {
    if (this.#hasVideo && this.#clock.now() - this.#videoAt > VIDEO_GONE_MS) this.#hasVideo = false;
    const tag = inspectAudio(message.head);
    if (this.#leavesOut(mediaFault('audio', tag, message))) return;
    if (tag?.isSequenceHeader || tag?.isMultichannelConfig) {
      this.info.audioHeader(tag, message.payload);
      this.#publishHeader(audioHeaderKey(tag, message.payload)!, message, false);
    } else {
      this.info.sound(tag, message.head);
      this.#groups.takeOther(message);
      this.#enqueue(message);
    }
  }

  /** What nobody could play reaches nobody; of each kind of it a publisher's first is reported. */
  #leavesOut(fault: MediaFault | undefined): boolean {
    if (fault === undefined) return false;
    if (!this.#faults.has(fault.kind)) {
      this.#faults.add(fault.kind);
      this.#onFault?.(this.name, fault);
    }
    return true;
  }

  /** For those who come later, and for everybody who is here already. */
  #publishHeader(key: string, message: WireMessage, endsGroup: boolean): void {
    this.#cache.setHeader(key, message, endsGroup);
    this.#await(message);
    this.#armFlush();
  }

  #enqueue(message: WireMessage, leadIn?: readonly WireMessage[]): void {
    this.#cache.add(message, leadIn);
    if (message.typeId !== MessageType.DataAmf0) this.#liveMs = message.timestampMs;
    this.#await(message);
    if (leadIn && this.#pending.length > 0) this.#pendingLeadIn = leadIn;
    if (message.typeId !== MessageType.Video) this.#armFlush();
  }

  /**
   * A data message that stays: replayed to every later player (`@setDataFrame`). It holds for the whole stream, so its time is 0,
   * as that of all onMetaData.
   */
  setDataFrame(name: string, message: WireMessage): void {
    this.#count(message);
    const kept = retimed(message, 0);
    this.info.dataFrame(name, kept);
    this.#cache.setDataFrame(name, kept);
    this.#await(kept);
    this.#armFlush();
  }

  clearDataFrame(name: string): void {
    this.info.dataFrame(name, undefined);
    this.#cache.clearDataFrame(name);
  }

  #await(message: WireMessage): void {
    // Most streams of a server with many have nobody; who comes finds everything in the cache.
    if (this.#viewers.size === 0 && this.#sinks.size === 0) return;
    this.#pending.push(message);
    this.#pendingBytes += memoryBytes(message);
    // one aggregate message may hold half a million empty ones
    if (this.#pendingBytes > MAX_PENDING_BYTES) this.flush();
  }

  #armFlush(): void {
    if (this.#cancelFlush || this.#pending.length === 0) return;
    const { flush, governor } = this.#options;
    const now = () => {
      this.#cancelFlush = undefined;
      this.flush();
    };
    const gatherMs = governor.gatherMs(flush);
    if (gatherMs > 0) this.#cancelFlush = this.#clock.after(gatherMs, now);
    else if (flush.mode === 'frame') this.#cancelFlush = this.#clock.after(flush.audioDelayMs, now);
    else this.#cancelFlush = this.#clock.soon(now);
  }

  flush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    const batch = this.#pending;
    if (batch.length === 0) return;
    this.#pending = [];
    this.#pendingBytes = 0;
    const leadIn = this.#pendingLeadIn;
    this.#pendingLeadIn = undefined;
    this.stats.flushes += 1;
    if (this.#viewers.size > 0) this.#send(batch, leadIn);
    for (const sink of this.#sinks) sink.take(batch);
  }

  #send(batch: WireMessage[], leadIn: Flush['leadIn']): void {
    const { governor, sweep } = this.#options;
    const now = this.#clock.now();
    const whole = this.#flushOf(batch, leadIn, now);
    this.#sweep.begin(now);
    const give = () => this.#sendToAll(batch, whole);
    if (sweep && this.#viewers.size > 1) sweep(give);
    else give();
    governor.held(this, this.#slowestQueue());
    governor.swept(now, this.#clock.now());
  }

  #sendToAll(batch: WireMessage[], whole: Flush): void {
    const fresh = this.#fresh;
    for (const viewer of this.#viewers) {
      if ((fresh.size > 0 && fresh.has(viewer)) || viewer.isDeferred) continue;
      this.#sweep.add(viewer, whole);
    }
    if (fresh.size > 0) this.#sendToFresh(batch, whole);
  }

  /** Bytes that the slowest player has queued from flushes before this one. */
  #slowestQueue(): number {
    let most = 0;
    for (const { queuedBefore } of this.#viewers) if (queuedBefore > most) most = queuedBefore;
    return most;
  }

  /** They have had the first messages of this batch already. */
  #sendToFresh(batch: WireMessage[], whole: Flush): void {
    const rest = new Map<number, Flush>();
    for (const [viewer, had] of this.#fresh) {
      if (had === batch.length) continue;
      let flush = rest.get(had);
      if (!flush) {
        flush = this.#flushOf(batch.slice(had), undefined, whole.now);
        rest.set(had, flush);
      }
      this.#sweep.add(viewer, flush);
    }
    this.#fresh = new Map();
  }

  #flushOf(batch: WireMessage[], leadIn: Flush['leadIn'], now: number): Flush {
    return new Flush({
      batch,
      leadIn,
      needsKeyframe: this.#hasVideo,
      keyframeWaitMs: this.#options.keyframeWaitMs,
      bitrate: this.info.bytesPerSecond,
      now,
      isTight: this.#options.governor.isTight,
    });
  }

  #give(viewer: Viewer, flush: Flush): void {
    if (viewer.take(flush, this.#cache)) this.stats.writes += 1;
    else this.stats.skipped += 1;
  }

  #count(message: WireMessage): void {
    this.stats.messagesIn += 1;
    this.stats.bytesIn += message.wire.length;
    this.info.count(message, this.#clock.now());
  }

  /** Sends what a joiner needs and adds it. */
  addPlayer(player: Player, plan?: ViewerPlan): Viewer {
    // With a group, what is pending is part of it and so of the joiner's first bytes: a flush for each joiner would cost all
    // the others a write. Without one the joiner must not miss it.
    if (!this.#cache.hasGroup) this.flush();
    const viewer = new Viewer(player, this.#options.backlog, this.stats, plan);
    this.#viewers.add(viewer);
    if (this.#joiners.length === 0 && this.#reads(viewer) && this.#admitsBurst()) this.#join(viewer);
    else {
      // Many at a time, and each gets half a megabyte: they take turns, so that nobody else waits for all of them.
      viewer.defer();
      this.stats.deferred += 1;
      this.#joiners.push(viewer);
      this.#armJoins();
    }
    return viewer;
  }

  /** Who plays again and again and reads nothing of it is not sent another group. */
  #reads({ player }: Viewer): boolean {
    return player.queuedBytes <= this.#options.backlog.softSizeBytes;
  }

  #admitsBurst(): boolean {
    return this.#options.governor.admitsBurst(this.#cache.groupBytes);
  }

  #join(viewer: Viewer): void {
    viewer.join(this.#cache, this.#hasVideo, this.#liveMs);
    if (this.#pending.length > 0) this.#fresh.set(viewer, this.#pending.length);
  }

  #armJoins(): void {
    this.#cancelJoins ??= this.#clock.after(BURST_TICK_MS, () => {
      this.#cancelJoins = undefined;
      this.#joinSome();
      if (this.#joiners.length > 0) this.#armJoins();
    });
  }

  #joinSome(): void {
    let isAdmitted = true;
    this.#joiners = this.#joiners.filter((viewer) => {
      if (!viewer.isDeferred || !this.#viewers.has(viewer)) return false;
      if (!isAdmitted || !this.#reads(viewer)) return true;
      isAdmitted = this.#admitsBurst();
      if (isAdmitted) this.#join(viewer);
      return !isAdmitted;
    });
  }

  /** One that waits for a keyframe waits no longer. */
  startNow(viewer: Viewer): void {
    if (viewer.isDeferred) return; // its turn comes in a moment
    this.flush();
    this.#sweep.forget(viewer);
    viewer.startNow(this.#cache, this.#liveMs);
  }

  removePlayer(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    this.#fresh.delete(viewer);
    this.#sweep.forget(viewer);
  }

  /** Gives the sink what it needs to begin with (from the last keyframe on), then everything. Returns its own undo. */
  addSink(sink: Sink): () => void {
    this.flush();
    const begin = this.#cache.messages(this.#liveMs);
    if (begin.length > 0) sink.take(begin);
    this.#sinks.add(sink);
    return () => {
      this.flush();
      this.#sinks.delete(sink);
    };
  }

  /** The publisher has gone: its headers and pictures mean nothing to the next one's viewers. */
  unpublish(): void {
    this.flush();
    this.#sweep.finish();
    this.#cache.clear();
    this.#groups.reset();
    this.#faults.clear();
    this.#hasVideo = false;
    this.#liveMs = 0;
    this.info.reset();
    this.#options.governor.held(this, 0);
    for (const viewer of this.#viewers) viewer.reset();
    for (const sink of [...this.#sinks]) sink.unpublished();
  }

  /** Something else comes from the same publisher: headers and pictures so far mean nothing to it. */
  changeSource(): void {
    this.flush();
    this.#sweep.finish();
    this.#cache.clear();
    this.info.clear();
    this.#groups.reset();
    this.#hasVideo = false;
    for (const viewer of this.#viewers) viewer.reset();
  }

  /** Nobody is left: stops the timer. */
  close(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    this.#cancelJoins?.();
    this.#cancelJoins = undefined;
    this.#sweep.close();
    this.#options.governor.held(this, 0);
  }
}
