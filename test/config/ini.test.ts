import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIni } from '../../src/config/ini.ts';

function values(text: string): Record<string, string> {
  return Object.fromEntries([...parseIni(text, 'fms.ini')].map(([name, { value }]) => [name, value]));
}

test('the name is everything before the first equals sign, the value everything after it, both trimmed', () => {
  assert.deepEqual(values('  AUTH.URL\t=  http://host/check?a=1&b=2  \n'), {
    'AUTH.URL': 'http://host/check?a=1&b=2',
  });
});

test('double quotes keep blanks at the ends of a value, and only a pair of them is taken off', () => {
  assert.deepEqual(values('A = "  x "\nB = say "x"\nC = "\nD = ""\nE = "a" = "b"'), {
    A: '  x ',
    B: 'say "x"',
    C: '"',
    D: '',
    E: '"a" = "b"',
  });
});

test('semicolons, hashes, backslashes, brackets and the words of JSON are part of a value', () => {
  assert.deepEqual(
    values('A = C:\\lib;D:\\lib # not a comment\nB = true\nC = null\nD[] = [x]\n__proto__ = 1'),
    {
      A: 'C:\\lib;D:\\lib # not a comment',
      B: 'true',
      C: 'null',
      'D[]': '[x]',
      ['__proto__']: '1',
    },
  );
});

test('dots in names do not nest', () => {
  assert.deepEqual(values('A.B = 1\nA = 2'), { 'A.B': '1', A: '2' });
});

test('comments, blank lines, any line end and a byte order mark are read over; lines are counted', () => {
  const entries = parseIni('\ufeff# first\r\n\r\n  # indented\rA = 1\n\nB=2', 'fms.ini');
  assert.deepEqual(
    [...entries],
    [
      ['A', { value: '1', line: 4 }],
      ['B', { value: '2', line: 6 }],
    ],
  );
});

test('the last definition of a name counts', () => {
  assert.deepEqual([...parseIni('A = 1\nA = 2', 'fms.ini')], [['A', { value: '2', line: 2 }]]);
});

for (const line of ['[section]', '; old habit', 'VHOST.APPSDIR', '= nameless']) {
  test(`a line that defines nothing is an error with its place: ${line}`, () => {
    assert.throws(() => parseIni(`A = 1\n${line}\n`, 'conf/fms.ini'), {
      code: 'ERR_CONFIG_SYNTAX',
      message: `conf/fms.ini:2: ${JSON.stringify(line)}: expected NAME = value`,
    });
  });
}
