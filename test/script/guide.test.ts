// The guide for script authors, applications/README.md: what it shows has no mistake, runs, and survives a save and a crash.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { SignJWT } from 'jose';
import { systemClock } from '../../src/application/clock.ts';
import type { InvokeResult, Verdict } from '../../src/application/script.ts';
import { check } from '../../src/cli/check.ts';
import type { AmfValue } from '../../src/protocol/amf.ts';
import type { ScriptSettings } from '../../src/script/host.ts';
import { until } from '../support/core.ts';
import { Folder } from './support/folder.ts';
import { hosting } from './support/hosting.ts';
import { facts } from './support/instance.ts';

const GUIDE = readFileSync(join(import.meta.dirname, '../../applications/README.md'), 'utf8');
const snippets = [...GUIDE.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);
const snippet = (part: string) => {
  const found = snippets.find((code) => code.includes(part));
  assert.ok(found, `no snippet with ${part}`);
  return found;
};

const isTest = (code: string) => code.includes("from 'understudy/test'");
const fileOf = (code: string) => (isTest(code) ? 'main.test.ts' : 'main.ts');

/** The package, as npm would put it there. */
async function jose(folder: string): Promise<Record<string, Uint8Array>> {
  const from = join(import.meta.dirname, '../../node_modules/jose');
  const names = (await readdir(from, { recursive: true })).filter((name) =>
    /(\.js|\.d\.ts|\.json)$/.test(name),
  );
  const read = async (name: string) =>
    [`${folder}node_modules/jose/${name}`, await readFile(join(from, name))] as const;
  return Object.fromEntries(await Promise.all(names.map(read)));
}

/** An instance of that script with clients that it has accepted. */
function running(code: string, ...clients: [id: string, ...args: AmfValue[]][]) {
  return runningWith({}, code, ...clients);
}

async function runningWith(
  settings: Partial<ScriptSettings>,
  code: string,
  ...clients: [id: string, ...args: AmfValue[]][]
) {
  const files = code.includes("from 'jose'") ? await jose('guide/') : {};
  const all = await hosting({ 'guide/main.ts': code, ...files }, systemClock, () => settings);
  const { script, instance } = all.open('guide');
  const connect = (id: string, ...args: AmfValue[]) =>
    new Promise<Verdict>((resolve) => {
      script.ask({ gate: 'onConnect', client: facts(id), args }, (verdict) => {
        if (verdict.accepted) instance.clients.push(id);
        resolve(verdict);
      });
    });
  for (const [id, ...args] of clients) assert.deepEqual(await connect(id, ...args), { accepted: true });
  return {
    ...all,
    script,
    instance,
    connect,
    publish: (clientId: string, name: string) =>
      new Promise<Verdict>((resolve) => {
        const request = { name, query: '', params: {}, type: 'live' as const };
        script.ask({ gate: 'onPublish', clientId, request }, resolve);
      }),
    play: (clientId: string, name: string, token: string) =>
      new Promise<Verdict>((resolve) => {
        const request = {
          name,
          query: `token=${token}`,
          params: { token },
          start: -2,
          length: -1,
          reset: true,
        };
        script.ask({ gate: 'onPlay', clientId, request }, resolve);
      }),
    async call(name: string, ...args: AmfValue[]): Promise<AmfValue> {
      const result = await new Promise<InvokeResult>((resolve) =>
        script.invoke('c', name, args, true, resolve),
      );
      assert.ok(result.found && result.ok, JSON.stringify(result));
      return result.value;
    },
    async save(text: string) {
      await all.folder.write('guide/main.ts', text);
      await all.records.next(({ event }) => event === 'script-reload');
    },
    async [Symbol.asyncDispose]() {
      await all[Symbol.asyncDispose]();
      assert.deepEqual(all.records.errors, []);
    },
  };
}

describe('the guide for script authors', { timeout: 60_000 }, () => {
  test('shows nothing that "understudy check" would complain of', async () => {
    assert.ok(snippets.length >= 2);
    await using root = await Folder.create(
      Object.fromEntries(snippets.map((code, i) => [`applications/s${i}/${fileOf(code)}`, code])),
    );
    await root.write(`applications/s${snippets.findIndex(isTest)}/main.ts`, 'trace(application.name);');
    const signed = snippets.findIndex((code) => code.includes("from 'jose'"));
    for (const [name, content] of Object.entries(await jose(`applications/s${signed}/`))) {
      await root.write(name, content);
    }
    const said: string[] = [];
    await check(root.path, undefined, (line) => said.push(line));
    assert.deepEqual(said.sort(), snippets.map((_, i) => `s${i}: ok`).sort());
  });

  test('state goes over to the next version', async () => {
    const code = snippet('onBeforeReload');
    await using guide = await running(code, ['c', 'Ann'], ['d', 'Bob']);
    await guide.save(`${code}\ntrace('saved');`);
    assert.equal(await guide.call('visits'), 2);
    assert.deepEqual(
      guide.records.application.filter((line) => line.includes('still here')),
      ['trace: Ann is still here', 'trace: Bob is still here'],
    );
    assert.equal(
      guide.records.application.some((line) => line.includes('not carried over')),
      false,
    );
  });

  test('the store decides who may come in', async () => {
    await using guide = await running(snippet('application.store.swap'), ['c', 'Ann']);
    await guide.call('ban', 'Bob', 'too loud');
    assert.deepEqual(await guide.connect('d', 'Bob'), { accepted: false, reason: 'too loud' });
    assert.deepEqual(await guide.call('banned'), ['banned:Bob']);
    assert.equal(await guide.call('lead'), true);
    assert.equal(await guide.call('lead'), false);
  });

  test('a Web server is asked before a publish, and its refusal is told', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      request.on('end', () => {
        asked.push(`${request.method} ${request.headers.authorization} ${body}`);
        response
          .writeHead(body.includes('name=good') ? 204 : 403)
          .end(body.includes('name=good') ? '' : 'not you');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const grant = {
      hosts: [`127.0.0.1:${port}`],
      privateAddresses: [],
      timeoutMs: 20_000,
      maxBytes: 10_000,
      maxRunning: 4,
    };
    const code = snippet('may-publish').replace('127.0.0.1:8000', `127.0.0.1:${port}`);
    await using guide = await runningWith({ env: { API_TOKEN: 'secret' }, fetch: grant }, code, ['c']);
    assert.deepEqual(await guide.publish('c', 'good'), { accepted: true });
    assert.deepEqual(await guide.publish('c', 'bad'), { accepted: false, reason: 'not you' });
    assert.deepEqual(asked, [
      'POST Bearer secret name=good&addr=127.0.0.1',
      'POST Bearer secret name=bad&addr=127.0.0.1',
    ]);
    server.close();
  });

  test('jose, as it comes from npm, reads signed tokens', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const env = { PUBLIC_KEY: publicKey.export({ type: 'spki', format: 'pem' }) as string };
    const token = (audience: string) =>
      new SignJWT({})
        .setProtectedHeader({ alg: 'ES256' })
        .setSubject('ann')
        .setAudience(audience)
        .sign(privateKey);
    await using guide = await runningWith({ env }, snippet('jwtVerify'), ['c']);
    assert.deepEqual(await guide.play('c', 'show', await token('show')), { accepted: true });
    assert.ok(guide.records.application.includes('trace: ann watches show'));
    for (const bad of [await token('another'), `${(await token('show')).slice(0, -4)}AAAA`, '']) {
      assert.deepEqual(await guide.play('c', 'show', bad), { accepted: false, reason: 'no valid token' });
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
    const command = (code: string) => ({
      name: 'thumb',
      program: process.execPath,
      args: ['-e', code, '{name}'],
      timeoutMs: undefined,
      maxRunning: 2,
    });
    const fails = 'process.stderr.write("for " + process.argv[1]); process.exit(3)';
    await using guide = await runningWith({ exec: [command(fails)] }, snippet("exec('thumb'"), ['c']);
    guide.script.tell({ event: 'publish', clientId: 'c', stream: 'show', query: '', gate: undefined });
    guide.script.tell({ event: 'unpublish', clientId: 'c', stream: 'show' });
    await guide.records.next(({ msg }) => String(msg).includes('no picture of show: for show'));
  });

  test('a stream goes on to another server as soon as that is there', async () => {
    await using guide = await running(snippet('new NetStream'), ['c']);
    assert.deepEqual(await guide.publish('c', 'show'), { accepted: true });
    const done = async (beginning: string) => {
      const find = () => guide.instance.done.find((one) => one.startsWith(beginning));
      await until(beginning, () => find() !== undefined);
      return find()!.split(' ');
    };
    const [, connection, uri] = await done('connect ');
    assert.equal(uri, 'rtmps://live.example.com/app');
    const status = (code: string, isOver: boolean) =>
      guide.script.tell({
        event: 'outgoing',
        key: Number(connection),
        info: { code, level: 'status' },
        isOver,
      });
    status('NetConnection.Connect.Success', false);
    const [, , request] = await done('publish ');
    const { name, type, source } = JSON.parse(request!);
    assert.deepEqual([name, type, source], ['stream-key-there', 'live', 'show']);
    guide.script.tell({ event: 'publish', clientId: 'c', stream: 'show', query: '', gate: undefined });
    guide.script.tell({ event: 'unpublish', clientId: 'c', stream: 'show' });
    assert.deepEqual(await done('close '), ['close', connection]);
    status('NetConnection.Connect.Closed', true);
    await guide.records.next(({ msg }) =>
      String(msg).includes('live.example.com: NetConnection.Connect.Closed'),
    );
  });
});
