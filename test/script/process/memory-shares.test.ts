// How the applications in one script process share its memory.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  BESIDE_HEAP_BYTES,
  EMPTY_HEAP_BYTES,
  MemoryShares,
  type MemoryUser,
} from '../../../src/script/process/memory-shares.ts';

const MIB = 2 ** 20;
const MAX_BYTES = 1536 * MIB;

function sharing(share = 0.75) {
  const shares = new MemoryShares<MemoryUser>({ maxBytes: MAX_BYTES, share });
  return {
    shares,
    /** Isolates that take `mb` each, or as much as one that has said nothing. */
    fill(application: string, count: number, mb?: number): MemoryUser[] {
      const heapBytes = mb === undefined ? undefined : mb * MIB - BESIDE_HEAP_BYTES;
      const users = Array.from({ length: count }, () => ({ heapBytes }));
      for (const user of users) shares.enter(user, application);
      return users;
    },
    /** How many isolates of a small script an application gets. */
    grow(application: string): number {
      let count = 0;
      for (; shares.hasRoomFor(application); count += 1) shares.enter({ heapBytes: undefined }, application);
      return count;
    },
  };
}

describe('room for one instance more', () => {
  test('is there for some hundred instances of one small script, and a quarter of the process is left', () => {
    const { grow } = sharing();
    const count = grow('rooms');
    assert.ok(count > 450 && count < 550, `${count}`);
    const bytes = count * (EMPTY_HEAP_BYTES + BESIDE_HEAP_BYTES);
    assert.ok(bytes < MAX_BYTES * 0.75);
  });

  test('is left to a neighbour by one greedy application, and by four', () => {
    for (const greedy of [1, 4]) {
      const { grow } = sharing();
      for (let i = 0; i < greedy; i += 1) grow(`greedy${i}`);
      const count = grow('neighbour');
      assert.ok(count >= 25, `${count} beside ${greedy}`);
    }
  });

  test('is there for a small application even when scripts have grown until the process is full', () => {
    const { shares, fill } = sharing();
    fill('greedy', 24, 64);
    assert.equal(shares.hasRoomFor('greedy'), false);
    assert.equal(shares.hasRoomFor('neighbour'), true);
  });

  test('is there until nine tenths of the process are taken where an application is alone', () => {
    const count = sharing(1).grow('rooms');
    assert.ok(count > 600 && count < 700, `${count}`);
  });

  test('comes back with isolates that end', () => {
    const { shares, fill } = sharing();
    const users = fill('greedy', 24, 64);
    for (const user of users) shares.leave(user, 'greedy');
    assert.equal(shares.hasRoomFor('greedy'), true);
  });
});

describe('instances that have been let in and whose scripts are not loaded yet', () => {
  test('count like the others of their application, and what turns out too much does not start', () => {
    const { shares, fill } = sharing();
    const leave = Array.from({ length: 40 }, () => shares.join('large'));
    assert.equal(shares.isWithin('large'), true, 'nobody knows better');
    fill('large', 4, 60);
    assert.equal(shares.isWithin('large'), false, '40 of 60 MB');
    assert.equal(shares.hasRoomFor('large'), false);
    for (const one of leave.slice(0, 30)) one();
    assert.equal(shares.isWithin('large'), true);
  });

  test('are taken for what the last isolate of their application had, and a little more is allowed for one that replaces another', () => {
    const { shares, fill } = sharing();
    const [last] = fill('large', 1, 60);
    shares.leave(last!, 'large');
    let count = 0;
    for (; shares.hasRoomFor('large'); count += 1) shares.join('large');
    assert.ok(count > 12 && count < 18, `${count}`);
    assert.equal(shares.hasRoomFor('large', true), true);
  });
});

describe('of a process that has grown too large', () => {
  test('the largest isolates of the application that takes most end, until the process is well below its limit', () => {
    const { shares, fill } = sharing();
    fill('neighbour', 100, 2);
    const large = fill('greedy', 10, 60);
    fill('greedy', 200, 4);
    const { application, users } = shares.toEnd(1600 * MIB);
    assert.equal(application, 'greedy');
    assert.deepEqual(users.slice(0, 3), large.slice(0, 3));
    assert.equal(users.length, 7, '372 MB too much, 60 MB each');
  });

  test('none ends where nobody else is there, or where isolates do not account for its size', () => {
    const alone = sharing();
    alone.fill('greedy', 30, 60);
    assert.deepEqual(alone.shares.toEnd(1800 * MIB).users, []);
    const small = sharing();
    small.fill('a', 10, 60);
    small.fill('b', 1, 60);
    assert.deepEqual(small.shares.toEnd(1600 * MIB).users, [], 'a bomb, or memory that V8 keeps');
  });
});
