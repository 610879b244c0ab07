import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { test } from 'node:test';
import pino from 'pino';
import { isJournal } from '../../src/cli/service-manager.ts';
import { logSettings, withPriorities } from '../../src/log/log.ts';

test('each line for the journal begins with the priority of its level', () => {
  const lines: string[] = [];
  const log = pino(logSettings('debug'), withPriorities({ write: (line) => lines.push(line) }));
  log.child({ client: 'a' }).error('e');
  for (const level of ['warn', 'info', 'debug'] as const) log[level](level);
  assert.deepEqual(
    lines.map((line) => [line.slice(0, 3), JSON.parse(line.slice(3)).level]),
    [
      ['<3>', 'error'],
      ['<4>', 'warn'],
      ['<6>', 'info'],
      ['<7>', 'debug'],
    ],
  );
});

test('the journal is known by the device and inode of what it reads', () => {
  const descriptor = openSync('/dev/null', 'r');
  const { dev, ino } = fstatSync(descriptor);
  try {
    assert.ok(isJournal({ JOURNAL_STREAM: `${dev}:${ino}` }, descriptor));
    assert.ok(!isJournal({ JOURNAL_STREAM: `${dev}:${ino + 1}` }, descriptor));
    assert.ok(!isJournal({}, descriptor));
  } finally {
    closeSync(descriptor);
  }
});
