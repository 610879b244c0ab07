import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import { RunFolder } from '../../src/wiring/run-folder.ts';
import { endsWithUs } from '../support/child.ts';
import { keepingLog } from '../support/core.ts';

function makeRoot(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'understudy-run-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** A process that has the lock until it is killed. */
async function startHolder(root: string): Promise<ChildProcess> {
  const code = `
    import { RunFolder } from ${JSON.stringify(join(import.meta.dirname, '../../src/wiring/run-folder.ts'))};
    globalThis.folder = RunFolder.of(${JSON.stringify(root)});
    folder.claim({ warn(facts, text) { throw new Error(text); } });
    process.stdout.write('claimed');
    setInterval(() => {}, 1e6);`;
  const child = endsWithUs(
    spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  await once(child.stdout!, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

test('a second process with the same root folder is told which process has it', async () => {
  using root = makeRoot();
  const holder = await startHolder(root.path);
  const { log, records } = keepingLog();
  assert.throws(
    () => RunFolder.of(root.path).claim(log),
    (error: ConfigError) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, 'ERR_CONFIG_ROOT');
      assert.match(
        error.message,
        new RegExp(`^another server \\(process ${holder.pid}\\) uses ${root.path}/run: `),
      );
      return true;
    },
  );
  assert.deepEqual(records, []);
  await kill(holder);
});

test('the lock of a process that was killed is free, whatever it has left behind', async () => {
  using root = makeRoot();
  await kill(await startHolder(root.path));
  const folder = RunFolder.of(root.path);
  assert.ok(existsSync(join(folder.path, 'pid')));
  const { log, records } = keepingLog();
  folder.claim(log);
  assert.equal(readFileSync(join(folder.path, 'pid'), 'utf8'), `${process.pid}\n`);
  assert.deepEqual(records, []);
  folder.release();
});

test('a lock that is released can be taken again, and leaves no number of a process', () => {
  using root = makeRoot();
  const { log } = keepingLog();
  const first = RunFolder.of(root.path);
  first.claim(log);
  assert.throws(() => RunFolder.of(root.path).claim(log), ConfigError);
  first.release();
  assert.ok(!existsSync(join(first.path, 'pid')));
  const next = RunFolder.of(root.path);
  next.claim(log);
  next.release();
});

test('where there can be no lock, a warning says so and the server goes on', () => {
  using root = makeRoot();
  writeFileSync(join(root.path, 'run'), 'a file where the folder belongs');
  const { log, records } = keepingLog();
  const folder = RunFolder.of(root.path);
  folder.claim(log);
  folder.release();
  assert.deepEqual(
    records.map(({ level, event }) => [level, event]),
    [['warn', 'run-folder']],
  );
});
