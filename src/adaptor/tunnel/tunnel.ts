// One RTMP session inside HTTP requests (RTMPT). To the session it is a connection like any other; requests come with a number
// each, over as many connections as the client likes, and are served in the order of their numbers:
//
//   send   bytes for the session, which has them     answered when the session has room for more
//          as they come
//   idle   nothing                                   answered when the session has something to say, or after a while
//   close  the client has gone                       answered at once
//
// An answer is one byte, how long to wait before the next idle, and what the session has to say.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';
import type { Clock } from '../../clock.ts';
import { reply } from '../http/http-reply.ts';

export type TunnelVerb = 'send' | 'idle' | 'close';

export interface TunnelSettings {
  /** How long an idle may be kept for something to say. FMS: IdleAckInterval. */
  holdMs: number;
  /** The longest wait between two of them that a client is asked for. FMS: IdlePostInterval. */
  pollMs: number;
  /** A request with more ends the tunnel; one that takes longer to arrive did not come. */
  maxRequestBytes: number;
  requestMs: number;
  /**
   * An answer takes no more pieces when it has this much: a slow reader holds no more, and it is kept for the case of its
   * loss. FMS: WriteBufferSize.
   */
  answerBytes: number;
  /** Requests that have overtaken the one whose turn it is, and how long they wait for it. FMS: MaxPipelinedRequests. */
  maxAhead: number;
  aheadMs: number;
}

/** Received and not read, because the session waits for a verdict: beyond it the client waits too. */
const UNREAD_BYTES = 64 << 10;
/** An answer takes no more pieces than this while memory is scarce. */
const SCARCE_ANSWER_BYTES = 16 << 10;
/** What Node keeps of a request that nobody reads yet. */
const ASIDE_BYTES = 64 << 10;

/** What counts the memory of the tunnel's address (input-budget.ts). */
export interface TunnelMemory {
  hasRoomFor(bytes: number): boolean;
  keep(bytes: number): void;
  /** Answers that the client has not read, or may ask for again: so many bytes now. */
  answered(bytes: number): void;
}

/**
 * The byte that begins an answer: 1 + ms/16 to wait before the next idle. Flash Media Server steps through these while nothing
 * happens.
 */
const WAITS = [0x01, 0x03, 0x05, 0x09, 0x11, 0x21, 0x41, 0x81, 0xff] as const;

const Phase = {
  /** A number before it is missing. */
  Waiting: 'waiting',
  /** Its body is on its way, or waits until the session has room for it. */
  Reading: 'reading',
  /** Its body is whole, and the session has not read it yet. */
  Unread: 'unread',
  /** An idle that is kept until there is something to say. */
  Held: 'held',
} as const;
type Phase = (typeof Phase)[keyof typeof Phase];

interface Turn {
  readonly verb: TunnelVerb;
  readonly sequence: number;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  phase: Phase;
  /** Takes its timer back. */
  cancel(): void;
}

/** Answers go out as `type` unless the request had one. Emits `heard` for whatever comes of a request, poll or body. */
export class Tunnel extends Duplex {
  /** When the last request came. */
  lastSeenAt: number;
  /** Undefined: nobody counts. */
  memory: TunnelMemory | undefined;
  readonly #clock: Clock;
  readonly #settings: TunnelSettings;
  readonly #type: string;
  /** Undefined: a client begins with the number it likes. */
  #last: number | undefined;
  /** What the last one was told, in case that its answer was lost. */
  #lastPieces: readonly Uint8Array[] = [];
  #turn: Turn | undefined;
  /** What the session has of a request that has not come whole: who sends it again begins at its first byte. */
  #begun = { sequence: Number.NaN, bytes: 0 };
  readonly #waiting = new Map<number, Turn>();
  /** What the session has said and no answer has taken; the stream keeps what comes behind it. */
  #said: { bytes: Uint8Array; taken: () => void } | undefined;
  /** One answer at a time is on its way: what a client does not read stays where it is counted. */
  #onItsWay: { readonly response: ServerResponse; readonly pieces: readonly Uint8Array[] } | undefined;
  #quietAnswers = 0;
  #hasHungUp = false;

  constructor(clock: Clock, settings: TunnelSettings, type: string) {
    super({ allowHalfOpen: false, readableHighWaterMark: UNREAD_BYTES });
    this.#clock = clock;
    this.#settings = settings;
    this.#type = type;
    this.lastSeenAt = clock.now();
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────────────────────────

  serve(verb: TunnelVerb, sequence: number, request: IncomingMessage, response: ServerResponse): void {
    if (this.destroyed) {
      refuse(response);
      return;
    }
    this.lastSeenAt = this.#clock.now();
    this.emit('heard');
    const turn: Turn = { verb, sequence, request, response, phase: Phase.Waiting, cancel: () => {} };
    response.once('close', () => this.#lost(turn));
    const current = this.#turn;
    if (sequence === this.#last) this.#repeat(turn);
    else if (sequence === current?.sequence) {
      current.request.destroy(); // the client has given up on that connection
      this.#end(current);
      this.#begin(turn);
    } else if (current && current.phase !== Phase.Held) this.#wait(turn, sequence - current.sequence);
    else if (this.#last === undefined || sequence === this.#last + 1) {
      if (current) this.#answer(current);
      this.#begin(turn);
    } else this.#wait(turn, sequence - this.#last);
  }

  /** The client has not seen the answer to its last request, or cannot wait for it. */
  #repeat(turn: Turn): void {
    const current = this.#turn;
    if (current?.sequence !== turn.sequence) {
      this.#send(turn, this.#lastPieces);
      return;
    }
    this.#end(current);
    current.response.destroy();
    this.#turn = turn;
    turn.phase = current.phase;
    if (turn.phase === Phase.Held) this.#hold(turn);
  }

  #wait(turn: Turn, ahead: number): void {
    if (ahead < 1 || ahead > this.#settings.maxAhead || this.memory?.hasRoomFor(ASIDE_BYTES) === false) {
      refuse(turn.response);
      return;
    }
    const older = this.#waiting.get(turn.sequence);
    if (older) this.#giveUp(older);
    this.#waiting.set(turn.sequence, turn);
    this.memory?.keep(ASIDE_BYTES);
    turn.cancel = this.#clock.after(this.#settings.aheadMs, () => this.#giveUp(turn));
  }

  #giveUp(turn: Turn): void {
    turn.cancel();
    if (this.#waiting.get(turn.sequence) === turn) this.#waitsNoMore(turn);
    refuse(turn.response);
  }

  #waitsNoMore({ sequence }: Turn): void {
    this.#waiting.delete(sequence);
    this.memory?.keep(-ASIDE_BYTES);
  }

  #begin(turn: Turn): void {
    const { request, response, sequence } = turn;
    const { maxRequestBytes } = this.#settings;
    this.#turn = turn;
    turn.phase = Phase.Reading;
    this.#awaitBody(turn);
    if (sequence !== this.#begun.sequence) this.#begun = { sequence, bytes: 0 };
    let length = 0;
    request.on('data', (part: Buffer) => {
      if (this.#turn !== turn) return;
      this.emit('heard');
      const before = length;
      length += part.length;
      if (length > maxRequestBytes) {
        this.#end(turn);
        reply(response, 413, { Connection: 'close' }, 'Content Too Large\n');
        this.destroy(new Error(`a request has more than ${maxRequestBytes} bytes`));
      } else if (turn.verb === 'send')
        this.#takeIn(turn, part.subarray(Math.max(0, this.#begun.bytes - before)));
    });
    request.on('end', () => {
      if (this.#turn === turn) this.#heard(turn);
    });
  }

  #awaitBody(turn: Turn): void {
    turn.cancel();
    turn.cancel = this.#clock.after(this.#settings.requestMs, () => turn.request.destroy());
  }

  /** `part`: without what the session has already. */
  #takeIn(turn: Turn, part: Buffer): void {
    if (part.length === 0) return;
    this.#begun.bytes += part.length;
    // a small part is a view on all that was read with it, and may have to wait
    const hasRoom = this.push(this.isPaused() ? ownMemory(part) : part); // the session may say and do anything in here
    if (this.#turn !== turn || (hasRoom && !this.isPaused())) return;
    turn.request.pause();
    turn.cancel(); // it is not up to the client now
  }

  /** All of it has come. */
  #heard(turn: Turn): void {
    turn.cancel();
    this.#last = turn.sequence;
    this.#keepLast([]);
    if (turn.verb === 'close') {
      this.#hangUp();
      this.#answer(turn);
    } else if (turn.verb === 'idle') this.#hold(turn);
    else {
      turn.phase = Phase.Unread;
      if (this.readableLength < UNREAD_BYTES) this.#answer(turn);
    }
  }

  #hold(turn: Turn): void {
    this.#turn = turn;
    turn.phase = Phase.Held;
    turn.cancel = this.#clock.after(this.#settings.holdMs, () => this.#answer(turn));
    const isOvertaken = this.#waiting.has(turn.sequence + 1);
    if (isOvertaken || this.#hasSomethingToSay || this.#settings.holdMs === 0) this.#answer(turn);
  }

  /** Its connection is closed, after its answer or before. */
  #lost(turn: Turn): void {
    if (this.#waiting.get(turn.sequence) === turn) this.#giveUp(turn);
    if (this.#turn !== turn) return;
    if (turn.phase === Phase.Reading) this.#end(turn);
    else if (turn.phase === Phase.Held) this.#answer(turn);
  }

  #end(turn: Turn): void {
    turn.cancel();
    this.#turn = undefined;
  }

  // ── answers ────────────────────────────────────────────────────────────────────────────────────────────────────

  get #hasSomethingToSay(): boolean {
    return this.#said !== undefined && this.#onItsWay === undefined;
  }

  #answer(turn: Turn): void {
    this.#end(turn);
    const isHeard = !turn.response.closed;
    this.#keepLast(isHeard && this.#hasSomethingToSay ? this.#takeSaid() : []);
    if (this.#lastPieces.length > 0) this.#quietAnswers = 0;
    else if (turn.verb === 'idle') this.#quietAnswers += 1;
    if (isHeard) this.#send(turn, this.#lastPieces);
    const next = this.#waiting.get(turn.sequence + 1);
    if (!next) return;
    next.cancel();
    this.#waitsNoMore(next);
    this.#begin(next);
  }

  #takeSaid(): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    const { answerBytes } = this.#settings;
    const hasRoom = this.memory?.hasRoomFor(answerBytes) !== false;
    const maxBytes = hasRoom ? answerBytes : Math.min(SCARCE_ANSWER_BYTES, answerBytes);
    for (let bytes = 0; this.#said && bytes < maxBytes; ) {
      const { bytes: piece, taken } = this.#said;
      this.#said = undefined;
      pieces.push(piece);
      bytes += piece.length;
      taken(); // from within this the stream writes its next one
    }
    return pieces;
  }

  #keepLast(pieces: readonly Uint8Array[]): void {
    this.#lastPieces = pieces;
    this.#countAnswers();
  }

  /** One that is on its way is the last one, or the one before it. */
  #countAnswers(): void {
    const held = new Set([...this.#lastPieces, ...(this.#onItsWay?.pieces ?? [])]);
    let bytes = 0;
    for (const { length } of held) bytes += length;
    this.memory?.answered(bytes);
  }

  #send({ verb, request, response }: Turn, pieces: readonly Uint8Array[]): void {
    if (pieces.length > 0) {
      this.#onItsWay = { response, pieces };
      const arrived = () => {
        if (this.#onItsWay?.response !== response) return;
        this.#onItsWay = undefined;
        this.#countAnswers();
        this.#sayIfHeld();
      };
      response.once('finish', arrived).once('close', arrived);
    }
    // COMPAT: librtmp knows no other than these capitals
    response.writeHead(200, {
      'Content-Type': mediaType(request.headers['content-type']) ?? this.#type,
      'Content-Length': pieces.reduce((sum, { length }) => sum + length, 1),
      'Cache-Control': 'no-cache',
    });
    response.cork();
    response.write(Uint8Array.of(verb === 'close' ? 0 : this.#wait16));
    for (const piece of pieces) response.write(piece);
    response.end();
  }

  get #wait16(): number {
    const longest = 1 + Math.floor(this.#settings.pollMs / 16);
    return Math.min(WAITS[Math.min(this.#quietAnswers, WAITS.length - 1)]!, longest);
  }

  #sayIfHeld(): void {
    if (this.#turn?.phase !== Phase.Held) return;
    // what is said in the same breath goes into the same answer
    queueMicrotask(() => {
      if (this.#turn?.phase === Phase.Held && this.#hasSomethingToSay) this.#answer(this.#turn);
    });
  }

  // ── the session's side ─────────────────────────────────────────────────────────────────────────────────────────

  /** There is room again. */
  override _read(): void {
    const turn = this.#turn;
    if (!turn || this.readableLength >= UNREAD_BYTES) return;
    if (turn.phase === Phase.Unread) this.#answer(turn);
    else if (turn.phase === Phase.Reading && turn.request.isPaused()) {
      this.#awaitBody(turn);
      turn.request.resume();
    }
  }

  override _write(bytes: Uint8Array, _encoding: BufferEncoding, taken: () => void): void {
    if (this.#hasHungUp) {
      taken();
      return;
    }
    this.#said = { bytes, taken };
    this.#sayIfHeld();
  }

  /** The session has said its last, and the client has it. */
  override _final(done: () => void): void {
    this.push(null);
    done();
  }

  #hangUp(): void {
    this.#hasHungUp = true;
    const said = this.#said;
    this.#said = undefined;
    said?.taken();
    this.push(null);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.#turn) {
      const { response } = this.#turn;
      this.#end(this.#turn);
      refuse(response);
    }
    for (const turn of [...this.#waiting.values()]) this.#giveUp(turn);
    done(error);
  }
}

function ownMemory(bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}

/** What a client is told that has no tunnel, or no more. */
export function refuse(response: ServerResponse): void {
  if (!response.closed && !response.headersSent) reply(response, 404, {}, 'Not Found\n');
}

/** What the client calls its own bytes; nothing that a browser would show. */
function mediaType(given: string | undefined): string | undefined {
  return given !== undefined && /^application\/[\w.+-]{1,64}$/.test(given) ? given : undefined;
}
