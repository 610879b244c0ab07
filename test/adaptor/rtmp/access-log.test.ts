// Whole conversations, and the lines that they leave in access.00.log.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AddressList, EVERYBODY } from '../../../src/config/address-rules.ts';
import type { AccessEvent } from '../../../src/log/access-fields.ts';
import { membersOf } from '../../../src/protocol/amf/amf.ts';
import { DigestScheme } from '../../../src/protocol/handshake/handshake-digest.ts';
import { type ControlMessage, UserControlEvent } from '../../../src/protocol/rtmp/control.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { StreamFolders } from '../../../src/recording/read/folders.ts';
import { FileRecorders } from '../../../src/recording/write/recorder.ts';
import { atMost, keepingLog, until } from '../../support/core.ts';
import { Logged } from '../../support/logged.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { video } from '../../support/media.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';

/** A keyframe of that many bytes. */
function picture(bytes: number): Uint8Array {
  const payload = new Uint8Array(bytes);
  payload.set(video.keyframe());
  return payload;
}

test('a client that connects and leaves: pending, accepted, gone, with its totals', async () => {
  await using logged = await Logged.start();
  const peer = await logged.core.peer();
  const uri = 'rtmp://bob:hunter2@127.0.0.1/live?token=hunter2&lang=en';
  const facts = {
    tcUrl: uri,
    swfUrl: 'http://example.com/p.swf',
    pageUrl: 'http://example.com/ü',
    flashVer: 'WIN 10,0',
  };
  await peer.connect('live', facts);
  logged.clock.advance(61_999);
  peer.socket.end();
  await logged.left();

  const [app, pending, connect, disconnect] = await logged.lines();
  assert.deepEqual(
    [app!['x-event'], app!['x-category'], app!['x-ctx']],
    ['app-start', 'application', 'live/_definst_'],
  );
  assert.deepEqual(
    [pending, connect, disconnect].map((line) => [line!['x-event'], line!['x-status'], line!['x-duration']]),
    [
      ['connect-pending', '100', '0'],
      ['connect', '200', '0'],
      ['disconnect', '200', '61'],
    ],
  );
  const { 'cs-bytes': fromClient, 'sc-bytes': toClient, 'c-client-id': id, ...rest } = disconnect!;
  assert.ok(Number(fromClient) > 3073, `${fromClient} bytes from the client`);
  assert.ok(Number(toClient) > Number(connect!['sc-bytes']), `${toClient} bytes to the client`);
  assert.match(id, /^\S{12}$/);
  const known = Object.fromEntries(Object.entries(rest).filter(([, cell]) => cell !== '-'));
  for (const field of ['date', 'time', 'x-pid'] as const) delete known[field];
  assert.deepEqual(known, {
    'x-event': 'disconnect',
    'x-category': 'session',
    tz: 'UTC',
    'x-ctx': 'live/_definst_',
    's-ip': '127.0.0.1',
    'x-cpu-load': '0',
    'x-mem-load': '0',
    'x-adaptor': '_defaultRoot_',
    'x-vhost': '_defaultVHost_',
    'x-app': 'live',
    'x-appinst': '_definst_',
    'x-duration': '61',
    'x-status': '200',
    'c-ip': '127.0.0.1',
    'c-proto': 'rtmp',
    's-uri': 'rtmp://bob:***@127.0.0.1/live?token=***&lang=en',
    'cs-uri-stem': 'rtmp://bob:***@127.0.0.1/live',
    'cs-uri-query': 'token=***&lang=en',
    'c-referrer': 'http://example.com/p.swf',
    'c-user-agent': 'WIN%2010,0',
    'c-connect-type': 'normal',
    'x-comment': 'the%20client%20closed',
    'x-page-url': 'http://example.com/ü',
  });
  assert.doesNotMatch(await logged.text(), /hunter2/);
});

test('a connect that fails says why: no such application, no name, refused, sent elsewhere, left', async () => {
  await using logged = await Logged.start();
  const { core } = logged;
  for (const app of ['nowhere/room', '../live']) await (await core.peer()).connect(app);
  core.scripts.prepare = (script) => {
    script.decide = () => ({ accepted: false, reason: 'not\tyou' });
  };
  await (await core.peer()).connect('live');
  core.script().decide = () => ({
    accepted: false,
    reason: 'over there',
    redirect: 'rtmp://example.com/live',
  });
  await (await core.peer()).connect('live');
  core.script().decide = () => undefined;
  const impatient = await core.peer();
  impatient.command('connect', 1, [], 0, { app: 'live' });
  await until('the question', () => core.script().asked.length === 3);
  impatient.socket.destroy();
  await logged.left();
  const connects = await logged.lines('connect');
  assert.deepEqual(
    connects.map((line) => [line['x-status'], line['x-app'], line['x-appinst']].join(' ')),
    ['404 nowhere room', '400 .. live', '401 live _definst_', '302 live _definst_', '408 live _definst_'],
  );
  assert.equal(connects[2]!['x-ctx'], 'not%09you');
  assert.deepEqual(await logged.lines('disconnect'), []);
});

test('a publisher and a player: their streams, what went through them, and how they ended', async () => {
  await using logged = await Logged.start();
  const { core } = logged;
  const { peer: publisher, id } = await core.publisher('cam?start=1&sig=hunter2');
  const { peer: player, id: playing } = await core.player('cam');
  publisher.video(id, 0, video.header());
  publisher.video(id, 0, picture(5_000));
  await player.expect('the picture', ({ media }) => media !== undefined && media.length > 4_000);
  logged.clock.advance(10_000);
  player.command('pause', 0, [true, 0], playing);
  player.command('pause', 0, [false, 0], playing);
  await player.settle();
  player.command('closeStream', 0, [], playing);
  await player.settle();
  publisher.command('closeStream', 0, [], id);
  await publisher.settle();

  const events: AccessEvent[] = ['publish', 'play', 'pause', 'unpause', 'stop', 'unpublish'];
  const lines = await logged.lines(...events);
  assert.deepEqual(
    lines.map((line) => [
      line['x-event'],
      line['x-category'],
      line['x-status'],
      line['x-sname'],
      line['x-duration'],
    ]),
    [
      ['publish', 'stream', '200', 'cam', '0'],
      ['play', 'stream', '200', 'cam', '0'],
      ['pause', 'stream', '200', 'cam', '10'],
      ['unpause', 'stream', '200', 'cam', '10'],
      ['stop', 'stream', '200', 'cam', '10'],
      ['unpublish', 'stream', '200', 'cam', '10'],
    ],
  );
  const [publish, play, , , stop, unpublish] = lines;
  assert.equal(publish!['x-sname-query'], 'start=1&sig=***');
  assert.equal(publish!['x-suri'], 'rtmp://127.0.0.1/live/cam?start=1&sig=***');
  assert.equal(play!['x-suri'], 'rtmp://127.0.0.1/live/cam');
  assert.equal(play!['x-sid'], String(playing));
  assert.equal(publish!['cs-stream-bytes'], '0');
  assert.ok(Number(unpublish!['cs-stream-bytes']) > 5_000, unpublish!['cs-stream-bytes']);
  assert.ok(Number(stop!['sc-stream-bytes']) > 5_000, stop!['sc-stream-bytes']);
  assert.doesNotMatch(await logged.text(), /hunter2/);
});

test('whoever is cut off has 408 in his last lines, his streams before himself', async () => {
  await using logged = await Logged.start();
  const { core } = logged;
  const { peer: publisher } = await core.publisher('cam');
  const { peer: player } = await core.player('cam');
  publisher.socket.destroy();
  await until('the publisher gone', () => core.sessionCount === 1);
  player.socket.destroy();
  await logged.left();
  assert.deepEqual((await logged.summary('x-status')).slice(-4), [
    'unpublish 408',
    'disconnect 200',
    'stop 408',
    'disconnect 200',
  ]);
});

test('who ended it stands in the status: script, bad input, the server itself', async () => {
  await using logged = await Logged.start();
  const { core } = logged;
  const thrownOut = await core.peer();
  await thrownOut.connect('live');
  core.script().commands.obey({ op: 'disconnect', client: [...core.instance()!.clients.keys()][0]! });
  await thrownOut.closed();
  const confused = await core.peer();
  await confused.connect('live');
  confused.command('connect', 1, [], 0, { app: 'live' });
  await confused.closed();
  const last = await core.peer();
  await last.connect('live');
  await core.registry.shutdown();
  await last.closed();
  const lines = await logged.lines('disconnect', 'app-stop');
  assert.deepEqual(
    lines.map((line) => `${line['x-event']} ${line['x-status']} ${line['x-comment']}`),
    [
      'disconnect 600 disconnected%20by%20the%20script',
      'disconnect 400 bad%20input:%20a%20second%20connect',
      'disconnect 103 the%20application%20is%20shutting%20down',
      'app-stop 200 -',
    ],
  );
});

test('a key that stands for another name is in no line, nor is a name that a script refused', async () => {
  await using logged = await Logged.start();
  const { core } = logged;
  core.scripts.prepare = (script) => {
    script.decide = (question) => {
      if (question.gate !== 'onPublish') return { accepted: true };
      if (question.request.name === 'hunter2') return { accepted: true, as: 'show' };
      return { accepted: false, reason: 'unknown key' };
    };
  };
  const { peer: holder } = await core.publisher('hunter2');
  await core.player('hunter2');
  const stranger = await core.peer();
  await stranger.connect('live');
  stranger.command('publish', 0, ['hunter3?key=hunter2'], await stranger.createStream());
  await stranger.expectStatus('NetStream.Publish.Denied');
  const second = await core.peer();
  await second.connect('live');
  second.command('publish', 0, ['hunter2'], await second.createStream());
  await holder.expect('a ping', ({ control }) => isPing(control));
  logged.clock.advance(2_000);
  await second.expectStatus('NetStream.Publish.Start');

  const lines = await logged.lines('publish', 'play', 'unpublish');
  assert.deepEqual(
    lines.map((line) => `${line['x-event']} ${line['x-status']} ${line['x-sname']} ${line['x-ctx']}`),
    [
      'publish 200 show show',
      'play 200 - -',
      'publish 401 - unknown%20key',
      'unpublish 601 show show',
      'publish 200 show show',
    ],
  );
  assert.doesNotMatch(await logged.text(), /hunter/);
});

function isPing(control: ControlMessage | undefined): boolean {
  return control?.typeId === MessageType.UserControl && control.event === UserControlEvent.PingRequest;
}

test('hostile names stay in their columns', async () => {
  await using logged = await Logged.start({ scripted: false });
  const peer = await logged.core.peer();
  const flashVer = 'a\r\n#Fields: x\r\n"\t-\u0000\u2028\ud800';
  const tcUrl = `rtmp://127.0.0.1/live?\n\t${'x'.repeat(40_000)}`;
  await peer.connect('live', { flashVer, tcUrl, swfUrl: '"; DROP', pageUrl: '-' });
  const id = await peer.createStream();
  peer.command('publish', 0, ['cam "1" 🎥;ü|'], id);
  await peer.expectStatus('NetStream.Publish.Start');
  const [publish] = await logged.lines('publish'); // each line has as many columns as there are fields
  assert.equal(
    publish!['c-user-agent'],
    'a%0D%0A%23Fields:%20x%0D%0A%22%09-%00%E2%80%A8%EF%BF%BD'.replace('%EF%BF%BD', '\ufffd'),
  );
  assert.equal(publish!['x-sname'], 'cam%20%221%22%20🎥;ü%7C');
  assert.equal(publish!['c-referrer'], '%22;%20DROP');
  assert.equal(publish!['x-page-url'], '%2D');
  assert.ok(publish!['s-uri'].length < 13_000);
});

test('a name that is taken is 409, one without write access 403, a file that is not there 404', async () => {
  await using logged = await Logged.start({
    scripted: false,
    settings: { streamManager: { live: { publishTimeoutMs: undefined } } },
  });
  const { core } = logged;
  const { peer } = await core.publisher('cam');
  const again = await peer.createStream();
  peer.command('publish', 0, ['cam'], again);
  await peer.expectStatus('NetStream.Publish.BadName');
  const client = [...core.instance()!.clients.values()][0]!;
  client.facts.writeAccess = '/only';
  client.facts.readAccess = '/only';
  peer.command('publish', 0, ['show'], again);
  await peer.expectStatus('NetStream.Publish.Denied');
  peer.command('play', 0, ['show'], again);
  await peer.expectStatus('NetStream.Play.Failed');
  client.facts.readAccess = '/';
  peer.command('play', 0, ['show', 0], again);
  await peer.expectStatus('NetStream.Play.StreamNotFound');
  const lines = await logged.lines('publish', 'play');
  assert.deepEqual(
    lines.slice(1).map((line) => `${line['x-event']} ${line['x-status']} ${line['x-sname']}`),
    ['publish 409 cam', 'publish 403 show', 'play 403 show', 'play 404 show'],
  );
});

test('who is not in the Allow of a virtual host is told so, and is 403; a name has to lead back to the address', async () => {
  for (const [allow, addresses, status] of [
    ['10.0.0.0/8', [], '403'],
    ['127.0.0.1', [], '200'],
    ['example.com', ['127.0.0.1'], '200'],
    ['example.com', ['10.0.0.1'], '403'],
    ['example.net', ['127.0.0.1'], '403'],
  ] as const) {
    await using logged = await Logged.start({
      registry: { rules: { ...EVERYBODY, allow: AddressList.parse(allow) } },
      session: {
        resolver: { reverse: async () => ['a.example.com'], addressesOf: async () => [...addresses] },
      },
    });
    const { name, args } = await (await logged.core.peer()).connect('live');
    assert.equal(name, status === '200' ? '_result' : '_error');
    if (status === '403') {
      assert.match(
        String(membersOf(args[0]!)?.description),
        /\(_defaultRoot_, _defaultVHost_\) are not allowed/,
      );
    }
    const lines = await logged.lines('connect');
    assert.deepEqual(
      lines.map((line) => line['x-status']),
      [status],
      allow,
    );
  }
});

test('a client for whom there is no room is 409', async () => {
  await using logged = await Logged.start({ registry: { instances: atMost(1), maxClients: 1 } });
  await (await logged.core.peer()).connect('live/one');
  for (const app of ['live/two', 'live/one']) {
    const { name } = await (await logged.core.peer()).connect(app);
    assert.equal(name, '_error');
  }
  const lines = await logged.lines('connect');
  assert.deepEqual(
    lines.map((line) => `${line['x-status']} ${line['x-appinst']}`),
    ['200 one', '409 two', '409 one'],
  );
});

test('which version of RTMPE a client speaks has a column', async () => {
  await using logged = await Logged.start();
  await using peer = await RtmpPeer.open(logged.core.port, { rtmpe: 8, scheme: DigestScheme.First });
  await peer.connect('live');
  await using plain = await RtmpPeer.open(logged.core.port);
  await plain.connect('live');
  const connects = (await logged.lines()).filter((line) => line['x-event'] === 'connect');
  assert.deepEqual(
    connects.map((line) => [line['c-proto'], line['c-proto-ver']]),
    [
      ['rtmpe', '8'],
      ['rtmp', '-'],
    ],
  );
});

test('a recording has its file, what it has grown to, and its end', async () => {
  const applications = mkdtempSync(join(tmpdir(), 'understudy-access-record-'));
  mkdirSync(join(applications, 'live'));
  const clock = new ManualClock();
  const recorders = new FileRecorders({
    log: keepingLog().log,
    clock,
    runFolder: join(applications, '.running'),
    finishesMp4: true,
    flush: { maxMs: 1_000, maxBytes: 256 << 10 },
  });
  try {
    await using logged = await Logged.start({
      scripted: false,
      recorders: recorders.in(new StreamFolders(applications)),
    });
    const peer = await logged.core.peer();
    const id = await peer.publish('live', 'show', 'record');
    peer.video(id, 0, video.header());
    for (const atMs of [0, 3_000]) peer.video(id, atMs, picture(2_000));
    await peer.settle();
    peer.command('closeStream', 0, [], id);
    await peer.settle();
    await recorders.close();
    const path = join(applications, 'live', 'streams', '_definst_', 'show.flv');
    const [record, stop, unpublish] = await logged.lines('record', 'recordstop', 'unpublish');
    assert.deepEqual(
      [record, stop].map((line) => [
        line!['x-sname'],
        line!['x-status'],
        line!['x-file-name'],
        line!['x-file-ext'],
      ]),
      [
        ['show', '200', path, 'flv'],
        ['show', '200', path, 'flv'],
      ],
    );
    assert.equal(stop!['x-file-size'], String(readFileSync(path).length));
    assert.equal(stop!['x-file-length'], '3');
    assert.equal(unpublish!['x-event'], 'unpublish');

    writeFileSync(join(applications, 'other'), 'a file where the folder should be');
    const second = await logged.core.peer();
    await second.publish('other', 'show', 'record');
    await second.expectStatus('NetStream.Record.Failed');
    assert.equal((await logged.lines('record')).at(-1)!['x-status'], '500');
  } finally {
    await recorders.close();
    rmSync(applications, { recursive: true });
  }
});

test('checkpoints: what lasts longer than an hour has a line each hour, with the totals so far', async () => {
  await using logged = await Logged.start();
  const { core } = logged;
  const { peer: publisher, id } = await core.publisher('cam');
  await core.player('cam');
  logged.clock.advance(3_599_000);
  assert.deepEqual(await logged.lines('connect-continue', 'publish-continue', 'play-continue'), []);
  publisher.video(id, 0, video.header());
  publisher.video(id, 0, picture(5_000));
  await publisher.settle();
  logged.clock.advance(3_600_000);
  const lines = await logged.lines('connect-continue', 'publish-continue', 'play-continue');
  assert.deepEqual(
    lines.map((line) => `${line['x-event']} ${line['x-duration']} ${line['x-sname']}`),
    [
      'connect-continue 3600 -',
      'publish-continue 3600 cam',
      'connect-continue 3600 -',
      'play-continue 3600 cam',
    ],
  );
  assert.ok(Number(lines[1]!['cs-stream-bytes']) > 5_000);
  publisher.socket.destroy();
  await until('the publisher gone', () => core.sessionCount === 1);
  const before = (await logged.lines()).length;
  logged.clock.advance(3_600_000);
  assert.deepEqual((await logged.summary()).slice(before), ['connect-continue', 'play-continue']);
});
