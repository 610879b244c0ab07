import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalStreamName } from '../../../src/protocol/rtmp/stream-prefix.ts';
import { Random } from '../../support/random.ts';

test('every spelling of a stream has one name', () => {
  for (const [name, ...spellings] of [
    ['show', 'flv:show', 'FLV:show', 'Flv:show.flv', 'show.flv', 'show.flv.flv'],
    ['private/show', 'flv:private/show', 'private/show.flv'],
    ['mp4:film.mp4', 'mp4:film', 'MP4:film.mp4', 'mP4:film'],
    ['mp4:film.F4V', 'MP4:film.F4V'],
    ['mp3:song', 'MP3:song', 'mp3:song.mp3', 'mp3:song.mp3.mp3'],
    ['id3:song', 'ID3:song.mp3'],
  ] as [string, ...string[]][]) {
    for (const spelling of [name, ...spellings]) assert.equal(canonicalStreamName(spelling), name, spelling);
  }
});

test('names of different streams stay different', () => {
  const names = [
    ...['show', 'Show', 'show.FLV', 'mp4:show', 'mp4:show.f4v', 'mp3:show', 'id3:show', 'show.mp4', 'show '],
    ...[
      '/show',
      'a//show',
      './show',
      'flv:mp4:show',
      'studio:show',
      'flv',
      '.flv',
      'a/.flv',
      'mp4:',
      'mp4:a/',
    ],
  ];
  const canonical = names.map(canonicalStreamName);
  assert.equal(new Set(canonical).size, names.length, String(canonical));
});

test('what it returns is its own result, and no spelling makes it another prefix', () => {
  const random = new Random(16);
  const parts = [
    'flv',
    'FLV',
    'mp4',
    'mp3',
    'id3',
    ':',
    '.',
    '.flv',
    '.mp4',
    '.F4V',
    '.mp3',
    '/',
    'a',
    'É',
    '%2F',
    ' ',
  ];
  for (let i = 0; i < 20_000; i += 1) {
    const name = Array.from({ length: 1 + random.below(6) }, () => random.pick(parts)).join('');
    const once = canonicalStreamName(name);
    assert.equal(canonicalStreamName(once), once, name);
  }
});
