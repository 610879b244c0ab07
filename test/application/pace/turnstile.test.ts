import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turnstile } from '../../../src/application/pace/turnstile.ts';

test('a party that comes with one waits for one of another party at most, however many of those wait', async () => {
  const turnstile = new Turnstile(1);
  const order: string[] = [];
  const pass = async (party: string, name = party) => {
    const leave = await turnstile.enter(party);
    order.push(name);
    leave();
  };
  const leave = await turnstile.enter('crowd');
  const all = [pass('crowd', 'c1'), pass('crowd', 'c2'), pass('crowd', 'c3'), pass('good'), pass('other')];
  leave();
  await Promise.all(all);
  assert.deepEqual(order, ['c1', 'good', 'other', 'c2', 'c3']);
});

test('there are never more inside than places, and a place that nobody waits for stays free', async () => {
  const turnstile = new Turnstile(2);
  const [first, second] = [await turnstile.enter('a'), await turnstile.enter('b')];
  let isIn = false;
  const third = turnstile.enter('a').then((leave) => {
    isIn = true;
    return leave;
  });
  await Promise.resolve();
  assert.equal(isIn, false);
  first();
  (await third)();
  second();
  (await turnstile.enter('a'))();
});
