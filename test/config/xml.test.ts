import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseXmlFile, type XmlElement } from '../../src/config/xml.ts';

function lines(element: XmlElement): string[] {
  return [`${element.name} ${element.line}`, ...element.children.flatMap(lines)];
}

test('elements know their line, whatever ends the lines', () => {
  for (const end of ['\n', '\r\n', '\r']) {
    const text = [
      '<?xml version="1.0"?>',
      '<!-- a',
      'comment -->',
      '<Root',
      '  a="1">',
      '<B/>',
      '',
      '  <C>x</C>',
    ];
    const root = parseXmlFile(`${[...text, '</Root>'].join(end)}${end}`, 'a.xml');
    assert.deepEqual(lines(root), ['Root 4', 'B 6', 'C 8']);
  }
});

test('a byte order mark moves no line', () => {
  assert.deepEqual(lines(parseXmlFile('\ufeff<A>\n<B/></A>', 'a.xml')), ['A 1', 'B 2']);
});

test('the text of an element is its own, trimmed, entities and CDATA resolved', () => {
  const root = parseXmlFile('<A> x &amp; <B>inner</B><![CDATA[<y>]]>&#33; <!-- z --> </A>', 'a.xml');
  assert.equal(root.text, 'x & <y>!');
  assert.equal(root.children[0]!.text, 'inner');
});

test('an attribute may have any name', () => {
  const { attributes } = parseXmlFile('<A __proto__="1" toString="2"/>', 'a.xml');
  assert.deepEqual(Object.entries(attributes), [
    ['__proto__', '1'],
    ['toString', '2'],
  ]);
});

for (const [what, text, message] of [
  ['an end tag that is missing', '<A>\n<B>\n</A>', 'a.xml:3: Missing end tag for element B'],
  ['nothing', '', 'a.xml:1: Root element is missing or invalid'],
  ['text without an element', '\n  just text', 'a.xml:2: Root element is missing or invalid'],
  [
    'an entity of its own',
    '<!DOCTYPE A [<!ENTITY e "1">]>\n<A>&e;</A>',
    "a.xml:2: Named entity isn't defined: &e;",
  ],
  [
    'an entity that names a file',
    '<!DOCTYPE A [<!ENTITY e SYSTEM "file:///etc/passwd">]>\n<A>&e;</A>',
    "a.xml:2: Named entity isn't defined: &e;",
  ],
  ['nesting that ends the parser', '<A>'.repeat(9_000), 'a.xml: elements are nested too deep'],
  [
    'nesting that the parser bears',
    `${'<A>'.repeat(200)}${'</A>'.repeat(200)}`,
    'a.xml: elements are nested too deep',
  ],
  [
    'tags without end',
    '<A/>'.repeat(100_000),
    'a.xml: more than 10000 tags, attributes, entities and symbols',
  ],
  [
    'symbols without end',
    '${a}'.repeat(20_000),
    'a.xml: more than 10000 tags, attributes, entities and symbols',
  ],
  ['lines without end', `<A>${'\r'.repeat(60_000)}</A>`, 'a.xml: more than 50000 lines'],
  ['a file without end', ' '.repeat((4 << 20) + 1), 'a.xml: longer than 4194304 characters'],
] as const) {
  test(`refused, with its place: ${what}`, () => {
    assert.throws(() => parseXmlFile(text, 'a.xml'), {
      name: 'ConfigError',
      code: 'ERR_CONFIG_SYNTAX',
      message,
    });
  });
}
