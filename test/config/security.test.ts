// docs/security.md says how far everybody can go: its figures are the defaults of the settings.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Leaf, Node } from '../../src/config/element.ts';
import { CONF_FILES } from '../../src/config/schema/files.ts';

const TEXT = readFileSync(join(import.meta.dirname, '../../docs/security.md'), 'utf8').replace(/\s+/g, ' ');

/** Names of elements and attributes → all settings that are called so; a group has none. */
const SETTINGS = new Map<string, Leaf<unknown>[]>();

function collect(name: string, node: Node): void {
  const known = SETTINGS.get(name) ?? [];
  SETTINGS.set(name, known);
  if (node.kind === 'leaf') known.push(node);
  else if (node.kind === 'list') collect(name, node.item);
  else if (node.kind === 'group') {
    for (const [inner, one] of Object.entries(node.members)) {
      if (one.kind !== 'unused') collect(inner.replace('@', ''), one);
    }
  }
}

for (const { rootName, schema } of CONF_FILES) collect(rootName, schema);

const KIB = 1024;
const inWords = (n: number) => n.toLocaleString('en-US');

/** How a text may say the default: `4,096`, `64 kB`, `1.5 GB`, `30 s`. None: it is no number, or means "any". */
function figures({ value, default: byDefault }: Leaf<unknown>): string[] {
  const n = Number(byDefault);
  if (!/^\d/.test(byDefault) || Number.isNaN(n)) return [];
  if (/seconds/.test(value.expected) && !/milli/.test(value.expected)) return [`${inWords(n)} s`];
  if (!/kilobytes/.test(value.expected)) return [inWords(n)];
  return [`${inWords(n)} kB`, `${inWords(n / KIB)} MB`, `${inWords(n / KIB ** 2)} GB`];
}

/** `Name` in code, or a path of them. */
const NAMED = [...TEXT.matchAll(/`([A-Z][a-z]\w*(?:\/[A-Z]\w+)*)`/g)].map(([, path]) => path!);

function says(text: string, figure: string): boolean {
  return new RegExp(`(?<![\\d.,])${figure.replace('.', '\\.')}(?![\\d]|[.,]\\d)`).test(text);
}

test('every setting that docs/security.md names is one', () => {
  assert.ok(NAMED.length > 30, `${NAMED.length} names`);
  for (const name of NAMED.flatMap((path) => path.split('/'))) assert.ok(SETTINGS.has(name), name);
});

test('docs/security.md has the default of every setting that it names', () => {
  const sentences = TEXT.split(/(?<=[.:;]) /);
  for (const name of NAMED) {
    const byDefault = (SETTINGS.get(name) ?? []).map(figures);
    if (byDefault.some((none) => none.length === 0)) continue;
    const all = byDefault.flat();
    if (all.length === 0) continue;
    const about = sentences.filter((sentence) => sentence.includes(`\`${name}\``));
    const isSaid = about.some((sentence) => all.some((figure) => says(sentence, figure)));
    assert.ok(isSaid, `${name}: none of ${all.join(', ')} in "${about.join(' … ')}"`);
  }
});

test('a figure behind the name of a setting in docs/security.md is its default', () => {
  const pairs = [...TEXT.matchAll(/`(\w+)` \((\d[\d,.]*(?: (?:[kMG]B|s)\b)?)/g)];
  assert.ok(pairs.length > 10, `${pairs.length} figures`);
  for (const [, name, figure] of pairs) {
    const all = SETTINGS.get(name!)!.flatMap(figures);
    assert.ok(all.includes(figure!), `${name}: ${figure} is none of ${all.join(', ')}`);
  }
});
