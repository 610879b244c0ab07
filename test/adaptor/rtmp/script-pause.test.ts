import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Core, until } from '../../support/core.ts';
import type { RtmpPeer } from '../../support/rtmp-peer.ts';

const LARGE = 'x'.repeat(5_000);

async function client(core: Core): Promise<RtmpPeer> {
  const peer = await core.peer();
  await peer.connect('live');
  return peer;
}

test('a client that floods a script which has too much to do is not read until that has rested, and loses no call', async () => {
  await using core = await Core.start();
  const peer = await client(core);
  const script = core.script();
  script.busy = 'MaxQueuedSize';
  for (let i = 0; i < 5; i += 1) peer.command('method', 10 + i, [null, LARGE, i]);
  await until('the first call waits', () => script.waiting.size === 1);
  assert.equal(script.invoked.length, 0);
  assert.equal(core.log.find(({ limit }) => limit === 'MaxQueuedSize')?.event, 'limit');
  script.rest();
  await until('all are called', () => script.invoked.length === 5);
  assert.deepEqual(
    script.invoked.map(({ args }) => args.at(-1)),
    [0, 1, 2, 3, 4],
  );
});

test('a client that has nothing open may make a small call beside a flood', async () => {
  await using core = await Core.start();
  const peer = await client(core);
  const script = core.script();
  script.method = () => undefined;
  script.busy = 'MaxQueuedEvents';
  peer.command('method', 10, [null, 'small']);
  await until('it is called', () => script.invoked.length === 1);
  peer.command('method', 11, [null, 'another, before the first has its answer']);
  await until('the second waits', () => script.waiting.size === 1);
  assert.equal(script.invoked.length, 1);
});

test('answers of clients to a script that has too much to do wait as well', async () => {
  await using core = await Core.start();
  const peer = await client(core);
  const script = core.script();
  const { clients } = script.commands.snapshot();
  script.commands.obey({
    op: 'clientCall',
    client: clients[0]!.facts.id,
    name: 'ask',
    args: [],
    responder: 5,
  });
  const asked = await peer.expectCommand('ask');
  script.busy = 'MaxQueuedSize';
  peer.command('_result', asked.transactionId, [LARGE]);
  await until('the answer waits', () => script.waiting.size === 1);
  assert.deepEqual(script.callResults, []);
  script.rest();
  await until('it has come', () => script.callResults.length === 1);
});

test('nothing of a client that is sent away meanwhile waits for the script', async () => {
  await using core = await Core.start();
  const peer = await client(core);
  const script = core.script();
  script.busy = 'MaxQueuedSize';
  peer.command('method', 10, [null, LARGE]);
  await until('it waits', () => script.waiting.size === 1);
  script.commands.obey({ op: 'disconnect', client: [...core.instance()!.clients.keys()][0]! });
  await until('it is forgotten', () => script.waiting.size === 0);
});
