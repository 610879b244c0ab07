import assert from 'node:assert/strict';
import { sep } from 'node:path';
import { test } from 'node:test';
import { nameProblem, pathInside } from '../../src/storage/names.ts';

for (const name of [
  'live',
  '_definst_',
  'a/b/c',
  'Ünïcode 日本語 🎥',
  'a.b.c',
  'a b',
  '-rf',
  '~',
  '$HOME',
  "it's",
  '__proto__',
  'console',
  'com',
  'a'.repeat(200),
  `${'a'.repeat(200)}/`.repeat(5).slice(0, 1_000),
]) {
  test(`${JSON.stringify(name.slice(0, 30))} may become a path`, () => {
    assert.equal(nameProblem(name), undefined);
    const path = pathInside('/srv/applications', name);
    assert.ok(path.startsWith(`${sep}srv${sep}applications${sep}`));
  });
}

for (const [name, problem] of [
  ['', /empty/],
  ['/', /empty element/],
  ['/a', /empty element/],
  ['a/', /empty element/],
  ['a//b', /empty element/],
  ['.', /dot/],
  ['..', /dot/],
  ['../a', /dot/],
  ['a/..', /dot/],
  ['a/../b', /dot/],
  ['.htaccess', /dot/],
  ['a.', /dot/],
  ['a ', /blank/],
  ['a./b', /dot/],
  ['a\\b', /character/],
  ['C:', /character/],
  ['a:stream', /character/],
  ['a*', /character/],
  ['a?', /character/],
  ['a"b', /character/],
  ['a<b', /character/],
  ['a>b', /character/],
  ['a|b', /character/],
  ['a\u0000', /character/],
  ['a\nb', /character/],
  ['a\u007f', /character/],
  ['a\ufffdb', /character/],
  ['a\ud800', /half a character/],
  ['CON', /device/],
  ['con', /device/],
  ['a/nul.flv', /device/],
  ['COM1', /device/],
  ['lpt9.txt', /device/],
  ['a'.repeat(201), /longer/],
  ['ä'.repeat(101), /longer/],
  ['a/'.repeat(600), /longer/],
] as const) {
  test(`${JSON.stringify(name.slice(0, 30))} may not`, () => {
    assert.match(nameProblem(name) ?? 'nothing was found', problem);
  });
}

test('a name that was not checked cannot leave its folder either', () => {
  for (const name of ['..', '../applications2', '/etc/passwd', 'a/../..', '.']) {
    assert.throws(() => pathInside('/srv/applications', name), RangeError, name);
  }
});
