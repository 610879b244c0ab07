// conf/fms.ini is the settings' reference for operators: it has to say what schema.ts does.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseIni } from '../../src/config/ini.ts';
import { SETTINGS } from '../../src/config/schema.ts';

const text = readFileSync(join(import.meta.dirname, '../../conf/fms.ini'), 'utf8');

/** The comment lines right above a definition, as one line. */
function commentAbove(name: string): string {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.startsWith(`${name} =`));
  const begins = lines.findLastIndex((line, index) => index < at && !line.startsWith('#')) + 1;
  const comment = lines.slice(begins, at).map((line) => line.replace(/^#/, ''));
  return comment.join(' ').replace(/\s+/g, ' ').trim();
}

test('conf/fms.ini has every setting, in the order of the schema, with its default', () => {
  assert.deepEqual(
    [...parseIni(text, 'fms.ini')].map(([name, { value }]) => [name, value]),
    Object.entries(SETTINGS).map(([name, setting]) => [name, setting.default]),
  );
});

for (const [name, setting] of Object.entries(SETTINGS)) {
  test(`conf/fms.ini says what ${name} means, its unit, range and default`, () => {
    const expected = `${setting.meaning} ${setting.expected}; default: ${setting.default || 'nothing'}`;
    assert.equal(commentAbove(name), expected);
  });
}
