import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DigestScheme } from '../../../src/protocol/handshake/handshake-digest.ts';
import { Core, until } from '../../support/core.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import { TunnelClient } from '../../support/tunnel-client.ts';

const ENCRYPTED = { rtmpe: 6, scheme: DigestScheme.First } as const;
const folder = await mkdtemp(join(tmpdir(), 'understudy-rtmpe-'));
after(() => rm(folder, { recursive: true }));

/** Large ones too, which leave in several pieces. */
const FRAMES = Array.from({ length: 20 }, (_, i) =>
  Buffer.concat([Buffer.from(i === 0 ? '1701000000' : '2701000000', 'hex'), randomBytes(1 + i * 9_000)]),
);

async function clientOf(core: Core): Promise<{ protocol: string; secure: boolean; uri: string }> {
  const { question } = await core.script().question('onConnect');
  assert.ok(question.gate === 'onConnect');
  const { protocol, secure, uri } = question.client;
  return { protocol, secure, uri };
}

for (const scheme of [DigestScheme.First, DigestScheme.Second]) {
  test(`S-05: RTMPE on the port of RTMP, scheme ${scheme}: what an encrypted client publishes, others play in clear and encrypted`, async () => {
    await using core = await Core.start();
    await using publisher = await RtmpPeer.open(core.port, { rtmpe: 6, scheme });
    assert.equal((await publisher.connect('live', { tcUrl: 'rtmpe://127.0.0.1/live' })).name, '_result');
    assert.deepEqual(await clientOf(core), {
      protocol: 'rtmpe',
      secure: false,
      uri: 'rtmpe://127.0.0.1/live',
    });
    const id = await publisher.createStream();
    publisher.command('publish', 0, ['show', 'live'], id);
    await publisher.expectStatus('NetStream.Publish.Start');
    const clear = (await core.player('show')).peer;
    await using first = await RtmpPeer.open(core.port, { rtmpe: 6, scheme });
    await using second = await RtmpPeer.open(core.port, { rtmpe: 6, scheme });
    for (const player of [first, second]) await player.play('live', 'show');
    for (const [i, frame] of FRAMES.entries()) publisher.video(id, i * 40, frame);
    for (const player of [first, clear, second]) {
      for (const frame of FRAMES) assert.ok(frame.equals((await player.expectMedia()).media!));
    }
    assert.deepEqual(core.trouble, []);
    const connects = core.log.filter(({ event }) => event === 'connect').map(({ protocol }) => protocol);
    assert.deepEqual(connects, ['rtmpe', 'rtmp', 'rtmpe', 'rtmpe']);
  });
}

test('nothing that follows the handshake is on the wire in clear', async () => {
  await using core = await Core.start();
  await using peer = await RtmpPeer.open(core.port, ENCRYPTED);
  const heard: Buffer[] = [];
  peer.socket.prependListener('data', (bytes: Buffer) => heard.push(Buffer.from(bytes)));
  await peer.connect('live');
  assert.ok(peer.summary().includes('_result'));
  assert.doesNotMatch(Buffer.concat(heard).toString('latin1'), /_result|NetConnection|onBWDone/);
});

test('RTMPTE: the same in a tunnel', async () => {
  await using core = await Core.start();
  const { asSocket } = await TunnelClient.open(core.port);
  await using peer = await RtmpPeer.over(asSocket, ENCRYPTED);
  const id = await peer.publish('live', 'show');
  assert.equal((await clientOf(core)).protocol, 'rtmpte');
  const { peer: player } = await core.player('show');
  for (const [i, frame] of FRAMES.entries()) peer.video(id, i * 40, frame);
  for (const frame of FRAMES) assert.ok(frame.equals((await player.expectMedia()).media!));
});

test('an adaptor without RTMPE closes such a connection, and says what it was', async () => {
  await using core = await Core.start({ session: { rtmpe: false } });
  await assert.rejects(RtmpPeer.open(core.port, ENCRYPTED), /closed during the handshake/);
  const [trouble, ...more] = core.trouble;
  assert.deepEqual(more, []);
  assert.equal(trouble!.code, 'ERR_RTMP_VERSION');
  assert.match(String(trouble!.msg), /version 6 \(RTMPE\), only 3 is spoken/);
});

test('an application that refuses rtmp is reached by rtmpe, and the reverse', async () => {
  for (const refused of ['rtmp', 'rtmpe']) {
    const clients = {
      ...{ wireChunkBytes: 60_000, idleTimeoutMs: undefined },
      ...{ serverToClientBytes: 2_500_000, clientToServerBytes: 2_500_000 },
      transport: { tunnels: 'true' as const, disallowed: [refused] },
    };
    await using core = await Core.start({ registry: { settingsFor: () => ({ clients }) } });
    const plain = await core.peer();
    assert.equal((await plain.connect('live')).name, refused === 'rtmp' ? '_error' : '_result');
    await using encrypted = await RtmpPeer.open(core.port, ENCRYPTED);
    assert.equal((await encrypted.connect('live')).name, refused === 'rtmpe' ? '_error' : '_result');
  }
});

test('a wire dump holds the conversation in clear', async () => {
  await using core = await Core.start({ session: { wireDumpFolder: folder } });
  {
    await using peer = await RtmpPeer.open(core.port, ENCRYPTED);
    await peer.connect('live');
  }
  const dumped = () => {
    const [file] = readdirSync(folder);
    return file === undefined ? '' : readFileSync(join(folder, file), 'latin1');
  };
  await until('the dump', () => /connect.*_result.*NetConnection\.Connect\.Success/s.test(dumped()));
});
