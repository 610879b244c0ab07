// GET /api/v1/events: errors of scripts as they come, as Server-Sent Events (HTML §9.2). Whoever listens may be slow: what waits
// for him is bounded, and one error that comes again and again waits once.

import type { ErrorRecord } from '../application/accounts/error-records.ts';
import type { Clock } from '../clock.ts';
import { AdminError } from './admin-error.ts';
import type { AdministeredHost } from './administered.ts';
import type { Out, Stream } from './port.ts';

export interface Wanted {
  readonly hosts: readonly AdministeredHost[];
  /** Undefined: all of them. */
  readonly application: string | undefined;
  /** What came after that one is told first; undefined: nothing is. */
  readonly after: number | undefined;
}

const MAX_LISTENERS = 16;
/** Of one account. */
const MAX_OWN_LISTENERS = 4;
const MAX_WAITING = 100;
const GATHER_MS = 100;
const BEAT_MS = 15_000;
/** Then he has to come again, and to show who he is. */
const MAX_LIFE_MS = 60 * 60_000;
const RETRY_MS = 2000;

export class EventStreams {
  readonly #clock: Clock;
  readonly #open = new Map<EventStream, string>();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `owner`: the account. */
  open(owner: string, wanted: Wanted): Stream {
    const own = [...this.#open.values()].filter((name) => name === owner);
    if (this.#isClosed || this.#open.size >= MAX_LISTENERS || own.length >= MAX_OWN_LISTENERS) {
      throw new AdminError('ERR_ADMIN_CONFLICT', 'there are as many listeners as there may be');
    }
    const stream = new EventStream(wanted, this.#clock, () => this.#open.delete(stream));
    this.#open.set(stream, owner);
    return stream;
  }

  /** Its password is another now, or it is gone. */
  endOf(owner: string): void {
    for (const [stream, name] of [...this.#open]) if (name === owner) stream.end();
  }

  close(): void {
    this.#isClosed = true;
    for (const stream of [...this.#open.keys()]) stream.end();
  }
}

type Event = ErrorRecord & { adaptor: string; vhost: string };

class EventStream implements Stream {
  readonly #wanted: Wanted;
  readonly #clock: Clock;
  readonly #onClosed: () => void;
  readonly #undo: (() => void)[] = [];
  #out: Out | undefined;
  /** By id, the one that has waited longest first. */
  readonly #waiting = new Map<number, Event>();
  #dropped = 0;
  #isBlocked = false;
  #cancelFlush: (() => void) | undefined;
  #cancelBeat = () => {};

  constructor(wanted: Wanted, clock: Clock, onClosed: () => void) {
    this.#wanted = wanted;
    this.#clock = clock;
    this.#onClosed = onClosed;
  }

  start(out: Out): void {
    this.#out = out;
    this.#write(`retry: ${RETRY_MS}\n\n`);
    for (const { adaptor, name, errors } of this.#wanted.hosts)
      this.#undo.push(errors.listen((record) => this.#take({ adaptor, vhost: name, ...record })));
    this.#undo.push(this.#clock.after(MAX_LIFE_MS, () => this.end()));
    this.#beatLater();
    this.#catchUp();
  }

  #catchUp(): void {
    const { hosts, after } = this.#wanted;
    if (after === undefined) return;
    const known = hosts
      .flatMap(({ adaptor, name, errors }) =>
        errors.recent().map((record) => ({ adaptor, vhost: name, ...record })),
      )
      .sort((a, b) => a.id - b.id);
    // An id that has not been given yet is of a server that has ended: all of ours are news.
    const isOurs = after <= (known.at(-1)?.id ?? 0);
    for (const event of known) if (!isOurs || event.id > after) this.#take(event);
  }

  #take(event: Event): void {
    const { application } = this.#wanted;
    if (application !== undefined && event.application !== application) return;
    this.#waiting.delete(event.id);
    this.#waiting.set(event.id, event);
    if (this.#waiting.size > MAX_WAITING) {
      const [oldest] = this.#waiting.keys();
      this.#waiting.delete(oldest!);
      this.#dropped += 1;
    }
    this.#cancelFlush ??= this.#clock.after(GATHER_MS, () => {
      this.#cancelFlush = undefined;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#isBlocked) return;
    let text = this.#dropped > 0 ? `event: dropped\ndata: {"count":${this.#dropped}}\n\n` : '';
    this.#dropped = 0;
    for (const event of this.#waiting.values())
      text += `id: ${event.id}\nevent: script-error\ndata: ${JSON.stringify(event)}\n\n`;
    this.#waiting.clear();
    if (text !== '') this.#write(text);
  }

  #write(text: string): void {
    this.#isBlocked = this.#out?.write(text) === false;
  }

  /** So that whatever is between us does not think that nobody is there. Who has read nothing in that time has to go. */
  #beatLater(): void {
    this.#cancelBeat = this.#clock.after(BEAT_MS, () => {
      if (this.#isBlocked) this.end();
      else {
        this.#write(':\n\n');
        this.#beatLater();
      }
    });
  }

  drained(): void {
    this.#isBlocked = false;
    this.#flush();
  }

  end(): void {
    if (this.#isBlocked) this.#out?.destroy();
    else this.#out?.end();
    this.closed();
  }

  closed(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#cancelFlush?.();
    this.#cancelBeat();
    this.#out = undefined;
    this.#onClosed();
  }
}
