import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectLimiter, type ConnectLimits, type Refusal } from '../../../src/adaptor/link/connect-rate.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const NONE: ConnectLimits = {
  maxConnections: undefined,
  maxConnectionsPerAddress: undefined,
  maxRate: undefined,
  maxRatePerAddress: undefined,
};

function start(limits: Partial<ConnectLimits>) {
  const clock = new ManualClock();
  return { clock, limiter: new ConnectLimiter({ ...NONE, ...limits }, clock) };
}

/** What was said to each, `in` for a connection that was taken. */
function many(limiter: ConnectLimiter, ...addresses: string[]): (Refusal | 'in')[] {
  return addresses.map((address) => {
    const answer = limiter.admit(address);
    return typeof answer === 'string' ? answer : 'in';
  });
}

function admitted(limiter: ConnectLimiter, address: string): () => void {
  const release = limiter.admit(address);
  assert.ok(typeof release === 'function', String(release));
  return release;
}

test('without limits everybody comes in', () => {
  const { limiter } = start({});
  assert.deepEqual(many(limiter, ...Array(500).fill('1.1.1.1')), Array(500).fill('in'));
});

test('connections are counted in all, and one that has left makes room for one, not for two', () => {
  const { limiter } = start({ maxConnections: 2 });
  const release = admitted(limiter, '1.1.1.1');
  assert.deepEqual(many(limiter, '2.2.2.2', '3.3.3.3'), ['in', 'maxConnections']);
  release();
  release();
  assert.deepEqual(many(limiter, '3.3.3.3', '4.4.4.4'), ['in', 'maxConnections']);
});

test('connections are counted by address; others are not affected', () => {
  const { limiter } = start({ maxConnectionsPerAddress: 1 });
  const release = admitted(limiter, '1.1.1.1');
  assert.deepEqual(many(limiter, '1.1.1.1', '2.2.2.2'), ['maxConnectionsPerAddress', 'in']);
  release();
  assert.deepEqual(many(limiter, '1.1.1.1'), ['in']);
});

test('the rate of a listener is held, a second after the burst as well', () => {
  const { limiter, clock } = start({ maxRate: 2 });
  assert.deepEqual(many(limiter, 'a', 'b', 'c'), ['in', 'in', 'maxRate']);
  clock.advance(499);
  assert.deepEqual(many(limiter, 'd'), ['maxRate']);
  clock.advance(1);
  assert.deepEqual(many(limiter, 'e', 'f'), ['in', 'maxRate']);
  clock.advance(3_600_000);
  assert.deepEqual(many(limiter, 'g', 'h', 'i'), ['in', 'in', 'maxRate']);
});

test('an address that is too fast does not use up the rate of the others', () => {
  const { limiter } = start({ maxRate: 3, maxRatePerAddress: 1 });
  assert.deepEqual(many(limiter, 'a', 'a', 'a', 'a', 'b', 'c', 'd'), [
    'in',
    'maxRatePerAddress',
    'maxRatePerAddress',
    'maxRatePerAddress',
    'in',
    'in',
    'maxRate',
  ]);
});

test('all of an IPv6 network is one address', () => {
  const { limiter } = start({ maxConnectionsPerAddress: 1 });
  assert.deepEqual(many(limiter, '2001:db8::1', '2001:db8:0:0:9::2', '2001:db8:0:0:1:2:3:4'), [
    'in',
    'maxConnectionsPerAddress',
    'maxConnectionsPerAddress',
  ]);
  assert.deepEqual(many(limiter, '2001:db8:0:1::1', '::1', 'fe80::1%eth0', 'fe80::2%eth0'), [
    'in',
    'in',
    'in',
    'maxConnectionsPerAddress',
  ]);
});

test('IPv6 networks that differ in a group behind the zeros are two', () => {
  const { limiter } = start({ maxConnectionsPerAddress: 1 });
  assert.deepEqual(many(limiter, '2001::1:2:3:4:5', '2001::2:2:3:4:5'), ['in', 'in']);
});

test('addresses are forgotten: with their last connection, and when their rate has recovered', () => {
  const { limiter, clock } = start({ maxRatePerAddress: 1, maxConnectionsPerAddress: 5 });
  for (let i = 0; i < 1000; i += 1) admitted(limiter, `10.0.${i >> 8}.${i & 255}`)();
  assert.equal(limiter.hostCount, 1000);
  clock.advance(1000);
  for (let i = 0; i < 1024; i += 1) {
    admitted(limiter, '1.1.1.1')();
    clock.advance(1000);
  }
  assert.ok(limiter.hostCount <= 1, `${limiter.hostCount} are remembered`);
});
