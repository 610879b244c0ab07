// docs/architecture.md: a line for each file of src/, in the words of the file's first comment.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileLines, withFileList } from '../src/cli/files-page.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../docs/architecture.md'), 'utf8');

test('each file of src/ begins with a comment that says what it is for', () => {
  const silent = fileLines().filter(({ text }) => text === '');
  assert.deepEqual(
    silent.map(({ path }) => `src/${path}`),
    [],
    'begin these files with a sentence, "// …", and run "npm run docs"',
  );
});

test('docs/architecture.md has a line for each file of src/, and no line without a file', () => {
  const linesOf = (page: string) => page.split('\n').filter((line) => /^(### |- `)/.test(line));
  const [now, wanted] = [linesOf(PAGE), linesOf(withFileList(PAGE))];
  assert.deepEqual(
    {
      missing: wanted.filter((line) => !now.includes(line)),
      stale: now.filter((line) => !wanted.includes(line)),
    },
    { missing: [], stale: [] },
    'a file came, went, or has another first comment: run "npm run docs" and commit docs/architecture.md',
  );
  assert.equal(PAGE, withFileList(PAGE), 'run "npm run docs"');
});
