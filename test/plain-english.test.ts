// The English of what people read: meanings of settings, messages and errors, help texts, documentation. A phrase that hides the
// actor or the field's noun is refused, by file, line and sentence. Comments of the code are not looked at, but those of the d.ts are.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'acorn';

const ROOT = join(import.meta.dirname, '..');

interface Passage {
  /** Below the root of the repository. */
  file: string;
  line: number;
  text: string;
}

/** What a sentence may not have → what to write instead. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [
    /\b(?:is|are|was|were|be|been) (?:told|said|asked|heard|looked for|kept from|hoped for)\b/i,
    'name who sends, logs, asks or waits',
  ],
  [/\bhears? of\b/i, 'say who notifies whom'],
  [/\b(?:whom|thereof|anew|all the same|shall|of which|whatever)\b/i, 'an archaic word'],
  [/\b(?:he|his|him|himself|she|her)\b/i, 'users, administrators and processes are "they" or "it"'],
  [/\b(?:somebody|whoever|to everybody|nobody of)\b/i, 'name the client, user or process'],
  [
    /(?:^|[.:;] )(?:Whether|How (?:long|often|many|much|deep)) /,
    'begin with the noun: "Timeout for", "Maximum number of", or a verb',
  ],
  [
    /(?:^|[.:;] |\b(?:and|but) )(?:[Ww]ho|[Ww]hat) (?:is|are|has|have|was|comes?|does|slow|opens?) not\b/,
    'a noun, not "what is not"',
  ],
  [
    /(?:^|[.:;,] |\b(?:and|or|but|keeps out|from|for|of|to|with|than|as) )who (?:is|are|has|have|comes?|opens?|may|can|does|passes|only|steps|wants?)\b/i,
    'a noun before "who": "the client that …"',
  ],
  [/\b(?:Of|of) several(?: that fit)?,? (?:the|it)\b/, '"if several match, …"'],
  [/\b(?:counts|count) as nothing\b|\b(?:gone|goes?) by it\b/i, 'say the effect'],
  [/\bso (?:long|many|much) (?:it|they|may|in a row|lines)\b/i, 'name the interval or the number'],
  [/\bare made (?:his|its|theirs)\b|\bhave (?:them|it) happen\b/i, 'active voice'],
];

/** The first hundred characters are enough to find a sentence. */
const MAX_SHOWN = 100;

test('a sentence of the bad examples is found, one of the good is not', () => {
  const bad = [
    'After a wrong answer it is asked again as much later.',
    'Whether there are any.',
    'are made his; programs have to be readable for him',
    'the files have them all the same.',
    'How often it is looked for what goes on.',
    'Whether who opens a tunnel gets a cookie',
    'Of several that fit the longest counts.',
    'Whatever had no line for so long gets one.',
    'understudy reload NAME: start an application anew',
  ];
  const good = [
    'If several entries match, the longest path applies.',
    'Timeout for the first response. After a wrong response the client is challenged again after the same interval.',
    'Set a cookie with this server’s ID when a tunnel opens, for cookie-based session affinity.',
    'Clients that send nothing for this long are disconnected.',
  ];
  for (const text of bad) assert.notEqual(faultOf(text), undefined, text);
  for (const text of good) assert.equal(faultOf(text), undefined, text);
});

describe('plain English', () => {
  test('in meanings of settings, messages, errors and help texts', () => {
    const files = globSync('src/**/*.ts', { cwd: ROOT, exclude: ['src/**/*.d.ts'] });
    assertPlain(files.flatMap((file) => literals(file)));
  });

  test('in the types that authors of scripts read', () => {
    assertPlain(globSync('src/script/types/*.d.ts', { cwd: ROOT }).flatMap((file) => comments(file)));
  });

  test('in documentation', () => {
    // architecture.md says what the comments of the files say
    const docs = globSync('docs/**/*.md', { cwd: ROOT, exclude: ['docs/architecture.md'] });
    const files = ['README.md', 'applications/README.md', ...docs];
    assertPlain(files.flatMap((file) => paragraphs(file)));
  });
});

function assertPlain(passages: readonly Passage[]): void {
  assert.ok(passages.length > 0, 'found no text');
  const faults = passages.flatMap(({ file, line, text }) =>
    sentences(text).flatMap((sentence) => {
      const fault = faultOf(sentence);
      return fault === undefined ? [] : [`${file}:${line}: ${fault}: ${sentence.slice(0, MAX_SHOWN)}`];
    }),
  );
  assert.equal(faults.length, 0, `\n${faults.join('\n')}\n`);
}

/** The phrase that is refused, and what to write instead. */
function faultOf(sentence: string): string | undefined {
  for (const [pattern, instead] of REFUSED) {
    const [found] = pattern.exec(sentence) ?? [];
    if (found !== undefined) return `"${found.trim()}" (${instead})`;
  }
  return undefined;
}

function sentences(text: string): string[] {
  return text
    .replace(/\s+/g, ' ')
    .split(/(?<=[.!?]) (?=[A-Z`"(])/)
    .filter((sentence) => sentence.includes(' '));
}

interface SyntaxNode {
  type: string;
  start: number;
  end: number;
  loc: { start: { line: number } };
  [key: string]: unknown;
}

/** Strings and templates of a source file, those with + between them as one. */
function literals(file: string): Passage[] {
  const source = readFileSync(join(ROOT, file), 'utf8');
  const tree = parse(stripTypeScriptTypes(source), {
    ecmaVersion: 'latest',
    sourceType: 'module',
    locations: true,
  });
  const found: Passage[] = [];
  const visit = (value: unknown) => {
    if (Array.isArray(value)) for (const item of value) visit(item);
    else if (isNode(value)) {
      const text = textOf(value);
      if (text === undefined) for (const child of Object.values(value)) visit(child);
      else if (text.includes(' ')) found.push({ file, line: value.loc.start.line, text });
    }
  };
  visit(tree);
  return found;
}

/** An expression in a template is `…`. Undefined: not a text. */
function textOf(node: SyntaxNode): string | undefined {
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : undefined;
  if (node.type === 'TemplateLiteral') {
    const parts = node['quasis'] as { value: { cooked: string } }[];
    return parts.map(({ value }) => value.cooked).join('…');
  }
  if (node.type !== 'BinaryExpression' || node['operator'] !== '+') return undefined;
  const [left, right] = [textOf(node['left'] as SyntaxNode), textOf(node['right'] as SyntaxNode)];
  return left === undefined || right === undefined ? undefined : left + right;
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string';
}

function comments(file: string): Passage[] {
  const source = readFileSync(join(ROOT, file), 'utf8');
  return [...source.matchAll(/\/\*\*?([\s\S]*?)\*\/|^\s*\/\/ ?(.*)$/gm)].map(
    ({ 0: all, 1: block, 2: rest, index }) => ({
      file,
      line: source.slice(0, index + all.search(/\S/)).split('\n').length,
      text: (block ?? rest ?? '').replace(/^\s*\* ?/gm, ''),
    }),
  );
}

/** Without code. */
function paragraphs(file: string): Passage[] {
  const source = readFileSync(join(ROOT, file), 'utf8');
  const prose = source.replace(/^```[\s\S]*?^```/gm, (code) => code.replace(/[^\n]/g, ''));
  let line = 1;
  return prose.split('\n\n').map((text) => {
    const passage = { file, line, text: text.replace(/`[^`]*`/g, '`…`') };
    line += text.split('\n').length + 1;
    return passage;
  });
}
