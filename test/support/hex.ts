/** Bytes from hex digits: blanks are free, `#` comments out the rest of a line. */
export function hex(text: string): Uint8Array {
  const digits = text.replace(/#.*$/gm, '').replace(/\s+/g, '');
  if (digits.length % 2 !== 0) throw new Error(`an odd number of hex digits: ${digits}`);
  const stray = digits.search(/[^0-9a-fA-F]/);
  if (stray >= 0) throw new Error(`not a hex digit: ${digits.slice(stray, stray + 8)}`);
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

/** The way back, for messages and comparisons. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
