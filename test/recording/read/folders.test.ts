import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamFolders } from '../../../src/recording/read/folders.ts';

const virtual = [
  { prefix: '', folder: '/all' },
  { prefix: 'foo', folder: '/data' },
  { prefix: 'foo/bar', folder: '/deep' },
  { prefix: 'foo', folder: '/more' },
];

function paths(folders: StreamFolders, application: string, instance: string, file: string): string[] {
  return folders.places(application, instance, file).map(({ path }) => path);
}

test('without a mapping files lie in the folder of their instance', () => {
  const folders = new StreamFolders('/apps');
  assert.deepEqual(folders.places('live', 'room', 'a/b.flv'), [
    { path: '/apps/live/streams/room/a/b.flv', folder: '/apps/live/streams', below: 'room/a/b.flv' },
  ]);
});

test('the folder of an instance does not lie in that of another one', () => {
  const folders = new StreamFolders('/apps');
  assert.deepEqual(paths(folders, 'live', 'rooms/7', 'a.flv'), ['/apps/live/streams/rooms%2F7/a.flv']);
  assert.deepEqual(paths(folders, 'live', 'rooms', '7/a.flv'), ['/apps/live/streams/rooms/7/a.flv']);
  assert.equal(folders.formerPlace('live', 'rooms/7', 'a.flv'), '/apps/live/streams/rooms/7/a.flv');
  assert.equal(folders.formerPlace('live', 'rooms', '7/a.flv'), undefined);
});

test('what lies in a mapped folder has no name of the folder around it', () => {
  const folders = new StreamFolders('/apps', () => ({
    storageDir: undefined,
    virtual: [
      { prefix: '', folder: '/media' },
      { prefix: 'members', folder: '/media/private' },
      { prefix: 'all', folder: '/apps/vod/streams' },
    ],
  }));
  const places = (file: string) => paths(folders, 'vod', '_definst_', file);
  assert.deepEqual(places('private/film.flv'), ['/apps/vod/streams/_definst_/private/film.flv']);
  assert.equal(places('members/film.flv')[0], '/media/private/film.flv');
  assert.ok(!places('all/_definst_/a.flv').includes('/apps/vod/streams/_definst_/a.flv'));
  assert.equal(folders.map('vod', '_definst_', 'old', '_definst_/archive'), true);
  assert.ok(places('old/a.flv').includes('/apps/vod/streams/_definst_/archive/a.flv'));
  assert.ok(!places('archive/a.flv').includes('/apps/vod/streams/_definst_/archive/a.flv'));
});

test('StorageDir takes the place of the folder of streams', () => {
  const folders = new StreamFolders('/apps', () => ({ storageDir: '/store', virtual: [] }));
  assert.deepEqual(paths(folders, 'live', '_definst_', 'a.flv'), ['/store/_definst_/a.flv']);
});

test('virtual directories: the longest beginning of a name first, several of one in their order, its own folder last', () => {
  const folders = new StreamFolders('/apps', () => ({ storageDir: undefined, virtual }));
  const own = '/apps/vod/streams/_definst_';
  const places = (file: string) => paths(folders, 'vod', '_definst_', file);
  assert.deepEqual(places('a.flv'), ['/all/a.flv', `${own}/a.flv`]);
  assert.deepEqual(places('foo/a.flv'), ['/data/a.flv', '/more/a.flv', '/all/foo/a.flv', `${own}/foo/a.flv`]);
  assert.equal(places('foo/bar/x.flv')[0], '/deep/x.flv');
  assert.equal(places('foobar/x.flv')[0], '/all/foobar/x.flv', 'elements, not letters');
});

test('scripts map names to folders below their streams, in their instance, and nowhere else', () => {
  const folders = new StreamFolders('/apps');
  const [at] = ['films/a.flv'].map((file) => () => paths(folders, 'live', '_definst_', file)[0]);
  assert.equal(folders.map('live', '_definst_', '/films', 'archive/2026/'), true);
  assert.equal(at!(), '/apps/live/streams/archive/2026/a.flv');
  assert.equal(paths(folders, 'live', 'other', 'films/a.flv')[0], '/apps/live/streams/other/films/a.flv');
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

test('what the script of an instance has mapped ends with the instance, so names of instances leave nothing behind', () => {
  const folders = new StreamFolders('/srv/applications');
  for (let i = 0; i < 100; i += 1) {
    folders.map('live', `room${i}`, 'films', 'archive');
    folders.forget('live', `room${i}`);
  }
  assert.equal(folders.mappedInstances, 0);
  assert.doesNotMatch(paths(folders, 'live', 'room1', 'films/a.flv')[0]!, /archive/);
});
