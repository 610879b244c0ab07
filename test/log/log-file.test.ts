import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { LogFile, type LogFileHost, type LogFileOptions } from '../../src/log/log-file.ts';
import type { Rotation } from '../../src/log/rotation.ts';
import { until } from '../support/core.ts';
import { Desk } from './support.ts';

const BY_SIZE: Rotation = { maxBytes: 10, schedule: undefined, history: 3, rename: true };
const HOURLY: Rotation = { ...BY_SIZE, maxBytes: 1 << 20, schedule: { type: 'duration', minutes: 60 } };
const DAILY: Rotation = { ...BY_SIZE, maxBytes: 1 << 20, schedule: { type: 'daily', hour: 0, minute: 0 } };

function logFile(
  desk: Desk,
  rotation: Rotation,
  options: Partial<LogFileOptions> = {},
  host: Partial<LogFileHost> = {},
): LogFile {
  const all = {
    directory: desk.folder,
    fileName: 'a.[NN].log',
    rotation,
    zone: 'local',
    ...options,
  } as const;
  return desk.keep(new LogFile(all, { time: desk.time, onProblem: desk.onProblem, ...host }));
}

async function say(file: LogFile, ...lines: string[]): Promise<void> {
  for (const line of lines) file.write(`${line}\n`);
  await file.close();
}

test('lines of one turn and of later ones are appended in their order; the folder is made', async () => {
  await using desk = new Desk();
  const file = logFile(desk, DAILY, { directory: desk.path('deep', 'er') });
  await say(file, 'one', 'two');
  await say(file, 'three');
  assert.equal(desk.read('deep', 'er', 'a.00.log'), 'one\ntwo\nthree\n');
  assert.equal(statSync(desk.path('deep', 'er', 'a.00.log')).mode & 0o007, 0, 'everybody may read it');
});

test('a file that nobody writes to is not made', async () => {
  await using desk = new Desk();
  await logFile(desk, DAILY).close();
  assert.deepEqual(desk.files(), {});
});

test('by size, with Rename: number 0 is the newest, the others move up, the oldest goes', async () => {
  await using desk = new Desk();
  await say(logFile(desk, BY_SIZE), '1234', '5678', '9abc', 'defg', 'hijk', 'lmno', 'pqrs', 'tuvw');
  assert.deepEqual(desk.files(), {
    'a.00.log': 'pqrs\ntuvw\n',
    'a.01.log': 'hijk\nlmno\n',
    'a.02.log': '9abc\ndefg\n',
  });
});

test('by size, without Rename: the highest number is the newest, the lowest goes; a restart goes on with it', async () => {
  await using desk = new Desk();
  const rotation = { ...BY_SIZE, rename: false };
  await say(logFile(desk, rotation), '1234', '5678', '9abc', 'defg', 'hijk', 'lmno', 'pqrs');
  const files = { 'a.01.log': '9abc\ndefg\n', 'a.02.log': 'hijk\nlmno\n', 'a.03.log': 'pqrs\n' };
  assert.deepEqual(desk.files(), files);
  await say(logFile(desk, rotation), 'tuvw');
  assert.deepEqual(desk.files(), { ...files, 'a.03.log': 'pqrs\ntuvw\n' });
});

test('files of other names, and folders, are left alone by the rotation', async () => {
  await using desk = new Desk();
  const others = { 'a.0x.log': '', 'ba.00.log': 'b', 'a.00.log.gz': 'z' };
  for (const [name, text] of Object.entries(others)) writeFileSync(desk.path(name), text);
  await say(logFile(desk, { ...BY_SIZE, history: 1 }), '123456789', 'abcdefghi');
  assert.deepEqual(desk.files(), { ...others, 'a.00.log': 'abcdefghi\n' });
});

test('a line longer than a file may be has a file for itself', async () => {
  await using desk = new Desk();
  await say(logFile(desk, BY_SIZE, {}, { header: () => '#\n' }), 'a line that is too long', 'next');
  assert.deepEqual(desk.files(), { 'a.00.log': '#\nnext\n', 'a.01.log': '#\na line that is too long\n' });
});

test('daily: a line belongs to the day on which it was said', async () => {
  await using desk = new Desk();
  const file = logFile(desk, DAILY);
  desk.turnTo(new Date(2026, 1, 3, 23, 59, 59));
  file.write('today\n');
  desk.turnTo(new Date(2026, 1, 4, 0, 0, 0));
  file.write('tomorrow\n');
  await file.close();
  assert.deepEqual(desk.files(), { 'a.00.log': 'tomorrow\n', 'a.01.log': 'today\n' });
});

test("daily, across a restart: yesterday's file makes room", async () => {
  await using desk = new Desk();
  writeFileSync(desk.path('a.00.log'), 'yesterday\n');
  const yesterday = new Date(2026, 1, 2, 20, 0, 0);
  utimesSync(desk.path('a.00.log'), yesterday, yesterday);
  await say(logFile(desk, DAILY), 'today');
  assert.deepEqual(desk.files(), { 'a.00.log': 'today\n', 'a.01.log': 'yesterday\n' });
  await say(logFile(desk, DAILY), 'today as well');
  assert.equal(desk.read('a.00.log'), 'today\ntoday as well\n');
});

test('every n minutes: at the full period, and without an empty file for each that was quiet', async () => {
  await using desk = new Desk();
  const file = logFile(desk, HOURLY);
  for (const [hour, minute] of [
    [4, 10],
    [4, 59],
    [5, 0],
    [9, 30],
  ] as const) {
    desk.turnTo(new Date(2026, 1, 3, hour, minute));
    file.write(`${hour}:${minute}\n`);
  }
  await file.close();
  assert.deepEqual(desk.files(), { 'a.00.log': '9:30\n', 'a.01.log': '5:0\n', 'a.02.log': '4:10\n4:59\n' });
});

test('the date in a name: each day has numbers of its own, and the history is counted over all days', async () => {
  await using desk = new Desk();
  const file = logFile(desk, { ...DAILY, maxBytes: 8 }, { fileName: 'a.[YYYY]-[MM]-[DD].[N].log' });
  for (const day of [3, 4]) {
    desk.turnTo(new Date(2026, 1, day, 12));
    file.write(`${day} one\n`);
    file.write(`${day} two\n`);
  }
  await file.close();
  assert.deepEqual(desk.files(), {
    'a.2026-02-03.0.log': '3 two\n',
    'a.2026-02-04.0.log': '4 two\n',
    'a.2026-02-04.1.log': '4 one\n',
  });
});

test('without a number in its name a file grows on', async () => {
  await using desk = new Desk();
  await say(logFile(desk, BY_SIZE, { fileName: 'a.log' }), '123456789', 'abcdefghi', 'jklmnopqr');
  assert.deepEqual(desk.files(), { 'a.log': '123456789\nabcdefghi\njklmnopqr\n' });
  assert.deepEqual(desk.problems, []);
});

test('a header stands at the head of each file, and once where a new start goes on', async () => {
  await using desk = new Desk();
  const header = (at: Date) => `# ${at.getHours()}:00\n`;
  const file = logFile(desk, { ...BY_SIZE, maxBytes: 21 }, {}, { header });
  await say(file, 'one', 'two');
  await say(file, 'three');
  assert.equal(desk.read('a.00.log'), '# 4:00\none\ntwo\nthree\n');
  await say(file, 'four');
  assert.deepEqual(desk.files(), { 'a.00.log': '# 4:00\nfour\n', 'a.01.log': '# 4:00\none\ntwo\nthree\n' });
  await say(logFile(desk, { ...BY_SIZE, maxBytes: 100 }, {}, { header }), 'five');
  assert.equal(desk.read('a.00.log'), '# 4:00\nfour\n# 4:00\nfive\n');
});

test('a line that ended with the process before does not run into the next one', async () => {
  await using desk = new Desk();
  writeFileSync(desk.path('a.00.log'), 'one\ntw');
  await say(logFile(desk, { ...BY_SIZE, maxBytes: 100 }), 'three');
  assert.equal(desk.read('a.00.log'), 'one\ntw\nthree\n');
});

test('five thousand lines over a hundred rotations: each is there once, in its order', async () => {
  await using desk = new Desk();
  const file = logFile(desk, { ...BY_SIZE, maxBytes: 200, history: 1_000 });
  for (let i = 0; i < 5_000; i += 1) {
    file.write(`${i}\n`);
    if (i % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await file.close();
  const files = Object.entries(desk.files()).toSorted(
    ([a], [b]) => Number(b.split('.')[1]) - Number(a.split('.')[1]),
  );
  const lines = files
    .map(([, text]) => text)
    .join('')
    .trimEnd()
    .split('\n');
  assert.deepEqual(
    lines,
    Array.from({ length: 5_000 }, (_, i) => String(i)),
  );
  assert.ok(files.length > 100, `${files.length} files`);
  assert.ok(files.every(([, text]) => text.length <= 200));
});

test('reopen: what was moved away stays as it is, what follows goes to a new file', async () => {
  await using desk = new Desk();
  const file = logFile(desk, DAILY, {}, { header: () => '#\n' });
  file.write('one\n');
  await until('the first line', () => desk.files()['a.00.log'] === '#\none\n');
  renameSync(desk.path('a.00.log'), desk.path('moved'));
  desk.turn(100);
  file.write('two\n');
  await until('the second line', () => desk.read('moved') === '#\none\ntwo\n');
  file.reopen();
  await say(file, 'three');
  assert.deepEqual(desk.files(), { moved: '#\none\ntwo\n', 'a.00.log': '#\nthree\n' });
});

test('lines that come soon after a write wait for each other, and for no longer than 25 ms', async () => {
  await using desk = new Desk();
  const file = logFile(desk, DAILY);
  file.write('one\n');
  await until('the first line', () => desk.files()['a.00.log'] === 'one\n');
  desk.turn(5);
  file.write('two\n');
  desk.turn(15);
  file.write('three\n');
  for (let i = 0; i < 20; i += 1) await new Promise(setImmediate);
  assert.equal(desk.read('a.00.log'), 'one\n');
  desk.turn(5);
  await until('the others', () => desk.read('a.00.log') === 'one\ntwo\nthree\n');
  file.write('four\n');
  await file.close();
  assert.equal(desk.read('a.00.log'), 'one\ntwo\nthree\nfour\n');
});

test('a disk that fails is reported once, and every line is there when it is back', async () => {
  await using desk = new Desk();
  const file = logFile(desk, DAILY);
  mkdirSync(desk.path('a.00.log')); // a folder where the file should be
  file.write('one\n');
  await until('the problem', () => desk.problems.length === 1);
  file.write('two\n');
  desk.turn(5_000);
  desk.turn(5_000);
  file.write('three\n');
  rmdirSync(desk.path('a.00.log'));
  await until('the file', () => {
    desk.turn(5_000);
    return desk.files()['a.00.log'] === 'one\ntwo\nthree\n';
  });
  assert.deepEqual(desk.problems.map(({ path }) => path).length, 1);

  await file.close();
  renameSync(desk.path('a.00.log'), desk.path('kept'));
  mkdirSync(desk.path('a.00.log'));
  file.write('four\n');
  await until('the second problem', () => desk.problems.length === 2);
});

test('closing does not wait for a disk that fails, and says what was never written', async () => {
  await using desk = new Desk();
  mkdirSync(desk.path('a.00.log'));
  const file = logFile(desk, DAILY);
  await say(file, 'one', 'two');
  assert.match(desk.problems[0]!.message, /EISDIR/);
  assert.equal(desk.problems[1]!.message, '2 lines were never written');
  assert.equal(desk.problems.length, 2);
  rmdirSync(desk.path('a.00.log'));
  await say(file, 'three');
  assert.deepEqual(desk.files(), { 'a.00.log': 'three\n' });
});

test('a file that cannot make room for a folder in its way grows on, and tries again a minute later', async () => {
  await using desk = new Desk();
  const file = logFile(desk, BY_SIZE);
  mkdirSync(desk.path('a.01.log'));
  await say(file, '123456789', 'abcdefghi', 'jklmnopqr');
  assert.equal(desk.read('a.00.log'), '123456789\nabcdefghi\njklmnopqr\n');
  assert.equal(desk.problems.length, 1);
  rmdirSync(desk.path('a.01.log'));
  desk.turn(60_000);
  await say(file, 'next');
  assert.deepEqual(desk.files(), { 'a.00.log': 'next\n', 'a.01.log': '123456789\nabcdefghi\njklmnopqr\n' });
});

test('more than the disk takes is left out, and counted', async () => {
  await using desk = new Desk();
  const file = logFile(desk, { ...DAILY, maxBytes: 1 << 30 });
  const line = 'x'.repeat(9_999);
  for (let i = 0; i < 10_000; i += 1) file.write(`${line}\n`); // 100 MB in one turn
  await file.close();
  const kept = desk.read('a.00.log').length / 10_000;
  assert.ok(kept < 500, `${kept} lines were kept in memory`);
  assert.deepEqual(
    desk.problems.map(({ message }) => message),
    ['the disk is too slow; lines are dropped', `${10_000 - kept} lines were dropped`],
  );
});
