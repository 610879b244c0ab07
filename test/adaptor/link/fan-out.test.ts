import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { FanOut } from '../../../src/adaptor/link/fan-out.ts';
import { Outbox } from '../../../src/adaptor/link/outbox.ts';
import { loadSender, type Sender } from '../../../src/adaptor/native/sender.ts';
import { Core, STREAM_OPTIONS } from '../../support/core.ts';
import { lacks } from '../../support/debian.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { video } from '../../support/media.ts';
import { Random } from '../../support/random.ts';

const folder = mkdtempSync(join(tmpdir(), 'understudy-native-'));
after(() => rmSync(folder, { recursive: true }));
const skip = process.platform === 'linux' ? lacks('cc') : 'the addon is for Linux';

let made: Sender | undefined;
function addon(): Sender {
  if (made) return made;
  const file = join(folder, 'sender.node');
  const script = join(import.meta.dirname, '..', '..', '..', 'bin', 'native.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, file], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  made = loadSender(file);
  assert.ok(made);
  return made;
}

/** A door of the system’s that takes as much as it is told to. */
function puppet(takes: (socket: number, bytes: Uint8Array) => number) {
  const calls: { bytes: string; sockets: number[] }[] = [];
  const send: Sender['send'] = (bytes, sockets, count, results) => {
    calls.push({ bytes: String(Buffer.from(bytes)), sockets: [...sockets.subarray(0, count)] });
    for (let i = 0; i < count; i++) results[i] = takes(sockets[i]!, bytes);
    return results.subarray(0, count).filter((taken) => taken !== bytes.length).length;
  };
  return { calls, fanOut: new FanOut({ send, limitUnsent: () => 0 }) };
}

function receiver(descriptor: number) {
  const rests: string[] = [];
  return {
    descriptor,
    isOpen: true,
    rests,
    takeRest: (rest: Uint8Array) => rests.push(String(Buffer.from(rest))),
  };
}

describe('a sweep', () => {
  test('ends in one call for all that got the same bytes, and is nothing outside of it', () => {
    const { calls, fanOut } = puppet((_, bytes) => bytes.length);
    const bytes = Buffer.from('picture');
    assert.equal(fanOut.take(receiver(3), bytes), false);
    fanOut.sweep(() => {
      for (const socket of [3, 5, 8]) assert.equal(fanOut.take(receiver(socket), bytes), true);
      assert.deepEqual(calls, []);
    });
    assert.deepEqual(calls, [{ bytes: 'picture', sockets: [3, 5, 8] }]);
    assert.deepEqual(fanOut.stats, { calls: 1, sent: 3, unsent: 0 });
    assert.equal(fanOut.take(receiver(3), bytes), false);
  });

  test('of different bytes takes a call for each', () => {
    const { calls, fanOut } = puppet((_, bytes) => bytes.length);
    const [some, others] = [Buffer.from('some'), Buffer.from('others')];
    fanOut.sweep(() => {
      fanOut.take(receiver(3), some);
      fanOut.take(receiver(4), some);
      fanOut.take(receiver(5), others);
    });
    assert.deepEqual(calls, [
      { bytes: 'some', sockets: [3, 4] },
      { bytes: 'others', sockets: [5] },
    ]);
  });

  test('gives each socket what the system did not take of its bytes, all of them when there was an error', () => {
    const { fanOut } = puppet((socket, bytes) => ({ 4: 2, 5: -11, 6: 0, 7: -32 })[socket] ?? bytes.length);
    const all = [3, 4, 5, 6, 7].map(receiver);
    const bytes = Buffer.from('picture');
    fanOut.sweep(() => {
      for (const one of all) fanOut.take(one, bytes);
    });
    assert.deepEqual(
      all.map(({ rests }) => rests),
      [[], ['cture'], ['picture'], ['picture'], ['picture']],
    );
    assert.deepEqual(fanOut.stats, { calls: 1, sent: 1, unsent: 4 });
  });

  test('never uses the descriptor of a connection that was closed meanwhile', () => {
    const { calls, fanOut } = puppet((socket, bytes) => (socket < 0 ? -9 : bytes.length));
    const all = [3, 4, 5].map(receiver);
    const bytes = Buffer.from('picture');
    fanOut.sweep(() => {
      for (const one of all) fanOut.take(one, bytes);
      all[1]!.isOpen = false;
    });
    assert.deepEqual(calls[0]!.sockets, [3, -1, 5]);
  });

  test('that fails half way sends what it has got so far, and the next one is whole', () => {
    const { calls, fanOut } = puppet((_, bytes) => bytes.length);
    const bytes = Buffer.from('picture');
    const failing = () =>
      fanOut.sweep(() => {
        fanOut.take(receiver(3), bytes);
        throw new Error('a bug');
      });
    assert.throws(failing, /a bug/);
    fanOut.sweep(() => fanOut.take(receiver(4), bytes));
    assert.deepEqual(
      calls.map(({ sockets }) => sockets),
      [[3], [4]],
    );
  });
});

describe('the addon', { skip }, () => {
  test('refuses what is no array of bytes or of descriptors, and more of them than there are', () => {
    const send = addon().send as (...args: unknown[]) => number;
    const bytes = Buffer.from('x');
    const two = new Int32Array(2);
    for (const args of [
      [],
      ['x', two, 1, two],
      [bytes, [1], 1, two],
      [bytes, new Float32Array(2), 1, two],
      [bytes, two, '1', two],
      [bytes, two, 3, two],
      [bytes, two, 2, new Int32Array(1)],
      [bytes, two, 1],
    ]) {
      assert.throws(() => send(...args), TypeError);
    }
    assert.equal(send(bytes, two, 0, two), 0);
  });

  test('tells the errors of the system, each for its socket', () => {
    const results = new Int32Array(2);
    assert.equal(addon().send(Buffer.from('x'), Int32Array.of(-1, 1_000_000), 2, results), 2);
    assert.deepEqual([...results], [-9, -9]); // EBADF
  });

  test('slow readers, fast ones and those who leave: everybody’s bytes are those that were written, in order', async () => {
    const fanOut = new FanOut(addon());
    const random = new Random(20261123);
    await using pairs = await socketPairs(6);
    const boxes = pairs.all.map(
      ({ server }) => new Outbox(server, { maxUnreadBytes: 1 << 20, onUnread: assert.fail, fanOut }),
    );
    const written = boxes.map(() => [] as Buffer[]);
    pairs.all[1]!.client.pause(); // reads nothing until the end
    for (let round = 0; round < 400; round++) {
      const shared = Buffer.from(random.bytes(1 + random.below(40_000)));
      const own = Buffer.from(random.bytes(1 + random.below(100)));
      fanOut.sweep(() => {
        boxes.forEach((box, i) => {
          const isLong = round % 100 === 50 && i === 4;
          for (const bytes of [
            ...(random.below(4) === 0 ? [own] : []),
            isLong ? Buffer.concat([shared, shared, shared]) : shared,
            ...(random.below(4) === 0 ? [own] : []),
          ]) {
            box.write(bytes);
            if (!pairs.all[i]!.server.destroyed) written[i]!.push(bytes);
          }
        });
        if (round === 200) pairs.all[5]!.server.destroy();
      });
      if (round % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(fanOut.stats.sent > 500 && fanOut.stats.unsent > 0, JSON.stringify(fanOut.stats));
    for (const { server, client } of pairs.all) {
      client.resume();
      if (!server.destroyed) server.end();
    }
    for (const [i, { heard }] of pairs.all.entries()) {
      const got = await heard;
      const whole = Buffer.concat(written[i]!);
      if (i === 5) assert.ok(whole.subarray(0, got.length).equals(got) && got.length > 0);
      else assert.ok(whole.equals(got), `reader ${i}: ${got.length} of ${whole.length} bytes`);
    }
  });

  test('limits what the system holds unsent of a TCP connection, and says why when it cannot', () => {
    const limit = addon().limitUnsent as (...args: unknown[]) => number;
    assert.equal(limit(-1, 1000), 9); // EBADF
    for (const args of [[], [1], ['1', 1000], [1, 'x']]) assert.throws(() => limit(...args), TypeError);
  });

  test('who does not read is noticed before the system has taken a megabyte', async () => {
    const fanOut = new FanOut(addon());
    await using pairs = await socketPairs(1);
    const [{ server, client }] = pairs.all as [Pair];
    client.pause();
    const box = new Outbox(server, { maxUnreadBytes: 1 << 20, onUnread: assert.fail, fanOut });
    const piece = Buffer.alloc(50_000);
    // Everything that the system takes, it takes at once: a turn of the loop later nothing has moved.
    for (let turn = 0; turn < 200; turn++) {
      fanOut.sweep(() => box.write(piece));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const taken = box.progress;
    assert.ok(taken > 0 && taken < 1 << 20, `${taken} of ${box.bytesSent} bytes`);
    client.resume();
    while (box.queuedBytes > 0) await once(server, 'drain');
    assert.equal(box.progress, 200 * piece.length);
  });

  test('of another version is none, and says what to do', () => {
    const file = join(folder, 'older.cjs');
    writeFileSync(file, 'exports.send = () => 0');
    assert.throws(() => loadSender(file), /npm run native/);
    assert.equal(loadSender(join(folder, 'none.node')), undefined);
  });

  test('players of a stream are sent a picture by one call', async () => {
    const fanOut = new FanOut(addon());
    const media = { clock: new ManualClock(), governor: STREAM_OPTIONS.governor, sweep: fanOut.sweep };
    await using core = await Core.start({ session: { fanOut }, registry: { media } });
    const { peer: publisher, id } = await core.publisher('cam');
    const players = await Promise.all(Array.from({ length: 5 }, () => core.player('cam')));
    publisher.video(id, 0, video.header());
    publisher.video(id, 0, video.keyframe());
    for (const { peer } of players) for (let i = 0; i < 2; i++) await peer.expectMedia();
    const before = { ...fanOut.stats };
    publisher.video(id, 40, video.keyframe());
    for (const { peer } of players) {
      assert.deepEqual((await peer.expectMedia()).media, Buffer.from(video.keyframe()));
    }
    assert.deepEqual(fanOut.stats, { calls: before.calls + 1, sent: before.sent + 5, unsent: 0 });
  });
});

interface Pair {
  readonly server: Socket;
  readonly client: Socket;
  /** All that came, once the connection has ended. */
  readonly heard: Promise<Buffer>;
}

async function socketPairs(count: number): Promise<{ all: Pair[] } & AsyncDisposable> {
  const listener = createServer({ noDelay: true }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const all: Pair[] = [];
  for (let i = 0; i < count; i++) {
    const accepted = once(listener, 'connection') as Promise<[Socket]>;
    const client = connect(port, '127.0.0.1');
    const [server] = await accepted;
    server.on('error', () => {});
    client.on('error', () => {});
    const parts: Buffer[] = [];
    client.on('data', (part: Buffer) => parts.push(part));
    const heard = once(client, 'close').then(() => Buffer.concat(parts));
    all.push({ server, client, heard });
  }
  return {
    all,
    async [Symbol.asyncDispose]() {
      for (const { server, client } of all) {
        server.destroy();
        client.destroy();
      }
      listener.close();
      await once(listener, 'close');
    },
  };
}
