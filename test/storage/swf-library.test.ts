import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { SwfLibrary, type SwfLibraryOptions } from '../../src/storage/swf-library.ts';

const PLAIN = Buffer.from('465753090c00000000010203', 'hex');

function compressed(swf: Buffer): Buffer {
  return Buffer.concat([Buffer.from('C'), swf.subarray(1, 8), deflateSync(swf.subarray(8))]);
}

function libraryIn(t: TestContext, options: Partial<SwfLibraryOptions<string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-swf-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const said: string[] = [];
  const world = { nowMs: 1_000_000, digested: 0 };
  const library = new SwfLibrary<string>({
    folders: [folder],
    levels: 1,
    keepMs: 60_000,
    refreshMs: 5_000,
    maxWaitMs: 10_000,
    nowMs: () => world.nowMs,
    hasher: () => {
      const parts: Uint8Array[] = [];
      world.digested += 1;
      return {
        update: (bytes) => parts.push(bytes),
        done: () => Buffer.concat(parts).toString('hex'),
      };
    },
    say: (problem) => said.push(problem.replaceAll(folder, '')),
    ...options,
  });
  const has = (swf: Buffer) => library.some((one) => one === swf.toString('hex'));
  return { folder, said, world, has };
}

test('SWFs are found as they are and compressed, by any spelling of .swf, so many levels down', async (t) => {
  const { folder, said, world, has } = libraryIn(t);
  const swfs = [1, 2, 3, 4].map((i) => Buffer.concat([PLAIN, Buffer.of(i)]));
  mkdirSync(join(folder, 'a', 'b'), { recursive: true });
  writeFileSync(join(folder, 'one.swf'), swfs[0]!);
  writeFileSync(join(folder, 'two.SWF'), compressed(swfs[1]!));
  writeFileSync(join(folder, 'a', 'three.swf'), compressed(swfs[2]!));
  writeFileSync(join(folder, 'a', 'b', 'four.swf'), swfs[3]!);
  writeFileSync(join(folder, 'readme.txt'), 'no SWF');
  symlinkSync(folder, join(folder, 'a', 'again'));
  assert.deepEqual(await Promise.all(swfs.map(has)), [true, true, true, false]);
  assert.equal(world.digested, 3, 'once each, however many ask');
  assert.deepEqual(said, []);
});

test('what is none is said once: another signature, LZMA, broken or endless zlib', async (t) => {
  const { folder, said, world, has } = libraryIn(t, { refreshMs: 0 });
  writeFileSync(join(folder, '1.swf'), 'GIF89a..........');
  writeFileSync(join(folder, '2.swf'), 'ZWS.............');
  writeFileSync(join(folder, '3.swf'), compressed(PLAIN).fill(0xff, 8));
  writeFileSync(join(folder, '4.swf'), 'FWS');
  mkdirSync(join(folder, '5.swf'));
  for (let i = 0; i < 2; i += 1) {
    assert.equal(await has(PLAIN), false);
    world.nowMs += 1_000;
  }
  assert.deepEqual(
    said.map((text) => text.replace(/: .*/, '')),
    ['1', '2', '3', '4'].map((name) => `/${name}.swf is no SWF that can be read`),
  );
  assert.match(said[1]!, /LZMA; save it compressed by zlib/);
});

test('an unknown SWF has the folder read again, not more often than is said', async (t) => {
  const { folder, world, has } = libraryIn(t);
  assert.equal(await has(PLAIN), false);
  writeFileSync(join(folder, 'new.swf'), PLAIN);
  world.nowMs += 4_999;
  assert.equal(await has(PLAIN), false);
  world.nowMs += 1;
  assert.equal(await has(PLAIN), true);
});

test('what has gone or changed counts for a while; what stays is not read again', async (t) => {
  const { folder, world, has } = libraryIn(t);
  const other = Buffer.concat([PLAIN, Buffer.of(9)]);
  const file = join(folder, 'player.swf');
  writeFileSync(file, PLAIN);
  assert.equal(await has(PLAIN), true);
  writeFileSync(`${file}.new`, other);
  utimesSync(`${file}.new`, 5, 5);
  renameSync(`${file}.new`, file);
  world.nowMs += 30_000;
  assert.equal(await has(other), true);
  assert.equal(await has(PLAIN), true);
  world.nowMs += 30_001;
  assert.equal(await has(PLAIN), false);
  assert.equal(await has(other), true);
  assert.equal(world.digested, 2);
});

test('a folder that is not there has none', async (t) => {
  const { has } = libraryIn(t, { folders: ['/nowhere/at/all'] });
  assert.equal(await has(PLAIN), false);
});

test('pipes and devices called .swf are passed over', async (t) => {
  const { folder, said, has } = libraryIn(t);
  execFileSync('mkfifo', [join(folder, '1.swf'), join(folder, '2.swf')]);
  symlinkSync('/dev/zero', join(folder, '3.swf'));
  writeFileSync(join(folder, '4.swf'), PLAIN);
  assert.equal(await has(PLAIN), true);
  assert.deepEqual(said, []);
});
