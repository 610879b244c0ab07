// Stream.play over a NetConnection: a stream of another server of ours is one of this server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADOPTION_MS } from '../../../src/application/served/relays.ts';
import { Core, until } from '../../support/core.ts';
import { dialerFor } from '../../support/dialer.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { video } from '../../support/media.ts';
import { marks } from '../rtmp/publishing.ts';

/** A server that is connected, by 1, to the application `other` of that one. */
async function connectedTo(far: Core): Promise<Core> {
  const clock = new ManualClock();
  const near = await Core.start({ clock, registry: { outgoing: dialerFor(clock) } });
  await (await near.peer()).connect('live'); // its script is open from now on
  await connect(near, far, 1);
  return near;
}

async function connect(near: Core, far: Core, key: number): Promise<void> {
  near
    .script()
    .commands.obey({ op: 'outConnect', id: key, uri: `rtmp://127.0.0.1:${far.port}/other`, args: [] });
  await until('the connection', () =>
    near
      .script()
      .told('outgoing')
      .some((one) => one.id === key && one.info.code.endsWith('.Success')),
  );
}

/** `show` of the other server as `copy` of this one. */
function play(near: Core, { connection = 1, start = -1, length = -1, name = 'show' } = {}): void {
  const what = { stream: 'copy', source: name, start, length, reset: true, connection };
  near.script().commands.obey({ op: 'streamPlay', ...what });
}

/** What the script is told of `copy`. */
function codes(near: Core): string[] {
  const statuses = near.script().told('status');
  return statuses.filter(({ stream }) => stream === 'copy').map(({ info }) => info.code);
}

async function told(near: Core, code: string): Promise<void> {
  await until(code, () => codes(near).includes(code));
}

test('who waits for it and who comes later has its headers and pictures; a recording has them too', async () => {
  await using far = await Core.start();
  const { peer, id } = await far.publisher('show', 'other');
  peer.data('@setDataFrame', ['onMetaData', { width: 7 }], id);
  peer.video(id, 5_000, video.header(1));
  peer.video(id, 5_000, video.keyframe(2));
  await peer.settle();
  await using near = await connectedTo(far);
  const { peer: early } = await near.player('copy');
  play(near);
  await early.expectStatus('NetStream.Play.PublishNotify');
  assert.deepEqual(await marks(early, 2), [1, 2]);
  near.script().commands.obey({ op: 'record', stream: 'copy', mode: 'record' });
  peer.video(id, 5_040, video.frame(3));
  assert.deepEqual(await marks(early, 3), [1, 2, 3]);
  const { peer: late } = await near.player('copy');
  assert.deepEqual(await marks(late, 3), [1, 2, 3]);
  const data = late.heard.flatMap(({ data }) => (data ? [data.name] : []));
  assert.deepEqual(data, ['|RtmpSampleAccess', 'onStatus', 'onMetaData'], 'each once');
  assert.equal(near.recorders.opened.length, 1);
});

test('its publisher goes, and comes back; the players are told', async () => {
  await using far = await Core.start();
  await using near = await connectedTo(far);
  play(near);
  await told(near, 'NetStream.Play.Start');
  const { peer: player } = await near.player('copy');
  const first = await far.publisher('show', 'other');
  first.peer.video(first.id, 0, video.keyframe(1));
  await marks(player, 1);
  first.peer.command('deleteStream', 0, [first.id]);
  await told(near, 'NetStream.Play.UnpublishNotify');
  near.clock.advance(1_000); // it might have come back at once
  await player.expectStatus('NetStream.Play.UnpublishNotify');
  const second = await far.publisher('show', 'other');
  second.peer.video(second.id, 0, video.keyframe(2));
  assert.deepEqual(await marks(player, 2), [1, 2]);
});

test('it ends with its connection, and what there is not is said so', async () => {
  await using far = await Core.start({ registry: { recorded: { open: async () => undefined } } });
  await using near = await connectedTo(far);
  play(near, { name: 'none', start: 0 });
  await told(near, 'NetStream.Play.StreamNotFound');
  play(near, { connection: 99 });
  await told(near, 'NetStream.Play.Failed');
  play(near);
  await told(near, 'NetStream.Play.Start');
  near.script().commands.obey({ op: 'outClose', id: 1 });
  await told(near, 'NetStream.Play.Stop');
  near.clock.advance(2_000);
  assert.equal(near.instance()?.streams.get('copy'), undefined);
  await until('nobody there', () => far.instance('other/_definst_')?.streams.get('show') === undefined);
});

test('it stays on air while a script is saved, whether the new version makes the same connection or none', async () => {
  await using far = await Core.start();
  const { peer, id } = await far.publisher('show', 'other');
  await using near = await connectedTo(far);
  const { peer: player } = await near.player('copy');
  play(near);
  peer.video(id, 0, video.keyframe(1));
  await marks(player, 1);
  near.script().commands.obey({ op: 'outDisown', from: 0, to: 10 });
  await connect(near, far, 11);
  near.clock.advance(ADOPTION_MS);
  peer.video(id, 40, video.frame(2));
  assert.deepEqual(await marks(player, 2), [1, 2]);
  near.script().commands.obey({ op: 'outDisown', from: 10, to: 20 });
  near.clock.advance(ADOPTION_MS);
  peer.video(id, 80, video.frame(3));
  assert.deepEqual(await marks(player, 3), [1, 2, 3]);
  near.script().commands.obey({ op: 'outForget' });
  await told(near, 'NetStream.Play.Stop');
});
