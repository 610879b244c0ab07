// The handshake of RTMP 1.0 §5.2, and the one with digests that Flash Player 9.0.124 brought: there a version number
// stands where the specification has zeros, and each side proves that it knows a key which everybody knows. Players ask
// for that proof before they accept H.264.
//
//   C0, S0 | version u8 = 3, or 6, 8, 9: RTMPE |
//   C1, S1 | time u32 | 0, or version 4×u8 | 1528 bytes: random, with a digest if there is a version, with RTMPE also a key |
//   C2, S2 | plain: the peer's packet | with digests: random, signature 32 |
//
// Both machines take bytes as they come and say what to send. Random bytes and the clock are passed in.
import { DecodeError } from '../../errors.ts';
import { ByteWriter } from '../bytes.ts';
import {
  DH_KEY_BYTES,
  DIGEST_BYTES,
  type DigestScheme,
  dhKeyOffset,
  findDigest,
  HANDSHAKE_PACKET_BYTES,
  packetSignature,
  type Side,
  signatureKey,
  signPacket,
} from './handshake-digest.ts';
import { DH_PRIVATE_KEY_BYTES, dhPublicKey, dhSharedSecret, RtmpeCipher } from './rtmpe.ts';
import { hideSignature } from './rtmpe-signature.ts';

/** Random bytes for one handshake: those of our first packet, those of our second, and RTMPE's private key. */
export const HANDSHAKE_RANDOM_BYTES = 1528 + 1504 + DH_PRIVATE_KEY_BYTES;

const RTMP_VERSION = 3;
/** 6: rtmpe.ts. 8 and 9: with rtmpe-signature.ts on top. */
const RTMPE_VERSIONS = [6, 8, 9] as const;
export type RtmpeVersion = (typeof RTMPE_VERSIONS)[number];
/** Bytes 4–7 of S1 and C1 with a digest. Clients want a server of at least 3 to prove itself. */
const SERVER_VERSION = [3, 5, 7, 1] as const;
const CLIENT_VERSION = [9, 0, 124, 2] as const;
/** What Flash Player says there when it encrypts. */
const RTMPE_CLIENT_VERSION = [128, 0, 3, 2] as const;

export interface HandshakeOptions {
  /** HANDSHAKE_RANDOM_BYTES of them. */
  random: Uint8Array;
  /** Ours, in 32 bits; peers only echo it. */
  timeMs: number;
}

export interface ServerHandshakeOptions extends HandshakeOptions {
  /** Whether clients may encrypt what is behind the handshake. */
  rtmpe?: boolean | undefined;
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
  readonly #inbox: Inbox;
  readonly #options: ServerHandshakeOptions;
  #peer: HandshakePeer | undefined;
  #cipher: RtmpeCipher | undefined;
  #s1Tail: Uint8Array = NOTHING;

  constructor(options: ServerHandshakeOptions) {
    checkRandom(options.random);
    this.#options = options;
    this.#inbox = new Inbox(options.rtmpe ? [RTMP_VERSION, ...RTMPE_VERSIONS] : [RTMP_VERSION]);
  }

  /** Known once S1 was sent. */
  get peer(): HandshakePeer | undefined {
    return this.#peer;
  }

  /** What is behind the handshake is encrypted; undefined: it is not. Known once S1 was sent. */
  get cipher(): RtmpeCipher | undefined {
    return this.#cipher;
  }

  /** 6, 8 or 9: how it is encrypted; undefined: it is not, or that is not known yet. */
  get rtmpeVersion(): number | undefined {
    return this.#cipher && this.#inbox.version;
  }

  /** The last bytes of S1: the key of a client's answer about its SWF. */
  get s1Tail(): Uint8Array {
    return this.#s1Tail;
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
    const version = this.#inbox.version!;
    // A version without a digest that verifies makes some clients hang up: then we speak the plain handshake.
    const s1 = firstPacket(this.#options, scheme === undefined ? undefined : SERVER_VERSION);
    if (version !== RTMP_VERSION) {
      if (scheme === undefined) throw keyless();
      const ownKey = putKey(s1, scheme, random);
      this.#cipher = agree(random, ownKey, keyOf(c1, scheme));
    }
    if (scheme !== undefined) signPacket(s1, scheme, 'server');
    this.#s1Tail = s1.slice(-DIGEST_BYTES);
    // COMPAT(librtmp 2.4): RTMP 1.0 §5.2.4 puts our clock into the second word of a plain S2; Flash Media Server sent C1 as
    // it came, so librtmp (OBS, rtmpdump, GStreamer) compares every byte and warns. Nobody reads that clock.
    const s2 =
      digest === undefined ? c1.slice() : signed(random, { version, peerDigest: digest, side: 'server' });
    return new ByteWriter(1 + 2 * HANDSHAKE_PACKET_BYTES).u8(version).bytes(s1).bytes(s2).done();
  }
}

export interface ClientHandshakeOptions extends HandshakeOptions {
  /** Ask the server to prove itself; absent: the plain handshake. RTMPE takes one. */
  scheme?: DigestScheme | undefined;
  /** Encrypt what is behind the handshake. */
  rtmpe?: RtmpeVersion | undefined;
}

/** The client's side: `start()` is C0 C1, C2 follows S1, over once S2 is there. */
export class ClientHandshake {
  readonly #inbox: Inbox;
  readonly #options: ClientHandshakeOptions;
  readonly #version: number;
  #peer: HandshakePeer | undefined;
  #ownKey: Uint8Array | undefined;
  #cipher: RtmpeCipher | undefined;

  constructor(options: ClientHandshakeOptions) {
    checkRandom(options.random);
    this.#options = options;
    if (options.rtmpe && options.scheme === undefined) throw new RangeError('RTMPE without a digest scheme');
    this.#version = options.rtmpe ?? RTMP_VERSION;
    this.#inbox = new Inbox([this.#version]);
  }

  /** Known once C2 was sent. */
  get peer(): HandshakePeer | undefined {
    return this.#peer;
  }

  /** What is behind the handshake is encrypted; undefined: it is not. Known once C2 was sent. */
  get cipher(): RtmpeCipher | undefined {
    return this.#cipher;
  }

  start(): Uint8Array {
    const { scheme, rtmpe, random } = this.#options;
    const version = rtmpe ? RTMPE_CLIENT_VERSION : CLIENT_VERSION;
    const c1 = firstPacket(this.#options, scheme === undefined ? undefined : version);
    if (scheme !== undefined) {
      if (rtmpe) this.#ownKey = putKey(c1, scheme, random);
      signPacket(c1, scheme, 'client');
    }
    return new ByteWriter(1 + HANDSHAKE_PACKET_BYTES).u8(this.#version).bytes(c1).done();
  }

  push(bytes: Uint8Array): HandshakeStep {
    const rest = this.#inbox.push(bytes);
    let send: Uint8Array = NOTHING;
    if (this.#peer === undefined && this.#inbox.first !== undefined) {
      const { random, scheme } = this.#options;
      const s1 = this.#inbox.first;
      this.#peer = describePeer(s1, 'server');
      const { digest, scheme: peerScheme } = this.#peer;
      if (this.#ownKey !== undefined) {
        if (peerScheme === undefined) throw keyless();
        this.#cipher = agree(random, this.#ownKey, keyOf(s1, peerScheme));
      }
      send =
        scheme === undefined || digest === undefined
          ? s1.slice()
          : signed(random, { version: this.#version, peerDigest: digest, side: 'client' });
    }
    return { send, rest };
  }
}

/** Collects version byte, first and second packet: no more than that, however the bytes come. */
class Inbox {
  readonly #bytes = new Uint8Array(1 + 2 * HANDSHAKE_PACKET_BYTES);
  readonly #versions: readonly number[];
  #length = 0;

  /** `versions`: those that are spoken. */
  constructor(versions: readonly number[]) {
    this.#versions = versions;
  }

  get version(): number | undefined {
    return this.#length === 0 ? undefined : this.#bytes[0];
  }

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
    // 32 and up is text, such as HTTP
    const { version } = this;
    if (version !== undefined && !this.#versions.includes(version)) {
      throw new DecodeError('ERR_RTMP_VERSION', notSpoken(version, this.#versions));
    }
    return this.#length < this.#bytes.length ? undefined : bytes.subarray(taken.length);
  }
}

function notSpoken(version: number, spoken: readonly number[]): string {
  const isRtmpe = RTMPE_VERSIONS.some((one) => one === version);
  return `handshake version ${version}${isRtmpe ? ' (RTMPE)' : ''}, only ${spoken.join(', ')} is spoken`;
}

/** The last of the random bytes are the private key. */
function privateKeyOf(random: Uint8Array): Uint8Array {
  return random.subarray(-DH_PRIVATE_KEY_BYTES);
}

/** Puts our public key into our first packet, before that is signed. */
function putKey(packet: Uint8Array, scheme: DigestScheme, random: Uint8Array): Uint8Array {
  const key = dhPublicKey(privateKeyOf(random));
  packet.set(key, dhKeyOffset(packet, scheme));
  return key;
}

function keyOf(packet: Uint8Array, scheme: DigestScheme): Uint8Array {
  const at = dhKeyOffset(packet, scheme);
  return packet.slice(at, at + DH_KEY_BYTES);
}

function agree(random: Uint8Array, ownKey: Uint8Array, peerKey: Uint8Array): RtmpeCipher {
  return new RtmpeCipher({ secret: dhSharedSecret(privateKeyOf(random), peerKey), ownKey, peerKey });
}

function keyless(): DecodeError {
  return new DecodeError(
    'ERR_RTMPE_KEY',
    'an RTMPE handshake without a digest: where its key is cannot be known',
  );
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
function signed(
  random: Uint8Array,
  { version, peerDigest, side }: { version: number; peerDigest: Uint8Array; side: Side },
): Uint8Array {
  const packet = new Uint8Array(HANDSHAKE_PACKET_BYTES);
  packet.set(random.subarray(1528, 1528 + HANDSHAKE_PACKET_BYTES - DIGEST_BYTES));
  const signature = packetSignature(packet, peerDigest, side);
  hideSignature(version, signature, signatureKey(peerDigest, side));
  packet.set(signature, HANDSHAKE_PACKET_BYTES - DIGEST_BYTES);
  return packet;
}
