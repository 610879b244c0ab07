// Events that wait for an instance's next turn. The media side sends them as text, and as text they are handed on: they are
// only parsed when a turn was cut and the rest of it has to be sorted out, or when there are too many.
import type { RunnerEvent, ScriptCommand, ScriptEvent } from '../wire.ts';
import { MAX_BATCH_EVENTS } from '../wire.ts';

type AnyEvent = ScriptEvent | RunnerEvent;

/** A JSON array and how many events it holds. */
export interface Batch {
  text: string;
  count: number;
}

/** What clients can make wait in this process, whatever the number of events. */
export const MAX_QUEUED_CHARACTERS = 16 << 20;
/** Of one turn, unless a single batch has more: reading it is part of the turn's time. */
const MAX_TURN_CHARACTERS = 1 << 20;
const BUSY = 'the application is busy';

export class Mailbox {
  readonly #maxEvents: number;
  #batches: Batch[] = [];
  #queued = 0;
  #characters = 0;

  /** Above `maxEvents` a client's calls are refused, and what is only news is dropped. Gates and what ends things always fit. */
  constructor(maxEvents: number) {
    this.#maxEvents = maxEvents;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** Returns the answers to what did not fit. */
  post(batch: Batch): ScriptCommand[] {
    const characters = this.#characters + batch.text.length;
    if (this.#queued + batch.count <= this.#maxEvents && characters <= MAX_QUEUED_CHARACTERS) {
      this.#add(batch);
      return [];
    }
    const events = JSON.parse(batch.text) as ScriptEvent[];
    const kept = events.filter(isIndispensable);
    if (kept.length > 0) this.#add({ text: JSON.stringify(kept), count: kept.length });
    return events.flatMap((event) => (event.t === 'call' ? [refusal(event.id)] : []));
  }

  postOwn(event: RunnerEvent): void {
    this.#add({ text: JSON.stringify([event]), count: 1 });
  }

  /** What came behind the event that cut the turn short goes first in the next one. */
  requeue(batch: Batch, begun: number): void {
    if (begun >= batch.count) return;
    const rest = (JSON.parse(batch.text) as AnyEvent[]).slice(begun);
    const text = JSON.stringify(rest);
    this.#batches.unshift({ text, count: rest.length });
    this.#queued += rest.length;
    this.#characters += text.length;
  }

  /** The next turn: `own` first, then what has waited longest. */
  take(own: readonly RunnerEvent[]): Batch {
    const parts = own.length === 0 ? [] : [JSON.stringify(own).slice(1, -1)];
    let count = own.length;
    let taken = 0;
    let characters = 0;
    for (const batch of this.#batches) {
      const isTooMuch = count + batch.count > MAX_BATCH_EVENTS || characters > MAX_TURN_CHARACTERS;
      if (count > 0 && isTooMuch) break;
      parts.push(batch.text.slice(1, -1));
      count += batch.count;
      characters += batch.text.length;
      taken += 1;
    }
    this.#batches.splice(0, taken);
    this.#queued -= count - own.length;
    this.#characters -= characters;
    return { text: `[${parts.join(',')}]`, count };
  }

  clear(): void {
    this.#batches = [];
    this.#queued = 0;
    this.#characters = 0;
  }

  #add(batch: Batch): void {
    if (batch.count === 0) return;
    this.#batches.push(batch);
    this.#queued += batch.count;
    this.#characters += batch.text.length;
  }
}

function isIndispensable(event: ScriptEvent): boolean {
  return (
    event.t !== 'call' && event.t !== 'status' && event.t !== 'clientStats' && event.t !== 'instanceStats'
  );
}

function refusal(id: number): ScriptCommand {
  return { op: 'ret', id, found: true, ok: false, description: BUSY };
}
