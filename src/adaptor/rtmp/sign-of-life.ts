// Whether the peer of a connection is still there, when somebody else wants its place: a ping, and any byte that arrives after
// it. Bytes that had arrived before and were not read yet are no sign: a peer that died a moment ago leaves such bytes behind.
import type { Clock } from '../../clock.ts';

export interface SignOfLifeOptions {
  readonly clock: Clock;
  /** Sends a ping. Returns how many pongs have to come until the one that answers it. */
  ping(): number;
  /** Bytes of the transport below the session, such as half a TLS record; undefined: they are the session's own. */
  readonly transportBytes?: (() => number) | undefined;
}

/** Pings to one peer: whoever asks for its place again and again does not fill the connection of a peer that reads nothing. */
const PING_EVERY_MS = 200;
/** How long reading may be paused before the question is given up and the peer keeps its place: nobody can know. */
const MAX_PAUSED_MS = 15_000;

export class SignOfLife {
  readonly #options: SignOfLifeOptions;
  /** Everybody who asks while a question is open shares it. */
  readonly #askers = new Set<(isAlive: boolean) => void>();
  readonly #cancels = new Set<() => void>();
  #cancelGiveUp: (() => void) | undefined;
  #waitMs = 0;
  #isPaused = false;
  /** What comes from now on was sent after the question. */
  #counts = false;
  /** Something came since it was last looked. */
  #hasHeard = false;
  #pingedAt = Number.NEGATIVE_INFINITY;
  /** Until the answer to our ping; undefined: it has not been sent. */
  #pongsLeft: number | undefined;
  #transportBytes = 0;

  constructor(options: SignOfLifeOptions) {
    this.#options = options;
  }

  /** `answer` is called once, unless the returned function takes the question back: no sign within `waitMs` is a no. */
  ask(waitMs: number, answer: (isAlive: boolean) => void): () => void {
    this.#askers.add(answer);
    if (this.#askers.size === 1) {
      this.#waitMs = waitMs;
      this.#begin();
    }
    return () => {
      if (this.#askers.delete(answer) && this.#askers.size === 0) this.#stop();
    };
  }

  #begin(): void {
    const { clock } = this.#options;
    this.#cancelGiveUp ??= clock.after(this.#waitMs + MAX_PAUSED_MS, () => this.#answer(true));
    if (this.#isPaused) return;
    this.#counts = false;
    this.#pongsLeft = undefined;
    this.#after(this.#pingedAt + PING_EVERY_MS - clock.now(), () => this.#ping());
    this.#after(this.#waitMs, () => this.#lookAgain());
    // what is in the system's buffers already is read in this turn and the next ones; then comes a turn without anything
    this.#soon(() => this.#drain());
  }

  #ping(): void {
    this.#pingedAt = this.#options.clock.now();
    this.#pongsLeft = this.#options.ping();
  }

  #drain(): void {
    this.#hasHeard = false;
    this.#soon(() => {
      if (this.#hasHeard) this.#drain();
      else this.#count();
    });
  }

  #count(): void {
    this.#counts = true;
    this.#transportBytes = this.#options.transportBytes?.() ?? 0;
  }

  /** Time is up. If this process was busy for all of it, a sign may be there and not read yet. */
  #lookAgain(): void {
    // a peer that fills every turn has sent more than any buffer keeps
    if (!this.#counts) this.#count();
    this.#soon(() => this.#soon(() => this.#answer(this.#hasTransportMoved)));
  }

  get #hasTransportMoved(): boolean {
    return (this.#options.transportBytes?.() ?? 0) > this.#transportBytes;
  }

  /** Bytes came. */
  heard(): void {
    this.#hasHeard = true;
    if (this.#counts && !this.#isPaused && this.#askers.size > 0) this.#answer(true);
  }

  /** The answer to a ping. */
  pong(): void {
    if (this.#pongsLeft === undefined) return;
    this.#pongsLeft -= 1;
    if (this.#pongsLeft === 0) this.#answer(true);
  }

  /** Nothing is read until `resumed`: the question waits, and what has come meanwhile is no sign. */
  paused(): void {
    this.#isPaused = true;
    this.#cancelAll();
  }

  resumed(): void {
    this.#isPaused = false;
    if (this.#askers.size > 0) this.#begin();
  }

  /** The connection ends. */
  close(): void {
    if (this.#askers.size > 0) this.#answer(false);
  }

  #answer(isAlive: boolean): void {
    const askers = [...this.#askers];
    this.#askers.clear();
    this.#stop();
    for (const answer of askers) answer(isAlive);
  }

  #stop(): void {
    this.#cancelAll();
    this.#cancelGiveUp?.();
    this.#cancelGiveUp = undefined;
    this.#pongsLeft = undefined;
    this.#counts = false;
  }

  #after(ms: number, call: () => void): void {
    if (ms <= 0) call();
    else this.#keep((done) => this.#options.clock.after(ms, done), call);
  }

  #soon(call: () => void): void {
    this.#keep((done) => this.#options.clock.soon(done), call);
  }

  #keep(schedule: (done: () => void) => () => void, call: () => void): void {
    const cancel = schedule(() => {
      this.#cancels.delete(cancel);
      call();
    });
    this.#cancels.add(cancel);
  }

  #cancelAll(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }
}
