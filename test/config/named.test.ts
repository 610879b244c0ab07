// Names of settings in code, made from those in the files.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { free, group, leaf, list, type Members, type Node, unused } from '../../src/config/element.ts';
import { named, nameInCode } from '../../src/config/named.ts';
import { Reader } from '../../src/config/reader.ts';
import { CONF_FILES } from '../../src/config/schema/files.ts';
import { kilobytes, milliseconds, orElse, seconds, text, whole } from '../../src/config/value.ts';
import { testSettings } from '../support/settings.ts';

const SCHEMA = group('', {
  JSEngine: group('', {
    '@enable': leaf(whole(0, 9), '1', ''),
    '#text': leaf(text(''), 'x', ''),
    MaxTime: leaf(orElse(seconds(0, 9), '-1', 'none', undefined), '2', ''),
    ...unused('Old'),
  }),
  SSL: leaf(whole(0, 9), '3', ''),
  AccumulatedIFrames: list(group('', { MaxSize: leaf(kilobytes(0, 9), '4', '') }), { atLeastOne: true }),
  PublishTimeout: leaf(milliseconds(0, 9), '5', ''),
  config: free(''),
});

test('a setting has its name from the file in code, small at the front, with its unit behind', () => {
  const symbols = { get: () => undefined, whyNot: () => '' };
  const values = new Reader(symbols, []).read('Root', SCHEMA, []);
  const result = named(SCHEMA, values);
  // the same names for the compiler
  const { jsEngine, ssl, accumulatedIFrames, publishTimeoutMs, config } = result;
  assert.deepEqual(
    { jsEngine, ssl, accumulatedIFrames, publishTimeoutMs, config },
    {
      jsEngine: { enable: 1, text: 'x', maxTimeMs: 2000 },
      ssl: 3,
      accumulatedIFrames: [{ maxSizeBytes: 4096 }],
      publishTimeoutMs: 5,
      config: {},
    },
  );
  assert.equal(Object.keys(result).length, 5);
});

test('no two settings of an element have one name in code', () => {
  for (const { path, schema } of CONF_FILES) assert.deepEqual([...twins(schema, path)], []);
});

function* twins(node: Node, path: string): Generator<string> {
  if (node.kind === 'list') yield* twins(node.item, path);
  if (node.kind !== 'group') return;
  const members = Object.entries(node.members as Members).filter(([, { kind }]) => kind !== 'unused');
  const names = members.map(([key, member]) => nameInCode(key, member));
  yield* names.filter((name, i) => names.indexOf(name) !== i).map((name) => `${path}: ${name}`);
  for (const [key, member] of members) yield* twins(member, `${path}/${key}`);
}

test('settings for tests are the defaults of the schema, with what a test says of them', () => {
  const { streamManager } = testSettings({ streamManager: { live: { publishTimeoutMs: undefined } } });
  assert.equal(streamManager.live.publishTimeoutMs, undefined);
  assert.equal(streamManager.live.takeOverIntervalMs, testSettings().streamManager.live.takeOverIntervalMs);
});
