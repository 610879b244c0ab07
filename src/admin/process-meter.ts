// The process: what it takes of the machine, and how late its event loop is.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../clock.ts';
import { isScarcity } from '../errors.ts';

export interface ProcessNumbers {
  /** Of one core, over the last window; 100 is all of it. */
  cpuPercent: number;
  residentBytes: number;
  heapBytes: number;
  /** How much later than due timers were called in the last window. */
  lagMs: { mean: number; p50: number; p99: number; max: number };
}

const WINDOW_MS = 5_000;
/** What is measured is the time between two ticks of so much. */
const TICK_MS = 20;

export class ProcessMeter {
  readonly #clock: Clock;
  readonly #delay: ReturnType<typeof monitorEventLoopDelay>;
  #cpu = process.cpuUsage();
  #began: number;
  #window: Pick<ProcessNumbers, 'cpuPercent' | 'lagMs'> = {
    cpuPercent: 0,
    lagMs: { mean: 0, p50: 0, p99: 0, max: 0 },
  };
  #memory: Pick<ProcessNumbers, 'residentBytes' | 'heapBytes'> = { residentBytes: 0, heapBytes: 0 };
  #cancel = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#began = clock.now();
    this.#delay = monitorEventLoopDelay({ resolution: TICK_MS });
    this.#delay.enable();
    this.#endWindowLater();
  }

  numbers(): ProcessNumbers {
    try {
      const { rss, heapUsed } = process.memoryUsage();
      this.#memory = { residentBytes: rss, heapBytes: heapUsed };
    } catch (error) {
      if (!isScarcity(error)) throw error; // Linux: it opens a file of /proc
    }
    return { ...this.#window, ...this.#memory };
  }

  #endWindowLater(): void {
    this.#cancel = this.#clock.after(WINDOW_MS, () => {
      const now = this.#clock.now();
      const { user, system } = process.cpuUsage(this.#cpu);
      const cpuPercent = (user + system) / 10 / (now - this.#began); // µs per ms
      const { mean, max } = this.#delay;
      const lagMs = {
        mean: lag(mean),
        p50: lag(this.#delay.percentile(50)),
        p99: lag(this.#delay.percentile(99)),
        max: lag(max),
      };
      this.#window = { cpuPercent: Math.round(cpuPercent * 10) / 10, lagMs };
      this.#cpu = process.cpuUsage();
      this.#began = now;
      this.#delay.reset();
      this.#endWindowLater();
    });
  }

  close(): void {
    this.#cancel();
    this.#delay.disable();
  }
}

/** From nanoseconds between ticks; NaN of a window without any is no lag. */
function lag(ns: number): number {
  return Math.max(0, Math.round((ns / 1e6 - TICK_MS) * 100) / 100) || 0;
}
