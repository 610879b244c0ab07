// Builds scripts in processes of their own: what authors write may fill a process's memory or keep it busy, and must not be this one's.
//
// Two lanes, each a process that builds one script after the other, so that it is always known whose build takes too much. A build
// that is not over in a moment is ended, and begun again in the slow lane with the whole of its time; an application whose last build
// was slow goes there at once. So those that take long wait for each other, and nobody else for them.
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log/log.ts';
import type { BuildFault } from './build-fault.ts';
import { type BuildEnd, BuildLane } from './build-lane.ts';
import { type BuildOutcome, type BuildRequest, BuildResult } from './build-outcome.ts';
import { type BuilderProcess, residentBytes, spawnBuilder, type User } from './builder-process.ts';
import type { BuildLimits } from './inputs.ts';

/** In the quick lane. An ordinary build takes some 30 ms. */
export const QUICK_MS = 1000;
/** An author who is at work saves sooner, and the first save afterwards takes 0.2 s more; at rest the process would hold 60 MB. */
const IDLE_MS = 600_000;
const SLOW_IDLE_MS = 1000;
/** A process that ended is nobody's fault the first time: the machine may have been short of memory. */
const MAX_DEATHS = 2;

export interface BuilderOptions extends BuildLimits {
  clock: Clock;
  log: Log;
  /** Of one builder with its esbuild. */
  maxRssBytes: number;
  /** For one build. */
  maxMs: number;
  /** Whom the server becomes that root has started; undefined: nobody else. */
  user?: User | undefined;
  /** Tests hand in a builder of their own. */
  spawn?: () => BuilderProcess;
  residentBytes?: (pids: readonly number[]) => number;
}

interface Order {
  readonly request: BuildRequest;
  deaths: number;
  resolve(outcome: BuildOutcome): void;
}

export class Builder {
  readonly #options: BuilderOptions;
  readonly #quick: BuildLane;
  readonly #slow: BuildLane;
  /** Folders of applications whose last build was slow. */
  readonly #slowFolders = new Set<string>();
  readonly #open = new Set<Order>();

  constructor(options: BuilderOptions) {
    this.#options = options;
    const { clock, maxRssBytes, maxMs, maxFileBytes, maxBundleBytes } = options;
    const limits = { maxFileBytes, maxBundleBytes };
    const common = {
      ...{ clock, limits, maxRssBytes },
      spawn: options.spawn ?? (() => spawnBuilder(maxRssBytes, options.user)),
      residentBytes: options.residentBytes ?? residentBytes,
    };
    this.#quick = new BuildLane({ ...common, maxMs: Math.min(QUICK_MS, maxMs), idleMs: IDLE_MS });
    this.#slow = new BuildLane({ ...common, maxMs, idleMs: SLOW_IDLE_MS });
  }

  /** Never rejects. */
  build(request: BuildRequest): Promise<BuildOutcome> {
    return new Promise((resolve) => {
      const order: Order = {
        ...{ request, deaths: 0 },
        resolve: (outcome) => {
          this.#open.delete(order);
          resolve(outcome);
        },
      };
      this.#open.add(order);
      this.#laneOf(request).add(this.#job(order));
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#quick.close(), this.#slow.close()]);
    for (const order of this.#open) this.#fail(order, { message: 'the server is closing' });
  }

  #laneOf({ folder }: BuildRequest): BuildLane {
    return this.#slowFolders.has(folder) ? this.#slow : this.#quick;
  }

  #job(order: Order) {
    const lane = this.#laneOf(order.request);
    return { request: order.request, ended: (end: BuildEnd) => this.#ended(order, lane, end) };
  }

  #ended(order: Order, lane: BuildLane, end: BuildEnd): void {
    const { folder } = order.request;
    switch (end.how) {
      case 'done':
        if (end.tookMs < QUICK_MS) this.#slowFolders.delete(folder);
        order.resolve(end.outcome);
        return;
      case 'late':
        if (lane === this.#slow) this.#fail(order, this.#tooLate());
        else {
          this.#slowFolders.add(folder);
          this.#slow.add(this.#job(order));
        }
        return;
      case 'large':
        this.#fail(order, this.#tooLarge());
        return;
      case 'died':
        this.#died(order, lane, end.why);
    }
  }

  #died(order: Order, lane: BuildLane, why: string): void {
    const { application } = order.request;
    const [line = ''] = why.split('\n');
    order.deaths += 1;
    this.#options.log.warn(
      { event: 'builder-ended', application, why },
      `the builder ended while it built ${application}: ${line}`,
    );
    if (order.deaths < MAX_DEATHS) lane.addFirst(this.#job(order));
    else {
      this.#fail(order, {
        message: `the builder ended ${MAX_DEATHS} times while it built this script: ${line}`,
      });
    }
  }

  #fail({ request, resolve }: Order, fault: BuildFault): void {
    // the next save may be what mends it
    this.#slowFolders.delete(request.folder);
    resolve({ result: BuildResult.Broken, faults: [fault], isCostly: true });
  }

  #tooLate(): BuildFault {
    const seconds = this.#options.maxMs / 1000;
    return {
      message: `building the script takes more than ${seconds} s (MaxBuildTime in Server.xml)`,
      limit: 'MaxBuildTime',
    };
  }

  #tooLarge(): BuildFault {
    const megabytes = Math.round(this.#options.maxRssBytes / 2 ** 20);
    return {
      message: `building the script takes too much memory, more than ${megabytes} MB (MaxBuildSize in Server.xml) or a stack without end: it is too large, or nested too deep`,
      limit: 'MaxBuildSize',
    };
  }
}
