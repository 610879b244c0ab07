/// <reference path="../../src/script/types/understudy-test.d.ts" />
// The kit with which authors test their applications: what it promises, each with a small script.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import type * as declared from 'understudy/test';
import * as kit from '../../src/testing/main.ts';
import { flvFile } from '../support/flv.ts';

// What authors are told of it is true.
kit.testApp satisfies typeof declared.testApp;
const { testApp } = kit;

const app = (script: string, files: Record<string, unknown> = {}) =>
  testApp('kit', { files: { 'main.ts': script, ...files } });

test('a client is let in or turned away as the script says', async () => {
  const kit = await app(`
    application.onConnect = (client, name) => {
      if (name === 'Ann') return true;
      if (name === 'Bob') return application.redirectConnection(client, 'rtmp://elsewhere/');
      if (name === 'Max') return application.rejectConnection(client, { name });
      return { deny: 'not you' };
    };
    application.onDisconnect = (client) => trace('gone ' + client.ip);
  `);
  const ann = await kit.connect({ args: ['Ann'], ip: '10.0.0.1' });
  assert.equal(ann.accepted, true);
  const eve = await kit.connect({ args: ['Eve'] });
  assert.equal(eve.accepted, false);
  assert.equal(eve.refusal?.code, 'NetConnection.Connect.Rejected');
  assert.equal(eve.refusal.description, 'not you');
  const max = await kit.connect({ args: ['Max'] });
  assert.deepEqual(max.refusal?.application, { name: 'Max' });
  const bob = await kit.connect({ args: ['Bob'] });
  assert.equal(bob.refusal?.redirect, 'rtmp://elsewhere/');
  await ann.disconnect();
  assert.deepEqual(kit.logs, ['gone 10.0.0.1']);
  await assert.rejects(async () => ann.call('x'), /client1 is not connected any more/);
});

test('calls go both ways, with results and errors', async () => {
  const kit = await app(`
    Client.prototype.add = (a, b) => a + b;
    Client.prototype.fail = () => { throw new Error('no'); };
    Client.prototype.ask = function (question) { return new Promise((resolve) => {
      this.call('answer', { onResult: resolve, onStatus: (info) => resolve(info.description) }, question);
    }); };
  `);
  const client = await kit.connect();
  assert.equal(await client.call('add', 1, 2), 3);
  await assert.rejects(client.call('fail'), /no/);
  await kit.expectError(/^client.fail: /);
  await assert.rejects(client.call('missing'), /the script has no method missing/);
  client.on('answer', (question) => ({ to: question }));
  assert.deepEqual(await client.call('ask', 'why'), { to: 'why' });
  assert.deepEqual(await client.next('answer'), ['why']);
  client.on('answer', () => {
    throw new Error('busy');
  });
  assert.equal(await client.call('ask', 'when'), 'busy');
});

test('time stands still for Date, performance and timers, until it is moved', async () => {
  const kit = await testApp('kit', {
    now: '2030-05-01T00:00:00Z',
    files: {
      'main.ts': `
        const begun = performance.now();
        const say = (what: string) => trace(what, new Date().toISOString(), performance.now() - begun);
        say('load');
        let beats = 0;
        const beat = setInterval(() => { say('beat'); if (++beats === 3) clearInterval(beat); }, 1000);
        setTimeout(async () => { say('first'); setTimeout(() => say('second'), 500); }, 1500);
      `,
    },
  });
  assert.deepEqual(kit.logs, ['load 2030-05-01T00:00:00.000Z 0']);
  await kit.clock.tick(999);
  assert.equal(kit.logs.length, 1);
  await kit.clock.tick(3_600_000);
  assert.deepEqual(kit.logs.slice(1), [
    'beat 2030-05-01T00:00:01.000Z 1000',
    'first 2030-05-01T00:00:01.500Z 1500',
    'beat 2030-05-01T00:00:02.000Z 2000',
    'second 2030-05-01T00:00:02.000Z 2000',
    'beat 2030-05-01T00:00:03.000Z 3000',
  ]);
  assert.equal(kit.clock.now().toISOString(), '2030-05-01T01:00:00.999Z');
});

test('what is asked of the server fails where the script has asked', async () => {
  const kit = await app(`
    const ask = async (url: string) => {
      await Promise.resolve();
      return fetch(url);
    };
    application.onPublish = async () => (await ask('http://not-granted.example/')).ok;
    Client.prototype.count = () => crypto.subtle.digest('SHA-9', new Uint8Array());
    Client.prototype.wait = async () => {
      const signal = AbortSignal.timeout(10);
      await new Promise((resolve) => setTimeout(resolve, 20));
      signal.throwIfAborted();
    };
  `);
  const client = await kit.connect();
  assert.equal((await client.publish('x')).accepted, false);
  const { message, line, column, frames } = await kit.expectError(
    /onPublish: TypeError: fetch: no host is granted/,
  );
  assert.deepEqual([message.includes('\n'), line, column], [false, 4, 14]);
  assert.deepEqual(
    frames.map((frame) => [frame.function, frame.line]),
    [
      ['ask', 4],
      ['async application.onPublish', 6],
    ],
  );
  await assert.rejects(client.call('count'));
  assert.equal((await kit.expectError(/client.count: NotSupportedError/)).line, 7);
  const waiting = client.call('wait');
  waiting.catch(() => {});
  await kit.clock.tick(20);
  await assert.rejects(waiting, /the time is over/);
  assert.equal((await kit.expectError(/client.wait: TimeoutError/)).line, 9);
});

test('a handler is named once, whatever it has done wrong', async () => {
  const kit = await app(`
    application.onConnect = async () => {};
  `);
  await kit.connect();
  const { message } = await kit.expectError(/^onConnect: its promise ended without a decision: return true/);
  assert.doesNotMatch(message, /onConnect/);
});

test('an error is told as logs and administrators have it', async () => {
  const kit = await app(`
    application.onPlay = () => {
      throw new TypeError('oops');
    };
  `);
  await (await kit.connect()).play('x');
  const { id, time, lastTime, ...error } = await kit.expectError(/^onPlay: TypeError: oops/);
  assert.deepEqual(error, {
    application: 'kit',
    instance: '_definst_',
    kind: 'handler',
    handler: 'onPlay',
    message: 'TypeError: oops',
    code: 'TypeError',
    file: 'main.ts',
    line: 3,
    column: 13,
    frames: [{ function: 'application.onPlay', file: 'main.ts', line: 3, column: 13 }],
    client: 'client1',
    count: 1,
    text: 'kit/main.ts:3:13: onPlay: TypeError: oops\n    at application.onPlay (kit/main.ts:3:13)',
  });
});

test('a gate that does not answer refuses when its time is over', async () => {
  const kit = await app('application.onConnect = () => new Promise(() => {});');
  const connecting = kit.connect();
  await kit.clock.tick(10_000);
  assert.equal((await connecting).accepted, false);
  await kit.expectError(/onConnect: no verdict within 10 s/);
});

test('a newcomer finds in its request who publishes, and takes over where the script says so', async () => {
  const kit = await app(`
    application.onPublish = (client, stream, { current, params }) => {
      if (current) trace([current.client.ip, current.since.toISOString(), Date.now() - current.lastByte].join(' '));
      return { takeOver: params.role === 'main' };
    };
  `);
  const first = await kit.connect({ ip: '10.0.0.1' });
  const show = await first.publish('show');
  const since = kit.clock.now().toISOString();
  await kit.clock.tick(60_000);
  show.keyframe(0);
  await kit.clock.tick(1_500);
  const backup = await (await kit.connect()).publish('show');
  assert.deepEqual(
    backup.statuses.map(({ code }) => code),
    ['NetStream.Publish.BadName'],
  );
  assert.deepEqual(kit.logs, [`10.0.0.1 ${since} 1500`]);
  const main = await (await kit.connect()).publish('show?role=main');
  assert.equal(main.accepted, true);
  assert.match(first.closed ?? '', /left/);
  assert.equal(show.statuses.at(-1)?.code, 'NetStream.Publish.Denied');
  assert.deepEqual(kit.streams, ['show']);
});

test('streams have publishers, players, pictures and statuses', async () => {
  const kit = await app(`
    application.onPublish = (client, stream, request) =>
      request.name === 'key' ? { as: 'show' } : { deny: 'no key' };
    application.onUnpublish = (client, stream) => trace(stream.name + ' is over');
    Client.prototype.end = () => Stream.get('show').disconnect();
  `);
  const [encoder, viewer] = [await kit.connect(), await kit.connect()];
  assert.deepEqual((await encoder.publish('other')).statuses, [
    { code: 'NetStream.Publish.Denied', description: 'no key' },
  ]);
  const playback = await viewer.play('show');
  const show = await encoder.publish('key?user=ann');
  assert.equal(show.name, 'show');
  assert.deepEqual(kit.streams, ['show']);
  show.keyframe(0);
  show.audio(10);
  show.frame(40);
  await kit.clock.tick(100);
  assert.equal(playback.messages, 3);
  await show.unpublish();
  assert.deepEqual(
    playback.statuses.map(({ code }) => code),
    ['NetStream.Play.Start', 'NetStream.Play.PublishNotify', 'NetStream.Play.UnpublishNotify'],
  );
  assert.deepEqual(kit.logs, ['show is over']);
  assert.throws(() => show.keyframe(80), /key\?user=ann is not on air/);
});

const FETCHING = `<Application><JSEngine>
  <Environment><URL>http://api.example.com/who</URL></Environment>
  <Fetch><Hosts>api.example.com</Hosts></Fetch>
</JSEngine></Application>`;

test('what the script fetches the test answers; hosts have to be granted, and a question that nobody answers fails it', async () => {
  const script = `
    Client.prototype.get = async (url, init) => {
      const answer = await fetch(url || application.env.URL, init);
      return [answer.status, answer.headers.get('x-a'), await answer.text()];
    };
    Client.prototype.impatient = () => fetch(application.env.URL, { signal: AbortSignal.timeout(2000) }).catch((e) => e.name);
  `;
  const kit = await testApp('kit', {
    files: { 'main.ts': script, 'Application.xml': FETCHING },
    env: { TOKEN: 'abc' },
  });
  kit.onFetch(({ url, method, body }) =>
    url.endsWith('/who') ? { status: 201, headers: { 'X-A': method }, body: { said: body } } : undefined,
  );
  const client = await kit.connect();
  assert.deepEqual(await client.call('get', '', { method: 'POST', body: 'hi' }), [
    201,
    'POST',
    '{"said":"hi"}',
  ]);
  assert.deepEqual(
    kit.requests.map(({ url }) => url),
    ['http://api.example.com/who'],
  );
  kit.onFetch(({ url }) =>
    url.endsWith('/from') ? { status: 302, headers: { location: '/who' } } : undefined,
  );
  assert.deepEqual(await client.call('get', 'http://api.example.com/from'), [201, 'GET', '{"said":""}']);
  kit.onFetch(({ url }) => (url.endsWith('/who') ? new Promise(() => {}) : undefined));
  const waiting = client.call('impatient');
  await kit.clock.tick(2000);
  assert.equal(await waiting, 'TimeoutError');
  await assert.rejects(client.call('get', 'http://example.org/'), /example.org is not granted/);
  await kit.expectError(/not granted/);
  await assert.rejects(client.call('get', 'http://api.example.com/else'), /the test answers no such request/);
  await kit.expectError(/no such request/);
  await assert.rejects(kit.stop(), /GET http:\/\/api.example.com\/else: the test answers no such request/);
});

test('an error of the script fails its test, by line and column, unless it is expected', async () => {
  const script = "\napplication.onPlay = () => {\n  throw new Error('oops');\n};";
  const kit = await app(script);
  const client = await kit.connect();
  assert.equal((await client.play('a')).accepted, false);
  assert.equal(kit.errors.length, 1);
  await assert.rejects(kit.stop(), /kit\/main.ts:3:9: onPlay: Error: oops\n/);
  const expecting = await app(script);
  await (await expecting.connect()).play('a');
  const { handler, line } = await expecting.expectError(/oops/);
  assert.deepEqual([handler, line], ['onPlay', 3]);
  await expecting.stop();
});

test('a script that does not bundle, or throws as it starts, is no application', async () => {
  const files = { 'Application.xml': '<Application>\n<Jsengine/></Application>' };
  await assert.rejects(app('', files), /kit\/Application\.xml:2: <Jsengine> is unknown/);
  await assert.rejects(app('const a = ;'), /kit\/main.ts:1:11: /);
  await assert.rejects(app("application.onAppStart = () => { throw new Error('not today'); };"), /not today/);
  await assert.rejects(testApp('nowhere'), /there is no application applications\/nowhere/);
  await assert.rejects(testApp('../auth'), /'\.\.\/auth' cannot be the name of an application/);
});

test("the server's symbols are not the test's: each stands for itself, unless env has the value", async () => {
  const kit = await testApp('kit', {
    env: { TOKEN: 'of the test' },
    files: {
      'Application.xml':
        '<Application><JSEngine><Environment>' +
        `<TOKEN>\${TOKEN}</TOKEN><ROOM>\${ROOM}</ROOM><ROOT>\${ROOT}</ROOT></Environment></JSEngine></Application>`,
      'main.ts': 'trace(application.env.TOKEN, application.env.ROOM, application.env.ROOT[0]);',
    },
  });
  assert.deepEqual(kit.logs, [`of the test \${ROOM} /`]);
});

test('a save reloads the script with its state; one that is broken leaves the version before', async () => {
  const version = (n: number) => `
    let state = { count: 0 };
    application.onAppStart = (info) => { if (info.reload) state = info.state; };
    application.onBeforeReload = () => state;
    Client.prototype.count = () => [${n}, ++state.count];`;
  const kit = await app(version(1));
  const client = await kit.connect();
  assert.deepEqual(await client.call('count'), [1, 1]);
  await kit.reload({ 'main.ts': version(2) });
  assert.deepEqual(await client.call('count'), [2, 2]);
  await assert.rejects(kit.reload({ 'main.ts': 'const a = ;' }), /kit\/main.ts:1:/);
  assert.deepEqual(await client.call('count'), [2, 3]);
});

test('the store is the test’s own', async () => {
  const script = `Client.prototype.visit = () => application.store.add('visits');`;
  for (const _ of ['once', 'twice']) {
    const kit = await app(script);
    assert.equal(await (await kit.connect()).call('visit'), 1);
  }
  assert.equal(existsSync('applications/kit'), false);
});

test('instances are apart, and an instance that everybody has left is stopped when its time is over', async () => {
  const kit = await app(`
    trace('start ' + application.name);
    application.onAppStop = () => trace('stop ' + application.name);
    Client.prototype.hello = (text) => application.broadcastMsg('hello', text);
  `);
  const [ann, bob] = [await kit.connect({ instance: 'room' }), await kit.connect({ instance: 'room' })];
  const eve = await kit.connect();
  await ann.call('hello', 'you');
  assert.deepEqual(await bob.next('hello'), ['you']);
  assert.deepEqual(eve.received, []);
  await ann.disconnect();
  await bob.disconnect();
  await kit.clock.tick(3_600_000);
  assert.deepEqual(kit.logs, ['start kit/_definst_', 'start kit/room', 'stop kit/room']);
});

test('commands are not run: the test says how they end', async () => {
  const script = `
    Client.prototype.thumb = async (name) => {
      const { code, stderr } = await application.exec('thumb', { name }).exited;
      return [code, stderr];
    };`;
  const settings = `<Application><JSEngine><Exec name="thumb">
    <Program>/no/such/program</Program><Argument>{name}.jpg</Argument>
  </Exec></JSEngine></Application>`;
  const kit = await app(script, { 'Application.xml': settings });
  const client = await kit.connect();
  kit.onExec((name, args) => (args[0] === 'bad.jpg' ? { code: 3, stderr: `${name} of ${args}` } : {}));
  assert.deepEqual(await client.call('thumb', 'good'), [0, '']);
  assert.deepEqual(await client.call('thumb', 'bad'), [3, 'thumb of bad.jpg']);
  const other = await app(script, { 'Application.xml': settings });
  assert.equal((await (await other.connect()).call('thumb', 'x'))[0], null);
  await assert.rejects(other.stop(), /thumb x\.jpg: the test runs no such command/);
});

test('other servers are the test\u2019s', async () => {
  const script = `
    const connection = new NetConnection();
    const out = new NetStream(connection);
    connection.onStatus = ({ code }) => { trace(code); if (connection.isConnected) out.publish('copy'); };
    out.onStatus = ({ code }) => trace(code);
    application.onPublish = (client, stream) => { out.attach(stream); connection.connect(client.uri, 'token'); };`;
  const settings =
    '<Application><JSEngine><NetConnection><Hosts>far</Hosts></NetConnection></JSEngine></Application>';
  const kit = await app(script, { 'Application.xml': settings });
  const far = kit.server('rtmp://far/live');
  const show = await (await kit.connect({ uri: 'rtmp://far/live' })).publish('show');
  await kit.clock.tick(0);
  assert.deepEqual(far.connects, [['token']]);
  show.keyframe(0);
  show.frame(40);
  await kit.clock.tick(1000);
  assert.deepEqual(far.streams, { copy: 2 });
  far.close();
  await kit.settled();
  assert.deepEqual(far.streams, {});
  assert.deepEqual(kit.logs, [
    'NetConnection.Connect.Success',
    'NetStream.Publish.Start',
    'NetConnection.Connect.Closed',
  ]);
  await (await kit.connect({ uri: 'rtmp://elsewhere/live' })).publish('another');
  await kit.settled();
  assert.equal(kit.logs.at(-1), 'NetConnection.Connect.Failed'); // not granted
  await (await kit.connect({ uri: 'rtmp://far/other' })).publish('third');
  await kit.settled();
  await assert.rejects(kit.stop(), /rtmp:\/\/far\/other: the test has no such server/);
});

test('onAppStop has the time that it has in the server, and not a moment of anybody else\u2019s', async () => {
  const wait = (ms: number) => `new Promise((resolve) => setTimeout(resolve, ${ms}))`;
  const kit = await app(`application.onAppStop = async () => { await ${wait(1000)}; trace('bye'); };`);
  const client = await kit.connect();
  await kit.stop();
  assert.deepEqual(kit.logs, ['bye']);
  assert.equal(client.closed, 'the application is shutting down');
  assert.equal(client.statuses[0]?.code, 'NetConnection.Connect.AppShutdown');
  const endless = await app(`application.onAppStop = async () => { await ${wait(60_000)}; trace('bye'); };`);
  await endless.stop();
  assert.deepEqual(endless.logs, []);
});

test('an application without a script lets everybody do what they like', async () => {
  const kit = await testApp('plain', { files: { 'README.md': 'nothing' } });
  const client = await kit.connect();
  assert.equal((await client.publish('show')).name, 'show');
  assert.equal((await client.play('show')).name, 'show');
  await kit.clock.tick(1000);
  await client.disconnect();
  assert.deepEqual(kit.streams, []);
});

test('a stream of another server can be played here', async () => {
  const settings =
    '<Application><JSEngine><NetConnection><Hosts>far</Hosts></NetConnection></JSEngine></Application>';
  const kit = await app(
    `
    const far = new NetConnection();
    far.onStatus = ({ code }) => {
      trace(code);
      if (far.isConnected) Stream.get('here').play('there', -1, -1, true, far);
    };
    Client.prototype.connect = () => far.connect('rtmp://far/live');`,
    { 'Application.xml': settings },
  );
  const client = await kit.connect();
  const source = kit.server('rtmp://far/live').publish('there');
  await client.call('connect');
  const playback = await client.play('here');
  source.keyframe(0);
  source.frame(40);
  await kit.clock.tick(1000);
  assert.deepEqual(kit.streams, ['here']);
  assert.equal(playback.messages, 2);
  assert.deepEqual(kit.logs, ['NetConnection.Connect.Success']);
});

test('a file among its streams is played, at the pace of the test', async () => {
  const { bytes } = flvFile({ ms: 20_000, durationS: 20 });
  const kit = await testApp('vod', { files: { 'streams/_definst_/film.flv': bytes } });
  const film = await (await kit.connect()).play('film', { start: 0 });
  assert.equal(film.name, 'film');
  const codes = () => film.statuses.map(({ code }) => code);
  while (film.messages === 0) await kit.clock.tick(1); // the disk takes its own time
  assert.deepEqual(codes(), ['NetStream.Play.Start']);
  while (!codes().includes('NetStream.Play.Complete')) await kit.clock.tick(1000);
  assert.ok(kit.clock.now().getTime() >= Date.parse('2026-01-01T00:00:10Z'));
});

test('a turn has twenty times its limit, for a test is no judge of machines; what never ends, ends', async () => {
  const kit = await app('Client.prototype.spin = () => { for (;;); };', {
    'Application.xml': '<Application><JSEngine><MaxTimeOut>0.02</MaxTimeOut></JSEngine></Application>',
  });
  const client = await kit.connect();
  const [said] = await Promise.allSettled([client.call('spin')]);
  assert.equal(said.status, 'rejected');
  await kit.expectError(/^client\.spin: the script ran longer than 400 ms$/);
});
