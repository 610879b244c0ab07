import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type InputAccount, InputBudget, type InputLimits } from '../../../src/adaptor/rtmp/input-budget.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const MB = 1 << 20;
/** The largest message: one connection at a time may always finish its own. */
const LARGEST = 8 * MB;
/** What Node takes from a socket in one go. */
const READ_BYTES = 64 << 10;
const LIMITS: InputLimits = {
  maxBytes: 64 * MB,
  maxBytesPerAddress: 16 * MB,
  isShared: (address) => address === '10.0.0.99',
  finishMs: 5_000,
};

/** A connection: `send` is what a read brings, of a message that will have `size` bytes when it is whole. */
class Peer {
  readonly account: InputAccount;
  missingBytes = 0;
  progress = 0;
  isHeldByServer = false;
  isWaiting = false;
  evictedFor: string | undefined;
  readonly waitedFor: string[] = [];
  #partial = 0;
  #finished = 0;

  constructor(budget: InputBudget, address: string) {
    this.account = budget.open(address, this);
  }

  wait(limit: string): void {
    assert.ok(!this.isWaiting, 'it waits already');
    this.isWaiting = true;
    this.waitedFor.push(limit);
  }
  proceed(): void {
    assert.ok(this.isWaiting, 'it does not wait');
    this.isWaiting = false;
  }
  evict(limit: string): void {
    this.evictedFor = limit;
    this.account.close();
  }

  /** So many bytes of a message of `size`. */
  send(bytes: number, size: number): void {
    this.#partial += bytes;
    this.progress += bytes;
    this.missingBytes = size - this.#partial;
    if (this.missingBytes === 0) {
      this.#finished += this.#partial;
      this.#partial = 0;
    }
    this.account.received(this.#partial, this.#finished);
  }

  /** Reads of 64 kB, as long as the server reads it and at most so many. True: the message is whole. */
  sendAll(size: number, reads = Number.POSITIVE_INFINITY): boolean {
    for (let i = 0; !this.isWaiting && i < reads; i += 1) {
      this.send(Math.min(READ_BYTES, size - this.#partial), size);
      if (this.#partial === 0) return true;
    }
    return false;
  }

  /** All of a message but its last byte, as far as the server reads it. */
  sendHalf(size: number): void {
    if (!this.evictedFor && this.#partial === 0) this.sendAll(size, size / READ_BYTES - 1);
  }
}

function setUp(limits: Partial<InputLimits> = {}) {
  const clock = new ManualClock();
  const budget = new InputBudget({ ...LIMITS, ...limits }, clock);
  const peers = (count: number, address = '10.0.0.1') =>
    Array.from({ length: count }, () => new Peer(budget, address));
  return { clock, budget, peers };
}

test('half messages of one address take no more than its share, however many connections it has', () => {
  const { budget, peers } = setUp();
  const attackers = peers(200);
  for (let round = 0; round < 120; round += 1) {
    for (const attacker of attackers) if (!attacker.isWaiting) attacker.send(READ_BYTES, 8 * MB);
  }
  // one that begins to wait has been read once more than it may
  assert.ok(budget.heldBytes <= LIMITS.maxBytesPerAddress + 200 * READ_BYTES, `${budget.heldBytes} bytes`);
  assert.deepEqual([...new Set(attackers.flatMap(({ waitedFor }) => waitedFor))], ['MaxInputSizePerAddress']);
});

test('who holds the most and sends no more is closed after a second in which others wait, and these go on', () => {
  const { clock, budget, peers } = setUp();
  const [large, small] = peers(2) as [Peer, Peer];
  large.send(7 * MB, 8 * MB);
  small.send(2 * MB, 8 * MB);
  const waiting = peers(20);
  for (const one of waiting) one.sendAll(2 * MB);
  clock.advance(0);
  for (const one of waiting) if (!one.isWaiting) one.send(64 << 10, 2 * MB);
  const late = waiting.filter(({ isWaiting }) => isWaiting);
  assert.ok(late.length > 0);
  clock.advance(500);
  assert.equal(large.evictedFor, undefined);
  clock.advance(1_000);
  assert.equal(large.evictedFor, 'MaxInputSizePerAddress');
  assert.equal(small.evictedFor, undefined); // its 2 MB stand in nobody's way
  assert.ok(budget.heldBytes <= LIMITS.maxBytesPerAddress);
});

test('an honest crowd of one address is served message by message, and nobody is closed', () => {
  const { clock, budget, peers } = setUp();
  const crowd = peers(1_000);
  const done = new Set<Peer>();
  let most = 0;
  for (let round = 0; done.size < crowd.length; round += 1) {
    assert.ok(round < 2_000, `${done.size} are served`);
    for (const one of crowd) {
      if (done.has(one) || one.isWaiting) continue;
      if (one.sendAll(2 * MB, 16)) done.add(one);
      most = Math.max(most, budget.heldBytes);
    }
    clock.advance(50);
  }
  assert.ok(crowd.every(({ evictedFor }) => evictedFor === undefined));
  assert.ok(most <= LIMITS.maxBytesPerAddress + 1_000 * READ_BYTES, `${most} bytes`);
  assert.equal(budget.waitingCount, 0);
  clock.advance(1_000);
  assert.equal(clock.pending, 0);
});

test('a publisher who has sent a megabyte keeps room for pictures of that size beside half messages of its address', () => {
  const { clock, peers } = setUp();
  const [show] = peers(1) as [Peer];
  assert.ok(show.sendAll(MB));
  const attackers = peers(200);
  for (const attacker of attackers) attacker.sendHalf(8 * MB);
  for (let second = 0; second < 10; second += 1) {
    assert.ok(show.sendAll(1.5 * MB), `in second ${second}`);
    clock.advance(1_000);
    for (const attacker of attackers) attacker.sendHalf(8 * MB);
  }
});

test('connections that end within a read take no room from the publishers of their address', () => {
  const { clock, peers } = setUp();
  const [show] = peers(1) as [Peer];
  assert.ok(show.sendAll(MB));
  for (const { account } of peers(100)) {
    account.received(READ_BYTES, 0);
    account.close();
    account.received(READ_BYTES, MB); // of the read whose last message has closed it
  }
  const attackers = peers(200);
  for (const attacker of attackers) attacker.sendHalf(8 * MB);
  for (let second = 0; second < 10; second += 1) {
    assert.ok(show.sendAll(1.5 * MB), `in second ${second}`);
    clock.advance(1_000);
    for (const attacker of attackers) attacker.sendHalf(8 * MB);
  }
});

test('other addresses do not notice an address whose share is used up', () => {
  const { peers } = setUp();
  for (const attacker of peers(100)) attacker.sendHalf(8 * MB);
  const [neighbour] = peers(1, '10.0.0.2') as [Peer];
  assert.ok(neighbour.sendAll(8 * MB));
});

test('the addresses of one IPv6 network have one share', () => {
  const { budget, peers } = setUp();
  for (let i = 1; i < 100; i += 1) for (const one of peers(1, `2001:db8:1:2::${i}`)) one.sendHalf(8 * MB);
  assert.equal(budget.hostCount, 1);
  assert.ok(budget.heldBytes <= LIMITS.maxBytesPerAddress + LARGEST + 100 * READ_BYTES);
});

test('an address of many users has no share, but counts to the whole', () => {
  const { budget, peers } = setUp();
  const crowd = peers(10, '10.0.0.99');
  for (const one of crowd) one.send(2 * MB, 8 * MB);
  assert.ok(crowd.every(({ isWaiting }) => !isWaiting));
  for (const one of peers(200, '10.0.0.99')) one.sendHalf(8 * MB);
  assert.ok(
    budget.heldBytes <= LIMITS.maxBytes + LARGEST + 2 * 200 * READ_BYTES,
    `${budget.heldBytes} bytes`,
  );
});

test('many addresses together take no more than the whole, and one that holds little is not the one that waits', () => {
  const { clock, budget, peers } = setUp();
  const attackers = Array.from({ length: 50 }, (_, i) => peers(4, `10.0.1.${i}`)).flat();
  for (const attacker of attackers) attacker.sendHalf(8 * MB);
  assert.ok(
    budget.heldBytes <= LIMITS.maxBytes + LARGEST + 2 * 200 * READ_BYTES,
    `${budget.heldBytes} bytes`,
  );
  const [honest] = peers(1, '10.0.0.2') as [Peer];
  assert.ok(honest.sendAll(READ_BYTES));
  assert.ok(!honest.sendAll(2 * MB));
  clock.advance(1_500);
  assert.ok(honest.sendAll(2 * MB));
  assert.ok(attackers.some(({ evictedFor }) => evictedFor !== undefined));
  assert.ok(attackers.some(({ waitedFor }) => waitedFor.includes('MaxInputSize')));
});

test('a message that trickles in while others wait has the time to finish that is configured, and no more', () => {
  const { clock, peers } = setUp();
  const [hog] = peers(1) as [Peer];
  hog.send(8 * MB - 1, 8 * MB); // half of the share
  const [slow, ...others] = peers(20) as [Peer, ...Peer[]];
  slow.send(128 << 10, 8 * MB);
  assert.ok(!slow.isWaiting, 'it has leave to finish');
  for (const one of others) one.send(128 << 10, 8 * MB);
  assert.ok(others.every(({ isWaiting }) => isWaiting));
  hog.account.keep(0);
  hog.isHeldByServer = true;
  const trickle = (ms: number) => {
    for (let at = 0; at < ms; at += 250) {
      if (!slow.evictedFor) slow.send(20 << 10, 8 * MB);
      clock.advance(250);
    }
  };
  trickle(4_500);
  assert.equal(slow.evictedFor, undefined);
  trickle(1_000);
  assert.equal(slow.evictedFor, 'MaxInputSizePerAddress');
  clock.advance(250);
  assert.equal(others.filter(({ isWaiting }) => !isWaiting).length, 1);
});

test('a connection whose script decides is made to wait, never closed for it', () => {
  const { clock, peers } = setUp();
  const asked = peers(40);
  for (const one of asked) {
    one.isHeldByServer = true;
    one.account.keep(MB);
  }
  assert.ok(asked.some(({ isWaiting }) => isWaiting));
  clock.advance(60_000);
  assert.ok(asked.every(({ evictedFor }) => evictedFor === undefined));
  for (const one of asked) one.account.keep(-MB);
  clock.advance(0);
  assert.ok(asked.every(({ isWaiting }) => !isWaiting));
});

test('a peer that does not read its answers is not asked for more, and closed when others need the room', () => {
  const { clock, peers } = setUp();
  const deaf = peers(10);
  for (const one of deaf) one.account.unread(MB);
  assert.ok(deaf.some(({ isWaiting }) => isWaiting));
  clock.advance(1_500);
  assert.ok(deaf.some(({ evictedFor }) => evictedFor === 'MaxInputSizePerAddress'));
});

test('what is closed has given back everything, whatever it held', () => {
  const { clock, budget, peers } = setUp();
  const all = peers(50);
  for (const [i, one] of all.entries()) {
    one.sendHalf(8 * MB);
    one.account.keep(1_000 * i);
    one.account.unread(i);
  }
  for (const one of all) one.account.close();
  for (const one of all) one.account.keep(-1);
  clock.advance(1_000);
  assert.equal(budget.heldBytes, 0);
  assert.equal(budget.hostCount, 0);
  assert.equal(budget.waitingCount, 0);
  assert.equal(clock.pending, 0);
});

test('connections are looked at four times a second, also after one has been closed that gave something back as it went', () => {
  const { clock, budget, peers } = setUp();
  let looks = 0;
  const witness = budget.open('10.0.0.2', {
    missingBytes: 0,
    get progress() {
      looks += 1;
      return 0;
    },
    isHeldByServer: false,
    wait() {},
    proceed() {},
    evict() {},
  });
  const attackers = peers(200);
  for (const attacker of attackers) {
    attacker.account.keep(2);
    attacker.evict = (limit) => {
      attacker.account.keep(-1); // its streams are closed first
      attacker.evictedFor = limit;
      attacker.account.close();
    };
    attacker.sendHalf(8 * MB);
  }
  while (!attackers.some(({ evictedFor }) => evictedFor)) clock.advance(250);
  assert.ok(budget.waitingCount > 0);
  looks = 0;
  clock.advance(250);
  assert.equal(looks, 1);
  witness.close();
});

test('a connection whose script decides holds up no other one of its address that could finish its message', () => {
  const { clock, peers } = setUp();
  const [undecided, first, second] = peers(3) as [Peer, Peer, Peer];
  undecided.isHeldByServer = true;
  undecided.account.keep(9 * MB);
  assert.ok(undecided.isWaiting);
  first.sendAll(8 * MB, 4);
  second.sendAll(8 * MB, 4);
  assert.ok(!first.isWaiting && second.isWaiting);
  assert.ok(first.sendAll(8 * MB));
  clock.advance(0);
  assert.ok(undecided.isWaiting && !second.isWaiting);
  assert.ok(second.sendAll(8 * MB));
});
