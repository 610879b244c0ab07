// The guide for script authors, applications/README.md, and the script in the README: what they show has no mistake and runs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { SignJWT } from 'jose';
import { check } from '../../src/cli/check.ts';
import { type TestOptions, testApp } from '../../src/testing/app.ts';
import { until } from '../support/core.ts';
import { Folder } from './support/folder.ts';
import { hosting } from './support/hosting.ts';

const GUIDE = readFileSync(join(import.meta.dirname, '../../applications/README.md'), 'utf8');
const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
const snippetsOf = (text: string) => [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);
const snippets = [...snippetsOf(GUIDE), ...snippetsOf(README)];
const snippet = (part: string) => {
  const found = snippets.find((code) => code.includes(part));
  assert.ok(found, `no snippet with ${part}`);
  return found;
};

const isTest = (code: string) => code.includes("from 'understudy/test'");
const fileOf = (code: string) => (isTest(code) ? 'main.test.ts' : 'main.ts');

/** The package, as npm would put it there. */
async function jose(folder: string): Promise<Record<string, string>> {
  const from = join(import.meta.dirname, '../../node_modules/jose');
  const names = (await readdir(from, { recursive: true })).filter((name) =>
    /(\.js|\.d\.ts|\.json)$/.test(name),
  );
  const read = async (name: string) =>
    [`${folder}node_modules/jose/${name}`, await readFile(join(from, name), 'utf8')] as const;
  return Object.fromEntries(await Promise.all(names.map(read)));
}

/** The settings that the guide shows, and what else its snippets need. */
const SETTINGS = /^```xml\n(.*?)^```$/ms
  .exec(GUIDE)![1]!
  .replace('</JSEngine>', '<NetConnection><Hosts>live.example.com:443</Hosts></NetConnection></JSEngine>');
/** With what else snippets of several places have been granted. */
const ALL_SETTINGS = SETTINGS.replace('live.example.com:443', '*:*');
const SECRETS = 'PUBLIC_KEY=pem\n';

const KEYS = { 's3cret-of-ann': 'ann' };

/** An application of that script. */
const running = (code: string, options: TestOptions = {}) =>
  testApp('guide', {
    ...options,
    files: { 'main.ts': code, 'Application.xml': SETTINGS, ...options.files },
  });

describe('the guide for script authors', { timeout: 60_000 }, () => {
  test('shows nothing that "understudy check" would complain of', async () => {
    assert.ok(snippets.length >= 2);
    await using root = await Folder.create(
      Object.fromEntries(
        snippets.flatMap((code, i) => [
          [`applications/s${i}/${fileOf(code)}`, code],
          [`applications/s${i}/Application.xml`, ALL_SETTINGS],
          [`applications/s${i}/.env`, SECRETS],
        ]),
      ),
    );
    for (const i of snippets.keys()) chmodSync(join(root.path, `applications/s${i}/.env`), 0o600);
    await root.write('conf/fms.ini', 'API_TOKEN = t');
    await root.write(`applications/s${snippets.findIndex(isTest)}/main.ts`, 'trace(application.name);');
    const signed = snippets.findIndex((code) => code.includes("from 'jose'"));
    const keyed = snippets.findIndex((code) => code.includes("from './keys.json'"));
    await root.write(`applications/s${keyed}/keys.json`, JSON.stringify(KEYS));
    for (const [name, content] of Object.entries(await jose(`applications/s${signed}/`))) {
      await root.write(name, content);
    }
    const said: string[] = [];
    await check(root.path, undefined, (line) => said.push(line));
    assert.match(said.shift()!, /conf: ok$/);
    assert.deepEqual(said.sort(), snippets.map((_, i) => `s${i}: ok`).sort());
  });

  test('the first script: a stream key is publicly known by another name', async () => {
    const guide = await running(snippet("from './keys.json'"), { files: { 'keys.json': KEYS } });
    const client = await guide.connect();
    assert.equal((await client.publish('s3cret-of-ann')).name, 'ann');
    assert.deepEqual(guide.logs, ['ann is on air from 127.0.0.1']);
    assert.equal((await client.publish('guess')).statuses[0]?.description, 'unknown stream key');
  });

  test('the script of the README records under that name, and asks players for a token', async () => {
    const guide = await running(snippetsOf(README)[0]!);
    const client = await guide.connect();
    const show = await client.publish('s3cret-of-bob');
    assert.equal(show.name, 'bob');
    assert.ok(show.statuses.some(({ code }) => code === 'NetStream.Record.Start'));
    assert.equal((await client.publish('guess')).accepted, false);
    assert.equal((await client.play('bob?token=open-sesame')).accepted, true);
    assert.equal((await client.play('bob')).statuses[0]?.description, 'no token');
  });

  test('the gates: keys in the store, a name once, a test card, and another server when this one is full', async () => {
    const setKeys = "Client.prototype.setKey = (name, key) => application.store.set('key of ' + name, key);";
    const guide = await running(`${snippet("as: 'testcard'")}\n${setKeys}`);
    const client = await guide.connect();
    await client.call('setKey', 'cam1', '8fd3');
    for (const key of ['cam1-8fd4', 'cam1', 'cam2-8fd3', 'cam2-undefined']) {
      assert.equal((await client.publish(key)).statuses[0]?.description, 'wrong key', key);
    }
    assert.equal((await client.play('cam1?token=open-sesame')).name, 'testcard');
    assert.equal((await client.publish('cam1-8fd3')).name, 'cam1');
    assert.equal((await client.play('cam1?token=open-sesame')).name, 'cam1');
    assert.equal((await client.play('cam1?token=guess')).statuses[0]?.description, 'no token');
    const second = await client.publish('cam1-8fd3');
    assert.equal(second.statuses[0]?.description, 'cam1 is on air already');
    for (let i = 1; i < 500; i += 1) assert.equal((await guide.connect()).accepted, true);
    assert.equal((await guide.connect()).refusal?.redirect, 'rtmp://b.example.com/door');
  });

  test('what is published is recorded by the hour, unless it is not to be; clients begin and end it', async () => {
    const guide = await running(snippet('Client.prototype.record'), { now: '2026-06-01T12:00:00Z' });
    const client = await guide.connect();
    assert.equal(await client.call('record', 'show', true), false);
    const show = await client.publish('show');
    for (let ms = 0; ms <= 2000; ms += 40) show.keyframe(ms);
    await show.unpublish();
    assert.match(
      await guide.logged(/show/),
      /^streams\/_definst_\/show 2026-06-01 \d\d-\d\d-\d\d\.mp4: 2\.04 s of avc$/,
    );
    const again = await client.publish('show?record=no');
    assert.equal(await client.call('record', 'show', true), true);
    again.keyframe(0);
    assert.equal(await client.call('record', 'show', false), true);
    assert.match(await guide.logged(/flv/), /^streams\/_definst_\/show\.flv: 0 s of avc$/);
    const codes = again.statuses.map(({ code }) => code);
    assert.deepEqual(codes, ['NetStream.Publish.Start', 'NetStream.Record.Start', 'NetStream.Record.Stop']);
  });

  test('calls go both ways', async () => {
    const guide = await running(snippet('Client.prototype.poll'));
    const ann = await guide.connect({ args: ['Ann'] });
    ann.on('answer', (question) => `${question} yes`);
    assert.equal(await ann.call('say', 'hello'), true);
    assert.deepEqual(await ann.next('said'), ['Ann', 'hello']);
    await ann.call('poll', 'tea?');
    assert.equal(await guide.logged(/tea/), 'Ann: tea? yes');
  });

  test('state goes over to the next version', async () => {
    const guide = await running(snippet('onBeforeReload'));
    const ann = await guide.connect({ args: ['Ann'] });
    await guide.connect({ args: ['Bob'] });
    await guide.reload();
    assert.equal(await ann.call('visits'), 2);
    assert.deepEqual(guide.logs, ['Ann is still here', 'Bob is still here']);
  });

  test('the store decides who may come in', async () => {
    const guide = await running(snippet('application.store.swap'));
    const ann = await guide.connect({ args: ['Ann'] });
    await ann.call('ban', 'Bob', 'too loud');
    assert.equal((await guide.connect({ args: ['Bob'] })).refusal?.description, 'too loud');
    assert.deepEqual(await ann.call('banned'), ['banned:Bob']);
    assert.equal(await ann.call('lead'), true);
    assert.equal(await ann.call('lead'), false);
  });

  test('a Web server is asked before a publish, and its refusal is told', async () => {
    const guide = await running(snippet('may-publish'), { env: { API_TOKEN: 'secret' } });
    guide.onFetch(({ url, headers, body }) => {
      assert.equal(url, 'http://127.0.0.1:8000/may-publish');
      assert.equal(headers.authorization, 'Bearer secret');
      return body === 'name=good&addr=127.0.0.1' ? { status: 204 } : { status: 403, body: 'not you' };
    });
    const client = await guide.connect();
    assert.equal((await client.publish('good')).accepted, true);
    assert.equal((await client.publish('bad')).statuses[0]?.description, 'not you');
  });

  test('jose, as it comes from npm, reads signed tokens', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const PUBLIC_KEY = publicKey.export({ type: 'spki', format: 'pem' }) as string;
    const guide = await running(snippet('jwtVerify'), { env: { PUBLIC_KEY }, files: await jose('') });
    const token = (audience: string) =>
      new SignJWT({})
        .setProtectedHeader({ alg: 'ES256' })
        .setSubject('ann')
        .setAudience(audience)
        .sign(privateKey);
    const client = await guide.connect();
    assert.equal((await client.play(`show?token=${await token('show')}`)).accepted, true);
    assert.deepEqual(guide.logs, ['ann watches show']);
    for (const bad of [await token('another'), `${(await token('show')).slice(0, -4)}AAAA`, '']) {
      const { statuses } = await client.play(`show?token=${bad}`);
      assert.equal(statuses[0]?.description, 'no valid token');
    }
  });

  test('a test as it is shown passes, and fails when the script is another', async () => {
    const samples = join(import.meta.dirname, '../../applications/auth');
    await using root = await Folder.create({
      'applications/auth/main.ts': readFileSync(join(samples, 'main.ts')),
      'applications/auth/keys.json': readFileSync(join(samples, 'keys.json')),
      'applications/auth/main.test.ts': snippet("from 'understudy/test'"),
    });
    const command = [join(import.meta.dirname, '../../bin/understudy.js'), 'test', '--root', root.path];
    const tested = async () =>
      (await once(spawn(process.execPath, command, { stdio: 'ignore' }), 'close'))[0];
    assert.equal(await tested(), 0);
    await root.write('applications/auth/main.ts', 'application.onPublish = () => true;');
    assert.equal(await tested(), 1);
  });

  test('a command of the operator is run when a stream has ended', async () => {
    const guide = await running(snippet("exec('thumb'"));
    guide.onExec((name, args) => ({ code: 3, stderr: [name, ...args].join(' ') }));
    const show = await (await guide.connect()).publish('show');
    await show.unpublish();
    assert.deepEqual(guide.logs, [
      'no picture of show: thumb -i streams/_definst_/show.flv -frames:v 1 thumbs/show.jpg',
    ]);
  });

  test('the radio plays one song after the other, and says which', async () => {
    await using all = await hosting({ 'guide/main.ts': snippet("Stream.get('radio')") });
    const { instance, script } = all.open('guide');
    await script.started;
    const plays = () => instance.done.filter((one) => /^(play|send)/.test(one));
    const play = (name: string, reset: boolean) =>
      `play radio ${JSON.stringify({ name, start: 0, length: -1, reset })}`;
    await until('the first song', () => plays().length > 0);
    assert.deepEqual(plays(), [play('mp3:one', true)]);
    const info = { code: 'NetStream.Play.Start', level: 'status', details: 'flv:three' };
    script.tell({ event: 'status', info, stream: 'radio' });
    await until('the next song', () => plays().length === 3);
    assert.deepEqual(plays().slice(1), [
      'send radio @setDataFrame ["onTitle","flv:three"] undefined',
      play('mp3:one', false),
    ]);
  });

  test('what is restreamed goes on when the script is saved, by the same connection', async () => {
    const guide = await running(snippet('stream-key-there'));
    const there = guide.server('rtmps://live.example.com/app');
    const show = await (await guide.connect()).publish('cam');
    await guide.clock.tick(0);
    await guide.reload();
    await guide.clock.tick(60_000);
    show.keyframe(0);
    await guide.clock.tick(0);
    assert.deepEqual(there.streams, { 'stream-key-there': 1 });
    assert.equal(there.connects.length, 1);
    await show.unpublish();
    assert.deepEqual(there.streams, {});
  });

  test('a stream goes on to another server as soon as that is there', async () => {
    const guide = await running(snippet('new NetStream'));
    const there = guide.server('rtmps://live.example.com/app');
    const encoder = await guide.connect();
    const show = await encoder.publish('show');
    await guide.settled();
    show.keyframe(0);
    await guide.clock.tick(1000);
    assert.deepEqual(there.streams, { 'stream-key-there': 1 });
    await show.unpublish();
    assert.deepEqual(there.streams, {});
    there.isDown = true;
    await encoder.publish('show');
    assert.match(await guide.logged(/Failed/), /^live\.example\.com: NetConnection\.Connect\.Failed/);
  });
});
