// Who guesses passwords has to wait, and is locked out in the end. By address, not by account: nobody shall be able to lock
// the operator out from elsewhere.
import { isIPv6 } from 'node:net';
import type { Clock } from '../clock.ts';

export interface LoginLimitsOptions {
  /** After so many failures in a row an address has to wait… */
  maxFailures: number;
  recoveryMs: number;
  /** …and after so many it is locked out for the life of the process. */
  lockoutFailures: number;
}

interface Row {
  failures: number;
  /** When it may try again. */
  freeAt: number;
}

/** Addresses that are remembered; more than anybody has who is not after the memory. */
const MAX_ROWS = 10_000;

export class LoginLimits {
  readonly #options: LoginLimitsOptions;
  readonly #clock: Clock;
  /** The one that failed last at the end. */
  readonly #rows = new Map<string, Row>();

  constructor(options: LoginLimitsOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** How long that address has to wait before it may try; Infinity: it is locked out. */
  waitMs(address: string): number {
    const row = this.#rows.get(networkOf(address));
    if (!row) return 0;
    if (row.failures >= this.#options.lockoutFailures) return Number.POSITIVE_INFINITY;
    return Math.max(0, row.freeAt - this.#clock.now());
  }

  /** To be called before the password is looked at, or many tries at once would count as one. */
  trying(address: string): void {
    const { maxFailures, recoveryMs } = this.#options;
    const key = networkOf(address);
    const row = this.#rows.get(key) ?? { failures: 0, freeAt: 0 };
    row.failures += 1;
    if (row.failures % maxFailures === 0) row.freeAt = this.#clock.now() + recoveryMs;
    this.#rows.delete(key);
    this.#rows.set(key, row);
    if (this.#rows.size > MAX_ROWS) this.#forgetOne();
  }

  succeeded(address: string): void {
    this.#rows.delete(networkOf(address));
  }

  #forgetOne(): void {
    const { lockoutFailures } = this.#options;
    for (const [key, { failures }] of this.#rows) {
      if (failures >= lockoutFailures) continue;
      this.#rows.delete(key);
      return;
    }
  }
}

/** Whoever has one address of IPv6 has all of its /64. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail = ''] = address.replace(/%.*$/s, '').split('::', 2);
  const first = head.split(':').filter((group) => group !== '');
  const last = tail.split(':').filter((group) => group !== '');
  const zeros = address.includes('::')
    ? Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0')
    : [];
  return [...first, ...zeros, ...last].slice(0, 4).join(':').toLowerCase();
}
