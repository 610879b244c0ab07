// The handshake of RTMP 1.0 §5.2, and the one with digests that Flash Player 9.0.124 brought: there a version number
// stands where the specification has zeros, and each side proves that it knows a key which everybody knows. Players ask
// for that proof before they accept H.264.
//
//   C0, S0 | version u8 = 3 |
//   C1, S1 | time u32 | 0, or version 4×u8 | 1528 bytes: random, with a digest if there is a version |
//   C2, S2 | plain: the peer's packet | with digests: random, signature 32 |
//
// Both machines take bytes as they come and say what to send. Random bytes and the clock are passed in.
import { Buffer } from 'node:buffer';
import { createHmac } from 'node:crypto';
import { DecodeError } from '../errors.ts';
import { ByteWriter } from './bytes.ts';

export const HANDSHAKE_PACKET_BYTES = 1536;
export const DIGEST_BYTES = 32;
/** Random bytes for one handshake: those of our first packet and those of our second. */
export const HANDSHAKE_RANDOM_BYTES = 1528 + 1504;

const RTMP_VERSION = 3;
/** Bytes 4–7 of S1 and C1 with a digest. Clients want a server of at least 3 to prove itself. */
const SERVER_VERSION = [3, 5, 7, 1] as const;
const CLIENT_VERSION = [9, 0, 124, 2] as const;

const KEY_TAIL = 'f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae';
const KEY_TEXTS = {
  client: 'Genuine Adobe Flash Player 001',
  server: 'Genuine Adobe Flash Media Server 001',
} as const;
type Side = keyof typeof KEY_TEXTS;

/** Keys the digest of a side's first packet. */
function shortKey(side: Side): Buffer {
  return Buffer.from(KEY_TEXTS[side], 'latin1');
}

/** Keys the signature in a side's second packet. */
function fullKey(side: Side): Buffer {
  return Buffer.concat([shortKey(side), Buffer.from(KEY_TAIL, 'hex')]);
}

/** Where the digest stands: in the first half of the packet, or in the second. Code bases number these differently. */
export const DigestScheme = { First: 1, Second: 2 } as const;
export type DigestScheme = (typeof DigestScheme)[keyof typeof DigestScheme];

// first scheme  | time, version 8 | digest block 764 | key block 764 |
// second scheme | time, version 8 | key block 764 | digest block 764 |
// digest block  | offset 4×u8 | … digest 32 somewhere … |
// key block     | … key 128 somewhere … | offset 4×u8 |
const BLOCKS_AT = 8;
const BLOCK_BYTES = 764;
const OFFSET_BYTES = 4;
const DH_KEY_BYTES = 128;

export function digestOffset(packet: Uint8Array, scheme: DigestScheme): number {
  const block = scheme === DigestScheme.First ? BLOCKS_AT : BLOCKS_AT + BLOCK_BYTES;
  const room = BLOCK_BYTES - OFFSET_BYTES - DIGEST_BYTES;
  return block + OFFSET_BYTES + (sumOfFour(packet, block) % room);
}

/** Where RTMPE's Diffie-Hellman public key stands in the same packet. */
export function dhKeyOffset(packet: Uint8Array, scheme: DigestScheme): number {
  const block = scheme === DigestScheme.First ? BLOCKS_AT + BLOCK_BYTES : BLOCKS_AT;
  const room = BLOCK_BYTES - OFFSET_BYTES - DH_KEY_BYTES;
  return block + (sumOfFour(packet, block + BLOCK_BYTES - OFFSET_BYTES) % room);
}

function sumOfFour(packet: Uint8Array, at: number): number {
  return packet[at]! + packet[at + 1]! + packet[at + 2]! + packet[at + 3]!;
}

/** The digest of all of a first packet but the 32 bytes at `at`. */
function packetDigest(packet: Uint8Array, at: number, side: Side): Buffer {
  return createHmac('sha256', shortKey(side))
    .update(packet.subarray(0, at))
    .update(packet.subarray(at + DIGEST_BYTES))
    .digest();
}

/** Puts its digest into a side's first packet. */
export function signPacket(packet: Uint8Array, scheme: DigestScheme, side: Side): void {
  const at = digestOffset(packet, scheme);
  packet.set(packetDigest(packet, at, side), at);
}

/** The scheme by which a side's first packet carries its digest, and that digest; `undefined` if it carries none. */
export function findDigest(
  packet: Uint8Array,
  side: Side,
): { scheme: DigestScheme; digest: Uint8Array } | undefined {
  for (const scheme of [DigestScheme.First, DigestScheme.Second]) {
    const at = digestOffset(packet, scheme);
    const digest = packet.slice(at, at + DIGEST_BYTES);
    if (packetDigest(packet, at, side).equals(digest)) return { scheme, digest };
  }
  return undefined;
}

/** The last 32 bytes of a side's second packet: proves that it has read the digest of the peer's first one. */
export function packetSignature(packet: Uint8Array, peerDigest: Uint8Array, side: Side): Uint8Array {
  const key = createHmac('sha256', fullKey(side)).update(peerDigest).digest();
  return createHmac('sha256', key)
    .update(packet.subarray(0, HANDSHAKE_PACKET_BYTES - DIGEST_BYTES))
    .digest();
}

export interface HandshakeOptions {
  /** HANDSHAKE_RANDOM_BYTES of them. */
  random: Uint8Array;
  /** Ours, in 32 bits; peers only echo it. */
  timeMs: number;
}

/** What the peer told of itself, for logs. */
export interface HandshakePeer {
  /** Bytes 4–7 of its first packet, as `9.0.124.2`; `0.0.0.0` is the plain handshake. */
  version: string;
  /** Absent: plain. */
  scheme: DigestScheme | undefined;
  /** The digest of its first packet. */
  digest: Uint8Array | undefined;
}

/** What came of some bytes. */
export interface HandshakeStep {
  /** To be sent now; may be empty. */
  send: Uint8Array;
  /** The bytes after the handshake, once it is over: clients do not wait with them. A view on what was pushed. */
  rest: Uint8Array | undefined;
}

const NOTHING = new Uint8Array(0);

/** The server's side: S0 S1 S2 once C1 is there, over once C2 is. */
export class ServerHandshake {
  readonly #inbox = new Inbox();
  readonly #options: HandshakeOptions;
  #peer: HandshakePeer | undefined;

  constructor(options: HandshakeOptions) {
    checkRandom(options.random);
    this.#options = options;
  }

  /** Known once S1 was sent. */
  get peer(): HandshakePeer | undefined {
    return this.#peer;
  }

  push(bytes: Uint8Array): HandshakeStep {
    const rest = this.#inbox.push(bytes);
    let send: Uint8Array = NOTHING;
    if (this.#peer === undefined && this.#inbox.first !== undefined) {
      this.#peer = describePeer(this.#inbox.first, 'client');
      send = this.#answer(this.#inbox.first, this.#peer);
    }
    return { send, rest };
  }

  #answer(c1: Uint8Array, { scheme, digest }: HandshakePeer): Uint8Array {
    const { random } = this.#options;
    // A version without a digest that verifies makes some clients hang up: then we speak the plain handshake.
    const s1 = firstPacket(this.#options, scheme === undefined ? undefined : SERVER_VERSION);
    if (scheme !== undefined) signPacket(s1, scheme, 'server');
    // COMPAT(librtmp 2.4): RTMP 1.0 §5.2.4 puts our clock into the second word of a plain S2; Flash Media Server sent C1 as
    // it came, so librtmp (OBS, rtmpdump, GStreamer) compares every byte and warns. Nobody reads that clock.
    const s2 = digest === undefined ? c1.slice() : signed(random, digest, 'server');
    return new ByteWriter(1 + 2 * HANDSHAKE_PACKET_BYTES).u8(RTMP_VERSION).bytes(s1).bytes(s2).done();
  }
}

export interface ClientHandshakeOptions extends HandshakeOptions {
  /** Ask the server to prove itself; absent: the plain handshake. */
  scheme?: DigestScheme;
}

/** The client's side: `start()` is C0 C1, C2 follows S1, over once S2 is there. */
export class ClientHandshake {
  readonly #inbox = new Inbox();
  readonly #options: ClientHandshakeOptions;
  #peer: HandshakePeer | undefined;

  constructor(options: ClientHandshakeOptions) {
    checkRandom(options.random);
    this.#options = options;
  }

  /** Known once C2 was sent. */
  get peer(): HandshakePeer | undefined {
    return this.#peer;
  }

  start(): Uint8Array {
    const { scheme } = this.#options;
    const c1 = firstPacket(this.#options, scheme === undefined ? undefined : CLIENT_VERSION);
    if (scheme !== undefined) signPacket(c1, scheme, 'client');
    return new ByteWriter(1 + HANDSHAKE_PACKET_BYTES).u8(RTMP_VERSION).bytes(c1).done();
  }

  push(bytes: Uint8Array): HandshakeStep {
    const rest = this.#inbox.push(bytes);
    let send: Uint8Array = NOTHING;
    if (this.#peer === undefined && this.#inbox.first !== undefined) {
      const { random, scheme } = this.#options;
      const s1 = this.#inbox.first;
      this.#peer = describePeer(s1, 'server');
      const { digest } = this.#peer;
      send = scheme === undefined || digest === undefined ? s1.slice() : signed(random, digest, 'client');
    }
    return { send, rest };
  }
}

/** Collects version byte, first and second packet: no more than that, however the bytes come. */
class Inbox {
  readonly #bytes = new Uint8Array(1 + 2 * HANDSHAKE_PACKET_BYTES);
  #length = 0;

  /** The peer's first packet, when it is whole. */
  get first(): Uint8Array | undefined {
    const end = 1 + HANDSHAKE_PACKET_BYTES;
    return this.#length < end ? undefined : this.#bytes.subarray(1, end);
  }

  /** What follows the second packet, when that is whole. */
  push(bytes: Uint8Array): Uint8Array | undefined {
    if (this.#length === this.#bytes.length) throw new Error('the handshake is over');
    const taken = bytes.subarray(0, this.#bytes.length - this.#length);
    this.#bytes.set(taken, this.#length);
    this.#length += taken.length;
    // RTMPE's versions 6, 8 and 9 are not spoken here; 32 and up is text, such as HTTP.
    if (this.#length > 0 && this.#bytes[0] !== RTMP_VERSION) {
      throw new DecodeError('ERR_RTMP_VERSION', `handshake version ${this.#bytes[0]}, only 3 is spoken`);
    }
    return this.#length < this.#bytes.length ? undefined : bytes.subarray(taken.length);
  }
}

function checkRandom(random: Uint8Array): void {
  if (random.length !== HANDSHAKE_RANDOM_BYTES) {
    throw new RangeError(`${random.length} random bytes, ${HANDSHAKE_RANDOM_BYTES} are needed`);
  }
}

function describePeer(packet: Uint8Array, side: Side): HandshakePeer {
  const version = packet.subarray(4, 8);
  const found = version.some((part) => part !== 0) ? findDigest(packet, side) : undefined;
  return { version: version.join('.'), scheme: found?.scheme, digest: found?.digest };
}

function firstPacket(
  { random, timeMs }: HandshakeOptions,
  version: readonly number[] = [0, 0, 0, 0],
): Uint8Array {
  return new ByteWriter(HANDSHAKE_PACKET_BYTES)
    .u32(timeMs)
    .bytes(Uint8Array.from(version))
    .bytes(random.subarray(0, 1528))
    .done();
}

/** A second packet with digests. */
function signed(random: Uint8Array, peerDigest: Uint8Array, side: Side): Uint8Array {
  const packet = new Uint8Array(HANDSHAKE_PACKET_BYTES);
  packet.set(random.subarray(1528));
  packet.set(packetSignature(packet, peerDigest, side), HANDSHAKE_PACKET_BYTES - DIGEST_BYTES);
  return packet;
}
