// test/README.md says where a test is looked for: its table names every folder and file of test/, and nothing else.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const HERE = import.meta.dirname;

test('the table of test/README.md names all that is in test/, and nothing that is not', () => {
  const readme = readFileSync(join(HERE, 'README.md'), 'utf8');
  const cells = [...readme.matchAll(/^\| (`[^|]+) \|/gm)].map((row) => row[1]!);
  const named = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((name) => name[1]!));
  const there = readdirSync(HERE, { withFileTypes: true })
    .filter(({ name }) => name !== 'README.md')
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
  assert.deepEqual(named.toSorted(), there.toSorted());
});
