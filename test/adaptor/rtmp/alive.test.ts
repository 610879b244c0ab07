import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as openSocket } from 'node:net';
import { test } from 'node:test';
import { HANDSHAKE_PACKET_BYTES } from '../../../src/protocol/handshake/handshake-digest.ts';
import { UserControlEvent } from '../../../src/protocol/rtmp/control.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { Core, until } from '../../support/core.ts';
import { video } from '../../support/media.ts';
import type { RtmpPeer } from '../../support/rtmp-peer.ts';

/** Seconds pass, and what is on the wire arrives in between. */
async function pass(core: Core, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i += 1) {
    core.clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function pings(peer: RtmpPeer): number[] {
  return peer.heard.flatMap(({ control }) =>
    control?.typeId === MessageType.UserControl && control.event === UserControlEvent.PingRequest
      ? [control.timestampMs]
      : [],
  );
}

function pong(peer: RtmpPeer, timestampMs: number): void {
  peer.control({ typeId: MessageType.UserControl, event: UserControlEvent.PingResponse, timestampMs });
}

async function reasonOf(core: Core): Promise<unknown> {
  await until('the end', () => core.sessionCount === 0);
  return core.log.find(({ event }) => event === 'disconnect')?.reason;
}

// ── timeouts ─────────────────────────────────────────────────────────────────────────────────────────────────────

for (const [what, bytes] of [
  ['half of C1', 700],
  ['all but the last byte of C2', 2 * HANDSHAKE_PACKET_BYTES],
] as const) {
  test(`who sends ${what} of the handshake is closed in time`, async () => {
    await using core = await Core.start();
    const socket = openSocket(core.port, '127.0.0.1');
    await once(socket, 'connect');
    const packet = Buffer.alloc(1 + 2 * HANDSHAKE_PACKET_BYTES);
    packet[0] = 3;
    socket.write(packet.subarray(0, bytes));
    socket.resume();
    await until('the session', () => core.sessionCount === 1);
    await pass(core, 9);
    assert.equal(socket.closed, false);
    await pass(core, 2);
    if (!socket.closed) await once(socket, 'close');
    assert.match(String(await reasonOf(core)), /no connect command after 10000 ms/);
  });
}

test('so is who shakes hands and never connects', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await pass(core, 11);
  await peer.closed();
});

test('a client that gives no sign of life is asked for one, and closed when none comes', async () => {
  await using core = await Core.start({ session: { idleTimeoutMs: 30_000 } });
  const peer = await core.peer();
  await peer.connect('live');
  await pass(core, 29);
  assert.equal(peer.isClosed, false);
  assert.equal(pings(peer).length, 2, 'asked twice, not once a second');
  await pass(core, 3);
  await peer.closed();
  assert.match(String(await reasonOf(core)), /no sign of life for 30000 ms/);
  await until('the notice', () => core.script().told('disconnect').length === 1);
});

test('a client that answers stays', async () => {
  await using core = await Core.start({ session: { idleTimeoutMs: 30_000 } });
  const peer = await core.peer();
  await peer.connect('live');
  for (let i = 0; i < 10; i += 1) {
    await pass(core, 11);
    await until('a ping', () => pings(peer).length > i);
    pong(peer, pings(peer).at(-1)!);
    await peer.settle();
  }
  assert.equal(peer.isClosed, false);
});

test('a player that says nothing and takes what it is sent stays', async () => {
  await using core = await Core.start({ session: { idleTimeoutMs: 30_000 } });
  const { peer: publisher, id } = await core.publisher('cam');
  const { peer: player } = await core.player('cam');
  for (let i = 0; i < 50; i += 1) {
    publisher.video(id, i * 1_000, video.keyframe());
    await until('the picture', () => player.heard.filter(({ media }) => media).length === i + 1);
    await pass(core, 1);
  }
  assert.equal(player.isClosed, false);
});

test('the clock of a session that has ended stands still', async () => {
  await using core = await Core.start({ session: { idleTimeoutMs: 30_000 } });
  const timers = core.clock.pending;
  const peer = await core.peer();
  await peer.connect('live');
  peer.command('close', 0, []);
  await peer.closed();
  await until('the end', () => core.sessionCount === 0);
  // that the instance is idle is all that is left
  assert.equal(core.clock.pending, timers + 1);
});

test('a peer that lets answers and calls lie is closed, and that with its last words unread', async () => {
  await using core = await Core.start({ session: { maxUnreadBytes: 12 << 20, closeGraceMs: 7_000 } });
  const peer = await core.peer();
  await peer.connect('live');
  peer.socket.pause();
  const clientId = [...core.instance()!.clients.keys()][0]!;
  const { commands } = core.script();
  for (let i = 0; i < 40 && core.instance()?.clients.size === 1; i += 1) {
    commands.obey({ op: 'clientCall', client: clientId, name: 'x', args: ['x'.repeat(1 << 20)] });
    await pass(core, 0);
  }
  assert.equal(core.instance()?.clients.size, 0, 'it is no client any more');
  await pass(core, 6);
  assert.equal(core.sessionCount, 1, 'but may still read why');
  await pass(core, 1);
  assert.match(String(await reasonOf(core)), /the client does not read the server's responses/);
  assert.equal(core.sessionCount, 0);
});

test('a peer that does not read its last words is cut off', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect('live');
  peer.socket.pause();
  const clientId = [...core.instance()!.clients.keys()][0]!;
  const { commands } = core.script();
  for (let i = 0; i < 3; i += 1)
    commands.obey({ op: 'clientCall', client: clientId, name: 'x', args: ['x'.repeat(8 << 20)] });
  await pass(core, 1);
  commands.obey({ op: 'disconnect', client: clientId });
  assert.equal(core.sessionCount, 1);
  await pass(core, 2);
  await until('the end', () => core.sessionCount === 0);
});

// ── instances ────────────────────────────────────────────────────────────────────────────────────────────────────

test('an instance without clients is stopped after its time, unless its script wants to stay', async () => {
  await using core = await Core.start();
  const timers = core.clock.pending;
  const peer = await core.peer();
  await peer.connect('live');
  core.script().maySleep = false;
  peer.socket.destroy();
  await until('the end', () => core.sessionCount === 0);
  await pass(core, 59);
  assert.deepEqual(core.script().stops, []);
  await pass(core, 1);
  assert.deepEqual(core.script().stops, ['Application.GC']);
  assert.ok(core.instance());
  core.script().maySleep = true;
  await pass(core, 60);
  await until('its end', () => core.instance() === undefined);
  assert.equal(core.script().isClosed, true);
  assert.equal(core.clock.pending, timers);
});

test('a client that comes in time keeps the instance running', async () => {
  await using core = await Core.start();
  const first = await core.peer();
  await first.connect('live');
  first.socket.destroy();
  await until('the end', () => core.sessionCount === 0);
  await pass(core, 50);
  const second = await core.peer();
  await second.connect('live');
  await pass(core, 100);
  assert.deepEqual(core.script().stops, []);
  assert.equal(core.scripts.opened.length, 1);
});

// ── pings and acknowledgements ───────────────────────────────────────────────────────────────────────────────────

test('a ping is answered with its own time', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect('live');
  peer.control({
    typeId: MessageType.UserControl,
    event: UserControlEvent.PingRequest,
    timestampMs: 0xfedcba98,
  });
  const { control } = await peer.expect(
    'a pong',
    ({ control }) =>
      control?.typeId === MessageType.UserControl && control.event === UserControlEvent.PingResponse,
  );
  assert.ok(control && 'timestampMs' in control);
  assert.equal(control.timestampMs, 0xfedcba98);
});

test('the script’s ping brings it the round trip', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect('live');
  const clientId = [...core.instance()!.clients.keys()][0]!;
  core.clock.advance(500);
  core.script().commands.obey({ op: 'ping', client: clientId });
  await until('the ping', () => pings(peer).length === 1);
  core.clock.advance(70);
  pong(peer, pings(peer)[0]!);
  await peer.settle();
  const stats = core.script().told('clientStats');
  assert.deepEqual(
    stats.map(({ stats }) => stats.ping_rtt),
    [0, 70],
  );
  const { bytes_in, bytes_out, msg_in, msg_out } = stats[1]!.stats;
  assert.ok(bytes_in > 3_073 && bytes_out > 3_073 && msg_in >= 2 && msg_out >= 6);
});

test('pongs that nobody asked for reach nobody', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect('live');
  for (let i = 0; i < 100; i += 1) pong(peer, i);
  await peer.settle();
  assert.deepEqual(core.script().told('clientStats'), []);
});

test('bytes are acknowledged each time the peer’s window is full', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect('live');
  const acks = () =>
    peer.heard.flatMap(({ control }) =>
      control?.typeId === MessageType.Acknowledgement ? [control.receivedBytes] : [],
    );
  await peer.settle();
  assert.deepEqual(acks(), [], 'the window that nobody announced is large');
  peer.control({ typeId: MessageType.WindowAckSize, ackWindowBytes: 10_000 });
  peer.control({ typeId: MessageType.WindowAckSize, ackWindowBytes: 0 }); // makes no sense
  const before = peer.socket.bytesWritten - 3_073;
  for (let i = 0; i < 20; i += 1) {
    peer.video(1, 0, Buffer.alloc(2_900)); // 2 934 bytes on the wire
    await peer.settle();
  }
  const received = peer.socket.bytesWritten - 3_073;
  const got = acks();
  assert.equal(got.length, Math.floor((received - before) / 10_000));
  for (const [i, value] of got.entries()) {
    const step = value - (got[i - 1] ?? 0);
    assert.ok(step >= 10_000 && step < 10_000 + 6_000, `${got}`);
  }
  assert.ok(got.at(-1)! <= received);
});
