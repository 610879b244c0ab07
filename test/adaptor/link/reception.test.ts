import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { Outbox } from '../../../src/adaptor/link/outbox.ts';
import { Reception } from '../../../src/adaptor/link/reception.ts';
import { Turns } from '../../../src/application/pace/turns.ts';
import { ClientHandshake, HANDSHAKE_RANDOM_BYTES } from '../../../src/protocol/handshake/handshake.ts';
import { DigestScheme } from '../../../src/protocol/handshake/handshake-digest.ts';
import { TurnClock } from '../../support/turn-clock.ts';

/** Somebody else uses all of the turn. */
function useUp(turns: Turns, clock: TurnClock): void {
  void turns.run(undefined, () => clock.work(100));
}

/** The server's end of a connection, and a client of RTMPE. */
function connection() {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  const socket = new PassThrough();
  const outbox = new Outbox(socket, { maxUnreadBytes: 1 << 20, onUnread: () => assert.fail('unread') });
  const chunks: Buffer[] = [];
  const events: string[] = [];
  const reception = new Reception(outbox, undefined, {
    ...{ nowMs: 0, rtmpe: true, turns, address: '192.0.2.1' },
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
  useUp(turns, clock);
  reception.push(Buffer.from(client.start()));
  assert.equal(answer().length, 0);
  assert.deepEqual(events, ['stopped']);
  clock.turn();
  const { send, rest } = client.push(answer());
  assert.ok(rest, 'the server has answered');
  assert.deepEqual(events, ['stopped', 'started']);

  const said = Buffer.from('what the client says');
  useUp(turns, clock);
  reception.push(Buffer.concat([send, client.cipher!.encrypt(said)]));
  reception.push(Buffer.from(client.cipher!.encrypt(said)));
  assert.deepEqual(chunks, []);
  while (!clock.isIdle) clock.turn();
  assert.equal(Buffer.concat(chunks).toString(), `${said}${said}`);
});
