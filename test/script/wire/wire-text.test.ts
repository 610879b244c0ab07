// The text that a script gets of a peer's values.
import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { CodedError } from '../../../src/errors.ts';
import { type AmfValue, EcmaArray, TypedObject } from '../../../src/protocol/amf/amf.ts';
import { MAX_EVENT_BYTES } from '../../../src/script/wire/wire.ts';
import { listToWire, toWire } from '../../../src/script/wire/wire-text.ts';
import { bare, randomAmf } from '../../support/amf.ts';
import { Random } from '../../support/random.ts';
import { wireOf } from '../../support/wire.ts';

const isTooLong = (error: unknown) => error instanceof CodedError && error.code === 'ERR_SCRIPT_VALUE';

describe('a string', () => {
  const ALPHABET = [
    'a',
    '"',
    '\\',
    '\n',
    '\u0000',
    '\u001f',
    '\u007f',
    'é',
    '€',
    '\u2028',
    '🎬',
    '/',
    '\u0080',
  ];
  test('is the JSON of every engine, whatever is in it and however long it is', () => {
    const random = new Random(3);
    for (let i = 0; i < 2_000; i += 1) {
      const text = Array.from({ length: random.below(i % 50 === 0 ? 2_000 : 40) }, () =>
        random.pick(ALPHABET),
      ).join('');
      assert.equal(`${toWire(text).json}`, JSON.stringify(text));
    }
  });

  test('is no longer than the bound with its escapes', () => {
    const most = Math.floor((MAX_EVENT_BYTES - 2) / 6);
    assert.equal(toWire('\u0001'.repeat(most)).json.length, most * 6 + 2);
    assert.throws(() => toWire('\u0001'.repeat(most + 1)), isTooLong);
    assert.throws(() => toWire('€'.repeat(MAX_EVENT_BYTES / 3 + 1)), isTooLong);
  });
});

describe('a text that would be too long is refused before it is made', () => {
  const half = 'x'.repeat(MAX_EVENT_BYTES / 2);
  const cases: Record<string, AmfValue> = {
    'one string again and again': Array.from({ length: 1_000 }, () => half),
    'bytes again and again': Array.from({ length: 1_000 }, () => new Uint8Array(MAX_EVENT_BYTES / 2)),
    'one class of many objects': Array.from({ length: 1_000 }, () => new TypedObject(half, bare({}))),
    'one name of many objects': Array.from({ length: 1_000 }, () => bare({ [half]: 1 })),
    'a long string': 'x'.repeat(MAX_EVENT_BYTES),
    'many values': new Array(1_000_000).fill(undefined),
  };
  for (const [name, value] of Object.entries(cases)) {
    test(name, () => {
      const allocUnsafe = mock.method(Buffer, 'allocUnsafe');
      try {
        assert.throws(() => toWire(value), isTooLong);
        const sizes = allocUnsafe.mock.calls.map(({ arguments: [bytes] }) => bytes);
        assert.ok(Math.max(...sizes) <= 2 * MAX_EVENT_BYTES, `${Math.max(...sizes)} bytes at once`);
      } finally {
        allocUnsafe.mock.restore();
      }
    });
  }
});

describe('an object that is met again', () => {
  test('is written once for all arguments of a call', () => {
    const camera = bare({ picture: new Uint8Array(100_000), owner: undefined as AmfValue });
    camera.owner = camera;
    const args = Array.from({ length: 500 }, () => camera);
    assert.ok(listToWire(args).json.length < 200_000);
  });

  test('is written once although each argument has another part of one cycle', () => {
    const items = Array.from({ length: 300 }, () => bare({ list: undefined as AmfValue }));
    for (const item of items) item.list = items;
    assert.ok(listToWire(items).json.length < 40_000);
  });

  test('is defined where it stands first, inside others too', () => {
    const inner = ['a'];
    const outer = [inner];
    const json = JSON.parse(`${listToWire([outer, inner, outer]).json}`);
    assert.deepEqual(json, [
      { $: 'def', id: 2, v: [{ $: 'def', id: 1, v: ['a'] }] },
      { $: 'ref', id: 1 },
      { $: 'ref', id: 2 },
    ]);
  });
});

test('a named entry of an associative array loses against a dense one of the same name', () => {
  assert.deepEqual(wireOf(new EcmaArray(bare({ 0: 'lost', '01': 'kept', 7: 'kept' }), ['dense'])), {
    $: 'ecma',
    v: { 0: 'dense', 7: 'kept', '01': 'kept' },
  });
});

test('random values are JSON', () => {
  const random = new Random(4);
  for (let i = 0; i < 300; i += 1) assert.doesNotThrow(() => wireOf(randomAmf(random, { amf3: true })));
});
