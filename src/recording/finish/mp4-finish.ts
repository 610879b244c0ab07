// Makes a growing MP4 file whole where it lies: a table of all samples behind them, and its sixteen bytes at the beginning turn
// what is in between into one `mdat`. Nothing is copied; at whatever moment this is cut off, the file can be played, and this
// can be done again.
import { closeSync, fdatasyncSync, ftruncateSync, writeSync } from 'node:fs';
import {
  encodeMovie,
  FLIP_OFFSET,
  type FoundRun,
  type Mp4Track,
  RunLengths,
  type WholeTrack,
  wholeHead,
} from '../../media/mp4/mp4-write.ts';
import type { FinishedFile } from './finisher.ts';
import { fragmentsFrom, readMp4Begin } from './mp4-scan.ts';
import { openToChange } from './open-file.ts';

/** `isWhole` false: only what a crash left of a fragment is cut off. Undefined: it is no file of ours that grows. */
export function finishMp4(path: string, isWhole = true): FinishedFile | undefined {
  const fd = openToChange(path);
  try {
    const begin = readMp4Begin(fd);
    if (!begin || begin.moovAt !== undefined) return undefined;
    const lists = new Map(begin.tracks.map((track) => [track.id, new TrackList(track)]));
    let end = begin.fragmentsAt;
    for (const { at, next, runs } of fragmentsFrom(fd, begin.fragmentsAt, begin.sizeBytes)) {
      for (const run of runs) lists.get(run.trackId)?.add(run, at);
      end = next;
    }
    if (end < begin.sizeBytes) ftruncateSync(fd, end);
    const tracks = [...lists.values()].flatMap((list) => list.whole() ?? []);
    const lengthMs = Math.max(0, ...tracks.map(endMs));
    if (!isWhole || tracks.length === 0) return { sizeBytes: end, lengthMs };
    const moov = encodeMovie(tracks);
    for (let done = 0; done < moov.length; )
      done += writeSync(fd, moov, done, moov.length - done, end + done);
    fdatasyncSync(fd); // the table must be there before anybody looks for it
    writeSync(fd, wholeHead(end), 0, undefined, FLIP_OFFSET);
    return { sizeBytes: end + moov.length, lengthMs };
  } finally {
    closeSync(fd);
  }
}

function endMs({ track, startUnits, durationUnits }: WholeTrack): number {
  return Math.round(((startUnits + durationUnits) * 1000) / track.timescale);
}

/** The samples of one track, run by run. */
class TrackList {
  readonly #track: Mp4Track;
  readonly #durations = new RunLengths();
  readonly #offsets = new RunLengths();
  readonly #sizes: number[] = [];
  readonly #keyframes: number[] = [];
  readonly #chunks: number[] = [];
  readonly #chunkSamples: number[] = [];
  #startUnits: number | undefined;
  /** Of the latest sample, whose duration the next one decides. */
  #latestUnits = 0;
  #latestDuration = 0;

  constructor(track: Mp4Track) {
    this.#track = track;
  }

  add({ startUnits, dataOffset, samples }: FoundRun, moofAt: number): void {
    this.#chunks.push(moofAt + dataOffset);
    this.#chunkSamples.push(samples.length);
    let units = startUnits;
    for (const { bytes, durationUnits, offsetUnits, isKeyframe } of samples) {
      if (this.#startUnits === undefined) this.#startUnits = units;
      else this.#durations.add(Math.max(0, units - this.#latestUnits));
      this.#latestUnits = units;
      this.#latestDuration = durationUnits;
      units += durationUnits;
      this.#sizes.push(bytes);
      this.#offsets.add(offsetUnits);
      if (isKeyframe) this.#keyframes.push(this.#sizes.length);
    }
  }

  /** Undefined: it has none. */
  whole(): WholeTrack | undefined {
    if (this.#startUnits === undefined) return undefined;
    this.#durations.add(this.#latestDuration);
    return {
      track: this.#track,
      startUnits: this.#startUnits,
      durationUnits: this.#latestUnits + this.#latestDuration - this.#startUnits,
      samples: {
        durations: this.#durations,
        offsets: this.#offsets,
        sizes: this.#sizes,
        keyframes: this.#keyframes,
        chunks: this.#chunks,
        chunkSamples: this.#chunkSamples,
      },
    };
  }
}
