import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { DecodeError } from '../../../src/errors.ts';
import {
  ClientHandshake,
  HANDSHAKE_RANDOM_BYTES,
  type HandshakeStep,
  ServerHandshake,
} from '../../../src/protocol/handshake/handshake.ts';
import {
  DigestScheme,
  dhKeyOffset,
  digestOffset,
  findDigest,
  HANDSHAKE_PACKET_BYTES,
  packetSignature,
  signPacket,
} from '../../../src/protocol/handshake/handshake-digest.ts';
import { hex, toHex } from '../../support/hex.ts';
import { Random } from '../../support/random.ts';

/** Byte i is factor·i mod 256, from `from` on: the packets of the vectors below. */
function ramp(factor: number, from: number, to: number): Uint8Array {
  return Uint8Array.from({ length: to - from }, (_, i) => factor * (from + i));
}

function rampOptions(first: number, second: number) {
  const random = new Uint8Array(HANDSHAKE_RANDOM_BYTES);
  random.set(ramp(first, 8, HANDSHAKE_PACKET_BYTES));
  random.set(ramp(second, 0, 1504), 1528);
  return { random, timeMs: 0 };
}

// Computed outside this code base, from the description of the scheme. C1: version 9.0.124.2 and the ramp of 7; S1:
// version 3.5.7.1 and the ramp of 11; S2 and C2: the ramps of 13 and 17.
const VECTORS = [
  {
    scheme: DigestScheme.First,
    c1DigestAt: 278,
    c1KeyAt: 1094,
    c1Digest: '946f4f19deb3c79607c8992107201d6d62a44ab8cfaf5317601390a8efe3d44f',
    c1Sha256: 'f02bea6b986a955d11dbad73f9bb6d984176b4120685b3c40410bbf22dc3d897',
    s1DigestAt: 430,
    s1Digest: '739d6f9dddd1cb381143a7d070b833ada1226537d9e6d4dc094abefba8df06ca',
    s2Signature: '59177e7201fd4761b7beebca83c8bf681ebf88594fa76df0c659afe5c7a77207',
    c2Signature: 'e4d26f64dee3c931d6328096a63dd17e8f23f78bc71f712ca2d6bd9968d55d35',
  },
  {
    scheme: DigestScheme.Second,
    c1DigestAt: 930,
    c1KeyAt: 50,
    c1Digest: '74eeec9b501667027a6c90300c8d37284e10994c072dc97f1f6edef681902a6a',
    c1Sha256: '89e0deed21289afd000a67c0cfa4a0b59badf2eee3042523e68014fe8d592b32',
    s1DigestAt: 1018,
    s1Digest: '7f36dfdc4bd8b49d14153eaf732d40a57f7e7d643cf4618ade9135b02b07db69',
    s2Signature: 'd0c4317527d760641b23f7794bbf74d82f97edd8f75d06243b98df0a31694510',
    c2Signature: '625d01283d2694e95c579b85c0bb88e43d83a8599a6d9991fafcaacee53165cd',
  },
];

for (const vector of VECTORS) {
  const { scheme } = vector;

  test(`scheme ${scheme}: client and server write the packets of the vectors`, () => {
    const client = new ClientHandshake({ ...rampOptions(7, 17), scheme });
    const server = new ServerHandshake(rampOptions(11, 13));

    const c0c1 = client.start();
    assert.equal(c0c1.length, 1537);
    assert.equal(c0c1[0], 3);
    const c1 = c0c1.subarray(1);
    assert.equal(digestOffset(c1, scheme), vector.c1DigestAt);
    assert.equal(dhKeyOffset(c1, scheme), vector.c1KeyAt);
    assert.equal(toHex(c1.subarray(vector.c1DigestAt, vector.c1DigestAt + 32)), vector.c1Digest);
    assert.equal(createHash('sha256').update(c1).digest('hex'), vector.c1Sha256);

    const { send: s0s1s2, rest: early } = server.push(c0c1);
    assert.equal(early, undefined);
    assert.equal(s0s1s2.length, 1 + 2 * 1536);
    const s1 = s0s1s2.subarray(1, 1537);
    assert.equal(digestOffset(s1, scheme), vector.s1DigestAt);
    assert.equal(toHex(s1.subarray(vector.s1DigestAt, vector.s1DigestAt + 32)), vector.s1Digest);
    assert.equal(toHex(s0s1s2.subarray(-32)), vector.s2Signature);
    assert.deepEqual(server.peer, { version: '9.0.124.2', scheme, digest: hex(vector.c1Digest) });

    const { send: c2, rest: clientRest } = client.push(s0s1s2);
    assert.equal(clientRest?.length, 0);
    assert.equal(c2.length, 1536);
    assert.equal(toHex(c2.subarray(-32)), vector.c2Signature);
    assert.deepEqual(client.peer, { version: '3.5.7.1', scheme, digest: hex(vector.s1Digest) });

    assert.deepEqual(server.push(c2), { send: new Uint8Array(0), rest: new Uint8Array(0) });
  });

  test(`scheme ${scheme}: a digest is found wherever the packet puts it, and only an unharmed one`, () => {
    const random = new Random(scheme);
    const offsets = new Set<number>();
    for (let round = 0; round < 300; round += 1) {
      const packet = random.bytes(HANDSHAKE_PACKET_BYTES);
      signPacket(packet, scheme, 'client');
      const at = digestOffset(packet, scheme);
      offsets.add(at);
      assert.deepEqual(findDigest(packet, 'client'), { scheme, digest: packet.slice(at, at + 32) });
      assert.equal(findDigest(packet, 'server'), undefined);
      packet[random.below(HANDSHAKE_PACKET_BYTES)]! ^= 0x40;
      assert.equal(findDigest(packet, 'client'), undefined);
    }
    assert.ok(offsets.size > 100);
  });
}

test('digest and key stay inside their half of the packet at the largest offsets', () => {
  const packet = new Uint8Array(HANDSHAKE_PACKET_BYTES);
  for (const at of [8, 768, 772, 1532]) packet.set([182, 182, 182, 181], at); // 727
  assert.equal(digestOffset(packet, DigestScheme.First), 8 + 4 + 727);
  assert.equal(digestOffset(packet, DigestScheme.Second), 772 + 4 + 727);
  for (const at of [8, 768, 772, 1532]) packet.set([158, 158, 158, 157], at); // 631
  assert.equal(dhKeyOffset(packet, DigestScheme.First), 772 + 631);
  assert.equal(dhKeyOffset(packet, DigestScheme.Second), 8 + 631);
});

/** A client's plain handshake: C0 C1 with zeros for a version. */
function plainC0C1(): Uint8Array {
  return Uint8Array.of(3, 0, 0, 0x30, 0x39, 0, 0, 0, 0, ...ramp(7, 8, HANDSHAKE_PACKET_BYTES));
}

function assertPlainAnswer(send: Uint8Array, c1: Uint8Array): void {
  const s1 = send.subarray(1, 1537);
  const s2 = send.subarray(1537);
  assert.equal(toHex(s1.subarray(4, 8)), '00000000', 'a version in S1 promises a digest');
  assert.equal(findDigest(s1, 'server'), undefined);
  assert.equal(toHex(s2), toHex(c1), 'librtmp compares every byte');
}

test('a client without a version gets its bytes back', () => {
  const c0c1 = plainC0C1();
  const server = new ServerHandshake({ ...rampOptions(11, 13), timeMs: 0xfedc_ba98 });
  const { send } = server.push(c0c1);
  assertPlainAnswer(send, c0c1.subarray(1));
  assert.deepEqual(server.peer, { version: '0.0.0.0', scheme: undefined, digest: undefined });
});

test('a client with a version whose digest does not verify gets the plain handshake', () => {
  const c0c1 = plainC0C1();
  c0c1.set([9, 0, 124, 2], 5);
  const server = new ServerHandshake(rampOptions(11, 13));
  const { send } = server.push(c0c1);
  assertPlainAnswer(send, c0c1.subarray(1));
  assert.deepEqual(server.peer, { version: '9.0.124.2', scheme: undefined, digest: undefined });
});

test('a client that asks for proof takes a plain server', () => {
  const client = new ClientHandshake({ ...rampOptions(7, 17), scheme: DigestScheme.First, timeMs: 77 });
  client.start();
  const s1 = Uint8Array.of(0, 0, 0, 5, 0, 0, 0, 0, ...ramp(3, 8, HANDSHAKE_PACKET_BYTES));
  const { send: c2, rest } = client.push(Uint8Array.of(3, ...s1));
  assert.equal(rest, undefined);
  assert.equal(toHex(c2), toHex(s1));
  assert.equal(client.peer?.scheme, undefined);
});

test('a plain client echoes a server that proves itself unasked', () => {
  const s1 = Uint8Array.of(0, 0, 0, 0, 3, 5, 7, 1, ...ramp(3, 8, HANDSHAKE_PACKET_BYTES));
  signPacket(s1, DigestScheme.Second, 'server');
  const client = new ClientHandshake(rampOptions(7, 17));
  const { send: c2 } = client.push(Uint8Array.of(3, ...s1));
  assert.equal(toHex(c2.subarray(8)), toHex(s1.subarray(8)));
});

test('bytes may come one at a time, and what follows C2 is handed on', () => {
  const options = { ...rampOptions(7, 17), scheme: DigestScheme.First };
  const whole = new ServerHandshake(rampOptions(11, 13)).push(new ClientHandshake(options).start()).send;
  const c2 = new ClientHandshake(options).push(whole).send;
  const client = Uint8Array.of(...new ClientHandshake(options).start(), ...c2, 0x03, 0xaa);

  const server = new ServerHandshake(rampOptions(11, 13));
  const sent: number[] = [];
  let last: HandshakeStep = { send: new Uint8Array(0), rest: undefined };
  for (let i = 0; i < client.length - 2; i += 1) {
    assert.equal(last.rest, undefined, `over after ${i} bytes`);
    if (i <= 1536) assert.equal(sent.length, 0, `answered after ${i} bytes`);
    last = server.push(client.subarray(i, i + 1));
    sent.push(...last.send);
  }
  assert.deepEqual(Uint8Array.from(sent), whole);
  assert.equal(last.rest?.length, 0);

  const atOnce = new ServerHandshake(rampOptions(11, 13)).push(client);
  assert.deepEqual(atOnce, { send: whole, rest: hex('03 aa') });
});

test('garbage for C2 is taken: many clients send that', () => {
  const server = new ServerHandshake(rampOptions(11, 13));
  server.push(plainC0C1());
  assert.equal(server.push(new Uint8Array(HANDSHAKE_PACKET_BYTES)).rest?.length, 0);
});

for (const [name, first] of [
  ['RTMPE', 6],
  ['HTTP', 'G'.charCodeAt(0)],
  ['version 0', 0],
] as const) {
  test(`${name} is refused at its first byte, by its number`, () => {
    assert.throws(
      () => new ServerHandshake(rampOptions(11, 13)).push(Uint8Array.of(first)),
      (error: unknown) =>
        error instanceof DecodeError &&
        error.code === 'ERR_RTMP_VERSION' &&
        error.message.includes(`version ${first}`),
    );
  });
}

test('a server of another version is refused by the client', () => {
  assert.throws(() => new ClientHandshake(rampOptions(7, 17)).push(Uint8Array.of(6)), DecodeError);
});

test('the signature depends on every byte before it and on the digest it answers', () => {
  const packet = ramp(13, 0, HANDSHAKE_PACKET_BYTES);
  const digest = hex(VECTORS[0]!.c1Digest);
  const signature = toHex(packetSignature(packet, digest, 'server'));
  packet[1503]! ^= 1;
  assert.notEqual(toHex(packetSignature(packet, digest, 'server')), signature);
  packet[1503]! ^= 1;
  packet[1504]! ^= 1;
  assert.equal(toHex(packetSignature(packet, digest, 'server')), signature);
  digest[31]! ^= 1;
  assert.notEqual(toHex(packetSignature(packet, digest, 'server')), signature);
});

test('too few random bytes are a bug of ours, not sent', () => {
  assert.throws(() => new ServerHandshake({ random: new Uint8Array(10), timeMs: 0 }), RangeError);
});
