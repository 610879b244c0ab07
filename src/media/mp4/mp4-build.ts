// Building boxes (mp4-box.ts reads them); a full box begins its content with | version u8 | flags u24 |. ISO/IEC 14496-12 §4.2.

const HEAD_BYTES = 8;
export const LARGE_BOX_HEAD_BYTES = 16;

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}
export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}
export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}
export function u64(value: number): Uint8Array {
  return concat(u32(Math.floor(value / 2 ** 32)), u32(value % 2 ** 32));
}
export function zeros(count: number): Uint8Array {
  return new Uint8Array(count);
}
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function box(type: string, ...content: readonly Uint8Array[]): Uint8Array {
  const body = concat(...content);
  return concat(u32(HEAD_BYTES + body.length), ascii(type), body);
}

export function fullBox(
  type: string,
  version: number,
  flags: number,
  ...content: readonly Uint8Array[]
): Uint8Array {
  return box(type, u32(version * 0x100_0000 + flags), ...content);
}

/** A table of u32 values, as most tables of samples are. */
export function u32Table(values: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i += 1) view.setUint32(i * 4, values[i]!);
  return bytes;
}
