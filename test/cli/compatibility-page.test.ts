// docs/compatibility.md: what scripts do not find here is what understudy check says so of (src/cli/fms-surface.ts).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ABSENT_CLASSES, ABSENT_FILES, ABSENT_FUNCTIONS, ABSENT_MEMBERS } from '../../src/cli/fms-surface.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/compatibility.md'), 'utf8');

test('docs/compatibility.md lists what is absent from scripts, and nothing that has come', () => {
  const [, section = ''] = /^## Absent from scripts$([\s\S]*?)^## /m.exec(PAGE) ?? [];
  const rows = [...section.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, names]) =>
    [...names!.matchAll(/`([\w.]+)`/g)].map(([, name]) => name!),
  );
  const absent = [
    ...[ABSENT_CLASSES, ABSENT_FUNCTIONS, ABSENT_FILES].flatMap(Object.keys),
    ...Object.entries(ABSENT_MEMBERS).flatMap(([of, members]) =>
      Object.keys(members).map((member) => `${of}.${member}`),
    ),
  ];
  assert.deepEqual(rows.sort(), absent.sort());
});
