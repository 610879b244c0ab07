import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { Outbox } from '../../src/adaptor/outbox.ts';
import { Reception } from '../../src/adaptor/reception.ts';
import { Turns } from '../../src/application/turns.ts';
import { ClientHandshake, HANDSHAKE_RANDOM_BYTES } from '../../src/protocol/handshake.ts';
import { DigestScheme } from '../../src/protocol/handshake-digest.ts';
import { TurnClock } from '../support/turn-clock.ts';

/** The server's end of a connection, and a client of RTMPE. */
function connection() {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  const socket = new PassThrough();
  const outbox = new Outbox(socket, { maxUnreadBytes: 1 << 20, onUnread: () => assert.fail('unread') });
  const chunks: Buffer[] = [];
  const events: string[] = [];
  const reception = new Reception(outbox, undefined, {
    ...{ nowMs: 0, rtmpe: true, turns },
    stopped: () => events.push('stopped'),
    started: () => events.push('started'),
    chunks: (bytes) => chunks.push(Buffer.from(bytes)),
    failed: (error) => assert.fail(error as Error),
  });
  const client = new ClientHandshake({
    ...{ random: randomBytes(HANDSHAKE_RANDOM_BYTES), timeMs: 0 },
    ...{ rtmpe: 6, scheme: DigestScheme.First },
  });
  return {
    ...{ clock, turns, reception, client, chunks, events },
    answer: () => (socket.read() as Buffer | null) ?? Buffer.alloc(0),
  };
}

test('a handshake waits for a turn in which there is time for it, and so does what is encrypted', () => {
  const { clock, turns, reception, client, chunks, events, answer } = connection();
  turns.used(100);
  reception.push(Buffer.from(client.start()));
  assert.equal(answer().length, 0);
  assert.deepEqual(events, ['stopped']);
  clock.turn();
  const { send, rest } = client.push(answer());
  assert.ok(rest, 'the server has answered');
  assert.deepEqual(events, ['stopped', 'started']);

  const said = Buffer.from('what the client says');
  turns.used(100);
  reception.push(Buffer.concat([send, client.cipher!.encrypt(said)]));
  reception.push(Buffer.from(client.cipher!.encrypt(said)));
  assert.deepEqual(chunks, []);
  while (!clock.isIdle) clock.turn();
  assert.equal(Buffer.concat(chunks).toString(), `${said}${said}`);
});

test('who comes in waits behind those who are there', () => {
  const { clock, turns, reception, client, answer } = connection();
  turns.used(100);
  reception.push(Buffer.from(client.start()));
  const guest = turns.worker(() => {
    assert.equal(answer().length, 0, 'the newcomer has been served before');
    turns.used(100); // no time is left
  });
  guest.wait();
  clock.turn();
  assert.equal(answer().length, 0);
  clock.turn();
  assert.ok(answer().length > 0);
});
