// Files that make much work of few bytes: they are refused, or read in slices. Counted are turns of the event loop, not time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '../../../src/errors.ts';
import type { Mp4Track } from '../../../src/media/mp4/mp4.ts';
import { Presentation } from '../../../src/media/mp4/mp4-presentation.ts';
import { Samples } from '../../../src/media/mp4/mp4-samples.ts';
import type { ReadableFile } from '../../../src/recording/read/media.ts';
import { Mp4Media } from '../../../src/recording/read/mp4-media.ts';
import {
  claimedSamples,
  emptyBoxes,
  emptySamples,
  FRAGMENTED,
  film,
  fragments,
  moov,
} from '../../hostile/films.ts';

import { box } from '../../support/mp4.ts';

const EMPTY_TABLE = claimedSamples(0);

function fileOf(bytes: Buffer): ReadableFile & { reads: number } {
  return {
    path: 'film.mp4',
    sizeBytes: bytes.length,
    reads: 0,
    async read(at, length) {
      this.reads += 1;
      return bytes.subarray(at, at + length);
    },
    async close() {},
  };
}

/** How many turns of the event loop passed meanwhile. */
async function turnsOf(work: Promise<unknown>): Promise<number> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  done.catch(() => {});
  let turns = 0;
  while (!isDone) {
    turns += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await done;
  return turns;
}

async function refused(bytes: Buffer, why: RegExp): Promise<void> {
  const error = await Mp4Media.open(fileOf(bytes), undefined, 60_000).then(
    () => assert.fail('it was opened'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof CodedError);
  assert.match(error.code, /^ERR_MP4_/);
  assert.match(error.message, why);
}

test('a film with more boxes than films have is refused', async () => {
  await refused(film(moov(EMPTY_TABLE, { more: [emptyBoxes(2_000)] })), /more than 1000 boxes in a box/);
  await refused(film(emptyBoxes(500_000), moov(EMPTY_TABLE)), /more than 400000 boxes/);
});

test('a file of more fragments than films have is refused, and read a block at a time until then', async () => {
  const bytes = film(moov(EMPTY_TABLE, { more: [FRAGMENTED] }), fragments(250_000));
  const file = fileOf(bytes);
  await assert.rejects(Mp4Media.open(file, undefined, 60_000), /more than 400000 boxes/);
  assert.ok(file.reads < 5_000, `${file.reads} reads`);
});

test('samples that are only claimed take no memory', async () => {
  const claims = film(moov(EMPTY_TABLE, { more: [FRAGMENTED] }), fragments(1, 1_000_000));
  await refused(claims, /a fragment of 1000000 samples/);
  const media = await Mp4Media.open(fileOf(film(moov(claimedSamples(4_000_000)))), undefined, 60_000);
  assert.ok(media.lengthMs < 10_000, `${media.lengthMs}`);
});

test('a film of a million samples is read in slices, and so are fragments that claim as many', async () => {
  const whole = Mp4Media.open(fileOf(film(moov(emptySamples(1_000_000)))), undefined, 60_000);
  assert.ok((await turnsOf(whole)) >= 80);
  const padding = box('free', Buffer.alloc(1_000_000));
  const bytes = film(moov(EMPTY_TABLE, { more: [FRAGMENTED] }), fragments(1, 1_000_000), padding);
  assert.ok((await turnsOf(Mp4Media.open(fileOf(bytes), undefined, 60_000))) >= 80);
});

test('tables of tracks that nobody plays are not read', async () => {
  const absurd = claimedSamples(0xffff_ffff);
  const media = await Mp4Media.open(
    fileOf(film(moov(emptySamples(10), { tracks: 60, rest: absurd }))),
    undefined,
    60_000,
  );
  assert.equal((await media.keyframeBefore(0))?.timeMs, 0);
});

test('a part of an edit list far behind its keyframe is found without going back sample by sample', () => {
  let looks = 0;
  class Watched extends Samples {
    override isKey(i: number): boolean {
      looks += 1;
      return super.isKey(i);
    }
  }
  const samples = new Watched();
  for (let i = 0; i < 100_000; i += 1)
    samples.add({ dts: i, composition: 0, at: 0, size: 1, isKey: i === 0, description: 0 });
  const track: Mp4Track = {
    ...{ id: 1, kind: 'video', timescale: 1000, language: 'und', duration: 0, descriptions: [], samples },
    ...{ isWhole: true, table: undefined, defaults: { duration: 0, size: 0, flags: 0 } },
    edits: [{ from: 90_000, to: 90_010, atMs: 0 }],
  };
  assert.equal(new Presentation(track).peek(true)?.sample, 0);
  assert.ok(looks < 1_000, `${looks} samples were looked at`);
});
