// Events that wait for an instance's next turn. The media side sends them as text, and as text they are handed on: they are
// only parsed when a turn was cut and the rest of it has to be sorted out. How much waits here is for the media side to say (lanes.ts).
import { MAX_BATCH_EVENTS, type RunnerEvent, type ScriptEvent } from '../wire/wire.ts';

type AnyEvent = ScriptEvent | RunnerEvent;

/** A JSON array and how many events it holds. */
export interface Batch {
  text: string;
  count: number;
  /** What the media side counts it as; 0: it is our own. */
  bytes: number;
}

export class Mailbox {
  #batches: Batch[] = [];

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  post(batch: Batch): void {
    if (batch.count > 0) this.#batches.push(batch);
  }

  postOwn(event: RunnerEvent): void {
    this.post({ text: JSON.stringify([event]), count: 1, bytes: 0 });
  }

  /** What came behind the event that cut the turn short goes first in the next one. Returns what that counts as. */
  requeue(batch: Batch, begun: number): number {
    if (begun >= batch.count) return 0;
    if (begun === 0) {
      this.#batches.unshift(batch);
      return batch.bytes;
    }
    const rest = (JSON.parse(batch.text) as AnyEvent[]).slice(begun);
    const text = JSON.stringify(rest);
    const bytes = Math.min(batch.bytes, Buffer.byteLength(text));
    this.#batches.unshift({ text, count: rest.length, bytes });
    return bytes;
  }

  /** The next turn: `own` first, then what has waited longest. */
  take(own: readonly RunnerEvent[]): Batch {
    const parts = own.length === 0 ? [] : [JSON.stringify(own).slice(1, -1)];
    let count = own.length;
    let bytes = 0;
    let taken = 0;
    for (const batch of this.#batches) {
      if (count > 0 && count + batch.count > MAX_BATCH_EVENTS) break;
      parts.push(batch.text.slice(1, -1));
      count += batch.count;
      bytes += batch.bytes;
      taken += 1;
    }
    this.#batches.splice(0, taken);
    return { text: `[${parts.join(',')}]`, count, bytes };
  }

  clear(): void {
    this.#batches = [];
  }
}
