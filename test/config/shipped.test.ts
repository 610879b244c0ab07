// conf/ is the manual of the configuration: it has to say what the schema does.
import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Node } from '../../src/config/element.ts';
import { loadConfig } from '../../src/config/load.ts';
import { formatManual } from '../../src/config/manual.ts';
import { APPLICATION } from '../../src/config/schema/application.ts';
import { CONF_FILES } from '../../src/config/schema/files.ts';
import { WHEN_SAVED } from '../../src/config/schema/when-saved.ts';
import { parseXmlFile, type XmlElement } from '../../src/config/xml.ts';
import { rootWith } from './support.ts';

const CONF = join(import.meta.dirname, '../../conf');

test('conf/ holds what the schema says, file by file (npm run conf writes it anew)', () => {
  const manual = formatManual();
  const there = readdirSync(CONF, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.includes('.') && !path.endsWith('.local.xml'), // those a server that was run here has made
  );
  assert.deepEqual(there.sort(), Object.keys(manual).sort());
  for (const [path, text] of Object.entries(manual))
    assert.equal(readFileSync(join(CONF, path), 'utf8'), text);
});

test('with the files of conf/ the server is configured as without any', (t) => {
  const [bare, shipped] = [rootWith(t), rootWith(t)];
  cpSync(CONF, join(shipped, 'conf'), {
    recursive: true,
    filter: (path) => !path.endsWith('.local.xml'),
  });
  const settings = (root: string) => {
    const { adaptors, ...config } = loadConfig({ root, set: {}, environment: {} });
    const plain = adaptors.map((adaptor) => ({
      ...adaptor,
      vhosts: adaptor.vhosts.map(({ defaults, ...vhost }) => vhost),
    }));
    return JSON.parse(JSON.stringify({ ...config, adaptors: plain }).replaceAll(root, '/root'));
  };
  assert.deepEqual(settings(shipped), settings(bare));
});

for (const { path, rootName, schema } of CONF_FILES) {
  test(`every element of ${path} says its meaning, unit, range and default`, () => {
    const text = readFileSync(join(CONF, path), 'utf8');
    const flat = text.replace(/\s+/g, ' ');
    const root = parseXmlFile(text, path);
    assert.equal(root.name, rootName);
    const elements = new Set(everyElement(root).map(({ name }) => name));
    for (const leaf of everyLeaf(schema)) {
      const isInExample = flat.includes(`<${leaf.element} `) || flat.includes(`<${leaf.element}>`);
      assert.ok(elements.has(leaf.element) || isInExample, leaf.element);
      const said = `${leaf.meaning} ${leaf.expected}; default: ${leaf.default || 'nothing'}`;
      assert.ok(flat.includes(said.replace(/\s+/g, ' ')), `${leaf.element}: ${said}`);
    }
  });
}

test('from when on a saved Application.xml counts is said of each of its elements, and of no other', () => {
  const paths = everyPath(APPLICATION);
  const said = Object.values(WHEN_SAVED).flat();
  assert.equal(new Set(said).size, said.length);
  const isIn = (path: string, outer: string) => path === outer || path.startsWith(`${outer}/`);
  for (const path of paths)
    assert.ok(
      said.some((outer) => isIn(path, outer)),
      `${path}: when?`,
    );
  for (const outer of said)
    assert.ok(
      paths.some((path) => isIn(path, outer)),
      `${outer} is nothing`,
    );
});

function everyPath(node: Node, path = ''): string[] {
  if (node.kind === 'leaf' || node.kind === 'free') return [path];
  if (node.kind === 'list') return everyPath(node.item, path);
  if (node.kind !== 'group') return [];
  return Object.entries(node.members).flatMap(([key, member]) =>
    everyPath(member, [path, key].filter((part) => part !== '').join('/')),
  );
}

interface Said {
  element: string;
  meaning: string;
  expected: string;
  default: string;
}

/** Found without the help of what writes the files. */
function everyLeaf(node: unknown, element = ''): Said[] {
  if (typeof node !== 'object' || node === null) return [];
  const any = node as Record<string, unknown>;
  if (any.kind === 'leaf') {
    const { expected } = any.value as { expected: string };
    return [{ element, meaning: String(any.meaning), expected, default: String(any.default) }];
  }
  if (any.kind === 'list') return everyLeaf(any.item, element);
  return Object.entries((any.members ?? {}) as object).flatMap(([key, member]) =>
    everyLeaf(member, /^[@#]/.test(key) ? element : key),
  );
}

function everyElement(element: XmlElement): XmlElement[] {
  return [element, ...element.children.flatMap(everyElement)];
}
