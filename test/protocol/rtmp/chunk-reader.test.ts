import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { ChunkReader, type ChunkReaderOptions } from '../../../src/protocol/rtmp/chunk-reader.ts';
import { MessageType, type RtmpMessage } from '../../../src/protocol/rtmp/message.ts';
import { WireMessage } from '../../../src/protocol/rtmp/wire-message.ts';
import { basicHeader, ChunkEncoder } from '../../support/chunk-encoder.ts';
import { hex, toHex } from '../../support/hex.ts';
import { Random } from '../../support/random.ts';
import { chunkCases, ramp } from './chunk.cases.ts';

/** Comparable, whatever shape a message came out in. */
function plain(message: RtmpMessage): unknown {
  const { typeId, streamId, timestampMs, payload } = message;
  return { typeId, streamId, timestampMs, payload: toHex(payload) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Through a read buffer that is overwritten after each push, as a socket's is. */
function readAll(wire: Uint8Array, pieces: Iterable<number>, reader = new ChunkReader()): RtmpMessage[] {
  const messages: RtmpMessage[] = [];
  const shared = new Uint8Array(wire.length);
  let at = 0;
  for (const piece of pieces) {
    const bytes = shared.subarray(0, Math.min(piece, wire.length - at));
    bytes.set(wire.subarray(at, at + bytes.length));
    at += bytes.length;
    messages.push(...reader.push(bytes));
    shared.fill(0xee);
  }
  assert.equal(at, wire.length);
  return messages;
}

function read(wire: Uint8Array, options?: ChunkReaderOptions): RtmpMessage[] {
  return readAll(wire, [wire.length], new ChunkReader(options));
}

function* piecesOf(random: Random, total: number, longest: number): Generator<number> {
  for (let at = 0; at < total; ) {
    const piece = Math.min(total - at, random.below(longest + 1));
    yield piece;
    at += piece;
  }
}

for (const { name, wire, messages } of chunkCases) {
  const expected = messages.map(plain);
  test(`${name}: in one piece`, () => {
    assert.deepEqual(read(wire).map(plain), expected);
  });
  test(`${name}: one byte at a time`, () => {
    assert.deepEqual(readAll(wire, Array(wire.length).fill(1)).map(plain), expected);
  });
  test(`${name}: cut in two anywhere, and cut off anywhere`, () => {
    for (let cut = 0; cut <= wire.length; cut += 1) {
      const reader = new ChunkReader();
      const before = [...reader.push(wire.slice(0, cut))].map(plain);
      assert.deepEqual(before, expected.slice(0, before.length), `the first ${cut} bytes`);
      const after = [...reader.push(wire.slice(cut))].map(plain);
      assert.deepEqual([...before, ...after], expected, `cut at ${cut}`);
    }
  });
}

test('random conversations come out as they went in, however chunked and split', () => {
  const random = new Random(20);
  for (let run = 0; run < 60; run += 1) {
    const encoder = new ChunkEncoder();
    encoder.chunkBytes = random.pick([1, 2, 3, 5, 64, 127, 128, 129, 4096]);
    const reader = new ChunkReader({ wireChunkBytes: random.pick([1, 7, 128, 60_000]) });
    for (const _ of reader.push(chunkSizeMessage(encoder.chunkBytes)));
    const csids = [3, 4, 63, 64, 319, 320, 65_599];
    const clocks = new Map(csids.map((csid) => [csid, random.pick([0, 1000, 0xff_fff0, 0xffff_ff00])]));
    const omitRepeatedTimestamp = random.oneIn(3);
    const sent: RtmpMessage[] = [];
    const wire: Uint8Array[] = [];
    for (let i = 0; i < 40; i += 1) {
      const csid = random.pick(csids);
      const step = random.pick([0, 20, 20, 20, 40, 0xff_ffff, 0x0123_4567]);
      const timestampMs = (clocks.get(csid)! + step) >>> 0;
      clocks.set(csid, timestampMs);
      const payload = random.bytes(random.pick([0, 1, 10, 10, 128, 300]));
      const message = {
        typeId: random.pick([8, 9, 18, 20]),
        streamId: random.pick([1, 1, 1, 2]),
        timestampMs,
        payload,
      };
      sent.push(message);
      wire.push(
        encoder.encode(message, csid, { omitRepeatedTimestamp: omitRepeatedTimestamp && payload.length > 0 }),
      );
    }
    const bytes = Buffer.concat(wire);
    const got = readAll(bytes, piecesOf(random, bytes.length, random.pick([1, 3, 20, 500, 10_000])), reader);
    assert.deepEqual(got.map(plain), sent.map(plain), `run ${run}`);
  }
});

test('interleaved messages come out in the order in which they end', () => {
  const random = new Random(7);
  for (let run = 0; run < 40; run += 1) {
    const encoder = new ChunkEncoder();
    const queues = [4, 5, 6, 7].map((csid) => {
      const message = {
        typeId: 9,
        streamId: csid,
        timestampMs: csid,
        payload: random.bytes(random.below(1500)),
      };
      return { message, chunks: encoder.chunks(message, csid) };
    });
    const wire: Uint8Array[] = [];
    const ended: RtmpMessage[] = [];
    while (queues.some((queue) => queue.chunks.length > 0)) {
      const queue = random.pick(queues.filter((candidate) => candidate.chunks.length > 0));
      wire.push(queue.chunks.shift()!);
      if (queue.chunks.length === 0) ended.push(queue.message);
    }
    const bytes = Buffer.concat(wire);
    assert.deepEqual(readAll(bytes, piecesOf(random, bytes.length, 400)).map(plain), ended.map(plain));
  }
});

function chunkSizeMessage(chunkBytes: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, chunkBytes);
  return new ChunkEncoder().encode({ typeId: 1, streamId: 0, timestampMs: 0, payload }, 2);
}

/** A first chunk, 128 bytes of a message of `length`. */
function beginning(csid: number, length: number, typeId = 9): Uint8Array {
  const lengthBytes = [length >>> 16, (length >>> 8) & 0xff, length & 0xff];
  return Uint8Array.from([
    ...basicHeader(0, csid),
    0,
    0,
    0,
    ...lengthBytes,
    typeId,
    1,
    0,
    0,
    0,
    ...ramp(128),
  ]);
}

test('the size of a chunk is 1 to 2³¹−1', () => {
  for (const chunkBytes of [1, 0x7fff_ffff]) {
    const reader = new ChunkReader();
    for (const _ of reader.push(chunkSizeMessage(chunkBytes)));
    assert.equal(reader.chunkBytes, chunkBytes);
  }
  for (const chunkBytes of [0, 0x8000_0000]) {
    assert.throws(() => [...new ChunkReader().push(chunkSizeMessage(chunkBytes))], {
      name: 'DecodeError',
      code: 'ERR_CHUNK_SIZE',
      message: `chunk size ${chunkBytes} is not in 1 … 2147483647`,
    });
  }
});

const ofThreeBytes = (typeId: number) =>
  new ChunkEncoder().encode({ typeId, streamId: 0, timestampMs: 0, payload: ramp(3) }, 2);

test('Set Chunk Size with too few bytes is refused', () => {
  assert.throws(() => read(ofThreeBytes(MessageType.SetChunkSize)), {
    name: 'DecodeError',
    code: 'ERR_BYTES_SHORT',
  });
});

test('Abort with too few bytes does nothing', () => {
  assert.equal(read(ofThreeBytes(MessageType.Abort)).length, 1);
});

test('Abort of a chunk stream that is idle or unknown does nothing', () => {
  const messages = read(
    hex(`02 000000 000004 02 00000000 00000004
                             04 000000 000001 09 01000000 aa
                             02 000000 000004 02 00000000 00000004
                             c4 bb`),
  );
  assert.deepEqual(
    messages.filter((message) => message.typeId === 9).map((message) => toHex(message.payload)),
    ['aa', 'bb'],
  );
});

test('a chunk stream cannot begin with fmt 2 or 3', () => {
  for (const wire of ['84 000000 aa', 'c4 aa']) {
    assert.throws(() => read(hex(wire)), { name: 'DecodeError', code: 'ERR_CHUNK_HEADLESS' });
  }
});

test('a message beyond the limit is refused at its header', () => {
  assert.equal(read(beginning(4, 8 << 20)).length, 0);
  assert.throws(() => read(beginning(4, (8 << 20) + 1)), {
    name: 'DecodeError',
    code: 'ERR_CHUNK_MESSAGE_BYTES',
    message: 'message of 8388609 bytes (type 9, csid 4), the limit is 8388608',
  });
});

test('64 half-received messages are borne, and a control message besides, but not a 65th', () => {
  const reader = new ChunkReader();
  for (let csid = 10; csid < 74; csid += 1) assert.deepEqual([...reader.push(beginning(csid, 129))], []);
  const ack = hex('02 000000 000004 05 00000000 002625a0');
  assert.equal([...reader.push(ack)].length, 1);
  // One of them ends, so there is room for another.
  assert.equal([...reader.push(Uint8Array.of(...basicHeader(3, 10), 0xff))].length, 1);
  assert.deepEqual([...reader.push(beginning(100, 129))], []);
  // An aborted one leaves room too.
  assert.equal([...reader.push(hex('02 000000 000004 02 00000000 0000000b'))].length, 1);
  assert.deepEqual([...reader.push(beginning(101, 129))], []);
  assert.throws(() => [...reader.push(beginning(102, 129))], {
    name: 'DecodeError',
    code: 'ERR_CHUNK_HALF_RECEIVED',
    message: '65 half-received messages, the limit is 64',
  });
});

test('no more than 1024 chunk streams are remembered', () => {
  const encoder = new ChunkEncoder();
  const reader = new ChunkReader();
  const message = { typeId: 18, streamId: 1, timestampMs: 0, payload: ramp(1) };
  for (let csid = 2; csid < 2 + 1024; csid += 1) for (const _ of reader.push(encoder.encode(message, csid)));
  assert.equal([...reader.push(encoder.encode(message, 2))].length, 1);
  assert.throws(() => [...reader.push(encoder.encode(message, 1026))], { code: 'ERR_CHUNK_STREAMS' });
});

test('half-received bytes are limited, and free again once a message is whole or aborted', () => {
  const payload = ramp(1000);
  const reader = new ChunkReader({ maxHalfReceivedBytes: 2100 });
  const encoder = new ChunkEncoder();
  const [firstOfA, ...restOfA] = encoder.chunks({ typeId: 20, streamId: 0, timestampMs: 0, payload }, 4);
  const push = (...chunks: Uint8Array[]) => chunks.flatMap((chunk) => [...reader.push(chunk)]).length;
  assert.equal(push(firstOfA!, beginning(5, 1000, 20)), 0);
  assert.equal(push(...restOfA), 1);
  assert.equal(push(beginning(6, 1000, 20)), 0);
  assert.equal(push(hex('02 000000 000004 02 00000000 00000005')), 1);
  assert.equal(push(beginning(7, 1000, 20)), 0);
  assert.throws(() => push(beginning(8, 1000, 20)), {
    name: 'DecodeError',
    code: 'ERR_CHUNK_HALF_RECEIVED_BYTES',
  });
});

/** Bytes that Buffer is asked for meanwhile, and how many of them can share a slab of Node's pool. */
function allocatedBy(run: () => void): { bytes: number; pooled: number } {
  const methods = [mock.method(Buffer, 'allocUnsafe'), mock.method(Buffer, 'allocUnsafeSlow')] as const;
  try {
    run();
    const [pooled, own] = methods.map(({ mock }) => sum(mock.calls.map((call) => call.arguments[0])));
    return { bytes: pooled! + own!, pooled: pooled! };
  } finally {
    for (const method of methods) method.mock.restore();
  }
}

for (const length of [200_000, 8 << 20]) {
  test(`a header that claims ${length} bytes costs what has arrived of them`, () => {
    const { bytes } = allocatedBy(() => {
      const reader = new ChunkReader();
      for (let csid = 10; csid < 74; csid += 1) for (const _ of reader.push(beginning(csid, length)));
      assert.equal(reader.heldBytes, 64 * 1024 + 32 * 200); // 32 chunk streams cost nothing
      assert.ok(reader.missingBytes >= 64 * (length - 1024));
    });
    assert.ok(bytes <= 64 * 1024, `${bytes} bytes for 64 claims`);
  });
}

test('a peer that has sent a megabyte gets as much for lengths that it claims, and no more', () => {
  const reader = new ChunkReader();
  const payload = new Uint8Array(1 << 20);
  for (const _ of reader.push(
    new ChunkEncoder().encode({ typeId: 9, streamId: 1, timestampMs: 0, payload }, 4),
  ));
  const { bytes } = allocatedBy(() => {
    for (let csid = 10; csid < 74; csid += 1) for (const _ of reader.push(beginning(csid, 200_000)));
  });
  assert.ok(bytes > 900_000, `${bytes} bytes`);
  assert.ok(bytes <= (1 << 20) + 64 * 1024, `${bytes} bytes`);
});

test('small messages that stay unfinished have memory of their own, no slab of the pool each', () => {
  const { pooled } = allocatedBy(() => {
    const reader = new ChunkReader();
    for (const _ of reader.push(new ChunkEncoder().encode(chunkCases[0]!.messages[0]!, 4)));
    for (let csid = 10; csid < 74; csid += 1) for (const _ of reader.push(beginning(csid, 129)));
  });
  assert.ok(pooled <= 1024, `${pooled} bytes of the pool`);
});

test('what is held is free again when messages are whole, aborted or discarded', () => {
  const reader = new ChunkReader();
  for (const _ of reader.push(beginning(10, 200_000)));
  assert.equal(reader.heldBytes, 1024);
  for (const _ of reader.push(hex('02 000000 000004 02 00000000 0000000a')));
  assert.equal(reader.heldBytes, 0);
  assert.equal(reader.missingBytes, 0);
  for (const _ of reader.push(beginning(11, 129)));
  assert.ok(reader.heldBytes > 0);
  for (const _ of reader.push(Uint8Array.of(...basicHeader(3, 11), 0xff)));
  assert.equal(reader.heldBytes, 0);
  for (const _ of reader.push(beginning(12, 200_000)));
  reader.discard();
  assert.equal(reader.heldBytes, 0);
});

test('before connect no message and no sum of unfinished ones is larger than the early limit', () => {
  const early = () => new ChunkReader({ earlyBytes: 10_000 });
  assert.deepEqual(read(beginning(4, 10_000, 20), { earlyBytes: 10_000 }), []);
  assert.throws(() => read(beginning(4, 10_001, 20), { earlyBytes: 10_000 }), {
    code: 'ERR_CHUNK_EARLY_BYTES',
    message: 'message of 10001 bytes (type 20, csid 4) before connect, the limit is 10000',
  });
  const reader = early();
  assert.throws(
    () => {
      for (let csid = 10; csid < 74; csid += 1) for (const _ of reader.push(beginning(csid, 5_000, 20)));
    },
    { code: 'ERR_CHUNK_EARLY_BYTES', message: /^unfinished messages hold \d+ bytes before connect/ },
  );
  const connected = early();
  connected.earlyBytes = undefined;
  assert.deepEqual([...connected.push(beginning(4, 10_001, 20))], []);
});

test('chunk streams that a connection opens without need count as memory that it holds', () => {
  const encoder = new ChunkEncoder();
  const reader = new ChunkReader();
  const message = { typeId: 18, streamId: 1, timestampMs: 0, payload: ramp(1) };
  for (let csid = 2; csid < 34; csid += 1) for (const _ of reader.push(encoder.encode(message, csid)));
  assert.equal(reader.heldBytes, 0);
  for (let csid = 34; csid < 1026; csid += 1) for (const _ of reader.push(encoder.encode(message, csid)));
  assert.equal(reader.heldBytes, 992 * 200);
});

test('what arrives in full comes out in full, however it was announced', () => {
  for (const typeId of [9, 20]) {
    const message = { typeId, streamId: 1, timestampMs: 0x2000000, payload: ramp(5_000_001) };
    assert.deepEqual(read(new ChunkEncoder().encode(message, 4)).map(plain), [plain(message)]);
  }
});

test('a message that grows as it arrives has room for its chunk headers too', () => {
  const message = { typeId: 9, streamId: 1, timestampMs: 0x2000000, payload: ramp(1_100_000) };
  const wire = new ChunkEncoder().encode(message, 4);
  const read = readAll(wire, Array(20).fill(60_000), new ChunkReader({ wireChunkBytes: 3 }));
  assert.deepEqual(read.map(plain), [plain(message)]);
});

test('what grows as it arrives counts as half-received', () => {
  const reader = new ChunkReader();
  for (const _ of reader.push(chunkSizeMessage(6 << 20)));
  const encoder = new ChunkEncoder();
  encoder.chunkBytes = 6 << 20;
  const push = (csid: number) => {
    const message = { typeId: 20, streamId: 0, timestampMs: 0, payload: new Uint8Array(8 << 20) };
    return [...reader.push(encoder.chunks(message, csid)[0]!)].length;
  };
  assert.equal(push(4), 0);
  assert.equal(push(5), 0);
  assert.throws(() => push(6), { code: 'ERR_CHUNK_HALF_RECEIVED_BYTES' });
});

test('audio and video come in wire shape, data and commands bare unless asked for', () => {
  const encoder = new ChunkEncoder();
  const types = [8, 9, 15, 18, 20, 22];
  const wire = Buffer.concat(
    types.map((typeId, i) =>
      encoder.encode({ typeId, streamId: 3, timestampMs: i, payload: ramp(4) }, 10 + i),
    ),
  );
  const inWireShape = (options?: ChunkReaderOptions) =>
    read(wire, options)
      .filter((message) => message instanceof WireMessage)
      .map((message) => message.typeId);
  assert.deepEqual(inWireShape(), [8, 9]);
  assert.deepEqual(inWireShape({ wireTypes: [8, 9, 15, 18] }), [8, 9, 15, 18]);
});

test('the bytes of the wire shape are one type-0 header, our chunk size, message stream 1', () => {
  const options = { wireChunkBytes: 4 };
  const [audio] = read(hex('0a 000010 000006 08 09000000 af01 aabbccdd'), options) as WireMessage[];
  assert.equal(toHex(audio!.wire), toHex(hex('04 000010 000006 08 01000000 af01aabb  c4 ccdd')));
  assert.equal(audio!.streamId, 9);
  const [video] = read(hex('0a ffffff 000005 09 09000000 01020304 2701 aabbcc'), options) as WireMessage[];
  assert.equal(
    toHex(video!.wire),
    toHex(hex('06 ffffff 000005 09 01000000 01020304 2701aabb  c6 01020304 cc')),
  );
});

test('the wire shape, read again, is the message that came in', () => {
  const random = new Random(3);
  for (const wireChunkBytes of [1, 2, 127, 128, 60_000]) {
    for (const timestampMs of [0, 0xff_fffe, 0xff_ffff, 0xffff_ffff]) {
      for (const length of [0, 1, 127, 128, 129, 256, 1000]) {
        const payload = random.bytes(length);
        const came = { typeId: 9, streamId: 1, timestampMs, payload };
        const [message] = read(new ChunkEncoder().encode(came, 9), { wireChunkBytes }) as WireMessage[];
        const again = new ChunkReader();
        for (const _ of again.push(chunkSizeMessage(wireChunkBytes)));
        assert.deepEqual([...again.push(message!.wire)].map(plain), [plain(came)]);
      }
    }
  }
});

test('a new wire chunk size holds for the messages that begin after it', () => {
  const reader = new ChunkReader({ wireChunkBytes: 200 });
  const chunks = new ChunkEncoder().chunks({ typeId: 9, streamId: 1, timestampMs: 0, payload: ramp(300) }, 4);
  const messages = chunks.flatMap((chunk, i) => {
    if (i === 1) reader.wireChunkBytes = 1000;
    return [...reader.push(chunk)];
  });
  const next = [...reader.push(new ChunkEncoder().encode(messages[0]!, 4))];
  assert.deepEqual(
    [...messages, ...next].map((message) => (message as WireMessage).wire.length),
    [12 + 300 + 1, 12 + 300],
  );
});

test('of a peer that has sent something, a media message costs one allocation and one copy of its payload', () => {
  const encoder = new ChunkEncoder();
  encoder.chunkBytes = 4096;
  const reader = new ChunkReader();
  for (const _ of reader.push(chunkSizeMessage(4096)));
  const before = { typeId: 9, streamId: 1, timestampMs: 0, payload: ramp(60_000) };
  for (const _ of reader.push(encoder.encode(before, 4)));
  const sizes = [8400, 370, 370, 60_000, 8400, 370, 12];
  const wire = Buffer.concat(
    sizes.map((size, i) =>
      encoder.encode(
        { typeId: 8 + (size > 1000 ? 1 : 0), streamId: 1, timestampMs: i, payload: ramp(size) },
        4,
      ),
    ),
  );
  const allocUnsafe = mock.method(Buffer, 'allocUnsafe');
  const concat = mock.method(Buffer, 'concat');
  const typedArray: Uint8Array = Object.getPrototypeOf(Uint8Array.prototype);
  const set = mock.method(typedArray, 'set');
  try {
    let messages = 0;
    for (let at = 0; at < wire.length; at += 10_000) {
      for (const _ of reader.push(wire.subarray(at, at + 10_000))) messages += 1;
    }
    assert.equal(messages, sizes.length);
    assert.equal(allocUnsafe.mock.callCount(), sizes.length);
    assert.equal(concat.mock.callCount(), 0);
    const copied = set.mock.calls.map((call) => call.arguments[0].length);
    assert.equal(sum(copied), sum(sizes));
  } finally {
    allocUnsafe.mock.restore();
    concat.mock.restore();
    set.mock.restore();
  }
});

test('what the chunk layer consumed is acted on before the next message of the same push is yielded', () => {
  const reader = new ChunkReader();
  const wire = hex('02 000000 000004 01 00000000 00001000  04 000000 000001 09 01000000 aa');
  const seen: number[] = [];
  for (const message of reader.push(wire)) seen.push(message.typeId, reader.chunkBytes);
  assert.deepEqual(seen, [1, 4096, 9, 4096]);
  assert.equal(reader.bytesReceived, wire.length);
});
