import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findMainScript } from '../../../src/script/source/main-script.ts';
import { Folder } from '../support/folder.ts';

test('a main script in other letters is looked for among so many names, and one in its own letters by its name', async () => {
  await using folder = await Folder.create({ 'SCRIPTS/Main.asc': '', a: '', b: '', c: '' });
  const path = (maxNames?: number) => findMainScript(folder.path, 'chat', maxNames)?.path;
  assert.equal(path(), 'SCRIPTS/Main.asc');
  assert.equal(path(5), 'SCRIPTS/Main.asc');
  assert.equal(path(4), undefined, 'the folder itself has four');
  await folder.write('main.js', '');
  assert.equal(path(0), 'main.js');
});
