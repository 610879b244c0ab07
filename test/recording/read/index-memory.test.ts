// What is known of films that are open has one bound for all of them.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { LineLimit } from '../../../src/log/line-limit.ts';
import { StreamFolders } from '../../../src/recording/read/folders.ts';
import { IndexMemory } from '../../../src/recording/read/index-memory.ts';
import { MediaLibrary } from '../../../src/recording/read/library.ts';
import { claimedSamples, emptySamples, film, moov } from '../../hostile/films.ts';
import { keepingLog } from '../../support/core.ts';
import { flvFile } from '../../support/flv.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { mp3Frame } from '../../support/mp3.ts';

function desk(t: { after(call: () => void): void }, maxBytes: number) {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-indexes-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { log, records } = keepingLog();
  const clock = new ManualClock();
  const lines = new LineLimit(clock);
  const indexes = new IndexMemory(maxBytes);
  const nobody = { find: () => undefined };
  const library = new MediaLibrary(new StreamFolders(folder), nobody, log, { indexes, lines });
  return {
    ...{ indexes, records, lines, clock },
    put(application: string, file: string, bytes: Uint8Array) {
      const path = join(folder, application, 'streams', '_definst_', file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
    },
    async play(application: string, name: string) {
      const found = await library.open({ application, instance: '_definst_', name, chunkBytes: 4096 });
      assert.ok(found, name);
      return found;
    },
  };
}

const REFUSED = { code: 'NetStream.Play.Failed', message: /MaxIndexSize/ };

test('the memory of an application does not take what others have a right to, and films that are closed give it back', async (t) => {
  const { put, play, indexes, records, lines } = desk(t, 20 << 20);
  const long = film(moov(emptySamples(100_000)));
  for (const name of ['a', 'b', 'c', 'd']) put('live', `${name}.mp4`, long);
  put('other', 'e.mp4', long);
  const a = await play('live', 'mp4:a');
  const b = await play('live', 'mp4:b');
  assert.ok(indexes.bytes > 8 << 20, String(indexes.bytes));
  const known = indexes.bytes;
  const again = await play('live', 'mp4:a');
  assert.equal(indexes.bytes, known, 'one file has one index');
  await assert.rejects(play('live', 'mp4:c'), REFUSED);
  assert.equal(indexes.bytes, known, 'what was refused holds nothing');
  const e = await play('other', 'mp4:e');
  a.close();
  await assert.rejects(play('live', 'mp4:d'), REFUSED);
  again.close();
  const d = await play('live', 'mp4:d');
  for (const one of [b, d, e]) one.close();
  assert.equal(indexes.bytes, 0);
  const said = records.filter(({ limit }) => limit === 'MaxIndexSize');
  assert.equal(said.length, 1, 'one line a second');
  assert.equal(lines.limitCounts().find(({ limit }) => limit === 'MaxIndexSize')?.count, 2);
});

test('the table of a film is charged before it is read, and whatever was charged is given back when it makes no sense', async (t) => {
  const { put, play, indexes } = desk(t, 8 << 20);
  put('live', 'table.mp4', film(moov(claimedSamples(1), { more: [Buffer.alloc(10 << 20)] })));
  await assert.rejects(play('live', 'mp4:table'), REFUSED);
  put('live', 'claims.mp4', film(moov(claimedSamples(4_000_001))));
  await assert.rejects(play('live', 'mp4:claims'), { code: 'NetStream.Play.FileStructureInvalid' });
  assert.equal(indexes.bytes, 0);
});

test('the index of an FLV and of an MP3 is charged as it grows', async (t) => {
  const { put, play, indexes } = desk(t, 100 << 20);
  put('live', 'tags.flv', flvFile({ ms: 60_000, gopMs: 40 }).bytes);
  const flv = await play('live', 'tags');
  await flv.keyframeFrom(Number.MAX_SAFE_INTEGER);
  assert.ok(indexes.bytes >= 1_024 * 16, String(indexes.bytes));
  flv.close();
  assert.equal(indexes.bytes, 0);
  put('live', 'long.mp3', Buffer.concat(Array.from({ length: 30_000 }, () => mp3Frame('quiet'))));
  const mp3 = await play('live', 'mp3:long');
  await mp3.keyframeFrom(Number.MAX_SAFE_INTEGER);
  assert.ok(indexes.bytes >= 512 * 16, String(indexes.bytes));
  mp3.close();
  assert.equal(indexes.bytes, 0);
});

test('players of files that make no sense have one line a second, with a count', async (t) => {
  const { put, play, records, clock } = desk(t, 1 << 20);
  for (let i = 0; i < 50; i += 1) {
    put('live', `${i}.flv`, Buffer.from('no film'));
    await assert.rejects(play('live', String(i)));
  }
  const lines = () => records.filter(({ event }) => event === 'file-refused');
  assert.equal(lines().length, 1);
  clock.advance(1_000);
  assert.equal(lines().length, 2);
  assert.equal(lines()[1]?.repeats, 48);
});
