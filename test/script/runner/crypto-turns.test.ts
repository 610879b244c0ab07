import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CryptoTurns, type CryptoWork } from '../../../src/script/runner/crypto-turns.ts';

/** Work that runs until `finish` is called with its name. */
class Bench {
  readonly turns = new CryptoTurns();
  readonly running: string[] = [];
  readonly #finish = new Map<string, () => void>();

  add(name: string, application: string, isLong = true): CryptoWork {
    const work: CryptoWork = {
      application,
      isLong,
      run: () => {
        this.running.push(name);
        return new Promise((resolve) => this.#finish.set(name, resolve));
      },
    };
    this.turns.add(work);
    return work;
  }

  async finish(name: string): Promise<void> {
    this.running.splice(this.running.indexOf(name), 1);
    this.#finish.get(name)!();
    await Promise.resolve();
    await Promise.resolve();
  }
}

describe('shares of the threads for crypto.subtle', () => {
  test('one application has one long call under way, whatever waits, and another begins at once', () => {
    const bench = new Bench();
    for (let i = 0; i < 100; i += 1) bench.add(`evil${i}`, 'evil');
    assert.deepEqual(bench.running, ['evil0']);
    bench.add('good', 'good');
    assert.deepEqual(bench.running, ['evil0', 'good']);
  });

  test('applications take turns: each begins one call before any begins another', async () => {
    const bench = new Bench();
    for (let i = 0; i < 100; i += 1) bench.add(`a${i}`, 'a');
    for (let i = 0; i < 100; i += 1) bench.add(`b${i}`, 'b');
    bench.add('good', 'good');
    assert.deepEqual(bench.running, ['a0', 'b0']);
    await bench.finish('a0');
    await bench.finish('b0');
    await bench.finish('a1');
    assert.ok(bench.running.includes('good'), bench.running.join());
  });

  test('short calls begin while long ones of several applications run', () => {
    const bench = new Bench();
    for (let i = 0; i < 10; i += 1) bench.add(`long${i}`, `application${i}`);
    bench.add('short', 'good', false);
    assert.deepEqual(bench.running, ['long0', 'long1', 'short']);
  });

  test('what is removed before its turn never runs', async () => {
    const bench = new Bench();
    bench.add('first', 'a');
    const second = bench.add('second', 'a');
    bench.add('third', 'a');
    bench.turns.remove(second);
    await bench.finish('first');
    assert.deepEqual(bench.running, ['third']);
  });
});
