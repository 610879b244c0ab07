import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempDisposableSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import { parseDotenv, readDotenv } from '../../src/config/dotenv.ts';
import { CollectedMistakes } from '../../src/config/mistakes.ts';

const TEXT = `
# a comment
A=1
  B = two words
C="three # and more" # a comment
D='$HOME \${A}'
export E=five#six
F=
G=seven # a comment
`;

test('names and values are what Node reads in the same file; nothing is replaced', () => {
  const values = parseDotenv(TEXT, '.env');
  assert.deepEqual({ ...values }, { ...parseEnv(TEXT), E: 'five#six' });
  assert.equal(values.D, '$HOME ${A}');
});

test('lines end as on every system, and a byte order mark is no part of a name', () => {
  assert.deepEqual({ ...parseDotenv('\ufeffA=1\r\nB=2\rC=3', '.env') }, { A: '1', B: '2', C: '3' });
});

test('a separator of lines that ends no line here is part of a value, wherever it stands', () => {
  assert.deepEqual(
    { ...parseDotenv('A=1 \u2028 2\nB="\u2028 # 3" # \u2029\nC= 4 # \u2028', '.env') },
    { A: '1 \u2028 2', B: '\u2028 # 3', C: '4' },
  );
});

test('a name of Object.prototype is a name like others', () => {
  assert.deepEqual(Object.entries(parseDotenv('__proto__=x\nconstructor=y', '.env')), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
});

test('what cannot be read says its line and not its value', () => {
  for (const [text, line, what] of [
    ['A=1\nsecret', 2, 'expected NAME=value'],
    ['1A=secret', 1, 'expected NAME=value'],
    ['A="secret', 1, 'the value of A has no closing quote'],
  ] as const) {
    assert.throws(
      () => parseDotenv(text, 'applications/shop/.env'),
      (error: Error) =>
        error.message.startsWith(`applications/shop/.env:${line}: ${what}`) &&
        !error.message.includes('secret'),
    );
  }
});

test('all mistakes can be had at once, and what is right beside them', () => {
  const mistakes = new CollectedMistakes();
  const values = parseDotenv('A=1\nsecret\n=x\nB="y\nC=2', '.env', mistakes);
  assert.deepEqual({ ...values }, { A: '1', C: '2' });
  assert.deepEqual(
    mistakes.all.map(({ place }) => place?.line),
    [2, 3, 4],
  );
});

test('a file that is endless, a pipe or too large is refused at once', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'understudy-dotenv-'));
  const file = join(folder.path, '.env');
  const refused = async (what: RegExp) => {
    await assert.rejects(readDotenv(folder.path, 'shop'), { message: what, code: 'ERR_CONFIG_READ' });
    execFileSync('rm', [file]);
  };
  symlinkSync('/dev/zero', file);
  await refused(/^shop\/\.env: expected a regular file, found a device$/);
  execFileSync('mkfifo', [file]);
  await refused(/^shop\/\.env: expected a regular file, found a named pipe$/);
  writeFileSync(file, `A=${'x'.repeat(64 << 10)}`);
  await refused(/^shop\/\.env: 65538 bytes: expected at most 65536$/);
  assert.equal(await readDotenv(folder.path, 'shop'), undefined);
});
