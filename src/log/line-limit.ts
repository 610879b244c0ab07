// A log line that a peer can cause again and again: at most one for each kind, address and second. The first is written at
// once; what came in the rest of its second is one more line with a count. A limit that was reached has such a line, and a number.
import { LIMIT_NAMES, type LimitName } from './limits.ts';
import type { Log } from './log.ts';

/** The two parts of the server's clock that this needs; monotonic milliseconds. */
export interface LineClock {
  now(): number;
  after(ms: number, call: () => void): () => void;
}

/** Writes one line. `repeats`: how many lines of this kind and address it stands for besides itself; 0 for the first. */
export type WriteLine = (repeats: number) => void;

/** `log` and the fields of the line: `ip`, `application` and so on. */
export interface LimitLine {
  readonly log: Pick<Log, 'warn'>;
  readonly [field: string]: unknown;
}

const PERIOD_MS = 1000;

/** Addresses with a running second, for each kind. Beyond them all further addresses of the kind share one entry. */
const MAX_ADDRESSES = 256;
const FURTHER = 'further addresses';

interface Repeated {
  /** The latest line that was left out. */
  write: WriteLine | undefined;
  count: number;
  cancel(): void;
}

export class LineLimit {
  readonly #clock: LineClock;
  /** Kind → address → its running second. */
  readonly #kinds = new Map<string, Map<string, Repeated>>();
  readonly #reached = new Map<LimitName, number>();

  constructor(clock: LineClock) {
    this.#clock = clock;
  }

  /**
   * `kind`: one of ours, never a peer's text. `address`: of the peer, or another name for who causes the line, such as the id of
   * a connection. `write` is called now, at the end of the running second, or never.
   */
  line(kind: string, address: string, write: WriteLine): void {
    const addresses = this.#addressesOf(kind);
    const key = addresses.has(address) || addresses.size < MAX_ADDRESSES ? address : FURTHER;
    const running = addresses.get(key);
    if (running) {
      running.write = write;
      running.count += 1;
      return;
    }
    this.#begin(kind, key);
    write(0);
  }

  /**
   * A limit refused, closed or delayed something: a warning `"event":"limit"`, bounded as above, and a count for the metrics. `cause`:
   * who is behind it (an address, an application). `fields`: what else the line shows. `text` says what was refused.
   */
  limit(limit: LimitName, cause: string, { log, ...fields }: LimitLine, text: string): void {
    this.countLimit(limit);
    this.line(`limit ${limit}`, cause, (repeats) =>
      log.warn(
        { event: 'limit', limit, ...fields, ...(repeats > 0 && { repeats }) },
        `${text} (limit: ${limit})`,
      ),
    );
  }

  /** For a limit whose line is written in another way. */
  countLimit(limit: LimitName): void {
    this.#reached.set(limit, (this.#reached.get(limit) ?? 0) + 1);
  }

  /** How often each limit was reached since the start, those that never were included. */
  limitCounts(): { limit: LimitName; count: number }[] {
    return LIMIT_NAMES.map((limit) => ({
      limit,
      count: this.#reached.get(limit) ?? 0,
    }));
  }

  /** Writes what is counted and not yet said. */
  close(): void {
    for (const [kind, addresses] of this.#kinds) {
      for (const [address, running] of addresses) {
        running.cancel();
        this.#end(kind, address);
      }
    }
  }

  #addressesOf(kind: string): Map<string, Repeated> {
    const known = this.#kinds.get(kind);
    if (known) return known;
    const addresses = new Map<string, Repeated>();
    this.#kinds.set(kind, addresses);
    return addresses;
  }

  #begin(kind: string, address: string): void {
    const cancel = this.#clock.after(PERIOD_MS, () => {
      // a flood that goes on has one line a second, not two
      if (this.#end(kind, address)) this.#begin(kind, address);
    });
    this.#addressesOf(kind).set(address, { write: undefined, count: 0, cancel });
  }

  /** True: there was something to say. */
  #end(kind: string, address: string): boolean {
    const addresses = this.#kinds.get(kind);
    const running = addresses?.get(address);
    if (!addresses || !running) return false;
    addresses.delete(address);
    if (addresses.size === 0) this.#kinds.delete(kind);
    running.write?.(running.count - 1);
    return running.write !== undefined;
  }
}
