import assert from 'node:assert/strict';
import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findsOtherSpelling, hasOtherSpelling, isSpelledOtherwise } from '../../src/storage/spelling.ts';

/** A disk with these files, that takes spellings for each other as `fold` says. */
function disk(paths: readonly string[], fold: (text: string) => string) {
  const all = new Set(
    paths.flatMap((path) => path.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/'))),
  );
  return (name: string): boolean | undefined => {
    const questions = isSpelledOtherwise('/', name);
    let next = questions.next();
    while (!next.done) {
      const asked = next.value;
      if ('what' in asked) {
        next = questions.next([...all].find((path) => fold(`/${path}`) === fold(asked.what)));
      } else {
        const folder = asked.in === '/' ? '' : `${asked.in.slice(1)}/`;
        const inside = [...all].filter((path) => fold(path).startsWith(fold(folder)));
        next = questions.next(
          inside.some((path) => path.slice(folder.length).split('/')[0] === asked.isListed),
        );
      }
    }
    return next.value;
  };
}

const FILES = ['_definst_/private/film.flv', '_definst_/caf\u00e9.flv', '_definst_/straße.flv', 'room/7.flv'];

test('on a disk that takes upper case for lower case a file is found by the name that is listed, and by no other', () => {
  const isOther = disk(FILES, (text) => text.toUpperCase());
  for (const name of FILES) assert.equal(isOther(name), false, name);
  for (const name of [
    ...[
      '_definst_/PRIVATE/film.flv',
      '_definst_/private/Film.flv',
      '_definst_/private/film.FLV',
      '_DEFINST_/private/film.flv',
    ],
    ...['ROOM/7.flv', '_definst_/CAF\u00c9.flv', '_definst_/STRASSE.flv', '_definst_/strasse.flv'],
  ]) {
    assert.equal(isOther(name), true, name);
  }
  assert.equal(isOther('_definst_/PRIVATE/new.flv'), true, 'nothing is there, but its folder is');
  assert.equal(isOther('_definst_/new.flv'), false);
});

test('on a disk that takes a letter and its accent for the letter with its accent the listed name counts', () => {
  const isOther = disk(FILES, (text) => text.normalize('NFC'));
  assert.equal(isOther('_definst_/caf\u00e9.flv'), false);
  assert.equal(isOther('_definst_/cafe\u0301.flv'), true);
});

test('on a disk that tells them apart every file has its name, also where two names are one file by a link', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-spelling-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'a'));
  writeFileSync(join(folder, 'a/film.flv'), '');
  linkSync(join(folder, 'a/film.flv'), join(folder, 'a/FILM.FLV'));
  for (const name of ['a/film.flv', 'a/FILM.FLV', 'a/none.flv', 'none/film.flv']) {
    assert.equal(hasOtherSpelling(folder, name), false, name);
    assert.equal(await findsOtherSpelling(folder, name), false, name);
  }
});

test('the media look at a bounded number of names of a folder, and ask later where those do not tell', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-spelling-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'film.flv'), '');
  linkSync(join(folder, 'film.flv'), join(folder, 'FILM.FLV'));
  const names = ['film.flv', 'FILM.FLV'];
  assert.deepEqual(
    names.map((name) => hasOtherSpelling(folder, name, 0)),
    [undefined, undefined],
  );
  for (let i = 0; i < 1_500; i += 1) linkSync(join(folder, 'film.flv'), join(folder, `${i}.flv`));
  for (const name of names) assert.equal(await findsOtherSpelling(folder, name), false, name);
  for (const name of names) assert.equal(hasOtherSpelling(folder, name, 1_502), false, name);
});
