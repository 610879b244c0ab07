// What was read of files, for the next player who comes by: a bounded amount, the longest unused goes first.
import type { CacheStats, Segment } from '../../application/contract/recorded.ts';

/** FMS: FLVCache/MaxSize is 500 MB; the system caches files as well. */
const MAX_BYTES = 128 << 20;
/** A segment's own objects, roughly, for each message. */
const MESSAGE_BYTES = 300;

interface Entry {
  segment: Segment;
  bytes: number;
}

export class SegmentCache {
  readonly #maxBytes: number;
  /** Media → place → segment; and the same in order of use. */
  readonly #entries = new Map<string, Entry>();
  readonly #reading = new Map<string, Promise<Segment | undefined>>();
  #bytes = 0;
  #hits = 0;
  #reads = 0;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  get stats(): CacheStats {
    return { bytes: this.#bytes, segments: this.#entries.size, hits: this.#hits, reads: this.#reads };
  }

  /** Two who want the same at once wait for one reading of it. `isWhole`: it will never be another one. */
  async read(
    key: string,
    read: () => Promise<Segment | undefined>,
    isWhole: (segment: Segment) => boolean,
  ): Promise<Segment | undefined> {
    const known = this.#entries.get(key);
    if (known) {
      this.#hits += 1;
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known.segment;
    }
    const reading = this.#reading.get(key);
    if (reading) return reading;
    const begun = read().finally(() => this.#reading.delete(key));
    this.#reading.set(key, begun);
    const segment = await begun;
    if (segment) this.#reads += 1;
    if (segment && isWhole(segment)) this.#keep(key, segment);
    return segment;
  }

  #keep(key: string, segment: Segment): void {
    const bytes = segment.bytes.length + segment.messages.length * MESSAGE_BYTES;
    if (bytes > this.#maxBytes) return;
    this.#entries.set(key, { segment, bytes });
    this.#bytes += bytes;
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#entries.delete(oldest);
      this.#bytes -= entry.bytes;
    }
  }

  /** What begins with that is of no use any more. */
  forget(prefix: string): void {
    for (const [key, { bytes }] of this.#entries) {
      if (!key.startsWith(prefix)) continue;
      this.#entries.delete(key);
      this.#bytes -= bytes;
    }
  }
}
