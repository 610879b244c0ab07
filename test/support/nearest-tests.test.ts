import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestTests } from './nearest-tests.ts';

test('a change concerns the tests that import it, the nearest first, and no others', () => {
  const sources = new Map([
    ['src/media/aac.ts', ''],
    ['src/media/tag.ts', "import { decode } from './aac.ts';"],
    ['src/other.ts', ''],
    ['test/media/aac.test.ts', "import { decode } from '../../src/media/aac.ts';"],
    ['test/media/tag.test.ts', "import type { Tag } from '../../src/media/tag.ts';"],
    ['test/support/core.ts', "import { tag } from '../../src/media/tag.ts';"],
    ['test/far.test.ts', "import { core } from './support/core.ts';"],
    ['test/other.test.ts', "import { other } from '../src/other.ts';\n// from '../src/media/aac.ts'"],
  ]);
  assert.deepEqual(nearestTests(sources, ['src/media/aac.ts', 'README.md']), [
    'test/media/aac.test.ts',
    'test/media/tag.test.ts',
    'test/far.test.ts',
  ]);
  assert.deepEqual(nearestTests(sources, ['test/other.test.ts']), ['test/other.test.ts']);
  assert.deepEqual(nearestTests(sources, ['README.md']), []);
});
