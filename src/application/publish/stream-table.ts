// The named streams of one instance: what fills and records each of them, and when a name may be forgotten.

import type { Recording } from '../contract/recording.ts';
import type { RecordLimits } from '../contract/script.ts';
import { Stream, type StreamFaultListener, type StreamOptions } from '../live/stream.ts';
import type { Publication } from './publication.ts';

/** A server-side stream has the name, at a script's word. */
export interface ServerHold {
  readonly kind: 'server';
  /** There is something to see. It has the name before, and a moment longer. */
  readonly isOnAir: boolean;
  readonly sinceMs: number;
  readonly item: { readonly name: string } | undefined;
  /** Ends it; the name is free when this returns. */
  close(): void;
}

/** Another node has the name: its bytes and times come from there as they are. */
export interface NodeHold {
  readonly kind: 'node';
  readonly isOnAir: boolean;
  readonly sinceMs: number;
  /** Ends it; the name is free when this returns. */
  close(): void;
}

/** What has the name of a stream, one at a time. */
export type Holder = Publication | ServerHold | NodeHold;

export class NamedStream {
  readonly stream: Stream;
  holder: Holder | undefined;
  recording: { recording: Recording; limits: RecordLimits; remove: () => void } | undefined;

  constructor(stream: Stream) {
    this.stream = stream;
  }

  /** The client's, where a client publishes it. */
  get publication(): Publication | undefined {
    return this.holder?.kind === 'client' ? this.holder : undefined;
  }
  /** The server-side stream, where that is what fills it. */
  get server(): ServerHold | undefined {
    return this.holder?.kind === 'server' ? this.holder : undefined;
  }
  /** There is something to see, whatever it comes from. */
  get isOnAir(): boolean {
    return this.holder?.isOnAir === true;
  }
}

export class StreamTable {
  #options: StreamOptions;
  readonly #onFault: StreamFaultListener | undefined;
  readonly #entries = new Map<string, NamedStream>();

  constructor(options: StreamOptions, onFault?: StreamFaultListener) {
    this.#options = options;
    this.#onFault = onFault;
  }

  /** For streams that are not open yet. */
  configure(options: StreamOptions): void {
    this.#options = options;
  }

  get(name: string): NamedStream | undefined {
    return this.#entries.get(name);
  }
  isOnAir(name: string): boolean {
    return this.#entries.get(name)?.isOnAir === true;
  }
  values(): IterableIterator<NamedStream> {
    return this.#entries.values();
  }
  /** Names that only have players waiting for a publisher. */
  get waitingCount(): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (!entry.holder) count += 1;
    return count;
  }

  open(name: string): NamedStream {
    let entry = this.#entries.get(name);
    if (!entry) {
      entry = new NamedStream(new Stream(name, this.#options, this.#onFault));
      this.#entries.set(name, entry);
    }
    return entry;
  }

  /** Forgets the name when nobody publishes, plays, relays or records it. */
  release(name: string): void {
    const entry = this.#entries.get(name);
    if (!entry || entry.holder || entry.recording) return;
    if (entry.stream.viewers.size > 0 || entry.stream.sinkCount > 0) return;
    entry.stream.close();
    this.#entries.delete(name);
  }
}
