// Few places, and who gets them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_UNANSWERED, type Place, Places } from '../../../src/application/admission/places.ts';

class Hall {
  readonly closed: string[] = [];
  readonly madeRoom: string[] = [];
  readonly #places: Places;

  constructor(size: number) {
    this.#places = new Places(size);
  }

  get size(): number {
    return this.#places.size;
  }

  enter(ip: string, name = ip): Place | undefined {
    return this.#places.enter(
      ip,
      () => this.closed.push(name),
      (address) => this.madeRoom.push(address),
    );
  }
}

describe('a hall that is full', () => {
  test('makes room for a newcomer by the oldest connection of the address that has most of them', () => {
    const hall = new Hall(4);
    hall.enter('192.0.2.9', 'operator');
    for (const name of ['a', 'b', 'c']) hall.enter('203.0.113.1', name);
    assert.ok(hall.enter('192.0.2.8', 'newcomer'));
    assert.deepEqual(hall.closed, ['a']);
    assert.deepEqual(hall.madeRoom, ['203.0.113.1']);
    assert.equal(hall.size, 4);
  });

  test('lets a flood from one address cost nobody else a place, however long it goes on', () => {
    const hall = new Hall(8);
    hall.enter('192.0.2.9', 'operator');
    for (let i = 0; i < 1_000; i += 1) assert.ok(hall.enter('203.0.113.1', `flood ${i}`));
    assert.ok(!hall.closed.includes('operator'));
    assert.equal(hall.size, 8);
  });

  test('takes all of an IPv6 network for one address', () => {
    const hall = new Hall(4);
    hall.enter('2001:db8:1::1', 'operator');
    for (let i = 0; i < 100; i += 1) hall.enter(`2001:db8:2::${i.toString(16)}`, `flood ${i}`);
    assert.ok(!hall.closed.includes('operator'));
  });

  test('never gives away a place where somebody is served, and refuses when there is no other', () => {
    const hall = new Hall(2);
    const places = ['one', 'two'].map((name) => hall.enter('203.0.113.1', name)!);
    for (const place of places) place.hold(true);
    assert.equal(hall.enter('192.0.2.9'), undefined);
    places[0]!.hold(false);
    assert.ok(hall.enter('192.0.2.9'));
    assert.deepEqual(hall.closed, ['one']);
  });

  test('keeps sixteen places for this machine, whatever address it is called by', () => {
    const hall = new Hall(32);
    const own = ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'];
    for (let i = 0; i < 16; i += 1) hall.enter(own[i % own.length]!, 'local');
    for (let i = 0; i < 500; i += 1) assert.ok(hall.enter(`203.0.113.${i % 250}`, 'remote'));
    assert.ok(!hall.closed.includes('local'));
    for (let i = 0; i < 40; i += 1) hall.enter('127.0.0.1', 'local');
    assert.ok(hall.enter('203.0.113.251', 'operator'), 'and this machine cannot take all of them');
    assert.equal(hall.size, 32);
  });

  test('is not full once somebody has left', () => {
    const hall = new Hall(1);
    hall.enter('203.0.113.1')!.leave();
    assert.ok(hall.enter('192.0.2.9'));
    assert.deepEqual(hall.closed, []);
  });
});

test('a place takes sixteen requests without an answer, and another one for each answer', () => {
  const place = new Hall(1).enter('192.0.2.1')!;
  const answered = Array.from({ length: MAX_UNANSWERED }, () => place.ask());
  assert.equal(place.ask(), undefined);
  answered[3]!();
  assert.ok(place.ask());
  assert.equal(place.ask(), undefined);
});
