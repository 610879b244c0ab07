import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns, type Worker } from '../../src/application/turns.ts';
import { TurnClock } from '../support/turn-clock.ts';

/** Has steps of `stepMs` without end, until it is told to stop. */
function glutton(turns: Turns, clock: TurnClock, stepMs: number): { worker: Worker; steps: number[] } {
  const steps: number[] = [];
  const work = () => {
    if (!worker.begin()) return;
    do {
      clock.work(stepMs);
      steps.push(clock.now());
    } while (worker.mayGoOn());
    worker.end();
    worker.wait();
  };
  const worker = turns.worker(work);
  worker.wait();
  return { worker, steps };
}

/** A worker with one step of that length. */
function modest(turns: Turns, clock: TurnClock, ms: number, done: () => void): () => void {
  const work = () => {
    if (!worker.begin()) return;
    clock.work(ms);
    worker.end();
    done();
  };
  const worker = turns.worker(work);
  return work;
}

test('no turn is longer than its limits, however many workers have work without end', () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  for (let i = 0; i < 1000; i += 1) glutton(turns, clock, 1);
  for (let i = 0; i < 200; i += 1) {
    const ms = clock.turn();
    assert.ok(ms <= 50 + 20, `a turn of ${ms} ms`);
  }
});

test('while connections come in, turns are short, and long again afterwards', () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  for (let i = 0; i < 1000; i += 1) glutton(turns, clock, 1);
  const all: number[] = [];
  for (let i = 0; i < 200; i += 1) {
    turns.arrived();
    all.push(clock.turn());
  }
  assert.ok(Math.max(...all) <= 10 + 20, `a turn of ${Math.max(...all)} ms`);
  for (let i = 0; i < 100; i += 1) glutton(turns, clock, 1);
  assert.ok(clock.turn() > 30);
});

test('workers that have used their share take turns: each of them goes on', () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  const all = Array.from({ length: 40 }, () => glutton(turns, clock, 1));
  for (let i = 0; i < 50; i += 1) clock.turn();
  const counts = all.map(({ steps }) => steps.length);
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 10, counts.join(' '));
});

test('who does little is not behind those who have used their share', () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  for (let i = 0; i < 500; i += 1) glutton(turns, clock, 1);
  for (let i = 0; i < 20; i += 1) clock.turn();
  let isDone = false;
  const work = modest(turns, clock, 1, () => {
    isDone = true;
  });
  work();
  if (!isDone) clock.turn();
  assert.ok(isDone);
});

test('work that ends within its share needs no turn of its own', () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  let count = 0;
  const work = modest(turns, clock, 0.01, () => {
    count += 1;
  });
  for (let i = 0; i < 50; i += 1) work();
  assert.equal(count, 50);
  assert.ok(clock.isIdle);
});

test('a worker that is closed while it waits is not called', () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  const worker = turns.worker(() => assert.fail('it was called'));
  worker.wait();
  worker.close();
  clock.turn();
});

test('work as a whole is done at once, or in the next turn when this one is used up', async () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  assert.equal(
    await turns.run(() => {
      clock.work(150);
      return 'first';
    }),
    'first',
  );
  const order: string[] = [];
  const second = turns.run(() => order.push('second'));
  await Promise.resolve();
  order.push('the turn ends');
  clock.turn();
  await second;
  assert.deepEqual(order, ['the turn ends', 'second']);
});

test('work as a whole that hundreds wait for is done in as many turns as it takes', async () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  const all = Array.from({ length: 100 }, (_, i) =>
    turns.run(() => {
      clock.work(10);
      return i;
    }),
  );
  while (!clock.isIdle) {
    const began = clock.now();
    clock.turn();
    await new Promise((resolve) => setImmediate(resolve)); // what is done behind a turn, and not in it, counts as well
    const ms = clock.now() - began;
    assert.ok(ms <= 50 + 20, `a turn of ${ms} ms`);
  }
  assert.deepEqual(await Promise.all(all), [...all.keys()]);
});

test('work as a whole that throws fails, and others go on', async () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  await assert.rejects(
    turns.run(() => {
      clock.work(100);
      throw new Error('no');
    }),
    /no/,
  );
  const next = turns.run(() => 'yes');
  clock.turn();
  assert.equal(await next, 'yes');
});

test('a newcomer that waits is called behind everybody else, however little it has used', () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  const order: string[] = [];
  let isNewcomer = true;
  const newcomer = turns.worker(
    () => order.push('newcomer'),
    () => isNewcomer,
  );
  const guest = turns.worker(() => order.push('guest'));
  newcomer.wait();
  guest.wait();
  clock.turn();
  assert.deepEqual(order, ['guest', 'newcomer']);
  isNewcomer = false;
  newcomer.wait();
  guest.wait();
  clock.turn();
  assert.deepEqual(order.slice(2), ['newcomer', 'guest']);
});

test('one that does less than the others waits for no more than a turn, however many are there that do much', () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  const busy = Array.from({ length: 500 }, () => modest(turns, clock, 5, () => {}));
  const rest = () => {
    for (const work of busy) work();
  };
  let served = 0;
  const work = modest(turns, clock, 0.05, () => (served += 1));
  clock.work(10_000); // it has been there for a while
  for (let i = 0; i < 60; i += 1) {
    rest();
    clock.turn();
  }
  for (let i = 1; i <= 10; i += 1) {
    rest();
    work();
    clock.turn();
    assert.equal(served, i);
  }
});

test('each of many that do much goes on, in the order in which they came', () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  const counts = Array.from({ length: 100 }, () => 0);
  const all = counts.map((_, i) => modest(turns, clock, 1 + (i % 10), () => (counts[i]! += 1)));
  for (let i = 0; i < 100; i += 1) {
    for (const work of all) work();
    clock.turn();
  }
  assert.ok(Math.min(...counts) >= 5, `${counts}`);
});
