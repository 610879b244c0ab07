// RC4, as RTMPE has it and OpenSSL 3 no longer does. Broken since long; see rtmpe.ts for what it is worth here.

export class Rc4 {
  readonly #state = Uint8Array.from({ length: 256 }, (_, i) => i);
  #i = 0;
  #j = 0;

  /** `key`: 1 to 256 bytes. */
  constructor(key: Uint8Array) {
    if (key.length < 1 || key.length > 256) throw new RangeError(`an RC4 key of ${key.length} bytes`);
    const state = this.#state;
    for (let i = 0, j = 0; i < 256; i += 1) {
      const at = state[i]!;
      j = (j + at + key[i % key.length]!) & 255;
      state[i] = state[j]!;
      state[j] = at;
    }
  }

  /** Encrypts or decrypts what follows in the stream. `to` may be `from` itself. */
  apply(from: Uint8Array, to: Uint8Array): void {
    const state = this.#state;
    let i = this.#i;
    let j = this.#j;
    for (let at = 0; at < from.length; at += 1) {
      i = (i + 1) & 255;
      const a = state[i]!;
      j = (j + a) & 255;
      const b = state[j]!;
      state[i] = b;
      state[j] = a;
      to[at] = from[at]! ^ state[(a + b) & 255]!;
    }
    this.#i = i;
    this.#j = j;
  }
}
