import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ScriptOptions, TestRunner, type TestUnit } from '../../../support/runner.ts';

let runner: TestRunner;
before(async () => {
  runner = await TestRunner.start();
});
after(() => runner[Symbol.asyncDispose]());

async function onAir(code: string, options?: ScriptOptions): Promise<TestUnit> {
  const unit = await runner.run(code, options);
  await unit.connect('c1').verdict;
  await unit.connect('c2').verdict;
  return unit;
}

const STATE = `Client.prototype.state = function (name) {
  const s = application.streams[name];
  return s && [s.name, s.publisher?.id ?? null, s.players.map((c) => c.id), s.publishQueryString];
};`;

describe('what the server plays into a stream', () => {
  test('is asked for as in Flash Media Server, and told to the stream with the name of the item', async () => {
    const unit = await onAir(`
      const s = Stream.get('channel');
      s.onStatus = function (info) { trace(this.name, info.code, info.details, this.source); };
      Client.prototype.go = () => [s.play('film'), s.play('mp3:song', 10, 5, false), s.play('cam', -1, -1, 1),
        s.play('a', -7, 'b', 2), s.play('a', 0, 0, 3), s.play(false), s.play(), s.play('')];
      Client.prototype.rest = () => {
        s.receiveAudio = false; s.receiveVideo = true; s.setBufferTime(5); s.setBufferTime(-1);
        return [s.receiveAudio, s.receiveVideo, s.bufferTime, s.send('onCue', { at: 1 }), s.send()];
      };
      Client.prototype.look = () => [application.streams.channel === s, s.source ?? null];`);
    assert.deepEqual(await unit.value('go'), [true, true, true, true, true, true, false, false]);
    await unit.command('streamStop', ({ stream }) => stream === 'channel');
    const plays = unit.of('streamPlay').map((one) => [one.source, one.start, one.length, one.reset]);
    assert.deepEqual(plays, [
      ['film', -2, -1, true],
      ['mp3:song', 10, 5, false],
      ['cam', -1, -1, true],
      ['a', -2, -1, false],
      ['a', 0, 0, true],
    ]);
    assert.deepEqual(await unit.value('rest'), [false, true, 5, true, false]);
    const sent = await unit.command('streamSend');
    assert.deepEqual([sent.stream, sent.name, sent.args], ['channel', 'onCue', [{ at: 1 }]]);
    assert.deepEqual((await unit.command('streamReceive')).audio, false);
    assert.deepEqual((await unit.command('streamBuffer')).seconds, 5);
    assert.deepEqual(await unit.value('look'), [false, null]);
    const status = (code: string) => ({
      ...{ t: 'status' as const, stream: 'channel' },
      info: { code: `NetStream.Play.${code}`, level: 'status', details: 'film' },
    });
    unit.post(status('Start'));
    assert.deepEqual(await unit.value('look'), [true, 'film']);
    unit.post(status('Stop'));
    assert.deepEqual(await unit.value('look'), [false, null]);
    const heard = ['channel NetStream.Play.Start film film', 'channel NetStream.Play.Stop film undefined'];
    assert.deepEqual(unit.logs, heard);
  });

  test('is known to the next version of the script', async () => {
    const unit = await runner.load('Client.prototype.look = () => Stream.get("channel").source;');
    await unit.start('reload', {
      snapshot: { clients: [], streams: [{ name: 'channel', query: '', source: 'film', players: [] }] },
    });
    await unit.connect('c1').verdict;
    assert.equal(await unit.value('look'), 'film');
  });
});

describe('Stream.get', () => {
  test('gives the stream that is there, or one that will be', async () => {
    const unit = await onAir(`
      const early = Stream.get('cam'); early.mark = 'early';
      application.onPublish = (client, stream) => { stream.mark2 = 'published' };
      application.onUnpublish = (client, stream) => trace('unpublish', stream.mark, stream.mark2);
      Client.prototype.look = () => [early.name, early.publisher?.id ?? null, early.players.length,
        'cam' in application.streams, Stream.get('cam') === application.streams.cam, Stream.get('cam') === early];
      Client.prototype.record = () => early.record();
      Client.prototype.none = () => [Stream.get(), Stream.get('')].map(String);`);
    assert.deepEqual(await unit.value('none'), ['undefined', 'undefined']);
    assert.deepEqual(await unit.value('look'), ['cam', null, 0, false, false, true]);
    unit.post({ t: 'play', client: 'c2', stream: 'cam' });
    assert.deepEqual(await unit.value('look'), ['cam', null, 1, true, true, true]);
    const asked = unit.publish('cam');
    await asked.verdict;
    unit.post({ t: 'publish', client: 'c1', stream: 'cam', query: '', gate: asked.id });
    assert.deepEqual(await unit.value('look'), ['cam', 'c1', 1, true, true, false]);
    assert.equal(await unit.value('record'), true);
    assert.equal((await unit.command('record')).stream, 'cam');
    unit.post(
      { t: 'unpublish', client: 'c1', stream: 'cam' },
      { t: 'stopPlay', client: 'c2', stream: 'cam' },
    );
    assert.deepEqual(await unit.value('look'), ['cam', null, 0, false, false, false]);
    assert.deepEqual(unit.logs, ['unpublish early published']);
  });

  test('does not keep everything that a script has ever asked for', async () => {
    const unit = await onAir(`
      const first = Stream.get('0');
      Client.prototype.ask = (many) => { for (let i = 1; i <= many; i += 1) Stream.get(String(i)) };
      Client.prototype.isFirst = () => Stream.get('0') === first;`);
    await unit.call('ask', 9999);
    assert.equal(await unit.value('isFirst'), true);
    await unit.call('ask', 10_000);
    assert.equal(await unit.value('isFirst'), false);
  });
});

describe('a stream', () => {
  test('is the same object in onPublish and onUnpublish, under its public name', async () => {
    const unit = await onAir(`
      let seen;
      application.onPublish = (client, stream, request) => {
        seen = stream; stream.mark = request.name;
        trace('publish', stream.name, stream.publisher === client, application.streams.secret);
        return { as: 'public' };
      };
      application.onUnpublish = (client, stream) =>
        trace('unpublish', stream === seen, stream.name, stream.mark, client.id);
      ${STATE}`);
    const asked = unit.publish('secret', 'c1', { query: 'token=1' });
    await asked.verdict;
    unit.post({ t: 'publish', client: 'c1', stream: 'public', query: 'token=1', gate: asked.id });
    assert.deepEqual(await unit.value('state', 'public'), ['public', 'c1', [], 'token=1']);
    assert.deepEqual(await unit.value('state', 'secret'), { $: 'undefined' });
    unit.post({ t: 'unpublish', client: 'c1', stream: 'public' });
    assert.deepEqual(await unit.value('state', 'public'), { $: 'undefined' });
    assert.deepEqual(unit.logs, ['publish secret true undefined', 'unpublish true public secret c1']);
  });

  test('knows its players, and outlives its publisher while it has some', async () => {
    const unit = await onAir(
      `${STATE} application.onStop = (client, stream) => trace('stop', client.id, stream.name)`,
    );
    unit.post(
      { t: 'play', client: 'c2', stream: 'cam' },
      { t: 'publish', client: 'c1', stream: 'cam', query: '' },
    );
    assert.deepEqual(await unit.value('state', 'cam'), ['cam', 'c1', ['c2'], '']);
    unit.post({ t: 'unpublish', client: 'c1', stream: 'cam' });
    assert.deepEqual(await unit.value('state', 'cam'), ['cam', null, ['c2'], '']);
    const asked = unit.publish('cam');
    await asked.verdict;
    unit.post({ t: 'publish', client: 'c1', stream: 'cam', query: 'x', gate: asked.id });
    assert.deepEqual(await unit.value('state', 'cam'), ['cam', 'c1', ['c2'], 'x']);
    unit.post(
      { t: 'stopPlay', client: 'c2', stream: 'cam' },
      { t: 'unpublish', client: 'c1', stream: 'cam' },
    );
    assert.deepEqual(await unit.value('state', 'cam'), { $: 'undefined' });
    assert.deepEqual(unit.logs, ['stop c2 cam']);
  });

  test('is told of in onPause when a player pauses it and goes on', async () => {
    const unit = await onAir(
      `${STATE} application.onPause = (client, stream, isPaused) => trace(client.id, stream.name, isPaused)`,
    );
    unit.post(
      { t: 'play', client: 'c2', stream: 'cam' },
      { t: 'pause', client: 'c2', stream: 'cam', isPaused: true },
      { t: 'pause', client: 'c2', stream: 'cam', isPaused: false },
      { t: 'pause', client: 'gone', stream: 'cam', isPaused: true },
    );
    assert.deepEqual(await unit.value('state', 'cam'), ['cam', null, ['c2'], '']);
    assert.deepEqual(unit.logs, ['c2 cam true', 'c2 cam false']);
  });

  test('on air takes record and disconnect, without a gate', async () => {
    const unit = await onAir(`
      Client.prototype.go = function () {
        const s = application.streams.cam;
        return [s.record(), s.record('append', -2, 0), s.record(false), s.disconnect('time\\nis up')];
      };`);
    unit.post({ t: 'publish', client: 'c1', stream: 'cam', query: '' });
    assert.deepEqual(await unit.value('go'), [true, true, true, true]);
    assert.deepEqual(unit.commands.slice(3, -1), [
      { op: 'record', mode: 'record', stream: 'cam' },
      { op: 'record', mode: 'append', stream: 'cam' },
      { op: 'record', mode: false, stream: 'cam' },
      { op: 'streamDisconnect', reason: 'timeis up', stream: 'cam' },
    ]);
  });

  test('is recorded as a script says in detail', async () => {
    const unit = await onAir(`
      Client.prototype.go = () => {
        const s = application.streams.cam;
        return [s.record({ format: 'mp4', file: '{stream} {date}', maxDuration: 60, maxSize: 2, segment: 10,
            align: true }),
          s.record('appendWithGap', -1, -1), s.record({ mode: 'append' })];
      };`);
    unit.post({ t: 'publish', client: 'c1', stream: 'cam', query: '' });
    assert.deepEqual(await unit.value('go'), [true, true, true]);
    const unlimited = Number.MAX_SAFE_INTEGER;
    const terms = {
      format: 'mp4',
      file: '{stream} {date}',
      maxDurationS: 60,
      maxSizeBytes: 2048,
      segmentS: 10,
      isAligned: true,
    };
    assert.deepEqual(unit.commands.slice(3, -1), [
      { op: 'record', mode: 'record', stream: 'cam', ...terms },
      {
        op: 'record',
        mode: 'appendWithGap',
        stream: 'cam',
        maxDurationS: unlimited,
        maxSizeBytes: unlimited,
      },
      { op: 'record', mode: 'append', stream: 'cam' },
    ]);
  });

  const NONSENSE = `['nonsense', 5, { mode: 'often' }, { format: 'avi' }, { formt: 'mp4' }, { file: 7 }, { segment: 0 },
    { maxDuration: '1h' }, { align: true }, { segment: 60, align: 'hour' }]`;
  const TRY = `Client.prototype.go = () => ${NONSENSE}.map((how) => {
    try { return application.streams.cam.record(how); } catch (error) { return error.name + ': ' + error.message; }
  });`;
  const MESSAGES = [
    ...['mode = nonsense', 'mode = 5', 'mode = often'].map(
      (what) => `${what}: expected "record", "append", "appendWithGap", true or false`,
    ),
    'format = avi: expected "flv" or "mp4"',
    'formt is no option: expected mode, maxDuration, maxSize, format, file, segment or align',
    'file = 7: expected the name of a file',
    'segment = 0: expected seconds, more than 0',
    'maxDuration = 1h: expected a number',
    'align = true: expected segment as well, the seconds between two files',
    'align = hour: expected true or false',
  ].map((message) => `stream.record: ${message}`);

  test('is not recorded when what is asked makes no sense: the script is told what', async () => {
    const unit = await onAir(TRY);
    unit.post({ t: 'publish', client: 'c1', stream: 'cam', query: '' });
    assert.deepEqual(
      await unit.value('go'),
      MESSAGES.map((message) => `TypeError: ${message}`),
    );
    assert.deepEqual(unit.of('record'), []);
  });

  test('classic scripts are told false, as by FMS, and the log says what; options are none of FMS', async () => {
    const unit = await onAir(TRY, { kind: 'classic' });
    unit.post({ t: 'publish', client: 'c1', stream: 'cam', query: '' });
    const told = await unit.value('go');
    assert.deepEqual(told, [false, false, ...MESSAGES.slice(2).map((message) => `TypeError: ${message}`)]);
    assert.deepEqual(unit.logs, MESSAGES.slice(0, 2));
    assert.deepEqual(unit.of('record'), []);
  });

  test('a recorded file, and a recording that failed, are told of with the stream, on air or not', async () => {
    const unit = await onAir(`
      application.onRecord = (stream, file) => trace('record', stream.name, file.path, file.codecs.length);
      application.onRecordError = (stream, error) => trace('error', stream.name, error.code);
      application.onStatus = (info) => trace('application', info.code);
      Stream.get('cam').onStatus = function (info) { trace('stream', this.name, info.code); };`);
    const file = {
      ...{ name: 'cam', path: 'streams/_definst_/cam.flv', duration: 1, bytes: 2 },
      ...{ codecs: ['avc'], reason: 'stopped' },
    };
    const status = (details: string) => ({ code: 'NetStream.Record.Failed', level: 'error', details });
    unit.post(
      { t: 'recorded', stream: 'cam', file },
      { t: 'recordFailed', stream: 'gone', error: { code: 'NetStream.Record.Failed', description: 'full' } },
      { t: 'status', info: status('cam'), stream: 'cam' },
      { t: 'status', info: status('gone'), stream: 'gone' },
    );
    await unit.command('log', ({ text }) => text.startsWith('application'));
    assert.deepEqual(unit.logs, [
      'record cam streams/_definst_/cam.flv 1',
      'error gone NetStream.Record.Failed',
      'stream cam NetStream.Record.Failed',
      'application NetStream.Record.Failed',
    ]);
  });

  test('has its length and size asked for, is flushed, cleared and mapped elsewhere', async () => {
    const unit = await onAir(`
      application.onStatus = (info) => trace(info.code, info.details);
      Client.prototype.go = async () => {
        const s = Stream.get('cam');
        return [await Stream.length('cam'), await Stream.size('cam'), await s.flush(), await s.clear(),
          s.setVirtualPath('/films', 'archive'), await Stream.length().catch((e) => e.name)];
      };`);
    const result = unit.value('go');
    for (let i = 1; i <= 5; i += 1) {
      const { id, request } = await unit.command('ask', (one) => one.id === i);
      const isInfo = (request as { op: string }).op === 'info';
      unit.post({ t: 'answer', id, ok: true, value: isInfo ? { duration: 1.5, bytes: 99 } : true });
    }
    assert.deepEqual(await result, [1.5, 99, true, true, true, 'TypeError']);
    const asked = unit.of('ask').map(({ service, request }) => [service, request]);
    assert.deepEqual(asked, [
      ['recordings', { op: 'info', stream: 'cam' }],
      ['recordings', { op: 'info', stream: 'cam' }],
      ['recordings', { op: 'flush', stream: 'cam' }],
      ['recordingChanges', { op: 'clear', stream: 'cam' }],
      ['recordingChanges', { op: 'map', prefix: '/films', folder: 'archive' }],
    ]);
    assert.deepEqual(unit.logs, ['NetStream.Clear.Success cam']);
  });

  test('whose publish was admitted and failed is forgotten', async () => {
    const unit = await onAir(`
      let seen;
      application.onPublish = (client, stream) => { seen = stream };
      Client.prototype.try = () => [seen.record(), Object.keys(application.streams)];`);
    const asked = unit.publish('cam');
    await asked.verdict;
    unit.post({ t: 'publishFailed', gate: asked.id });
    assert.deepEqual(await unit.value('try'), [false, []]);
  });

  test('may have a name like any other word', async () => {
    const unit = await onAir(`${STATE} Client.prototype.names = () => Object.keys(application.streams)`);
    for (const stream of ['__proto__', 'constructor'])
      unit.post({ t: 'publish', client: 'c1', stream, query: '' });
    assert.deepEqual(await unit.value('names'), ['__proto__', 'constructor']);
  });

  test('takes what scripts put on it and on Stream.prototype', async () => {
    const unit = await onAir(`
      Stream.prototype.shout = function () { return this.name.toUpperCase() };
      Client.prototype.shout = () => application.streams.cam.shout();`);
    unit.post({ t: 'publish', client: 'c1', stream: 'cam', query: '' });
    assert.equal(await unit.value('shout'), 'CAM');
  });
});

test('a script finds a stream by any spelling of its name', async () => {
  const unit = await onAir(`
    Client.prototype.look = () => [Stream.get('flv:cam').name, Stream.get('MP4:film').name,
      Stream.get('cam.flv') === Stream.get('cam'), Stream.get('mp4:film.mp4') === Stream.get('mp4:film')];
    String.prototype.toLowerCase = String.prototype.slice = () => 'evil';`);
  assert.deepEqual(await unit.value('look'), ['cam', 'mp4:film.mp4', true, true]);
});
