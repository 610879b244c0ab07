// What is refused: an answer for the client, one event of the log, one line of the access log.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AmfValue } from '../../../src/protocol/amf/amf.ts';
import { encodeCommand } from '../../../src/protocol/rtmp/command.ts';
import { Core, type LogRecord, until } from '../../support/core.ts';
import { Logged } from '../../support/logged.ts';
import { audio, video } from '../../support/media.ts';
import { type RtmpPeer, statusOf } from '../../support/rtmp-peer.ts';
import { asking, marks } from '../rtmp/publishing.ts';

function refusals(core: Core, what: 'connect' | 'publish' | 'play' | 'seek' | 'stream'): LogRecord[] {
  return core.log.filter(({ event }) => event === `${what}-refused`);
}

async function connected(core: Core, app = 'live'): Promise<RtmpPeer> {
  const peer = await core.peer();
  assert.equal((await peer.connect(app)).name, '_result');
  return peer;
}

// ── the type of a publish ────────────────────────────────────────────────────────────────────────────────────────

describe('the type of a publish', () => {
  for (const [given, type, said] of [
    ['live', 'live', undefined],
    ['LIVE', 'live', undefined],
    ['Live', 'live', undefined],
    ['RECORD', 'record', undefined],
    ['Append', 'append', undefined],
    ['APPENDWITHGAP', 'appendWithGap', undefined],
    ['appendwithgap', 'appendWithGap', undefined],
    ['app', 'live', '"app"'],
    ['live2', 'live', '"live2"'],
    ['', 'live', '""'],
    ['a\nb', 'live', '"a\\nb"'],
    ['live?key=s3cret', 'live', '"live"'],
    [7, 'live', '7'],
    [true, 'live', 'true'],
    [{}, 'live', 'an object'],
    [['record'], 'live', 'an object'],
    [null, 'live', 'nothing'],
    [undefined, 'live', 'nothing'],
  ] as [AmfValue, string, string | undefined][]) {
    const says = said === undefined ? 'and the log says nothing' : 'and the log says what came';
    test(`${JSON.stringify(given)} is ${type}, ${says}`, async () => {
      await using core = await Core.start();
      const { peer } = await asking(core, 'cam', given);
      await peer.expectStatus('NetStream.Publish.Start');
      const { question } = await core.script().question('onPublish');
      assert.ok(question.gate === 'onPublish');
      assert.equal(question.request.type, type);
      assert.deepEqual(
        core.log.filter(({ event }) => event === 'publish-type').map((line) => line.given),
        said === undefined ? [] : [said],
      );
      assert.doesNotMatch(JSON.stringify(core.log), /s3cret/);
    });
  }

  test('one that is missing altogether is live', async () => {
    await using core = await Core.start();
    const { peer } = await asking(core, 'cam');
    await peer.expectStatus('NetStream.Publish.Start');
  });

  test('unknown ones make one line a second, which counts', async () => {
    await using core = await Core.start();
    for (let i = 0; i < 20; i += 1) {
      const { peer } = await asking(core, `cam${i}`, 'app');
      await peer.expectStatus('NetStream.Publish.Start');
    }
    core.clock.advance(1_000);
    const lines = core.log.filter(({ event }) => event === 'publish-type');
    assert.deepEqual(
      lines.map(({ repeats }) => repeats),
      [undefined, 18],
    );
  });
});

// ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────

const BAD_NAMES: [what: string, name: AmfValue, cause: string, shown: string][] = [
  ['an empty name', '', 'name-empty', ''],
  ['a query alone', '?key=3f0c', 'name-query-alone', ''],
  ['a name that is too long', 'x'.repeat(1_100), 'name-too-long', `${'x'.repeat(100)}…`],
  ['a control character', 'key\n', 'name-control-character', 'key\\n'],
  ['a number', 7, 'name-missing', ''],
  ['no name at all', null, 'name-missing', ''],
];

for (const what of ['publish', 'play'] as const) {
  const code = what === 'publish' ? 'NetStream.Publish.BadName' : 'NetStream.Play.Failed';
  for (const [which, name, cause, shown] of BAD_NAMES) {
    for (const scripted of [false, true]) {
      const where = scripted ? 'with' : 'without';
      test(`${what} with ${which} has an answer, a line of the log and of the access log, ${where} a script`, async () => {
        await using logged = await Logged.start({ scripted });
        const { core } = logged;
        const peer = await connected(core);
        const id = await peer.createStream();
        peer.command(what, 0, [name], id);
        const { level } = await peer.expectStatus(code);
        assert.equal(level, 'error');
        const [line, ...others] = refusals(core, what);
        assert.deepEqual(others, []);
        assert.deepEqual(
          [line?.code, line?.cause, line?.application, line?.ip, line?.stream],
          [code, cause, 'live', '127.0.0.1', scripted ? '***' : shown],
        );
        assert.match(String(line?.reason), /not a stream name: /);
        const [access, ...more] = await logged.lines(what);
        assert.deepEqual(more, []);
        assert.equal(access?.['x-status'], '400');
        assert.equal(access?.['c-ip'], '127.0.0.1');
        assert.match(decodeURIComponent(access?.['x-ctx'] ?? ''), /not a stream name/);
        assert.doesNotMatch(JSON.stringify(core.log) + (await logged.text()), /3f0c/);
      });
    }
  }
}

test('publish(false) and play(false) close and are no refusal, and so is nothing at all where there is something', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  const play = await peer.createStream();
  peer.command('play', 0, [false], play);
  peer.command('publish', 0, [null], id);
  await peer.expectStatus('NetStream.Unpublish.Success');
  peer.command('publish', 0, [false], id);
  await peer.settle();
  assert.deepEqual([refusals(core, 'publish'), refusals(core, 'play')], [[], []]);
});

// ── other refusals ───────────────────────────────────────────────────────────────────────────────────────────────

test('a refused publish and a refused play have one line each, whoever refuses, and no secret name in it', async () => {
  await using core = await Core.start();
  core.scripts.prepare = (script) => {
    script.decide = ({ gate }) =>
      gate === 'onConnect' ? { accepted: true } : { accepted: false, reason: `not in ${gate}` };
  };
  const { peer, id } = await asking(core, 's3cret', 'live');
  await peer.expectStatus('NetStream.Publish.Denied');
  peer.command('play', 0, ['s3cret'], id);
  await peer.expectStatus('NetStream.Play.Failed');
  for (const [what, code, reason] of [
    ['publish', 'NetStream.Publish.Denied', 'not in onPublish'],
    ['play', 'NetStream.Play.Failed', 'not in onPlay'],
  ] as const) {
    const [line, ...others] = refusals(core, what);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [line?.code, line?.cause, line?.reason, line?.application, line?.ip, line?.stream],
      [code, 'script', reason, 'live', '127.0.0.1', '***'],
    );
  }
  assert.doesNotMatch(JSON.stringify(core.log), /s3cret/);
});

test('a name that a script has let in and a name without a script are in the line', async () => {
  await using core = await Core.start({
    scripted: false,
    settings: { streamManager: { live: { publishTimeoutMs: undefined } } },
  });
  await core.publisher('cam');
  const { peer, id } = await asking(core, 'cam', 'live');
  await peer.expectStatus('NetStream.Publish.BadName');
  peer.command('play', 0, ['film', 0], id);
  await peer.expectStatus('NetStream.Play.StreamNotFound');
  assert.deepEqual(
    [refusals(core, 'publish')[0]?.stream, refusals(core, 'play')[0]?.stream],
    ['cam', 'film'],
  );
});

test('a player that asks for a publisher’s key finds it in no line, whatever refuses it', async () => {
  await using logged = await Logged.start();
  const { core } = logged;
  core.scripts.prepare = (script) => {
    script.decide = ({ gate }) =>
      gate === 'onPublish' ? { accepted: true, as: 'stage' } : { accepted: true };
  };
  const { peer: owner } = await asking(core, 'hunter2', 'live');
  await owner.expectStatus('NetStream.Publish.Start');
  const player = await connected(core);
  player.command('play', 0, ['hunter2', 0], await player.createStream());
  await player.expectStatus('NetStream.Play.StreamNotFound');
  assert.equal(refusals(core, 'play')[0]?.stream, '***');
  assert.doesNotMatch(JSON.stringify(core.log) + (await logged.text()), /hunter2/);
});

test('everything that the playlist refuses has a line of both logs', async () => {
  await using logged = await Logged.start({ scripted: false });
  const { core } = logged;
  const { peer, id } = await core.player('cam');
  peer.command('play2', 0, [{ streamName: 'a', oldStreamName: 'nobody', transition: 'switch' }], id);
  await peer.expectStatus('NetStream.Play.Failed');
  peer.command('play2', 0, [{ streamName: 'cam2', transition: 'fly' }], id);
  await peer.expectStatus('NetStream.Play.Failed');
  peer.command('play2', 0, [], id);
  await peer.expectStatus('NetStream.Play.Failed');
  core.clock.advance(1_000);
  assert.deepEqual(
    refusals(core, 'play').map(({ cause, stream, repeats }) => [cause, stream, repeats]),
    [
      ['playlist', 'a', undefined],
      ['arguments', 'cam2', undefined],
      ['arguments', '', undefined], // at the end of its second
    ],
  );
  const lines = (await logged.lines('play')).filter((line) => line['x-status'] !== '200');
  assert.deepEqual(
    lines.map((line) => line['x-status']),
    ['404', '400', '400'],
  );
});

test('seeking where nothing plays, or to no time, is answered and has a line', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  const id = await peer.createStream();
  for (const [args, streamId] of [
    [[1_000], id],
    [['soon'], id],
    [[1_000], 40],
  ] as [AmfValue[], number][]) {
    peer.command('seek', 0, args, streamId);
    await peer.expectStatus('NetStream.Seek.Failed');
  }
  assert.deepEqual(
    refusals(core, 'seek').map(({ cause }) => cause),
    ['not-found', 'arguments'],
  );
});

test('a refused connect has a line with the application, and without what may be a key behind it', async () => {
  await using logged = await Logged.start();
  const { core } = logged;
  const peer = await core.peer();
  assert.equal((await peer.connect('nothing/s3cret')).name, '_error');
  const [line] = refusals(core, 'connect');
  assert.deepEqual(
    [line?.code, line?.application, line?.ip],
    ['NetConnection.Connect.InvalidApp', 'nothing', '127.0.0.1'],
  );
  assert.match(String(line?.reason), /is not defined/);
  const [access] = await logged.lines('connect');
  assert.equal(access?.['x-status'], '404');
});

test('refusals make one line for each cause, address and second, which counts; each has its answer and access line', async () => {
  await using logged = await Logged.start();
  const { core } = logged;
  const peer = await connected(core);
  const id = await peer.createStream();
  for (let i = 0; i < 100; i += 1) {
    peer.command('publish', 0, [''], id);
    peer.command('play', 0, [''], id);
  }
  const answers = () =>
    peer.heard.filter(({ command }) => /BadName|Play\.Failed/.test(String(statusOf(command)?.code)));
  await until('all answers', () => answers().length === 200);
  core.clock.advance(1_000);
  for (const what of ['publish', 'play'] as const) {
    assert.deepEqual(
      refusals(core, what).map(({ repeats }) => repeats),
      [undefined, 98],
    );
    assert.equal((await logged.lines(what)).length, 100);
  }
});

// ── message streams that were never created ──────────────────────────────────────────────────────────────────────

for (const [where, id, creates] of [
  ['message stream 0', 0, true],
  ['a message stream that nobody created', 1, false],
  ['a message stream beyond those that were created', 5, true],
  ['a message stream with the highest of numbers', 0xffff_ffff, true],
] as const) {
  test(`publish on ${where} is served on it`, async () => {
    await using core = await Core.start();
    const { peer: player } = await core.player('cam');
    const peer = await connected(core);
    if (creates) assert.equal(await peer.createStream(), 1);
    peer.command('publish', 0, ['cam', 'live'], id);
    await peer.expectStatus('NetStream.Publish.Start');
    const start = peer.heard.find(({ command }) => statusOf(command)?.code === 'NetStream.Publish.Start');
    assert.equal(start?.streamId, id);
    peer.audio(id, 0, audio.frame(1));
    peer.video(id, 0, video.keyframe(2));
    assert.deepEqual(await marks(player, 1), [2]);
  });

  test(`play on ${where} is served on it`, async () => {
    await using core = await Core.start();
    const { peer: publisher, id: from } = await core.publisher('cam');
    const peer = await connected(core);
    if (creates) await peer.createStream();
    peer.command('play', 0, ['cam'], id);
    await peer.expectStatus('NetStream.Play.Start');
    publisher.video(from, 0, video.keyframe(3));
    assert.deepEqual(await marks(peer, 1), [3]);
  });
}

test('createStream gives a number that no other stream has', async () => {
  await using core = await Core.start();
  const peer = await connected(core);
  peer.command('publish', 0, ['cam', 'live'], 1);
  await peer.expectStatus('NetStream.Publish.Start');
  assert.equal(await peer.createStream(), 2);
});

test('beyond the limit of message streams publish and play are refused on them, with a line', async () => {
  await using logged = await Logged.start({ session: { maxNetStreams: 2 } });
  const { core } = logged;
  const peer = await connected(core);
  await peer.createStream();
  peer.command('publish', 0, ['cam', 'live'], 7);
  await peer.expectStatus('NetStream.Publish.Start');
  peer.command('publish', 0, ['cam2', 'live'], 8);
  await peer.expectStatus('NetStream.Publish.BadName');
  peer.command('play', 0, ['cam'], 9);
  await peer.expectStatus('NetStream.Play.Failed');
  peer.command('play2', 0, [{ streamName: 'cam', transition: 'reset' }], 9);
  await peer.expectStatus('NetStream.Play.Failed');
  assert.equal((await peer.call('createStream')).name, '_error');
  assert.deepEqual(
    (['publish', 'play', 'stream'] as const).map((what) => refusals(core, what)[0]?.cause),
    ['too-many-streams', 'too-many-streams', 'too-many-streams'],
  );
  peer.command('publish', 0, ['cam3', 'live'], 7); // those that are there go on
  await peer.expectStatus('NetStream.Publish.Start');
  const refused = (await logged.lines('publish', 'play')).filter((line) => line['x-status'] === '400');
  assert.equal(refused.length, 3);
});

test('a publish and a play that cannot be read are refused, and what the stream does goes on', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  const { peer: player } = await core.player('cam');
  const torn = Buffer.from('020064', 'hex'); // a string of 100 bytes that are not there
  for (const [what, code] of [
    ['publish', 'NetStream.Publish.BadName'],
    ['play', 'NetStream.Play.Failed'],
  ] as const) {
    const { typeId, payload } = encodeCommand({ name: what, transactionId: 0, object: null, args: [] }, 0);
    peer.send({ typeId, streamId: id, timestampMs: 0, payload: Buffer.concat([payload, torn]) });
    await peer.expectStatus(code);
    const [line] = refusals(core, what);
    assert.equal(line?.cause, 'unreadable');
  }
  peer.video(id, 0, video.keyframe(4));
  assert.deepEqual(await marks(player, 1), [4]);
});
