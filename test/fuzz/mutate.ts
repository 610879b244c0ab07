// Bytes made from other bytes: what was right a moment ago, damaged.
import type { Random } from '../support/random.ts';

/** Where counts and lengths change their meaning. */
const EDGES = [
  ...[0, 1, 2, 3, 7, 8, 0x0f, 0x10, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000],
  ...[0xff_fffe, 0xff_ffff, 0x100_0000, 0x0fff_ffff, 0x1000_0000, 0x1fff_ffff, 0x7fff_ffff],
  ...[0x8000_0000, 0xffff_fffe, 0xffff_ffff],
];

type Mutation = (random: Random, bytes: Uint8Array, others: readonly Uint8Array[]) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  changeByte,
  changeByte,
  lieAboutLength,
  lieAboutLength,
  truncate,
  remove,
  repeat,
  insert,
  splice,
  move,
];

/** `input`, changed in one to a few ways; `input` itself stays as it was. */
export function mutate(
  random: Random,
  input: Uint8Array,
  others: readonly Uint8Array[],
  maxBytes: number,
): Uint8Array {
  let bytes = Uint8Array.from(input);
  const rounds = random.oneIn(4) ? 1 + random.below(16) : 1 + random.below(3);
  for (let i = 0; i < rounds; i += 1) bytes = Uint8Array.from(random.pick(MUTATIONS)(random, bytes, others));
  return bytes.subarray(0, maxBytes);
}

function flipBit(random: Random, bytes: Uint8Array): Uint8Array {
  if (bytes.length > 0) bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
  return bytes;
}

/** Small values are what most formats use as markers and types. */
function changeByte(random: Random, bytes: Uint8Array): Uint8Array {
  if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(random.oneIn(2) ? 0x20 : 0x100);
  return bytes;
}

/** Writes an integer over 1–4 bytes: an edge, or what is left of the input give or take one. */
function lieAboutLength(random: Random, bytes: Uint8Array): Uint8Array {
  const width = 1 + random.below(4);
  if (bytes.length < width) return bytes;
  const at = random.below(bytes.length - width + 1);
  const left = bytes.length - at - width;
  const value = random.oneIn(2) ? random.pick(EDGES) : Math.max(0, left + random.below(5) - 2);
  const isLittleEndian = random.oneIn(6);
  for (let i = 0; i < width; i += 1) {
    bytes[isLittleEndian ? at + i : at + width - 1 - i] = (value / 2 ** (8 * i)) & 0xff;
  }
  return bytes;
}

function truncate(random: Random, bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, random.below(bytes.length + 1));
}

function remove(random: Random, bytes: Uint8Array): Uint8Array {
  const [from, to] = range(random, bytes);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
}

function repeat(random: Random, bytes: Uint8Array): Uint8Array {
  const [from, to] = range(random, bytes);
  const times = 1 + random.below(random.oneIn(8) ? 200 : 4);
  const part = bytes.subarray(from, to);
  return Buffer.concat([bytes.subarray(0, to), ...Array<Uint8Array>(times).fill(part), bytes.subarray(to)]);
}

function insert(random: Random, bytes: Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1);
  const stuff = random.bytes(1 + random.below(16));
  return Buffer.concat([bytes.subarray(0, at), stuff, bytes.subarray(at)]);
}

/** The beginning of this and the end of another. */
function splice(random: Random, bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  if (others.length === 0) return bytes;
  const other = random.pick(others);
  return Buffer.concat([
    bytes.subarray(0, random.below(bytes.length + 1)),
    other.subarray(random.below(other.length + 1)),
  ]);
}

function move(random: Random, bytes: Uint8Array): Uint8Array {
  const [from, to] = range(random, bytes);
  if (from === to) return bytes;
  bytes.copyWithin(random.below(bytes.length), from, to);
  return bytes;
}

function range(random: Random, bytes: Uint8Array): [from: number, to: number] {
  const from = random.below(bytes.length + 1);
  const longest = random.oneIn(4) ? bytes.length : 32;
  return [from, Math.min(bytes.length, from + random.below(longest + 1))];
}
