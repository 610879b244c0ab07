import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Publishers, parsePublishers } from '../../src/config/publishers.ts';

const HASH = 'nH/wwoMvUqlOwjMLFsch0w==';
const HA1 = '4c3de86fdb859cfc8f76c1c0827ffb6f';

test('users are read: plain passwords to the end of the line, hashes of both kinds, several lines for one', () => {
  const { users, problems } = parsePublishers(
    `\ufeff# who may publish\r\n\r\nann:plain:a:b c\r\npub:adobe:Xq3s:${HASH}\npub:llnw:${HA1}\n`,
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(Object.fromEntries(users), {
    ann: [{ kind: 'plain', password: 'a:b c' }],
    pub: [
      { kind: 'adobe', salt: 'Xq3s', hash: HASH },
      { kind: 'llnw', hash: HA1 },
    ],
  });
});

test('a line that is wrong is named by its number and not by what stands in it', () => {
  const wrong = [
    ...['hunter2', 'ann:hunter2', 'ann:plain:', 'a b:plain:hunter2', ':plain:hunter2', 'ann:sha1:hunter2'],
    ...['ann:adobe:hunter2', `ann:adobe:${HASH}`, `ann:adobe:salt:${HASH}:x`, `ann:adobe:a b:${HASH}`],
    ...['ann:llnw:hunter2', `ann:llnw:${HA1}0`, `${'n'.repeat(65)}:plain:hunter2`],
  ];
  const { users, problems } = parsePublishers(wrong.join('\n'));
  assert.equal(users.size, 0);
  assert.deepEqual(
    problems,
    wrong.map((_, i) => `${i + 1}: expected name:plain:PASSWORD, name:adobe:SALT:HASH or name:llnw:HASH`),
  );
});

function fileIn(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-publishers-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'users');
}

test('the file is read again when it has changed', async (t) => {
  const file = fileIn(t);
  const publishers = new Publishers(() => assert.fail('there is nothing to say'));
  writeFileSync(file, 'ann:plain:one\n');
  assert.deepEqual(await publishers.of(file, 'ann'), [{ kind: 'plain', password: 'one' }]);
  assert.deepEqual(await publishers.of(file, 'bob'), []);
  writeFileSync(file, 'ann:plain:another\nbob:plain:two\n');
  assert.deepEqual(await publishers.of(file, 'ann'), [{ kind: 'plain', password: 'another' }]);
  assert.deepEqual(await publishers.of(file, 'bob'), [{ kind: 'plain', password: 'two' }]);
});

test('a file that is missing or bad has nobody in it, and is said once', async (t) => {
  const file = fileIn(t);
  const said: string[] = [];
  const publishers = new Publishers(({ level, text }) =>
    said.push(`${level}: ${text.replaceAll(file, 'users')}`),
  );
  for (let i = 0; i < 3; i += 1) assert.deepEqual(await publishers.of(file, 'ann'), []);
  assert.equal(said.length, 1);
  assert.match(said[0]!, /^info: users: the users cannot be read: there is no such file$/);
  writeFileSync(file, 'ann:plain:one\noops\n');
  for (let i = 0; i < 3; i += 1) assert.equal((await publishers.of(file, 'ann')).length, 1);
  assert.equal(said.length, 2);
  assert.match(said[1]!, /^error: users:2: expected name:.*; the line is ignored$/);
  rmSync(file);
  assert.deepEqual(await publishers.of(file, 'ann'), [], 'who was in it is not in it any more');
});

test('of one user ten lines count, and a file of a million lines or more has nobody in it', async (t) => {
  const file = fileIn(t);
  const said: string[] = [];
  const publishers = new Publishers(({ text }) => said.push(text.replaceAll(file, 'users')));
  writeFileSync(file, 'ann:plain:x\n'.repeat(40_000));
  assert.equal((await publishers.of(file, 'ann')).length, 10);
  writeFileSync(file, '\n'.repeat(1_000_000));
  assert.deepEqual(await publishers.of(file, 'ann'), []);
  assert.deepEqual(said, ['users: the users cannot be read: more than 50000 lines']);
});

test('a file that is a pipe or a device has nobody in it, and keeps nobody waiting', async (t) => {
  const file = fileIn(t);
  const said: string[] = [];
  const publishers = new Publishers(({ text }) => said.push(text.replaceAll(file, 'users')));
  execFileSync('mkfifo', [file]);
  assert.deepEqual(await publishers.of(file, 'ann'), []);
  rmSync(file);
  symlinkSync('/dev/zero', file);
  assert.deepEqual(await publishers.of(file, 'ann'), []);
  assert.deepEqual(said, [
    'users: the users cannot be read: expected a regular file, found a named pipe',
    'users: the users cannot be read: expected a regular file, found a device',
  ]);
});

test('of a hundred logins at a time one reads the file', async (t) => {
  const file = fileIn(t);
  const publishers = new Publishers(({ text }) => said.push(text));
  const said: string[] = [];
  writeFileSync(file, 'ann:plain:one\noops\n');
  const found = await Promise.all(Array.from({ length: 100 }, () => publishers.of(file, 'ann')));
  assert.ok(found.every((entries) => entries.length === 1));
  assert.equal(said.length, 1);
});
