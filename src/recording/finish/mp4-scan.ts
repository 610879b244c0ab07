// An MP4 file of ours on the disk: what is in it, whether it is whole, and where it ends as far as it makes sense. Synchronous: the
// thread of the media looks at its head and its table, only a worker's goes from fragment to fragment (cutMp4, fragmentsFrom).
import { fstatSync, ftruncateSync, readSync } from 'node:fs';
import { DecodeError } from '../../errors.ts';
import { BOX_HEAD_BYTES, readBoxHead } from '../../media/mp4/mp4-box.ts';
import { LARGE_BOX_HEAD_BYTES } from '../../media/mp4/mp4-build.ts';
import {
  decodeFragment,
  decodeMovie,
  decodeMovieDuration,
  FLIP_OFFSET,
  type FoundRun,
  type Mp4Track,
} from '../../media/mp4/mp4-write.ts';
import type { FoundEnd } from './found-end.ts';

/** Tracks without samples are small; what claims to be more is no file of ours. */
const MAX_BEGIN_BYTES = 256 << 10;
/** For hundreds of thousands of samples: those of a fragment are far fewer. */
const MAX_MOOF_BYTES = 16 << 20;

const PLAIN_HEAD_BYTES = 8;

export interface Mp4Begin {
  readonly tracks: readonly Mp4Track[];
  /** Where the first fragment begins. */
  readonly fragmentsAt: number;
  /** Where the table of all samples begins; undefined: there is none, the file is growing or was left so. */
  readonly moovAt: number | undefined;
  readonly sizeBytes: number;
}

function readAt(fd: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const read = readSync(fd, bytes, done, length - done, at + done);
    if (read === 0) break;
    done += read;
  }
  return bytes.subarray(0, done);
}

interface Head {
  readonly type: string;
  readonly headBytes: number;
  readonly bytes: number;
}

/** Undefined: there is none, or one without an end, which is none of ours. */
function headAt(fd: number, at: number): Head | undefined {
  const begin = readAt(fd, at, BOX_HEAD_BYTES);
  if (begin.length < PLAIN_HEAD_BYTES) return undefined;
  const { type, headBytes, bytes } = readBoxHead(begin);
  return bytes === undefined ? undefined : { type, headBytes, bytes };
}

function contentAt(fd: number, at: number, head: Head, most: number): Buffer | undefined {
  if (head.bytes > most) return undefined;
  const content = readAt(fd, at + head.headBytes, head.bytes - head.headBytes);
  return content.length === head.bytes - head.headBytes ? content : undefined;
}

/** Undefined: it is empty, or no file of ours. */
export function readMp4Begin(fd: number): Mp4Begin | undefined {
  const { size } = fstatSync(fd);
  const flip = headAt(fd, FLIP_OFFSET);
  const isGrowing = flip?.type === 'free' && flip.bytes === LARGE_BOX_HEAD_BYTES;
  const isWhole = flip?.type === 'mdat' && flip.headBytes === LARGE_BOX_HEAD_BYTES;
  if (headAt(fd, 0)?.type !== 'ftyp' || headAt(fd, 0)?.bytes !== FLIP_OFFSET) return undefined;
  if (!isGrowing && !isWhole) return undefined;
  const at = FLIP_OFFSET + LARGE_BOX_HEAD_BYTES;
  const moov = headAt(fd, at);
  if (moov?.type !== 'moov') return undefined;
  const content = contentAt(fd, at, moov, MAX_BEGIN_BYTES);
  if (!content) return undefined;
  return {
    tracks: decodeMovie(content),
    fragmentsAt: at + moov.bytes,
    moovAt: isWhole ? FLIP_OFFSET + flip.bytes : undefined,
    sizeBytes: size,
  };
}

/** Whether its head or its table says where it ends. True as well for what is no MP4 of ours. */
export function saysWhereItEnds(fd: number): boolean {
  try {
    const begin = readMp4Begin(fd);
    return !begin || begin.moovAt !== undefined || begin.fragmentsAt === begin.sizeBytes;
  } catch (error) {
    if (error instanceof DecodeError) return true;
    throw error;
  }
}

/** For a worker: cuts off what is no whole fragment. Undefined: it is empty, no file of ours, or whole. */
export function cutMp4(fd: number): FoundEnd | undefined {
  const begin = readMp4Begin(fd);
  if (!begin || begin.moovAt !== undefined) return undefined;
  const { tracks, fragmentsAt, sizeBytes } = begin;
  let end = fragmentsAt;
  let lastTimestampMs = 0;
  for (const { next, runs } of fragmentsFrom(fd, fragmentsAt, sizeBytes)) {
    end = next;
    for (const { trackId, startUnits, samples } of runs) {
      const timescale = tracks.find(({ id }) => id === trackId)?.timescale ?? 1000;
      const units = samples.reduce((sum, { durationUnits }) => sum + durationUnits, startUnits);
      lastTimestampMs = Math.max(lastTimestampMs, Math.round((units * 1000) / timescale));
    }
  }
  if (end < sizeBytes) ftruncateSync(fd, end);
  return { sizeBytes: end, lastTimestampMs };
}

/** How long a whole file is, as its table says. */
export function wholeDurationMs(fd: number, moovAt: number): number {
  const moov = headAt(fd, moovAt);
  const at = moovAt + (moov?.headBytes ?? 0);
  const mvhd = headAt(fd, at);
  const content = mvhd?.type === 'mvhd' ? contentAt(fd, at, mvhd, MAX_BEGIN_BYTES) : undefined;
  if (moov?.type !== 'moov' || !content) {
    throw new DecodeError('ERR_MP4_BOX', 'an MP4 without the table of its samples');
  }
  return decodeMovieDuration(content);
}

export interface Fragment {
  readonly at: number;
  /** Where the next one begins. */
  readonly next: number;
  readonly runs: readonly FoundRun[];
}

/** One behind the other, as long as they are whole: a crash, or a table of samples that was not finished, ends them. */
export function* fragmentsFrom(fd: number, at: number, end: number): Generator<Fragment, void, undefined> {
  for (let next = at; next + PLAIN_HEAD_BYTES <= end; ) {
    const fragment = fragmentAt(fd, next, end);
    if (!fragment) return;
    yield fragment;
    next = fragment.next;
  }
}

function fragmentAt(fd: number, at: number, end: number): Fragment | undefined {
  try {
    const moof = headAt(fd, at);
    if (moof?.type !== 'moof') return undefined;
    const mdat = headAt(fd, at + moof.bytes);
    const next = at + moof.bytes + (mdat?.bytes ?? 0);
    if (mdat?.type !== 'mdat' || next > end) return undefined;
    const content = contentAt(fd, at, moof, MAX_MOOF_BYTES);
    return content && { at, next, runs: decodeFragment(content) };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
