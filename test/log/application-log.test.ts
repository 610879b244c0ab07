import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ApplicationLogs } from '../../src/log/application-log.ts';
import type { LogFileOptions } from '../../src/log/log-file.ts';
import { Desk } from './support.ts';

const ROTATION = { maxBytes: 1 << 30, schedule: undefined, history: 5, rename: true };

class Logs extends Desk {
  readonly logs = this.open();

  open(file: Partial<LogFileOptions> = {}): ApplicationLogs {
    const byDefault = { directory: this.folder, fileName: 'application.[NN].log', zone: 'local' } as const;
    const options = {
      file: { ...byDefault, rotation: ROTATION, ...file },
      software: 'Understudy/1.2.3',
      lineEnd: '\n',
    };
    return this.keep(new ApplicationLogs(options, { time: this.time, onProblem: this.onProblem }));
  }

  /** What was said, without what stands at the head of the file. */
  async lines(application = 'live', instance = '_definst_'): Promise<string[]> {
    await this.logs.close();
    const text = this.read('_defaultVHost_', application, instance, 'application.00.log');
    return text.split('\n').filter((line) => !line.startsWith('#'));
  }
}

test('at the head of the file stand its columns, for programs', async () => {
  await using desk = new Logs();
  desk.logs.for('_defaultVHost_', 'live', '_definst_').trace('hello');
  await desk.logs.close();
  assert.deepEqual(
    desk.read('_defaultVHost_', 'live', '_definst_', 'application.00.log').split('\n').slice(0, 5),
    [
      '#Version: 1.0',
      '#Start-Date: 2026-02-03 04:05:06',
      '#Software: Understudy/1.2.3',
      '#Date: 2026-02-03 04:05:06',
      '#Fields: date\ttime\tx-pid\tx-status\tx-ctx',
    ],
  );
});

test('a line has the columns of FMS: local date, time, process, status, text', async () => {
  await using desk = new Logs();
  const log = desk.logs.for('_defaultVHost_', 'live', '_definst_');
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
  await using desk = new Logs();
  desk.logs
    .for('_defaultVHost_', 'live', '_definst_')
    .trace('a\n2026-01-01\t00:00:00\r\u001b[31m\u0000\u2028\u0085\u202eü🎥\ud800');
  const [line, end] = await desk.lines();
  assert.equal(end, '');
  assert.deepEqual(line?.split('\t').slice(4), [
    'a\\n2026-01-01 00:00:00\\r\\x1b[31m\\x00\\u2028\\x85\\u202eü🎥\ufffd',
  ]);
});

test('each instance has a file of its own, which is appended to', async () => {
  await using desk = new Logs();
  desk.logs.for('_defaultVHost_', 'live', '_definst_').trace('one');
  desk.logs.for('_defaultVHost_', 'live', 'rooms/7').trace('two');
  assert.equal((await desk.lines()).length, 2);
  desk.logs.for('_defaultVHost_', 'live', '_definst_').trace('three');
  assert.equal((await desk.lines()).length, 3);
  assert.equal((await desk.lines('live', 'rooms/7')).length, 2);
});

test('an instance that says nothing has no file', async () => {
  await using desk = new Logs();
  desk.logs.for('_defaultVHost_', 'live', '_definst_');
  await desk.logs.close();
  assert.deepEqual(desk.files(), {});
});

test('a folder that cannot be made, and a file that cannot be opened, are reported and harm nobody', async () => {
  await using desk = new Logs();
  mkdirSync(desk.path('_defaultVHost_', 'live', 'room', 'application.00.log'), { recursive: true });
  writeFileSync(desk.path('_defaultVHost_', 'live', '_definst_'), 'a file');
  desk.logs.for('_defaultVHost_', 'live', '_definst_').trace('one');
  desk.logs.for('_defaultVHost_', 'live', 'room').trace('two');
  desk.logs.for('_defaultVHost_', 'other', '_definst_').trace('three');
  assert.equal((await desk.lines('other')).length, 2);
  const broken = desk.problems.filter(({ message }) => /EEXIST|ENOTDIR|EISDIR/.test(message));
  assert.equal(broken.length, 2, JSON.stringify(desk.problems));
});

test('of many instances only the latest have their files open, and none loses a line', async () => {
  await using desk = new Logs();
  for (let round = 0; round < 2; round += 1) {
    for (let i = 0; i < 250; i += 1)
      desk.logs.for('_defaultVHost_', 'live', `room ${i}`).trace(`round ${round}`);
  }
  assert.equal(desk.logs.openFiles, 100);
  for (const i of [0, 149, 249]) {
    const lines = await desk.lines('live', `room ${i}`);
    assert.deepEqual(
      lines.map((line) => line.split('\t')[4]).toSorted(),
      ['round 0', 'round 1', undefined].toSorted(),
    );
  }
  assert.deepEqual(desk.problems, []);
});

test('the file of an instance rotates by itself', async () => {
  await using desk = new Logs();
  const logs = desk.open({ rotation: { ...ROTATION, maxBytes: 300 } });
  for (const text of ['one', 'two']) logs.for('_defaultVHost_', 'live', '_definst_').trace(text.repeat(40));
  logs.for('_defaultVHost_', 'live', 'room').trace('three');
  await logs.close();
  const folder = ['_defaultVHost_', 'live', '_definst_'];
  assert.match(desk.read(...folder, 'application.00.log'), /\t(two){40}\n$/);
  assert.match(desk.read(...folder, 'application.01.log'), /\t(one){40}\n$/);
  assert.throws(() => desk.read('_defaultVHost_', 'live', 'room', 'application.01.log'), { code: 'ENOENT' });
});
