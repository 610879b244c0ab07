// What goes to a runner process. All units of all applications share one pipe, and what stands in it comes before a neighbour's
// question. So events wait here, each unit's in its lane, and go on in turns: an application after another, and in each a unit
// after another. What the runner has of a unit is bounded; there is room again when a turn of that unit has dealt with it.
import { type EventToScript, encodeEvent, eventsFrame } from '../wire/event-frames.ts';
import { FRAME_HEADER_BYTES } from '../wire/frames.ts';
import { MAX_BATCH_EVENTS } from '../wire/wire.ts';

/** Events of a unit that the runner may have at a time; a larger one goes by itself. Some milliseconds of a script's work. */
export const UNIT_WINDOW_BYTES = 256 << 10;
/** The same for all units of an application together: how much memory of the runner the clients of one can fill. */
export const APPLICATION_WINDOW_BYTES = 1 << 20;
/** Whatever the others of its application have there, a unit that has nothing in the runner may send so much. */
export const SMALL_BYTES = 16 << 10;

const COMPACT_AT = 1024;

export interface LanesOptions {
  /** False: no more, until `drained` is called. */
  send(frame: Buffer): boolean;
}

export interface LaneOptions {
  readonly unit: number;
  /** No frame has room for that event. Called later, not from `post`. */
  onTooLong(event: EventToScript): void;
  /** Something that waited has left. */
  onSent(): void;
}

/** What waits in a lane. */
export interface Waiting {
  readonly events: number;
  readonly bytes: number;
}

/** The lanes of an application that have something to send and may. */
interface Share {
  inRunnerBytes: number;
  /** With nothing in the runner: they may send SMALL_BYTES in any case. */
  readonly idle: Set<Lane>;
  /** They send while the application's window is open, one after the other. */
  readonly busy: Set<Lane>;
  lanes: number;
}

export class Lanes {
  readonly #options: LanesOptions;
  readonly #shares = new Map<string, Share>();
  /** Those that may send, next one first. */
  readonly #ready = new Set<Share>();
  #isFull = false;
  #isArmed = false;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  open(application: string, options: LaneOptions): Lane {
    let share = this.#shares.get(application);
    if (!share) {
      share = { inRunnerBytes: 0, idle: new Set(), busy: new Set(), lanes: 0 };
      this.#shares.set(application, share);
    }
    share.lanes += 1;
    return new Lane(this, application, share, options);
  }

  /** The pipe takes more. */
  drained(): void {
    this.#isFull = false;
    this.#send();
  }

  // ── for lanes ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** It has something, or may send again: soon, so that what is posted in one go leaves in one piece. */
  offer(lane: Lane): void {
    this.#queue(lane);
    this.#arm();
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(() => {
      this.#isArmed = false;
      this.#send();
    });
  }

  closed(lane: Lane, application: string): void {
    const { share } = lane;
    share.idle.delete(lane);
    share.busy.delete(lane);
    share.lanes -= 1;
    if (share.lanes === 0) {
      this.#shares.delete(application);
      this.#ready.delete(share);
    } else if (mayGoOn(share)) {
      this.#ready.add(share);
      this.#arm();
    }
  }

  #queue(lane: Lane): void {
    const { share } = lane;
    if (lane.mayHave(SMALL_BYTES) && lane.inRunnerBytes === 0) {
      share.busy.delete(lane);
      share.idle.add(lane);
    } else if (!share.idle.has(lane) && lane.mayHave(UNIT_WINDOW_BYTES)) share.busy.add(lane);
    if (mayGoOn(share)) this.#ready.add(share);
  }

  #send(): void {
    while (!this.#isFull) {
      const [share] = this.#ready;
      if (!share) return;
      this.#ready.delete(share); // behind the others
      const [idle] = share.idle;
      const [lane] = idle ? [idle] : share.busy;
      if (lane) this.#sendOf(lane, idle ? SMALL_BYTES : UNIT_WINDOW_BYTES);
    }
  }

  #sendOf(lane: Lane, windowBytes: number): void {
    const { share } = lane;
    share.idle.delete(lane);
    share.busy.delete(lane);
    const frame = lane.take(windowBytes);
    if (frame && !this.#options.send(frame)) this.#isFull = true;
    this.#queue(lane);
    if (frame) lane.sent();
  }
}

function mayGoOn({ idle, busy, inRunnerBytes }: Share): boolean {
  return idle.size > 0 || (busy.size > 0 && inRunnerBytes < APPLICATION_WINDOW_BYTES);
}

interface Item {
  readonly bytes: Buffer;
  /** It goes as it is; what is none is an event. */
  readonly isFrame: boolean;
}

/** The way of one unit, in order. */
export class Lane {
  readonly share: Share;
  readonly #lanes: Lanes;
  readonly #application: string;
  readonly #options: LaneOptions;
  #items: Item[] = [];
  #head = 0;
  #events = 0;
  #bytes = 0;
  #inRunnerBytes = 0;
  #isClosed = false;

  constructor(lanes: Lanes, application: string, share: Share, options: LaneOptions) {
    this.#lanes = lanes;
    this.#application = application;
    this.share = share;
    this.#options = options;
  }

  get waiting(): Waiting {
    return { events: this.#events, bytes: this.#bytes };
  }

  /** In the runner, without a turn so far. */
  get inRunnerBytes(): number {
    return this.#inRunnerBytes;
  }

  post(event: EventToScript): void {
    if (this.#isClosed) return;
    const bytes = encodeEvent(event);
    if (!bytes) {
      queueMicrotask(() => this.#options.onTooLong(event));
      return;
    }
    this.#events += 1;
    this.#bytes += bytes.length;
    this.#add({ bytes, isFrame: false });
  }

  /** Behind the events so far. */
  postFrame(bytes: Buffer): void {
    if (!this.#isClosed) this.#add({ bytes, isFrame: true });
  }

  /** The runner has dealt with so much. False: it never had as much. */
  taken(bytes: number): boolean {
    if (this.#isClosed) return true;
    if (bytes > this.#inRunnerBytes) return false;
    this.#count(-bytes);
    this.#lanes.offer(this);
    return true;
  }

  /** Nothing of it goes any more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#items = [];
    this.#head = 0;
    this.#events = 0;
    this.#bytes = 0;
    this.#count(-this.#inRunnerBytes);
    this.#lanes.closed(this, this.#application);
  }

  #add(item: Item): void {
    this.#items.push(item);
    this.#lanes.offer(this);
  }

  #count(bytes: number): void {
    this.#inRunnerBytes += bytes;
    this.share.inRunnerBytes += bytes;
  }

  // ── for Lanes ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether what comes next would go with such a window. An event that is larger than any window goes when the runner has nothing. */
  mayHave(windowBytes: number): boolean {
    const next = this.#items[this.#head];
    if (!next) return false;
    if (next.isFrame || this.#inRunnerBytes + next.bytes.length <= windowBytes) return true;
    return this.#inRunnerBytes === 0 && windowBytes === UNIT_WINDOW_BYTES;
  }

  /** The next frame: as many events as the window has room for. */
  take(windowBytes: number): Buffer | undefined {
    if (!this.mayHave(windowBytes)) return undefined;
    const first = this.#shift();
    if (first.isFrame) return first.bytes;
    const texts = [first.bytes];
    let bytes = this.#inRunnerBytes + first.bytes.length;
    for (let next = this.#items[this.#head]; next && !next.isFrame; next = this.#items[this.#head]) {
      bytes += next.bytes.length;
      if (texts.length === MAX_BATCH_EVENTS || bytes > windowBytes) break;
      texts.push(this.#shift().bytes);
    }
    const frame = eventsFrame(this.#options.unit, texts);
    this.#count(frame.length - FRAME_HEADER_BYTES);
    return frame;
  }

  sent(): void {
    if (!this.#isClosed) this.#options.onSent();
  }

  #shift(): Item {
    const item = this.#items[this.#head]!;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head >= COMPACT_AT && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    if (!item.isFrame) {
      this.#events -= 1;
      this.#bytes -= item.bytes.length;
    }
    return item;
  }
}
