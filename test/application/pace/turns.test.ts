import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from '../../../src/application/pace/turns.ts';
import { TurnClock } from '../../support/turn-clock.ts';

const HERE = '192.0.2.1';

/** Has steps of `stepMs` without end. */
function glutton(turns: Turns, clock: TurnClock, stepMs: number, address = HERE): { steps: number[] } {
  const steps: number[] = [];
  const worker = turns.worker(address, () => {
    if (!worker.begin()) return;
    do {
      clock.work(stepMs);
      steps.push(clock.now());
    } while (worker.mayGoOn());
    worker.end(true);
  });
  worker.call();
  return { steps };
}

/** A worker with one step of that length. */
function modest(turns: Turns, clock: TurnClock, ms: number, done: () => void, address = HERE): () => void {
  const work = () => {
    if (!worker.begin()) return;
    clock.work(ms);
    worker.end(false);
    done();
  };
  const worker = turns.worker(address, work);
  return work;
}

test('no turn is longer than its limits, however many workers have work without end', () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  for (let i = 0; i < 1000; i += 1) glutton(turns, clock, 1);
  for (let i = 0; i < 200; i += 1) {
    const ms = clock.turn();
    assert.ok(ms <= 20 + 5, `a turn of ${ms} ms`);
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
  assert.ok(Math.max(...all) <= 2 + 5, `a turn of ${Math.max(...all)} ms`);
  for (let i = 0; i < 100; i += 1) glutton(turns, clock, 1);
  assert.ok(clock.turn() > 15);
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
  for (let i = 0; i < 40; i += 1) clock.turn();
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
  const worker = turns.worker(HERE, () => assert.fail('it was called'));
  worker.call();
  worker.close();
  clock.turn();
});

test('work as a whole is done at once, or in the next turn when this one is used up', async () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  assert.equal(
    await turns.run(HERE, () => {
      clock.work(150);
      return 'first';
    }),
    'first',
  );
  const order: string[] = [];
  const second = turns.run(HERE, () => order.push('second'));
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
    turns.run(HERE, () => {
      clock.work(10);
      return i;
    }),
  );
  while (!clock.isIdle) {
    const began = clock.now();
    clock.turn();
    await new Promise((resolve) => setImmediate(resolve)); // what is done behind a turn, and not in it, counts as well
    const ms = clock.now() - began;
    assert.ok(ms <= 20 + 10, `a turn of ${ms} ms`);
  }
  assert.deepEqual(await Promise.all(all), [...all.keys()]);
});

test('work as a whole that throws fails, and others go on', async () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  await assert.rejects(
    turns.run(HERE, () => {
      clock.work(100);
      throw new Error('no');
    }),
    /no/,
  );
  const next = turns.run(HERE, () => 'yes');
  clock.turn();
  assert.equal(await next, 'yes');
});

test('of hundreds of one address that flood none is before one of it that finishes what it has', () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  let served = -10;
  const work = modest(turns, clock, 0.5, () => (served += 1));
  for (let i = 0; i < 10; i += 1) {
    work();
    clock.turn();
  }
  for (let i = 0; i < 1_000; i += 1) glutton(turns, clock, 0.2);
  for (let i = 1; i <= 20; i += 1) {
    work();
    clock.turn();
    assert.equal(served, i);
  }
});

test('who is new waits for nobody who has been cut off', () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  for (let i = 0; i < 1_000; i += 1) glutton(turns, clock, 0.2);
  for (let i = 0; i < 100; i += 1) clock.turn(); // each has had its first slice
  for (let i = 0; i < 20; i += 1) {
    let isServed = false;
    modest(turns, clock, 0.3, () => (isServed = true))();
    clock.turn();
    assert.ok(isServed);
  }
});

test('two hundred that flood have no more than one of another address', () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  const many = Array.from({ length: 200 }, () => glutton(turns, clock, 0.5));
  const one = glutton(turns, clock, 0.5, '198.51.100.1');
  for (let i = 0; i < 400; i += 1) clock.turn();
  const all = many.reduce((sum, { steps }) => sum + steps.length, 0);
  assert.ok(one.steps.length * 25 > all, `${one.steps.length} and ${all}`);
});

test('what goes to the players of a stream is no reason to cut its publisher off', () => {
  const clock = new TurnClock();
  let sweepMs = 0;
  const turns = new Turns(clock, { sweepMs: () => sweepMs });
  const worker = turns.worker(HERE, () => {});
  assert.ok(worker.begin());
  clock.work(15);
  sweepMs += 15;
  assert.ok(worker.mayGoOn());
  worker.end(false);
  assert.equal(worker.rank(clock.now()), 0);
});

test('work within other work is counted once', () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  const outer = turns.worker(HERE, () => {});
  const inner = turns.worker(HERE, () => {});
  assert.ok(outer.begin());
  assert.ok(inner.begin());
  clock.work(9);
  inner.end(false);
  outer.end(false);
  assert.ok(turns.hasTime(10), 'it was counted twice');
  assert.ok(!turns.hasTime(12));
});

test('whoever holds a worker that has more calls it, and it is taken for one that has been cut off', () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  let calls = 0;
  const worker = turns.worker(HERE, () => (calls += 1));
  assert.ok(worker.begin());
  worker.end(true, true);
  clock.turn();
  assert.equal(calls, 0);
  assert.equal(worker.rank(clock.now()), -1);
  worker.call();
  clock.turn();
  assert.equal(calls, 1);
});

test('a turn goes on when work that was left for a later tick has ended', async () => {
  const clock = new TurnClock();
  const turns = new Turns(clock);
  const order: string[] = [];
  const first = turns.worker(HERE, () => {
    assert.ok(first.begin());
    process.nextTick(() => {
      order.push('first');
      first.end(false);
    });
  });
  const second = turns.worker(HERE, () => order.push('second'));
  first.call();
  second.call();
  clock.turn();
  assert.deepEqual(order, []);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(order, ['first', 'second']);
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
  assert.ok(Math.min(...counts) >= 3, `${counts}`);
});
