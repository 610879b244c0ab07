import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { quickJson } from '../../../../src/script/guest/core/plain.ts';

const CLASS = Symbol('class');
const shared = { a: 1 };
const cycle: { self?: unknown } = {};
cycle.self = cycle;

describe('plain values', () => {
  test('are what JSON.stringify makes of them', () => {
    const values = [
      ...[1, -1.5, 0, '', 'ü"\n\ud800', true, false, null, [], {}],
      { a: [1, { b: [] }], 'ä "b': 'c', 5: 6, toString: 'own' },
      Object.assign(Object.create(null), { x: 1 }),
    ];
    for (const value of values) assert.equal(quickJson(value, CLASS), JSON.stringify(value));
  });

  const others: [what: string, value: unknown][] = [
    ['undefined', undefined],
    ['a member that is undefined', { a: undefined }],
    ['numbers that JSON has not', [Number.NaN]],
    ['minus zero', [-0]],
    ['a big integer', 10n],
    ['a function', { f() {} }],
    ['an object that is met again', [shared, shared]],
    ['a cycle', cycle],
    ['a hole', Object.assign(new Array(3), { 0: 1, 2: 2 })],
    ['an array with a name', Object.assign([1], { name: 1 })],
    ['a key with a meaning of ours', { $: 'undefined' }],
    ['a key __proto__', JSON.parse('{"__proto__":1}')],
    ['a date', new Date(0)],
    ['a map', new Map()],
    ['bytes', new Uint8Array(2)],
    ['an object of a class', new (class Point {})()],
    ['an array of a class', new (class List extends Array {})()],
    ['an object with the key of a class', { [CLASS]: 'Point' }],
    ['a string object', Object('x')],
    ['very many objects', Array.from({ length: 40 }, () => ({}))],
    ['very many values', Array.from({ length: 2000 }, () => 1)],
  ];
  for (const [what, value] of others) {
    test(`are not: ${what}`, () => {
      assert.equal(quickJson(value, CLASS), undefined);
      assert.equal(quickJson({ deep: [value] }, CLASS), undefined);
      assert.equal(quickJson(shared, CLASS), '{"a":1}');
    });
  }

  test('with a getter that throws leave nothing behind', () => {
    const value = { a: shared, get b() { throw new Error('boom') } }; // biome-ignore format: one line
    assert.throws(() => quickJson(value, CLASS), /boom/);
    assert.equal(quickJson(shared, CLASS), '{"a":1}');
  });

  test('are none as long as somebody has put a toJSON where everything would find it', () => {
    const prototypes = [Object.prototype, Array.prototype] as { toJSON?: unknown }[];
    for (const prototype of prototypes) {
      prototype.toJSON = () => 'mine';
      try {
        assert.equal(quickJson([1], CLASS), undefined);
      } finally {
        delete prototype.toJSON;
      }
    }
  });
});
