// client.data on its way to the host, for the case that the isolate is lost.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MAX_KEPT_CHARACTERS } from '../../../../src/application/contract/script-limits.ts';
import { clientFacts, TestRunner, type TestUnit } from '../../../support/runner.ts';

let runner: TestRunner;
before(async () => {
  runner = await TestRunner.start();
});
after(() => runner[Symbol.asyncDispose]());

async function serving(code: string, ...clients: string[]): Promise<TestUnit> {
  const unit = await runner.run(code);
  for (const client of clients) await unit.connect(client).verdict;
  return unit;
}
/** What the host has been told since, one entry a command. */
const kept = (unit: TestUnit) => unit.of('keep').map(({ client, data }) => `${client} ${data}`);

const SET = `
  Client.prototype.set = function (name, value) { this.data[name] = value };
  Client.prototype.look = function () { return Object.keys(this.data).length };
  Client.prototype.nothing = () => {};`;

describe('client.data', () => {
  test('is told at the end of the turn that changed it, and not when it is as before', async () => {
    const unit = await serving(SET, 'a', 'b');
    assert.deepEqual(kept(unit), []);
    await unit.callAs('a', 'set', 'n', 1);
    await unit.callAs('a', 'look');
    await unit.callAs('a', 'nothing');
    await unit.callAs('b', 'set', 'x', [{ $: 'undefined' }, 'y']);
    await unit.callAs('a', 'set', 'n', 1);
    assert.deepEqual(kept(unit), ['a {"n":1}', 'b {"x":[{"$":"undefined"},"y"]}']);
  });

  test('set in onConnect is told with the acceptance, and never of who was refused', async () => {
    const unit = await serving(
      `application.onConnect = (client, word) => { client.data = { word }; return client.id === 'good' }`,
      'bad',
      'good',
    );
    assert.deepEqual(kept(unit), ['good {"word":{"$":"undefined"}}']);
  });

  test('is told after an await, and through a reference kept from an earlier turn', async () => {
    const unit = await serving(
      `let old;
       Client.prototype.later = async function () { const { data } = this; await null; data.late = true };
       Client.prototype.hold = function () { old = this.data };
       Client.prototype.nothing = () => { if (old) old.held = true };`,
      'a',
    );
    await unit.callAs('a', 'later');
    assert.deepEqual(kept(unit), ['a {"late":true}']);
    await unit.callAs('a', 'hold');
    await unit.callAs('a', 'nothing');
    await unit.callAs('a', 'nothing');
    assert.deepEqual(kept(unit).slice(1), ['a {"late":true,"held":true}']);
  });

  test('leaves out what JSON cannot hold', async () => {
    const unit = await serving(
      `Client.prototype.set = function () { this.data.n = 1; this.data.f = () => {}; this.data.c = this;
         this.data.when = new Date(5); this.data.self = this.data; }`,
      'a',
    );
    await unit.callAs('a', 'set');
    assert.deepEqual(kept(unit), [
      'a {"$":"def","id":1,"v":{"n":1,"when":{"$":"date","v":5},"self":{"$":"ref","id":1}}}',
    ]);
  });

  test('that is too large, or cannot be read, is forgotten, and the log says so once', async () => {
    const unit = await serving(
      `${SET}
       Client.prototype.spoil = function () { Object.defineProperty(this.data, 'x', { get() { throw 1 }, enumerable: true }) };`,
      'a',
      'b',
    );
    await unit.callAs('a', 'set', 'n', 1);
    await unit.callAs('a', 'set', 'big', 'x'.repeat(MAX_KEPT_CHARACTERS));
    await unit.callAs('a', 'set', 'big', '');
    await unit.callAs('b', 'spoil');
    await unit.callAs('b', 'nothing');
    assert.deepEqual(kept(unit), ['a {"n":1}', 'a undefined', 'b undefined']);
    assert.equal(unit.logs.filter((line) => line.includes('will not survive a crash')).length, 1);
  });

  test('whose getter never ends costs the turn, and not the script', async () => {
    const unit = await serving(
      `Client.prototype.spoil = function () {
         Object.defineProperty(this.data, 'x', { get() { for (;;); }, enumerable: true, configurable: true }) };
       Client.prototype.spoilLater = async function () {
         await null; Object.defineProperty(this.data, 'x', { get() { for (;;); }, enumerable: true }) };
       Client.prototype.nothing = () => 5;`,
      'a',
      'b',
    );
    for (const [client, method] of [
      ['a', 'spoil'],
      ['b', 'spoilLater'],
    ] as const) {
      void unit.callAs(client, method);
      await unit.command('keep', (command) => command.client === client && command.data === undefined);
    }
    const ret = await unit.callAs('a', 'nothing');
    assert.ok(ret.found && ret.ok && ret.value === 5);
    assert.equal(unit.death, undefined);
  });

  test('of who has left is not told any more', async () => {
    const unit = await serving(
      `${SET} application.onDisconnect = (client) => { client.data.n = 2 };`,
      'a',
      'b',
    );
    unit.post({ t: 'disconnect', client: 'a' });
    await unit.callAs('b', 'set', 'n', 1);
    assert.deepEqual(kept(unit), ['b {"n":1}']);
  });

  test('of very many at once is told over several turns, and nothing is left out', async () => {
    const clients = Array.from({ length: 120 }, (_, i) => `c${i}`);
    const unit = await serving(
      `Client.prototype.all = () => { for (const client of application.clients) client.data = { text: 'x'.repeat(9000) } };`,
      ...clients,
    );
    await unit.callAs('c0', 'all');
    await unit.command('keep', ({ client }) => client === 'c0');
    assert.equal(unit.of('keep').length, 120);
  });

  test('of many at once holds up nobody: a few are told with each turn', async () => {
    const clients = Array.from({ length: 120 }, (_, i) => `c${i}`);
    const unit = await serving(
      `Client.prototype.all = () => { for (const client of application.clients) client.data = { n: 1 } };`,
      ...clients,
    );
    const perFrame: number[] = [];
    const receive = unit.receive.bind(unit);
    unit.receive = (frame) => {
      const before = kept(unit).length;
      receive(frame);
      perFrame.push(kept(unit).length - before);
    };
    await unit.callAs('c0', 'all');
    await unit.command('keep', ({ client }) => client === 'c0');
    assert.equal(kept(unit).length, 120);
    assert.ok(
      perFrame.every((count) => count <= 33),
      `${perFrame}`,
    );
  });

  test('comes back after a crash, before onClientResume, and counts as told', async () => {
    const unit = await runner.load(`
      const seen = [];
      application.onAppStart = (info) => { seen.push(info.reload, info.restored) };
      application.onClientResume = (client) => { seen.push([client.id, client.data.n, client.data.self === client.data]) };
      Client.prototype.seen = () => JSON.stringify(seen);`);
    const data = '{"$":"def","id":1,"v":{"n":1,"self":{"$":"ref","id":1}}}';
    const STATS = { bytes_in: 0, bytes_out: 0, msg_in: 0, msg_out: 0, msg_dropped: 0, ping_rtt: 0 };
    const snapshot = {
      clients: [
        { facts: clientFacts('a'), stats: STATS, data },
        { facts: clientFacts('b'), stats: STATS },
      ],
      streams: [],
    };
    await unit.start('restored', { snapshot });
    const ret = await unit.callAs('b', 'seen');
    assert.ok(ret.found && ret.ok);
    const seen = JSON.parse(ret.value as string);
    assert.deepEqual(seen.slice(0, 2), [false, true]);
    assert.deepEqual(seen.slice(2), [
      ['a', 1, true],
      ['b', null, false],
    ]);
    assert.deepEqual(kept(unit), [`a ${data}`]);
  });
});
