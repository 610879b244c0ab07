// What peers begin and do not finish: the memory for it, of a connection and of an address.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { Core, until } from '../../support/core.ts';
import { video } from '../../support/media.ts';
import type { RtmpPeer } from '../../support/rtmp-peer.ts';

const KB = 1 << 10;

/** The header of a message of so many bytes, and the first of them, in one chunk. */
function begin(peer: RtmpPeer, csid: number, length: number, sent: number, typeId = 9): void {
  peer.control({ typeId: MessageType.SetChunkSize, chunkBytes: 16 << 20 });
  const header = Buffer.from([csid, 0, 0, 0, length >> 16, length >> 8, length, typeId, 1, 0, 0, 0]);
  peer.socket.write(header);
  peer.socket.write(Buffer.alloc(sent));
}

async function connected(core: Core): Promise<RtmpPeer> {
  const peer = await core.peer();
  await peer.connect('live');
  return peer;
}

/** As `conf/` would have it, but small. */
const SMALL = { maxBytesPerAddress: 1024 * KB };

test('half messages of many connections of one address wait, are closed, and a stream beside them loses nothing', async () => {
  await using core = await Core.start({ input: SMALL });
  const { peer: publisher, id } = await core.publisher('show');
  const { peer: player } = await core.player('show');
  const attackers = await Promise.all(Array.from({ length: 30 }, () => connected(core)));
  for (const attacker of attackers) begin(attacker, 6, 1000 * KB, 999 * KB);
  await until('somebody who waits', () => core.input.waitingCount > 0);
  for (let frame = 0; frame < 50; frame += 1) {
    publisher.video(id, frame * 40, frame === 0 ? video.keyframe() : video.frame());
    if (frame % 10 === 0) core.clock.advance(250);
    const heard = () => player.heard.filter(({ media }) => media).length;
    await until(`frame ${frame}`, () => heard() === frame + 1);
    assert.ok(core.input.heldBytes <= (1024 + 1000 + 30 * 128) * KB, `${core.input.heldBytes} bytes`);
  }
  await until('the end of the first', () => {
    core.clock.advance(250);
    return core.sessionCount < 32;
  });
  const [line] = core.trouble;
  assert.equal(line?.event, 'limit');
  assert.equal(line?.limit, 'MaxInputSizePerAddress');
  assert.equal(line?.ip, '127.0.0.1');
  const reached = core.lines.limitCounts().find(({ limit }) => limit === 'MaxInputSizePerAddress');
  assert.ok(reached!.count > 0);
});

test('a crowd of publishers of one address gets all its pictures through, one after another', async () => {
  await using core = await Core.start({ input: SMALL });
  const publishers = await Promise.all(Array.from({ length: 20 }, (_, i) => core.publisher(`camera${i}`)));
  const picture = Buffer.alloc(700 * KB);
  picture.set(video.keyframe());
  for (const { peer, id } of publishers) {
    peer.control({ typeId: MessageType.SetChunkSize, chunkBytes: 4096 });
    peer.video(id, 0, picture);
  }
  for (const { peer } of publishers) {
    while (!peer.heard.some(({ command }) => command?.transactionId === 99)) {
      peer.command('_checkbw', 99, []);
      await until('the answer', () => {
        core.clock.advance(1);
        return peer.heard.some(({ command }) => command?.transactionId === 99);
      });
    }
  }
  assert.equal(core.sessionCount, 20);
  assert.equal(core.input.waitingCount, 0);
  assert.equal(core.input.heldBytes, 0);
});

test('before connect a message longer than 64 kB closes the connection at its header, with a line and a count', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  begin(peer, 3, 64 * KB + 1, 0, 20);
  await peer.closed();
  const [line] = core.trouble;
  assert.equal(line?.event, 'bad-input');
  assert.equal(line?.code, 'ERR_CHUNK_EARLY_BYTES');
  assert.equal(line?.limit, 'MaxInputBeforeConnect');
  const reached = core.lines.limitCounts().find(({ limit }) => limit === 'MaxInputBeforeConnect');
  assert.equal(reached?.count, 1);
});

test('before connect, unfinished messages of one connection have 64 kB together', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  for (let csid = 4; csid < 64; csid += 1) {
    const [high, low] = [(60 * KB) >> 8, (60 * KB) & 0xff];
    peer.socket.write(Buffer.from([csid, 0, 0, 0, 0, high, low, 20, 0, 0, 0, 0]));
    peer.socket.write(Buffer.alloc(128)); // a chunk
  }
  peer.control({ typeId: MessageType.SetChunkSize, chunkBytes: 30 * KB });
  for (let csid = 4; csid < 10; csid += 1) {
    peer.socket.write(Buffer.from([0xc0 | csid]));
    peer.socket.write(Buffer.alloc(30 * KB));
  }
  await peer.closed();
  assert.equal(core.trouble[0]?.code, 'ERR_CHUNK_EARLY_BYTES');
});

test('while connect is being decided, the socket rests at 64 kB; what came is there when it has succeeded', async () => {
  await using core = await Core.start({ session: { maxHeldBytes: 8 << 20 } });
  core.scripts.prepare = (script) => {
    script.decide = ({ gate }) => (gate === 'onConnect' ? undefined : { accepted: true });
  };
  const peer = await core.peer();
  peer.command('connect', 1, [], 0, { app: 'live', tcUrl: 'rtmp://h/live' });
  await until('the script', () => core.scripts.opened.length > 0);
  const asked = await core.script().question('onConnect');
  peer.command('createStream', 2, []);
  peer.command('publish', 3, ['camera', 'live'], 1);
  peer.control({ typeId: MessageType.SetChunkSize, chunkBytes: 4096 });
  for (let frame = 0; frame < 500; frame += 1)
    peer.video(1, frame * 40, Buffer.alloc(20 * KB, video.frame()));
  peer.command('_checkbw', 4, []);
  const held = () => core.input.heldBytes;
  await until('the limit', () => held() >= 64 * KB);
  await until('rest', () => peer.socket.writableLength > 0);
  assert.ok(held() <= 3 * 64 * KB, `${held()} bytes`);
  asked.answer({ accepted: true });
  await peer.expectAnswer(4);
  await until('nothing that is held', () => held() === 0);
});

test('answers that a client does not read count as what it holds, and it is not read meanwhile', async () => {
  await using core = await Core.start({ input: { maxBytesPerAddress: 256 * KB } });
  const peer = await connected(core);
  peer.socket.pause();
  await until('the limit', () => {
    for (let i = 0; i < 500; i += 1) peer.command('x'.repeat(1000), 5, []);
    return core.input.waitingCount > 0;
  });
  assert.ok(core.input.heldBytes <= 4 << 20);
  assert.equal(core.sessionCount, 1);
  peer.socket.resume();
  await until('the end of its wait', () => {
    core.clock.advance(1);
    return core.input.waitingCount === 0;
  });
});

test('calls that a script does not answer count as what their client holds', async () => {
  await using core = await Core.start({ input: { maxBytesPerAddress: 256 * KB } });
  core.scripts.prepare = (script) => {
    script.method = () => undefined;
  };
  const peer = await connected(core);
  for (let i = 0; i < 50; i += 1) peer.command('slow', i + 10, ['x'.repeat(20 * KB)]);
  const script = core.script();
  await until('the limit', () => core.input.waitingCount > 0);
  for (let answered = 0; answered < 50; answered += 1) {
    await until(`call ${answered}`, () => {
      core.clock.advance(0);
      return script.invoked.length > answered;
    });
    script.invoked[answered]!.answer({ found: true, ok: true, value: null });
  }
  await peer.expectAnswer(59);
  assert.equal(core.input.heldBytes, 0);
});
