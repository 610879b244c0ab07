// One player of one stream: how its share of each flush reaches it, and what is left out when it is slow or has paused.
import { asDataFrame, dataNameOf } from '../../protocol/rtmp/command.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import { buildWireMessage, type WireMessage } from '../../protocol/rtmp/wire-message.ts';
import { Backlog, type BacklogLimits, type BacklogVerdict, type QueuedSocket } from './backlog.ts';
import { type Flush, isMedia } from './flush-batch.ts';
import type { GopCache } from './gop-cache.ts';
import type { Shaped, ViewerShape, WireShape } from './shape.ts';

/** A player's end of the wire, as the adaptor offers it. Must not throw or wait. */
export interface Player extends QueuedSocket {
  /** Of the bytes that it is given; the same as long as it lives. */
  readonly shape: ViewerShape;
  /** `messages`: how many there are in it, for the counters. */
  write(bytes: Uint8Array, messages: number): void;
  /** The same in pieces, which follow each other. */
  writeAll(pieces: readonly Uint8Array[], messages: number): void;
  /** So many messages were not sent to it, for it is slow. */
  dropped(messages: number): void;
  publishNotify(): void;
  unpublishNotify(): void;
  /** Frames are being left out: NetStream.Play.InsufficientBW. */
  insufficientBandwidth(): void;
  /** It gets sound alone so far, for no keyframe is kept for it; `isOver`: it gets pictures now, though no keyframe came. */
  waitsForKeyframe(isOver: boolean): void;
  /** It could not keep up at all; the adaptor closes the connection. */
  tooSlow(): void;
}

/** What all viewers of a stream have had together. */
export interface ViewerTotals {
  bytesOut: number;
  messagesOut: number;
  messagesDropped: number;
}

/** What is out of the ordinary about one viewer. Calls come in the midst of a flush. */
export interface ViewerPlan {
  /** It gets nothing before the next keyframe: something else is played until then. */
  waitsForKeyframe?: boolean;
  /** Its first message leaves; what is returned is added to the times of all. */
  begins?(timestampMs: number): number;
  /** It is a server that publishes what it gets: data frames are told as such, and times go on across publishers. */
  relays?: boolean;
  /** It gets no more than this. */
  lengthMs?: number;
  ends?(): void;
}

/**
 * `Deferred`: has not had its first bytes. `Listening`: gets everything but pictures. `Behind`: has missed something, headers
 * perhaps. `Waiting`: gets nothing until the next keyframe.
 */
const ViewerState = {
  Deferred: 'deferred',
  Playing: 'playing',
  Listening: 'listening',
  Behind: 'behind',
  Waiting: 'waiting',
  Paused: 'paused',
} as const;
type ViewerState = (typeof ViewerState)[keyof typeof ViewerState];

/** What interleaving may make of the order of times; more is a wrap. */
const MAX_EARLY_MS = 10_000;

/** Waiting for a keyframe for no longer than that is nothing to speak of. */
const USUAL_WAIT_MS = 1_000;

export class Viewer {
  readonly player: Player;
  readonly #backlog: Backlog;
  readonly #totals: ViewerTotals;
  readonly #shape: ViewerShape;
  #state: ViewerState = ViewerState.Playing;
  #wantsAudio = true;
  #wantsVideo = true;
  /** What the joiner was sent at once; it must not count as being slow while it is on its way. */
  #burstBytes = 0;
  readonly #plan: ViewerPlan | undefined;
  /** Of the first message that it got; undefined: none yet. */
  #beganMs: number | undefined;
  /** Added to the stream's times. */
  offsetMs = 0;
  /** Of the latest message that it got, on the wire. */
  sentMs = 0;
  #toldInsufficient = false;
  /** Since when it gets no pictures, by the clock; undefined: since the flush that comes next. */
  #listensSinceMs: number | undefined;
  #toldWaiting = false;
  /** Queued when the last flush came: what of earlier ones it keeps in memory. */
  queuedBefore = 0;

  constructor(player: Player, limits: BacklogLimits, totals: ViewerTotals, plan?: ViewerPlan) {
    this.player = player;
    this.#plan = plan;
    this.#backlog = new Backlog(limits);
    this.#totals = totals;
    this.#shape = player.shape;
  }

  /** `join` comes later. */
  defer(): void {
    this.#state = ViewerState.Deferred;
  }
  get isDeferred(): boolean {
    return this.#state === ViewerState.Deferred;
  }

  /** Sends headers and the last group of pictures. Without one it gets everything but pictures until a keyframe comes. */
  join(cache: GopCache, streamHasVideo: boolean, liveMs: number): void {
    if (this.#plan?.waitsForKeyframe) {
      this.#state = ViewerState.Waiting;
      return;
    }
    this.#state = ViewerState.Playing;
    if (streamHasVideo && !cache.hasGroup) this.#listen();
    this.#joinNow(cache, liveMs);
  }

  #listen(): void {
    this.#state = ViewerState.Listening;
    this.#listensSinceMs = undefined;
    this.#toldWaiting = false;
  }

  #joinNow(cache: GopCache, liveMs: number): void {
    const beginMs = cache.beginMs ?? liveMs;
    if (beginMs > 0 || cache.hasGroup) this.#began(beginMs);
    this.sentMs = (liveMs + this.offsetMs) >>> 0;
    const shape = this.#fastShape;
    this.#burstBytes = shape
      ? this.#send(cache.joined(shape, liveMs), cache.messageCount)
      : this.#sendPrivate(cache.messages(liveMs), cache);
  }

  /** True when it was sent. */
  take(flush: Flush, cache: GopCache): boolean {
    if (this.#state === ViewerState.Paused || this.#isOver(flush)) return false;
    const { player } = this;
    this.queuedBefore = player.queuedBytes;
    if (this.queuedBefore === 0) this.#burstBytes = 0;
    const verdict = this.#backlog.judge(player, this.#burstBytes, flush);
    if (verdict === 'write' && this.#state === ViewerState.Playing) {
      this.#write(flush, cache);
      return true;
    }
    return this.#catchUp(verdict, flush, cache);
  }

  /** The server has no time for it: it misses that flush, as a slow player does. */
  leaveOut(flush: Flush, cache: GopCache): void {
    if (this.#state !== ViewerState.Paused) this.#catchUp('skip', flush, cache);
  }

  #catchUp(verdict: BacklogVerdict, flush: Flush, cache: GopCache): boolean {
    if (verdict === 'write') {
      if (flush.leadIn || !flush.needsKeyframe || !this.#wantsVideo) {
        this.#resume(flush, cache);
        return true;
      }
      if (this.#state !== ViewerState.Waiting) return this.#hear(flush, cache);
    }
    // one that waits for its first picture has lost nothing
    if (verdict !== 'write' || this.#toldInsufficient) this.#drop(flush.batch.length);
    if (verdict === 'close') {
      this.#state = ViewerState.Paused; // the last that it hears of this stream
      this.player.tooSlow();
    } else if (verdict === 'skip') {
      if (this.#state !== ViewerState.Waiting) this.#state = ViewerState.Behind;
      if (!this.#toldInsufficient) {
        this.#toldInsufficient = true;
        this.player.insufficientBandwidth();
      }
    }
    return false;
  }

  /** Sends everything but pictures, and these as well when it has waited for a keyframe for too long. */
  #hear(flush: Flush, cache: GopCache): boolean {
    const isBack = this.#state === ViewerState.Behind;
    if (isBack) this.#listen();
    this.#listensSinceMs ??= flush.now;
    const waitedMs = flush.now - this.#listensSinceMs;
    const isOver = waitedMs >= flush.keyframeWaitMs;
    if ((isOver || waitedMs >= USUAL_WAIT_MS) && !(this.#toldWaiting && !isOver)) {
      this.#toldWaiting = true;
      this.player.waitsForKeyframe(isOver);
    }
    if (isOver) this.#plays();
    const run = isOver ? flush.whole : flush.withoutPictures;
    if (this.#toldInsufficient) this.#drop(flush.batch.length - run.messages.length);
    this.#began(flush.beginMs);
    this.#sent(flush);
    const before = isBack ? cache.headersAt(flush.beginMs ?? 0) : [];
    return this.#sendBehind(before, run, cache) > 0;
  }

  #plays(): void {
    this.#state = ViewerState.Playing;
    this.#toldInsufficient = false;
  }

  /** What it was to get, it has got. */
  #isOver({ beginMs }: Flush): boolean {
    const plan = this.#plan;
    if (plan?.lengthMs === undefined || this.#beganMs === undefined || beginMs === undefined) return false;
    if (((beginMs - this.#beganMs) | 0) < plan.lengthMs) return false;
    this.#state = ViewerState.Paused;
    plan.ends?.();
    return true;
  }

  #began(timestampMs: number | undefined): void {
    if (this.#beganMs !== undefined || timestampMs === undefined) return;
    this.#beganMs = timestampMs;
    this.offsetMs = this.#plan?.begins?.(timestampMs) ?? 0;
  }

  #resume(flush: Flush, cache: GopCache): void {
    const { whole, beginMs, leadIn = [] } = flush;
    // one that has been listening has the headers, and the sound between these pictures
    const headers = this.#state === ViewerState.Listening ? [] : cache.headersAt(beginMs ?? 0);
    const pictures = leadIn.filter(({ typeId }) => typeId === MessageType.Video);
    this.#plays();
    this.#began(beginMs);
    this.#sent(flush);
    this.#sendBehind([...headers, ...pictures], whole, cache);
  }

  /** `before`, which is its own, and what is the same for all. */
  #sendBehind(before: readonly WireMessage[], run: Shaped, cache: GopCache): number {
    const shape = this.#fastShape;
    if (!shape) return this.#sendPrivate([...before, ...run.messages], cache);
    const own = before.length > 0 ? this.#send(shape.join(before), before.length) : 0;
    return own + this.#send(run.as(shape), run.messages.length);
  }

  #write(flush: Flush, cache: GopCache): void {
    this.#began(flush.beginMs);
    this.#sent(flush);
    const shape = this.#fastShape ?? this.#shapeOfRelay(flush);
    if (shape) this.#send(flush.whole.as(shape), flush.batch.length);
    else this.#sendPrivate(flush.batch, cache);
  }

  #sent({ endMs }: Flush): void {
    if (endMs !== undefined) this.sentMs = (endMs + this.offsetMs) >>> 0;
  }

  #send(bytes: Buffer, messages: number): number {
    const { length } = bytes;
    if (length === 0) return 0;
    this.player.write(bytes, messages);
    this.#totals.bytesOut += length;
    this.#totals.messagesOut += messages;
    return length;
  }

  #sendAll(pieces: readonly Buffer[], messages: number): number {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (length === 0) return 0;
    this.player.writeAll(pieces, messages);
    this.#totals.bytesOut += length;
    this.#totals.messagesOut += messages;
    return length;
  }

  #drop(messages: number): void {
    this.player.dropped(messages);
    this.#totals.messagesDropped += messages;
  }

  /** It is given bytes that it shares, and nothing else. */
  get takesAsItIs(): boolean {
    return this.#state === ViewerState.Playing && this.#fastShape !== undefined;
  }

  /** Shared bytes will do for whatever comes. Undefined: it needs bytes of its own. */
  get #fastShape(): WireShape | undefined {
    const isFast = !this.#plan?.relays && this.offsetMs === 0 && this.#wantsAudio && this.#wantsVideo;
    return isFast ? this.#shape.shared : undefined;
  }

  /** Data may be a data frame, which another server is told in other words. */
  #shapeOfRelay({ batch }: Flush): WireShape | undefined {
    const isRelay = this.#plan?.relays === true && this.offsetMs === 0;
    const isShared = isRelay && batch.every(({ typeId }) => typeId !== MessageType.DataAmf0);
    return isShared ? this.#shape.shared : undefined;
  }

  #sendPrivate(messages: readonly WireMessage[], cache: GopCache): number {
    const wanted = messages.filter(
      ({ typeId }) =>
        (this.#wantsAudio || typeId !== MessageType.Audio) &&
        (this.#wantsVideo || typeId !== MessageType.Video),
    );
    // another server's recording may take 0 for a jump of its clock
    const first = this.#plan?.relays ? messages.find((message) => !isTimeless(message)) : undefined;
    const timelessMs = this.#plan?.relays ? (first ? this.#timeOf(first) : this.sentMs) : 0;
    const pieces = this.#shape.rewrite(
      this.#plan?.relays ? wanted.map((message) => asPublished(message, cache)) : wanted,
      (message) => (isTimeless(message) ? timelessMs : this.#timeOf(message)),
    );
    return this.#sendAll(pieces, wanted.length);
  }

  /**
   * Sound that is a hair before the first picture has its time: it must not become a time before 0. Data, whose time may be
   * anything, never has one before that.
   */
  #timeOf(message: WireMessage): number {
    const { timestampMs } = message;
    const sinceMs = (timestampMs - (this.#beganMs ?? timestampMs)) | 0;
    const isEarly =
      sinceMs < 0 && (sinceMs > -MAX_EARLY_MS || !isMedia(message)) && this.#plan?.relays === true;
    return (timestampMs - (isEarly ? sinceMs : 0) + this.offsetMs) >>> 0;
  }

  /** Does not wait for a keyframe any longer: what a joiner would be given is given to it now. */
  startNow(cache: GopCache, liveMs: number): void {
    if (this.#state === ViewerState.Waiting) {
      this.#state = ViewerState.Playing;
      this.#joinNow(cache, liveMs);
    }
  }

  receiveAudio(wanted: boolean): void {
    this.#wantsAudio = wanted;
  }

  receiveVideo(wanted: boolean): void {
    if (wanted && !this.#wantsVideo) this.#fallBehind();
    this.#wantsVideo = wanted;
  }

  pause(paused: boolean): void {
    if (paused) this.#state = ViewerState.Paused;
    else if (this.#state === ViewerState.Paused) this.#fallBehind();
  }

  /** The publisher has changed: what this one missed is of the past. */
  reset(): void {
    if (this.#state !== ViewerState.Paused && this.#state !== ViewerState.Deferred) this.#plays();
    this.#toldInsufficient = false;
    this.#burstBytes = 0;
    if (this.#plan?.relays) this.#beganMs = undefined;
  }

  #fallBehind(): void {
    if (this.#state === ViewerState.Playing || this.#state === ViewerState.Paused)
      this.#state = ViewerState.Behind;
  }
}

/** It holds for the whole stream. */
function isTimeless({ typeId, timestampMs }: WireMessage): boolean {
  return typeId === MessageType.DataAmf0 && timestampMs === 0;
}

/** As a publisher says it: what the stream keeps for everybody is to be kept at the other end as well. */
function asPublished(message: WireMessage, cache: GopCache): WireMessage {
  const { typeId, timestampMs, payload, chunkBytes } = message;
  const name = typeId === MessageType.DataAmf0 ? dataNameOf(payload) : undefined;
  if (name === undefined || !cache.hasDataFrame(name)) return message;
  return buildWireMessage({ typeId, timestampMs, payload: asDataFrame(payload), chunkBytes });
}
