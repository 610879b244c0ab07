// Keeps one runner process alive: starts it, listens for its heart, ends it when it is stuck, starts the next.
import type { Clock } from '../../clock.ts';
import { ConfigError, DecodeError } from '../../errors.ts';
import type { Log } from '../../log/log.ts';
import { decodeBody, encodeFrame, type Frame, FrameReader } from '../wire/frames.ts';
import { FrameType, HEARTBEAT_MS, type InitBody } from '../wire/wire.ts';
import type { RunnerProcess } from './runner-process.ts';

/**
 * Checks in a row without a frame: 2 s. Counting checks instead of time keeps a pause of our own process (a suspended
 * machine, a debugger) from looking like the runner's.
 */
const SILENT_CHECKS = 8;
/** Until it says hello: a busy machine may take its time to start a process. */
const SILENT_CHECKS_AT_START = 60;
/**
 * Waits before the next start, when runners keep dying young and nobody is to blame; the last one repeats. Where a script is,
 * the others need not wait: it will be quarantined.
 */
export const BACK_OFF_MS = [0, 250, 1000, 5000, 30_000];
/** A runner that lived longer died of something new. */
export const YOUNG_MS = 3000;
const MAX_STDERR_LINE = 4096;
/** Turns that began so long ago may be why a process has grown too large; before, it is anybody's doing. */
const SLOW_TURN_MS = 50;
/** After isolates have ended for its size: what they took is given back by then. */
const RELIEF_CHECKS = 8;
/**
 * Heartbeats that a runner may be too large before it ends, if there is nobody whose isolates would help: they tell their sizes once a
 * second. With so much more than its limit it ends at once.
 */
const LARGE_CHECKS = 6;
const HASTE_BYTES = 512 << 20;
/** A runner that is too large so soon after another, by nobody's doing, stays. */
const REGROWN_MS = 10 * 60_000;
/** Ends that only the process itself brings about: blame is fair. SIGKILL may be anybody's. */
const OWN_FAULT = /^SIG(ABRT|TRAP|SEGV|ILL|BUS|FPE)$/;

export interface RunnerDeath {
  how: string;
  /**
   * The units that may have caused it, the likeliest first; none, if what was run can hardly have been the cause. A single one
   * is certain.
   */
  suspects: readonly number[];
}

export interface SupervisorOptions {
  spawn: () => RunnerProcess;
  init: InitBody;
  /** A runner that has grown beyond this is replaced. */
  maxRssBytes: number;
  /** It has grown beyond that: ends isolates of the application that takes most of it. None: that would help nobody. */
  relieve(rssBytes: number): { readonly application: string; readonly ended: number };
  /** Whose scripts it runs, for the log. */
  scope: string;
  clock: Clock;
  log: Log;
  onUp(): void;
  /** After `send` has said that there is enough. */
  onDrained(): void;
  /** Throws a DecodeError for one that is malformed: the runner ends. */
  onFrame(frame: Frame): void;
  onDown(death: RunnerDeath): void;
}

interface Running {
  process: RunnerProcess;
  saidHello: boolean;
  upSince: number;
  silentChecks: number;
  /** Units in a turn and since when, the oldest turn first. */
  readonly inTurn: Map<number, number>;
  /** The unit that the runner itself holds responsible. */
  culprit: number | undefined;
  /** It was too large: that need not be the fault of who is in a turn. */
  isGrown: boolean;
  /** Heartbeats whose size does not count. */
  unweighed: number;
  /** Heartbeats in a row with which it was too large. */
  largeChecks: number;
  /** Why we ended it. */
  verdict: string | undefined;
  stopChecking(): void;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #init: Buffer;
  #running: Running | undefined;
  #youngDeaths = 0;
  #grownAtMs = Number.NEGATIVE_INFINITY;
  #cancelRestart: (() => void) | undefined;
  #closed = false;
  /** Of `start` and `close`, who wait for the process to come or go. */
  #onFirstHello: ((error?: Error) => void) | undefined;
  #onGone: (() => void) | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#init = encodeFrame(FrameType.Init, 0, options.init);
  }

  get isUp(): boolean {
    return this.#running?.saidHello === true && this.#running.verdict === undefined;
  }

  /** Resolves when the runner is up; rejects when the very first one cannot be started: then none will be. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onFirstHello = (error) => (error ? reject(error) : resolve());
      this.#spawn();
    });
  }

  /** Like a runner that has ended before, one that cannot be started is tried again. */
  keepUp(): void {
    this.#spawn();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRestart?.();
    const running = this.#running;
    if (!running) return;
    const gone = new Promise<void>((resolve) => {
      this.#onGone = resolve;
    });
    this.#end(running, 'the server is closing');
    await gone;
  }

  /**
   * Whole frames. While no runner is up they go nowhere: who is told of its coming starts over anyway. False: enough of them waits
   * in the pipe; `onDrained` says when the runner has read it.
   */
  send(frames: Buffer): boolean {
    return !this.isUp || this.#running!.process.channel.write(frames);
  }

  #spawn(): void {
    const { spawn, clock } = this.#options;
    const process = spawn();
    const running: Running = {
      process,
      saidHello: false,
      upSince: clock.now(),
      silentChecks: 0,
      inTurn: new Map(),
      culprit: undefined,
      isGrown: false,
      unweighed: 0,
      largeChecks: 0,
      verdict: undefined,
      stopChecking: () => {},
    };
    this.#running = running;
    const reader = new FrameReader();
    process.channel.on('data', (bytes: Buffer) => this.#read(running, reader, bytes));
    process.channel.on('drain', () => this.#running === running && this.#options.onDrained());
    process.channel.on('error', () => {}); // its end says what happened
    process.onEnd((how) => this.#ended(running, how));
    this.#relayStderr(process);
    process.channel.write(this.#init);
    this.#check(running);
  }

  #check(running: Running): void {
    running.stopChecking = this.#options.clock.after(HEARTBEAT_MS, () => {
      running.silentChecks += 1;
      const allowed = running.saidHello ? SILENT_CHECKS : SILENT_CHECKS_AT_START;
      if (running.silentChecks > allowed)
        this.#end(running, `no sign of life for ${(allowed * HEARTBEAT_MS) / 1000} s`);
      else this.#check(running);
    });
  }

  #read(running: Running, reader: FrameReader, bytes: Buffer): void {
    if (running.verdict !== undefined) return;
    running.silentChecks = 0;
    try {
      for (const frame of reader.push(bytes)) {
        this.#receive(running, frame);
        if (running.verdict !== undefined) return;
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#end(running, error.message);
    }
  }

  #receive(running: Running, frame: Frame): void {
    switch (frame.type) {
      case FrameType.Hello:
        this.#hello(running);
        return;
      case FrameType.Beat:
        this.#weigh(running, numberOf(frame.body, 'rssBytes'));
        return;
      case FrameType.Turn:
        running.inTurn.set(frame.unit, this.#options.clock.now());
        return;
      case FrameType.TurnEnd:
        running.inTurn.delete(frame.unit);
        return;
      case FrameType.Recycle:
        running.culprit = frame.unit;
        this.#end(running, textOf(frame.body, 'message') || 'it asked to be replaced');
        return;
      default:
        this.#options.onFrame(frame);
    }
  }

  #weigh(running: Running, rssBytes: number): void {
    const { maxRssBytes, relieve, clock, log, scope } = this.#options;
    if (running.unweighed > 0) running.unweighed -= 1;
    if (!(rssBytes > maxRssBytes)) running.largeChecks = 0;
    if (!(rssBytes > maxRssBytes) || running.unweighed > 0) return;
    const now = clock.now();
    const text = `it takes ${mebibytes(rssBytes)} MB, more than ${mebibytes(maxRssBytes)}`;
    const { application, ended } = relieve(rssBytes);
    if (ended > 0) {
      running.unweighed = RELIEF_CHECKS;
      const what = `${application} takes most of it, and its ${ended} largest isolates end`;
      const facts = { event: 'runner-relieved' as const, scope, application, ended };
      log.warn(facts, `the script runner is large (${scope}): ${text}; ${what}`);
      return;
    }
    running.largeChecks += 1;
    if (running.largeChecks < LARGE_CHECKS && rssBytes <= maxRssBytes + HASTE_BYTES) return;
    const [oldest] = running.inTurn;
    if (oldest && now - oldest[1] >= SLOW_TURN_MS) running.culprit = oldest[0];
    else if (now - this.#grownAtMs < REGROWN_MS) {
      // It has come back to that size by itself: there are so many scripts, and another process would not help them.
      if (!running.isGrown)
        log.warn({ event: 'runner', scope }, `the script runner is large (${scope}): ${text}`);
      running.isGrown = true;
      return;
    } else this.#grownAtMs = now;
    running.isGrown = true;
    this.#end(running, text);
  }

  #hello(running: Running): void {
    if (running.saidHello) return;
    running.saidHello = true;
    running.process.beNice(); // not before: until it is up, everybody waits
    running.upSince = this.#options.clock.now();
    const { log, scope } = this.#options;
    log.info({ event: 'runner', scope, pid: running.process.pid }, `the script runner is up (${scope})`);
    this.#onFirstHello?.();
    this.#onFirstHello = undefined;
    this.#options.onUp();
  }

  #end(running: Running, verdict: string): void {
    if (running.verdict !== undefined) return;
    running.verdict = verdict;
    running.stopChecking();
    running.process.kill();
  }

  #ended(running: Running, how: string): void {
    if (this.#running !== running) return;
    const { clock, log, onDown, scope } = this.#options;
    running.stopChecking();
    this.#running = undefined;
    if (this.#closed) {
      this.#onGone?.();
      return;
    }
    const why = running.verdict ?? how;
    if (this.#onFirstHello) {
      this.#onFirstHello(
        new ConfigError('ERR_CONFIG_RUNNER', `the process that runs scripts cannot be started: ${why}`),
      );
      this.#onFirstHello = undefined;
      return;
    }
    const suspects = suspectsOf(running, how);
    const isClear = suspects.length === 1;
    const livedMs = running.saidHello ? clock.now() - running.upSince : 0;
    if (livedMs >= YOUNG_MS) this.#youngDeaths = 0;
    else if (!isClear) this.#youngDeaths += 1;
    const step = isClear ? 0 : Math.max(this.#youngDeaths - 1, 0);
    const waitMs = BACK_OFF_MS[Math.min(step, BACK_OFF_MS.length - 1)]!;
    log.error(
      { event: 'runner-ended', scope, why, restartInMs: waitMs },
      `the script runner has ended (${scope}): ${why}`,
    );
    onDown({ how: why, suspects });
    this.#cancelRestart = clock.after(waitMs, () => this.#spawn());
  }

  #relayStderr({ stderr }: RunnerProcess): void {
    let rest = '';
    stderr.setEncoding('utf8');
    stderr.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!.slice(0, MAX_STDERR_LINE);
      for (const line of lines) {
        if (line.trim() !== '')
          this.#options.log.warn({ event: 'runner-stderr' }, line.slice(0, MAX_STDERR_LINE));
      }
    });
    stderr.on('error', () => {});
  }
}

function suspectsOf({ culprit, verdict, inTurn, isGrown }: Running, how: string): number[] {
  if (culprit !== undefined) return [culprit];
  const isOwnFault = (verdict !== undefined && !isGrown) || OWN_FAULT.test(how);
  if (!isOwnFault) return [];
  // turns run side by side; a sound one is over in a moment, so the one that is not has probably done it
  return [...inTurn.keys()];
}

function textOf(body: Buffer, key: string): string {
  const value = fieldOf(body, key);
  return typeof value === 'string' ? value.slice(0, 500) : '';
}

function numberOf(body: Buffer, key: string): number {
  const value = fieldOf(body, key);
  return typeof value === 'number' ? value : 0;
}

function fieldOf(body: Buffer, key: string): unknown {
  const parsed = decodeBody(body);
  return typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, key) : undefined;
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / (1 << 20));
}
