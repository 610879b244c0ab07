// One file has one pair of instance and stream name, whatever it is asked by.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { canonicalStreamName } from '../../../src/protocol/rtmp/stream-prefix.ts';
import { StreamFolders } from '../../../src/recording/read/folders.ts';
import { MediaLibrary } from '../../../src/recording/read/library.ts';
import { mediaName, streamName } from '../../../src/recording/read/media-name.ts';
import { recordingName } from '../../../src/recording/write/files.ts';
import { folderName, nameProblem } from '../../../src/storage/names.ts';
import { keepingLog } from '../../support/core.ts';
import { flvFile } from '../../support/flv.ts';
import { Random } from '../../support/random.ts';

const ELEMENTS = [
  'a',
  'b',
  'A',
  '_definst_',
  'private',
  'a%2Fb',
  '%252F',
  '%2f',
  '%',
  '%~',
  'x.flv',
  'x.mp4',
  'x.mp3',
  'x',
  'caf\u00e9',
  'cafe\u0301',
  'a b',
];
const PREFIXES = ['', '', 'flv:', 'FLV:', 'mp4:', 'MP4:', 'mp3:', 'id3:'];
const SUFFIXES = ['', '', '.flv', '.FLV', '.mp4', '.f4v', '.mp3', '.flv.flv'];

function someName(random: Random): string {
  return Array.from({ length: 1 + random.below(3) }, () => random.pick(ELEMENTS)).join('/');
}

/** Instance and stream, each as it is called by all. `id3:` is what is said about the sound of `mp3:`. */
function pairOf(instance: string, stream: string): string {
  return JSON.stringify([instance, canonicalStreamName(stream).replace(/^id3:/, 'mp3:')]);
}

test('over many spellings: a path is reached by one pair of instance and name only, for playing and for recording', () => {
  const folders = new StreamFolders('/apps');
  const random = new Random(3);
  const owners = new Map<string, string>();
  const claim = (path: string, pair: string) => {
    const owner = owners.get(path);
    assert.ok(owner === undefined || owner === pair, `${path}: ${owner} and ${pair}`);
    owners.set(path, pair);
  };
  for (let i = 0; i < 12_000; i += 1) {
    const instance = someName(random);
    const stream = `${random.pick(PREFIXES)}${someName(random)}${random.pick(SUFFIXES)}`;
    const pair = pairOf(instance, stream);
    for (const file of mediaName(stream)?.files ?? [])
      for (const { path } of folders.places('live', instance, file)) claim(path, pair);
    if (/^(mp3|id3):/i.test(stream)) continue;
    const request = { application: 'live', instance, stream, mode: 'record', limits: {} } as const;
    const { file, name } = recordingName(request, 1, new Date(0));
    assert.equal(pairOf(instance, name), pair, 'what players ask for is what was published');
    claim(folders.places('live', instance, file)[0]!.path, pair);
  }
  assert.ok(owners.size > 2_000, String(owners.size));
});

test('what is recorded under a name is what is found under it first', () => {
  for (const stream of ['show', 'flv:show.flv', 'old.FLV', 'mp4:film', 'mp4:film.f4v', 'mp4:a.flv', 'a/b']) {
    const request = { application: 'live', instance: 'i', stream, mode: 'record', limits: {} } as const;
    const { file, name } = recordingName(request, 1, new Date(0));
    assert.equal(mediaName(stream)!.files[0], file, stream);
    assert.equal(mediaName(name)!.files[0], file, name);
    assert.equal(streamName(file), canonicalStreamName(name), file);
  }
});

test('streams that a script records to {stream} have files of their own, whatever their names hold', () => {
  const streams = ['a/b', 'a_b', 'a%2Fb', 'a:b', 'a%3Ab', '.a', '_a', '%2Ea', '..a'];
  const files = streams.map((stream) => {
    const request = {
      application: 'live',
      instance: 'i',
      stream,
      mode: 'record',
      limits: {},
      file: '{stream}',
    } as const;
    return recordingName(request, 1, new Date(0)).file;
  });
  assert.equal(new Set(files).size, streams.length, String(files));
});

test('instances never have one folder, in no case of letters, and a long name has one too', () => {
  const random = new Random(7);
  const owners = new Map<string, string>();
  for (let i = 0; i < 20_000; i += 1) {
    const instance = someName(random).toLowerCase();
    const folder = folderName(instance);
    assert.equal(nameProblem(folder), undefined, folder);
    assert.ok(!folder.includes('/'));
    const owner = owners.get(folder.toLowerCase());
    assert.ok(owner === undefined || owner === instance, `${folder}: ${owner} and ${instance}`);
    owners.set(folder.toLowerCase(), instance);
  }
  const long = Array.from({ length: 5 }, () => 'x'.repeat(150)).join('/');
  assert.equal(nameProblem(folderName(long)), undefined);
  assert.notEqual(folderName(long), folderName(`${long}y`));
});

async function library(files: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-names-'));
  const { log, records } = keepingLog();
  for (const file of files) {
    const path = join(folder, 'live/streams', file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, flvFile({ ms: 200 }).bytes);
  }
  const recorded = new MediaLibrary(new StreamFolders(folder), { find: () => undefined }, log);
  const find = async (instance: string, name: string) => {
    const stream = await recorded.open({ application: 'live', instance, name, chunkBytes: 4096 });
    stream?.close();
    return stream?.path.slice(join(folder, 'live/streams/').length);
  };
  return { recorded, find, records, remove: () => rmSync(folder, { recursive: true }) };
}

test('a file of a folder is found by its instance only, and not by an instance that is called like the folder', async (t) => {
  const { find, records, recorded, remove } = await library([
    '_definst_/private/film.flv',
    'rooms%2F7/talk.flv',
  ]);
  t.after(remove);
  assert.equal(await find('_definst_', 'private/film'), '_definst_/private/film.flv');
  assert.equal(await find('_definst_/private', 'film'), undefined);
  assert.equal(await find('_definst_/private', 'film'), undefined);
  assert.equal(await find('rooms/7', 'talk'), 'rooms%2F7/talk.flv');
  assert.equal(await find('rooms', '7/talk'), undefined);
  assert.equal(await find('rooms%2F7', 'talk'), undefined);
  assert.deepEqual(await recorded.names('live', 'rooms/7', 10), ['talk']);
  assert.deepEqual(await recorded.names('live', '_definst_', 10), ['private/film']);
  const lines = records.filter(({ event }) => event === 'recordings-elsewhere');
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    [
      'live: streams/_definst_/private has recordings of the instance _definst_, with names private/…: if they are those of the ' +
        'instance _definst_/private, move that folder to streams/_definst_%2Fprivate',
    ],
  );
});

test('files of the version before are found by the names that they had', async (t) => {
  const files = [
    '_definst_/show.flv',
    '_definst_/cam.flv.flv',
    '_definst_/old.FLV',
    '_definst_/a/b.flv',
    'room/x.flv',
  ];
  const { find, remove } = await library(files);
  t.after(remove);
  assert.equal(await find('_definst_', 'show'), '_definst_/show.flv');
  assert.equal(await find('_definst_', 'show.flv'), '_definst_/show.flv');
  assert.equal(await find('_definst_', 'cam.flv'), '_definst_/cam.flv.flv');
  assert.equal(await find('_definst_', 'old.FLV'), '_definst_/old.FLV');
  assert.equal(await find('_definst_', 'a/b'), '_definst_/a/b.flv');
  assert.equal(await find('room', 'x'), 'room/x.flv');
  assert.deepEqual(mediaName('mp4:film')!.files, ['film.mp4', 'film'], 'a film without an extension');
});
