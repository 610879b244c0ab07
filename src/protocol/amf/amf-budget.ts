// What the values of one message may cost: the limits on reading and on writing them.
//
// A reference of one or two bytes stands for a string, an object or a class description that may have a megabyte, and every form
// without references repeats that megabyte. So each reference is charged with the size of what it stands for while the message is
// read.
import { CodedError, DecodeError, DecodeLimitError } from '../../errors.ts';

export interface AmfLimits {
  /** Objects inside objects. */
  readonly depth: number;
  /** Values and names of members; an object and each name beyond MANY_NAMES count more. */
  readonly values: number;
  /** The message and what its references stand for. */
  readonly bytes: number;
  /** What its references stand for, as a multiple of the message. The first FREE_EXPANSION_BYTES do not count. */
  readonly expansion: number;
}

/** Objects inside objects. Players and encoders nest a handful deep; the limit keeps recursion off the stack's end. */
export const MAX_AMF_DEPTH = 64;
/** Values and names in one message: each costs its sender a byte or two and the server an object. */
export const MAX_AMF_VALUES = 100_000;
/** An RTMP message says its length in 24 bits. */
export const MAX_AMF_BYTES = 0xff_ffff;
/** Values of a message that the server sends, with what it writes again for want of references. */
export const MAX_WRITTEN_VALUES = 2 * MAX_AMF_VALUES;

/** What reading and writing an object, an array, a date, XML or bytes costs in values, besides its own. */
const OBJECT_COST = 3;
/** An object with more members is a hash table that has to grow: from here on each name costs so much. */
export const MANY_NAMES = 64;
const LATER_NAME_COST = 3;

/** A small message may name one class again and again, whatever it has itself. */
export const FREE_EXPANSION_BYTES = 16 << 10;

/** For files, and for callers without settings. */
export const AMF_LIMITS: AmfLimits = {
  depth: MAX_AMF_DEPTH,
  values: MAX_AMF_VALUES,
  bytes: 4 << 20,
  expansion: 32,
};

/** What is left of the limits while one message is read; AMF0 shares it with the AMF3 values inside. */
export class DecodeBudget {
  readonly #limits: AmfLimits;
  #messageBytes = 0;
  #depth = 0;
  #values = 0;
  #expandedBytes = 0;

  constructor(limits: AmfLimits) {
    this.#limits = limits;
  }

  /** Before a message is read, or a part of one. Throws DecodeLimitError if it is too long by itself. */
  begin(bytes: number): this {
    this.#messageBytes += bytes;
    this.#depth = 0; // a part before it may have ended in the midst of objects
    this.expand(0);
    return this;
  }

  /** What the references read so far stand for. */
  get expandedBytes(): number {
    return this.#expandedBytes;
  }

  /** Before `count` values or names are read. */
  spend(count = 1): void {
    this.#values += count;
    if (this.#values > this.#limits.values) {
      throw new DecodeLimitError('ERR_AMF_VALUES', `more than ${this.#limits.values} values in one message`);
    }
  }

  /** Of a value that is not a number, a text or the like. */
  spendObject(): void {
    this.spend(OBJECT_COST);
  }

  /** Of a member. `index`: how many came before in its object. */
  spendName(index: number): void {
    this.spend(index < MANY_NAMES ? 1 : LATER_NAME_COST);
  }

  /** For a reference to something of that size. */
  expand(bytes: number): void {
    this.#expandedBytes += bytes;
    const { bytes: most, expansion } = this.#limits;
    if (this.#messageBytes + this.#expandedBytes > most) {
      throw new DecodeLimitError('ERR_AMF_BYTES', `the values of one message have more than ${most} bytes`);
    }
    if (this.#expandedBytes > Math.max(FREE_EXPANSION_BYTES, this.#messageBytes * expansion)) {
      const text = `the references of a message stand for more than ${expansion} times its ${this.#messageBytes} bytes`;
      throw new DecodeLimitError('ERR_AMF_EXPANSION', text);
    }
  }

  enter(): void {
    this.#depth += 1;
    if (this.#depth > this.#limits.depth) {
      throw new DecodeLimitError('ERR_AMF_DEPTH', `values nested deeper than ${this.#limits.depth}`);
    }
  }

  leave(): void {
    this.#depth -= 1;
  }
}

/** What later references of a message may stand for, in the order in which it began. */
export class ReferenceTable<T> {
  readonly #budget: DecodeBudget;
  /** `AMF3 object`, for errors. */
  readonly #kind: string;
  readonly #entries: T[] = [];
  /** 0 while an entry is being read: a reference from inside is a cycle, which no form repeats. */
  readonly #sizes: number[] = [];

  constructor(budget: DecodeBudget, kind: string) {
    this.#budget = budget;
    this.#kind = kind;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** `bytes`: its size once expanded, as far as it is known. Returns its index. */
  add(entry: T, bytes = 0): number {
    this.#sizes.push(bytes);
    return this.#entries.push(entry) - 1;
  }

  /** Of an entry that has been read to its end. */
  setSize(index: number, bytes: number): void {
    this.#sizes[index] = bytes;
  }

  /** Charges the budget. */
  get(index: number): T {
    if (index >= this.#entries.length) {
      const text = `it has the ${this.#kind} reference ${index} of ${this.#entries.length}`;
      throw new DecodeError('ERR_AMF_REFERENCE', text);
    }
    this.#budget.expand(this.#sizes[index]!);
    return this.#entries[index] as T;
  }
}

/**
 * The same for writing. A value may be far larger written than it was read: AMF3 writes one string a thousand times
 * as references that AMF0 does not have.
 */
export class EncodeBudget {
  readonly #maxBytes: number;
  #values = 0;
  #depth = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Before each value. An object that AMF0 has no reference for is written again with all that is in it. */
  spend(): void {
    this.#values += 1;
    if (this.#values > MAX_WRITTEN_VALUES) {
      throw new CodedError('ERR_AMF_VALUES', `more than ${MAX_WRITTEN_VALUES} values in one message`);
    }
  }

  /** With the bytes written so far. */
  check(writtenBytes: number): void {
    if (writtenBytes > this.#maxBytes) {
      throw new CodedError('ERR_AMF_SIZE', `values of more than ${this.#maxBytes} bytes`);
    }
  }

  enter(): void {
    this.#depth += 1;
    if (this.#depth > MAX_AMF_DEPTH) {
      throw new CodedError('ERR_AMF_DEPTH', `values nested deeper than ${MAX_AMF_DEPTH}`);
    }
  }

  leave(): void {
    this.#depth -= 1;
  }
}
