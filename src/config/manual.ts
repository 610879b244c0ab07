// Schema → the commented files of conf/: they are the manual of the configuration.
import type { Group, Leaf, Members, Node } from './element.ts';
import { CONF_FILES, type ConfFile } from './schema/files.ts';
import { SYMBOLS } from './schema/symbols.ts';

const WIDTH = 100;
const INDENT = '  ';

/** Path below conf/ → text. */
export function formatManual(): Record<string, string> {
  const files = CONF_FILES.map((file) => [file.path, formatXml(file)]);
  return Object.fromEntries([['fms.ini', formatIni()], ...files]);
}

const XML_ABOUT =
  'This file lists every setting with its default. A missing or empty element has its default as well. ${NAME} is ' +
  'replaced by a symbol of fms.ini, ${%NAME%} by an environment variable. Flash Media Server elements not listed ' +
  'here are accepted and ignored. Unknown elements are errors.';

const WHEN_STARTED = ['Changes take effect at the next start.'];

function formatXml({ rootName, schema, about, whenSaved = WHEN_STARTED }: ConfFile): string {
  const lines = [
    '<?xml version="1.0" encoding="utf-8"?>',
    ...comment([about, XML_ABOUT, ...whenSaved], ''),
    '',
  ];
  const inner = members(schema, INDENT);
  lines.push(...(inner.length > 0 ? [`<${rootName}>`, ...inner, `</${rootName}>`] : [`<${rootName}/>`]));
  return `${lines.join('\n')}\n`;
}

function members({ members }: Group<Members>, indent: string): string[] {
  const blocks = Object.entries(members)
    .filter(([key]) => /^[^@#]/.test(key))
    .map(([name, node]) => element(name, node, indent))
    .filter((lines) => lines.length > 0);
  return blocks.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}

/** Nothing for what is not used. */
function element(name: string, node: Node, indent: string): string[] {
  switch (node.kind) {
    case 'unused':
      return [];
    case 'free':
      return [...comment([node.meaning], indent), `${indent}<${name}></${name}>`];
    case 'leaf':
      return [...comment(describe(node), indent), `${indent}<${name}>${node.default}</${name}>`];
    case 'list': {
      if (node.atLeastOne) return element(name, node.item, indent);
      const { item } = node;
      const about =
        item.kind === 'leaf'
          ? describe(item)
          : [...(item.meaning ? [item.meaning] : []), ...everyLeafText(item)];
      return comment([...about, `None by default. Each is ${example(name, item)}`], indent);
    }
    case 'group':
      return groupElement(name, node, indent);
  }
}

function groupElement(name: string, node: Group<Members>, indent: string): string[] {
  const inner = members(node, indent + INDENT);
  const text = node.members['#text'];
  const attributes = attributesOf(node);
  if (inner.length === 0 && attributes === '' && text?.kind !== 'leaf') return [];
  const about = comment([...(node.meaning ? [node.meaning] : []), ...leafTexts(node)], indent);
  const open = `${indent}<${name}${attributes}>`;
  if (inner.length > 0) return [...about, open, ...inner, `${indent}</${name}>`];
  return [...about, `${open}${text?.kind === 'leaf' ? text.default : ''}</${name}>`];
}

function attributesOf({ members }: Group<Members>): string {
  return Object.entries(members)
    .flatMap(([key, member]) =>
      key.startsWith('@') && member.kind === 'leaf' ? ` ${key.slice(1)}="${member.default}"` : [],
    )
    .join('');
}

/** Without comments, on one line. */
function example(name: string, node: Leaf<unknown> | Group<Members>): string {
  if (node.kind === 'leaf') return `<${name}>${node.default}</${name}>`;
  const inner = Object.entries(node.members).flatMap(([key, member]) => {
    if (!/^[^@#]/.test(key)) return [];
    if (member.kind === 'list') return [example(key, member.item)];
    return member.kind === 'leaf' || member.kind === 'group' ? [example(key, member)] : [];
  });
  const text = node.members['#text'];
  const own = text?.kind === 'leaf' ? text.default : '';
  const content = inner.length > 0 ? ` ${inner.join(' ')} ` : own;
  return `<${name}${attributesOf(node)}>${content}</${name}>`;
}

/** What there is to say about a group's own text and attributes. */
function leafTexts({ members }: Group<Members>): string[] {
  return Object.entries(members).flatMap(([key, member]) => {
    if (member.kind !== 'leaf' || /^[^@#]/.test(key)) return [];
    const [meaning, expected] = describe(member);
    return key === '#text' ? [meaning, expected] : [`${key.slice(1)}: ${meaning}`, expected];
  });
}

/** The same with those of the elements in it: the example of a list has no room for comments. */
function everyLeafText(group: Group<Members>): string[] {
  const inner = Object.entries(group.members).flatMap(([key, member]) => {
    if (!/^[^@#]/.test(key)) return [];
    if (member.kind === 'group') return everyLeafText(member).map((text) => within(key, text));
    if (member.kind === 'list' && member.item.kind === 'leaf') {
      return [...describe(member.item), `${INDENT}any number of them`].map((text) => within(key, text));
    }
    return member.kind === 'leaf' ? describe(member).map((text) => within(key, text)) : [];
  });
  return [...leafTexts(group), ...inner];
}

function within(name: string, text: string): string {
  return text.startsWith(' ') ? text : `${name}: ${text}`;
}

function describe({ meaning, value, default: byDefault }: Leaf<unknown>): [string, string] {
  return [meaning, `${INDENT}${value.expected}; default: ${byDefault || 'nothing'}`];
}

function comment(paragraphs: readonly string[], indent: string): string[] {
  if (paragraphs.length === 0) return [];
  const lines = paragraphs.flatMap((text) => wrap(text, WIDTH - indent.length - 9));
  return lines.map((line, index) => {
    const begin = index === 0 ? '<!-- ' : '     ';
    const end = index === lines.length - 1 ? ' -->' : '';
    return `${indent}${begin}${line}${end}`;
  });
}

const INI_ABOUT = [
  'The settings that are changed most often. The other files of this folder refer to them and contain all other ' +
    'settings.',
  '',
  'A line is NAME = value; spaces around both are ignored. Put a value that begins or ends with spaces in double ' +
    'quotes. A line that begins with # is a comment. On the command line, --set NAME=VALUE overrides this file.',
  'You may add symbols: ${NAME} is replaced by the value of NAME in the XML files and further down in this file. ' +
    'ROOT (the folder above this one), CONF (this folder) and ${%NAME%}, the environment variable NAME, are ' +
    'replaced as well; Application.xml in the folder of an application may not refer to these. A file ' +
    'substitution.xml may define more symbols:',
  `${INDENT}<Root> <Symbols> <NAME>value</NAME> </Symbols> <KeyValueFile>path of a further file</KeyValueFile> ` +
    '</Root>',
  'A saved change takes effect at once in Application.xml files that refer to it, and at the next start ' +
    'elsewhere. A reference to an undefined symbol is an error.',
];

function formatIni(): string {
  const blocks = Object.entries(SYMBOLS).map(([name, byDefault]) => {
    const { file, path, leaf } = whereUsed(name);
    const about = [
      leaf.meaning,
      `${INDENT}${leaf.value.expected}; default: ${byDefault || 'nothing'}; for ${path} of ${file}`,
    ];
    return [...hashes(about), `${name} = ${byDefault}`.trimEnd()].join('\n');
  });
  return `${[hashes(INI_ABOUT).join('\n'), ...blocks].join('\n\n')}\n`;
}

function hashes(paragraphs: readonly string[]): string[] {
  return paragraphs.flatMap((text) => wrap(text, WIDTH - 2)).map((line) => `# ${line}`.trimEnd());
}

/** The element that a symbol goes to. */
function whereUsed(symbol: string): { file: string; path: string; leaf: Leaf<unknown> } {
  for (const { path: file, schema } of CONF_FILES) {
    const found = search(schema, symbol, '');
    if (found) return { file, ...found };
  }
  throw new RangeError(`no element has the default \${${symbol}}`);
}

function search(node: Node, symbol: string, path: string): { path: string; leaf: Leaf<unknown> } | undefined {
  if (node.kind === 'leaf') return node.default === `\${${symbol}}` ? { path, leaf: node } : undefined;
  if (node.kind === 'list') return search(node.item, symbol, path);
  if (node.kind !== 'group') return undefined;
  for (const [key, member] of Object.entries(node.members)) {
    const inner = key === '#text' ? path : path === '' ? key : `${path}/${key}`;
    const found = search(member, symbol, inner);
    if (found) return found;
  }
  return undefined;
}

/** Lines of at most `width`; those after the first keep the indent of the first. */
function wrap(text: string, width: number): string[] {
  const indent = /^ */.exec(text)![0];
  const lines: string[] = [];
  let line = '';
  for (const word of text.trim().split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}
