// Whether the first message of a TLS handshake has come whole. RFC 8446 §5.1, §4:
//
//   record    := type (1 byte, 22: handshake), version (2), length (2), fragment
//   handshake := type (1 byte, 1: ClientHello), length (3), body       in the fragments of one record or several

const HANDSHAKE = 22;
const RECORD_HEADER_BYTES = 5;
const MESSAGE_HEADER_BYTES = 4;
/** Those of browsers have some 2 kB. */
const MAX_BYTES = 16 << 10;

/** Bytes that are no ClientHello, or too many for one, need no more either: OpenSSL says what is wrong with them. */
export function hasWholeHello(bytes: Uint8Array): boolean {
  if (bytes.length >= MAX_BYTES) return true;
  const message: number[] = [];
  let length = 0;
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== HANDSHAKE) return true;
    if (at + RECORD_HEADER_BYTES > bytes.length) return false;
    const end = at + RECORD_HEADER_BYTES + (bytes[at + 3]! << 8) + bytes[at + 4]!;
    const fragment = bytes.subarray(at + RECORD_HEADER_BYTES, end);
    if (message.length < MESSAGE_HEADER_BYTES) message.push(...fragment.subarray(0, MESSAGE_HEADER_BYTES));
    length += fragment.length;
    const [, high = 0, middle = 0, low = 0] = message;
    const wanted = MESSAGE_HEADER_BYTES + (high << 16) + (middle << 8) + low;
    if (message.length >= MESSAGE_HEADER_BYTES && (length >= wanted || wanted > MAX_BYTES)) return true;
    at = end;
  }
  return false;
}
