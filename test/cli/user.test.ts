import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parsePublishers } from '../../src/config/publishers.ts';
import { adobeHash, llnwHash } from '../../src/protocol/rtmp/publisher-auth.ts';
import { rootWith, understudy, understudyReading } from './support.ts';

test('user add keeps hashes for both schemes, readable for the owner alone; again it changes the password', async (t) => {
  const root = rootWith(t);
  const file = join(root, 'conf', 'users');
  assert.match(
    (await understudyReading('secret', 'user', 'add', 'ann', '--root', root)).printed[0]!,
    /ann has been added\.$/,
  );
  assert.match(
    (await understudyReading('apple', 'user', 'add', 'bob', '--root', root)).printed[0]!,
    /bob has been added\.$/,
  );
  const changed = await understudyReading('better', 'user', 'add', 'ann', '--root', root);
  assert.equal(changed.exitCode, 0);
  assert.match(changed.printed[0]!, /ann has a new password\.$/);

  assert.equal(statSync(file).mode & 0o777, 0o600);
  const text = readFileSync(file, 'utf8');
  assert.doesNotMatch(text, /secret|better|apple/);
  const { users, problems } = parsePublishers(text);
  assert.deepEqual(problems, []);
  assert.deepEqual([...users.keys()], ['bob', 'ann']);
  const [adobe, llnw] = users.get('ann')!;
  assert.ok(adobe?.kind === 'adobe' && llnw?.kind === 'llnw');
  assert.match(adobe.salt, /^[\w-]{8}$/, 'as the salts of users that there are not');
  assert.equal(adobe.hash, adobeHash('ann', adobe.salt, 'better'));
  assert.equal(llnw.hash, llnwHash('ann', 'better'));
});

test('user remove takes the lines of that user, and leaves the others and comments as they are', async (t) => {
  const root = rootWith(t);
  mkdirSync(join(root, 'conf'));
  writeFileSync(join(root, 'conf', 'users'), '# ours\nann:plain:one\nannette:plain:two\nann:plain:three');
  const { exitCode, printed } = await understudy('user', 'remove', 'ann', '--root', root);
  assert.equal(exitCode, 0);
  assert.match(printed[0]!, /ann has been removed\.$/);
  assert.equal(readFileSync(join(root, 'conf', 'users'), 'utf8'), '# ours\nannette:plain:two\n');
});

test('user says what is wrong: a name that cannot be, no password, nobody to remove', async (t) => {
  const root = rootWith(t);
  for (const name of ['a:b', 'a b', '', 'n'.repeat(65)]) {
    assert.equal((await understudyReading('secret', 'user', 'add', name, '--root', root)).exitCode, 2, name);
  }
  const empty = await understudy('user', 'add', 'ann', '--root', root);
  assert.equal(empty.exitCode, 1);
  assert.deepEqual(empty.errors, [
    'understudy: no password was given: type one, or write it to standard input',
  ]);
  const nobody = await understudy('user', 'remove', 'ann', '--root', root);
  assert.equal(nobody.exitCode, 1);
  assert.match(nobody.errors[0]!, /users has no user 'ann'$/);
});
