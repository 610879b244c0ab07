// The named streams of one instance: who publishes and records each of them, and when a name may be forgotten.

import type { Recording } from '../contract/recording.ts';
import type { RecordLimits } from '../contract/script.ts';
import { Stream, type StreamFaultListener, type StreamOptions } from '../live/stream.ts';
import type { Publication } from './publication.ts';

/** The server itself fills it, at a script's word. */
export interface ServerHold {
  /** There is something to see. It has the name before, and a moment longer. */
  readonly isOnAir: boolean;
  readonly sinceMs: number;
  readonly item: { readonly name: string } | undefined;
  /** Ends it; the name is free when this returns. */
  close(): void;
}

export interface NamedStream {
  readonly stream: Stream;
  publication: Publication | undefined;
  /** Never beside a publication. */
  server: ServerHold | undefined;
  recording: { recording: Recording; limits: RecordLimits; remove: () => void } | undefined;
}

/** Somebody publishes it, be it the server. */
export function isOnAir({ publication, server }: NamedStream): boolean {
  return publication !== undefined || server?.isOnAir === true;
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
    const entry = this.#entries.get(name);
    return entry !== undefined && isOnAir(entry);
  }
  values(): IterableIterator<NamedStream> {
    return this.#entries.values();
  }
  /** Names that only have players waiting for a publisher. */
  get waitingCount(): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (!entry.publication && !entry.server) count += 1;
    return count;
  }

  open(name: string): NamedStream {
    let entry = this.#entries.get(name);
    if (!entry) {
      const stream = new Stream(name, this.#options, this.#onFault);
      const nobody = { publication: undefined, server: undefined };
      entry = { stream, ...nobody, recording: undefined };
      this.#entries.set(name, entry);
    }
    return entry;
  }

  /** Forgets the name when nobody publishes, plays, relays or records it. */
  release(name: string): void {
    const entry = this.#entries.get(name);
    if (!entry || entry.publication || entry.server || entry.recording) return;
    if (entry.stream.viewers.size > 0 || entry.stream.sinkCount > 0) return;
    entry.stream.close();
    this.#entries.delete(name);
  }
}
