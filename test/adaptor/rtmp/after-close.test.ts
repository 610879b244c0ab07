// What a client has sent behind the message that ended its session.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeCommand } from '../../../src/protocol/rtmp/command.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { Core, until } from '../../support/core.ts';

/** A command as a part of an aggregate message. */
function commandPart(name: string): Buffer {
  const { typeId, payload } = encodeCommand({ name, transactionId: 9, object: null, args: [] }, 0);
  const head = Buffer.from([typeId, 0, 0, payload.length, 0, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([head, payload, Buffer.alloc(4)]);
}

test('a call behind an aggregate message whose part closed the connection does not reach the script', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect('live');
  peer.socket.cork();
  peer.send({ typeId: MessageType.Aggregate, streamId: 0, timestampMs: 0, payload: commandPart('close') });
  peer.command('late', 10, []);
  peer.socket.uncork();
  await peer.closed();
  assert.deepEqual(
    core.script().invoked.map(({ name }) => name),
    [],
  );
});

test('a call that is not read yet, behind held messages of which one closes the connection, does not reach the script', async () => {
  await using core = await Core.start();
  core.scripts.prepare = (script) => {
    script.decide = ({ gate }) => (gate === 'onConnect' ? undefined : { accepted: true });
  };
  const peer = await core.peer();
  peer.command('connect', 1, [], 0, { app: 'live', tcUrl: 'rtmp://h/live' });
  await until('the script', () => core.scripts.opened.length > 0);
  const asked = await core.script().question('onConnect');
  peer.socket.cork();
  peer.command('close', 0, []);
  // 64 kB of them are held, and the socket rests
  for (let i = 0; i < 1_000; i += 1) peer.command('late', 10, ['x'.repeat(100)]);
  peer.socket.uncork();
  await until('a full house', () => core.input.heldBytes >= 64 << 10);
  asked.answer({ accepted: true });
  await peer.closed();
  assert.deepEqual(
    core.script().invoked.map(({ name }) => name),
    [],
  );
});
