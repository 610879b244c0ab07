// The whole script side with the real runner: folders on the disk in, verdicts out.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import type { InstanceScript, InvokeResult, Verdict } from '../../../src/application/contract/script.ts';
import { systemClock } from '../../../src/clock.ts';
import type { AmfValue } from '../../../src/protocol/amf/amf.ts';
import { testSettings } from '../../support/settings.ts';
import { hosting } from '../support/hosting.ts';
import { facts, Instance } from '../support/instance.ts';
import type { LogRecord } from '../support/records.ts';

const { limits: LIMITS } = testSettings();

/** Accepts who says `word`, and answers `version()`. */
function guard(word: string, version: number): string {
  return `
    application.onConnect = (client: Client, word: string) => {
      if (word !== ${JSON.stringify(word)}) return { deny: 'wrong word' };
      client.version = () => ${version};
      return true;
    };
    application.onClientResume = (client: Client) => { client.version = () => ${version}; };
    application.onPublish = () => new Promise((resolve) => { answer = resolve; });
    let answer: (verdict: unknown) => void;
    Client.prototype.open = () => answer(true);
    interface Client { version: () => number }`;
}

function connect(script: InstanceScript, id: string, ...args: AmfValue[]): Promise<Verdict> {
  return new Promise((resolve) => script.ask({ gate: 'onConnect', client: facts(id), args }, resolve));
}

function publish(script: InstanceScript, client: string): Promise<Verdict> {
  const request = { name: 'show', query: '', params: {}, type: 'live' as const };
  return new Promise((resolve) => script.ask({ gate: 'onPublish', client, request }, resolve));
}

function call(
  script: InstanceScript,
  clientId: string,
  name: string,
  ...args: AmfValue[]
): Promise<InvokeResult> {
  return new Promise((resolve) => script.invoke(clientId, name, args, true, resolve));
}

const isReload = ({ event }: LogRecord) => event === 'script-reload';
const isError = ({ event }: LogRecord) => event === 'script-error';
const says =
  (text: RegExp) =>
  ({ msg }: LogRecord) =>
    text.test(msg);

describe('the script host', { timeout: 60_000 }, () => {
  test('lets main.ts decide who may connect', async () => {
    await using h = await hosting({ 'live/main.ts': guard('a', 1), 'plain/readme.txt': '' });
    const { script } = h.open('live');
    await script.started;
    assert.deepEqual(await connect(script, 'c', 'x'), { accepted: false, reason: 'wrong word' });
    assert.deepEqual(await connect(script, 'd', 'a'), { accepted: true });
    assert.deepEqual(await call(script, 'd', 'version'), { found: true, ok: true, value: 1 });
    assert.deepEqual(await call(script, 'd', 'nothing'), { found: false });
    assert.equal(h.host.open('plain', '_definst_', new Instance()), undefined);
    assert.equal(h.records.of('runner').length, 1);
  });

  test('loads the same code anew when its settings change, with clients kept, and only then', async () => {
    let greeting = 'hello';
    await using h = await hosting(
      {
        'live/main.ts': `
          application.onConnect = (client: Client) => { client.greeting = () => application.config.greeting; };
          application.onClientResume = application.onConnect;`,
      },
      systemClock,
      () => ({ config: { greeting } }),
    );
    const { script, instance } = h.open('live');
    await script.started;
    await connect(script, 'c');
    instance.clients = ['c'];
    h.host.configure('live');
    greeting = 'good morning';
    await h.folder.write('live/Application.xml', '<Application/>');
    await h.records.next(isReload);
    assert.deepEqual(await call(script, 'c', 'greeting'), { found: true, ok: true, value: 'good morning' });
    assert.equal(h.records.of('script-reload').length, 1);
  });

  test('serves an edit at once, with clients kept and open gates asked again', async () => {
    await using h = await hosting({ 'live/main.ts': guard('a', 1) });
    const { script, instance } = h.open('live');
    await script.started;
    await connect(script, 'c', 'a');
    instance.clients = ['c'];
    const open = publish(script, 'c');
    await h.folder.write('live/main.ts', guard('b', 2));
    const { application, ms } = await h.records.next(isReload);
    assert.equal(application, 'live');
    assert.equal(typeof ms, 'number');
    assert.deepEqual(await call(script, 'c', 'version'), { found: true, ok: true, value: 2 });
    assert.deepEqual(await connect(script, 'd', 'a'), { accepted: false, reason: 'wrong word' });
    await call(script, 'c', 'open');
    assert.deepEqual(await open, { accepted: true });
  });

  test('keeps the old version when the new one does not bundle, throws, or fails to start; and says where', async () => {
    await using h = await hosting({ 'live/main.ts': guard('a', 1) });
    const { script } = h.open('live');
    await script.started;
    const broken: [code: string, kind: string, place: RegExp][] = [
      ['\nconst = 5;', 'build', /^live\/main\.ts:2:7: /],
      ['type A = 1;\n\nnull.boom;', 'load', /live\/main\.ts:3:6: /],
      [
        'type A = 1;\n\napplication.onAppStart = () => {\n  throw new Error("no"); };',
        'load',
        /live\/main\.ts:4:9: .*no/,
      ],
    ];
    for (const [code, kind, place] of broken) {
      await h.folder.write('live/main.ts', code);
      const record = await h.records.next(isError);
      assert.equal(record.kind, kind);
      assert.match(record.msg, place);
      assert.match(
        h.records.application.filter((text) => text.startsWith('error')).at(-1)!,
        /live\/main\.ts:\d+:\d+/,
      );
      assert.deepEqual(await connect(script, 'c', 'a'), { accepted: true });
    }
    await h.folder.write('live/main.ts', guard('b', 2));
    await h.records.next(isReload);
    assert.deepEqual(await connect(script, 'd', 'b'), { accepted: true });
  });

  test('says once which of two main scripts it takes, when the second one comes as well', async () => {
    await using h = await hosting({ 'live/main.ts': guard('a', 1) });
    await h.folder.write('live/main.asc', '');
    const said = await h.records.next(({ level, msg }) => level === 40 && msg.includes('main.asc'));
    assert.equal(said.msg, 'live: main.asc is not used, the script is main.ts');
    await h.host.refresh('live');
    await h.folder.write('live/main.ts', guard('b', 2));
    await h.host.refresh('live');
    assert.equal(h.records.all.filter(({ msg }) => msg === said.msg).length, 1);
  });

  test('takes no test for a script, and reloads nothing when one is saved', async () => {
    await using h = await hosting({ 'live/main.ts': guard('a', 1), 'bare/main.test.ts': '' });
    const { script } = h.open('live');
    await script.started;
    assert.equal(h.host.open('bare', '_definst_', new Instance()), undefined);
    await h.folder.write('live/main.test.ts', "import { test } from 'understudy/test';");
    await h.host.refresh('live');
    assert.deepEqual(h.records.all.filter(isReload), []);
    await h.folder.write('live/main.ts', guard('a', 2));
    await h.records.next(isReload);
    assert.deepEqual(h.records.errors, []);
  });

  test('hands the state over from onBeforeReload to onAppStart', async () => {
    const counter = (step: number) => `
      let count = 0;
      application.onBeforeReload = () => ({ count });
      application.onAppStart = ({ reload, state }: any) => { if (reload) count = state.count; };
      application.onConnect = () => { count += ${step}; return { deny: String(count) }; };`;
    await using h = await hosting({ 'live/main.ts': counter(1) });
    const { script } = h.open('live');
    await script.started;
    await connect(script, 'c');
    assert.deepEqual(await connect(script, 'c'), { accepted: false, reason: '2' });
    await h.folder.write('live/main.ts', counter(10));
    await h.records.next(isReload);
    assert.deepEqual(await connect(script, 'c'), { accepted: false, reason: '12' });
  });

  test('never serves an application without the script that it had', async () => {
    await using h = await hosting({ 'live/main.ts': guard('a', 1) });
    const { script } = h.open('live');
    await script.started;
    await h.folder.remove('live/main.ts');
    await h.records.next(says(/the main script main\.ts has gone/));
    await h.records.next(says(/last good version of the script goes on serving/));
    assert.deepEqual(await connect(script, 'c', 'x'), { accepted: false, reason: 'wrong word' });
    const { script: later } = h.open('live');
    await later.started;
    assert.deepEqual(await connect(later, 'c', 'x'), { accepted: false, reason: 'wrong word' });
    await h.folder.write('live/main.ts', guard('a', 1));
    await h.records.next(says(/sound again/));
  });

  test('starts nothing from a script that was broken from the start, until a save heals it', async () => {
    await using h = await hosting({ 'live/main.ts': 'const = 1;', 'boom/main.asc': 'var a = 1;\nboom();' });
    await assert.rejects(h.open('live').script.started, { code: 'ERR_SCRIPT_LOAD' });
    await assert.rejects(h.open('boom').script.started, { code: 'ERR_SCRIPT_LOAD' });
    const boom = h.records.errors.find(({ application }) => application === 'boom');
    assert.match(boom!.msg, /boom\/main\.asc:2:1: /);
    await h.folder.write('live/main.ts', guard('a', 1));
    await h.records.next(says(/live: its script is sound again/));
    const { script } = h.open('live');
    await script.started;
    assert.deepEqual(await connect(script, 'c', 'a'), { accepted: true });
  });

  test('brings everything back when the runner is killed', async () => {
    await using h = await hosting({
      'live/main.ts': guard('a', 1),
      'chat/main.asc': 'application.onAppStart = f;\nfunction f(){}',
    });
    const { script, instance } = h.open('live');
    const { script: chat } = h.open('chat');
    await Promise.all([script.started, chat.started]);
    await connect(script, 'c', 'a');
    instance.clients = ['c'];
    const open = publish(script, 'c');
    await call(script, 'c', 'version'); // so the gate has been delivered, and is open
    const [{ pid }] = h.records.of('runner') as [LogRecord];
    process.kill(pid!, 'SIGKILL');
    const restarted: string[] = [];
    while (restarted.length < 2)
      restarted.push((await h.records.next(says(/has been restarted/))).application!);
    assert.deepEqual(restarted.sort(), ['chat', 'live']);
    const [, second] = h.records.of('runner');
    assert.notEqual(second!.pid, pid);
    assert.deepEqual(await call(script, 'c', 'version'), { found: true, ok: true, value: 1 });
    await call(script, 'c', 'open');
    assert.deepEqual(await open, { accepted: true });
    assert.deepEqual(h.records.errors, []);
  });

  test('restarts a script that runs out of memory, and leaves its neighbour alone', async () => {
    await using h = await hosting({
      'hog/main.ts': `
        application.onConnect = (_: Client, kind: string) => {
          if (kind !== 'hog') return true;
          const all: string[] = [];
          for (let text = 'x'; ; text += text) all.push(text.toUpperCase());
        };`,
      'live/main.ts': guard('a', 1),
    });
    const { script } = h.open('hog');
    const { script: neighbour } = h.open('live');
    await Promise.all([script.started, neighbour.started]);
    const hog = connect(script, 'c', 'hog');
    assert.deepEqual(await connect(neighbour, 'c', 'a'), { accepted: true });
    assert.equal((await hog).accepted, false);
    assert.deepEqual(await connect(script, 'd', 'fine'), { accepted: true });
  });

  test('shuts the instances of a deleted folder down, and trusts no empty one in its place', async () => {
    await using h = await hosting({ 'live/main.ts': guard('a', 1) });
    const { script, instance } = h.open('live');
    await script.started;
    const down = new Promise<void>((resolve) => {
      instance.onShutdown = resolve;
    });
    await rm(h.folder.at('live'), { recursive: true });
    await down;
    script.close();
    await h.folder.write('live/readme.txt', 'soon');
    await assert.rejects(h.open('live').script.started, { code: 'ERR_SCRIPT_LOAD' });
    await h.folder.write('live/main.ts', guard('b', 1));
    await h.records.next(says(/sound again/));
    const { script: next } = h.open('live');
    await next.started;
    assert.deepEqual(await connect(next, 'c', 'b'), { accepted: true });
  });

  test('has a script for an instance that was opened before there was one', async () => {
    let aheadMs = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
    await using h = await hosting({ 'live/readme.txt': '' }, clock);
    const instance = new Instance();
    assert.equal(h.host.open('live', '_definst_', instance), undefined);
    aheadMs = 100; // so long a folder without a script is taken at its word
    instance.clients = ['c'];
    await h.folder.write('live/main.ts', guard('a', 3));
    let script: InstanceScript | undefined;
    while (!script) {
      await tick(); // not every connect looks for one
      script = h.host.open('live', '_definst_', instance);
    }
    await script.started;
    assert.deepEqual(await connect(script, 'd', 'x'), { accepted: false, reason: 'wrong word' });
    assert.deepEqual(await call(script, 'c', 'version'), { found: true, ok: true, value: 3 });
  });

  test('does not try a script that will not start again with every connect', async () => {
    const frozen = { ...systemClock, now: () => 0 };
    await using h = await hosting({ 'live/main.asc': 'boom();' }, frozen);
    await assert.rejects(h.open('live').script.started, { code: 'ERR_SCRIPT_LOAD' });
    for (let i = 0; i < 5; i += 1)
      await assert.rejects(h.open('live').script.started, { code: 'ERR_SCRIPT_LOAD' });
    assert.equal(h.records.errors.length, 1);
  });

  test('finds a script that was written a moment ago', async () => {
    await using h = await hosting({});
    await h.folder.write('new/main.asc', 'application.onConnect = function (client) { return false; };');
    const { script } = h.open('new');
    await script.started;
    assert.equal((await connect(script, 'c')).accepted, false);
  });

  test('keeps secrets out of what is said of an error: values of <Environment>, and what addresses hold', async () => {
    await using h = await hosting(
      {
        'live/main.ts': `application.onConnect = () => {
          throw new Error('with ' + application.env.API_TOKEN + ' at https://ann:pw@host/a?key=k1 and ' + application.env.SHORT);
        };`,
      },
      systemClock,
      () => ({ env: { API_TOKEN: 's3cret-value', SHORT: 'at' } }),
    );
    const { script } = h.open('live');
    await script.started;
    await connect(script, 'c');
    const { message, msg } = await h.records.next(isError);
    assert.equal(message, 'Error: with *** at https://ann:***@host/a?key=*** and at');
    for (const text of [msg, ...h.records.application, JSON.stringify(h.errors.recent())])
      assert.doesNotMatch(text, /s3cret|:pw|k1/);
  });

  test('counts verdicts, reloads, restarts, errors and limits of an application', async () => {
    await using h = await hosting({ 'live/main.ts': guard('a', 1) }, systemClock, () => ({
      limits: { ...LIMITS, gateMs: 300 },
    }));
    const { script, instance } = h.open('live');
    await script.started;
    await connect(script, 'c', 'a');
    instance.clients = ['c'];
    await connect(script, 'd', 'x');
    const metrics = h.host.metrics.of('live');
    assert.equal(metrics.isolates, 1);
    while (!metrics.handlers.has('onConnect')) await tick(); // told once a second
    assert.equal(metrics.handlers.get('onConnect')!.count, 2);
    await publish(script, 'c'); // nobody answers that
    await h.folder.write('live/main.ts', 'const = 1;');
    await h.records.next(says(/last good version/));
    await h.folder.write('live/main.ts', `${guard('b', 2)}\nthrow new Error('x');`);
    await h.records.next(says(/the version before/));
    await h.folder.write('live/main.ts', guard('b', 2));
    await h.records.next(isReload);
    process.kill(h.records.of('runner')[0]!.pid!, 'SIGKILL');
    await h.records.next(says(/has been restarted/));
    const { accepted, rejected, byDefault, answers } = metrics.gates.get('onConnect')!;
    assert.deepEqual([accepted, rejected, byDefault, answers.count], [1, 1, 0, 2]);
    assert.equal(metrics.gates.get('onPublish')!.byDefault, 1);
    assert.deepEqual(Object.fromEntries(metrics.errors), { timeout: 1, build: 1, load: 1 });
    assert.deepEqual(Object.fromEntries(metrics.limits), { gateMs: 1 });
    const { reloads, failedReloads, restarts } = metrics;
    assert.deepEqual({ reloads, failedReloads, restarts }, { reloads: 1, failedReloads: 2, restarts: 1 });
  });

  test('maps the stack of a handler’s error to the source', async () => {
    await using h = await hosting({
      'live/main.ts': `import { check } from './src/check.ts';\n\napplication.onConnect = (c: Client) => check(c.id);\n`,
      'live/src/check.ts': `interface A {}\n\nexport function check(id: string): boolean {\n  throw new TypeError('bad ' + id);\n}\n`,
    });
    const { script } = h.open('live');
    await script.started;
    assert.equal((await connect(script, 'c')).accepted, false);
    const record = await h.records.next(isError);
    const { kind, handler, code, file, line, column, message } = record;
    assert.deepEqual(
      { kind, handler, code, file, line, column },
      { kind: 'handler', handler: 'onConnect', code: 'TypeError', file: 'src/check.ts', line: 4, column: 9 },
    );
    assert.match(message!, /bad c/);
    assert.deepEqual(record.frames, [
      { function: 'check', file: 'src/check.ts', line: 4, column: 9 },
      { function: 'application.onConnect', file: 'main.ts', line: 3, column: 40 },
    ]);
    assert.match(
      record.msg,
      /^live\/src\/check\.ts:4:9: onConnect: TypeError: bad c\n {4}at check \(live\/src/,
    );
  });
});
