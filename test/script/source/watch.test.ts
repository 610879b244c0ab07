import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, rename, rm, symlink, unlink } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../../../src/clock.ts';
import { ScriptWatcher, type WatchOptions } from '../../../src/script/source/watch.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { Folder } from '../support/folder.ts';

/** Watches a folder; `changes.next()` waits for the next report. */
async function watching(
  files: Record<string, string>,
  prepare?: (folder: Folder) => Promise<void>,
  { maxEntries = 1000, ...options }: Partial<WatchOptions> = {},
) {
  const folder = await Folder.create(files);
  await prepare?.(folder);
  await mkdir(folder.at('applications'), { recursive: true });
  const seen: string[] = [];
  let wake = () => {};
  const watcher = new ScriptWatcher({
    applicationsDir: folder.at('applications'),
    maxEntries,
    clock: systemClock,
    checkMs: 50,
    onChange(application) {
      seen.push(application);
      wake();
    },
    onSettings(application) {
      seen.push(`settings of ${application}`);
      wake();
    },
    onLimit(application, limit) {
      seen.push(`${limit} of ${application}`);
      wake();
    },
    onError: (error) => assert.fail(error),
    ...options,
  });
  await watcher.ready();
  return {
    folder,
    watcher,
    /** Waits until that application has been reported; gives all reports since the last time. */
    async until(application: string): Promise<string[]> {
      while (!seen.includes(application)) await new Promise<void>((resolve) => (wake = resolve));
      return seen.splice(0);
    },
    async [Symbol.asyncDispose]() {
      await watcher.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const deadline = { timeout: 20_000 };

describe('the watcher reports', deadline, () => {
  test('a file written, one made, one deleted', async () => {
    await using w = await watching({ 'applications/live/main.ts': 'a' });
    await w.folder.write('applications/live/main.ts', 'b');
    await w.until('live');
    await w.folder.write('applications/live/src/deep/new.ts', 'c');
    await w.until('live');
    await unlink(w.folder.at('applications/live/src/deep/new.ts'));
    await w.until('live');
  });

  test('what an editor saves by renaming', async () => {
    await using w = await watching({ 'applications/live/main.ts': 'a' });
    for (const content of ['b', 'c']) {
      await w.folder.write('applications/live/.main.ts.swp', content);
      await rename(w.folder.at('applications/live/.main.ts.swp'), w.folder.at('applications/live/main.ts'));
      await w.until('live');
    }
  });

  test('what an editor saves by moving the old one away', async () => {
    await using w = await watching({ 'applications/live/main.ts': 'a' });
    for (const content of ['b', 'c']) {
      await rename(w.folder.at('applications/live/main.ts'), w.folder.at('applications/live/main.ts~'));
      await w.folder.write('applications/live/main.ts', content);
      await w.until('live');
    }
  });

  test('a new application folder, and what is written there afterwards', async () => {
    await using w = await watching({ 'applications/live/main.ts': 'a' });
    await w.folder.write('applications/chat/main.asc', 'a');
    await w.until('chat');
    await w.folder.write('applications/chat/main.asc', 'b');
    await w.until('chat');
  });

  test('a folder deleted, and the one that takes its place', async () => {
    await using w = await watching({ 'applications/live/main.ts': 'a' });
    await rm(w.folder.at('applications/live'), { recursive: true });
    await w.until('live');
    await w.folder.write('applications/live/main.ts', 'b');
    await w.until('live');
    await w.folder.write('applications/live/main.ts', 'c');
    await w.until('live');
  });

  test('a folder that another is renamed to', async () => {
    await using w = await watching({ 'applications/live/main.ts': 'a', 'next/main.ts': 'b' });
    await rename(w.folder.at('applications/live'), w.folder.at('old'));
    await rename(w.folder.at('next'), w.folder.at('applications/live'));
    await w.until('live');
    await w.folder.write('applications/live/main.ts', 'c');
    await w.until('live');
  });

  test('a link that is turned to the next release, and changes there', async () => {
    await using w = await watching(
      { 'releases/1/main.ts': 'a', 'releases/2/main.ts': 'b' },
      async (folder) => {
        await mkdir(folder.at('applications'));
        await symlink('../releases/1', folder.at('applications/live'));
      },
    );
    await w.folder.write('releases/1/main.ts', 'c');
    await w.until('live');
    await symlink('../releases/2', folder(w, 'applications/.next'));
    await rename(folder(w, 'applications/.next'), folder(w, 'applications/live'));
    await w.until('live');
    await w.folder.write('releases/2/main.ts', 'd');
    await w.until('live');
  });

  test('each application by itself', async () => {
    await using w = await watching({ 'applications/a/main.ts': '', 'applications/b/main.ts': '' });
    await w.folder.write('applications/b/main.ts', '1');
    assert.ok(!(await w.until('b')).includes('a'));
  });

  test('its Application.xml, which is no script', async () => {
    await using w = await watching({
      'applications/live/main.ts': 'a',
      'applications/live/Application.xml': '',
    });
    await w.folder.write('applications/live/Application.xml', '<Application/>');
    assert.deepEqual(await w.until('settings of live'), ['settings of live']);
    await rename(w.folder.at('applications/live/Application.xml'), w.folder.at('applications/live/old'));
    assert.deepEqual(await w.until('settings of live'), ['settings of live']);
    await w.folder.write('applications/live/src/Application.xml', '');
    await w.folder.write('applications/live/main.ts', 'b');
    assert.deepEqual(await w.until('live'), ['live']);
  });

  test('neither recordings nor packages nor hidden files nor files that are no script', async () => {
    await using w = await watching({
      'applications/live/main.ts': '',
      'applications/live/streams/_definst_/a.json': '',
    });
    for (const name of [
      'streams/_definst_/b.json',
      'sharedobjects/a.json',
      'store/a.json',
      'node_modules/a/index.js',
      '.git/a.js',
      'notes.txt',
      '../understudy.d.ts',
    ]) {
      await w.folder.write(`applications/live/${name}`, 'x');
    }
    // Whatever the writes above had led to would have been seen before this one, which is the last.
    await w.folder.write('applications/other/main.ts', 'x');
    const reported = await w.until('settings of other');
    if (!reported.includes('other')) reported.push(...(await w.until('other'))); // in either order
    assert.deepEqual(new Set(reported), new Set(['other', 'settings of other']));
  });

  test('what happens after the folder of all applications was removed, and after another took its place', async () => {
    await using w = await watching({ 'applications/live/main.ts': 'a' });
    await w.folder.remove('applications');
    await w.until('live');
    await w.folder.write('applications/again/main.ts', 'a');
    await w.until('again');
    await w.folder.write('next/chat/main.ts', 'a');
    await rename(folder(w, 'applications'), folder(w, 'before'));
    await rename(folder(w, 'next'), folder(w, 'applications'));
    await w.until('chat');
    await w.folder.write('applications/more/main.ts', 'a');
    await w.until('more');
  });

  test('what happens where the folder of all applications is a link that is turned', async () => {
    await using w = await watching({ 'one/live/main.ts': 'a', 'two/chat/main.ts': 'a' }, (made) =>
      symlink('one', made.at('applications')),
    );
    await symlink('two', folder(w, 'turned'));
    await rename(folder(w, 'turned'), folder(w, 'applications'));
    await w.until('chat');
    await w.folder.write('two/more/main.ts', 'a');
    await w.until('more');
  });

  test('what happens after its thread has ended: another one is started, and all may have changed', async () => {
    const workers: Worker[] = [];
    const errors: string[] = [];
    const startWorker = (...args: ConstructorParameters<typeof Worker>) => {
      const worker = new Worker(...args);
      workers.push(worker);
      return worker;
    };
    const clock = new ManualClock();
    const onError = (error: Error) => void errors.push(error.message);
    await using w = await watching({ 'applications/live/main.ts': 'a' }, undefined, {
      ...{ startWorker, onError },
      clock: { ...systemClock, after: (ms, call) => (ms > 1000 ? clock : systemClock).after(ms, call) },
    });
    await workers[0]!.terminate();
    assert.deepEqual(errors, ['the thread that watches applications has ended, and is started again']);
    clock.advance(5_000);
    assert.equal(workers.length, 2);
    await w.until('live');
    await w.folder.write('applications/more/main.ts', 'a');
    await w.until('more');
  });
});

describe('what an author does to the watcher', deadline, () => {
  test('more files than may be watched: it says so, and they are watched again after a command', async () => {
    await using w = await watching(
      { 'applications/live/main.ts': 'a', 'applications/other/main.ts': 'a' },
      undefined,
      { maxEntries: 20 },
    );
    await Promise.all(Array.from({ length: 30 }, (_, i) => w.folder.write(`applications/live/${i}.txt`, '')));
    await w.until('MaxWatchedFiles of live');
    await w.folder.write('applications/live/main.ts', 'b');
    await w.folder.write('applications/other/main.ts', 'b');
    assert.ok(!(await w.until('other')).includes('live'), 'it is not watched, its neighbour is');
    await Promise.all(
      Array.from({ length: 30 }, (_, i) => unlink(w.folder.at(`applications/live/${i}.txt`))),
    );
    w.watcher.retry('live');
    await w.until('live');
    await w.folder.write('applications/live/main.ts', 'c');
    await w.until('live');
  });

  test('more folders than a tenth of that', async () => {
    await using w = await watching({ 'applications/live/main.ts': 'a' }, undefined, { maxEntries: 100 });
    await Promise.all(Array.from({ length: 12 }, (_, i) => mkdir(w.folder.at(`applications/live/${i}`))));
    await w.until('MaxWatchedFiles of live');
  });

  test('too many files from the beginning', async () => {
    const files = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`applications/live/${i}.ts`, '']));
    await using w = await watching(files, undefined, { maxEntries: 20 });
    await w.until('MaxWatchedFiles of live');
  });

  test('names with line ends, loops of links, links to elsewhere, pipes, folders that may not be read', async () => {
    await using w = await watching(
      { 'applications/live/main.ts': 'a', 'elsewhere/x.ts': '' },
      async (folder) => {
        await symlink('.', folder.at('applications/live/loop'));
        await symlink('../live', folder.at('applications/live/self'));
        await symlink('/', folder.at('applications/live/root'));
        await symlink('../../elsewhere', folder.at('applications/live/elsewhere'));
        await folder.write('applications/live/a\nb/c\n.ts', '');
        execFileSync('mkfifo', [folder.at('applications/live/pipe.ts')]);
        await mkdir(folder.at('applications/live/closed'), { mode: 0 });
      },
    );
    await w.folder.write('applications/live/a\nb/c\n.ts', 'b');
    await w.until('live');
    await w.folder.write('elsewhere/x.ts', 'b');
    await w.folder.write('applications/other/main.ts', 'b');
    assert.ok(!(await w.until('settings of other')).includes('live'), 'links are not followed');
    execFileSync('mkfifo', [w.folder.at('applications/live/main.mjs')]);
    await w.until('live');
    await rm(w.folder.at('applications/live/main.ts'));
    execFileSync('mkfifo', [w.folder.at('applications/live/main.ts')]);
    await w.until('live');
  });

  test('a folder node_modules of all applications is none of them', async () => {
    await using w = await watching({
      'applications/node_modules/a/index.js': '',
      'applications/live/main.ts': '',
    });
    for (const name of ['node_modules/a/index.js', 'node_modules/main.ts', 'live/main.ts']) {
      await w.folder.write(`applications/${name}`, 'b');
    }
    assert.deepEqual(await w.until('live'), ['live']);
  });
});

function folder(w: { folder: Folder }, name: string): string {
  return w.folder.at(name);
}
