import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { test } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import { Descriptors } from '../../src/wiring/descriptors.ts';

test('connections leave an eighth of the descriptors free, 40 at least and 1024 at most', () => {
  assert.equal(new Descriptors(128).maxConnection, 88);
  assert.equal(new Descriptors(1024).maxConnection, 896);
  assert.equal(new Descriptors(1_048_576).maxConnection, 1_047_552);
});

test('with too few descriptors the server does not start, and says how many it needs and where they are set', () => {
  assert.throws(
    () => new Descriptors(127),
    (error) =>
      error instanceof ConfigError &&
      error.code === 'ERR_CONFIG_DESCRIPTORS' &&
      /127 .* at least 128 .*ulimit -n.*LimitNOFILE/.test(error.message),
  );
});

test('files that others ask for leave half of the reserve free', () => {
  // the lowest number that is free is given to the next file, so with one open below it the limit is exact
  const next = openSync(devNull, 'r');
  closeSync(next);
  const reserve = 40;
  const isRoomAt = (max: number) => new Descriptors(max).hasRoom();
  const held: number[] = [];
  try {
    while (held.length === 0 || held.at(-1)! < 128 - reserve / 2 - 1) held.push(openSync(devNull, 'r'));
    assert.equal(isRoomAt(128), false);
    assert.equal(isRoomAt(160), true);
    closeSync(held.pop()!);
    assert.equal(isRoomAt(128), true);
  } finally {
    for (const fd of held) closeSync(fd);
  }
});

test('the limit of this process is found out', () => {
  assert.ok(Number.isSafeInteger(new Descriptors().maxConnection));
  assert.equal(new Descriptors().hasRoom(), true);
});
