// Edit lists: which parts of a track are shown, and when. ISO/IEC 14496-12 §8.6.5, §8.6.6; QuickTime File Format, "Edit Atoms".
//
// What is done with them: a pause (an empty edit) delays what follows; every other edit shows its part of the track, one part
// behind the other, in the order of the list; one at rate 0 shows one picture. Other rates are played as they are. What makes no
// sense is passed over: a pause of more than a day, a part that begins before the track, or behind its end. A list of which
// nothing is left is none.
import { DecodeError } from '../../errors.ts';
import { ByteReader } from '../../protocol/bytes.ts';

/** A part of a track, by the track's clock, and when it begins, ms on the film's. */
export interface Edit {
  readonly from: number;
  /** Infinity: all that follows. As `from`: one picture. */
  readonly to: number;
  readonly atMs: number;
}

const MAX_EDITS = 1_000;
const MAX_PAUSE_MS = 24 * 3_600_000;
const ENTRY_BYTES = 12;
const LONG_ENTRY_BYTES = 20;

// elst: | version u8, flags u24 | count u32 | count × ( duration u32/u64 | media time i32/i64 | rate i16.16 ) |
/** Undefined: there is no list, or none that makes sense. */
export function readEdits(
  elst: Uint8Array | undefined,
  movieScale: number,
  timescale: number,
): Edit[] | undefined {
  if (!elst || elst.length < 8) return undefined;
  const from = new ByteReader(elst);
  const isLong = from.u8() === 1;
  from.u24();
  const claimed = from.u32();
  const count = Math.min(claimed, Math.floor(from.remaining / (isLong ? LONG_ENTRY_BYTES : ENTRY_BYTES)));
  if (count > MAX_EDITS) throw new DecodeError('ERR_MP4_BOX', `an edit list of ${count} edits`);
  const edits: Edit[] = [];
  let atMs = 0;
  for (let i = 0; i < count; i += 1) {
    const duration = isLong ? readU64(from) : from.u32();
    const mediaTime = isLong ? readI64(from) : from.u32() | 0;
    const isStill = from.u16() === 0 && from.u16() === 0;
    if (!isStill) from.u16();
    const ms = (duration * 1000) / movieScale;
    if (mediaTime < 0) {
      if (mediaTime === -1 && ms <= MAX_PAUSE_MS) atMs += ms;
      continue;
    }
    const isLast = i === count - 1;
    if (duration === 0 && !isLast) continue;
    const units = duration === 0 ? Number.POSITIVE_INFINITY : (duration * timescale) / movieScale;
    add(edits, { from: mediaTime, to: isStill ? mediaTime : mediaTime + units, atMs }, timescale);
    atMs += ms;
  }
  return edits.length > 0 ? edits : undefined;
}

/** Parts that follow each other in the track as well are one. */
function add(edits: Edit[], edit: Edit, timescale: number): void {
  const last = edits.at(-1);
  const tick = timescale / 1000;
  const isNext =
    last !== undefined &&
    last.to > last.from &&
    edit.to > edit.from &&
    Math.abs(edit.from - last.to) <= tick &&
    Math.abs(last.atMs + ((last.to - last.from) * 1000) / timescale - edit.atMs) <= 1;
  if (isNext) edits[edits.length - 1] = { ...last, to: edit.to };
  else edits.push(edit);
}

function readU64(from: ByteReader): number {
  return from.u32() * 0x1_0000_0000 + from.u32();
}

function readI64(from: ByteReader): number {
  return (from.u32() | 0) * 0x1_0000_0000 + from.u32();
}
