// A track as its edit list has it: which of its samples are sent, in what order, and when they are decoded and seen.
//
// A part that begins between two keyframes takes the pictures from the keyframe before along: the decoder needs them, and nobody
// is to see them. They are due with the first one that is seen. Of sound, frames that are outside of the part as a whole are left
// out, the priming of AAC for example. A part is as long as its list says; one that is all of the track by decoding time has all
// of its pictures, those as well that are seen behind that.
import type { Mp4Track } from './mp4.ts';
import type { Edit } from './mp4-edits.ts';

/** A sample that is sent. Times are ms on the film's clock, and may be before 0. */
export interface Presented {
  readonly sample: number;
  /** When it is decoded. */
  readonly ms: number;
  /** How much later it is seen. */
  readonly compositionMs: number;
  /** It is for the decoder only. */
  readonly isHidden: boolean;
}

/** Part of an edit that is on its way: numbers of samples. */
interface Run {
  readonly edit: Edit;
  /** The one that is seen when the part begins. */
  readonly seen: number;
  /** Those before it are hidden: they were seen before, or are decoded between such. */
  readonly shown: number;
  /** By the track's clock: none is decoded before. */
  readonly base: number;
  /** Undefined: where it is by time, for there may be more samples. */
  readonly end: number | undefined;
  next: number;
}

/** Between two pictures of which the first is seen later there are at most so many. H.264 has sixteen. */
const MAX_REORDERED = 64;

const ALL: Edit = { from: 0, to: Number.POSITIVE_INFINITY, atMs: 0 };

export class Presentation {
  readonly #track: Mp4Track;
  #edits: readonly Edit[];
  #hasList: boolean;
  #at = 0;
  #run: Run | undefined;
  #count = 0;

  constructor(track: Mp4Track) {
    this.#track = track;
    this.#edits = track.edits ?? [ALL];
    this.#hasList = track.edits !== undefined;
  }

  get hasList(): boolean {
    return this.#hasList;
  }

  /** Where it ends on the film's clock, as far as the track is there. */
  get endMs(): number {
    if (this.#track.samples.count === 0) return 0;
    const end = this.#mediaEnd();
    const ends = this.#edits
      .filter(({ from }) => from < end)
      .map(({ from, to, atMs }) => atMs + this.#ms(Math.min(to, end) - from));
    return ends.length > 0 ? Math.max(...ends) : this.#ms(end);
  }

  /** When the first sample is decoded; undefined: that is not known yet. */
  firstMs(isComplete: boolean): number | undefined {
    const run = this.#current(isComplete);
    return run && this.#filmMs(run, run.base);
  }

  /** What comes next; undefined: nothing does as of now. `isComplete`: the track has no more samples. */
  peek(isComplete: boolean): Presented | undefined {
    const run = this.#current(isComplete);
    if (!run) return undefined;
    const { samples } = this.#track;
    const sample = run.next;
    const dts = samples.dtsOf(sample);
    const pts = dts + samples.compositionOf(sample);
    const decoded = Math.max(dts, run.base);
    // what is seen when the part begins may have begun before it
    const isEarly = this.#hasList && (sample < run.shown || sample === run.seen);
    const seen = isEarly ? Math.max(pts, run.edit.from, decoded) : pts;
    return {
      sample,
      ms: this.#filmMs(run, decoded),
      compositionMs: this.#ms(seen - decoded),
      isHidden: sample < run.shown || this.#isBehind(run, pts),
    };
  }

  /** Goes on behind it. */
  skip(): void {
    if (!this.#run) return;
    this.#run.next += 1;
    this.#count += 1;
  }

  #ms(units: number): number {
    return (units * 1000) / this.#track.timescale;
  }

  #filmMs({ edit }: Run, units: number): number {
    return edit.atMs + this.#ms(units - edit.from);
  }

  /** A picture that is seen behind the part, and without which others cannot be decoded that are seen in it. */
  #isBehind({ edit, end, seen, next }: Run, pts: number): boolean {
    return end !== undefined && next !== seen && this.#track.kind === 'video' && !this.#isWithin(edit, pts);
  }

  /** Less than a millisecond of it is nothing. */
  #isWithin({ to }: Edit, units: number): boolean {
    return units < to - this.#track.timescale / 1000;
  }

  /** The run that has a sample to give. */
  #current(isComplete: boolean): Run | undefined {
    const { samples } = this.#track;
    for (;;) {
      this.#run ??= this.#begin(isComplete);
      const run = this.#run;
      if (!run) {
        if (!isComplete || this.#count > 0 || samples.count === 0 || !this.#hasList) return undefined;
        this.#edits = [ALL]; // nothing of the track is in its list
        this.#hasList = false;
        this.#at = 0;
        continue;
      }
      const isOver =
        run.end === undefined
          ? run.next < samples.count && samples.dtsOf(run.next) >= run.edit.to
          : run.next >= run.end;
      if (!isOver) return run.next < samples.count ? run : undefined;
      this.#run = undefined;
    }
  }

  /** Of the edits that are left the first that shows something. */
  #begin(isComplete: boolean): Run | undefined {
    for (; this.#at < this.#edits.length; this.#at += 1) {
      const edit = this.#edits[this.#at]!;
      const { samples } = this.#track;
      if (samples.count === 0) return undefined;
      const isThere =
        isComplete || !this.#hasList || samples.dtsOf(samples.count - 1) > this.#latestDts(edit.from);
      if (!isThere) return undefined;
      const run = this.#runOf(edit, isComplete);
      if (run) {
        this.#at += 1;
        return run;
      }
    }
    return undefined;
  }

  #runOf(edit: Edit, isComplete: boolean): Run | undefined {
    const { samples, kind } = this.#track;
    if (!this.#hasList) return { edit, seen: 0, shown: 0, base: samples.dtsOf(0), end: undefined, next: 0 };
    if (isComplete && edit.from >= this.#mediaEnd()) return undefined;
    const end = this.#endOf(edit, isComplete);
    if (kind === 'audio') {
      if (edit.to <= edit.from) return undefined;
      const next = this.#soundAt(edit.from);
      if (end !== undefined && end <= next) return undefined;
      return { edit, seen: next, shown: next, base: samples.dtsOf(next), end, next };
    }
    const seen = this.#seenAt(edit.from);
    const next = samples.keyBefore(seen);
    const shown = this.#shownFrom(edit.from, seen);
    // as far ahead of what is seen as a keyframe is decoded
    const base = Math.max(samples.dtsOf(next), edit.from - Math.max(0, samples.compositionOf(next)));
    const last = end === undefined ? undefined : Math.max(end, seen + 1);
    return { edit, seen, shown: Math.min(shown, last ?? shown), base, end: last, next };
  }

  /** Behind the last picture that is seen before that time. */
  #shownFrom(from: number, seen: number): number {
    const { samples } = this.#track;
    const { least } = this.#bounds();
    let shown = seen;
    const end = Math.min(samples.count, seen + MAX_REORDERED);
    for (let i = seen + 1; i < end && samples.dtsOf(i) + least < from; i += 1) {
      if (this.#pts(i) < from) shown = i + 1;
    }
    return shown;
  }

  /** The first frame of sound that is heard then. */
  #soundAt(from: number): number {
    const { samples } = this.#track;
    const behind = this.#firstFrom(from + 1);
    const before = Math.max(0, behind - 1);
    return this.#endOfSample(before) > from ? before : Math.min(behind, samples.count - 1);
  }

  /** The picture that is seen then, or will be in less than a millisecond; or the first one that is seen at all. */
  #seenAt(from: number): number {
    const { samples, timescale } = this.#track;
    const soon = from + timescale / 1000;
    const { least, largest } = this.#bounds();
    let found: number | undefined;
    const near = this.#firstFrom(soon);
    const begin = Math.max(this.#firstFrom(from - largest), near - MAX_REORDERED);
    const end = Math.min(samples.count, near + MAX_REORDERED);
    for (let i = Math.max(0, begin - 1); i < end && samples.dtsOf(i) + least < soon; i += 1) {
      const pts = this.#pts(i);
      if (pts < soon && (found === undefined || pts >= this.#pts(found))) found = i;
    }
    return found ?? Math.min(begin, samples.count - 1);
  }

  /** Behind the last sample of that part; undefined: all of the track is, or its end is not there yet. */
  #endOf(edit: Edit, isComplete: boolean): number | undefined {
    const { samples, kind, timescale } = this.#track;
    const { from, to } = edit;
    if (to <= from) return 0; // one picture
    const tick = timescale / 1000;
    const isAll = from <= tick && to >= this.#endOfSample(samples.count - 1) - tick;
    if (!isComplete || isAll || to === Number.POSITIVE_INFINITY) return undefined;
    if (kind === 'audio') {
      const near = this.#firstFrom(to);
      let end = near;
      while (end > 0 && end > near - MAX_REORDERED && !this.#isWithin(edit, samples.dtsOf(end - 1))) end -= 1;
      return end;
    }
    const near = this.#firstFrom(to);
    let end = Math.min(this.#firstFrom(to - this.#bounds().least), near + MAX_REORDERED);
    while (end > 0 && end > near - MAX_REORDERED && !this.#isWithin(edit, this.#pts(end - 1))) end -= 1;
    return end;
  }

  #pts(sample: number): number {
    const { samples } = this.#track;
    return samples.dtsOf(sample) + samples.compositionOf(sample);
  }

  /** The end of a sample by decoding time; the last one is as long as the one before it. */
  #endOfSample(sample: number): number {
    const { samples, defaults } = this.#track;
    if (sample + 1 < samples.count) return samples.dtsOf(sample + 1);
    const before = sample > 0 ? samples.dtsOf(sample) - samples.dtsOf(sample - 1) : defaults.duration;
    return samples.dtsOf(sample) + before;
  }

  /** Of what is seen last, by the track's clock. */
  #mediaEnd(): number {
    const last = this.#track.samples.count - 1;
    let end = this.#endOfSample(last);
    const length = end - this.#track.samples.dtsOf(last);
    for (let i = Math.max(0, last - MAX_REORDERED); i <= last; i += 1)
      end = Math.max(end, this.#pts(i) + length);
    return end;
  }

  /** A part that begins there is known when a sample behind that is. */
  #latestDts(from: number): number {
    return from - (this.#track.kind === 'video' ? this.#bounds().least : 0);
  }

  /** Of presentation minus decoding time. */
  #bounds(): { least: number; largest: number } {
    const { leastComposition: least, largestComposition: largest } = this.#track.samples;
    return { least, largest };
  }

  /** The first sample that is decoded then or later. */
  #firstFrom(units: number): number {
    const { samples } = this.#track;
    let low = 0;
    let high = samples.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (samples.dtsOf(middle) < units) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
