import assert from 'node:assert/strict';
import { test } from 'node:test';
import { visible, visibleLines } from '../../src/log/visible.ts';

test('what ends a line, hides, or changes what stands around it is shown instead', () => {
  assert.equal(visible('a\r\nb\tc\0\u001b[2J\u009b'), 'a\\r\\nb c\\x00\\x1b[2J\\x9b');
  assert.equal(
    visible('\u202egnp\u2066\u200f\u061c\ufeff\u2028'),
    '\\u202egnp\\u2066\\u200f\\u061c\\ufeff\\u2028',
  );
  assert.equal(visible('ü 🎥 \ud800'), 'ü 🎥 \ufffd');
});

test('a text has an end, and says how long it was', () => {
  const text = visible('x'.repeat(100_000));
  assert.ok(text.length < 33_000);
  assert.match(text, /x… \(100000 characters\)$/);
});

test('of several lines all but the first are indented', () => {
  assert.equal(
    visibleLines('main.ts:3\n  x\r\nINFO: all is well'),
    'main.ts:3\n      x\\r\n    INFO: all is well',
  );
});
