import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ApplicationsFolder } from '../../src/wiring/applications-folder.ts';

function makeFolder(): ApplicationsFolder & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'understudy-applications-'));
  return Object.assign(new ApplicationsFolder(path), {
    [Symbol.dispose]: () => rmSync(path, { recursive: true }),
  });
}

test('folders, and links to folders, whose names an application can have are applications', () => {
  using folder = makeFolder();
  for (const name of ['vod', 'live', '.removed']) mkdirSync(join(folder.path, name));
  writeFileSync(join(folder.path, 'README.md'), '');
  symlinkSync(join(folder.path, 'live'), join(folder.path, 'stage'));
  symlinkSync(join(folder.path, 'README.md'), join(folder.path, 'file'));
  assert.deepEqual(folder.names(), ['live', 'stage', 'vod']);
  assert.ok(folder.has('stage'));
  assert.ok(!folder.has('file'));
});

test('an application that is removed is moved away with its recordings', () => {
  using folder = makeFolder();
  folder.add('live');
  mkdirSync(join(folder.path, 'live', 'streams'));
  const place = folder.remove('live');
  assert.deepEqual(folder.names(), []);
  assert.ok(existsSync(join(place, 'streams')));
});

test('the server writes to streams/ and store/ of each application', () => {
  using folder = makeFolder();
  folder.add('live');
  assert.deepEqual(folder.ownFolders(), [
    join(folder.path, 'live', 'streams'),
    join(folder.path, 'live', 'store'),
  ]);
});

test('a file of an application is named from its folder, any other by its whole path', () => {
  using folder = makeFolder();
  const own = join(folder.path, 'live', 'main.ts');
  assert.equal(folder.placeIn('live', own), 'main.ts');
  assert.equal(folder.placeIn('vod', own), own);
});

test('where there is no folder there are no applications', () => {
  assert.deepEqual(new ApplicationsFolder('/nowhere/at/all').names(), []);
});
