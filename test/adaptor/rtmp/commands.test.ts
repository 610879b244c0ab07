import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AmfValue, membersOf } from '../../../src/protocol/amf/amf.ts';
import type { Command } from '../../../src/protocol/rtmp/command.ts';
import { Core, until } from '../../support/core.ts';
import { type RtmpPeer, statusOf } from '../../support/rtmp-peer.ts';

async function connected(core: Core): Promise<RtmpPeer> {
  const peer = await core.peer();
  await peer.connect('live');
  await peer.expectCommand('onBWDone');
  return peer;
}

/** The plain members of the first argument. */
function info({ args }: Command): Record<string, AmfValue> {
  return { ...membersOf(args[0]) };
}

// ── streams ──────────────────────────────────────────────────────────────────────────────────────────────────────

test('createStream gives the lowest free id', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  assert.deepEqual(
    [await peer.createStream(), await peer.createStream(), await peer.createStream()],
    [1, 2, 3],
  );
  peer.command('deleteStream', 0, [2]);
  assert.equal(await peer.createStream(), 2);
  assert.equal(await peer.createStream(), 4);
});

test('a client has 64 streams and no more', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  for (let id = 1; id <= 64; id += 1) assert.equal(await peer.createStream(), id);
  const answer = await peer.call('createStream');
  assert.equal(answer.name, '_error');
  assert.equal(info(answer).code, 'NetConnection.Call.Failed');
  peer.command('deleteStream', 0, [10]);
  assert.equal(await peer.createStream(), 10);
});

for (const [what, end] of [
  ['closeStream', (peer: RtmpPeer, id: number) => peer.command('closeStream', 0, [], id)],
  ['deleteStream', (peer: RtmpPeer, id: number) => peer.command('deleteStream', 0, [id])],
  ['publish(false)', (peer: RtmpPeer, id: number) => peer.command('publish', 0, [false], id)],
  ['publish()', (peer: RtmpPeer, id: number) => peer.command('publish', 0, [], id)],
  ['play', (peer: RtmpPeer, id: number) => peer.command('play', 0, ['other'], id)],
] as const) {
  test(`${what} ends a publish`, async () => {
    await using core = await Core.start();
    const { peer, id } = await core.publisher('cam');
    const { peer: player } = await core.player('cam');
    end(peer, id);
    const { details, description } = await peer.expectStatus('NetStream.Unpublish.Success');
    assert.deepEqual([details, description], ['cam', 'cam is now unpublished.']);
    await player.expectStatus('NetStream.Play.UnpublishNotify');
    const [told] = core.script().told('unpublish');
    assert.equal(told?.stream, 'cam');
    const again = await core.peer();
    await again.publish('live', 'cam'); // the name is free
  });
}

for (const [what, args] of [
  ['an object', [{}]],
  ['a list of objects', [[{}]]],
  ['nothing', []],
  ['a name', ['cam']],
  ['an id of nobody', [77]],
] as [string, AmfValue[]][]) {
  test(`deleteStream and seek with ${what} do no harm`, async () => {
    await using core = await Core.start();
    const { peer, id } = await core.player('cam');
    peer.command('deleteStream', 0, args);
    peer.command('seek', 0, args, id);
    await peer.expectStatus('NetStream.Seek.Failed');
    assert.equal((await peer.call('createStream')).args[0], 2);
  });
}

test('commands that need a stream that is there already are ignored on any other', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  for (const id of [0, 1, 0xffff_ffff]) {
    for (const name of ['closeStream', 'pause', 'receiveAudio', 'receiveVideo']) {
      peer.command(name, 0, ['cam'], id);
    }
  }
  await peer.settle();
  assert.equal(core.script().asked.length, 1, 'nobody was asked but for the connect');
});

// ── defaults and the script ──────────────────────────────────────────────────────────────────────────────────────

for (const scripted of [true, false]) {
  const which = scripted ? 'with a script that has none of them' : 'without a script';
  test(`FMLE's commands are answered ${which}`, async () => {
    await using core = await Core.start({ scripted });
    const peer = await connected(core);
    const from = peer.heard.length;
    for (const name of ['releaseStream', 'FCPublish', 'FCUnpublish', 'FCSubscribe', 'FCUnsubscribe']) {
      const { name: answer, object, args } = await peer.call(name, 'cam?password=x');
      assert.deepEqual([answer, object, args], ['_result', null, [undefined]], name);
    }
    assert.deepEqual((await peer.call('getStreamLength', 'cam')).args, [0]);
    assert.deepEqual((await peer.call('_checkbw')).args, [undefined]);
    const told = peer.heard
      .slice(from)
      .flatMap(({ command }) => (command && command.name !== '_result' ? [command] : []));
    assert.deepEqual(
      told.map((command) => [
        command.name,
        command.transactionId,
        info(command).code,
        info(command).description,
      ]),
      [
        ['onFCPublish', 0, 'NetStream.Publish.Start', 'cam'],
        ['onFCUnpublish', 0, 'NetStream.Unpublish.Success', 'cam'],
        ['onFCSubscribe', 0, 'NetStream.Play.StreamNotFound', 'cam'],
        ['onFCUnsubscribe', 0, 'NetStream.Play.Stop', 'cam'],
      ],
    );
  });
}

test('the result of an FMLE command comes before its announcement', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  peer.command('FCPublish', 9, ['cam']);
  await peer.expectCommand('onFCPublish');
  assert.deepEqual(peer.summary().slice(-2), ['_result', 'onFCPublish']);
});

test('FCSubscribe finds a stream that is live', async () => {
  await using core = await Core.start();
  await core.publisher('cam');
  const peer = await connected(core);
  peer.command('FCSubscribe', 0, ['cam']);
  assert.equal(info(await peer.expectCommand('onFCSubscribe')).code, 'NetStream.Play.Start');
});

test('a method of the script takes the place of a default', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  core.script().method = () => ({ found: true, ok: true, value: 'mine' });
  assert.deepEqual((await peer.call('FCPublish', 'cam?k=v')).args, ['mine']);
  await peer.settle();
  assert.equal(
    peer.heard.some(({ command }) => command?.name === 'onFCPublish'),
    false,
  );
  const [{ name, args, wantsResult } = assert.fail()] = core.script().invoked;
  assert.deepEqual([name, args, wantsResult], ['FCPublish', ['cam?k=v'], true]);
});

test('a method gets its arguments, and its result and its failure come back', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  core.script().method = ({ name }) =>
    name === 'add'
      ? { found: true, ok: true, value: { sum: 3 } }
      : { found: true, ok: false, description: 'broken' };
  const sum = await peer.call('add', 1, 2);
  assert.deepEqual([sum.name, sum.object, info(sum)], ['_result', null, { sum: 3 }]);
  const failed = await peer.call('fail');
  assert.equal(failed.name, '_error');
  assert.deepEqual(info(failed), {
    level: 'error',
    code: 'NetConnection.Call.Failed',
    description: 'broken',
  });
  assert.deepEqual(core.script().invoked[0]?.args, [1, 2]);
});

for (const name of ['nonsense', 'constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', '']) {
  test(`a method of the name "${name}" is one that nobody has`, async () => {
    await using core = await Core.start();
    const peer = await connected(core);
    const answer = await peer.call(name, 1);
    assert.equal(answer.name, '_error');
    assert.deepEqual(info(answer), {
      level: 'error',
      code: 'NetConnection.Call.Failed',
      description: `Method not found (${name}).`,
    });
    assert.deepEqual(
      core.script().invoked.map((call) => call.name),
      [name],
      'the script was asked first',
    );
  });
}

test('where methods are named that may be called, the script hears of no other', async () => {
  const windows = { serverToClientBytes: 2_500_000, clientToServerBytes: 2_500_000 };
  const clients = { wireChunkBytes: 60_000, idleTimeoutMs: undefined, ...windows, methods: ['chat.', 'say'] };
  await using core = await Core.start({ registry: { clients } });
  const peer = await connected(core);
  for (const name of ['hidden', 'Say', 'chat']) assert.equal((await peer.call(name)).name, '_error', name);
  for (const name of ['say', 'sayMore', 'chat.send']) await peer.call(name);
  assert.deepEqual(
    core.script().invoked.map((call) => call.name),
    ['say', 'sayMore', 'chat.send'],
  );
});

test('who wants no answer gets none', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  const from = peer.heard.length;
  core.script().method = ({ name }) =>
    name === 'mine'
      ? { found: true, ok: true, value: 1 }
      : name === 'bad'
        ? { found: true, ok: false, description: '' }
        : { found: false };
  for (const name of ['mine', 'bad', 'nonsense', 'releaseStream', 'getStreamLength'])
    peer.command(name, 0, ['cam']);
  await until('all of them', () => core.script().invoked.length === 5);
  await peer.settle();
  assert.deepEqual(peer.summary().slice(from), ['_result'], 'only the one that settles');
  assert.equal(core.script().invoked[0]?.wantsResult, false);
});

test('answers come in the order in which the script gives them', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  core.script().method = () => undefined;
  peer.command('a', 11, []);
  peer.command('b', 12, []);
  await until('both', () => core.script().invoked.length === 2);
  const [a, b] = core.script().invoked;
  b!.answer({ found: true, ok: true, value: 'b' });
  assert.equal((await peer.expectAnswer(12)).args[0], 'b');
  a!.answer({ found: true, ok: true, value: 'a' });
  assert.equal((await peer.expectAnswer(11)).args[0], 'a');
});

test('a result that cannot be sent is an error for its caller', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  let deep: AmfValue = 1;
  for (let i = 0; i < 100; i += 1) deep = [deep];
  core.script().method = () => ({ found: true, ok: true, value: deep });
  assert.equal((await peer.call('deep')).name, '_error');
});

test('an answer for a client that has left is dropped', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  core.script().method = () => undefined;
  peer.command('slow', 5, []);
  await until('the call', () => core.script().invoked.length === 1);
  peer.socket.destroy();
  await until('the end', () => core.sessionCount === 0);
  core.script().invoked[0]!.answer({ found: true, ok: true, value: 1 });
});

test('a client may wait for so many answers; then its calls fail, and nobody else’s', async () => {
  await using core = await Core.start({ session: { maxOpenCalls: 300 } });
  const [greedy, neighbour] = [await connected(core), await connected(core)];
  const script = core.script();
  script.method = () => undefined;
  for (let i = 0; i < 300; i += 1) greedy.command('slow', i + 10, []);
  const failed = await greedy.call('slow');
  assert.equal(failed.name, '_error');
  assert.equal(info(failed).description, 'Too many calls wait for an answer.');
  assert.equal(script.invoked.length, 300);
  neighbour.command('slow', 7, []);
  await until('the neighbour’s', () => script.invoked.length === 301);
  script.invoked[0]?.answer({ found: true, ok: true, value: 1 });
  await greedy.expectAnswer(10);
  greedy.command('slow', 8_000, []);
  await until('one more', () => script.invoked.length === 302);
});

test('the calls that a client waits for may have so many bytes together', async () => {
  await using core = await Core.start({ session: { maxOpenCallBytes: 160 << 10 } });
  const peer = await connected(core);
  core.script().method = () => undefined;
  const large = 'x'.repeat(60 << 10);
  peer.command('slow', 10, [large]);
  peer.command('slow', 11, [large]);
  assert.equal((await peer.call('slow', large)).name, '_error');
  assert.equal(core.script().invoked.length, 2);
});

// ── calls of the script ──────────────────────────────────────────────────────────────────────────────────────────

test('the answer to a call of the script goes back to it', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  const { commands } = core.script();
  const clientId = [...core.instance()!.clients.keys()][0]!;
  commands.obey({ op: 'clientCall', client: clientId, name: 'who', args: [1, 'x'], responder: 31 });
  const { transactionId, args } = await peer.expectCommand('who');
  assert.deepEqual([transactionId, args], [31, [1, 'x']]);
  peer.command('_result', 31, ['me']);
  commands.obey({ op: 'clientCall', client: clientId, name: 'why', args: [], responder: 32 });
  await peer.expectCommand('why');
  peer.command('_error', 32, [{ code: 'no' }]);
  await until('both answers', () => core.script().callResults.length === 2);
  const [first, second] = core.script().callResults;
  assert.deepEqual([first?.responder, first?.ok, first?.value], [31, true, 'me']);
  assert.deepEqual(
    [second?.responder, second?.ok, { ...membersOf(second?.value) }],
    [32, false, { code: 'no' }],
  );
});

test('a client answers the calls that were made to it, once each, and nobody else’s', async () => {
  await using core = await Core.start();
  const [asked, other] = [await connected(core), await connected(core)];
  const clientId = [...core.instance()!.clients.keys()][0]!;
  core.script().commands.obey({ op: 'clientCall', client: clientId, name: 'who', args: [], responder: 31 });
  await asked.expectCommand('who');
  other.command('_result', 31, ['I am the other one']);
  other.command('_result', 0, []);
  other.command('_result', Number.NaN, []);
  await other.settle();
  assert.deepEqual(core.script().callResults, []);
  asked.command('_result', 31, ['me']);
  asked.command('_result', 31, ['me again']);
  await asked.settle();
  assert.deepEqual(core.script().callResults, [{ responder: 31, ok: true, value: 'me' }]);
});

test('a call to somebody who has left fails at once; one that cannot be sent does too', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  const { commands, callResults } = core.script();
  commands.obey({ op: 'clientCall', client: 'nobody', name: 'who', args: [], responder: 31 });
  assert.deepEqual(
    callResults.map(({ responder, ok }) => [responder, ok]),
    [[31, false]],
  );
  let deep: AmfValue = 1;
  for (let i = 0; i < 100; i += 1) deep = [deep];
  const clientId = [...core.instance()!.clients.keys()][0]!;
  commands.obey({ op: 'clientCall', client: clientId, name: 'who', args: [deep], responder: 32 });
  assert.deepEqual(callResults.map(({ responder, ok }) => [responder, ok]).slice(1), [[32, false]]);
  await peer.settle();
});

test('a broadcast reaches all who were accepted', async () => {
  await using core = await Core.start();
  const peers = [await connected(core), await connected(core)];
  core.script().decide = () => undefined;
  const waiting = await core.peer();
  waiting.command('connect', 1, [], 0, { app: 'live' });
  await until('the third', () => core.instance()?.clients.size === 3);
  core.script().commands.obey({ op: 'broadcast', name: 'say', args: ['hello'] });
  for (const peer of peers) assert.deepEqual((await peer.expectCommand('say')).args, ['hello']);
  assert.equal(waiting.heard.length, 0);
});

test('a client that the script disconnects is told nothing and closed', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  const clientId = [...core.instance()!.clients.keys()][0]!;
  core.script().commands.obey({ op: 'clientCall', client: clientId, name: 'bye', args: [] });
  core.script().commands.obey({ op: 'disconnect', client: clientId });
  await peer.expectCommand('bye');
  await peer.closed();
  await until('the notice', () => core.script().told('disconnect').length === 1);
  await until('the end', () => core.sessionCount === 0);
  const record = core.log.find(({ event }) => event === 'disconnect');
  assert.equal(record?.reason, 'disconnected by the script');
});

test('onStatus of a client is nobody’s command', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  peer.command('onStatus', 7, [{ code: 'x' }]);
  await peer.settle();
  assert.deepEqual(core.script().invoked, []);
  assert.equal(statusOf(peer.heard.at(-1)?.command), undefined);
});

test('a client that says much and reads nothing is closed', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  const neighbour = await connected(core);
  peer.socket.pause();
  let isOver = false;
  peer.socket.once('close', () => {
    isOver = true;
  });
  const request = 'x'.repeat(60_000);
  // each of these is answered with as many bytes
  core.script().method = ({ args }) => ({ found: true, ok: true, value: args[0] });
  for (let i = 2; core.sessionCount === 2 && !isOver; i += 1) {
    peer.command('echo', i, [request]);
    await new Promise((resolve) => setImmediate(resolve));
    core.clock.advance(10);
    assert.ok(i < 2_000, 'the answers pile up without end');
  }
  const [record] = core.log.filter(
    ({ event, reason }) => event === 'disconnect' && /read/.test(String(reason)),
  );
  assert.ok(record);
  await neighbour.settle();
});
