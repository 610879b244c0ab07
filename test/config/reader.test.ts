import assert from 'node:assert/strict';
import { test } from 'node:test';
import { free, group, leaf, list, unsupported, unused } from '../../src/config/element.ts';
import type { Note } from '../../src/config/note.ts';
import { type Layer, Reader } from '../../src/config/reader.ts';
import type { SymbolTable } from '../../src/config/symbols.ts';
import { seconds, text, trueOrFalse, whole } from '../../src/config/value.ts';
import { parseXmlFile } from '../../src/config/xml.ts';

const SCHEMA = group('Everything that a schema can say.', {
  '@on': leaf(trueOrFalse, 'false', 'An attribute.'),
  Count: leaf(whole(1, 9), '${COUNT}', 'A number.'),
  Label: leaf(text('a text, or nothing'), 'x', 'A text.'),
  Engine: group('An inner group.', { Idle: leaf(seconds(0, 60), '5', 'A time.') }, { alias: 'OldEngine' }),
  Port: list(
    group('An item with a text and an attribute.', {
      '@name': leaf(text('a name'), '', 'A name.'),
      '#text': leaf(text('a port'), ':1', 'A port.'),
    }),
    { atLeastOne: true },
  ),
  Alias: list(leaf(text('a name'), '', 'A name.')),
  Own: free('Anything.'),
  Guard: unsupported('false'),
  ...unused('Pool'),
});

const SYMBOLS: Record<string, string> = { COUNT: '3', SEVEN: '7', NONE: '' };
const symbols: SymbolTable = {
  get: (name) =>
    name in SYMBOLS ? { value: SYMBOLS[name]!, where: `fms.ini:1: ${name} = ${SYMBOLS[name]}` } : undefined,
  whyNot: (name) => `there is no ${name}`,
};

function read(...texts: string[]) {
  const notes: Note[] = [];
  const layers = texts.map((xml, index): Layer => ({ element: parseXmlFile(xml, `${index}.xml`), symbols }));
  return { ...new Reader(symbols, notes).read('Root', SCHEMA, layers), notes };
}

test('without a file there are the defaults, symbols in them replaced', () => {
  const { notes, ...values } = read();
  assert.deepEqual(values, {
    '@on': false,
    Count: 3,
    Label: 'x',
    Engine: { Idle: 5000 },
    Port: [{ '@name': '', '#text': ':1' }],
    Alias: [],
    Own: {},
  });
  assert.deepEqual(notes, []);
});

test('a file says it in elements, attributes and text', () => {
  const { notes, ...values } = read(`<Root on="TRUE"><Count> ${'${SEVEN}'} </Count><Label></Label>
    <OldEngine><Idle>1</Idle></OldEngine><Port name="a">:2</Port><Port>:3</Port><Alias>b</Alias>
    <Own><url>${'${COUNT}'}</url><deep><er>1</er></deep></Own></Root>`);
  assert.deepEqual(JSON.parse(JSON.stringify(values)), {
    '@on': true,
    Count: 7,
    Label: '',
    Engine: { Idle: 1000 },
    Port: [
      { '@name': 'a', '#text': ':2' },
      { '@name': '', '#text': ':3' },
    ],
    Alias: ['b'],
    Own: { url: '3', deep: { er: '1' } },
  });
  assert.deepEqual(notes, []);
});

test('the later file counts, element by element; an empty element says nothing unless nothing is a value', () => {
  const values = read(
    '<Root><Count>1</Count><Label>first</Label><Engine><Idle>1</Idle></Engine><Port>:2</Port><Port>:3</Port></Root>',
    '<Root><Count/><Label/><Engine/><Port>:4</Port></Root>',
  );
  assert.equal(values.Count, 1);
  assert.equal(values.Label, '');
  assert.equal(values.Engine.Idle, 1000);
  assert.deepEqual(values.Port, [{ '@name': '', '#text': ':4' }]);
});

test('override="no" on an element or above it keeps the later file out, and says so', () => {
  const values = read(
    '<Root><Count override="no">1</Count><Engine override="no"/><Label override="yes">a</Label></Root>',
    '<Root><Count>2</Count>\n<OldEngine><Idle>9</Idle></OldEngine><Label>b</Label></Root>',
  );
  assert.equal(values.Count, 1);
  assert.equal(values.Engine.Idle, 5000);
  assert.equal(values.Label, 'b');
  assert.deepEqual(values.notes, [
    { level: 'warn', text: '1.xml:1: <Count> is ignored: 0.xml:1 has override="no"' },
    { level: 'warn', text: '1.xml:2: <OldEngine> is ignored: 0.xml:1 has override="no"' },
  ]);
});

test('what is known and not used is noted; a warning where it promises something', () => {
  const { notes } = read('<Root>\n<Pool size="3"><Any>thing</Any></Pool>\n<Guard>false</Guard></Root>');
  assert.deepEqual(notes, [
    { level: 'debug', text: '0.xml:3: Guard is not used' },
    { level: 'debug', text: '0.xml:2: Pool is not used' },
  ]);
  assert.deepEqual(read('<Root><Guard>TRUE</Guard></Root>').notes, [
    { level: 'warn', text: '0.xml:1: Guard = TRUE: not supported, it has no effect' },
  ]);
});

test('a symbol that is not defined is a mistake where it is used, and nowhere else', () => {
  const refused = { name: 'ConfigError', what: 'there is no WHO', place: { file: '0.xml', line: 2 } };
  assert.throws(() => read('<Root>\n<Label>me and ${WHO}</Label></Root>'), refused);
  assert.throws(() => read('<Root>\n<Own>\n<a>${WHO}</a></Own></Root>'), {
    message: '0.xml:3: there is no WHO',
  });
  assert.deepEqual(read('<Root><Guard>${WHO}</Guard></Root>').notes.length, 1);
});

for (const [xml, message] of [
  ['<Other/>', '0.xml:1: <Other>: expected <Root>'],
  [
    '<Root>\n<Engine><Idel>1</Idel></Engine></Root>',
    '0.xml:2: <Idel> is unknown in <Engine>: expected one of Idle',
  ],
  ['<Root of="1"/>', '0.xml:1: the attribute of is unknown in <Root>: expected one of on'],
  ['<Root><Count of="1"/></Root>', '0.xml:1: the attribute of is unknown in <Count>: expected no attributes'],
  ['<Root><Count><A/></Count></Root>', '0.xml:1: <A> in <Count>: expected a text only'],
  ['<Root>\ntext</Root>', '0.xml:1: "text" in <Root>: expected elements only'],
  ['<Root><Engine/>\n<OldEngine/></Root>', '0.xml:2: <OldEngine> a second time: expected one, line 1 has it'],
  ['<Root>\n<Count>12</Count></Root>', '0.xml:2: Count = 12: expected a whole number from 1 to 9'],
  ['<Root on="maybe"/>', '0.xml:1: Root@on = maybe: expected true or false'],
  [
    '<Root><Engine><Idle>${SEVEN}7</Idle></Engine></Root>',
    '0.xml:1: Idle = 77 (fms.ini:1: SEVEN = 7): expected a whole number of seconds from 0 to 60',
  ],
] as const) {
  test(`refused, with its place and what was expected: ${message}`, () => {
    assert.throws(() => read(xml), { name: 'ConfigError', message });
  });
}

test('a default that a symbol spoils is told with the place of the symbol', () => {
  const spoilt: SymbolTable = {
    get: () => ({ value: 'many', where: 'fms.ini:2: COUNT = many' }),
    whyNot: assert.fail,
  };
  assert.throws(() => new Reader(spoilt, []).read('Root', SCHEMA, []), {
    message: 'fms.ini:2: COUNT = many: expected a whole number from 1 to 9',
  });
  const none: SymbolTable = { get: () => undefined, whyNot: (name) => `there is no ${name}` };
  assert.throws(() => new Reader(none, []).read('Root', SCHEMA, []), {
    name: 'ConfigError',
    message: 'there is no COUNT',
  });
});

const COMMANDS = group('', {
  Exec: list(
    group('', {
      '@name': leaf(text('a name'), 'example', '', { isRequired: true }),
      Program: leaf(text('a program'), 'example', '', { isRequired: true }),
    }),
    { key: '@name' },
  ),
});

function readCommands(xml: string) {
  return new Reader(symbols, []).read('Root', COMMANDS, [{ element: parseXmlFile(xml, '0.xml'), symbols }]);
}

test('what an element must have is not made up, and no two have the same key', () => {
  assert.deepEqual(readCommands('<Root/>'), { Exec: [] });
  const two = '<Exec name="a"><Program>x</Program></Exec><Exec name="b"><Program>x</Program></Exec>';
  assert.equal(readCommands(`<Root>${two}</Root>`).Exec.length, 2);
  const place = { file: '0.xml', line: 2 };
  for (const [xml, what] of [
    ['<Exec name="a"/>', '<Exec> has no <Program>: expected a program'],
    ['<Exec name="a"><Program> </Program></Exec>', '<Exec> has no <Program>: expected a program'],
    ['<Exec><Program>x</Program></Exec>', '<Exec> has no attribute name: expected a name'],
    [`${two}<Exec name="a"><Program>y</Program></Exec>`, '<Exec> a a second time: line 2 has it already'],
  ]) {
    assert.throws(() => readCommands(`<Root>\n${xml}</Root>`), { what, place, message: `0.xml:2: ${what}` });
  }
});
