// Errors of scripts for administrators: the list, the stream of events, the terminal.
import assert from 'node:assert/strict';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { test } from 'node:test';
import { type ErrorFacts, ErrorRecords } from '../../src/application/accounts/error-records.ts';
import { Statistics } from '../../src/application/instance/statistics.ts';
import { LoadGovernor } from '../../src/application/live/flush.ts';
import { NO_COLOURS } from '../../src/cli/colours.ts';
import { run } from '../../src/cli/main.ts';
import { understudy } from '../cli/support.ts';
import { AdminCore, administeredHost, basic, type Loose, NO_SETTINGS, user } from '../support/admin.ts';
import { Core, until } from '../support/core.ts';
import { ManualClock } from '../support/manual-clock.ts';

const GATHER_MS = 100;
const BEAT_MS = 15_000;

function facts(message: string, application = 'live'): ErrorFacts {
  return {
    ...{ application, instance: '_definst_', kind: 'handler', handler: 'onPlay', message },
    ...{ file: 'main.ts', line: 3, column: 7 },
    frames: [{ function: 'check', file: 'main.ts', line: 3, column: 7 }],
  };
}

/** One more of them. */
function fail(errors: ErrorRecords, message: string, application = 'live'): void {
  if (!errors.repeat(application, message, undefined)) errors.add(message, facts(message, application));
}

class Listener implements Disposable {
  readonly status: number;
  readonly type: string | undefined;
  readonly events: { event: string; id: string; data: Loose }[] = [];
  text = '';
  isEnded = false;
  readonly #request: ClientRequest;
  readonly #response: IncomingMessage;

  private constructor(sent: ClientRequest, response: IncomingMessage) {
    this.#request = sent;
    this.#response = response;
    this.status = response.statusCode!;
    this.type = response.headers['content-type'];
    response.setEncoding('utf8');
    let rest = '';
    response.on('data', (part: string) => {
      this.text += part;
      const blocks = (rest + part).split('\n\n');
      rest = blocks.pop()!;
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s, 2)));
        if (fields.data)
          this.events.push({ event: fields.event, id: fields.id, data: JSON.parse(fields.data) });
      }
    });
    response.on('close', () => {
      this.isEnded = true;
    });
    response.on('error', () => {});
  }

  static open(
    world: AdminCore,
    query = '',
    headers: Record<string, string> = {},
    name = 'ann',
  ): Promise<Listener> {
    return new Promise((resolve, reject) => {
      const sent = request({
        ...{ host: '127.0.0.1', port: world.port, path: `/api/v1/events${query}`, agent: false },
        headers: { authorization: basic(name), ...headers },
      });
      sent.on('response', (response) => resolve(new Listener(sent, response)));
      sent.on('error', reject);
      sent.end();
    });
  }

  pause(): void {
    this.#response.pause();
  }

  resume(): void {
    this.#response.resume();
  }

  async has(count: number): Promise<void> {
    await until(`${count} events`, () => this.events.length >= count);
  }

  [Symbol.dispose](): void {
    this.#request.destroy();
  }
}

test('whoever listens hears of an error once, and of how often it has come, once in a while', async () => {
  await using world = await AdminCore.start();
  fail(world.errors, 'before');
  using ann = await Listener.open(world);
  assert.deepEqual([ann.status, ann.type], [200, 'text/event-stream']);
  await until('the greeting', () => ann.text === 'retry: 2000\n\n');
  for (let i = 0; i < 1000; i += 1) fail(world.errors, 'boom');
  fail(world.errors, 'bang');
  world.core.clock.advance(GATHER_MS);
  await ann.has(2);
  const [boom, bang] = ann.events;
  assert.deepEqual(
    [boom!.event, boom!.id, boom!.data.message, boom!.data.count],
    ['script-error', '2', 'boom', 1000],
  );
  assert.deepEqual([boom!.data.vhost, boom!.data.frames.length], ['_defaultVHost_', 1]);
  assert.equal(bang!.data.message, 'bang');
  world.core.clock.advance(BEAT_MS);
  await until('a beat', () => ann.text.endsWith(':\n\n'));
});

for (const [lastEventId, missed] of [
  ['1', ['b', 'c']],
  ['3', []],
  ['77', ['a', 'b', 'c']],
] as const) {
  const of = lastEventId === '77' ? 'of a server that has ended' : `after ${lastEventId}`;
  test(`who comes back is told what he has missed: ${missed.length} ${of}`, async () => {
    await using world = await AdminCore.start();
    for (const message of ['a', 'b', 'c']) fail(world.errors, message);
    using ann = await Listener.open(world, '', { 'last-event-id': lastEventId });
    fail(world.errors, 'd');
    world.core.clock.advance(GATHER_MS);
    await ann.has(missed.length + 1);
    assert.deepEqual(
      ann.events.map(({ data }) => data.message),
      [...missed, 'd'],
    );
  });
}

test('he may listen for one application alone', async () => {
  await using world = await AdminCore.start();
  using ann = await Listener.open(world, '?application=other');
  fail(world.errors, 'a', 'live');
  fail(world.errors, 'b', 'other');
  world.core.clock.advance(GATHER_MS);
  await ann.has(1);
  assert.equal(ann.events[0]!.data.application, 'other');
});

test('for one who reads nothing a hundred are kept, and then he has to go', async () => {
  await using world = await AdminCore.start();
  using ann = await Listener.open(world);
  ann.pause();
  const long = 'x'.repeat(20_000);
  const { clock } = world.core;
  let count = 0;
  // until the socket and the system hold all they will
  for (let round = 0; round < 20; round += 1) {
    for (let i = 0; i < 100; i += 1) fail(world.errors, `${++count} ${long}`);
    clock.advance(GATHER_MS);
    await new Promise((resolve) => setImmediate(resolve));
  }
  ann.resume();
  await until('the last event', () => ann.events.some(({ data }) => data.message?.startsWith(`${count} `)));
  const dropped = ann.events.filter(({ event }) => event === 'dropped').map(({ data }) => data.count);
  const got = ann.events.filter(({ event }) => event === 'script-error').length;
  assert.equal(dropped.reduce((sum, one) => sum + one, 0) + got, count);

  ann.pause();
  for (let round = 0; round < 20; round += 1) {
    for (let i = 0; i < 100; i += 1) fail(world.errors, `${++count} ${long}`);
    clock.advance(GATHER_MS);
    await new Promise((resolve) => setImmediate(resolve));
  }
  clock.advance(BEAT_MS);
  ann.resume();
  await until('the end', () => ann.isEnded);
});

test('listeners are few, and each account has a few of them', async () => {
  await using world = await AdminCore.start({ admin: { users: [user('ann'), user('bob')] } });
  const all: Listener[] = [];
  for (let i = 0; i < 4; i += 1) all.push(await Listener.open(world));
  using fifth = await Listener.open(world);
  assert.equal(fifth.status, 409);
  using bobs = await Listener.open(world, '', {}, 'bob');
  assert.equal(bobs.status, 200);
  all[0]![Symbol.dispose]();
  await until('there is room', () => all[0]!.isEnded);
  using sixth = await Listener.open(world);
  assert.equal(sixth.status, 200);
  const { status } = await world.request('HEAD', '/api/v1/events', { authorization: basic('bob') });
  assert.equal(status, 200);
  for (const one of all) one[Symbol.dispose]();
});

test('nobody listens without a password, or with one that is not good any more', async () => {
  await using world = await AdminCore.start();
  using stranger = await Listener.open(world, '', { authorization: basic('ann', 'wrong') });
  assert.equal(stranger.status, 401);
  await world.json('POST', '/users', { name: 'eve', password: 'eve has a password' });
  const { value } = await world.json('POST', '/tokens', undefined, basic('eve', 'eve has a password'));
  using eve = await Listener.open(world, '', { authorization: `Bearer ${value.token}` });
  assert.equal(eve.status, 200);
  await world.json('DELETE', '/users/eve');
  await until('the end', () => eve.isEnded);
});

test('the list is there as XML too, and for an application that there is', async () => {
  await using world = await AdminCore.start();
  fail(world.errors, 'a <b>');
  const { data } = await world.call('getScriptErrors', { app: 'live' });
  assert.deepEqual([data[0].kind, data[0].message, data[0].frames[0].line], ['handler', 'a <b>', '3']);
  assert.equal((await world.call('getScriptErrors', { app: 'nowhere' })).level, 'error');
  assert.equal((await world.json('GET', '/applications/nowhere/errors')).status, 404);
  assert.deepEqual((await world.json('GET', '/errors?application=other')).value, []);
});

test('the terminal shows them as the logs do', async () => {
  await using world = await AdminCore.start();
  assert.deepEqual((await understudy('errors', 'live', '--root', world.root)).printed, ['no errors']);
  fail(world.errors, 'a\u001b[2J');
  fail(world.errors, 'b', 'other');
  const { exitCode, printed } = await understudy('errors', 'live', '--root', world.root);
  assert.equal(exitCode, 0);
  assert.deepEqual(printed, [
    '1970-01-01T00:00:00.000Z handler live/_definst_',
    '    live/main.ts:3:7: onPlay: a\\x1b[2J',
    '        at check (live/main.ts:3:7)',
  ]);
  const unknown = await understudy('errors', 'nothing', '--root', world.root);
  assert.equal(unknown.exitCode, 1);
  assert.deepEqual(unknown.errors, ['understudy: there is no application nothing']);
});

test('and goes on with those that follow, until the server ends', async () => {
  const printed: string[] = [];
  const world = await AdminCore.start();
  const surroundings = {
    start: async () => 0,
    readPassword: async () => '',
    colours: NO_COLOURS,
    print: (line: string) => printed.push(line),
    printError: (line: string) => printed.push(line),
  };
  fail(world.errors, 'a');
  const ended = run(['errors', '--follow', '--root', world.root], surroundings);
  await until('the first', () => printed.length === 1);
  fail(world.errors, 'b');
  await until('the next', () => {
    world.core.clock.advance(GATHER_MS);
    return printed.length === 2;
  });
  await world[Symbol.asyncDispose]();
  assert.equal(await ended, 1);
  assert.match(printed[1]!, /onPlay: b\n/);
  assert.match(printed[2]!, /no server of .* is running/);
});

test('a virtual host’s administrator hears nothing of the others', async () => {
  const none = new LoadGovernor(new ManualClock());
  await using core = await Core.start();
  const statistics = new Statistics({ registries: [core.registry], governor: none, clock: core.clock });
  let lastId = 0;
  const host = (name: string) =>
    administeredHost(core, statistics, {
      name,
      errors: new ErrorRecords({ nowMs: () => 0, nextId: () => ++lastId }),
    });
  const hosts = [host('_defaultVHost_'), host('his.example.com')];
  const scope = { adaptor: '_defaultRoot_', vhost: 'his.example.com' };
  const administered = {
    ...{ software: 'S', hosts, statistics, settings: NO_SETTINGS },
    limits: () => [],
    connections: () => 0,
    stop: () => {},
  };
  await using world = await AdminCore.start({
    admin: { users: [user('ann'), { ...user('bob'), scope }], administered },
  });
  using bob = await Listener.open(world, '', { 'last-event-id': '0' }, 'bob');
  using ann = await Listener.open(world, '', { 'last-event-id': '0' });
  for (const { errors, name } of hosts) fail(errors, name);
  world.core.clock.advance(GATHER_MS);
  await ann.has(2);
  await bob.has(1);
  assert.deepEqual(
    bob.events.map(({ data }) => data.message),
    ['his.example.com'],
  );
  statistics.close();
});
