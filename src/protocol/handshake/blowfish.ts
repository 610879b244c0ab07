// Blowfish, as version 9 of RTMPE's handshake hides its signatures with it and OpenSSL 3 no longer has it. Two words at a
// time; B. Schneier, Fast Software Encryption 1993.

const ROUNDS = 16;
const P_WORDS = ROUNDS + 2;
const S_WORDS = 256;
const TABLE_WORDS = P_WORDS + 4 * S_WORDS;

let tables: Uint32Array | undefined;

/** The fraction of pi in words: P, then the four S. 30 ms of computing stand for 4 KB of numbers that nobody could check. */
function initialTables(): Uint32Array {
  tables ??= Uint32Array.from({ length: TABLE_WORDS }, (_, i) =>
    Number((fractionOfPi() >> BigInt(32 * (TABLE_WORDS - 1 - i))) & 0xffffffffn),
  );
  return tables;
}

let fraction: bigint | undefined;

function fractionOfPi(): bigint {
  if (fraction !== undefined) return fraction;
  const guardBits = 64n;
  const bits = BigInt(32 * TABLE_WORDS);
  const one = 1n << (bits + guardBits);
  /** arctan(1/n): 1/n - 1/3n³ + 1/5n⁵ … */
  const arctan = (n: bigint) => {
    let sum = 0n;
    let power = one / n;
    for (let k = 1n; power > 0n; k += 2n, power /= n * n) sum += (k & 2n) === 0n ? power / k : -(power / k);
    return sum;
  };
  const pi = 16n * arctan(5n) - 4n * arctan(239n); // Machin
  fraction = (pi - 3n * one) >> guardBits;
  return fraction;
}

export class Blowfish {
  readonly #p: Uint32Array;
  readonly #s: Uint32Array;

  /** `key`: 4 to 56 bytes. */
  constructor(key: Uint8Array) {
    if (key.length < 4 || key.length > 56) throw new RangeError(`a Blowfish key of ${key.length} bytes`);
    this.#p = initialTables().slice(0, P_WORDS);
    this.#s = initialTables().slice(P_WORDS);
    for (let i = 0, at = 0; i < P_WORDS; i += 1) {
      let word = 0;
      for (let n = 0; n < 4; n += 1, at += 1) word = (word << 8) | key[at % key.length]!;
      this.#p[i]! ^= word;
    }
    const block: [number, number] = [0, 0];
    for (const table of [this.#p, this.#s]) {
      for (let i = 0; i < table.length; i += 2) {
        this.encrypt(block);
        table.set(block, i);
      }
    }
  }

  /** In place: two words of 32 bits. */
  encrypt(block: [number, number]): void {
    const p = this.#p;
    let [left, right] = block;
    for (let i = 0; i < ROUNDS; i += 1) {
      const mixed = left ^ p[i]!;
      left = right ^ this.#f(mixed);
      right = mixed;
    }
    block[0] = (right ^ p[ROUNDS + 1]!) >>> 0;
    block[1] = (left ^ p[ROUNDS]!) >>> 0;
  }

  #f(word: number): number {
    const s = this.#s;
    const sum = s[word >>> 24]! + s[S_WORDS + ((word >>> 16) & 255)]!;
    return (sum ^ s[2 * S_WORDS + ((word >>> 8) & 255)]!) + s[3 * S_WORDS + (word & 255)]!;
  }
}
