// One track of a growing MP4: samples in its own units of time, waiting for their fragment.
import { RecordingError } from '../../errors.ts';
import { opusSamples, type TrackEntry } from '../../media/mp4/mp4-entry.ts';
import type { Mp4Run, Mp4Sample, Mp4Track } from '../../media/mp4/mp4-write.ts';

/** A clock that counts milliseconds is so far off the samples' own; what is more is a gap in the sound. */
const JITTER_MS = 30;
/** Of the last picture, as long as the next one is not there. */
const USUAL_FRAME_MS = 40;

interface Waiting {
  readonly data: Uint8Array;
  readonly units: number;
  readonly offsetUnits: number;
  readonly isKeyframe: boolean;
  /** What the codec says; undefined: the next one decides. */
  readonly ownUnits: number | undefined;
}

export class Mp4Lane {
  readonly track: Mp4Track;
  readonly entry: TrackEntry;
  #waiting: Waiting[] = [];
  /** Where the last one began, and how long it is if it says that. */
  #last: { units: number; ownUnits: number | undefined } | undefined;
  #usualUnits: number;

  constructor(track: Mp4Track, entry: TrackEntry) {
    this.track = track;
    this.entry = entry;
    this.#usualUnits = this.entry.frameUnits ?? this.unitsOf(USUAL_FRAME_MS);
  }

  get count(): number {
    return this.#waiting.length;
  }
  /** When the first one that waits begins. */
  get waitingMs(): number | undefined {
    const [first] = this.#waiting;
    return first && this.msOf(first.units);
  }

  unitsOf(ms: number): number {
    return Math.round((ms * this.entry.timescale) / 1000);
  }
  msOf(units: number): number {
    return Math.round((units * 1000) / this.entry.timescale);
  }

  add(sample: { data: Uint8Array; timestampMs: number; offsetMs: number; isKeyframe: boolean }): void {
    const { data, timestampMs, offsetMs, isKeyframe } = sample;
    const units = this.#beginOf(this.unitsOf(timestampMs));
    const ownUnits = this.entry.codec === 'opus' ? opusSamples(data) : this.entry.frameUnits;
    if (this.#last && units > this.#last.units) this.#usualUnits = units - this.#last.units;
    this.#last = { units, ownUnits };
    this.#waiting.push({ data, units, offsetUnits: this.unitsOf(offsetMs), isKeyframe, ownUnits });
  }

  /** Sound goes on without gaps, whatever milliseconds make of its samples. Times always grow. */
  #beginOf(units: number): number {
    if (!this.#last) return units;
    const { units: before, ownUnits } = this.#last;
    const expected = ownUnits === undefined ? undefined : before + ownUnits;
    if (expected !== undefined && Math.abs(units - expected) <= this.unitsOf(JITTER_MS)) return expected;
    return Math.max(units, before + 1);
  }

  /** All that wait. `nextMs`: when the one behind them begins, if that is known. */
  cut(nextMs: number | undefined): Mp4Run | undefined {
    const waiting = this.#waiting;
    const [first] = waiting;
    if (!first) return undefined;
    this.#waiting = [];
    const samples = waiting.map(({ data, units, offsetUnits, isKeyframe, ownUnits }, i): Mp4Sample => {
      const next = waiting[i + 1]?.units ?? (nextMs === undefined ? undefined : this.unitsOf(nextMs));
      const durationUnits = next === undefined ? (ownUnits ?? this.#usualUnits) : Math.max(1, next - units);
      return { data, durationUnits, offsetUnits, isKeyframe };
    });
    return { trackId: this.track.id, startUnits: first.units, samples };
  }
}

export function cannotHold(what: string): RecordingError {
  return new RecordingError(
    'NetStream.Record.Failed',
    `An MP4 cannot hold ${what}. Record FLV instead: a name without mp4:, or format "flv".`,
  );
}
