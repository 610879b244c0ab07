// The first message of a TLS handshake: whether it has come whole, and what the handshake will cost. RFC 8446 §4, §5.1:
//
//   record    := type (1 byte, 22: handshake), version (2), length (2), fragment
//   handshake := type (1 byte, 1: ClientHello), length (3), body       in the fragments of one record or several
//   body      := version (2), random (32), session id (length 1), cipher suites (length 2, of 2 bytes each),
//                compression methods (length 1), extensions (length 2) := { type (2), data (length 2) }…

const HANDSHAKE = 22;
const RECORD_HEADER_BYTES = 5;
const MESSAGE_HEADER_BYTES = 4;
const VERSION_AND_RANDOM_BYTES = 34;
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

const Extension = { SupportedGroups: 10, SupportedVersions: 43, KeyShare: 51 } as const;
const TLS_1_3 = 0x0304;
const Group = { P256: 0x0017, X25519: 0x001d, X25519MLKEM768: 0x11ec } as const;
/** TLS 1.2 with an ephemeral key and a certificate of RSA: CBC with SHA-1, SHA-256 and SHA-384, GCM, ChaCha20. */
const ECDHE_RSA: ReadonlySet<number> = new Set([0xc013, 0xc014, 0xc027, 0xc028, 0xc02f, 0xc030, 0xcca8]);

/**
 * False: the server signs, or decrypts by its certificate's key, when the client speaks for the second time: after a
 * HelloRetryRequest of TLS 1.3 (§4.1.4), or in TLS 1.2 when the client sends the secret by RSA. It is said as well of what cannot be
 * read, and of whom we do not know; clients of today are answered at once.
 */
export function isAnsweredAtOnce(hello: Uint8Array): boolean {
  try {
    const { suites, extensions } = parseHello(messageOf(hello));
    const groups = u16List(extensions.get(Extension.SupportedGroups), 2);
    if (!u16List(extensions.get(Extension.SupportedVersions), 1).includes(TLS_1_3)) {
      const hasGroup = groups.includes(Group.X25519) || groups.includes(Group.P256);
      return hasGroup && suites.some((suite) => ECDHE_RSA.has(suite));
    }
    const shares = keyShares(extensions.get(Extension.KeyShare));
    // OpenSSL asks for a share of the group that it likes best, if the client knows that one
    if (groups.includes(Group.X25519MLKEM768)) return shares.includes(Group.X25519MLKEM768);
    return shares.includes(Group.X25519) || shares.includes(Group.P256);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Of all records, without their headers. */
function messageOf(hello: Uint8Array): Buffer {
  const fragments: Uint8Array[] = [];
  for (let at = 0; at + RECORD_HEADER_BYTES <= hello.length; ) {
    const end = at + RECORD_HEADER_BYTES + (hello[at + 3]! << 8) + hello[at + 4]!;
    fragments.push(hello.subarray(at + RECORD_HEADER_BYTES, end));
    at = end;
  }
  return Buffer.concat(fragments);
}

/** Throws a RangeError behind the end of the message, as all below. */
function parseHello(message: Buffer): { suites: number[]; extensions: ReadonlyMap<number, Buffer> } {
  let at = MESSAGE_HEADER_BYTES + VERSION_AND_RANDOM_BYTES;
  at += 1 + message.readUInt8(at);
  const suiteBytes = message.readUInt16BE(at);
  const suites = u16List(message.subarray(at, at + 2 + suiteBytes), 2);
  at += 2 + suiteBytes;
  at += 1 + message.readUInt8(at);
  const extensions = new Map<number, Buffer>();
  if (at === message.length) return { suites, extensions }; // TLS 1.2 without any
  const end = at + 2 + message.readUInt16BE(at);
  for (at += 2; at < end; ) {
    const bytes = message.readUInt16BE(at + 2);
    extensions.set(message.readUInt16BE(at), message.subarray(at + 4, at + 4 + bytes));
    at += 4 + bytes;
  }
  return { suites, extensions };
}

/** Numbers of two bytes behind a length of one or two. */
function u16List(data: Buffer | undefined, lengthBytes: 1 | 2): number[] {
  if (!data) return [];
  const end = lengthBytes + data.readUIntBE(0, lengthBytes);
  const list: number[] = [];
  for (let at = lengthBytes; at < end; at += 2) list.push(data.readUInt16BE(at));
  return list;
}

/** §4.2.8: shares (length 2) := { group (2), key (length 2) }…. Their groups. */
function keyShares(data: Buffer | undefined): number[] {
  if (!data) return [];
  const groups: number[] = [];
  const end = 2 + data.readUInt16BE(0);
  for (let at = 2; at < end; at += 4 + data.readUInt16BE(at + 2)) groups.push(data.readUInt16BE(at));
  return groups;
}
