// One flush of a stream goes to all of its players. For most of them that is a write of the same bytes; some cost more, for they have
// bytes of their own, or there is much of it. That is work which peers decide about: so what there is no time for now waits, each
// player's flushes in their order, and is given in turns (turns.ts).

import type { Turns, Worker } from '../pace/turns.ts';
import type { Flush } from './flush-batch.ts';
import type { Viewer } from './viewer.ts';

/** Players that cost more are given a flush at once for so long. */
const AT_ONCE_MS = 5;
/** More than this is much for any player: it leaves in more pieces than one. */
const MUCH_BYTES = 64 << 10;
/** What may wait. Beyond it those who have not had it are as slow players, for whom frames are left out. */
const MAX_WAITING_FLUSHES = 64;
const MAX_WAITING_BYTES = 16 << 20;

export interface SweepHost {
  readonly turns: Turns;
  give(viewer: Viewer, flush: Flush): void;
  /** Some of what waited was given between these times. */
  swept(beganMs: number, endedMs: number): void;
  /** It misses that one, and all before it that it has not had. */
  leaveOut(viewer: Viewer, flush: Flush): void;
}

interface Rest {
  readonly flush: Flush;
  readonly viewers: Set<Viewer>;
}

export class Sweep {
  readonly #host: SweepHost;
  readonly #worker: Worker;
  /** What has not been given yet, the oldest first. */
  #waiting: Rest[] = [];
  #waitingBytes = 0;
  #untilMs = 0;

  constructor(host: SweepHost) {
    this.#host = host;
    this.#worker = host.turns.worker(undefined, () => this.#goOn());
  }

  /** A flush goes to its players, one `add` for each. */
  begin(nowMs: number): void {
    this.#untilMs = nowMs + AT_ONCE_MS;
  }

  add(viewer: Viewer, flush: Flush): void {
    const isCheap = viewer.takesAsItIs && flush.sizeBytes <= MUCH_BYTES;
    if (this.#waiting.length === 0) {
      if (isCheap || this.#host.turns.now() < this.#untilMs) this.#host.give(viewer, flush);
      else this.#wait(viewer, flush);
    } else if (this.#owes(viewer) || !isCheap) this.#wait(viewer, flush);
    else this.#host.give(viewer, flush);
  }

  #owes(viewer: Viewer): boolean {
    return this.#waiting.some(({ viewers }) => viewers.has(viewer));
  }

  #wait(viewer: Viewer, flush: Flush): void {
    const last = this.#waiting.at(-1);
    if (last?.flush === flush) {
      last.viewers.add(viewer);
      return;
    }
    if (this.#waiting.length >= MAX_WAITING_FLUSHES || this.#waitingBytes > MAX_WAITING_BYTES)
      this.#leaveOut();
    if (this.#waiting.length === 0) this.#worker.call();
    this.#waiting.push({ flush, viewers: new Set([viewer]) });
    this.#waitingBytes += flush.sizeBytes;
  }

  #leaveOut(): void {
    const waiting = this.#waiting;
    this.#forgetAll();
    for (const { flush, viewers } of waiting)
      for (const viewer of viewers) this.#host.leaveOut(viewer, flush);
  }

  #goOn(): void {
    if (this.#waiting.length === 0 || !this.#worker.begin()) return;
    const { turns } = this.#host;
    const beganMs = turns.now();
    this.#giveWhile(() => this.#worker.mayGoOn());
    this.#worker.end(this.#waiting.length > 0);
    this.#host.swept(beganMs, turns.now());
  }

  #giveWhile(mayGoOn: () => boolean): void {
    for (let rest = this.#waiting[0]; rest; rest = this.#waiting[0]) {
      for (const viewer of rest.viewers) {
        rest.viewers.delete(viewer);
        this.#host.give(viewer, rest.flush);
        if (!mayGoOn()) return;
      }
      if (rest !== this.#waiting[0]) return; // all was forgotten meanwhile
      this.#waiting.shift();
      this.#waitingBytes -= rest.flush.sizeBytes;
    }
  }

  /** It has gone, or needs nothing of what it has not had. */
  forget(viewer: Viewer): void {
    for (const { viewers } of this.#waiting) viewers.delete(viewer);
  }

  /** Nothing that is waited for means anything any more: what there is no time for now is left out. */
  finish(): void {
    if (this.#waiting.length === 0) return;
    const untilMs = this.#host.turns.now() + AT_ONCE_MS;
    this.#giveWhile(() => this.#host.turns.now() < untilMs);
    this.#leaveOut();
  }

  close(): void {
    this.#forgetAll();
    this.#worker.close();
  }

  #forgetAll(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#worker.cancel();
  }
}
