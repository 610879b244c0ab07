import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ApplicationLogs } from '../../src/log/application-log.ts';
import { until } from '../support/core.ts';

class Desk implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'understudy-log-'));
  at = new Date(2026, 1, 3, 4, 5, 6);
  readonly errors: [string, string][] = [];
  readonly logs = new ApplicationLogs(
    this.folder,
    (path, { message }) => this.errors.push([path, message]),
    () => this.at,
  );

  path(application: string, instance: string): string {
    return join(this.folder, '_defaultVHost_', application, instance, 'application.00.log');
  }
  async lines(application = 'live', instance = '_definst_'): Promise<string[]> {
    await this.logs.close();
    return readFileSync(this.path(application, instance), 'utf8').split('\n');
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.logs.close();
    rmSync(this.folder, { recursive: true });
  }
}

test('a line has the columns of FMS: local date, time, process, status, text', async () => {
  await using desk = new Desk();
  const log = desk.logs.for('live', '_definst_');
  log.trace('hello');
  log.error('broken');
  log.warn('odd');
  log.info('by the way');
  assert.deepEqual(await desk.lines(), [
    `2026-02-03\t04:05:06\t${process.pid}\t(s)2641173\thello`,
    `2026-02-03\t04:05:06\t${process.pid}\t(e)2641220\tbroken`,
    `2026-02-03\t04:05:06\t${process.pid}\t(w)2641221\todd`,
    `2026-02-03\t04:05:06\t${process.pid}\t(i)2651000\tby the way`,
    '',
  ]);
});

test('a text cannot forge a line or a column', async () => {
  await using desk = new Desk();
  desk.logs.for('live', '_definst_').trace('a\n2026-01-01\t00:00:00\r\u001b[31m\u0000\u2028\u0085ü🎥');
  const [line, end] = await desk.lines();
  assert.equal(end, '');
  assert.deepEqual(line?.split('\t').slice(4), ['a\\n2026-01-01 00:00:00\\r\\x1b[31m\\x00\\x2028\\x85ü🎥']);
});

test('each instance has a file of its own, which is appended to', async () => {
  await using desk = new Desk();
  desk.logs.for('live', '_definst_').trace('one');
  desk.logs.for('live', 'rooms/7').trace('two');
  assert.equal((await desk.lines()).length, 2);
  desk.logs.for('live', '_definst_').trace('three');
  assert.equal((await desk.lines()).length, 3);
  assert.equal((await desk.lines('live', 'rooms/7')).length, 2);
});

test('an instance that says nothing has no file', async () => {
  await using desk = new Desk();
  desk.logs.for('live', '_definst_');
  assert.throws(() => readFileSync(desk.path('live', '_definst_')), { code: 'ENOENT' });
});

test('a folder that cannot be made, and a file that cannot be opened, are reported and harm nobody', async () => {
  await using desk = new Desk();
  mkdirSync(join(desk.folder, '_defaultVHost_', 'live'), { recursive: true });
  writeFileSync(join(desk.folder, '_defaultVHost_', 'live', '_definst_'), 'a file');
  mkdirSync(desk.path('live', 'room'), { recursive: true }); // a folder where the file should be
  desk.logs.for('live', '_definst_').trace('one');
  desk.logs.for('live', 'room').trace('two');
  desk.logs.for('other', '_definst_').trace('three');
  await desk.logs.close();
  assert.deepEqual(
    desk.errors.map(([path]) => path).toSorted(),
    [desk.path('live', '_definst_'), desk.path('live', 'room')].toSorted(),
  );
  assert.equal((await desk.lines('other')).length, 2);
});

test('of many instances only the latest have their files open, and none loses a line', async () => {
  await using desk = new Desk();
  for (let round = 0; round < 2; round += 1) {
    for (let i = 0; i < 250; i += 1) desk.logs.for('live', `room ${i}`).trace(`round ${round}`);
  }
  assert.equal(desk.logs.openFiles, 100);
  for (const i of [0, 149, 249]) {
    const lines = await desk.lines('live', `room ${i}`);
    assert.deepEqual(
      lines.map((line) => line.split('\t')[4]).toSorted(),
      ['round 0', 'round 1', undefined].toSorted(),
    );
  }
  assert.deepEqual(desk.errors, []);
});

test('a file that broke is left alone for a minute, then tried again', async () => {
  await using desk = new Desk();
  mkdirSync(desk.path('live', '_definst_'), { recursive: true });
  const log = desk.logs.for('live', '_definst_');
  log.trace('one');
  await until('the error', () => desk.errors.length === 1);
  log.trace('two');
  log.trace('three');
  await desk.logs.close(); // and nobody waits for ever for a file that never was
  assert.equal(desk.errors.length, 1);
  log.trace('four');
  await until('the error', () => desk.errors.length === 2);
  rmSync(desk.path('live', '_definst_'), { recursive: true });
  desk.at = new Date(desk.at.getTime() + 60_000);
  log.trace('five');
  assert.match((await desk.lines())[0]!, /five$/);
});

test('more than the disk takes is left out, and said', async () => {
  await using desk = new Desk();
  const log = desk.logs.for('live', '_definst_');
  const text = 'x'.repeat(10_000);
  for (let i = 0; i < 10_000; i += 1) log.trace(text); // 100 MB in one turn
  const lines = await desk.lines();
  assert.ok(lines.length < 5_000, `${lines.length} lines were kept in memory`);
  assert.deepEqual(desk.errors.length, 1);
  assert.match(desk.errors[0]![1], /left out/);
});
