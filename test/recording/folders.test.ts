import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamFolders } from '../../src/recording/folders.ts';

const virtual = [
  { prefix: '', folder: '/all' },
  { prefix: 'foo', folder: '/data' },
  { prefix: 'foo/bar', folder: '/deep' },
  { prefix: 'foo', folder: '/more' },
];

test('without a mapping files lie in the folder of their instance', () => {
  const folders = new StreamFolders('/apps');
  assert.deepEqual(folders.places('live', 'rooms/7', 'a/b.flv'), ['/apps/live/streams/rooms/7/a/b.flv']);
});

test('StorageDir takes the place of the folder of streams', () => {
  const folders = new StreamFolders('/apps', () => ({ storageDir: '/store', virtual: [] }));
  assert.deepEqual(folders.places('live', '_definst_', 'a.flv'), ['/store/_definst_/a.flv']);
});

test('virtual directories: the longest beginning of a name first, several of one in their order, its own folder last', () => {
  const folders = new StreamFolders('/apps', () => ({ storageDir: undefined, virtual }));
  const own = '/apps/vod/streams/_definst_';
  const places = (file: string) => folders.places('vod', '_definst_', file);
  assert.deepEqual(places('a.flv'), ['/all/a.flv', `${own}/a.flv`]);
  assert.deepEqual(places('foo/a.flv'), ['/data/a.flv', '/more/a.flv', '/all/foo/a.flv', `${own}/foo/a.flv`]);
  assert.equal(places('foo/bar/x.flv')[0], '/deep/x.flv');
  assert.equal(places('foobar/x.flv')[0], '/all/foobar/x.flv', 'elements, not letters');
});

test('scripts map names to folders below their streams, in their instance, and nowhere else', () => {
  const folders = new StreamFolders('/apps');
  const [at] = ['films/a.flv'].map((file) => () => folders.places('live', '_definst_', file)[0]);
  assert.equal(folders.map('live', '_definst_', '/films', 'archive/2026/'), true);
  assert.equal(at!(), '/apps/live/streams/archive/2026/a.flv');
  assert.equal(folders.places('live', 'other', 'films/a.flv')[0], '/apps/live/streams/other/films/a.flv');
  assert.equal(folders.map('live', '_definst_', '/films', ''), true);
  assert.equal(at!(), '/apps/live/streams/_definst_/films/a.flv');
  for (const [prefix, folder] of [
    ['films', '../../secret'],
    ['films', 'a/../../b'],
    ['films', '.hidden'],
    ['../films', 'a'],
    ['films', 'a\\b'],
  ] as const) {
    assert.equal(folders.map('live', '_definst_', prefix, folder), false, `${prefix} to ${folder}`);
  }
  assert.equal(at!(), '/apps/live/streams/_definst_/films/a.flv');
});

test('a script cannot map without end', () => {
  const folders = new StreamFolders('/apps');
  for (let i = 0; i < 100; i += 1) assert.equal(folders.map('live', 'i', `p${i}`, 'a'), true);
  assert.equal(folders.map('live', 'i', 'p100', 'a'), false);
  assert.equal(folders.map('live', 'i', 'p1', 'b'), true);
});
