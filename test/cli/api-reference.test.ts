// applications/API.md, which is made from understudy.d.ts.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatReference, readDeclarations, undocumented } from '../../src/cli/api-reference.ts';
import { TYPES_DIR } from '../../src/cli/author-files.ts';
import { checkTypes } from '../../src/cli/check-types.ts';
import { rootWith } from './support.ts';

const sourceOf = (file: string) => readFileSync(join(TYPES_DIR, file), 'utf8');
const SOURCE = sourceOf('understudy.d.ts');
const TESTS = sourceOf('understudy-test.d.ts');
const APPLICATIONS = join(import.meta.dirname, '../../applications');

test('applications/API.md says what the types say', () => {
  const text = formatReference(readDeclarations(SOURCE), readDeclarations(TESTS));
  const isCurrent =
    readFileSync(join(APPLICATIONS, 'API.md'), 'utf8') === text &&
    readFileSync(join(APPLICATIONS, 'understudy.d.ts'), 'utf8') === SOURCE &&
    readFileSync(join(APPLICATIONS, 'understudy-test.d.ts'), 'utf8') === TESTS;
  assert.ok(
    isCurrent,
    'the types in src/script/types have changed: run "npm run docs" and commit applications/',
  );
});

test('everything that scripts and their tests find has a comment', () => {
  const silent = [SOURCE, TESTS].flatMap((source) => undocumented(readDeclarations(source))).join(', ');
  assert.equal(silent, '', `in src/script/types a comment is missing at ${silent}`);
});

/** What examples take for granted. */
const AROUND = `declare const client: Client;
declare const stream: Stream;
declare const keys: Map<string, string>;
declare const passwords: Map<string, string>;
`;

test('its examples have no mistake', async (t) => {
  const declarations = readDeclarations(SOURCE);
  const docs = declarations.flatMap(({ doc, members }) => [doc, ...members.map((member) => member.doc)]);
  const examples = docs.flatMap((doc) => {
    const at = doc.indexOf('@example');
    const end = doc.findIndex((line, i) => i > at && line.startsWith('@'));
    return at < 0 ? [] : [doc.slice(at + 1, end < 0 ? undefined : end).join('\n')];
  });
  assert.ok(examples.length > 15);
  const files = examples.map((code, i) => [`api/example${i}.ts`, `export {};\n${code}\n`]);
  const root = rootWith(t, { 'api/around.d.ts': AROUND, ...Object.fromEntries(files) });
  const faults = await checkTypes(join(root, 'applications', 'api'));
  const said = faults.map(({ file = '', message }) => {
    const [, i] = /example(\d+)/.exec(file) ?? [];
    return `${message}\n${examples[Number(i)]}`;
  });
  assert.deepEqual(said, []);
});

const SAMPLE = `// What comes first.

/**
 * A thing.
 *
 * @param a - the one
 * @param b - the other
 * @returns both
 * @example
 * new Thing().both(1, '2');
 */
interface Thing {
  /** How many. */
  readonly size: number;
  /** Both | one. */
  both(a: number, b: string): {
    sum: number;
  };
  both(a: ';' | '('): void;
  silent?: () => void;
}

interface ThingConstructor {
  readonly prototype: Thing;
  /** Another. */
  new (): Thing;
}
declare var Thing: ThingConstructor;

/** Facts. */
interface Facts {
  /** It is. */
  readonly is: 'a' | 'b';
}

/**
 * As elsewhere.
 *
 * @see https://example.com/spec
 */
declare class Theirs {
  private constructor();
  static of(x: number): Theirs;
  /** Ours. */
  readonly value: number;
}

type Both = Thing | Facts;
`;

const MODULE = `declare module 'things' {
  /** Comes in. */
  export function enter(): void;
}
`;

test('a declaration becomes a heading, its members as well, with what is said of them', () => {
  const declarations = readDeclarations(SAMPLE);
  assert.deepEqual(undocumented(declarations), ['Thing.silent']);
  const text = formatReference(declarations, readDeclarations(MODULE));
  for (const part of [
    "## Thing\n\nA thing.\n\n- `a`: the one\n- `b`: the other\n\nReturns both\n\n```ts\nnew Thing().both(1, '2');\n```\n",
    '### Thing.size\n\n```ts\nreadonly size: number;\n```\n\nHow many.\n',
    "### Thing.both\n\n```ts\nboth(a: number, b: string): {\n  sum: number;\n};\nboth(a: ';' | '('): void;\n```\n\nBoth | one.\n",
    '### new Thing\n\n```ts\nnew (): Thing;\n```\n\nAnother.\n',
    "## Facts\n\nFacts.\n\n| | | |\n|---|---|---|\n| `is` | `'a' \\| 'b'` | It is. |\n",
    '## Theirs\n\nAs elsewhere.\n\nSee <https://example.com/spec>\n\n```ts\nstatic of(x: number): Theirs;\n/** Ours. */\nreadonly value: number;\n```\n',
    '# What tests find',
    '## enter\n\n```ts\nfunction enter(): void;\n```\n\nComes in.\n',
    '## Both\n\n```ts\ntype Both = Thing | Facts;\n```\n',
  ]) {
    assert.ok(text.includes(part), `${part}\nis not in\n${text}`);
  }
  assert.equal(text.match(/^## Thing$/gm)!.length, 1);
});

test('a line that it does not understand is named', () => {
  assert.throws(() => readDeclarations('declare enum X {}\n'), /line 1: declare enum X/);
  assert.throws(() => readDeclarations('interface A {\n  #x: 1;\n}\n'), /line 2: {3}#x/);
});
