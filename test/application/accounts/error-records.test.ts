import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ErrorFacts,
  ErrorRecords,
  formatError,
} from '../../../src/application/accounts/error-records.ts';
import { ConfigError } from '../../../src/errors.ts';

const BOOM: ErrorFacts = {
  ...{
    application: 'live',
    instance: '_definst_',
    kind: 'handler',
    handler: 'onPlay',
    message: 'TypeError: boom',
  },
  ...{ file: 'lib/a.ts', line: 3, column: 7 },
  frames: [
    { function: 'check', file: 'lib/a.ts', line: 3, column: 7 },
    { function: 'Array.map' },
    { file: 'main.ts' },
  ],
};

function setUp() {
  const now = { ms: Date.UTC(2026, 0, 1) };
  let lastId = 0;
  const errors = new ErrorRecords({ nowMs: () => now.ms, nextId: () => ++lastId });
  const fail = (key: string, application = 'live') =>
    errors.repeat(application, key, { client: `client ${key}` }) ??
    errors.add(key, { ...BOOM, application, message: key });
  return { now, errors, fail };
}

test('an error that keeps coming is one record, which says when it came first and last and whom it met', () => {
  const { now, errors, fail } = setUp();
  fail('a');
  now.ms += 50_000;
  fail('a');
  now.ms += 50_000;
  fail('b');
  fail('a');
  const [a, b] = errors.recent('live');
  assert.deepEqual([a!.id, a!.count, a!.client], [1, 3, 'client a']);
  assert.deepEqual([a!.time, a!.lastTime], ['2026-01-01T00:00:00.000Z', '2026-01-01T00:01:40.000Z']);
  assert.deepEqual([b!.id, b!.count, b!.client], [2, 1, undefined]);
});

test('after a minute without it the same error is news', () => {
  const { now, errors, fail } = setUp();
  fail('a');
  now.ms += 60_001;
  fail('a');
  fail('a');
  assert.deepEqual(
    errors.recent('live').map(({ id, count }) => [id, count]),
    [
      [1, 1],
      [2, 2],
    ],
  );
});

test('of each application the last hundred are kept, and told in the order of their ids', () => {
  const { errors, fail } = setUp();
  for (let i = 1; i <= 150; i += 1) fail(`${i}`);
  fail('x', 'other');
  fail('100');
  const live = errors.recent('live');
  assert.deepEqual([live.length, live[0]!.message, live.at(-1)!.message], [100, '51', '150']);
  assert.equal(live.find(({ message }) => message === '100')!.count, 2);
  assert.deepEqual(errors.recent('nothing'), []);
  assert.deepEqual([errors.recent().length, errors.recent().at(-1)!.application], [101, 'other']);
});

test('whoever listens is told of each time, until he has had enough', () => {
  const { errors, fail } = setUp();
  const heard: string[] = [];
  const stop = errors.listen(({ message, count }) => heard.push(`${message} ${count}`));
  fail('a');
  fail('a');
  stop();
  fail('b');
  assert.deepEqual(heard, ['a 1', 'a 2']);
});

test('it is shown with its place first, so that editors and terminals make links of it', () => {
  assert.equal(
    formatError({ ...BOOM, count: 3 }),
    'live/lib/a.ts:3:7: onPlay: TypeError: boom (3 times)\n' +
      '    at check (live/lib/a.ts:3:7)\n    at Array.map (<anonymous>)\n    at live/main.ts',
  );
  const bare: ErrorFacts = { application: 'live', kind: 'crash', message: 'gone', frames: [] };
  assert.equal(formatError(bare), 'live: gone');
});

test('settings that cannot be read are among them, by file and line', () => {
  const { errors } = setUp();
  const place = { file: 'applications/live/Application.xml', line: 3 };
  const error = new ConfigError('ERR_CONFIG_VALUE', 'Mode = on: expected off', { place });
  errors.settings('live', error);
  errors.settings('live', error);
  const [record, ...more] = errors.recent('live');
  assert.deepEqual(more, []);
  assert.deepEqual([record!.kind, record!.count], ['settings', 2]);
  assert.equal(formatError({ ...record!, count: 1 }), 'live/Application.xml:3: Mode = on: expected off');
});
