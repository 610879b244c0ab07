// Pieces of a file that lie near one another, read together.
import type { ReadableFile } from './media.ts';

export interface Piece {
  readonly at: number;
  readonly size: number;
}

/** What lies between two pieces is read along with them rather than passed over. */
const MAX_GAP_BYTES = 64 << 10;
const MAX_READ_BYTES = 4 << 20;

/** In the order of `pieces`; undefined: the file ends before. */
export async function readPieces(
  file: ReadableFile,
  pieces: readonly Piece[],
): Promise<(Buffer | undefined)[]> {
  const found = new Array<Buffer | undefined>(pieces.length);
  const order = [...pieces.keys()].sort((a, b) => pieces[a]!.at - pieces[b]!.at);
  for (let first = 0; first < order.length; ) {
    const begin = pieces[order[first]!]!.at;
    let end = begin;
    let next = first;
    for (; next < order.length; next += 1) {
      const { at, size } = pieces[order[next]!]!;
      const isNear = at - end <= MAX_GAP_BYTES && at + size - begin <= MAX_READ_BYTES;
      if (next > first && !isNear) break;
      end = Math.max(end, at + size);
    }
    const bytes = await file.read(begin, end - begin);
    for (const i of order.slice(first, next)) {
      const { at, size } = pieces[i]!;
      const piece = bytes.subarray(at - begin, at - begin + size);
      if (piece.length === size) found[i] = piece;
    }
    first = next;
  }
  return found;
}
