import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DecodeError } from '../../../src/errors.ts';
import {
  type AmfValue,
  Dictionary,
  EcmaArray,
  TypedObject,
  Vector,
  XmlDocument,
} from '../../../src/protocol/amf/amf.ts';
import { MAX_AMF_DEPTH, MAX_WRITTEN_VALUES } from '../../../src/protocol/amf/amf-budget.ts';
import { fromWire } from '../../../src/script/commands/values.ts';
import { bare, randomAmf } from '../../support/amf.ts';
import { Random } from '../../support/random.ts';
import { wireOf } from '../../support/wire.ts';

/** As it travels: through JSON text. */
function travel(value: AmfValue): AmfValue {
  return fromWire(wireOf(value));
}

const trees: [name: string, value: AmfValue, wire: unknown][] = [
  ['null', null, null],
  ['a boolean', true, true],
  ['a number', 1.5, 1.5],
  ['a string', 'größe 🎬 \u0000', 'größe 🎬 \u0000'],
  ['undefined', undefined, { $: 'undefined' }],
  ['NaN', Number.NaN, { $: 'number', v: 'NaN' }],
  ['infinity', -Infinity, { $: 'number', v: '-Infinity' }],
  ['minus zero', -0, { $: 'number', v: '-0' }],
  ['a date', new Date(86_400_000), { $: 'date', v: 86_400_000 }],
  ['an invalid date', new Date(Number.NaN), { $: 'date', v: null }],
  ['bytes', Uint8Array.of(0, 255, 16), { $: 'bytes', v: 'AP8Q' }],
  ['an array', [1, undefined, 'a'], [1, { $: 'undefined' }, 'a']],
  ['an object', bare({ a: 1, b: { c: null } }), { a: 1, b: { c: null } }],
  [
    'an object with a key $',
    bare({ $: 'def', id: 1 }),
    {
      $: 'object',
      v: [
        ['$', 'def'],
        ['id', 1],
      ],
    },
  ],
  ['a typed object', new TypedObject('Point', bare({ x: 1 })), { $: 'typed', class: 'Point', v: { x: 1 } }],
  ['an associative array', new EcmaArray(bare({ a: 1 })), { $: 'ecma', v: { a: 1 } }],
  ['one with a dense part', new EcmaArray(bare({ a: 1 }), [7, 8]), { $: 'ecma', v: { a: 1, 0: 7, 1: 8 } }],
  ['XML', new XmlDocument('<a/>'), { $: 'xml', v: '<a/>' }],
  ['a dictionary', new Dictionary([[[1], 'x']]), { $: 'map', v: [[[1], 'x']] }],
];

describe('values that cross to scripts', () => {
  for (const [name, value, wire] of trees) {
    test(`${name} has its tag and comes back as it was`, () => {
      assert.deepEqual(wireOf(value), wire);
      assert.deepEqual(travel(value), value);
    });
  }

  test('a member __proto__ stays a member', () => {
    const value = bare(JSON.parse('{ "__proto__": { "admin": true } }') as AmfValue);
    assert.deepEqual(wireOf(value), { $: 'object', v: [['__proto__', { admin: true }]] });
    assert.deepEqual(travel(value), value);
  });

  test('a vector reaches scripts as an array', () => {
    assert.deepEqual(wireOf(new Vector('int', [1, 2])), [1, 2]);
  });

  test('what is shared stays shared, cycles included', () => {
    const date = new Date(5);
    const inner: AmfValue[] = [date];
    const value = bare<{ [key: string]: AmfValue }>({ a: inner, b: inner, c: date });
    value.self = value;
    const back = travel(value) as { [key: string]: AmfValue[] };
    assert.equal(back.a, back.b);
    assert.equal(back.a![0], back.c);
    assert.equal(back.self, back);
    assert.deepEqual(back, value);
  });

  test('a value of the deepest nesting that AMF allows crosses even when each level is shared', () => {
    let value: AmfValue = [];
    const levels: AmfValue[] = [];
    for (let depth = 1; depth < MAX_AMF_DEPTH - 1; depth += 1) {
      levels.push(value);
      value = [value];
    }
    assert.equal((travel([value, ...levels.slice(0, 3)]) as AmfValue[]).length, 4);
  });

  test('random values come back as they were', () => {
    const random = new Random(2);
    for (let i = 0; i < 300; i += 1) {
      const value = randomAmf(random, { amf3: false });
      assert.deepEqual(wireOf(travel(value)), wireOf(value));
    }
  });
});

describe('values that scripts make up', () => {
  const hostile: [name: string, wire: unknown][] = [
    ['an unknown tag', { $: 'function' }],
    ['a tag that is no string', { $: { a: 1 } }],
    ['a date of text', { $: 'date', v: 'now' }],
    ['bytes of numbers', { $: 'bytes', v: [1, 2] }],
    ['a special number that is none', { $: 'number', v: '12' }],
    ['a typed object without a class', { $: 'typed', v: {} }],
    ['a typed object of an array', { $: 'typed', class: 'A', v: [] }],
    ['an associative array of nothing', { $: 'ecma', v: null }],
    ['pairs that are none', { $: 'map', v: [[1, 2, 3]] }],
    ['a key that is no text', { $: 'object', v: [[1, 2]] }],
    ['a reference to nothing', { $: 'ref', id: 1 }],
    ['a reference to itself before it is there', { $: 'def', id: 1, v: { $: 'ref', id: 1 } }],
    [
      'an id twice',
      [
        { $: 'def', id: 1, v: {} },
        { $: 'def', id: 1, v: {} },
      ],
    ],
    ['an id upon an id', { $: 'def', id: 1, v: { $: 'def', id: 2, v: {} } }],
    ['an id that is no number', { $: 'def', id: 'a', v: {} }],
    ['nothing at all', undefined],
    ['too many values', new Array(MAX_WRITTEN_VALUES).fill(0)],
    ['too deep a nesting', nested(MAX_AMF_DEPTH + 1)],
    ['too deep a nesting of shared values', nested(MAX_AMF_DEPTH + 1, true)],
  ];
  for (const [name, wire] of hostile) {
    test(`${name}: refused`, () => {
      assert.throws(() => fromWire(wire), DecodeError);
    });
  }

  function nested(depth: number, shared = false): unknown {
    let value: unknown = [];
    for (let i = 1; i < depth; i += 1) value = shared ? { $: 'def', id: i, v: [value] } : [value];
    return value;
  }

  test('a String object that a script sends twice is a text twice', () => {
    const wire = [
      { $: 'def', id: 1, v: 'a' },
      { $: 'ref', id: 1 },
    ];
    assert.deepEqual(fromWire(wire), ['a', 'a']);
  });

  test('tags are read from the value itself, not from what __proto__ pretends', () => {
    const wire = JSON.parse('{ "a": 1, "__proto__": { "$": "xml", "v": "<a/>" } }');
    const value = fromWire(wire) as { [key: string]: AmfValue };
    assert.equal(value.a, 1);
    assert.equal(Object.getPrototypeOf(value), null);
  });
});
