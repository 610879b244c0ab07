import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessCovers } from '../../../src/application/admission/access.ts';

for (const [list, name, covered] of [
  ['/', 'anything', true],
  ['/', 'a/b', true],
  ['', 'a', false],
  [' ', 'a', false],
  [';', 'a', false],
  ['a', 'a', true],
  ['a', 'a/b/c', true],
  ['a/', 'a/b', true],
  ['/a', 'a', true],
  ['a', '/a', true],
  ['a', 'ab', false],
  ['ab', 'a', false],
  ['a/b', 'a', false],
  ['a/b', 'a/c', false],
  ['x; a ;y', 'a/b', true],
  ['x;y', 'a', false],
  ['A', 'a', false],
] as const) {
  test(`"${list}" ${covered ? 'covers' : 'does not cover'} "${name}"`, () => {
    assert.equal(accessCovers(list, name), covered);
  });
}
