import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { Outbox } from '../../../src/adaptor/link/outbox.ts';
import type { RtmpeCipher } from '../../../src/protocol/handshake/rtmpe.ts';

/** A connection whose peer reads when it is told to. */
class Connection extends Duplex {
  readonly got: Buffer[] = [];
  #taken: (() => void)[] = [];

  override _read(): void {}
  override _write(bytes: Buffer, _encoding: BufferEncoding, taken: () => void): void {
    this.got.push(bytes);
    this.#taken.push(taken);
  }
  /** False: there was nothing. */
  readSome(): boolean {
    const all = this.#taken.splice(0);
    for (const taken of all) taken();
    return all.length > 0;
  }
  async readAll(): Promise<void> {
    while (this.readSome()) await new Promise((resolve) => setImmediate(resolve));
  }
}

function encrypted() {
  const connection = new Connection();
  const outbox = new Outbox(connection, { maxUnreadBytes: 1 << 20, onUnread: assert.fail });
  let encryptedBytes = 0;
  outbox.cipher = {
    encrypt(bytes: Uint8Array) {
      encryptedBytes += bytes.length;
      return bytes.map((byte) => byte ^ 0xff);
    },
  } as unknown as RtmpeCipher;
  return { connection, outbox, encryptedBytes: () => encryptedBytes };
}

const PICTURE = Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, i) => i * 7));

test('a burst is encrypted as its connection takes it: one that reads nothing costs two pieces, and all of it counts as queued', async () => {
  const { connection, outbox, encryptedBytes } = encrypted();
  outbox.write(PICTURE);
  outbox.write(PICTURE);
  assert.ok(encryptedBytes() <= 128 << 10, `${encryptedBytes()} bytes are encrypted`);
  assert.ok(outbox.queuedBytes > 1_800_000);
  await connection.readAll();
  assert.equal(outbox.queuedBytes, 0);
  const plain = Buffer.concat(connection.got).map((byte) => byte ^ 0xff);
  assert.ok(Buffer.concat([PICTURE, PICTURE]).equals(plain));
});

test('what is said later comes behind a burst, and the end behind both', async () => {
  const { connection, outbox } = encrypted();
  outbox.write(PICTURE);
  outbox.write(Buffer.of(1, 2, 3));
  outbox.end();
  outbox.write(Buffer.of(4)); // too late
  const finished = once(connection, 'finish');
  await connection.readAll();
  await finished;
  const plain = Buffer.concat(connection.got).map((byte) => byte ^ 0xff);
  assert.equal(plain.length, PICTURE.length + 3);
  assert.deepEqual([...plain.subarray(-3)], [1, 2, 3]);
});

test('who waits for room is called once, when nothing of a burst waits', async () => {
  const { connection, outbox } = encrypted();
  outbox.write(PICTURE);
  let calls = 0;
  outbox.onDrained(() => {
    calls += 1;
    assert.ok(outbox.queuedBytes <= 64 << 10);
  });
  const undo = outbox.onDrained(() => assert.fail('it was taken back'));
  undo();
  await connection.readAll();
  assert.equal(calls, 1);
});

test('a connection that is gone keeps nothing of a burst', async () => {
  const { connection, outbox } = encrypted();
  outbox.write(PICTURE);
  connection.destroy();
  await once(connection, 'close');
  outbox.write(PICTURE);
  assert.ok(outbox.queuedBytes <= 128 << 10);
});
