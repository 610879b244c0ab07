import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempDisposableSync,
  realpathSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { listAuthorFolder, openAuthorFile, readAuthorFile } from '../../src/disk/author-file.ts';
import { FileError } from '../../src/errors.ts';

const MAX = { maxBytes: 1000 };

function folderOf(): { path: string; [Symbol.dispose](): void } {
  const folder = mkdtempDisposableSync(join(tmpdir(), 'understudy-test-'));
  return { path: realpathSync(folder.path), [Symbol.dispose]: () => folder.remove() };
}

const refuses = (code: string, what: RegExp) => (error: unknown) =>
  error instanceof FileError && error.code === code && what.test(error.message);

describe('a file of an author', () => {
  test('is read whole, with the facts of what was read', async () => {
    using folder = folderOf();
    const path = join(folder.path, 'a.txt');
    writeFileSync(path, 'first\nsecond');
    const read = await readAuthorFile(path, MAX);
    assert.equal(read?.bytes.toString(), 'first\nsecond');
    assert.equal(read?.stats.size, 12);
  });

  test('that is as large as it may be is read; one byte more is refused with both figures', async () => {
    using folder = folderOf();
    const path = join(folder.path, 'a.txt');
    writeFileSync(path, Buffer.alloc(1000, 97));
    assert.equal((await readAuthorFile(path, MAX))?.bytes.length, 1000);
    writeFileSync(path, Buffer.alloc(1001, 97));
    await assert.rejects(
      readAuthorFile(path, MAX),
      refuses('ERR_FILE_SIZE', /1001 bytes: expected at most 1000/),
    );
  });

  test('that claims a terabyte is refused before any of it is read', async () => {
    using folder = folderOf();
    const path = join(folder.path, 'sparse');
    writeFileSync(path, '');
    truncateSync(path, 2 ** 40);
    await assert.rejects(readAuthorFile(path, MAX), refuses('ERR_FILE_SIZE', /1099511627776 bytes/));
  });

  test('that is not there is undefined: no name, a name below a file, a link that leads nowhere', async () => {
    using folder = folderOf();
    writeFileSync(join(folder.path, 'file'), '');
    symlinkSync('nowhere', join(folder.path, 'dangling'));
    for (const name of ['absent', 'file/below', 'dangling']) {
      assert.equal(await readAuthorFile(join(folder.path, name), MAX), undefined, name);
    }
  });

  test('that is a pipe, a folder, a socket or a device is refused by its kind, and nothing waits for it', async () => {
    using folder = folderOf();
    const at = (name: string) => join(folder.path, name);
    execFileSync('mkfifo', [at('pipe')]);
    symlinkSync('pipe', at('link'));
    mkdirSync(at('folder'));
    const server = createServer().listen(at('socket'));
    await once(server, 'listening');
    try {
      for (const [path, kind] of [
        [at('pipe'), /expected a regular file, found a named pipe/],
        [at('link'), /a named pipe/],
        [at('folder'), /a folder/],
        [at('socket'), /a socket/],
        ['/dev/zero', /a device/],
      ] as const) {
        await assert.rejects(readAuthorFile(path, MAX), refuses('ERR_FILE_KIND', kind), path);
        await assert.rejects(openAuthorFile(path), refuses('ERR_FILE_KIND', kind), path);
      }
    } finally {
      server.close();
    }
  });

  test('does not keep others waiting: more pipes than the pool has threads, and a file behind them', async () => {
    using folder = folderOf();
    const pipes = Array.from({ length: 20 }, (_, i) => join(folder.path, `pipe${i}`));
    execFileSync('mkfifo', pipes);
    const refused = Promise.allSettled(pipes.map((path) => readAuthorFile(path, MAX)));
    writeFileSync(join(folder.path, 'a.txt'), 'read');
    assert.equal((await readAuthorFile(join(folder.path, 'a.txt'), MAX))?.bytes.toString(), 'read');
    assert.ok((await refused).every(({ status }) => status === 'rejected'));
  });

  test('that may not be read, or is a loop of links, says what the system says and no path', async (t) => {
    using folder = folderOf();
    symlinkSync('loop', join(folder.path, 'loop'));
    await assert.rejects(
      readAuthorFile(join(folder.path, 'loop'), MAX),
      (error: FileError) =>
        refuses('ERR_FILE_READ', /\(ELOOP\)/)(error) && !error.message.includes(folder.path),
    );
    if (process.getuid?.() === 0) return t.diagnostic('root may read everything');
    const path = join(folder.path, 'secret');
    writeFileSync(path, '');
    chmodSync(path, 0);
    await assert.rejects(readAuthorFile(path, MAX), refuses('ERR_FILE_READ', /permission denied \(EACCES\)/));
  });

  test('lies within the folders it must lie in, however its links lead', async () => {
    using folder = folderOf();
    const at = (name: string) => join(folder.path, name);
    for (const name of ['live', 'live/below', 'live2']) mkdirSync(at(name));
    writeFileSync(at('live/own'), 'own');
    writeFileSync(at('live2/other'), 'other');
    symlinkSync('../own', at('live/below/inside'));
    symlinkSync('../live2/other', at('live/outside'));
    symlinkSync('../live2', at('live/folder'));
    const rules = { ...MAX, within: [at('live')] };
    for (const name of ['live/own', 'live/below/inside', 'live2/../live/own']) {
      assert.equal((await readAuthorFile(at(name), rules))?.bytes.toString(), 'own', name);
    }
    for (const name of ['live/outside', 'live/folder/other', 'live2/other']) {
      await assert.rejects(readAuthorFile(at(name), rules), refuses('ERR_FILE_OUTSIDE', /leads out/), name);
    }
    const both = { ...MAX, within: [at('live'), at('live2')] };
    assert.equal((await readAuthorFile(at('live/outside'), both))?.bytes.toString(), 'other');
  });
});

describe('a folder of an author', () => {
  test('is listed with kinds, and one with too many entries is refused when the first of them too many is seen', async () => {
    using folder = folderOf();
    mkdirSync(join(folder.path, 'below'));
    for (const name of ['a', 'b\nc']) writeFileSync(join(folder.path, name), '');
    const entries = (await listAuthorFolder(folder.path, 3))!;
    assert.deepEqual(entries.map(({ name }) => name).sort(), ['a', 'b\nc', 'below']);
    assert.deepEqual(
      entries.filter((entry) => entry.isDirectory()).map(({ name }) => name),
      ['below'],
    );
    await assert.rejects(listAuthorFolder(folder.path, 2), refuses('ERR_FILE_SIZE', /more than 2 entries/));
  });

  test('that is not there is undefined, and so is a file', async () => {
    using folder = folderOf();
    writeFileSync(join(folder.path, 'file'), '');
    assert.equal(await listAuthorFolder(join(folder.path, 'absent'), 10), undefined);
    assert.equal(await listAuthorFolder(join(folder.path, 'file'), 10), undefined);
  });
});
