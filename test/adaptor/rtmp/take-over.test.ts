// Who keeps a name when somebody else publishes it: its holder while it gives signs of life, or whom the script says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Verdict } from '../../../src/application/contract/script.ts';
import { DigestScheme } from '../../../src/protocol/handshake/handshake-digest.ts';
import { Core, type CoreOptions, until } from '../../support/core.ts';
import { Logged } from '../../support/logged.ts';
import { audio, video } from '../../support/media.ts';
import { RtmpPeer, statusOf } from '../../support/rtmp-peer.ts';
import { TunnelClient } from '../../support/tunnel-client.ts';
import { asking, marks } from './publishing.ts';

/** Turns of the event loop in which everything on its way arrives; the clock goes on by so little that nothing is due. */
async function turns(core: Core, ms = 0): Promise<void> {
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
  core.clock.advance(ms);
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

function codes(peer: RtmpPeer): string[] {
  return peer.heard.flatMap(({ command }) => statusOf(command)?.code ?? []).map(String);
}

/** One that wants the name: its question has been put. */
async function newcomer(core: Core, name: string, app = 'live') {
  const peer = await core.peer();
  await peer.connect(app);
  const id = await peer.createStream();
  peer.command('publish', 0, [name], id);
  await peer.settle();
  await turns(core);
  return { peer, id };
}

async function published(peer: RtmpPeer): Promise<{ peer: RtmpPeer; id: number }> {
  return { peer, id: await peer.publish('live', 'cam') };
}

for (const [way, open] of [
  ['RTMP', (core) => core.peer()],
  ['RTMPE', (core) => RtmpPeer.open(core.port, { rtmpe: 6, scheme: DigestScheme.First })],
  ['RTMPT', async (core) => RtmpPeer.over((await TunnelClient.open(core.port)).asSocket)],
] as [string, (core: Core) => Promise<RtmpPeer>][]) {
  test(`a publisher whose media flows keeps its name by ${way}, though it answers no ping`, async () => {
    await using core = await Core.start();
    await using holder = await open(core);
    const { id } = await published(holder);
    holder.video(id, 0, video.keyframe(1));
    const { peer: second } = await newcomer(core, 'cam');
    holder.audio(id, 40, audio.frame(2));
    await turns(core, 100);
    holder.audio(id, 80, audio.frame(3));
    await until('an answer', () => {
      core.clock.advance(1); // the polls of a tunnel, and nothing like two seconds
      return codes(second).length > 0;
    });
    assert.deepEqual(codes(second), ['NetStream.Publish.BadName']);
    core.clock.advance(10_000);
    await turns(core);
    assert.equal(codes(holder).includes('NetStream.Publish.Denied'), false);
  });
}

test('a publisher in a tunnel that only polls is alive', async () => {
  await using core = await Core.start();
  await using holder = await RtmpPeer.over((await TunnelClient.open(core.port)).asSocket);
  await published(holder);
  const { peer: second } = await newcomer(core, 'cam');
  for (let i = 0; i < 5 && codes(second).length === 0; i += 1) await turns(core, 350);
  assert.deepEqual(codes(second), ['NetStream.Publish.BadName']);
});

test('a silent publisher is taken over in two seconds, and its log says by whom', async () => {
  await using core = await Core.start();
  const { peer: first } = await core.publisher('cam');
  const { peer: second } = await newcomer(core, 'cam');
  core.clock.advance(1_999);
  await turns(core);
  assert.deepEqual(codes(second), []);
  core.clock.advance(1);
  await second.expectStatus('NetStream.Publish.Start');
  await first.closed();
  const [firstId, secondId] = core
    .script()
    .asked.filter(({ question }) => question.gate === 'onPublish')
    .map(({ question }) => question.gate === 'onPublish' && question.client);
  const line = core.log.find(({ event }) => event === 'taken-over');
  assert.deepEqual(
    [line?.client, line?.ip, line?.byClient, line?.byIp, line?.stream],
    [firstId, '127.0.0.1', secondId, '127.0.0.1', 'cam'],
  );
  assert.match(String(line?.reason), /no sign of life for 2000 ms/);
  await until('its end', () =>
    core.log.some(({ event, client }) => event === 'disconnect' && client === firstId),
  );
  const end = core.log.find(({ event, client }) => event === 'disconnect' && client === firstId);
  assert.match(String(end?.reason), new RegExp(`127\\.0\\.0\\.1 \\(client ${secondId}\\)`));
  assert.doesNotMatch(
    JSON.stringify(first.heard),
    /127\.0\.0\.1/,
    'the one thrown out is not told an address',
  );
});

test('a publisher whose connection ends while somebody waits for its name hands it on at once', async () => {
  await using core = await Core.start();
  const { peer: first } = await core.publisher('cam');
  const { peer: second } = await newcomer(core, 'cam');
  first.socket.destroy();
  await second.expectStatus('NetStream.Publish.Start');
});

test('a live publisher’s reading that is paused by another stream of it costs it nothing', async () => {
  await using core = await Core.start({ session: { maxHeldBytes: 10_000 } });
  core.scripts.prepare = (script) => {
    script.decide = (question) =>
      question.gate === 'onPublish' && question.request.name === 'held' ? undefined : { accepted: true };
  };
  const { peer: holder, id } = await core.publisher('cam');
  const other = await holder.createStream();
  holder.command('publish', 0, ['held'], other);
  holder.video(other, 0, Buffer.alloc(50_000, 0x17));
  await turns(core);
  const asked = await core.script().question('onPublish');
  const { peer: second } = await newcomer(core, 'cam');
  holder.video(id, 0, video.keyframe(1));
  core.clock.advance(9_000);
  await turns(core);
  assert.deepEqual(codes(second), [], 'nobody can know');
  asked.answer({ accepted: false, reason: 'no' });
  await turns(core, 1);
  await turns(core, 1);
  holder.video(id, 40, video.frame(2));
  await second.expectStatus('NetStream.Publish.BadName');
});

// ── the script's word ────────────────────────────────────────────────────────────────────────────────────────────

function deciding(verdict: Verdict): CoreOptions & { prepare(core: Core): void } {
  return {
    prepare(core) {
      core.scripts.prepare = (script) => {
        script.decide = ({ gate }) => (gate === 'onPublish' ? verdict : { accepted: true });
      };
    },
  };
}

async function startDeciding(verdict: Verdict): Promise<Core> {
  const core = await Core.start();
  deciding(verdict).prepare(core);
  return core;
}

/** Publishes and keeps sending, so that it is alive whenever it is asked. */
async function livelyPublisher(core: Core, name: string) {
  const { peer, id } = await asking(core, name);
  await peer.expectStatus('NetStream.Publish.Start');
  return { peer, id, send: () => peer.audio(id, 0, audio.frame(1)) };
}

test('the script is told who publishes the name, since when, and when its last byte came', async () => {
  await using core = await startDeciding({ accepted: true });
  const first = await livelyPublisher(core, 'cam');
  core.clock.advance(3_000);
  first.send();
  await turns(core);
  core.clock.advance(500);
  await asking(core, 'cam');
  await until('both questions', () => core.script().asked.length === 4);
  const currents = core
    .script()
    .asked.flatMap(({ question }) => (question.gate === 'onPublish' ? [question.current] : []));
  const [client] = [...core.instance()!.clients.keys()];
  assert.deepEqual(currents, [undefined, { client, sinceMs: 3_500, lastByteMs: 500 }]);
});

test('it is told of the publisher with the same key, though that has another name', async () => {
  await using core = await startDeciding({ accepted: true, as: 'stage' });
  await livelyPublisher(core, 'K3Y');
  await asking(core, 'K3Y');
  await until('both questions', () => core.script().asked.length === 4);
  const { question } = core.script().asked[3]!;
  assert.ok(question.gate === 'onPublish');
  assert.equal(question.current?.client, [...core.instance()!.clients.keys()][0]);
});

for (const [how, verdict, name] of [
  ['takeOver', { accepted: true, takeOver: true }, 'cam'],
  ['takeOver and another name', { accepted: true, takeOver: true, as: 'stage' }, 'stage'],
] as [string, Verdict, string][]) {
  test(`a verdict with ${how} gives the name to the newcomer at once`, async () => {
    await using core = await startDeciding(verdict);
    const { peer: player } = await core.player(name);
    const first = await livelyPublisher(core, 'cam');
    const second = await livelyPublisher(core, 'cam');
    await first.peer.expectStatus('NetStream.Publish.Denied');
    await first.peer.closed();
    second.peer.video(second.id, 0, video.keyframe(2));
    assert.deepEqual(await marks(player, 1), [2]);
    const from = player.summary().lastIndexOf('NetStream.Play.UnpublishNotify');
    assert.equal(player.summary()[from + 1], 'NetStream.Play.PublishNotify');
    const line = core.log.find(({ event }) => event === 'taken-over');
    assert.deepEqual([line?.stream, line?.byIp, line?.ip], [name, '127.0.0.1', '127.0.0.1']);
    assert.match(String(line?.reason), /the application let another publisher/);
    assert.deepEqual(
      core
        .script()
        .told('publish', 'unpublish')
        .map(({ event }) => event),
      ['publish', 'unpublish', 'publish'],
    );
  });
}

test('the access log says who took the name over', async () => {
  await using logged = await Logged.start();
  deciding({ accepted: true, takeOver: true }).prepare(logged.core);
  await livelyPublisher(logged.core, 'cam');
  await livelyPublisher(logged.core, 'cam');
  const [line] = await logged.lines('unpublish');
  assert.equal(line?.['x-status'], '601');
  assert.match(decodeURIComponent(line?.['x-comment'] ?? ''), /taken over by 127\.0\.0\.1 \(client \S+\)/);
});

test('two encoders that both reconnect do not take a name from each other without end', async () => {
  await using core = await startDeciding({ accepted: true, takeOver: true });
  let holder = await livelyPublisher(core, 'cam');
  const changes: number[] = [];
  // each that is thrown out or refused is back within two seconds
  for (let s = 0; s < 400; s += 2) {
    const { peer, id } = await asking(core, 'cam');
    await turns(core);
    holder.send();
    await until('an answer', () => codes(peer).length > 0);
    if (codes(peer)[0] === 'NetStream.Publish.Start') {
      changes.push(s);
      holder = { peer, id, send: () => peer.audio(id, 0, audio.frame(1)) };
    } else peer.socket.destroy();
    core.clock.advance(2_000);
  }
  const waits = changes.map((s, i) => s - (changes[i - 1] ?? 0));
  assert.deepEqual(waits, [0, 10, 20, 40, 80, 160]);
  const limited = core.log.find(({ event }) => event === 'take-over-limited');
  assert.deepEqual([limited?.stream, limited?.holderIp, limited?.level], ['cam', '127.0.0.1', 'warn']);
});

test('a publisher that is safe from a take-over and dead loses its name all the same', async () => {
  await using core = await startDeciding({ accepted: true, takeOver: true });
  await livelyPublisher(core, 'cam');
  await livelyPublisher(core, 'cam');
  const { peer: third } = await newcomer(core, 'cam');
  assert.deepEqual(codes(third), []);
  core.clock.advance(2_000);
  await third.expectStatus('NetStream.Publish.Start');
});

test('a client does not take over itself', async () => {
  await using core = await startDeciding({ accepted: true, takeOver: true });
  const { peer } = await livelyPublisher(core, 'cam');
  const own = await peer.createStream();
  peer.command('publish', 0, ['cam'], own);
  await peer.expectStatus('NetStream.Publish.BadName');
  assert.equal(peer.isClosed, false);
});

test('a script may let a client take over what the server itself plays', async () => {
  await using core = await startDeciding({ accepted: true, takeOver: true });
  const { peer: player } = await core.player('cam');
  core
    .script()
    .commands.obey({ op: 'streamPlay', stream: 'cam', source: 'other', start: -1, length: -1, reset: true });
  const { peer, id } = await asking(core, 'cam');
  await peer.expectStatus('NetStream.Publish.Start');
  const { question } = await core.script().question('onPublish');
  assert.ok(question.gate === 'onPublish');
  assert.deepEqual(question.current, { sinceMs: 0, lastByteMs: 0 });
  peer.video(id, 0, video.keyframe(3));
  assert.deepEqual(await marks(player, 1), [3]);
});

test('of several that wait for a name the one with the script’s word gets it, and the others ask it', async () => {
  await using core = await Core.start();
  core.scripts.prepare = (script) => {
    script.decide = (question) => ({
      accepted: true,
      ...(question.gate === 'onPublish' && question.request.query === 'now' ? { takeOver: true } : {}),
    });
  };
  await core.publisher('cam');
  const { peer: second } = await newcomer(core, 'cam');
  const third = await livelyPublisher(core, 'cam?now');
  await turns(core);
  third.send();
  await turns(core);
  third.send();
  await second.expectStatus('NetStream.Publish.BadName');
  assert.equal(third.peer.isClosed, false);
});

test('the recording of the one thrown out is closed before the newcomer’s is opened, in append mode too', async () => {
  await using core = await startDeciding({ accepted: true, takeOver: true, record: 'append' });
  const first = await livelyPublisher(core, 'cam');
  await first.peer.expectStatus('NetStream.Record.Start');
  first.peer.video(first.id, 0, video.keyframe(1));
  await turns(core);
  let wasClosed = false;
  core.recorders.onOpen = () => {
    wasClosed = core.recorders.opened[0]!.isClosed;
  };
  const second = await livelyPublisher(core, 'cam');
  await second.peer.expectStatus('NetStream.Record.Start');
  assert.equal(wasClosed, true);
  assert.deepEqual(
    core.recorders.opened.map(({ request }) => request.mode),
    ['append', 'append'],
  );
});
