// What scripts take and how they fare, counted since the start of the server, by application.

import type { GateName } from '../contract/script.ts';
import type { ErrorKind } from './error-records.ts';

/** How many durations there were up to each bound and above the one before; the last: above all of them. */
export class Histogram {
  readonly boundsMs: readonly number[];
  readonly counts: number[];
  sumMs = 0;

  constructor(boundsMs: readonly number[]) {
    this.boundsMs = boundsMs;
    this.counts = new Array(boundsMs.length + 1).fill(0);
  }

  observe(ms: number): void {
    const bucket = this.boundsMs.findIndex((bound) => ms <= bound);
    this.counts[bucket < 0 ? this.boundsMs.length : bucket]! += 1;
    this.sumMs += ms;
  }

  /** Counts by the same bounds; missing ones are 0, further ones do not count. */
  add({ counts, sumMs }: { readonly counts: readonly number[]; readonly sumMs: number }): void {
    for (let i = 0; i < this.counts.length; i += 1) this.counts[i]! += counts[i] ?? 0;
    this.sumMs += sumMs;
  }

  get count(): number {
    return this.counts.reduce((sum, one) => sum + one, 0);
  }

  /** The bound that such a share of them did not exceed; the greatest bound if they did. */
  quantileMs(share: number): number {
    const rank = share * this.count;
    let below = 0;
    for (const [i, bound] of this.boundsMs.entries()) {
      below += this.counts[i]!;
      if (below >= rank && below > 0) return bound;
    }
    return this.count === 0 ? 0 : this.boundsMs.at(-1)!;
  }
}

/** Since it was last told. */
export interface ScriptUsage {
  cpuMs: number;
  heapBytes: number | undefined;
  turns: { readonly counts: readonly number[]; readonly sumMs: number };
  handlers: ReadonlyMap<string, { readonly counts: readonly number[]; readonly sumMs: number }>;
}

/** What is told of one isolate. */
export interface IsolateMeter {
  used(usage: ScriptUsage): void;
  gone(): void;
}

export interface Bounds {
  readonly turnMs: readonly number[];
  readonly handlerMs: readonly number[];
}

/** Of an application; the rest is `other`. What has a name costs whoever stores the numbers. */
const MAX_HANDLERS = 50;
const OTHER = 'other';

export interface GateMetrics {
  /** From the question to the script's answer. */
  readonly answers: Histogram;
  accepted: number;
  rejected: number;
  /** Decided without the script: it was late, away or could not be asked. */
  byDefault: number;
}

export class ScriptMetrics {
  readonly #bounds: Bounds;
  /** Each is a batch of events that a script handles without a pause, the way to its thread included. */
  readonly turns: Histogram;
  readonly handlers = new Map<string, Histogram>();
  readonly gates = new Map<GateName, GateMetrics>();
  readonly errors = new Map<ErrorKind, number>();
  /** By the names of `application.limits`, and some more. */
  readonly limits = new Map<string, number>();
  readonly #heaps = new Map<IsolateMeter, number>();
  cpuMs = 0;
  reloads = 0;
  /** New versions that did not come to serve. */
  failedReloads = 0;
  /** After a script, or the process around it, had ended. */
  restarts = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
    this.turns = new Histogram(bounds.turnMs);
  }

  get isolates(): number {
    return this.#heaps.size;
  }

  /** As they were last looked at. */
  get heapBytes(): number {
    return [...this.#heaps.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  isolate(): IsolateMeter {
    const meter: IsolateMeter = {
      used: ({ cpuMs, heapBytes, turns, handlers }) => {
        this.cpuMs += cpuMs;
        this.turns.add(turns);
        for (const [name, durations] of handlers) this.#handler(name).add(durations);
        if (heapBytes !== undefined && this.#heaps.has(meter)) this.#heaps.set(meter, heapBytes);
      },
      gone: () => this.#heaps.delete(meter),
    };
    this.#heaps.set(meter, 0);
    return meter;
  }

  #handler(wanted: string): Histogram {
    const name = this.handlers.has(wanted) || this.handlers.size < MAX_HANDLERS ? wanted : OTHER;
    let histogram = this.handlers.get(name);
    if (!histogram) {
      histogram = new Histogram(this.#bounds.handlerMs);
      this.handlers.set(name, histogram);
    }
    return histogram;
  }

  verdict(gate: GateName, isAccepted: boolean, ms: number): void {
    const metrics = this.#gate(gate);
    metrics.answers.observe(ms);
    if (isAccepted) metrics.accepted += 1;
    else metrics.rejected += 1;
  }

  defaultVerdict(gate: GateName): void {
    this.#gate(gate).byDefault += 1;
  }

  #gate(gate: GateName): GateMetrics {
    let metrics = this.gates.get(gate);
    if (!metrics) {
      metrics = { answers: new Histogram(this.#bounds.turnMs), accepted: 0, rejected: 0, byDefault: 0 };
      this.gates.set(gate, metrics);
    }
    return metrics;
  }

  error(kind: ErrorKind): void {
    this.errors.set(kind, (this.errors.get(kind) ?? 0) + 1);
  }

  limit(name: string): void {
    this.limits.set(name, (this.limits.get(name) ?? 0) + 1);
  }
}

/** Of all applications of a virtual host that have had a script. */
export class ScriptMetricsBook {
  readonly #bounds: Bounds;
  readonly #applications = new Map<string, ScriptMetrics>();

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  of(application: string): ScriptMetrics {
    let metrics = this.#applications.get(application);
    if (!metrics) {
      metrics = new ScriptMetrics(this.#bounds);
      this.#applications.set(application, metrics);
    }
    return metrics;
  }

  /** By application; those that have never had a script are not in it. */
  get all(): ReadonlyMap<string, ScriptMetrics> {
    return this.#applications;
  }
}
