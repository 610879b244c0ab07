// A mistake that is undone: both logs say so, or its author would go on looking for it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hosting } from '../support/hosting.ts';
import type { LogRecord } from '../support/records.ts';

const good = (version: number): string => `export const version = ${version};\n`;
const says = (text: RegExp) => (record: LogRecord) => text.test(record.msg);

describe('a script that could not be loaded', { timeout: 120_000 }, () => {
  for (const [what, broken, on, times] of [
    ['does not bundle', 'const = 1;', 'migrate', 1],
    ['throws at its top level', 'boom();', 'migrate', 2],
    ['fails in onAppStart', "application.onAppStart = () => { throw new Error('no') };", 'migrate', 2],
    ['throws at its top level, where reloads restart', 'boom();', 'restart', 2],
    ['throws at its top level, where reloads drain', 'boom();', 'drain', 2],
  ] as const) {
    test(`says, in both logs and once, that all is well when a version is undone that ${what}`, async () => {
      const settings = { reload: { policy: on, drainTimeMs: 60_000 } };
      await using h = await hosting({ 'live/main.ts': good(1) }, undefined, () => settings);
      await h.open('live').script.started;
      await h.open('live', 'two').script.started;
      const isSaved = says(/goes on serving/);
      for (let round = 0; round < 2; round += 1) {
        await h.folder.write('live/main.ts', `${broken} // ${round}`);
        // of each instance: one that is still at it would go on to say so in the next round
        for (let said = 0; said < times; said += 1) await h.records.next(isSaved);
        await h.folder.write('live/main.ts', good(1));
        await h.records.next(says(/^live: its script (loads|is sound) again$/));
      }
      const inLog = h.records.all.filter(says(/its script (loads|is sound) again/));
      assert.equal(inLog.length, 2);
      const inItsOwn = h.records.application.filter((line) =>
        /^info: its script (loads|is sound) again$/.test(line),
      );
      assert.equal(inItsOwn.length, 4, 'two instances, twice');
    });
  }

  test('says that a script loads again when a newer version of it does, and nothing where none had failed', async () => {
    await using h = await hosting({ 'live/main.ts': good(1) });
    await h.open('live').script.started;
    await h.folder.write('live/main.ts', 'boom();');
    await h.records.next(says(/goes on serving/));
    await h.folder.write('live/main.ts', good(2));
    await h.records.next(says(/^live: its script loads again$/));
    const serves = h.records.next(({ event }) => event === 'script-reload');
    await h.folder.write('live/main.ts', good(3));
    await serves;
    assert.equal(h.records.all.filter(says(/loads again/)).length, 1);
  });

  test('says that a script loads again which had never loaded, when the next instance starts', async () => {
    await using h = await hosting({ 'boom/main.asc': 'var a = 1;\nboom();' });
    await assert.rejects(h.open('boom').script.started, { code: 'ERR_SCRIPT_LOAD' });
    await h.folder.write('boom/main.asc', 'var a = 1;');
    await h.records.next(says(/^boom: its script loads again$/));
  });
});
