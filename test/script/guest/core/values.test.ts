import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { WireValue } from '../../../../src/script/wire/wire.ts';
import { TestRunner, type TestUnit } from '../../../support/runner.ts';

let runner: TestRunner;
let unit: TestUnit;
before(async () => {
  runner = await TestRunner.start();
  unit = await runner.run(`
    application.onConnect = (client) => { client.lists = []; return true };
    Client.prototype.echo = (value) => value;
    Client.prototype.run = function (code, value) { return (0, eval)(code)(value, this) };`);
  await unit.connect().verdict;
});
after(() => runner[Symbol.asyncDispose]());

const UNDEFINED = { $: 'undefined' };

describe('values of the wire', () => {
  const shared: WireValue = [
    { $: 'def', id: 1, v: { a: 1 } },
    { $: 'ref', id: 1 },
  ];
  for (const [name, value] of [
    ['plain ones', [null, true, false, 0, -1.5, 1e300, '', 'äöü€\u{1f600}\n"', [], {}, { a: { b: [1] } }]],
    ['undefined', { a: UNDEFINED, b: [UNDEFINED] }],
    ['numbers that JSON has not', ['NaN', 'Infinity', '-Infinity', '-0'].map((v) => ({ $: 'number', v }))],
    [
      'dates',
      [
        { $: 'date', v: 1234 },
        { $: 'date', v: null },
      ],
    ],
    ['bytes', ['', 'AA==', 'AAE=', 'AAEC', '/+8='].map((v) => ({ $: 'bytes', v }))],
    ['typed objects', { $: 'typed', class: 'com.example.User', v: { name: 'ann', $x: 1 } }],
    ['associative arrays', { $: 'ecma', v: { '0': 'a', '1': 'b', name: 'c' } }],
    ['XML', { $: 'xml', v: '<a b="c"/>' }],
    [
      'dictionaries',
      {
        $: 'map',
        v: [
          [1, 'a'],
          [{ k: 1 }, [2]],
          ['s', UNDEFINED],
        ],
      },
    ],
    [
      'awkward names',
      {
        $: 'object',
        v: [
          ['$', 1],
          ['__proto__', { x: 1 }],
          ['constructor', 2],
        ],
      },
    ],
    ['typed objects with awkward names', { $: 'typed', class: 'C', v: { $: 'object', v: [['$', 1]] } }],
    ['shared objects', shared],
    ['cycles', { $: 'def', id: 1, v: { self: { $: 'ref', id: 1 }, list: [{ $: 'ref', id: 1 }] } }],
    [
      'cycles through every kind',
      {
        $: 'def',
        id: 1,
        v: { $: 'typed', class: 'N', v: { m: { $: 'map', v: [['up', { $: 'ref', id: 1 }]] } } },
      },
    ],
    [
      'shared objects inside each other',
      {
        a: { $: 'def', id: 1, v: { in: { $: 'def', id: 2, v: [1] } } },
        b: [
          { $: 'ref', id: 1 },
          { $: 'ref', id: 2 },
        ],
      },
    ],
  ] as [string, WireValue][]) {
    test(`${name} come back as they were`, async () => {
      assert.deepEqual(await unit.value('echo', value), value);
    });
  }

  test('are what scripts expect', async () => {
    const found = await unit.value(
      'run',
      `(v) => [v.date instanceof Date && v.date.getTime(), v.bytes instanceof Uint8Array && [...v.bytes],
        Array.isArray(v.ecma) && [v.ecma.length, v.ecma.name, Object.keys(v.ecma)], v.map instanceof Map && v.map.get('k'),
        Object.keys(v.typed), v.typed[Symbol.for('amf.class')], v.xml + '', 'u' in v && v.u === undefined, v.a === v.b]`,
      {
        date: { $: 'date', v: 7 },
        bytes: { $: 'bytes', v: 'AQL/' },
        ecma: { $: 'ecma', v: { '0': 'x', name: 'y' } },
        map: { $: 'map', v: [['k', 5]] },
        typed: { $: 'typed', class: 'T', v: { p: 1 } },
        xml: { $: 'xml', v: '<x/>' },
        u: UNDEFINED,
        a: { $: 'def', id: 1, v: {} },
        b: { $: 'ref', id: 1 },
      },
    );
    assert.deepEqual(found, [7, [1, 2, 255], [1, 'y', ['0', 'name']], 5, ['p'], 'T', '<x/>', true, true]);
  });

  test('an associative array with a far index is no array: a loop over it would not end', async () => {
    const value = { $: 'ecma', v: { '4294967290': 1 } };
    assert.deepEqual(await unit.value('run', '(v) => [Array.isArray(v), v[4294967290]]', value), [false, 1]);
  });
});

describe('values of scripts', () => {
  const cases: [string, unknown][] = [
    ['[function () {}, Symbol("x"), undefined]', [UNDEFINED, UNDEFINED, UNDEFINED]],
    ['({ f() {}, s: Symbol("x"), u: undefined, n: 1 })', { u: UNDEFINED, n: 1 }],
    ['new Set([1, "a"])', [1, 'a']],
    ['[new Float64Array([1.5, 2]), new Uint16Array([300])]', [[1.5, 2], [300]]],
    ['new Uint8Array([1, 2]).buffer', { $: 'bytes', v: 'AQI=' }],
    ['new DataView(new Uint8Array([1, 2, 3]).buffer, 1)', { $: 'bytes', v: 'AgM=' }],
    ['[Object("s"), Object(5), Object(false), 12n]', ['s', 5, false, 12]],
    ['Object.assign(new TypeError("oh"), { code: 4 })', { name: 'TypeError', message: 'oh', code: 4 }],
    ['new (class Point { x = 1; get y() { return 2 } z() {} })()', { x: 1 }],
    ['Object.assign([1], { name: "n" })', { $: 'ecma', v: { '0': 1, name: 'n' } }],
    ['[1, , 3]', [1, UNDEFINED, 3]],
    [
      'Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true }, hidden: { value: 3 } })',
      { own: 2 },
    ],
    ['({ toJSON() { return "x" }, a: 1 })', { a: 1 }],
    ['[application, client, {}]', [UNDEFINED, UNDEFINED, {}]],
    ['new String("a\\ud800")', 'a\ud800'],
    [
      '(() => { const o = {}; Object.defineProperty(o, Symbol.for("amf.class"), { value: "X" }); return o })()',
      { $: 'typed', class: 'X', v: {} },
    ],
  ];
  for (const [code, wire] of cases) {
    test(`${code} reaches the client as AMF can have it`, async () => {
      assert.deepEqual(await unit.value('run', `(_, client) => ${code}`), wire);
    });
  }

  for (const code of [
    '(() => { let a = []; for (let i = 0; i < 70; i++) a = [a]; return a })()',
    'new Array(200000).fill(0)',
    'Object.assign([], { length: 4294967295 })',
    'new Uint8Array(3e6)',
    'new Proxy({}, { ownKeys() { throw new Error("trap") } })',
    '({ get a() { throw null } })',
    'Object.create(Date.prototype)',
  ]) {
    test(`${code} cannot be sent, and only that call fails`, async () => {
      const ret = await unit.call('run', `() => ${code}`);
      assert.ok(ret.found && !ret.ok);
      assert.equal(await unit.value('echo', 1), 1);
    });
  }

  test('are copied when they are sent', async () => {
    const result = unit.value('run', '(v, client) => { client.call("m", null, v); v.a = 2; return v }', {
      a: 1,
    });
    assert.deepEqual(await result, { a: 2 });
    assert.deepEqual(unit.of('clientCall').at(-1)!.args, [{ a: 1 }]);
  });
});

describe('a script that patches the language', () => {
  test('still has its events in order and its values as they are', async () => {
    const patched = await runner.run(`
      Object.prototype.toJSON = () => 'evil';
      Array.prototype.toJSON = () => 'evil';
      Array.prototype.push = Array.prototype.splice = Map.prototype.get = Map.prototype.set = () => { throw new Error('patched') };
      Array.prototype[Symbol.iterator] = function* () { yield 'evil' };
      JSON.stringify = JSON.parse = () => 'evil';
      Object.defineProperty(Object.prototype, 'gate', { get: () => 5, configurable: true });
      Object.defineProperty(Object.prototype, 'saved', { get: () => 5, configurable: true });
      String.prototype.slice = String.prototype.charCodeAt = () => 'evil';
      Promise.prototype.then = () => { throw new Error('patched') };
      application.onPublish = (c, stream) => { stream.record(); return { as: 'p' } };
      Client.prototype.echo = (v) => v;`);
    await patched.connect().verdict;
    const asked = patched.publish('s');
    assert.deepEqual(await asked.verdict, { op: 'verdict', id: asked.id, accepted: true, as: 'p' });
    patched.post({ t: 'publish', client: 'c1', stream: 'p', query: '', gate: asked.id });
    assert.deepEqual(await patched.value('echo', { a: [1, { $: 'date', v: 3 }] }), {
      a: [1, { $: 'date', v: 3 }],
    });
    assert.equal(patched.of('record')[0]!.stream, 'p');
    assert.deepEqual(patched.of('error'), []);
  });
});
