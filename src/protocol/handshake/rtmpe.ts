// RTMPE: both sides put a Diffie-Hellman public key into their first packet of the handshake, and everything behind the
// handshake is RC4. It is obfuscation and no security: whoever stands in between can shake hands with both sides, for the
// keys that sign the handshake are known to everybody. RTMPS is security.
import { Buffer } from 'node:buffer';
import { createDiffieHellman, createHmac, type DiffieHellman } from 'node:crypto';
import { DecodeError } from '../../errors.ts';
import { DH_KEY_BYTES, HANDSHAKE_PACKET_BYTES } from './handshake-digest.ts';
import { Rc4 } from './rc4.ts';

/** Twice what a group of 1024 bits is worth, and half the work of a full one. */
export const DH_PRIVATE_KEY_BYTES = 64;

/** The second Oakley group, RFC 2409 §6.2; its generator is 2. */
const PRIME = Buffer.from(
  'ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74' +
    '020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437' +
    '4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed' +
    'ee386bfb5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff',
  'hex',
);
const LARGEST_KEY = BigInt(`0x${PRIME.toString('hex')}`) - 2n;
const RC4_KEY_BYTES = 16;

let group: DiffieHellman | undefined;

/** One for all, with the private key of who uses it now: to make one, OpenSSL tests the prime, which takes 70 ms. */
function withPrivateKey(privateKey: Uint8Array): DiffieHellman {
  group ??= createDiffieHellman(PRIME, Buffer.of(2));
  group.setPrivateKey(privateKey);
  return group;
}

/** `privateKey`: DH_PRIVATE_KEY_BYTES random bytes. */
export function dhPublicKey(privateKey: Uint8Array): Uint8Array {
  return padded(withPrivateKey(privateKey).generateKeys());
}

/** What both sides know. Keys that would make it predictable are a DecodeError. */
export function dhSharedSecret(privateKey: Uint8Array, peerKey: Uint8Array): Uint8Array {
  const value = BigInt(`0x${Buffer.from(peerKey).toString('hex')}`);
  if (value < 2n || value > LARGEST_KEY) {
    throw new DecodeError('ERR_RTMPE_KEY', 'a Diffie-Hellman key of 0, 1 or no less than the prime but one');
  }
  return padded(withPrivateKey(privateKey).computeSecret(peerKey));
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(DH_KEY_BYTES);
  whole.set(bytes, DH_KEY_BYTES - bytes.length);
  return whole;
}

export interface RtmpeKeys {
  secret: Uint8Array;
  ownKey: Uint8Array;
  peerKey: Uint8Array;
}

/** Both directions of a connection behind its handshake. */
export class RtmpeCipher {
  readonly #out: Rc4;
  readonly #in: Rc4;

  constructor({ secret, ownKey, peerKey }: RtmpeKeys) {
    const rc4 = (publicKey: Uint8Array) => {
      const key = createHmac('sha256', secret).update(publicKey).digest().subarray(0, RC4_KEY_BYTES);
      const cipher = new Rc4(key);
      const skipped = new Uint8Array(HANDSHAKE_PACKET_BYTES); // as if C2 and S2 had been encrypted
      cipher.apply(skipped, skipped);
      return cipher;
    };
    this.#out = rc4(peerKey);
    this.#in = rc4(ownKey);
  }

  /** A copy: what is sent may be on its way to others as well. */
  encrypt(bytes: Uint8Array): Uint8Array {
    const encrypted = Buffer.allocUnsafe(bytes.length);
    this.#out.apply(bytes, encrypted);
    return encrypted;
  }

  /** In place. */
  decrypt(bytes: Uint8Array): void {
    this.#in.apply(bytes, bytes);
  }
}
