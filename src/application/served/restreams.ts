// Streams of an instance that go to other servers, as people see them: what is on its way, and what failed last.
import type { Clock } from '../../clock.ts';

/**
 * `connecting`: to the other server. `asking`: it has been asked to take the stream. `ready`: it takes it, and nothing is on air
 * to send. `sending`. `failed`: the last attempt did; the script may try again.
 */
export const RESTREAM_STATES = ['connecting', 'asking', 'ready', 'sending', 'failed'] as const;
export type RestreamState = (typeof RESTREAM_STATES)[number];

export interface RestreamNumbers {
  /** Of this instance; undefined: none yet. */
  readonly stream: string | undefined;
  /** Of the other server, without what may be secret: login, query and the name that the stream has there. */
  readonly address: string;
  readonly state: RestreamState;
  /** Why it failed. */
  readonly reason?: string;
  /** How long ago that was. */
  readonly agoMs?: number;
  /** No version of the script has it any more. */
  readonly isForgotten: boolean;
}

/** Of an instance: addresses come from its script, which may try one after the other. */
const MAX_FAILURES = 32;
/** Longer ago it is for the log alone. */
const KEPT_MS = 10 * 60_000;

interface Failure {
  readonly stream: string | undefined;
  readonly address: string;
  readonly reason: string;
  readonly atMs: number;
}

/** The last failure for each stream and address, until it works. */
export class RestreamFailures {
  readonly #clock: Clock;
  readonly #failures = new Map<string, Failure>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `stream`: undefined where the connection failed before it was for any. */
  add(address: string, stream: string | undefined, reason: string): void {
    const key = keyOf(address, stream);
    this.#failures.delete(key);
    this.#failures.set(key, { stream, address, reason, atMs: this.#clock.now() });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > MAX_FAILURES) this.#failures.delete(oldest!);
  }

  clear(address: string, stream: string | undefined): void {
    this.#failures.delete(keyOf(address, stream));
  }

  list(): RestreamNumbers[] {
    const nowMs = this.#clock.now();
    const isForgotten = false;
    return [...this.#failures.values()]
      .map(({ atMs, ...rest }) => ({
        ...rest,
        state: 'failed' as const,
        agoMs: Math.round(nowMs - atMs),
        isForgotten,
      }))
      .filter(({ agoMs }) => agoMs <= KEPT_MS);
  }
}

function keyOf(address: string, stream: string | undefined): string {
  return JSON.stringify([address, stream]);
}
