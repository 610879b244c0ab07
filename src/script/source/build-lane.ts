// Builds one after the other, in one process after another.
import type { Clock } from '../../clock.ts';
import { decodeBody, FrameReader } from '../wire/frames.ts';
import type { BuildOutcome, BuildRequest } from './build-outcome.ts';
import type { BuilderProcess } from './builder-process.ts';
import {
  BuilderFrame,
  type BuilderPids,
  decodeOutcome,
  encodeOrder,
  MAX_BUILT_BYTES,
} from './builder-wire.ts';
import type { BuildLimits } from './inputs.ts';

/** Whether a build takes too much memory is looked at so often, and only while there is one. */
const WEIGH_MS = 50;
/** Until it says hello: a busy machine may take its time to start a process. */
const START_MS = 30_000;
/** A process that ended before is no fault of the script's: the system may be short of descriptors or of memory. */
const START_AGAIN_MS = 1000;
const MAX_STARTS = 5;
const MAX_STDERR = 1000;

export type BuildEnd =
  | { how: 'done'; outcome: BuildOutcome; tookMs: number }
  /** It takes more than its time, or its memory. */
  | { how: 'late' }
  | { how: 'large' }
  /** The process ended of itself, or by somebody's hand. */
  | { how: 'died'; why: string };

export interface Job {
  readonly request: BuildRequest;
  ended(end: BuildEnd): void;
}

export interface LaneOptions {
  readonly clock: Clock;
  readonly limits: BuildLimits;
  readonly maxRssBytes: number;
  /** For one build. */
  readonly maxMs: number;
  /** The process ends when nothing has been built for so long. */
  readonly idleMs: number;
  readonly spawn: () => BuilderProcess;
  readonly residentBytes: (pids: readonly number[]) => number;
}

interface Running {
  readonly process: BuilderProcess;
  /** Empty until it has said hello. */
  pids: readonly number[];
  /** Why we ended it. */
  verdict: BuildEnd | undefined;
  stderr: string;
}

export class BuildLane {
  readonly #options: LaneOptions;
  #waiting: Job[] = [];
  #job: Job | undefined;
  #beganMs = 0;
  #running: Running | undefined;
  /** The time of the build, or of the process that has nothing to do. */
  #cancelTimer = () => {};
  #cancelWeighing = () => {};
  /** In a row, of processes that have not said hello. */
  #failedStarts = 0;
  #isClosed = false;
  #onGone: (() => void) | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  add(job: Job): void {
    this.#waiting.push(job);
    this.#next();
  }

  /** Before all others. */
  addFirst(job: Job): void {
    this.#waiting.unshift(job);
    this.#next();
  }

  /** What is not built yet never will be. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#waiting = [];
    this.#job = undefined;
    this.#cancelTimer();
    this.#cancelWeighing();
    if (!this.#running) return;
    const gone = new Promise<void>((resolve) => {
      this.#onGone = resolve;
    });
    this.#running.process.kill();
    await gone;
  }

  #next(): void {
    if (this.#job || this.#isClosed || this.#running?.verdict) return;
    this.#cancelTimer();
    this.#job = this.#waiting.shift();
    if (this.#job) {
      this.#running ??= this.#start();
      if (this.#running.pids.length > 0) this.#begin(this.#running, this.#job);
    } else this.#rest();
  }

  #rest(): void {
    const { clock, idleMs } = this.#options;
    const running = this.#running;
    // what comes while it ends waits for the next process
    if (running)
      this.#cancelTimer = clock.after(idleMs, () => this.#condemn(running, { how: 'died', why: 'idle' }));
  }

  #start(): Running {
    const { clock, spawn } = this.#options;
    const process = spawn();
    const running: Running = { process, pids: [], verdict: undefined, stderr: '' };
    const reader = new FrameReader(MAX_BUILT_BYTES);
    process.channel.on('data', (bytes: Buffer) => {
      for (const { type, body } of reader.push(bytes)) this.#receive(running, type, body);
    });
    process.channel.on('error', () => {}); // its end says what happened
    process.stderr.setEncoding('utf8');
    process.stderr.on('data', (text: string) => {
      running.stderr = (running.stderr + text).slice(0, MAX_STDERR);
    });
    process.stderr.on('error', () => {});
    process.onEnd((how) => this.#ended(running, how));
    this.#cancelTimer = clock.after(START_MS, () => process.kill());
    return running;
  }

  #startAgain(): void {
    if (this.#job) this.#running = this.#start();
  }

  #receive(running: Running, type: number, body: Buffer): void {
    if (running.verdict || running !== this.#running) return;
    if (type === BuilderFrame.Hello) {
      const isFirst = running.pids.length === 0;
      this.#failedStarts = 0;
      ({ pids: running.pids } = decodeBody(body) as BuilderPids);
      if (isFirst && this.#job) this.#begin(running, this.#job);
    } else if (type === BuilderFrame.Built) {
      const tookMs = this.#options.clock.now() - this.#beganMs;
      this.#finish({ how: 'done', outcome: decodeOutcome(body), tookMs });
      this.#next();
    }
  }

  #begin(running: Running, { request }: Job): void {
    const { clock, limits, maxMs } = this.#options;
    this.#cancelTimer();
    this.#beganMs = clock.now();
    this.#cancelTimer = clock.after(maxMs, () => this.#condemn(running, { how: 'late' }));
    this.#weigh(running);
    running.process.channel.write(encodeOrder({ request, limits }));
  }

  #weigh(running: Running): void {
    const { clock, maxRssBytes, residentBytes } = this.#options;
    this.#cancelWeighing = clock.after(WEIGH_MS, () => {
      if (residentBytes(running.pids) > maxRssBytes) this.#condemn(running, { how: 'large' });
      else this.#weigh(running);
    });
  }

  #condemn(running: Running, verdict: BuildEnd): void {
    this.#cancelTimer();
    this.#cancelWeighing();
    running.verdict = verdict;
    running.process.kill();
  }

  #ended(running: Running, how: string): void {
    if (this.#running !== running) return;
    this.#running = undefined;
    this.#cancelTimer();
    if (this.#isClosed) {
      this.#onGone?.();
      return;
    }
    if (running.pids.length === 0 && this.#failedStarts < MAX_STARTS) {
      this.#failedStarts += 1;
      this.#cancelTimer = this.#options.clock.after(START_AGAIN_MS, () => this.#startAgain());
      return;
    }
    this.#failedStarts = 0;
    const said = running.stderr.trim();
    if (this.#job) this.#finish(running.verdict ?? endOf(how, said));
    this.#next();
  }

  #finish(end: BuildEnd): void {
    const job = this.#job;
    this.#job = undefined;
    this.#cancelTimer();
    this.#cancelWeighing();
    job?.ended(end);
  }
}

/** Go's words: of a stack that grew to a gigabyte, and of memory that the system does not give. */
const IS_FULL = /stack exceeds|out of memory/;

function endOf(how: string, said: string): BuildEnd {
  if (IS_FULL.test(said)) return { how: 'large' };
  return { how: 'died', why: said === '' ? how : `${how}: ${said}` };
}
