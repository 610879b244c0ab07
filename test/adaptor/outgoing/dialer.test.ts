// Connections that scripts make, and streams that they publish there: to a server of ours on another port, and to one that
// misbehaves.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { DialerOptions, DialGrant } from '../../../src/adaptor/outgoing/dialer.ts';
import { Statistics } from '../../../src/application/instance/statistics.ts';
import { LoadGovernor } from '../../../src/application/live/flush.ts';
import { ADOPTION_MS } from '../../../src/application/served/relays.ts';
import { type AmfValue, membersOf } from '../../../src/protocol/amf/amf.ts';
import { HANDSHAKE_RANDOM_BYTES, ServerHandshake } from '../../../src/protocol/handshake/handshake.ts';
import { ChunkReader } from '../../../src/protocol/rtmp/chunk-reader.ts';
import { ChunkWriter } from '../../../src/protocol/rtmp/chunk-writer.ts';
import {
  type Command,
  decodeCommand,
  encodeCommand,
  isCommandType,
} from '../../../src/protocol/rtmp/command.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import type { RtmpUri } from '../../../src/protocol/rtmp/rtmp-uri.ts';
import { Core, keepingLog, until } from '../../support/core.ts';
import { dialerFor } from '../../support/dialer.ts';
import { hex } from '../../support/hex.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { audio, video } from '../../support/media.ts';
import type { RtmpPeer } from '../../support/rtmp-peer.ts';
import { marks } from '../rtmp/publishing.ts';

interface Setup {
  grant?: Partial<DialGrant>;
  dialer?: Partial<DialerOptions>;
}

/** A server whose scripts may connect to 127.0.0.1. */
async function serverThatDials({ grant, dialer }: Setup = {}): Promise<Core> {
  const clock = new ManualClock();
  const outgoing = dialerFor(clock, grant, dialer);
  const core = await Core.start({ clock, registry: { outgoing } });
  await (await core.peer()).connect('live'); // its script is open from now on
  return core;
}

/** A unix socket that leads to a TCP port. */
async function relayTo(port: number, path: string) {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.once('close', () => to.destroy());
      from.pipe(to);
    }
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    get connections() {
      return sockets.size / 2;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Codes that the script of `live` has been told, as `key code`. */
function codes(core: Core): string[] {
  return core
    .script()
    .told('outgoing')
    .map(({ id, info }) => `${id} ${info.code}`);
}

async function told(core: Core, code: string): Promise<Record<string, unknown>> {
  await until(code, () => {
    core.clock.advance(0);
    return codes(core).includes(code);
  });
  const found = core
    .script()
    .told('outgoing')
    .findLast(({ id, info }) => `${id} ${info.code}` === code);
  return { ...found!.info };
}

/** The stream `cam` of one server, published to the other as `copy`, by connection 1 and stream 2. */
async function pushing(near: Core, far: Core): Promise<{ peer: RtmpPeer; id: number }> {
  const publisher = await near.publisher('cam');
  near
    .script()
    .commands.obey({ op: 'outConnect', id: 1, uri: `rtmp://127.0.0.1:${far.port}/other`, args: [] });
  await told(near, '1 NetConnection.Connect.Success');
  near
    .script()
    .commands.obey({ op: 'outPublish', id: 2, connection: 1, name: 'copy', type: 'live', source: 'cam' });
  await told(near, '2 NetStream.Publish.Start');
  return publisher;
}

describe('a stream that is published to another server', () => {
  test('goes by the unix socket that the dialer is told for its server, rtmps too', async () => {
    await using far = await Core.start();
    await using folder = await mkdtempDisposable(join(tmpdir(), 'understudy-test-'));
    const path = join(folder.path, 'rtmp.sock');
    await using relay = await relayTo(far.port, path);
    const asked: string[] = [];
    const unixPathOf = ({ scheme, host, port }: RtmpUri) => {
      asked.push(`${scheme} ${host} ${port}`);
      return path;
    };
    await using near = await serverThatDials({ dialer: { unixPathOf } });
    // nobody listens on port 1: the path alone leads there
    near.script().commands.obey({ op: 'outConnect', id: 1, uri: 'rtmps://127.0.0.1:1/other', args: [] });
    await told(near, '1 NetConnection.Connect.Success');
    assert.deepEqual(asked, ['rtmps 127.0.0.1 1']);
    assert.equal(relay.connections, 1);
  });

  test('arrives whole: metadata for everybody who comes, headers, the pictures since the last keyframe', async () => {
    await using near = await serverThatDials();
    await using far = await Core.start();
    const { peer, id } = await near.publisher('cam');
    peer.data('@setDataFrame', ['onMetaData', { width: 7 }], id);
    peer.video(id, 5_000, video.header(1));
    peer.audio(id, 5_000, audio.header(1));
    peer.video(id, 5_000, video.keyframe(2));
    peer.audio(id, 5_010, audio.frame(3));
    peer.video(id, 5_040, video.frame(4));
    await peer.settle();
    near.script().commands.obey({
      op: 'outConnect',
      id: 1,
      uri: `rtmp://127.0.0.1:${far.port}/other`,
      args: ['key', 7],
    });
    const connected = await told(near, '1 NetConnection.Connect.Success');
    assert.equal(connected.level, 'status');
    const asked = await far.script('other/_definst_').question('onConnect');
    assert.ok(asked.question.gate === 'onConnect');
    assert.deepEqual(asked.question.args, ['key', 7]);
    assert.equal(asked.question.client.agent, 'FMLE/3.0 (compatible; Understudy/1.2.3)');
    assert.equal(asked.question.client.uri, `rtmp://127.0.0.1:${far.port}/other`);
    near.script().commands.obey({
      op: 'outPublish',
      id: 2,
      connection: 1,
      name: 'copy?k=1',
      type: 'live',
      source: 'cam',
    });
    const started = await told(near, '2 NetStream.Publish.Start');
    assert.equal(started.details, 'copy');
    peer.video(id, 5_080, video.frame(5));

    await until(
      'all of it',
      () => far.instance('other/_definst_')?.streams.get('copy')?.stream.stats.messagesIn === 7,
    );
    const { peer: player } = await far.player('copy', 'other');
    assert.deepEqual(await marks(player, 4), [1, 2, 4, 5]);
    const metaData = player.heard.find(({ data }) => data?.name === 'onMetaData')?.data;
    assert.deepEqual({ ...membersOf(metaData?.values[0]) }, { width: 7 });
    const times = player.heard.flatMap(({ media, timestampMs }) => (media ? [timestampMs] : []));
    assert.deepEqual(times, [0, 0, 0, 10, 40, 80], 'and time begins at 0');
  });

  test('goes on from one publisher to the next, and its time with it', async () => {
    await using near = await serverThatDials();
    await using far = await Core.start();
    const { peer, id } = await pushing(near, far);
    const { peer: player } = await far.player('copy', 'other');
    peer.video(id, 9_000, video.keyframe(1));
    peer.video(id, 9_040, video.frame(2));
    await marks(player, 2);
    peer.command('deleteStream', 0, [id]);
    await peer.settle();
    const again = await near.publisher('cam');
    again.peer.video(again.id, 0, video.keyframe(3));
    again.peer.audio(again.id, 0, audio.frame(4));
    again.peer.video(again.id, 40, video.frame(5));
    assert.deepEqual(await marks(player, 4), [1, 2, 3, 5]);
    const times = player.heard.flatMap(({ media, timestampMs }) => (media ? [timestampMs] : []));
    assert.deepEqual(times, [0, 40, 41, 41, 81]);
    assert.equal(codes(near).length, 2, 'and the script is told nothing');
  });

  test('may have another source from one moment to the next, or none', async () => {
    await using near = await serverThatDials();
    await using far = await Core.start();
    const { peer, id } = await pushing(near, far);
    const other = await near.publisher('break');
    const { peer: player } = await far.player('copy', 'other');
    peer.video(id, 0, video.keyframe(1));
    other.peer.video(other.id, 700, video.keyframe(2));
    await other.peer.settle();
    await marks(player, 1);
    near.script().commands.obey({ op: 'outAttach', id: 2, source: 'break' });
    await marks(player, 2);
    near.script().commands.obey({ op: 'outAttach', id: 2 });
    peer.video(id, 40, video.keyframe(3));
    other.peer.video(other.id, 740, video.keyframe(4));
    await Promise.all([peer.settle(), other.peer.settle()]);
    near.script().commands.obey({ op: 'outAttach', id: 2, source: 'cam' });
    assert.deepEqual(await marks(player, 3), [1, 2, 3]);
  });

  test('ends when the script says so, and so does its connection', async () => {
    await using near = await serverThatDials();
    await using far = await Core.start();
    await pushing(near, far);
    const { peer: player } = await far.player('copy', 'other');
    const numbers = new Statistics({
      ...{ registries: [near.registry], governor: new LoadGovernor(near.clock), clock: near.clock },
    });
    const { players, outgoing } = numbers.instance(near.instance()!);
    assert.deepEqual([players, outgoing.connections, outgoing.streams], [0, 1, 1]);
    numbers.close();
    near.script().commands.obey({ op: 'outUnpublish', id: 2 });
    await player.expectStatus('NetStream.Play.UnpublishNotify');
    await told(near, '2 NetStream.Unpublish.Success');
    assert.equal(near.instance()?.streams.get('cam')?.stream.viewers.size, 0);
    near
      .script()
      .commands.obey({ op: 'outPublish', id: 3, connection: 1, name: 'copy', type: 'live', source: 'cam' });
    await told(near, '3 NetStream.Publish.Start');
    near.script().commands.obey({ op: 'outClose', id: 1 });
    await told(near, '1 NetConnection.Connect.Closed');
    await player.expectStatus('NetStream.Play.UnpublishNotify');
    await until('it has gone', () => far.sessionCount === 1);
    assert.equal(near.instance()?.streams.get('cam')?.stream.viewers.size, 0);
  });

  test('is listed with its state, without its key and its token, and counted', async () => {
    await using near = await serverThatDials();
    await using far = await Core.start({
      settings: { streamManager: { live: { publishTimeoutMs: undefined } } },
    });
    const { peer: holder } = await far.publisher('s3cret-key', 'other');
    const { peer, id } = await near.publisher('cam');
    const numbers = new Statistics({
      ...{ registries: [near.registry], governor: new LoadGovernor(near.clock), clock: near.clock },
    });
    const restreams = () => numbers.instance(near.instance()!).restreams;
    const address = `rtmp://127.0.0.1:${far.port}/other`;
    const uri = `rtmp://127.0.0.1:${far.port}/other?token=abc`;
    const here = { stream: 'cam', address, isForgotten: false };
    near.script().commands.obey({ op: 'outConnect', id: 1, uri, args: [] });
    near.script().commands.obey({
      op: 'outPublish',
      id: 2,
      connection: 1,
      name: 's3cret-key',
      type: 'live',
      source: 'cam',
    });
    assert.deepEqual(restreams(), [{ ...here, state: 'connecting' }]);
    await told(near, '2 NetStream.Publish.BadName');
    near.clock.advance(3_000);
    const reason = '*** is already being published.';
    const failed = restreams().find(({ state }) => state === 'failed');
    assert.deepEqual(failed, { ...here, state: 'failed', reason, agoMs: 3_000 });

    holder.socket.destroy();
    await until('the name to be free', () => far.sessionCount === 1);
    near.script().commands.obey({ op: 'outUnpublish', id: 2 });
    near.script().commands.obey({
      op: 'outPublish',
      id: 3,
      connection: 1,
      name: 's3cret-key',
      type: 'live',
      source: 'cam',
    });
    await told(near, '3 NetStream.Publish.Start');
    assert.deepEqual(restreams(), [{ ...here, state: 'sending' }]);
    peer.video(id, 40, video.keyframe());
    peer.socket.destroy();
    await until('the publisher to be gone', () => !near.instance()!.streams.isOnAir('cam'));
    assert.deepEqual(restreams(), [{ ...here, state: 'ready' }]);
    near.clock.advance(2_000);
    const { outgoing } = numbers.server();
    assert.ok(outgoing.bytesOut > 3_000 && outgoing.bytesIn > 3_000, 'two handshakes');
    assert.equal(outgoing.bytesOutPerSecond, Math.round(outgoing.bytesOut / 5));
    near.script().commands.obey({ op: 'outClose', id: 1 });
    assert.ok(numbers.server().outgoing.bytesOut >= outgoing.bytesOut, 'what has gone stays counted');
    assert.deepEqual(restreams(), []);
    numbers.close();
  });

  test('is told of when the other server refuses it, or goes away', async () => {
    await using near = await serverThatDials();
    const far = await Core.start({ settings: { streamManager: { live: { publishTimeoutMs: undefined } } } });
    await far.publisher('copy', 'other');
    await near.publisher('cam');
    near
      .script()
      .commands.obey({ op: 'outConnect', id: 1, uri: `rtmp://127.0.0.1:${far.port}/other`, args: [] });
    await told(near, '1 NetConnection.Connect.Success');
    near
      .script()
      .commands.obey({ op: 'outPublish', id: 2, connection: 1, name: 'copy', type: 'live', source: 'cam' });
    assert.equal((await told(near, '2 NetStream.Publish.BadName')).level, 'error');
    await far[Symbol.asyncDispose]();
    await told(near, '1 NetConnection.Connect.Closed');
    near
      .script()
      .commands.obey({ op: 'outPublish', id: 3, connection: 1, name: 'copy', type: 'live', source: 'cam' });
    await told(near, '3 NetStream.Failed');
  });

  test('loses frames when the other server is slow, then its connection, and nobody else notices', async () => {
    await using near = await serverThatDials();
    await using far = await FakeServer.start();
    const { peer, id } = await near.publisher('cam');
    const { peer: healthy } = await near.player('cam');
    near.script().commands.obey({ op: 'outConnect', id: 1, uri: far.uri, args: [] });
    await told(near, '1 NetConnection.Connect.Success');
    near
      .script()
      .commands.obey({ op: 'outPublish', id: 2, connection: 1, name: 'copy', type: 'live', source: 'cam' });
    await told(near, '2 NetStream.Publish.Start');
    far.socket!.pause();
    const picture = (mark: number, isKey: boolean) => {
      const bytes = new Uint8Array(200_000);
      bytes.set(isKey ? video.keyframe() : video.frame());
      bytes[bytes.length - 1] = mark;
      return bytes;
    };
    for (let i = 0; i < 100; i += 1) {
      peer.video(id, i * 40, picture(i, i % 50 === 0));
      await marks(healthy, i + 1);
    }
    await told(near, '2 NetStream.Play.InsufficientBW');
    near.clock.advance(5_000); // and not a byte taken
    peer.video(id, 4_000, picture(100, true));
    const { description } = await told(near, '1 NetConnection.Connect.Closed');
    assert.equal(description, 'The other server does not read the stream.');
    assert.equal((await marks(healthy, 101)).length, 101);
    assert.equal(near.instance()?.streams.get('cam')?.stream.viewers.size, 1);
  });
});

describe('a saved script', () => {
  test('finds its connections and streams as they were, when it makes the same ones', async () => {
    await using near = await serverThatDials();
    await using far = await Core.start();
    const { peer, id } = await pushing(near, far);
    const { peer: player } = await far.player('copy', 'other');
    peer.video(id, 0, video.keyframe(1));
    await marks(player, 1);
    near.script().commands.obey({ op: 'outDisown', from: 0, to: 10 });
    peer.video(id, 40, video.frame(2));
    await marks(player, 2);
    near
      .script()
      .commands.obey({ op: 'outConnect', id: 11, uri: `rtmp://127.0.0.1:${far.port}/other`, args: [] });
    await told(near, '11 NetConnection.Connect.Success');
    near
      .script()
      .commands.obey({ op: 'outPublish', id: 12, connection: 11, name: 'copy', type: 'live', source: 'cam' });
    await told(near, '12 NetStream.Publish.Start');
    near.clock.advance(ADOPTION_MS);
    peer.video(id, 80, video.frame(3));
    assert.deepEqual(await marks(player, 3), [1, 2, 3]);
    assert.deepEqual(
      player.summary().filter((code) => code.includes('ublishNotify')),
      [],
    );
    assert.equal(far.sessionCount, 2);
    near.script().commands.obey({ op: 'outUnpublish', id: 12 });
    await player.expectStatus('NetStream.Play.UnpublishNotify');
    await told(near, '12 NetStream.Unpublish.Success');
  });

  test('ends what went out by a connection that it has taken over, and not what it has left alone: that is told', async () => {
    await using near = await serverThatDials();
    await using far = await Core.start();
    await pushing(near, far);
    near
      .script()
      .commands.obey({ op: 'outConnect', id: 3, uri: `rtmp://127.0.0.1:${far.port}/other`, args: ['more'] });
    await told(near, '3 NetConnection.Connect.Success');
    near.script().commands.obey({ op: 'outDisown', from: 0, to: 10 });
    near
      .script()
      .commands.obey({ op: 'outConnect', id: 11, uri: `rtmp://127.0.0.1:${far.port}/other`, args: [] });
    await told(near, '11 NetConnection.Connect.Success');
    assert.equal(far.sessionCount, 2, 'the one with the same arguments is meant');
    const { peer: player } = await far.player('copy', 'other');
    near.clock.advance(ADOPTION_MS);
    await player.expectStatus('NetStream.Play.UnpublishNotify');
    near.clock.advance(2_000);
    const address = `rtmp://127.0.0.1:${far.port}/other`;
    const [forgotten] = near.script().told('forgotten');
    assert.deepEqual(forgotten?.connections, [{ address, connections: 1, streams: [] }]);
    assert.deepEqual(near.instance()?.outgoing.forgotten, forgotten?.connections);
    assert.equal(far.sessionCount, 3, 'the one that was taken over, the other one, and the player');
    assert.equal(near.instance()?.streams.get('cam')?.stream.viewers.size, 0);
    near.script().commands.obey({ op: 'outForget' });
    near.clock.advance(2_000);
    await until('one that was adopted and the player', () => far.sessionCount === 2);
    assert.deepEqual(near.instance()?.outgoing.forgotten, []);
  });

  test('that takes over nothing ends no restream: it goes on until its stream is off the air, and the connection with it', async () => {
    await using near = await serverThatDials();
    await using far = await Core.start();
    const { peer, id } = await pushing(near, far);
    const { peer: player } = await far.player('copy', 'other');
    peer.video(id, 0, video.keyframe(1));
    await marks(player, 1);
    near.script().commands.obey({ op: 'outDisown', from: 0, to: 10 });
    near.clock.advance(ADOPTION_MS);
    const address = `rtmp://127.0.0.1:${far.port}/other`;
    const connections = [{ address, connections: 1, streams: ['cam'] }];
    assert.deepEqual(near.script().told('forgotten'), [{ event: 'forgotten', connections }]);
    peer.video(id, 40, video.frame(2));
    assert.deepEqual(await marks(player, 2), [1, 2]);
    peer.socket.destroy();
    await player.expectStatus('NetStream.Play.UnpublishNotify');
    near.clock.advance(2_000);
    await until('the player alone', () => far.sessionCount === 1);
    assert.deepEqual(near.instance()?.outgoing.forgotten, []);
  });

  test('gets in under the name that an earlier version publishes there by another connection', async () => {
    await using near = await serverThatDials();
    await using far = await Core.start();
    const { peer, id } = await pushing(near, far);
    near.script().commands.obey({ op: 'outDisown', from: 0, to: 10 });
    near.clock.advance(ADOPTION_MS);
    const { peer: player } = await far.player('copy', 'other');
    near.script().commands.obey({
      op: 'outConnect',
      id: 11,
      uri: `rtmp://127.0.0.1:${far.port}/other?token=2`,
      args: ['other arguments'],
    });
    await told(near, '11 NetConnection.Connect.Success');
    near
      .script()
      .commands.obey({ op: 'outPublish', id: 12, connection: 11, name: 'copy', type: 'live', source: 'cam' });
    await player.expectStatus('NetStream.Play.UnpublishNotify');
    await told(near, '12 NetStream.Publish.Start');
    peer.video(id, 40, video.keyframe(2));
    await marks(player, 1);
    assert.deepEqual(near.instance()?.outgoing.counts, { connections: 1, streams: 1 });
  });

  test('has room for its own connections: one that was forgotten and carries nothing is closed for them', async () => {
    const grant = { maxConnections: 1 };
    await using near = await serverThatDials({ grant });
    await using far = await Core.start();
    await pushing(near, far);
    near.script().commands.obey({ op: 'outUnpublish', id: 2 });
    near.script().commands.obey({ op: 'outDisown', from: 0, to: 10 });
    near.clock.advance(ADOPTION_MS);
    near
      .script()
      .commands.obey({ op: 'outConnect', id: 11, uri: `rtmp://127.0.0.1:${far.port}/live`, args: [] });
    await told(near, '11 NetConnection.Connect.Success');
    assert.deepEqual(near.instance()?.outgoing.forgotten, []);
  });

  test('leaves nothing behind when its instance ends', async () => {
    await using near = await serverThatDials();
    await using far = await Core.start();
    await pushing(near, far);
    near.script().commands.obey({ op: 'outDisown', from: 0, to: 10 });
    near.clock.advance(ADOPTION_MS);
    const instance = near.instance()!;
    await instance.stop();
    near.clock.advance(2_000);
    await until('nobody there', () => far.sessionCount === 0);
    assert.deepEqual(instance.outgoing.forgotten, []);
  });
});

describe('a connection to another server', () => {
  /** Why it was not made. */
  async function failure(core: Core, uri: string): Promise<unknown> {
    core.script().commands.obey({ op: 'outConnect', id: 1, uri, args: [] });
    return (await told(core, '1 NetConnection.Connect.Failed')).description;
  }

  test('is not made while too many files and sockets are open, and is made again afterwards', async () => {
    let isFull = true;
    await using core = await serverThatDials({ dialer: { hasRoom: () => !isFull } });
    await using far = await Core.start();
    const uri = `rtmp://127.0.0.1:${far.port}/live`;
    assert.match(String(await failure(core, uri)), /Too many files and sockets/);
    assert.equal(far.sessionCount, 0);
    isFull = false;
    core.script().commands.obey({ op: 'outConnect', id: 2, uri, args: [] });
    await told(core, '2 NetConnection.Connect.Success');
  });

  test('is made to where it is granted alone', async () => {
    await using core = await serverThatDials({ grant: { hosts: ['live.example.com', '*'] } });
    assert.match(
      String(await failure(core, 'rtmp://live.example.com:1936/a')),
      /live\.example\.com:1936 is not granted/,
    );
    await using again = await serverThatDials({ grant: { hosts: ['localhost:*', '*:*'] } });
    assert.match(String(await failure(again, 'rtmp://127.0.0.1/a')), /private address: see <NetConnection>/);
    await using named = await serverThatDials({ grant: { hosts: ['localhost:*'] } });
    assert.match(String(await failure(named, `rtmp://localhost:${named.port}/a`)), /private address/);
    await using none = await serverThatDials({ grant: { hosts: [] } });
    assert.match(
      String(await failure(none, 'rtmp:/live')),
      /localhost is not granted: see <NetConnection> <Hosts>/,
    );
    assert.match(String(await failure(none, 'http://gateway/')), /Not an address of an application/);
  });

  test('reaches this very server by its name, once that is granted', async () => {
    await using core = await serverThatDials({
      grant: { hosts: ['localhost:*'], privateAddresses: [{ address: '127.0.0.1', prefix: 32 }] },
    });
    core
      .script()
      .commands.obey({ op: 'outConnect', id: 1, uri: `rtmp://localhost:${core.port}/other`, args: [] });
    await told(core, '1 NetConnection.Connect.Success');
  });

  test('S-10: goes to 443 for rtmps, and to 1935 for rtmp, when none is named', async () => {
    const dialled: string[] = [];
    const openSocket: DialerOptions['openSocket'] = (
      secure,
      { host, port, servername, rejectUnauthorized },
    ) => {
      dialled.push([secure ? 'TLS' : 'TCP', host, port, servername, rejectUnauthorized].join(' '));
      return new Socket();
    };
    await using core = await serverThatDials({
      grant: { hosts: ['*', '[2001:db8::1]'] },
      dialer: { openSocket },
    });
    core.script().commands.obey({ op: 'outConnect', id: 1, uri: 'rtmps://live.example.com/app', args: [] });
    core.script().commands.obey({ op: 'outConnect', id: 2, uri: 'rtmp://live.example.com/app', args: [] });
    core.script().commands.obey({ op: 'outConnect', id: 3, uri: 'rtmps://[2001:db8::1]/app', args: [] });
    assert.deepEqual(dialled, [
      'TLS live.example.com 443 live.example.com true',
      'TCP live.example.com 1935  ',
      'TLS 2001:db8::1 443  true',
    ]);
  });

  test('is told of with the words of the one who refuses it', async () => {
    await using near = await serverThatDials();
    await using far = await Core.start();
    far.scripts.prepare = (script) => {
      script.decide = () => ({ accepted: false, reason: 'not today', application: { until: 'noon' } });
    };
    near
      .script()
      .commands.obey({ op: 'outConnect', id: 1, uri: `rtmp://127.0.0.1:${far.port}/other`, args: [] });
    const { level, description, application } = await told(near, '1 NetConnection.Connect.Rejected');
    assert.deepEqual([level, description, application], ['error', 'not today', { until: 'noon' }]);
    near
      .script()
      .commands.obey({ op: 'outConnect', id: 2, uri: `rtmp://127.0.0.1:${far.port}/nowhere`, args: [] });
    await until('an answer', () => {
      near.clock.advance(0);
      return codes(near).length === 2;
    });
    assert.match(codes(near)[1]!, /2 NetConnection\.Connect\.(InvalidApp|Rejected)/);
    assert.equal(codes(near).length, 2, 'and nothing after it');
  });

  test('connections to one server that end all the time are one line a second, with their count', async () => {
    const { log, records } = keepingLog();
    await using near = await serverThatDials({ dialer: { log } });
    await using far = await Core.start();
    far.scripts.prepare = (script) => {
      script.decide = () => ({ accepted: false, reason: 'no' });
    };
    for (let key = 1; key <= 3; key += 1) {
      near
        .script()
        .commands.obey({ op: 'outConnect', id: key, uri: `rtmp://127.0.0.1:${far.port}/live`, args: [] });
      await told(near, `${key} NetConnection.Connect.Rejected`);
    }
    const ends = () => records.filter(({ event }) => event === 'outgoing-end');
    assert.equal(ends().length, 1);
    near.clock.advance(1000);
    assert.deepEqual(
      ends().map(({ repeats }) => repeats),
      [undefined, 1],
    );
  });

  test('is told where to connect instead by the one who refuses it, and the log says it without the secrets', async () => {
    const { log, records } = keepingLog();
    await using near = await serverThatDials({ dialer: { log } });
    await using far = await Core.start();
    const redirect = 'rtmp://edge.example.com:1936/other?token=abc';
    far.scripts.prepare = (script) => {
      script.decide = () => ({ accepted: false, reason: 'over there', redirect, application: { load: 1 } });
    };
    near
      .script()
      .commands.obey({ op: 'outConnect', id: 1, uri: `rtmp://127.0.0.1:${far.port}/other`, args: [] });
    const { ex, application, description } = await told(near, '1 NetConnection.Connect.Rejected');
    assert.deepEqual([ex, application, description], [{ code: 302, redirect }, { load: 1 }, 'over there']);
    const end = records.find(({ event }) => event === 'outgoing-end');
    assert.deepEqual(
      [end?.reason, end?.redirect],
      ['NetConnection.Connect.Rejected', 'rtmp://edge.example.com:1936'],
    );
  });

  test('has every member of what the other server says, whatever it is', async () => {
    await using core = await serverThatDials();
    await using far = await FakeServer.start();
    core.script().commands.obey({ op: 'outConnect', id: 1, uri: far.uri, args: [] });
    await told(core, '1 NetConnection.Connect.Success');
    const ex = {
      code: 302,
      redirect: 'rtmp://other/app',
      redirect2: `rtmp://other/app/${'x'.repeat(2_000)}`,
    };
    const wanted = {
      ...{ code: 'NetConnection.Connect.Rejected', level: 'error', description: 'RTMP 302 Redirect' },
      ...{ ex, clientid: 7, data: { version: '6' } },
    };
    far.say('onStatus', 0, [wanted]);
    assert.deepEqual(plain(await told(core, '1 NetConnection.Connect.Rejected')), wanted);
    const reconnect = {
      ...{ code: 'NetConnection.Connect.ReconnectRequest', level: 'status', tcUrl: 'rtmp://other/app' },
      description: 'The server goes down.',
    };
    far.say('onStatus', 0, [reconnect]);
    assert.deepEqual(plain(await told(core, '1 NetConnection.Connect.ReconnectRequest')), reconnect);
  });

  test('ends at a rejection that is no answer to its connect, and says where to go', async () => {
    await using core = await serverThatDials();
    const ex = { code: 302, redirect: 'rtmp://other/app' };
    await using far = await FakeServer.start({
      connect: (say) => say('onStatus', 0, [{ code: 'NetConnection.Connect.Rejected', ex }]),
    });
    core.script().commands.obey({ op: 'outConnect', id: 1, uri: far.uri, args: [] });
    const told1 = await told(core, '1 NetConnection.Connect.Rejected');
    assert.deepEqual(plain(told1), { code: 'NetConnection.Connect.Rejected', level: 'error', ex });
    await until('the end', () => far.socket!.destroyed);
    assert.deepEqual(codes(core), ['1 NetConnection.Connect.Rejected']);
  });

  test('keeps what an answer without a code says', async () => {
    await using core = await serverThatDials();
    const ex = { code: 302, redirect: 'rtmp://other/app' };
    await using far = await FakeServer.start({
      connect: (say, transaction) => say('_error', transaction, [{ ex, description: 'elsewhere' }]),
    });
    core.script().commands.obey({ op: 'outConnect', id: 1, uri: far.uri, args: [] });
    const { ex: said, description } = plain(await told(core, '1 NetConnection.Connect.Rejected'));
    assert.deepEqual([said, description], [ex, 'elsewhere']);
  });

  test('tells of a publish, or of a stream, that is refused by an answer', async () => {
    await using core = await serverThatDials();
    const denied = { code: 'NetStream.Publish.Denied', description: 'no such key' };
    await using far = await FakeServer.start({
      publish: (say, transaction) => say('_error', transaction, [denied]),
    });
    core.script().commands.obey({ op: 'outConnect', id: 1, uri: far.uri, args: [] });
    await told(core, '1 NetConnection.Connect.Success');
    core.script().commands.obey({
      op: 'outPublish',
      id: 2,
      connection: 1,
      name: 'key',
      type: 'live',
      source: undefined,
    });
    assert.deepEqual(plain(await told(core, '2 NetStream.Publish.Denied')), { ...denied, level: 'error' });
    await using full = await FakeServer.start({
      createStream: (say, transaction) =>
        say('_error', transaction, [{ code: 'NetConnection.Call.Failed', description: 'no more streams' }]),
    });
    core.script().commands.obey({ op: 'outConnect', id: 3, uri: full.uri, args: [] });
    core.script().commands.obey({
      op: 'outPublish',
      id: 4,
      connection: 3,
      name: 'key',
      type: 'live',
      source: undefined,
    });
    assert.equal((await told(core, '4 NetConnection.Call.Failed')).description, 'no more streams');
  });

  test('fails when nobody is there, and when nobody answers in time', async () => {
    await using core = await serverThatDials();
    await using far = await FakeServer.start({ isSilent: true });
    core.script().commands.obey({ op: 'outConnect', id: 2, uri: far.uri, args: [] });
    await until('somebody is there', () => far.socket !== undefined);
    core.clock.advance(9_999);
    assert.deepEqual(codes(core), []);
    core.clock.advance(1);
    assert.equal(
      (await told(core, '2 NetConnection.Connect.Failed')).description,
      'The other server has not answered within 10 s.',
    );
    const { port } = far;
    await far[Symbol.asyncDispose]();
    assert.match(String(await failure(core, `rtmp://127.0.0.1:${port}/app`)), /ECONNREFUSED/);
  });

  test('is one of so many at a time', async () => {
    await using near = await serverThatDials();
    await using far = await Core.start();
    for (const key of [1, 2, 3])
      near
        .script()
        .commands.obey({ op: 'outConnect', id: key, uri: `rtmp://127.0.0.1:${far.port}/other`, args: [] });
    near
      .script()
      .commands.obey({ op: 'outConnect', id: 4, uri: `rtmp://127.0.0.1:${far.port}/other`, args: [] });
    assert.match(String((await told(near, '4 NetConnection.Connect.Failed')).description), /3 connections/);
    await told(near, '3 NetConnection.Connect.Success');
    near.script().commands.obey({ op: 'outClose', id: 3 });
    near
      .script()
      .commands.obey({ op: 'outConnect', id: 4, uri: `rtmp://127.0.0.1:${far.port}/other`, args: [] });
    await told(near, '4 NetConnection.Connect.Success');
  });

  test('is tried so many times, then so often', async () => {
    await using core = await serverThatDials({ grant: { hosts: [] } });
    const refusals = () => {
      core.clock.advance(0);
      return core
        .script()
        .told('outgoing')
        .map(({ info }) => info.description ?? '');
    };
    for (let key = 1; key <= 200; key += 1) {
      core.script().commands.obey({ op: 'outConnect', id: key, uri: 'rtmp://127.0.0.1/app', args: [] });
      core.clock.advance(0);
    }
    assert.equal(refusals().filter((why) => why.includes('not granted')).length, 100);
    assert.equal(refusals().filter((why) => why.includes('10 attempts a second')).length, 100);
    core.clock.advance(200);
    for (let key = 201; key <= 203; key += 1)
      core.script().commands.obey({ op: 'outConnect', id: key, uri: 'rtmp://127.0.0.1/app', args: [] });
    assert.equal(refusals().filter((why) => why.includes('not granted')).length, 102);
  });

  test('ends with the instance whose script has made it', async () => {
    await using near = await serverThatDials();
    await using far = await Core.start();
    await pushing(near, far);
    await near.instance()!.stop();
    near.clock.advance(2_000);
    await until('it has gone', () => far.sessionCount === 0);
  });

  test('ends when the other server talks too much, or nonsense', async () => {
    await using core = await serverThatDials();
    await using far = await FakeServer.start();
    core.script().commands.obey({ op: 'outConnect', id: 1, uri: far.uri, args: [] });
    await told(core, '1 NetConnection.Connect.Success');
    for (let i = 0; i < 300; i += 1) far.say('onStatus', 0, [{ code: 'Spam', level: 'status' }]);
    assert.match(String((await told(core, '1 NetConnection.Connect.Closed')).description), /sends too much/);
    assert.ok(codes(core).filter((code) => code.endsWith('Spam')).length <= 200);
    core.script().commands.obey({ op: 'outConnect', id: 2, uri: far.uri, args: [] });
    await told(core, '2 NetConnection.Connect.Success');
    far.say('onStatus', 0, [{ code: 'x'.repeat(100_000) }]);
    assert.match(
      String((await told(core, '2 NetConnection.Connect.Closed')).description),
      /a command of 100/,
    );
  });

  test('goes on when the other server says what cannot be read, with one warning for each kind', async () => {
    const { log, records } = keepingLog();
    await using core = await serverThatDials({ dialer: { log } });
    await using far = await FakeServer.start();
    const { peer, id } = await core.publisher('cam');
    core.script().commands.obey({ op: 'outConnect', id: 1, uri: far.uri, args: [] });
    await told(core, '1 NetConnection.Connect.Success');
    core
      .script()
      .commands.obey({ op: 'outPublish', id: 2, connection: 1, name: 'copy', type: 'live', source: 'cam' });
    await told(core, '2 NetStream.Publish.Start');
    for (let i = 0; i < 3; i += 1) {
      far.send(MessageType.CommandAmf0, hex('02 000b 6f6e46435075626c697368')); // onFCPublish, as ffmpeg -listen 1 has it
      far.send(MessageType.CommandAmf0, hex('02 0008 6f6e5374617475730000 000000000000000502 00ff'));
      far.send(MessageType.SetPeerBandwidth, hex('002625a0'));
      far.send(MessageType.DataAmf0, hex('02 00ff 61'), 1);
    }
    peer.video(id, 0, video.keyframe());
    await far.picture();
    assert.deepEqual(
      records.filter(({ level }) => level === 'warn').map(({ event, msg }) => [event, msg]),
      [
        [
          'odd-message',
          'a command (onFCPublish) of 14 bytes is malformed; the server uses the valid part: it has no transaction id',
        ],
        ['odd-message', 'a command (onStatus) of 24 bytes cannot be read: it ends in the middle of a string'],
        [
          'odd-message',
          'a Set Peer Bandwidth message of 4 bytes cannot be read: it ends before its limit type',
        ],
      ],
    );
    core.script().commands.obey({ op: 'outClose', id: 1 });
    assert.equal(records.find(({ event }) => event === 'outgoing-end')?.unreadable, 6);
  });

  test('hears nothing when it is not understood', async () => {
    await using core = await serverThatDials();
    await using far = await FakeServer.start();
    core.script().commands.obey({ op: 'outConnect', id: 1, uri: far.uri, args: [] });
    await told(core, '1 NetConnection.Connect.Success');
    far.say('tellMe', 17, ['something']);
    const answer = await far.heard('_error');
    assert.equal(answer.transactionId, 17);
    assert.equal(membersOf(answer.args[0])?.code, 'NetConnection.Call.Failed');
  });
});

type Say = (name: string, transactionId: number, args: AmfValue[]) => void;
/** In place of a yes, by the names of commands. */
type Answers = Readonly<Record<string, (say: Say, transactionId: number) => void>>;

function plain(value: unknown): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
}

/** Says yes to everything, and more if a test wants it to. */
class FakeServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #commands: Command[] = [];
  readonly #writer = new ChunkWriter();
  readonly #isSilent: boolean;
  readonly #answers: Answers;
  #pictures = 0;
  /** Of the one who came last. */
  socket: Socket | undefined;

  private constructor(isSilent: boolean, answers: Answers) {
    this.#isSilent = isSilent;
    this.#answers = answers;
    this.#server = createServer((socket) => this.#welcome(socket));
  }

  static async start(options: { isSilent?: boolean } | Answers = {}): Promise<FakeServer> {
    const isSilent = options.isSilent === true;
    const server = new FakeServer(isSilent, isSilent ? {} : (options as Answers));
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  get uri(): string {
    return `rtmp://127.0.0.1:${this.port}/app`;
  }

  #welcome(socket: Socket): void {
    this.socket = socket;
    this.#sockets.add(socket);
    socket.on('error', () => {});
    if (this.#isSilent) return;
    const handshake = new ServerHandshake({ random: randomBytes(HANDSHAKE_RANDOM_BYTES), timeMs: 0 });
    const reader = new ChunkReader({ wireTypes: [] });
    let isShaken = false;
    socket.on('data', (bytes) => {
      let chunks: Uint8Array | undefined = bytes;
      if (!isShaken) {
        const { send, rest } = handshake.push(bytes);
        socket.write(send);
        chunks = rest;
        isShaken = rest !== undefined;
      }
      for (const { typeId, payload } of reader.push(chunks ?? new Uint8Array(0))) {
        if (isCommandType(typeId)) this.#answer(decodeCommand(typeId, payload));
        this.#pictures += typeId === MessageType.Video ? 1 : 0;
      }
    });
  }

  #answer(command: Command): void {
    this.#commands.push(command);
    const { name, transactionId } = command;
    const answer = this.#answers[name];
    if (answer) answer((...said) => this.say(...said), transactionId);
    else if (name === 'connect')
      this.say('_result', transactionId, [{ code: 'NetConnection.Connect.Success' }]);
    else if (name === 'createStream') this.say('_result', transactionId, [1]);
    else if (name === 'publish') this.say('onStatus', 0, [{ code: 'NetStream.Publish.Start' }]);
  }

  say(name: string, transactionId: number, args: AmfValue[]): void {
    const { typeId, payload } = encodeCommand({ name, transactionId, object: null, args }, 0);
    this.send(typeId, payload);
  }

  send(typeId: number, payload: Uint8Array, streamId = 0): void {
    this.socket?.write(this.#writer.encode({ typeId, payload, streamId, timestampMs: 0 }, 3));
  }

  async picture(): Promise<void> {
    await until('a picture', () => this.#pictures > 0);
  }

  async heard(name: string): Promise<Command> {
    await until(name, () => this.#commands.some((command) => command.name === name));
    return this.#commands.find((command) => command.name === name)!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
