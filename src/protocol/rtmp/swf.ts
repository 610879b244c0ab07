// How a player proves which SWF it runs: user control event 26 asks, 27 answers. The constants are known to everybody, and
// so can everybody answer who has the file; it keeps out who does not.
import { Buffer } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { ByteReader, ByteWriter } from '../bytes.ts';
import { SWF_PROOF_BYTES } from './control.ts';

const KEY = 'Genuine Adobe Flash Player 001';

/** Of a SWF that is not compressed: signature `FWS`, and its length. */
export interface SwfDigest {
  readonly sizeBytes: number;
  readonly hash: Uint8Array;
}

export interface SwfProof {
  /** Of this conversation; there is 1. */
  version: number;
  sizeBytes: number;
  signature: Uint8Array;
}

/** Takes a SWF, not compressed, in parts. */
export class SwfHasher {
  readonly #hmac = createHmac('sha256', KEY);
  #sizeBytes = 0;

  update(bytes: Uint8Array): void {
    this.#hmac.update(bytes);
    this.#sizeBytes += bytes.length;
  }

  done(): SwfDigest {
    return { sizeBytes: this.#sizeBytes, hash: this.#hmac.digest() };
  }
}

export function digestSwf(uncompressed: Uint8Array): SwfDigest {
  const hasher = new SwfHasher();
  hasher.update(uncompressed);
  return hasher.done();
}

/** `s1Tail`: the last 32 bytes of the server's first packet, so that a proof is worth nothing on another connection. */
export function signSwf(hash: Uint8Array, s1Tail: Uint8Array): Uint8Array {
  return createHmac('sha256', s1Tail).update(hash).digest();
}

// | version u8 | 1 | size u32 BE | size u32 BE | signature 32 |
export function encodeSwfProof({ version, sizeBytes, signature }: SwfProof): Uint8Array {
  const out = new ByteWriter(SWF_PROOF_BYTES).u8(version).u8(1);
  return out.u32(sizeBytes).u32(sizeBytes).bytes(signature).done();
}

export function decodeSwfProof(bytes: Uint8Array): SwfProof {
  const from = new ByteReader(bytes);
  const version = from.u8();
  from.u8();
  const sizeBytes = from.u32();
  from.u32();
  return { version, sizeBytes, signature: from.take(32) };
}

export function provesSwf(proof: SwfProof, swf: SwfDigest, s1Tail: Uint8Array): boolean {
  return (
    proof.sizeBytes === swf.sizeBytes &&
    timingSafeEqual(Buffer.from(proof.signature), signSwf(swf.hash, s1Tail))
  );
}
