// docs/log-events.md and the table behind it. That each line's event stands in the table is held by the compiler (Log in log.ts).
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatLogEvents } from '../../src/cli/log-events-page.ts';
import { LOG_EVENTS } from '../../src/log/events.ts';
import { tokenize } from '../support/source.ts';

const ROOT = join(import.meta.dirname, '../..');
const REFUSED = '-refused';

test('docs/log-events.md says what the table of events says', () => {
  const page = readFileSync(join(ROOT, 'docs/log-events.md'), 'utf8');
  assert.ok(page === formatLogEvents(), 'src/log/events.ts has changed: run "npm run docs" and commit docs/');
});

test('every event of the table is written somewhere', () => {
  const files = globSync('src/**/*.ts', { cwd: ROOT }).filter((path) => path !== 'src/log/events.ts');
  const texts = new Set(
    files.flatMap((path) =>
      tokenize(readFileSync(join(ROOT, path), 'utf8'))
        .filter(({ kind }) => kind === 'string')
        .map(({ text }) => text),
    ),
  );
  // adaptor/link/refusals.ts puts some together: `${what}-refused`
  const isWritten = (name: string) =>
    texts.has(name) || (name.endsWith(REFUSED) && texts.has(name.slice(0, -REFUSED.length)));
  assert.deepEqual(
    Object.keys(LOG_EVENTS).filter((name) => !isWritten(name)),
    [],
  );
});
