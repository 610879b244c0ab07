// Gates are asked about a stream by its one name, however the client spells it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GateQuestion } from '../../../src/application/contract/script.ts';
import { Cinema } from '../../support/cinema.ts';
import { Core, until } from '../../support/core.ts';
import { flvFile } from '../../support/flv.ts';

const FILM = flvFile({ ms: 400 });

function guardsPrivate(question: GateQuestion) {
  const isStream = question.gate === 'onPlay' || question.gate === 'onPublish';
  if (isStream && /^(mp[34]:)?private\//.test(question.request.name))
    return { accepted: false as const, reason: 'members only' };
  return { accepted: true as const };
}

for (const [name, asked] of [
  ['private/film', 'private/film'],
  ['flv:private/film', 'private/film'],
  ['FLV:private/film.flv', 'private/film'],
  ['private/film.flv', 'private/film'],
  ['mp4:private/film', 'mp4:private/film.mp4'],
  ['MP4:private/film.f4v', 'mp4:private/film.f4v'],
  ['MP3:private/song.mp3', 'mp3:private/song'],
  ['id3:private/song', 'mp3:private/song'],
]) {
  test(`a gate that guards private/ by its name is not passed by ${name}, to play or to publish`, async () => {
    await using at = await Cinema.open();
    at.put('private/film.flv', FILM.bytes);
    const visitor = await at.visitor();
    const script = at.core.script();
    script.decide = guardsPrivate;
    visitor.say('play', name!, 0);
    await visitor.peer.expectStatus('NetStream.Play.Failed');
    const names = () =>
      script.asked.flatMap(({ question }) => ('request' in question ? question.request.name : []));
    assert.deepEqual(names(), [asked]);
    if (name!.startsWith('id3:')) return; // nothing is recorded to it
    visitor.say('publish', name!, 'record');
    await visitor.peer.expectStatus('NetStream.Publish.Denied');
    assert.deepEqual(names(), [asked, asked]);
  });
}

test('a player hears of a stream by the name that it used', async () => {
  await using at = await Cinema.open();
  at.put('show.flv', FILM.bytes);
  const visitor = await at.visitor('flv:show.flv', 0);
  const { details } = await visitor.peer.expectStatus('NetStream.Play.Start');
  assert.equal(details, 'flv:show.flv');
  assert.deepEqual(
    at.core
      .script()
      .told('play')
      .map(({ stream }) => stream),
    ['show'],
  );
});

test('spellings of one name are one live stream: one publisher, and players by any of them', async () => {
  await using core = await Core.start();
  for (const [published, others] of [
    ['cam', ['flv:cam', 'FLV:cam', 'cam.flv']],
    ['mp4:studio', ['mp4:studio.mp4', 'MP4:studio']],
  ] as const) {
    const publisher = await core.peer();
    const id = await publisher.publish('live', published);
    for (const other of others) {
      const rival = await core.peer();
      await rival.connect('live');
      const before = core.script().asked.length;
      rival.command('publish', 0, [other, 'live'], await rival.createStream());
      await until('its question', () => core.script().asked.length > before);
      const { question } = await core.script().question('onPublish');
      assert.ok(question.gate === 'onPublish' && question.current, 'somebody has that name');
      await rival[Symbol.asyncDispose]();
      const player = await core.peer();
      await player.play('live', other);
      publisher.video(id, 0, new Uint8Array([0x17, 1, 0, 0, 0, 7]));
      await player.expect('a picture', ({ media }) => media !== undefined);
    }
  }
});

test('writeAccess is about names, not about prefixes', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  await peer.connect('live');
  core
    .script()
    .commands.obey({ op: 'access', client: [...core.instance()!.clients.keys()][0]!, writeAccess: 'public' });
  for (const [name, code] of [
    ['mp4:public/a', 'NetStream.Publish.Start'],
    ['flv:public/b', 'NetStream.Publish.Start'],
    ['flv:private/b', 'NetStream.Publish.Denied'],
    ['mp4:private/public', 'NetStream.Publish.Denied'],
  ] as const) {
    peer.command('publish', 0, [name, 'live'], await peer.createStream());
    await peer.expectStatus(code);
  }
});
