// One player of one recorded stream: sends it as far ahead as the player wants to buffer, and from then on as fast as it is
// played. What it sends is shared by all players of the file; it waits for this one's socket, and never leaves anything out.

import type { Clock } from '../../clock.ts';
import { isMetaData } from '../../protocol/rtmp/command.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import type { WireMessage } from '../../protocol/rtmp/wire-message.ts';
import { bytesOf, type Place, type RecordedStream, type Segment, segmentOf } from '../contract/recorded.ts';
import { isPicture, isSeekMark, isSoundHeader, SeekMark, SeekMarks } from '../contract/seek-marks.ts';
import { RTMP_CHUNKS } from '../live/rtmp-shape.ts';
import type { ViewerShape } from '../live/shape.ts';
import type { Turns } from '../pace/turns.ts';
import { Still } from './still.ts';

/** A player's end of the wire, as far as a file is concerned. Must not throw or wait. */
export interface FilePort {
  /** Of the bytes that it is given. */
  readonly shape: ViewerShape;
  /** Handed over and not yet sent. */
  readonly queuedBytes: number;
  write(bytes: Uint8Array, messages: number): void;
  /** The same in pieces, which follow each other. */
  writeAll(pieces: readonly Uint8Array[], messages: number): void;
  /** Calls once, when there is room again. Returns its undo. */
  onDrained(call: () => void): () => void;
  /** As much is sent as it wants to buffer: user control Buffer Empty; then Buffer Ready, when it goes on. */
  bufferFilled(): void;
  bufferGoesOn(): void;
}

export interface FilePlayerOptions {
  stream: RecordedStream;
  port: FilePort;
  clock: Clock;
  /** What is sent is work, and the file decides how much of it: a tag of one byte is a message as well. */
  turns: Turns;
  /** A player's buffer is taken to be this long at least. */
  minBufferMs: number;
  /** Added to the file's times. */
  offsetMs: number;
  /** Marks in the file, around pictures that are not to be shown, are sent. */
  marks: boolean;
  /** Everything that it was to send is sent. */
  ended(): void;
  failed(error: unknown): void;
}

export interface SeekOptions {
  /** Pictures before the time that is sought are marked as not to be shown. */
  marks: boolean;
  /** onMetaData is sent again. */
  metaData: boolean;
}

/** A player that has as much to read as this waits for its socket. */
const MAX_QUEUED_BYTES = 256 << 10;
/** What is sent in one go is no more messages than these either. */
const MAX_MESSAGES = 1_000;
/** It is looked at so often, or four times in the length of its buffer. */
const STEP_MS = 200;
const MIN_STEP_MS = 20;
/** What a player may want to buffer. COMPAT(rtmpdump 2.4) asks for ten hours. */
const MAX_BUFFER_MS = 3_600_000;

const State = {
  Idle: 'idle',
  Sending: 'sending',
  Paused: 'paused',
  Ended: 'ended',
  Closed: 'closed',
} as const;
type State = (typeof State)[keyof typeof State];

export class FilePlayer {
  readonly #options: FilePlayerOptions;
  readonly #forgetGrowth: () => void;
  #state: State = State.Idle;
  #bufferMs: number;
  /** Whatever waits for an earlier one has nothing to say any more. */
  #turn = 0;
  /** Where to go before anything else. */
  #sought: ({ ms: number } & SeekOptions) | undefined;
  /** What comes before the first message. */
  #headers: readonly WireMessage[] = [];
  /** Where the next segment is; the one in hand, and what comes next in it. */
  #at = 0;
  #segment: Segment | undefined;
  #index = 0;
  /** Of what comes next, by the file's clock. */
  #nextMs = 0;
  /** It is not sent from there on, by the file's clock. */
  #endMs = Number.POSITIVE_INFINITY;
  /** The same, for another one goes on there. */
  #handOver: { ms: number; call: () => void } | undefined;
  /** Stop at the first picture. */
  #wantsOneFrame = false;
  /** Marks in the file say that what follows is not to be shown. */
  #isHidden = false;
  /** What is played at `#sinceMs` of our clock. */
  #headMs = 0;
  #sinceMs = 0;
  /** Pictures before it are for the decoder only. */
  #shownFromMs: number | undefined;
  #marks = new SeekMarks();
  /** Paused, and the picture of the time that was sought is still to be sent. */
  #owesPicture = false;
  #still: Still | undefined;
  #isFilled = false;
  #hasToldFilled = false;
  #wantsAudio = true;
  #wantsVideo = true;
  #grown = 0;
  #waitsForGrowth = false;
  #cancelWait: (() => void) | undefined;
  /** Of the latest message, on the wire. */
  sentMs = 0;
  /** Added to the file's times; what would be before 0 is at 0. */
  offsetMs: number;

  constructor(options: FilePlayerOptions) {
    this.#options = options;
    this.#bufferMs = options.minBufferMs;
    this.offsetMs = options.offsetMs;
    this.#forgetGrowth = options.stream.onGrown(() => {
      this.#grown += 1;
      if (this.#waitsForGrowth) this.#go();
    });
  }

  get stream(): RecordedStream {
    return this.#options.stream;
  }
  /** Of what comes next, by the file's clock. */
  get positionMs(): number {
    return this.#nextMs;
  }
  get isPaused(): boolean {
    return this.#state === State.Paused;
  }
  get isEnded(): boolean {
    return this.#state === State.Ended;
  }

  /** How far ahead the player wants to be. */
  set bufferMs(ms: number) {
    this.#bufferMs = Math.max(this.#options.minBufferMs, Math.min(ms, MAX_BUFFER_MS));
    if (this.#state === State.Sending) this.#go();
  }

  /** What is sent ends there, by the file's clock. */
  set endMs(ms: number) {
    this.#endMs = ms;
    if (this.#state === State.Sending) this.#go();
  }

  /** Calls instead of `ended` when everything before that time, by the file's clock, is sent. Returns its undo. */
  handOver(ms: number, call: () => void): () => void {
    const handOver = { ms, call };
    this.#handOver = handOver;
    if (this.#state === State.Sending) this.#go();
    return () => {
      if (this.#handOver === handOver) this.#handOver = undefined;
    };
  }

  /** Sends one picture, or one sound where there is no picture. */
  wantOneFrame(): void {
    this.#wantsOneFrame = true;
  }

  /** Sends from the keyframe at or before that time on; paused, no more than shows the picture of that time. */
  playFrom(ms: number, seek: SeekOptions = { marks: false, metaData: true }): void {
    this.#sought = { ms, ...seek };
    this.#nextMs = ms;
    this.#beginAnew();
  }

  /** The same from a place that is known. */
  playAt(place: Place): void {
    this.#sought = undefined;
    this.#take(place, place.timeMs);
    this.#beginAnew();
  }

  #beginAnew(): void {
    this.#stopWaiting();
    this.#segment = undefined;
    this.#still = undefined;
    if (this.#state === State.Closed) return;
    if (this.#state === State.Paused) {
      this.#showPicture();
      return;
    }
    this.#state = State.Sending;
    this.#restartClock();
    this.#go();
  }

  #restartClock(): void {
    this.#isFilled = false;
    this.#hasToldFilled = false;
    this.#headMs = this.#shownFromMs ?? this.#nextMs;
    this.#sinceMs = this.#options.clock.now();
  }

  #take(place: Place, shownFromMs: number): void {
    this.#headers = place.headers;
    this.#at = place.at;
    this.#segment = undefined;
    this.#nextMs = place.timeMs;
    this.#shownFromMs = shownFromMs > place.timeMs ? shownFromMs : undefined;
    this.#marks = new SeekMarks();
  }

  pause(): void {
    if (this.#state === State.Closed || this.#state === State.Paused) return;
    this.#state = State.Paused;
    this.#stopWaiting();
    if (this.#sought || this.#shownFromMs !== undefined) this.#showPicture(); // it is on its way there
  }

  /** Goes on where it was. */
  resume(): void {
    if (this.#state !== State.Paused) return;
    this.#leavePicture(this.#still?.shown ?? []);
    this.#state = State.Sending;
    this.#restartClock();
    this.#go();
  }

  receive(wants: { audio?: boolean; video?: boolean }): void {
    this.#wantsAudio = wants.audio ?? this.#wantsAudio;
    this.#wantsVideo = wants.video ?? this.#wantsVideo;
  }

  close(): void {
    if (this.#state === State.Closed) return;
    this.#state = State.Closed;
    this.#stopWaiting();
    this.#forgetGrowth();
    this.#segment = undefined;
    this.#options.stream.close();
  }

  // ── a picture while paused ─────────────────────────────────────────────────────────────────────────────────────

  /** A player that moves its slider looks for the picture; there is none in sound alone. */
  #showPicture(): void {
    this.#owesPicture = this.#wantsVideo && this.#options.stream.hasVideo;
    if (this.#owesPicture) this.#go();
  }

  /** False: it is sent. */
  #sendStill(segment: Segment): boolean {
    const { messages } = segment;
    this.#still ??= new Still(this.#shownFromMs ?? this.#nextMs);
    const still = this.#still;
    const needed: WireMessage[] = [];
    let bytes = 0;
    while (this.#index < messages.length && bytes < MAX_QUEUED_BYTES && needed.length < MAX_MESSAGES) {
      const message = messages[this.#index]!;
      if (message.timestampMs >= this.#endMs || !still.wants(message)) {
        this.#write(needed);
        this.#pictureFound(still);
        return false;
      }
      for (const passed of still.take(message)) {
        needed.push(...this.#marks.hidden(passed));
        bytes += passed.wire.length;
      }
      this.#index += 1;
    }
    this.#write(needed);
    return true;
  }

  #pictureFound(still: Still): void {
    const { shown, pictureMs } = still;
    const [first] = shown;
    if (first) this.#write([...this.#marks.end(first), ...shown]);
    if (pictureMs !== undefined) this.sentMs = this.#wireTime(pictureMs);
    this.#shownFromMs = undefined;
    this.#leavePicture([]);
  }

  /** What was looked at and not sent is due when it goes on. */
  #leavePicture(unsent: readonly WireMessage[]): void {
    const still = this.#still;
    this.#owesPicture = false;
    this.#still = undefined;
    if (!still) return;
    const ahead = this.#segment?.messages.slice(this.#index) ?? [];
    this.#segment = segmentOf([...unsent, ...still.rest, ...ahead], this.#at);
    this.#index = 0;
    this.#nextMs = this.#segment.messages[0]?.timestampMs ?? still.ms;
  }

  // ── sending ────────────────────────────────────────────────────────────────────────────────────────────────────

  #stopWaiting(): void {
    this.#turn += 1;
    this.#cancelWait?.();
    this.#cancelWait = undefined;
    this.#waitsForGrowth = false;
  }

  #go(): void {
    this.#stopWaiting();
    this.#sendOn(this.#turn).catch((error: unknown) => {
      if (this.#state === State.Closed) return;
      this.#state = State.Ended;
      this.#options.failed(error);
    });
  }

  async #sendOn(turn: number): Promise<void> {
    while ((this.#state === State.Sending || this.#owesPicture) && turn === this.#turn) {
      const { port, stream } = this.#options;
      if (port.queuedBytes >= MAX_QUEUED_BYTES) {
        this.#cancelWait = port.onDrained(() => this.#go());
        return;
      }
      const grown = this.#grown;
      const isThere = this.#sought
        ? await this.#seek(this.#sought, turn)
        : this.#hasMessages || (await this.#read(turn));
      if (turn !== this.#turn) return;
      if (isThere) {
        const goesOn = await this.#options.turns.run(
          undefined,
          () => turn === this.#turn && this.#sendHere(),
        );
        if (!goesOn) return;
      } else if (grown === this.#grown) {
        if (this.#owesPicture && (this.#still?.hasPicture || !stream.isGrowing)) {
          this.#pictureFound(this.#still ?? new Still(this.#nextMs));
          return;
        }
        if (!stream.isGrowing) return this.#end();
        this.#waitsForGrowth = true;
        return;
      }
    }
  }

  get #hasMessages(): boolean {
    return this.#segment !== undefined && this.#index < this.#segment.messages.length;
  }

  /** False: nothing is there, as of now. */
  async #seek({ ms, marks, metaData }: { ms: number } & SeekOptions, turn: number): Promise<boolean> {
    const soughtMs = this.#owesPicture ? Math.min(ms, this.#endMs - 1) : ms;
    const place = await this.#options.stream.keyframeBefore(soughtMs);
    if (turn !== this.#turn || !place) return false;
    this.#sought = undefined;
    this.#take(place, marks ? Math.min(soughtMs, this.#options.stream.lengthMs) : place.timeMs);
    if (!metaData) this.#headers = place.headers.filter(({ typeId }) => typeId !== MessageType.DataAmf0);
    this.#restartClock();
    return true;
  }

  async #read(turn: number): Promise<boolean> {
    const segment = await this.#options.stream.read(this.#at);
    if (turn !== this.#turn || !segment) return false;
    this.#sendHeaders();
    this.#segment = segment;
    this.#index = 0;
    this.#at = segment.next;
    return true;
  }

  /** False: it waits, or is through. */
  #sendHere(): boolean {
    const segment = this.#segment;
    if (!segment || !this.#hasMessages) return true;
    return this.#owesPicture ? this.#sendStill(segment) : this.#sendSome(segment);
  }

  /** False: it waits, or has come to its end. */
  #sendSome(segment: Segment): boolean {
    const { messages } = segment;
    const untilMs = this.#horizonMs;
    const endMs = Math.min(this.#endMs, this.#handOver?.ms ?? this.#endMs);
    const from = this.#index;
    let to = from;
    let isDone = false;
    let bytes = 0;
    while (to < messages.length && bytes < MAX_QUEUED_BYTES && to - from < MAX_MESSAGES) {
      const message = messages[to]!;
      isDone = message.timestampMs >= endMs;
      if (isDone || message.timestampMs > untilMs) break;
      bytes += message.wire.length;
      to += 1;
      if (this.#wantsOneFrame && this.#isTheFrame(message)) {
        isDone = true;
        break;
      }
    }
    if (to > from) this.#sendRun(segment, from, to);
    this.#index = to;
    if (isDone) {
      this.#end();
      return false;
    }
    const next = messages[to];
    if (!next) return true;
    this.#nextMs = next.timestampMs;
    if (next.timestampMs <= untilMs) return true;
    this.#waitForTime(next.timestampMs - untilMs);
    return false;
  }

  #isTheFrame(message: WireMessage): boolean {
    if (isSeekMark(message)) this.#isHidden = message.head[1] === SeekMark.Begins;
    if (this.#isHidden) return false;
    if (!this.#options.stream.hasVideo) return message.typeId === MessageType.Audio;
    return isPicture(message);
  }

  #wireTime(ms: number): number {
    return Math.max(0, ms + this.offsetMs) >>> 0;
  }

  get #horizonMs(): number {
    return this.#headMs + this.#options.clock.now() - this.#sinceMs + this.#bufferMs;
  }

  #waitForTime(ms: number): void {
    const { port, clock } = this.#options;
    if (!this.#isFilled) {
      this.#isFilled = true;
      port.bufferFilled();
    }
    const stepMs = Math.max(MIN_STEP_MS, Math.min(STEP_MS, this.#bufferMs / 4));
    this.#cancelWait = clock.after(Math.max(ms, stepMs), () => this.#go());
  }

  /** There is nothing that it could send. */
  end(): void {
    this.#stopWaiting();
    this.#end();
  }

  #end(): void {
    this.#state = State.Ended;
    const { call } = this.#handOver ?? { call: this.#options.ended };
    this.#handOver = undefined;
    call();
  }

  #sendHeaders(): void {
    const { port } = this.#options;
    const headers = this.#headers;
    this.#headers = [];
    if (headers.length === 0) return;
    const beginMs = this.#wireTime(this.#nextMs);
    const timeOf = (header: WireMessage) => (isMetaData(header) ? 0 : beginMs);
    port.writeAll(port.shape.rewrite(headers, timeOf), headers.length);
  }

  #sendRun(segment: Segment, from: number, to: number): void {
    const { port } = this.#options;
    if (this.#isFilled && !this.#hasToldFilled) {
      this.#hasToldFilled = true;
      port.bufferGoesOn();
    }
    const isFast =
      port.shape.shared === RTMP_CHUNKS && // which is what segments consist of
      this.offsetMs === 0 &&
      this.#wantsAudio &&
      this.#wantsVideo &&
      !segment.hasMetaData &&
      this.#shownFromMs === undefined &&
      (this.#options.marks || !segment.hasMarks);
    const last = segment.messages[to - 1]!.timestampMs;
    this.#nextMs = last;
    this.sentMs = this.#wireTime(last);
    if (isFast) port.write(bytesOf(segment, from, to), to - from);
    else this.#sendPrivate(segment.messages.slice(from, to));
  }

  #sendPrivate(messages: readonly WireMessage[]): void {
    this.#write(messages.flatMap((message) => this.#wanted(message)));
  }

  #write(messages: readonly WireMessage[]): void {
    const { port } = this.#options;
    if (messages.length === 0) return;
    const timeOf = (message: WireMessage) => (isMetaData(message) ? 0 : this.#wireTime(message.timestampMs));
    port.writeAll(port.shape.rewrite(messages, timeOf), messages.length);
  }

  /** The message, if it is wanted, with the marks around pictures that are not to be shown. */
  #wanted(message: WireMessage): WireMessage[] {
    const { typeId, timestampMs } = message;
    if (!this.#options.marks && isSeekMark(message)) return [];
    const isVideo = typeId === MessageType.Video;
    const isWanted = isVideo ? this.#wantsVideo : typeId !== MessageType.Audio || this.#wantsAudio;
    const shownFromMs = this.#shownFromMs;
    if (shownFromMs === undefined) return isWanted ? [message] : [];
    if (timestampMs < shownFromMs) {
      if (isVideo) return isWanted ? this.#marks.hidden(message) : [];
      return isSoundHeader(message) && isWanted ? [message] : []; // sound begins where it is heard
    }
    this.#shownFromMs = undefined;
    return [...this.#marks.end(message), ...(isWanted ? [message] : [])];
  }
}
