// The address of a host that is needed again and again: looked up seldom. Every lookup of a name keeps one of the four threads busy
// that file access has as well, and may ask a name server.
import { lookup } from 'node:dns';
import { isIPv6 } from 'node:net';
import type { LogTime } from './time.ts';

export type Found = (error: NodeJS.ErrnoException | null, address: string, family: number) => void;
/** Of a name or a literal; calls `found` later. */
export type FindAddress = (host: string, family: 4 | 6, found: Found) => void;

/** An address is looked up again after so long; a name that has moved is found by then. */
const KEPT_MS = 60_000;

export const systemAddress: FindAddress = (host, family, found) => lookup(host, { family }, found);

export class KnownAddress {
  readonly host: string;
  readonly isIPv6: boolean;
  readonly #find: FindAddress;
  readonly #time: Pick<LogTime, 'now'>;
  /** What was found last. */
  #known: string | undefined;
  #knownSinceMs = 0;
  /** Calls that wait for a lookup; undefined: there is none. */
  #waiting: Found[] | undefined;

  constructor(host: string, find: FindAddress, time: Pick<LogTime, 'now'>) {
    this.host = host;
    this.isIPv6 = isIPv6(host);
    this.#find = find;
    this.#time = time;
  }

  /** Calls `found` at once, unless nothing has been found yet. An address that is old is used until there is a newer one. */
  find(found: Found): void {
    const isOld = this.#known === undefined || this.#nowMs - this.#knownSinceMs >= KEPT_MS;
    if (isOld && !this.#waiting) this.#lookUp();
    if (this.#known === undefined) this.#waiting!.push(found);
    else found(null, this.#known, this.#family);
  }

  get #family(): 4 | 6 {
    return this.isIPv6 ? 6 : 4;
  }

  get #nowMs(): number {
    return this.#time.now().getTime();
  }

  #lookUp(): void {
    this.#waiting = [];
    this.#find(this.host, this.#family, (error, address) => {
      const waiting = this.#waiting ?? [];
      this.#waiting = undefined;
      this.#knownSinceMs = this.#nowMs; // a name server that is away is asked as seldom
      if (!error) this.#known = address;
      for (const found of waiting) found(error, address, this.#family);
    });
  }
}
