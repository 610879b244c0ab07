import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { relay } from '../../../src/adaptor/http/relay.ts';

/** A connection in memory. What the other side does is up to the test. */
class Side extends Duplex {
  written = '';
  #done: (() => void) | undefined;
  /** Bytes are taken only by `swallow`. */
  isSlow = false;

  override _read(): void {}
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written += chunk;
    if (this.isSlow) this.#done = done;
    else done();
  }

  swallow(): void {
    const done = this.#done;
    this.#done = undefined;
    done?.();
  }
}

function sides(): { client: Side; upstream: Side; heard: () => number } {
  const [client, upstream] = [new Side(), new Side()];
  let sum = 0;
  for (const side of [client, upstream]) side.on('error', () => {});
  relay(client, upstream, (bytes) => {
    sum += bytes;
  });
  return { client, upstream, heard: () => sum };
}

test('bytes go both ways and are counted; the end of both is the end', async () => {
  const { client, upstream, heard } = sides();
  client.push('question');
  client.push(null);
  await once(upstream, 'finish');
  upstream.push('answer');
  upstream.push(null);
  await once(client, 'close');
  assert.deepEqual([client.written, upstream.written, heard()], ['answer', 'question', 14]);
  assert.ok(upstream.destroyed);
});

test('a side that closes after its last bytes waits for the other to take them', async () => {
  const { client, upstream } = sides();
  client.isSlow = true;
  upstream.push('last');
  upstream.push(null);
  client.push(null);
  await once(upstream, 'close');
  assert.equal(client.destroyed, false);
  client.swallow();
  await once(client, 'close');
  assert.ok(client.writableFinished);
});

test('a side that breaks off closes the other one at once', async () => {
  for (const broken of ['client', 'upstream'] as const) {
    const both = sides();
    const other = both[broken === 'client' ? 'upstream' : 'client'];
    other.isSlow = true;
    both[broken].push('half a wo');
    await new Promise(setImmediate);
    both[broken].destroy(new Error('reset'));
    await once(other, 'close');
    assert.equal(other.writableFinished, false);
  }
});

test('a side is not read while the other takes nothing', async () => {
  const { client, upstream } = sides();
  upstream.isSlow = true;
  let pushed = 0;
  while (pushed < 4 << 20) {
    client.push(Buffer.alloc(65_536));
    pushed += 65_536;
    await new Promise(setImmediate);
  }
  assert.ok(upstream.writableLength < 256 << 10);
  client.destroy();
  await once(upstream, 'close');
});
