// How many instances an address and an application may have, and who makes room for whom.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InstanceShares } from '../../../src/application/admission/instance-shares.ts';
import type { RegistryOptions } from '../../../src/application/instance/registry.ts';
import { membersOf } from '../../../src/protocol/amf/amf.ts';
import { atMost, Core, until } from '../../support/core.ts';
import type { RtmpPeer } from '../../support/rtmp-peer.ts';

const ANY = { total: undefined, perApplication: undefined, perAddress: undefined, ratePerAddress: undefined };

function limited(limits: Partial<NonNullable<RegistryOptions['instances']>>) {
  return Core.start({ registry: { instances: { ...ANY, ...limits } } });
}

/** Undefined: it is in; else what it was told. */
async function enter(peer: RtmpPeer, app: string): Promise<string | undefined> {
  const { name, args } = await peer.connect(app);
  return name === '_result' ? undefined : String(membersOf(args[0])?.description);
}

/** Comes to that instance and leaves it. */
async function visit(core: Core, app: string): Promise<void> {
  const peer = await core.peer();
  assert.equal(await enter(peer, app), undefined);
  peer.socket.destroy();
  await until(`${app} to be empty`, () => core.instance(app)?.clients.size === 0);
}

function limitLines(core: Core) {
  return core.log
    .filter(({ event }) => event === 'limit')
    .map(({ limit, ip, application }) => ({ limit, ip, application }));
}

test('an address that has as many instances as it may have is refused one more; every other address gets one', async () => {
  await using core = await limited({ perAddress: 2 });
  for (const app of ['live/a', 'live/b']) assert.equal(await enter(await core.peer(), app), undefined);
  assert.match(
    (await enter(await core.peer(), 'live/c')) ?? '',
    /Too many application instances of this address/,
  );
  assert.equal(await enter(await core.peer(), 'live/a'), undefined, 'one that runs costs nothing');
  assert.equal(await enter(await core.peerFrom('127.0.0.2'), 'live/c'), undefined);
  assert.deepEqual(limitLines(core), [
    { limit: 'MaxAppInstancesPerAddress', ip: '127.0.0.1', application: 'live' },
  ]);
  const counts = core.lines.limitCounts().filter(({ count }) => count > 0);
  assert.deepEqual(counts, [{ limit: 'MaxAppInstancesPerAddress', count: 1 }]);
});

test('an application that has as many instances as it may have leaves the others to the other applications', async () => {
  await using core = await limited({ perApplication: 2 });
  for (const app of ['live/a', 'live/b']) assert.equal(await enter(await core.peer(), app), undefined);
  assert.match(
    (await enter(await core.peerFrom('127.0.0.2'), 'live/c')) ?? '',
    /Too many instances of this application/,
  );
  assert.equal(await enter(await core.peer(), 'other/c'), undefined);
});

for (const [limit, limits] of Object.entries({
  MaxAppInstances: { total: 2 },
  MaxAppInstancesPerApplication: { perApplication: 2 },
  MaxAppInstancesPerAddress: { perAddress: 2 },
})) {
  test(`at ${limit} the instance that has been idle for longest makes room, after its onAppStop`, async () => {
    await using core = await limited(limits);
    await visit(core, 'live/oldest');
    core.clock.advance(10);
    await visit(core, 'live/later');
    core.clock.advance(10);
    assert.equal(await enter(await core.peer(), 'live/new'), undefined);
    await until('the oldest to be gone', () => !core.instance('live/oldest'));
    assert.deepEqual(core.script('live/oldest').stops, ['Application.GC']);
    assert.ok(core.instance('live/later'));
    assert.deepEqual(limitLines(core), []);
  });
}

test('an instance with a client, with a stream of the server on air or that an operator has started makes no room', async () => {
  await using core = await limited({ total: 3 });
  assert.equal(await enter(await core.peer(), 'live/busy'), undefined);
  await visit(core, 'live/radio');
  core
    .script('live/radio')
    .commands.obey({ op: 'streamPlay', stream: 'tune', source: 'song', start: 0, length: -1, reset: true });
  core.registry.open('live/prepared').awaitClients();
  assert.match((await enter(await core.peer(), 'live/new')) ?? '', /Too many application instances/);
  assert.equal([...core.registry.instances].length, 3);
});

test('a script that wants to stay is asked, stays and is counted again', async () => {
  await using core = await limited({ total: 1 });
  core.scripts.prepare = (script) => {
    script.maySleep = false;
  };
  await visit(core, 'live/a');
  assert.equal(await enter(await core.peer(), 'live/b'), undefined);
  await until('it to be asked', () => core.script('live/a').stops.length === 1);
  await until('it to have stayed', () => core.instance('live/a')?.idleSinceMs !== undefined);
  const refused = await core.peer();
  assert.equal(await enter(await core.peer(), 'live/a'), undefined, 'its clients find it as it was');
  assert.match((await enter(refused, 'live/c')) ?? '', /Too many application instances/);
});

test('so many new names a second and a burst of them, for each address; names that run do not count', async () => {
  await using core = await limited({ ratePerAddress: 1 });
  const start = (name: string, ip = '127.0.0.1') => core.registry.open(`live/${name}`, ip);
  for (let i = 0; i < 25; i += 1) start(`r${i}`);
  assert.throws(() => start('r25'), /New application instances too fast/);
  start('r0');
  start('r25', '127.0.0.2');
  assert.deepEqual(limitLines(core), [
    { limit: 'MaxAppInstanceRatePerAddress', ip: '127.0.0.1', application: 'live' },
  ]);
  core.clock.advance(1000);
  start('r26');
  assert.throws(() => start('r27'), { code: 'NetConnection.Connect.Rejected' });
});

test('an IPv6 network is one address', async () => {
  await using core = await limited({ perAddress: 1 });
  core.registry.open('live/a', '2001:db8::1');
  assert.throws(() => core.registry.open('live/b', '2001:db8::2'), /of this address/);
  core.registry.open('live/b', '2001:db8:0:1::2');
});

test('an application whose scripts take their share of memory gets no instance more, unless an idle one makes room', async () => {
  await using core = await limited({});
  await visit(core, 'live/idle');
  assert.equal(await enter(await core.peer(), 'live/a'), undefined);
  core.scripts.full.add('live');
  assert.equal(await enter(await core.peer(), 'live/b'), undefined);
  await until('the idle one to be gone', () => !core.instance('live/idle'));
  assert.match((await enter(await core.peer(), 'live/c')) ?? '', /take too much memory/);
  assert.equal(await enter(await core.peer(), 'other/b'), undefined);
  assert.deepEqual(limitLines(core), [
    { limit: 'MaxApplicationShare', ip: '127.0.0.1', application: 'live' },
  ]);
});

test('a client that its application has no room for starts no instance', async () => {
  await using core = await Core.start({ settings: { resourceLimits: { maxConnectionsPerAddress: 1 } } });
  assert.equal(await enter(await core.peer(), 'live/a'), undefined);
  assert.match((await enter(await core.peer(), 'live/b')) ?? '', /Too many clients of this address/);
  assert.equal(core.instance('live/b'), undefined);
});

test('however many names come and go, what is kept of them does not grow', async () => {
  await using core = await Core.start({ registry: { instances: atMost(3) } });
  for (let i = 0; i < 20; i += 1) await visit(core, `live/${i}`);
  await until('all but three to be gone', () => [...core.registry.instances].length <= 3);
  assert.deepEqual([...core.registry.histories.keys()], ['live']);
  assert.equal(core.registry.histories.get('live')!.instancesLoaded, 20);
});

test('addresses that may start a whole burst again are forgotten, and never are more than 10,000 remembered', () => {
  const shares = new InstanceShares({ ...ANY, ratePerAddress: 1 });
  for (let i = 0; i < 10_000; i += 1) shares.mayStart(`10.0.${i >> 8}.${i & 255}`, 0);
  assert.equal(shares.addressCount, 10_000);
  shares.mayStart('10.1.0.0', 0);
  assert.equal(shares.addressCount, 10_000);
  shares.mayStart('10.1.0.1', 25_000);
  assert.equal(shares.addressCount, 1);
});
