import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FMS_FORMAT, w3cCell, w3cHeader, w3cLine } from '../../src/log/w3c.ts';

const cell = (value: string | number | undefined, format = {}) =>
  w3cCell(value, { ...FMS_FORMAT, ...format });

test('a header is that of the W3C extended format', () => {
  const at = new Date(Date.UTC(2026, 1, 3, 4, 5, 6));
  assert.equal(
    w3cHeader(['x-event', 'date'], 'Understudy/1.2.3', at, 'utc', FMS_FORMAT),
    '#Version: 1.0\r\n#Start-Date: 2026-02-03 04:05:06\r\n#Software: Understudy/1.2.3\r\n' +
      '#Date: 2026-02-03 04:05:06\r\n#Fields: x-event\tdate\r\n',
  );
});

test('what is not known is a dash, and what only looks like it is not', () => {
  assert.equal(w3cLine([cell(undefined), cell(''), cell(0), cell('-')], FMS_FORMAT), '-\t-\t0\t%2D\r\n');
});

test('EscapeFields encodes what FMS encodes, and leaves the rest', () => {
  assert.equal(cell(' <>"#%{}|^~[]`'), '%20%3C%3E%22%23%25%7B%7D%7C%5E%7E%5B%5D%60');
  assert.equal(cell("WIN 10,0;a=b&c/d:e?f'(g)*!@$_-.\\"), "WIN%2010,0;a=b&c/d:e?f'(g)*!@$_-.\\");
  assert.equal(cell('Kamera 1: Größe 🎥'), 'Kamera%201:%20Größe%20🎥');
});

test('no name breaks a line or a column, whatever is switched off', () => {
  const hostile = 'a\r\nb\tc\u0000\u001b[31m\u0085\u2028\u2029\u202ed\ud800\u200b';
  for (const escapeFields of [true, false]) {
    for (const quoteFields of [true, false]) {
      const text = cell(hostile, { escapeFields, quoteFields });
      assert.match(text, /^[\x20-\x7e\ufffd]+$/, JSON.stringify(text));
      assert.match(text, /^"?a%0D%0Ab%09c%00%1B/);
      assert.match(text, /%C2%85%E2%80%A8%E2%80%A9%E2%80%AEd/);
    }
  }
  assert.equal(w3cLine([cell('#Fields: x', { escapeFields: false })], FMS_FORMAT), '%23Fields: x\r\n');
});

test('the delimiter inside a value is encoded, or stands in quotes', () => {
  const plain = { escapeFields: false };
  assert.equal(cell('a;b c', { ...plain, delimiter: ';' }), 'a%3Bb c');
  assert.equal(cell('a b', { ...plain, delimiter: ' ' }), 'a%20b');
  assert.equal(cell('a;b', { ...plain, quoteFields: true, delimiter: ';' }), '"a;b"');
  assert.equal(cell('a "b"', { ...plain, quoteFields: true }), '"a ""b"""');
  assert.equal(cell('ab', { ...plain, quoteFields: true }), 'ab');
  assert.equal(cell('a b', { quoteFields: true }), 'a%20b');
});

test('a value has an end', () => {
  assert.equal(cell('x'.repeat(100_000)).length, 4096);
  assert.equal(cell('\u202e'.repeat(100_000)), '%E2%80%AE'.repeat(456).slice(0, 4095).replace(/%.?$/, ''));
});
