// A console that nobody reads: `understudy check | head -1`, `npm start 2>&1 | head`.
import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { endsWithUs } from '../support/child.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

function rootFolder(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'understudy-unread-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const name of ['one', 'two', 'three']) {
    mkdirSync(join(root, 'applications', name), { recursive: true });
    writeFileSync(join(root, 'applications', name, 'main.ts'), 'trace(1);');
  }
  return root;
}

function understudy(...args: string[]): ChildProcessByStdio<null, Readable, Readable> {
  return endsWithUs(spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }));
}

test('a command whose output nobody reads ends as by SIGPIPE, without a word', async (t) => {
  const child = understudy('check', '--root', rootFolder(t));
  child.stdout.destroy();
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  assert.deepEqual({ code, said }, { code: 128 + constants.signals.SIGPIPE, said: '' });
});

test('the server goes on when nobody reads the standard error that it says the first password to', async (t) => {
  const ports = ['ADAPTOR.HOSTPORT=127.0.0.1:0', 'SERVER.ADMINSERVER_HOSTPORT=127.0.0.1:0'];
  const child = understudy('start', '--root', rootFolder(t), ...ports.flatMap((port) => ['--set', port]));
  child.stderr.destroy();
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (line.includes('"event":"ready"')) child.kill('SIGTERM');
  }
  if (child.exitCode === null) await once(child, 'exit');
  assert.deepEqual(
    lines.filter((line) => line.includes('"kind":"bug"')),
    [],
  );
  assert.ok(lines.some((line) => line.includes('"why":"SIGTERM"')));
  assert.equal(child.exitCode, 0);
});
