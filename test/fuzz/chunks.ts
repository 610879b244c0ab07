// Targets: the handshake and the chunk layer, which have to make the same of the same bytes however they come.

import {
  ClientHandshake,
  type ClientHandshakeOptions,
  HANDSHAKE_RANDOM_BYTES,
  type HandshakeStep,
  ServerHandshake,
} from '../../src/protocol/handshake/handshake.ts';
import { DigestScheme } from '../../src/protocol/handshake/handshake-digest.ts';
import { ChunkReader } from '../../src/protocol/rtmp/chunk-reader.ts';
import { MessageType, type RtmpMessage } from '../../src/protocol/rtmp/message.ts';
import { WireMessage } from '../../src/protocol/rtmp/wire-message.ts';
import { chunkCases } from '../protocol/rtmp/chunk.cases.ts';
import { ChunkEncoder, type Fmt } from '../support/chunk-encoder.ts';
import { toHex } from '../support/hex.ts';
import { Random } from '../support/random.ts';
import { Choices } from './choices.ts';
import { check, refused, type Target } from './target.ts';

// ── chunk streams ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Small enough for inputs to reach them; every other input is read with those that servers have. */
const SMALL_LIMITS = { maxMessageBytes: 40_000, maxHalfReceived: 8, maxHalfReceivedBytes: 60_000 };
const WIRE_TYPES = [MessageType.Audio, MessageType.Video, MessageType.DataAmf0];

interface Read {
  messages: RtmpMessage[];
  wasRefused: boolean;
}

/** Through a buffer that is overwritten after each push, as a socket's is. */
function read(input: Uint8Array, piece: number, wireChunkBytes: number): Read {
  const limits = input.length % 2 === 0 ? SMALL_LIMITS : {};
  const reader = new ChunkReader({ ...limits, wireTypes: WIRE_TYPES, wireChunkBytes });
  const messages: RtmpMessage[] = [];
  const wasRefused = refused(() => {
    for (let at = 0; at < input.length; at += piece) {
      const bytes = Uint8Array.from(input.subarray(at, at + piece));
      for (const message of reader.push(bytes)) messages.push(message);
      bytes.fill(0xee);
    }
  });
  return { messages, wasRefused };
}

function describe({ typeId, streamId, timestampMs, payload }: RtmpMessage): string {
  return `${typeId} ${streamId} ${timestampMs} ${toHex(payload)}`;
}

function chunkProperties(input: Uint8Array): Read {
  const whole = read(input, Math.max(1, input.length), 128);
  const expected = whole.messages.map(describe).join('\n');
  for (const piece of [1, 13, 1460]) {
    const split = read(input, piece, 128);
    check(split.wasRefused === whole.wasRefused, `refused in pieces of ${piece} or as a whole, not both`);
    check(split.messages.map(describe).join('\n') === expected, `read in pieces of ${piece}, it differs`);
  }
  for (const wireChunkBytes of [1, 128, 60_000]) {
    const { messages } = read(input, 1460, wireChunkBytes);
    for (const message of messages.slice(0, 5)) checkWire(message, wireChunkBytes);
  }
  return whole;
}

/** What leaves to players, read by one of them, is what came in. */
function checkWire(message: RtmpMessage, chunkBytes: number): void {
  if (!(message instanceof WireMessage)) return;
  const player = new ChunkReader({ wireTypes: [] });
  for (const _ of player.push(setChunkSize(chunkBytes)));
  const [again, ...more] = [...player.push(message.wire)];
  check(again !== undefined && more.length === 0, 'the wire shape is not one message');
  check(
    describe(again) === describe({ ...plain(message), streamId: 1 }),
    'the wire shape says something else',
  );
}

function plain({ typeId, streamId, timestampMs, payload }: RtmpMessage): RtmpMessage {
  return { typeId, streamId, timestampMs, payload };
}

function setChunkSize(chunkBytes: number): Uint8Array {
  const payload = bytesOfU32(chunkBytes);
  return new ChunkEncoder().encode(
    { typeId: MessageType.SetChunkSize, streamId: 0, timestampMs: 0, payload },
    2,
  );
}

const chunks: Target = {
  name: 'chunks',
  seeds: chunkCases.map(({ wire }) => wire),
  maxBytes: 16 << 10,
  weight: 2,
  run: (input) => void chunkProperties(input),
};

/** A conversation that a right-minded encoder could have: everything in it has to come out. */
interface Conversation {
  wire: Uint8Array;
  /** In the order in which they end. */
  expected: RtmpMessage[];
}

const CSIDS = [2, 3, 4, 63, 64, 319, 320, 65_599];
const STEPS = [0, 0, 20, 20, 40, 0xff_fffe, 0xff_ffff, 0x100_0000, 0xffff_fff0];
const LENGTHS = [0, 1, 2, 3, 10, 127, 128, 129, 255, 300, 700];

/** Up to four chunk streams at a time, each in the middle of a message or between two. */
function converse(choices: Choices): Conversation {
  const encoder = new ChunkEncoder();
  const wire: Uint8Array[] = [];
  const expected: RtmpMessage[] = [];
  const open = new Map<number, { message: RtmpMessage; chunks: Uint8Array[] }>();
  const clocks = new Map<number, number>();
  const begun = new Set<number>();

  const begin = (csid: number): void => {
    const timestampMs = ((clocks.get(csid) ?? 0) + choices.pick(STEPS)) >>> 0;
    clocks.set(csid, timestampMs);
    const typeId = choices.pick([8, 9, 18, 20, 22]);
    const streamId = choices.pick([1, 1, 1, 0, 0xffff_ffff]);
    // a ramp that never looks like an extended timestamp
    const payload = new Uint8Array(choices.pick(LENGTHS)).map((_, i) => 0x40 + ((i + csid) & 0x3f));
    const message = { typeId, streamId, timestampMs, payload };
    const fmt: Fmt | undefined = !begun.has(csid) || choices.oneIn(4) ? 0 : undefined;
    begun.add(csid);
    const parts = encoder.chunks(message, csid, { ...(fmt === undefined ? {} : { fmt }) });
    open.set(csid, { message, chunks: parts });
  };
  const advance = (csid: number): void => {
    const { message, chunks: parts } = open.get(csid)!;
    wire.push(parts.shift()!);
    if (parts.length > 0) return;
    open.delete(csid);
    expected.push(message);
  };

  while (!choices.isOver) {
    const csid = choices.pick(CSIDS);
    if (open.has(csid)) advance(csid);
    else if (open.size === 0 && choices.oneIn(8)) {
      // between messages, for the encoder cuts them into chunks when they begin
      const chunkBytes = choices.pick([1, 2, 64, 127, 128, 129, 4096]);
      const message = { typeId: 1, streamId: 0, timestampMs: 0, payload: bytesOfU32(chunkBytes) };
      wire.push(encoder.encode(message, 2, { fmt: 0 }));
      encoder.chunkBytes = chunkBytes;
      expected.push(message);
      begun.add(2);
      clocks.set(2, 0);
    } else if (open.size < 4) begin(csid);
    else advance([...open.keys()][0]!);
  }
  for (const csid of [...open.keys()]) while (open.has(csid)) advance(csid);
  return { wire: Buffer.concat(wire), expected };
}

function bytesOfU32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return Uint8Array.from(bytes);
}

const conversation: Target = {
  name: 'chunk-conversation',
  seeds: [],
  maxBytes: 300,
  generate: (random) => random.bytes(random.below(150)),
  run(input) {
    const { wire, expected } = converse(new Choices(input));
    const { messages, wasRefused } = chunkProperties(wire);
    check(!wasRefused, 'it was refused');
    check(
      messages.map(describe).join('\n') === expected.map(describe).join('\n'),
      `${messages.length} messages of ${expected.length}, or not the same`,
    );
  },
};

// ── the handshake ────────────────────────────────────────────────────────────────────────────────────────────────────

type Kind = Pick<ClientHandshakeOptions, 'scheme' | 'rtmpe'>;

function options(seed: number): ClientHandshakeOptions {
  return { random: new Random(seed).bytes(HANDSHAKE_RANDOM_BYTES), timeMs: 7 };
}

function openServer(): ServerHandshake {
  return new ServerHandshake({ ...options(2), rtmpe: true });
}

/** What a client says, all of it, and something behind it. */
function clientBytes(kind: Kind): Uint8Array {
  const client = new ClientHandshake({ ...options(1), ...kind });
  const c0c1 = client.start();
  const { send } = openServer().push(c0c1);
  return Buffer.concat([c0c1, client.push(send).send, Buffer.from('behind')]);
}

/** The same of a server. */
function serverBytes(kind: Kind): Uint8Array {
  const client = new ClientHandshake({ ...options(1), ...kind });
  return Buffer.concat([openServer().push(client.start()).send, Buffer.from('behind')]);
}

interface Side {
  push(bytes: Uint8Array): HandshakeStep;
}

function shake(side: Side, input: Uint8Array, piece: number): string {
  const sent: Uint8Array[] = [];
  let rest: Uint8Array | undefined;
  let at = 0;
  const wasRefused = refused(() => {
    for (; at < input.length && rest === undefined; at += piece) {
      const step = side.push(input.subarray(at, at + piece));
      sent.push(step.send);
      rest = step.rest;
    }
  });
  const behind = rest === undefined ? 'not over' : toHex(Buffer.concat([rest, input.subarray(at)]));
  return wasRefused ? 'refused' : `${toHex(Buffer.concat(sent))} | ${behind}`;
}

function handshakeTarget(name: string, seeds: Uint8Array[], open: () => Side): Target {
  return {
    name,
    seeds,
    maxBytes: 4000,
    run(input) {
      const whole = shake(open(), input, Math.max(1, input.length));
      check(shake(open(), input, 7) === whole, 'in pieces of 7 it differs');
      check(shake(open(), input, 1536) === whole, 'in pieces of 1536 it differs');
    },
  };
}

function openClient(kind: Kind): () => ClientHandshake {
  return () => {
    const client = new ClientHandshake({ ...options(1), ...kind });
    client.start();
    return client;
  };
}

const SCHEMES = [DigestScheme.First, DigestScheme.Second];
const CLEAR: Kind[] = [{}, ...SCHEMES.map((scheme) => ({ scheme }))];
const ENCRYPTED: Kind[] = SCHEMES.flatMap((scheme) =>
  ([6, 8, 9] as const).map((rtmpe) => ({ scheme, rtmpe })),
);

export const chunkTargets: readonly Target[] = [
  handshakeTarget('server-handshake', [...CLEAR, ...ENCRYPTED].map(clientBytes), openServer),
  handshakeTarget('client-handshake', CLEAR.map(serverBytes), openClient(CLEAR[1]!)),
  handshakeTarget('rtmpe-client-handshake', ENCRYPTED.map(serverBytes), openClient(ENCRYPTED[0]!)),
  chunks,
  conversation,
];
