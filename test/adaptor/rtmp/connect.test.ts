import assert from 'node:assert/strict';
import { test } from 'node:test';
import { membersOf } from '../../../src/protocol/amf/amf.ts';
import { LimitType, UserControlEvent } from '../../../src/protocol/rtmp/control.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { Core, type CoreOptions, until } from '../../support/core.ts';
import { video } from '../../support/media.ts';
import type { RtmpPeer } from '../../support/rtmp-peer.ts';

/** The information object of an answer to connect. */
function infoOf({ args }: { args: unknown[] }) {
  return membersOf(args[0] as never) ?? {};
}

test('connect is answered in the order and with the values of FMS', async () => {
  await using core = await Core.start({ scripted: false });
  const peer = await core.peer();
  const { object, args, transactionId } = await peer.connect('live');
  await peer.expectCommand('onBWDone');
  assert.deepEqual(
    peer.heard.map(({ control, command, streamId }) => {
      assert.equal(streamId, 0);
      return control ?? command?.name;
    }),
    [
      { typeId: MessageType.WindowAckSize, ackWindowBytes: 2_500_000 },
      { typeId: MessageType.SetPeerBandwidth, ackWindowBytes: 2_500_000, limitType: LimitType.Dynamic },
      { typeId: MessageType.SetChunkSize, chunkBytes: 60_000 },
      { typeId: MessageType.UserControl, event: UserControlEvent.StreamBegin, streamId: 0 },
      '_result',
      'onBWDone',
    ],
  );
  assert.equal(transactionId, 1);
  assert.deepEqual({ ...membersOf(object) }, { fmsVer: 'FMS/5,0,17,1', capabilities: 255, mode: 1 });
  const { data, ...info } = infoOf({ args });
  assert.deepEqual(
    { ...info },
    {
      level: 'status',
      code: 'NetConnection.Connect.Success',
      description: 'Connection succeeded.',
      objectEncoding: 0,
    },
  );
  assert.deepEqual({ ...membersOf(data) }, { version: '5,0,17,1' });
});

test('a client that asked for AMF3 gets its answers in AMF3 messages from then on', async () => {
  await using core = await Core.start({ scripted: false });
  const peer = await core.peer();
  const answer = await peer.connect('live', { objectEncoding: 3 });
  assert.equal(infoOf(answer).objectEncoding, 3);
  assert.equal(await peer.createStream(), 1);
  const types = peer.heard
    .filter(({ command }) => command)
    .map(({ command, typeId }) => [command?.name, typeId]);
  assert.deepEqual(types, [
    ['_result', MessageType.CommandAmf0],
    ['onBWDone', MessageType.CommandAmf3],
    ['_result', MessageType.CommandAmf3],
  ]);
});

test('the E-RTMP properties are offered to those who have offered theirs', async () => {
  await using core = await Core.start({ scripted: false });
  const peer = await core.peer();
  const { object } = await peer.connect('live', { capsEx: 1, fourCcList: ['av01', 'hvc1'] });
  const { fourCcList, videoFourCcInfoMap, audioFourCcInfoMap, capsEx } = membersOf(object)!;
  assert.deepEqual(fourCcList, ['*']);
  assert.deepEqual({ ...membersOf(videoFourCcInfoMap) }, { '*': 4 });
  assert.deepEqual({ ...membersOf(audioFourCcInfoMap) }, { '*': 4 });
  assert.equal(capsEx, 6);
});

for (const [app, instance] of [
  ['live', 'live/_definst_'],
  ['live/', 'live/_definst_'],
  ['/live//', 'live/_definst_'],
  ['live?authmod=adobe&user=u', 'live/_definst_'],
  ['live/room', 'live/room'],
  ['live/rooms/7/?x=/../..', 'live/rooms/7'],
] as const) {
  test(`the application "${app}" is ${instance}`, async () => {
    await using core = await Core.start();
    const peer = await core.peer();
    assert.equal((await peer.connect(app)).name, '_result');
    assert.equal(core.script(instance).asked.length, 1);
  });
}

for (const [app, code] of [
  ['nowhere', 'NetConnection.Connect.InvalidApp'],
  ['__proto__', 'NetConnection.Connect.InvalidApp'],
  ['', 'NetConnection.Connect.Rejected'],
  ['..', 'NetConnection.Connect.Rejected'],
  ['live/../other', 'NetConnection.Connect.Rejected'],
  ['live\\other', 'NetConnection.Connect.Rejected'],
  ['live//room', 'NetConnection.Connect.Rejected'],
  ['live/\u0000', 'NetConnection.Connect.Rejected'],
  ['live/CON', 'NetConnection.Connect.Rejected'],
  [`live/${'x'.repeat(2000)}`, 'NetConnection.Connect.Rejected'],
] as const) {
  test(`the application ${JSON.stringify(app.slice(0, 20))} is refused with ${code}, and the connection closed`, async () => {
    await using core = await Core.start();
    const peer = await core.peer();
    const answer = await peer.connect(app);
    assert.equal(answer.name, '_error');
    const { level, code: given, description } = infoOf(answer);
    assert.deepEqual([level, given], ['error', code]);
    assert.match(String(description), /^\[ Server\.Reject \] : \(_defaultRoot_, _defaultVHost_\) : /);
    assert.ok(String(description).length < 300);
    await peer.expectCommand('close');
    await peer.closed();
    assert.equal([...core.registry.instances].length, 0);
  });
}

test('an application name of slashes only costs no time', async () => {
  await using core = await Core.start();
  // quadratic in the slashes, it would hold up everybody for a second
  const app = `live${'/'.repeat(32_000)}x`;
  const before = process.cpuUsage();
  assert.throws(() => core.registry.connect(app, { ip: '127.0.0.1', user: '' }), {
    code: 'NetConnection.Connect.Rejected',
  });
  const { user } = process.cpuUsage(before);
  assert.ok(user < 100_000, `${user} µs of CPU time`);
});

test('the script is told who connects, and given the arguments behind the command object', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect(
    'live',
    { swfUrl: 'http://a/p.swf', pageUrl: 'http://a/', objectEncoding: 3 },
    'user',
    7,
  );
  const { question } = core.script().asked[0]!;
  assert.equal(question.gate, 'onConnect');
  assert.ok(question.gate === 'onConnect');
  assert.deepEqual(question.args, ['user', 7]);
  const { id, ...facts } = question.client;
  assert.match(id, /^[\w-]{12}$/);
  assert.deepEqual(facts, {
    ip: '127.0.0.1',
    agent: 'LNX 9,0,124,2',
    referrer: 'http://a/p.swf',
    pageUrl: 'http://a/',
    uri: 'rtmp://127.0.0.1/live',
    protocol: 'rtmp',
    secure: false,
    virtualKey: '',
    user: '',
    objectEncoding: 3,
    readAccess: '/',
    writeAccess: '/',
    audioSampleAccess: '',
    videoSampleAccess: '',
  });
});

test('members of connect that are no texts become empty ones', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect('live', { flashVer: 7, swfUrl: null, tcUrl: { a: 1 }, objectEncoding: 'x' });
  const { question } = core.script().asked[0]!;
  assert.ok(question.gate === 'onConnect');
  const { agent, referrer, uri, objectEncoding } = question.client;
  assert.deepEqual(
    { agent, referrer, uri, objectEncoding },
    { agent: '', referrer: '', uri: '', objectEncoding: 0 },
  );
});

// ── the gate ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** A peer whose connect waits for the test. */
async function pending(core: Core): Promise<RtmpPeer> {
  core.scripts.prepare = (script) => {
    script.decide = () => undefined;
  };
  const peer = await core.peer();
  peer.command('connect', 1, [], 0, { app: 'live' });
  return peer;
}

test('a rejection carries its reason and the object of the script', async () => {
  await using core = await Core.start();
  const peer = await pending(core);
  const asked = await firstQuestion(core);
  asked.answer({ accepted: false, reason: 'not today', application: { retry: 5 } });
  const { name, object, args } = await peer.expectAnswer(1);
  assert.deepEqual([name, object], ['_error', null]);
  const { application, ...info } = infoOf({ args });
  assert.deepEqual(
    { ...info },
    { level: 'error', code: 'NetConnection.Connect.Rejected', description: 'not today' },
  );
  assert.deepEqual({ ...membersOf(application) }, { retry: 5 });
  const { transactionId } = await peer.expectCommand('close');
  assert.equal(transactionId, 0);
  await peer.closed();
  await until('the session to end', () => core.sessionCount === 0);
  assert.deepEqual(core.script().notices, [], 'who was never accepted does not disconnect');
});

test('a redirection carries the new address', async () => {
  await using core = await Core.start();
  const peer = await pending(core);
  (await firstQuestion(core)).answer({ accepted: false, reason: 'moved', redirect: 'rtmp://b/live' });
  const { ex } = infoOf(await peer.expectAnswer(1));
  assert.deepEqual({ ...membersOf(ex) }, { code: 302, redirect: 'rtmp://b/live' });
  await peer.closed();
});

test('a rejection whose object has no form on the wire arrives without it', async () => {
  await using core = await Core.start();
  const peer = await pending(core);
  let deep: Record<string, never> | string = 'x';
  for (let i = 0; i < 100; i += 1) deep = { deep } as never;
  (await firstQuestion(core)).answer({ accepted: false, reason: 'no', application: deep as never });
  const info = infoOf(await peer.expectAnswer(1));
  assert.equal(info.description, 'no');
  assert.equal('application' in info, false);
  await peer.closed();
});

test('what is said before the verdict is done after it, in its order', async () => {
  await using core = await Core.start();
  const peer = await pending(core);
  const asked = await firstQuestion(core);
  peer.command('createStream', 2, []);
  peer.command('createStream', 3, []);
  peer.command('publish', 0, ['cam'], 1);
  peer.video(1, 0, video.keyframe(7));
  peer.control({ typeId: MessageType.UserControl, event: UserControlEvent.PingRequest, timestampMs: 5 });
  await peer.expect('the pong', ({ control }) => control !== undefined); // control is answered at any time
  assert.equal(peer.heard.length, 1);
  core.script().decide = () => ({ accepted: true });
  asked.answer({ accepted: true });
  await peer.expectStatus('NetStream.Publish.Start');
  await peer.settle();
  assert.deepEqual(peer.summary().slice(5), [
    '_result',
    'onBWDone',
    '_result',
    '_result',
    'control 4',
    'NetStream.Publish.Start',
    '_result',
  ]);
  assert.equal(core.instance()?.streams.get('cam')?.stream.stats.messagesIn, 1);
});

test('a call that the script makes with its verdict comes behind the result, and before the answers to what waited', async () => {
  await using core = await Core.start();
  const peer = await pending(core);
  const asked = await firstQuestion(core);
  assert.ok(asked.question.gate === 'onConnect');
  peer.command('createStream', 2, []);
  await until('the command to arrive', () => core.sessionCount === 1);
  asked.answer({ accepted: true });
  core
    .script()
    .commands.obey({ op: 'clientCall', client: asked.question.client.id, name: 'welcome', args: ['you'] });
  await peer.expectAnswer(2);
  const names = peer.heard.map(({ command }) => command?.name).filter((name) => name);
  assert.deepEqual(names, ['_result', 'onBWDone', 'welcome', '_result']);
});

test('too much said before the verdict rests in the socket, and nothing of it is lost', async () => {
  await using core = await Core.start({ session: { maxHeldBytes: 4_000 } });
  const peer = await pending(core);
  const asked = await firstQuestion(core);
  const calls = 2_000;
  for (let i = 0; i < calls; i += 1) peer.command('say', 0, [i]);
  core.script().decide = () => ({ accepted: true });
  await until('the socket to be full', () => peer.socket.writableLength > 0 || peer.socket.bytesWritten > 0);
  asked.answer({ accepted: true });
  await until('all calls', () => core.script().invoked.length === calls);
  assert.deepEqual(
    core.script().invoked.map(({ args }) => args[0]),
    Array.from({ length: calls }, (_, i) => i),
  );
});

test('one who leaves while its socket rests is missed all the same', async () => {
  await using core = await Core.start({ session: { maxHeldBytes: 4_000 } });
  const peer = await pending(core);
  const asked = await firstQuestion(core);
  for (let i = 0; i < 2_000; i += 1) peer.command('say', 0, [i]);
  await until('the socket to be full', () => peer.socket.writableLength > 0 || peer.socket.bytesWritten > 0);
  peer.socket.destroy();
  await until('the question to be taken back', () => {
    core.clock.advance(10);
    return asked.isDropped;
  });
  await until('the session to end', () => core.sessionCount === 0);
});

test('a client that leaves before the verdict takes the question along', async () => {
  await using core = await Core.start();
  const peer = await pending(core);
  const asked = await firstQuestion(core);
  peer.socket.destroy();
  await until('the session to end', () => core.sessionCount === 0);
  assert.equal(asked.isDropped, true);
  asked.answer({ accepted: true }); // a late one
  assert.equal(core.instance()?.clients.size, 0);
  assert.deepEqual(core.script().notices, []);
});

test('without a version of the script that starts, everybody who waits is told that the application failed to load', async () => {
  await using core = await Core.start();
  const start = Promise.withResolvers<void>();
  core.scripts.prepare = (script) => {
    script.started = start.promise;
  };
  const peers = [await core.peer(), await core.peer(), await core.peer()];
  const leaver = await core.peer();
  for (const peer of [...peers, leaver]) peer.command('connect', 1, [], 0, { app: 'live' });
  await until('all to have asked', () => core.instance()?.clients.size === 4);
  leaver.socket.destroy();
  await until('one to have left', () => core.sessionCount === 3);
  start.reject(new Error('SyntaxError'));
  for (const peer of peers) {
    const { code, description } = infoOf(await peer.expectAnswer(1));
    assert.equal(code, 'NetConnection.Connect.Failed');
    assert.match(String(description), /failed to load/);
    await peer.closed();
  }
  core.clock.advance(1_000);
  const refusals = core.log.filter(({ event }) => event === 'connect-refused');
  assert.deepEqual(
    refusals.map(({ repeats }) => repeats),
    [undefined, 1],
    'one record a second, which counts: each who was still there',
  );
  assert.equal(core.script().isClosed, true);
  core.scripts.prepare = () => {};
  assert.equal((await (await core.peer()).connect('live')).name, '_result'); // the next one finds it healed
});

async function firstQuestion(core: Core) {
  await until('a script', () => core.scripts.opened.length > 0);
  return core.script().question('onConnect');
}

// ── out of order ─────────────────────────────────────────────────────────────────────────────────────────────────

async function endsWith(code: string, say: (peer: RtmpPeer) => Promise<void>, options?: CoreOptions) {
  await using core = await Core.start({ scripted: false, ...options });
  const peer = await core.peer();
  await say(peer);
  await peer.closed();
  await until('the session to end', () => core.sessionCount === 0);
  assert.deepEqual(
    core.trouble.map(({ code, event }) => [code, event]),
    [[code, 'bad-input']],
  );
}

test('a command before connect ends the connection', () =>
  endsWith('ERR_RTMP_ORDER', async (peer) => peer.command('createStream', 2, [])));

test('a second connect ends the connection', () =>
  endsWith('ERR_RTMP_ORDER', async (peer) => {
    await peer.connect('live');
    peer.command('connect', 2, [], 0, { app: 'live' });
  }));

test('media before connect is ignored', async () => {
  await using core = await Core.start({ scripted: false });
  const peer = await core.peer();
  peer.video(1, 0, video.keyframe());
  peer.data('onMetaData', [{}], 1);
  assert.equal((await peer.connect('live')).name, '_result');
});

// ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────

test('the close command ends the connection', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect('live');
  peer.command('close', 0, []);
  await peer.closed();
  await until('the notice', () => core.script().told('disconnect').length === 1);
});

test('an application that shuts down tells those who are there and those who wait', async () => {
  await using core = await Core.start();
  const accepted = await core.peer();
  await accepted.connect('live');
  core.script().decide = () => undefined;
  const waiting = await core.peer();
  waiting.command('connect', 1, [], 0, { app: 'live' });
  await until('both', () => core.instance()?.clients.size === 2);
  await Promise.all([core.registry.shutdown(), core.registry.shutdown()]);
  assert.deepEqual(core.script().stops, ['Application.Shutdown']);
  assert.equal(core.script().isClosed, true);
  await accepted.expectStatus('NetConnection.Connect.AppShutdown');
  await accepted.closed();
  const { code } = infoOf(await waiting.expectAnswer(1));
  assert.equal(code, 'NetConnection.Connect.AppShutdown');
  await waiting.closed();
  assert.deepEqual(core.script().told('disconnect').length, 1);
});

test('who asks an application to stop while it stops waits for the same end', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect('live');
  const stopped = Promise.withResolvers<boolean>();
  core.script().stop = () => stopped.promise;
  core.script().commands.obey({ op: 'shutdown' }); // by its own script
  let isOver = false;
  const shutdown = core.registry.shutdown().then(() => {
    isOver = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isOver, false);
  stopped.resolve(true);
  await shutdown;
  await peer.closed();
});

test('of the texts of a connect command no more is taken than the configuration says', async () => {
  await using core = await Core.start({ session: { maxConnectText: 50 } });
  const peer = await core.peer();
  const long = `http://example.com/${'x'.repeat(10_000)}`;
  await peer.connect('live', { tcUrl: `rtmp://h/live?${long}`, swfUrl: long, pageUrl: long, flashVer: long });
  const { question } = await core.script().question('onConnect');
  assert.ok(question.gate === 'onConnect');
  const { uri, referrer, pageUrl, agent } = question.client;
  assert.deepEqual(
    [uri, referrer, pageUrl, agent].map(({ length }) => length),
    [50, 50, 50, 50],
  );
});
