import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  Errands,
  type Service,
  type ServiceAnswer,
  ServiceError,
} from '../../../src/script/services/services.ts';
import { type Json, MAX_ASKS } from '../../../src/script/wire/wire.ts';
import { serving, settle, setUp, version } from '../support/instance.ts';

/** A service whose answers are in the hands of the test. */
function slowService() {
  const asked: {
    request: Json;
    signal: AbortSignal;
    resolve(value: Json): void;
    reject(error: unknown): void;
  }[] = [];
  const service: Service = {
    ask: (request, { signal }) =>
      new Promise((resolve, reject) => asked.push({ request, signal, resolve, reject })),
  };
  return { asked, service };
}

function errandsOf(services: Record<string, Service>) {
  const answers: ({ id: number } & ServiceAnswer)[] = [];
  const bugs: unknown[] = [];
  const errands = new Errands({
    services,
    application: 'live',
    instance: '_definst_',
    answer: (id, answer) => answers.push({ id, ...answer }),
    onBug: (error) => bugs.push(error),
  });
  return { errands, answers, bugs };
}

describe('questions to services', () => {
  test('are answered with a value, with an error that the service names, or not at all when nobody waits', async () => {
    const { asked, service } = slowService();
    const { errands, answers, bugs } = errandsOf({ slow: service });
    errands.ask(1, 'slow', { a: 1 });
    errands.ask(2, 'slow', null);
    errands.ask(3, 'slow', null);
    assert.deepEqual(asked[0]!.request, { a: 1 });
    errands.giveUp(3);
    assert.equal(asked[2]!.signal.aborted, true);
    asked[2]!.reject(new Error('aborted'));
    asked[0]!.resolve('done');
    asked[1]!.reject(new ServiceError('TimeoutError', 'too late'));
    await settle();
    assert.deepEqual(answers, [
      { id: 1, ok: true, value: 'done' },
      { id: 2, ok: false, name: 'TimeoutError', message: 'too late' },
    ]);
    assert.deepEqual(bugs, []);
  });

  test('to a service that has a bug say no more than that it failed', async () => {
    const bug = new Error('secret path');
    const { errands, answers, bugs } = errandsOf({ broken: { ask: () => Promise.reject(bug) } });
    errands.ask(1, 'broken', null);
    await settle();
    assert.deepEqual(answers, [{ id: 1, ok: false, name: 'Error', message: 'the service failed' }]);
    assert.deepEqual(bugs, [bug]);
  });

  test('to no service, and too many, are refused', () => {
    const { asked, service } = slowService();
    const { errands, answers } = errandsOf({ slow: service });
    errands.ask(1, 'constructor', null);
    for (let id = 2; id < 2 + MAX_ASKS + 1; id += 1) errands.ask(id, 'slow', null);
    assert.equal(asked.length, MAX_ASKS);
    assert.deepEqual(
      answers.map((answer) => !answer.ok && answer.message),
      ['there is no service constructor', `more than ${MAX_ASKS} requests at a time`],
    );
    errands.close();
    assert.ok(asked.every(({ signal }) => signal.aborted));
  });
});

describe('a version of a script', () => {
  test('may ask before it is ready, and is told', async () => {
    const { asked, service } = slowService();
    const { runner, script } = setUp({
      prepare(runner) {
        runner.services = { slow: service };
        runner.behaviours.a = {
          start(unit, event) {
            unit.say({ op: 'ask', id: 1, service: 'slow', request: 'settings' });
            void settle().then(async () => {
              asked[0]!.resolve('here');
              await settle();
              unit.say({ op: 'ready', id: event.id, ok: unit.event('answer').ok });
            });
          },
        };
      },
    });
    await script.started;
    const { t, ok, id } = runner.last.event('answer');
    assert.deepEqual({ t, ok, id }, { t: 'answer', ok: true, id: 1 });
  });

  test('that is replaced gets no answers any more, and its requests are given up', async () => {
    const { asked, service } = slowService();
    const { reload, runner, first, clock } = await serving({
      prepare(runner) {
        runner.services = { slow: service };
      },
    });
    first.say({ op: 'ask', id: 1, service: 'slow', request: null });
    await reload(version('b'));
    clock.advance(1000);
    assert.equal(asked[0]!.signal.aborted, true);
    asked[0]!.resolve('late');
    await settle();
    assert.deepEqual(first.heard, []);
    assert.equal(runner.units.length, 2);
  });

  test('that has given its state away asks for nothing until it is clear that it stays', async () => {
    const { asked, service } = slowService();
    const { reload, first } = await serving({
      prepare(runner) {
        runner.services = { slow: service };
        runner.behaviours.a = {
          save(unit, event) {
            unit.say({ op: 'saved', id: event.id, clients: {}, lost: [] });
            unit.say({ op: 'ask', id: 1, service: 'slow', request: null });
          },
        };
        runner.behaviours.broken = {
          start(unit, event) {
            assert.equal(asked.length, 0);
            unit.say({ op: 'ready', id: event.id, ok: false });
          },
        };
      },
    });
    await reload(version('broken'));
    assert.equal(asked.length, 1);
    asked[0]!.resolve(null);
    await settle();
    assert.deepEqual(first.heard, ['answer']);
  });
});
