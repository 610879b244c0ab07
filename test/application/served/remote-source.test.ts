import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutgoingConnection } from '../../../src/application/contract/outgoing.ts';
import { RemoteSource } from '../../../src/application/served/remote-source.ts';
import { StatusError } from '../../../src/errors.ts';
import { decodeData } from '../../../src/protocol/rtmp/command.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { Core, until } from '../../support/core.ts';
import { dialerFor } from '../../support/dialer.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { audio, video } from '../../support/media.ts';

const CHUNK_BYTES = 4096;

/** A connection to the application `other` of that server. */
async function connected(far: Core): Promise<{ connection: OutgoingConnection; clock: ManualClock }> {
  const clock = new ManualClock();
  const uri = `rtmp://127.0.0.1:${far.port}/other`;
  const connection = dialerFor(clock).connect({ application: 'live', uri, args: [] }, CHUNK_BYTES, {
    status() {},
    ended() {},
  });
  await until('the answer', () => connection.isOpen);
  return { connection, clock };
}

/** Begun; with what it tells, as text. */
async function begun(connection: OutgoingConnection, name: string, start = -1) {
  const source = await RemoteSource.open(connection, { name, start });
  assert.ok(source);
  const told: string[] = [];
  source.begin({
    take: ({ typeId, timestampMs, payload, chunkBytes }) => {
      assert.equal(chunkBytes, CHUNK_BYTES);
      if (typeId === MessageType.DataAmf0) told.push(`${timestampMs} ${decodeData(typeId, payload).name}`);
      else told.push(`${timestampMs} ${typeId === MessageType.Video ? 'video' : 'audio'} ${payload.at(-1)}`);
    },
    lost: () => told.push('lost'),
    ended: () => told.push('ended'),
    failed: (code) => told.push(code),
  });
  return { source, told };
}

test('a stream of another server has all that its players get, headers first, and nothing that is the server’s own', async () => {
  await using far = await Core.start();
  const { peer, id } = await far.publisher('show', 'other');
  peer.data('@setDataFrame', ['onMetaData', { width: 7 }], id);
  peer.video(id, 5_000, video.header(1));
  peer.audio(id, 5_000, audio.header(2));
  peer.video(id, 5_000, video.keyframe(3));
  await peer.settle();
  const { connection } = await connected(far);
  const { told, source } = await begun(connection, 'show');
  assert.equal(source.isLive, true);
  await until('the keyframe', () => told.length === 4);
  peer.data('onCuePoint', [{ name: 'x' }], id, 5_030);
  peer.video(id, 5_040, video.frame(4));
  await until('another picture', () => told.length === 6);
  assert.deepEqual(told, [
    ...['0 onMetaData', '5000 video 1', '5000 audio 2', '5000 video 3'],
    ...['5030 onCuePoint', '5040 video 4'],
  ]);
  source.close();
  await until(
    'nobody',
    () => far.instance('other/_definst_')?.streams.get('show')?.stream.viewers.size === 0,
  );
  connection.close();
});

test('its publisher may go and come back', async () => {
  await using far = await Core.start();
  const { connection } = await connected(far);
  const { told } = await begun(connection, 'show');
  const first = await far.publisher('show', 'other');
  first.peer.video(first.id, 0, video.keyframe(1));
  await until('a picture', () => told.length === 1);
  first.peer.socket.destroy();
  await until('its loss', () => told.length === 2);
  const second = await far.publisher('show', 'other');
  second.peer.video(second.id, 7, video.keyframe(2));
  await until('another picture', () => told.length === 3);
  assert.deepEqual(told, ['0 video 1', 'lost', '7 video 2']);
  connection.close();
  assert.deepEqual(told.slice(3), ['ended'], 'with its connection it ends');
});

test('it ends once, when its connection does, whoever ended that', async () => {
  const far = await Core.start();
  const { connection } = await connected(far);
  const { told } = await begun(connection, 'show');
  await far[Symbol.asyncDispose]();
  await until('the end', () => told.length > 0);
  connection.close();
  assert.deepEqual(told, ['ended']);
});

test('what there is not is not found; a connection has so many at most', async () => {
  await using far = await Core.start({ registry: { recorded: { open: async () => undefined } } });
  const { connection, clock } = await connected(far);
  assert.equal(await RemoteSource.open(connection, { name: 'none', start: 0 }), undefined);
  const all = await Promise.all(
    Array.from({ length: 16 }, (_, i) => RemoteSource.open(connection, { name: `show ${i}`, start: -1 })),
  );
  const tooMany = RemoteSource.open(connection, { name: 'more', start: -1 });
  clock.advance(0);
  await assert.rejects(tooMany, (error) => error instanceof StatusError && /16 streams/.test(error.message));
  all[0]!.close();
  assert.ok(await RemoteSource.open(connection, { name: 'more', start: -1 }));
  all[1]!.close();
  const late = RemoteSource.open(connection, { name: 'late', start: -1 });
  connection.close();
  await assert.rejects(late, (error) => error instanceof StatusError);
});
