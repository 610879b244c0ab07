// How many clients of an application may come from one address or under one name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Occupancy } from '../../../src/application/pace/occupancy.ts';
import { membersOf } from '../../../src/protocol/amf/amf.ts';
import { Core, until } from '../../support/core.ts';
import { testSettings } from '../../support/settings.ts';

const ANY = testSettings().resourceLimits;

test('each limit counts by itself, and who leaves makes room, once', () => {
  const occupancy = new Occupancy();
  const ann = { ip: '10.0.0.1', user: 'ann' };
  const leave = occupancy.enter(ann);
  assert.equal(occupancy.problem(ann, ANY), undefined);
  assert.match(occupancy.problem(ann, { ...ANY, maxConnections: 1 })!, /of this application$/);
  assert.match(
    occupancy.problem({ ip: '10.0.0.1', user: 'bob' }, { ...ANY, maxConnectionsPerAddress: 1 })!,
    /address$/,
  );
  assert.equal(
    occupancy.problem({ ip: '10.0.0.2', user: 'ann' }, { ...ANY, maxConnectionsPerAddress: 1 }),
    undefined,
  );
  assert.match(
    occupancy.problem({ ip: '10.0.0.2', user: 'ann' }, { ...ANY, maxConnectionsPerUser: 1 })!,
    /of this user$/,
  );
  assert.equal(
    occupancy.problem({ ip: '10.0.0.1', user: 'bob' }, { ...ANY, maxConnectionsPerUser: 1 }),
    undefined,
  );
  leave();
  leave();
  assert.equal(
    occupancy.problem(ann, { maxConnections: 1, maxConnectionsPerAddress: 1, maxConnectionsPerUser: 1 }),
    undefined,
  );
});

test('clients that have not logged in are no user, and an IPv6 network is one address', () => {
  const occupancy = new Occupancy();
  occupancy.enter({ ip: '2001:db8::1', user: '' });
  assert.equal(
    occupancy.problem({ ip: '10.0.0.1', user: '' }, { ...ANY, maxConnectionsPerUser: 1 }),
    undefined,
  );
  assert.match(
    occupancy.problem({ ip: '2001:db8::2', user: '' }, { ...ANY, maxConnectionsPerAddress: 1 })!,
    /address$/,
  );
});

test('the next client of an address is refused with the limit, in whichever instance, and let in when another has left', async () => {
  await using core = await Core.start({ settings: { resourceLimits: { maxConnectionsPerAddress: 2 } } });
  const first = await core.peer();
  assert.equal((await first.connect('live/a')).name, '_result');
  assert.equal((await (await core.peer()).connect('live/b')).name, '_result');
  const refused = await core.peer();
  const { name, args } = await refused.connect('live/c');
  assert.equal(name, '_error');
  assert.match(
    String(membersOf(args[0])?.description),
    /Resource limit violation. Too many clients of this address/,
  );
  await refused.closed();
  assert.equal(
    (await (await core.peer()).connect('other')).name,
    '_result',
    'another application counts by itself',
  );
  first.socket.destroy();
  await until('the first to be gone', () => core.instance('live/a')?.clients.size === 0);
  assert.equal((await (await core.peer()).connect('live')).name, '_result');
});

test('a client that its script refuses has no share', async () => {
  await using core = await Core.start({ settings: { resourceLimits: { maxConnections: 1 } } });
  core.scripts.prepare = (script) => {
    script.decide = () => ({ accepted: false, reason: 'no' });
  };
  for (const _ of [1, 2]) {
    const peer = await core.peer();
    const { args } = await peer.connect('live');
    assert.equal(membersOf(args[0])?.description, 'no');
    await peer.closed();
  }
});

test('a limit that is saved counts for the next client; those connected stay', async () => {
  let resourceLimits = ANY;
  await using core = await Core.start({ registry: { settingsFor: () => ({ resourceLimits }) } });
  const [first, second] = [await core.peer(), await core.peer()];
  await first.connect('live');
  await second.connect('live');
  resourceLimits = { ...ANY, maxConnections: 1 };
  core.registry.configure('live');
  assert.equal((await (await core.peer()).connect('live')).name, '_error');
  assert.equal(core.instance()?.clients.size, 2);
});
