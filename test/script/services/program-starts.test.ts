import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ProgramStarts } from '../../../src/script/services/program-starts.ts';

/** Programs start when `pass` is called; the pauses between them are kept. */
function bench(maxPrograms = 100) {
  const pauses: number[] = [];
  let next: (() => void) | undefined;
  const starts = new ProgramStarts({
    maxPrograms,
    after: (ms, call) => {
      pauses.push(ms);
      next = call;
    },
  });
  const started: string[] = [];
  const start = (application: string, tookMs = 2) =>
    void starts.turn(application).then(() => {
      started.push(application);
      starts.started(tookMs);
    });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const pass = async () => {
    next?.();
    await settle();
  };
  return { starts, start, started, pauses, settle, pass };
}

describe('programs of <Exec>', () => {
  test('start one after another, each after a pause of nine times what the one before took', async () => {
    const { start, started, pauses, settle, pass } = bench();
    for (let i = 0; i < 3; i += 1) start('live', 20);
    await settle();
    assert.deepEqual([started.length, pauses], [1, [180]]);
    await pass();
    assert.deepEqual([started.length, pauses], [2, [180, 180]]);
  });

  test('of another application start next, however many wait', async () => {
    const { start, started, settle, pass } = bench();
    for (let i = 0; i < 50; i += 1) start('evil');
    await settle();
    start('good');
    await pass();
    await pass();
    assert.deepEqual(started, ['evil', 'evil', 'good']);
  });

  test('start at once where none has been started for a while', async () => {
    const { start, started, settle, pass } = bench();
    start('live');
    await settle();
    await pass();
    start('live');
    await settle();
    assert.deepEqual(started, ['live', 'live']);
  });

  test('are counted by application, and a place is given back once', () => {
    const { starts } = bench(2);
    const leave = starts.enter('live');
    starts.enter('live');
    assert.equal(starts.enter('live'), undefined);
    assert.ok(starts.enter('other'));
    leave!();
    leave!();
    assert.ok(starts.enter('live'));
    assert.equal(starts.enter('live'), undefined);
  });
});
