import assert from 'node:assert/strict';
import { getDiffieHellman } from 'node:crypto';
import { describe, test } from 'node:test';
import { DecodeError } from '../../../src/errors.ts';
import {
  ClientHandshake,
  HANDSHAKE_RANDOM_BYTES,
  ServerHandshake,
} from '../../../src/protocol/handshake/handshake.ts';
import { DigestScheme, dhKeyOffset, signPacket } from '../../../src/protocol/handshake/handshake-digest.ts';
import {
  DH_PRIVATE_KEY_BYTES,
  dhPublicKey,
  dhSharedSecret,
  RtmpeCipher,
} from '../../../src/protocol/handshake/rtmpe.ts';
import { toHex } from '../../support/hex.ts';
import { Random } from '../../support/random.ts';

const PRIME = getDiffieHellman('modp2').getPrime(); // RFC 2409 §6.2, by Node's hand

function refusedAs(code: string) {
  return (error: unknown) => error instanceof DecodeError && error.code === code;
}

describe('Diffie-Hellman', () => {
  test('both sides come to the same secret, which a textbook computes as well', () => {
    const random = new Random(5);
    const power = (base: bigint, exponent: bigint, modulus: bigint) => {
      let result = 1n;
      for (let b = base, e = exponent; e > 0n; e >>= 1n, b = (b * b) % modulus) {
        if (e & 1n) result = (result * b) % modulus;
      }
      return result;
    };
    const number = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes)}`);
    for (let round = 0; round < 20; round += 1) {
      const [a, b] = [random.bytes(DH_PRIVATE_KEY_BYTES), random.bytes(DH_PRIVATE_KEY_BYTES)];
      const [publicA, publicB] = [dhPublicKey(a), dhPublicKey(b)];
      const secret = dhSharedSecret(a, publicB);
      assert.equal(publicA.length, 128);
      assert.equal(secret.length, 128);
      assert.deepEqual(dhSharedSecret(b, publicA), secret);
      assert.equal(number(publicA), power(2n, number(a), number(PRIME)));
      assert.equal(number(secret), power(number(publicB), number(a), number(PRIME)));
    }
  });

  test('short keys and secrets are filled up with zeros in front', () => {
    const one = new Uint8Array(DH_PRIVATE_KEY_BYTES).fill(0, 0, -1);
    one[DH_PRIVATE_KEY_BYTES - 1] = 9;
    assert.equal(toHex(dhPublicKey(one)), '0200'.padStart(256, '0'));
    assert.equal(BigInt(`0x${toHex(dhSharedSecret(one, dhPublicKey(one)))}`), 512n ** 9n);
  });

  test('keys that leave no secret are refused: 0, 1, the prime less one, and all from the prime on', () => {
    const own = new Random(6).bytes(DH_PRIVATE_KEY_BYTES);
    const prime = BigInt(`0x${PRIME.toString('hex')}`);
    for (const value of [0n, 1n, prime - 1n, prime, prime + 1n, (1n << 1024n) - 1n]) {
      const key = Buffer.from(value.toString(16).padStart(256, '0'), 'hex');
      assert.throws(() => dhSharedSecret(own, key), refusedAs('ERR_RTMPE_KEY'), String(value));
    }
    for (const value of [2n, prime - 2n]) {
      const key = Buffer.from(value.toString(16).padStart(256, '0'), 'hex');
      assert.equal(dhSharedSecret(own, key).length, 128);
    }
  });
});

test('what one side encrypts the other decrypts, in both directions; the original stays as it was', () => {
  const random = new Random(7);
  const [secret, ownKey, peerKey] = [random.bytes(128), random.bytes(128), random.bytes(128)];
  const here = new RtmpeCipher({ secret, ownKey, peerKey });
  const there = new RtmpeCipher({ secret, ownKey: peerKey, peerKey: ownKey });
  for (const [from, to] of [
    [here, there],
    [there, here],
    [here, there],
  ] as const) {
    const text = random.bytes(3000);
    const original = text.slice();
    const bytes = from.encrypt(text);
    assert.deepEqual(text, original);
    assert.notDeepEqual(Uint8Array.from(bytes), original);
    to.decrypt(bytes);
    assert.deepEqual(Uint8Array.from(bytes), original);
  }
});

for (const scheme of [DigestScheme.First, DigestScheme.Second]) {
  describe(`the handshake, scheme ${scheme}`, () => {
    const options = (seed: number) => ({
      random: new Random(seed).bytes(HANDSHAKE_RANDOM_BYTES),
      timeMs: 0,
      rtmpe: true,
    });

    test('ends with ciphers that understand each other, in all versions', () => {
      for (let seed = 1; seed <= 30; seed += 1) {
        const version = ([6, 8, 9] as const)[seed % 3]!;
        const client = new ClientHandshake({ ...options(seed), scheme, rtmpe: version });
        const server = new ServerHandshake(options(1000 + seed));
        const c0c1 = client.start();
        assert.equal(c0c1[0], version);
        const { send } = server.push(c0c1);
        assert.equal(send[0], version);
        assert.equal(server.peer?.scheme, scheme);
        assert.equal(server.peer?.version, '128.0.3.2');
        assert.equal(toHex(server.s1Tail), toHex(send.subarray(1505, 1537)));
        const { send: c2, rest } = client.push(send);
        assert.equal(rest?.length, 0);
        assert.equal(client.peer?.scheme, scheme, 'S1 is signed with the key in it');
        const behind = client.cipher!.encrypt(Buffer.from('connect'));
        const end = server.push(Buffer.concat([c2, behind])).rest!;
        server.cipher!.decrypt(end);
        assert.equal(Buffer.from(end).toString(), 'connect');
        const answer = server.cipher!.encrypt(Buffer.from('_result'));
        client.cipher!.decrypt(answer);
        assert.equal(Buffer.from(answer).toString(), '_result');
      }
    });

    test('a key of nothing but zeros is refused by either side', () => {
      const c0c1 = new ClientHandshake({ ...options(1), scheme, rtmpe: 6 }).start();
      spoil(c0c1, 'client');
      assert.throws(() => new ServerHandshake(options(2)).push(c0c1), refusedAs('ERR_RTMPE_KEY'));

      const client = new ClientHandshake({ ...options(1), scheme, rtmpe: 6 });
      const { send } = new ServerHandshake(options(2)).push(client.start());
      spoil(send, 'server');
      assert.throws(() => client.push(send), refusedAs('ERR_RTMPE_KEY'));

      function spoil(bytes: Uint8Array, side: 'client' | 'server'): void {
        const packet = bytes.subarray(1, 1537);
        const at = dhKeyOffset(packet, scheme);
        packet.fill(0, at, at + 128);
        signPacket(packet, scheme, side);
      }
    });

    test('without a digest that verifies nobody knows where the key is: refused', () => {
      const c0c1 = new ClientHandshake({ ...options(1), scheme, rtmpe: 6 }).start();
      c0c1[100]! ^= 1;
      assert.throws(() => new ServerHandshake(options(2)).push(c0c1), refusedAs('ERR_RTMPE_KEY'));
    });
  });
}

test('a server that does not encrypt refuses the first byte, and says what it was', () => {
  const server = new ServerHandshake({ random: new Uint8Array(HANDSHAKE_RANDOM_BYTES), timeMs: 0 });
  assert.throws(
    () => server.push(Uint8Array.of(6)),
    (error: unknown) =>
      refusedAs('ERR_RTMP_VERSION')(error) && /version 6 \(RTMPE\), only 3 is spoken/.test(String(error)),
  );
});

test('in versions 8 and 9 nothing but the signatures differs, and those in every byte', () => {
  const random = new Random(3).bytes(HANDSHAKE_RANDOM_BYTES);
  const answers = ([6, 8, 9] as const).map((rtmpe) => {
    const client = new ClientHandshake({ random, timeMs: 0, scheme: DigestScheme.First, rtmpe });
    return new ServerHandshake({ random, timeMs: 0, rtmpe: true }).push(client.start()).send;
  });
  const [six, eight, nine] = answers.map((answer) => toHex(answer.subarray(1, -32)));
  assert.equal(eight, six);
  assert.equal(nine, six);
  const signatures = answers.map((answer) => toHex(answer.subarray(-32)));
  for (const [a, b] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ] as const) {
    for (let at = 0; at < 64; at += 16) {
      assert.notEqual(signatures[a]!.slice(at, at + 16), signatures[b]!.slice(at, at + 16));
    }
  }
});

test('RTMPE without a digest scheme is a mistake of ours', () => {
  const random = new Uint8Array(HANDSHAKE_RANDOM_BYTES);
  assert.throws(() => new ClientHandshake({ random, timeMs: 0, rtmpe: 6 }), RangeError);
});
