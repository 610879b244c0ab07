// Bytes that come in slices, in turn.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { PacedStream } from '../../../src/adaptor/link/paced-stream.ts';
import { Turns } from '../../../src/application/pace/turns.ts';
import { TURN_CLOCK } from '../../support/core.ts';

const HERE = '127.0.0.1';
let server: Server;
before(async () => {
  server = createServer({ allowHalfOpen: false, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => void server.close());

async function pair(): Promise<{ client: Socket; raw: Socket }> {
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [raw] = (await once(server, 'connection')) as [Socket];
  return { client, raw };
}

test('no slice is longer than 4 kB, and connections with much to say take turns', async () => {
  let ms = 0;
  const turns = new Turns({ ...TURN_CLOCK, now: () => (ms += 100) }); // every slice uses up its turn
  const pairs = [await pair(), await pair()];
  const order: string[] = [];
  const done = pairs.map(async ({ client, raw }, i) => {
    raw.unshift(Buffer.alloc(40_000, i));
    client.end();
    const stream = new PacedStream(raw, turns, HERE);
    let length = 0;
    stream.on('data', (slice: Buffer) => {
      assert.ok(slice.length <= 4096);
      assert.ok(slice.every((byte) => byte === i));
      length += slice.length;
      order.push(String(i));
    });
    await once(stream, 'end');
    assert.equal(length, 40_000);
    stream.destroy();
  });
  await Promise.all(done);
  const first = order.slice(0, 20).join('');
  assert.match(first, /^(?:01|10)+$/, `${first}: one after the other`);
});

test('what is written leaves, also after the other side has ended; then both are closed', async () => {
  const { client, raw } = await pair();
  const stream = new PacedStream(raw, new Turns(TURN_CLOCK), HERE);
  client.end('a question');
  let heard = '';
  stream.on('data', (bytes) => {
    heard += bytes;
  });
  await once(stream, 'end');
  assert.equal(heard, 'a question');
  stream.cork();
  for (const part of ['an ', 'answer', '.'.repeat(300_000)]) stream.write(part);
  stream.uncork();
  stream.destroySoon();
  let answer = '';
  for await (const bytes of client) answer += bytes;
  assert.equal(answer, `an answer${'.'.repeat(300_000)}`);
  if (!raw.closed) await once(raw, 'close');
  assert.ok(stream.destroyed);
});

test('a reader that does not read stops the other side', async () => {
  const { client, raw } = await pair();
  const stream = new PacedStream(raw, new Turns(TURN_CLOCK), HERE);
  stream.on('readable', () => {}); // it may be read, and is not
  client.on('error', () => {});
  let isTaken = true;
  for (let i = 0; i < 1_000 && isTaken; i += 1) isTaken = client.write(Buffer.alloc(1 << 20));
  await once(stream, 'readable');
  assert.ok(stream.readableLength < 1 << 20);
  assert.ok(client.writableLength > 0 || !isTaken);
  stream.destroy();
  if (!client.closed) await new Promise((resolve) => client.once('close', resolve));
});

test('a reset ends it', async () => {
  const { client, raw } = await pair();
  const stream = new PacedStream(raw, new Turns(TURN_CLOCK), HERE).resume();
  client.resetAndDestroy();
  await once(stream, 'close');
  assert.ok(raw.destroyed);
});

test('what the reader leaves for the next tick is a part of its turn', async () => {
  let ms = 0;
  let turns = 0;
  const shared = new Turns({ ...TURN_CLOCK, now: () => ms });
  const ends = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const { client, raw } = await pair();
      raw.unshift(Buffer.of(1));
      const stream = new PacedStream(raw, shared, HERE);
      const { promise, resolve } = Promise.withResolvers<number>();
      stream.on('data', () =>
        process.nextTick(() => {
          ms += 100;
          resolve(turns);
          client.destroy();
        }),
      );
      return { promise };
    }),
  );
  let isOver = false;
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const at = await Promise.all(ends.map(({ promise }) => promise));
  isOver = true;
  assert.equal(new Set(at).size, 3, `${at}`);
});
