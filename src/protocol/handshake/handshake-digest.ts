// The digests of a handshake: where they stand in its packets, and what they are made of. Each side proves with them that it
// knows a key which everybody knows.
import { Buffer } from 'node:buffer';
import { createHmac } from 'node:crypto';

export const HANDSHAKE_PACKET_BYTES = 1536;
export const DIGEST_BYTES = 32;

const KEY_TAIL = 'f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae';
const KEY_TEXTS = {
  client: 'Genuine Adobe Flash Player 001',
  server: 'Genuine Adobe Flash Media Server 001',
} as const;
export type Side = keyof typeof KEY_TEXTS;

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
/** Of RTMPE's public key, rtmpe.ts. */
export const DH_KEY_BYTES = 128;

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

/** What a side signs its second packet with, once it has read the digest of the peer's first one. */
export function signatureKey(peerDigest: Uint8Array, side: Side): Uint8Array {
  return createHmac('sha256', fullKey(side)).update(peerDigest).digest();
}

/** The last 32 bytes of a side's second packet: proves that it has read the digest of the peer's first one. */
export function packetSignature(packet: Uint8Array, peerDigest: Uint8Array, side: Side): Uint8Array {
  return createHmac('sha256', signatureKey(peerDigest, side))
    .update(packet.subarray(0, HANDSHAKE_PACKET_BYTES - DIGEST_BYTES))
    .digest();
}
