import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as openSocket } from 'node:net';
import { test } from 'node:test';
import { CodedError } from '../../../src/errors.ts';
import type { AmfValue } from '../../../src/protocol/amf/amf.ts';
import { AMF_LIMITS } from '../../../src/protocol/amf/amf-budget.ts';
import { HANDSHAKE_PACKET_BYTES } from '../../../src/protocol/handshake/handshake-digest.ts';
import { encodeData } from '../../../src/protocol/rtmp/command.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { Core, type CoreOptions, until } from '../../support/core.ts';
import { hex } from '../../support/hex.ts';
import { audio, video } from '../../support/media.ts';
import { Random } from '../../support/random.ts';
import type { RtmpPeer } from '../../support/rtmp-peer.ts';

/** The one who misbehaves is closed with one record that names code and client; a stream beside it misses nothing. */
async function isShownTheDoor(
  code: string | RegExp,
  misbehave: (core: Core) => Promise<unknown>,
  options?: CoreOptions,
) {
  await using core = await Core.start(options);
  const { peer: publisher, id } = await core.publisher('neighbour');
  const { peer: player } = await core.player('neighbour');
  publisher.video(id, 0, video.keyframe());
  await misbehave(core);
  await until('the end of it', () => core.sessionCount === 2);
  publisher.video(id, 40, video.frame());
  await until('both pictures', () => player.heard.filter(({ media }) => media).length === 2);
  const [record, ...more] = core.trouble;
  assert.deepEqual(more, []);
  assert.equal(record?.event, 'bad-input');
  assert.match(String(record?.code), code instanceof RegExp ? code : new RegExp(`^${code}$`));
  assert.match(String(record?.client), /^[\w-]{12}$/);
  assert.equal(record?.ip, '127.0.0.1');
  assert.ok(JSON.stringify(record).length < 1_000);
}

/** A socket that says this and waits for its end. */
async function say(core: Core, ...parts: Uint8Array[]): Promise<void> {
  const socket = openSocket(core.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  for (const part of parts) socket.write(part);
  await once(socket, 'close');
}

async function connected(core: Core): Promise<RtmpPeer> {
  const peer = await core.peer();
  await peer.connect('live');
  return peer;
}

const HANDSHAKE = Buffer.concat([Uint8Array.of(3), Buffer.alloc(2 * HANDSHAKE_PACKET_BYTES)]);

test('random bytes of no protocol', async () => {
  await using core = await Core.start();
  await say(core, Uint8Array.of(0x80), new Random(1).bytes(5_000));
  const refused = core.log.filter(({ event }) => event === 'connection-refused');
  assert.deepEqual(
    refused.map(({ ip, reason }) => [ip, reason]),
    [['127.0.0.1', 'it speaks no RTMP and no HTTP']],
  );
});

test('an encrypted handshake without a digest', async () => {
  for (const [version, code] of [
    [6, 'ERR_RTMPE_KEY'],
    [9, 'ERR_RTMPE_KEY'],
  ] as const) {
    await isShownTheDoor(code, (core) => say(core, Uint8Array.of(version), new Random(1).bytes(5_000)));
  }
});

for (let seed = 1; seed <= 8; seed += 1) {
  test(`random bytes behind the handshake (${seed})`, () =>
    isShownTheDoor(/^ERR_/, async (core) => {
      const closed = say(core, HANDSHAKE, new Random(seed).bytes(200_000));
      // what makes sense by accident waits for more, and then for the connect command that never comes
      await Promise.race([closed, until('a record', () => core.trouble.length > 0)]);
      await closed;
    }));
}

for (const [what, code, bytes] of [
  ['a message longer than any', 'ERR_CHUNK_MESSAGE_BYTES', '03 000000 ffffff 14 00000000'],
  ['a first header that says nothing', 'ERR_CHUNK_HEADLESS', 'c3'],
  ['a chunk size of 0', 'ERR_CHUNK_SIZE', '02 000000 000004 01 00000000 00000000'],
  ['a chunk size of 2^31', 'ERR_CHUNK_SIZE', '02 000000 000004 01 00000000 80000000'],
  ['half a chunk size', 'ERR_BYTES_SHORT', '02 000000 000002 01 00000000 0000'],
  ['an empty command', 'ERR_RTMP_COMMAND', '03 000000 000000 14 00000000'],
  ['a command whose name is a number', 'ERR_RTMP_COMMAND', '03 000000 000009 14 00000000 000000000000000000'],
  ['a command of unknown markers', /ERR_AMF/, '03 000000 000004 14 00000000 ffffffff'],
  ['a string longer than its message', 'ERR_BYTES_SHORT', '03 000000 000004 14 00000000 02ffff61'],
] as [string, string | RegExp, string][]) {
  test(what, () => isShownTheDoor(code, (core) => say(core, HANDSHAKE, hex(bytes))));
}

test('more half-received messages than anybody needs', () =>
  isShownTheDoor('ERR_CHUNK_HALF_RECEIVED', async (core) => {
    const chunks = Array.from({ length: 100 }, (_, i) => [
      hex(`00 ${(i & 0xff).toString(16).padStart(2, '0')} 000000 001000 09 01000000`),
      Buffer.alloc(128),
    ]);
    const peer = await connected(core);
    for (const chunk of chunks.flat()) peer.socket.write(chunk);
    await peer.closed();
  }));

/** An AMF0 value nested so deep. */
function nested(depth: number): Uint8Array {
  return Buffer.concat([Buffer.alloc(depth * 5, hex('0a00000001')), Uint8Array.of(5)]);
}

const NAME = hex('02 0001 61  000000000000000000');

for (const [what, code, bomb] of [
  ['a value nested a hundred thousand times', 'ERR_AMF_DEPTH', Buffer.concat([NAME, nested(100_000)])],
  ['more values than a message may have', 'ERR_AMF_VALUES', Buffer.concat([NAME, Buffer.alloc(200_000, 5)])],
] as [string, string, Buffer][]) {
  test(`a command with ${what}`, () =>
    isShownTheDoor(code, async (core) => {
      const peer = await connected(core);
      peer.send({ typeId: MessageType.CommandAmf0, streamId: 0, timestampMs: 0, payload: bomb });
      await peer.closed();
    }));

  test(`a data message with ${what}`, () =>
    isShownTheDoor(code, async (core) => {
      const { peer, id } = await core.publisher('cam');
      peer.send({ typeId: MessageType.DataAmf0, streamId: id, timestampMs: 0, payload: bomb });
      await peer.closed();
    }));
}

test('the limits that an operator has set hold for data messages, too', () =>
  isShownTheDoor(
    'ERR_AMF_DEPTH',
    async (core) => {
      const { peer, id } = await core.publisher('cam');
      peer.data('onTextData', [[[[[[[[[[1]]]]]]]]]], id);
      await peer.closed();
    },
    { session: { amf: { ...AMF_LIMITS, depth: 8 } } },
  ));

// ── what is only odd ─────────────────────────────────────────────────────────────────────────────────────────────

test('odd messages are passed over', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  const id = await peer.createStream();
  peer.video(id, 0, video.keyframe()); // nobody publishes
  peer.audio(77, 0, audio.frame()); // on no stream at all
  peer.data('@setDataFrame', ['onMetaData', {}], id);
  peer.data('hello', [], 0);
  for (const typeId of [0, 7, 10, 16, 19, 21, 23, 255]) {
    peer.send({ typeId, streamId: id, timestampMs: 0, payload: Uint8Array.of(1, 2, 3) });
  }
  peer.send({ typeId: MessageType.UserControl, streamId: 0, timestampMs: 0, payload: hex('00ff 0102') }); // an event of its own
  peer.send({ typeId: MessageType.Abort, streamId: 0, timestampMs: 0, payload: hex('00000063') }); // of nothing
  peer.send({ typeId: MessageType.Acknowledgement, streamId: 0, timestampMs: 0, payload: hex('ffffffff') });
  await peer.settle();
  assert.deepEqual(core.trouble, []);
});

test('a value as deep as the limit is read and relayed', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  let deep: AmfValue = 1;
  for (let i = 0; i < 63; i += 1) deep = [deep];
  assert.throws(() => encodeData({ name: 'x', values: [[[deep]]] }, 0), CodedError);
  peer.data('onTextData', [deep], id);
  await peer.settle();
  assert.deepEqual(core.trouble, []);
});
