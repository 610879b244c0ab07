// What once broke something, and the inputs that the fuzzer starts from, without its dice: `npm run fuzz` throws those.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { CORPUS, readCorpus } from './fuzz/corpus.ts';
import { execute } from './fuzz/target.ts';
import { TARGETS } from './fuzz/targets.ts';

describe('the corpus', () => {
  test('holds nothing that no target would read', () => {
    const read = new Set(TARGETS.flatMap((target) => readCorpus(target).map(({ file }) => file)));
    const stray = readdirSync(CORPUS).filter((file) => file !== 'README.md' && !read.has(file));
    assert.deepEqual(stray, []);
  });

  for (const target of TARGETS) {
    for (const { file, input } of readCorpus(target)) {
      test(`${file} breaks nothing any more`, async () => {
        assert.ifError(await execute(target, input));
      });
    }
  }
});

describe('each target takes what it starts from', () => {
  for (const target of TARGETS) {
    test(target.name, async () => {
      for (const seed of [new Uint8Array(0), ...target.seeds]) assert.ifError(await execute(target, seed));
    });
  }
});
