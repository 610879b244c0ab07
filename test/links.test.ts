// No link of our documents is dead: each relative one leads to a file or folder that is there, and each #anchor to a heading.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const PAGES = ['*.md', '.github/**/*.md', '{applications,bench,docs,packaging,src,test}/**/*.md'];
const isOthers = (path: string) => /(^|\/)node_modules(\/|$)/.test(path);

/** Without what stands in blocks and spans of code, line by line. */
function proseOf(text: string): string[] {
  let isCode = false;
  return text.split('\n').map((line) => {
    const isFence = /^\s*(```|~~~)/.test(line);
    if (isFence) isCode = !isCode;
    return isCode || isFence || /^ {4}/.test(line) ? '' : line;
  });
}

/** As GitHub makes them of headings; `<a id="…">` counts as well. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const line of proseOf(text)) {
    for (const [, id] of line.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id!);
    const [, heading] = /^#{1,6} (.*?)#*$/.exec(line) ?? [];
    if (heading === undefined) continue;
    const plain = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').trim();
    const slug = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n += 1) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

interface Link {
  readonly line: number;
  readonly target: string;
}

function linksOf(text: string): Link[] {
  return proseOf(text).flatMap((line, i) => {
    const prose = line.replace(/(`+)(?!`).*?(?<!`)\1(?!`)/g, (code) => '_'.repeat(code.length));
    const inline = [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)];
    const reference = [...prose.matchAll(/^\[[^\]]+\]: <?(\S+?)>?(?: |$)/g)];
    return [...inline, ...reference].map(([, target]) => ({ line: i + 1, target: target! }));
  });
}

test('each relative link of a document leads to a file, and each anchor to a heading', () => {
  const pages = globSync(PAGES, { cwd: ROOT }).filter((path) => !isOthers(path));
  const links = pages.flatMap((page) =>
    linksOf(readFileSync(join(ROOT, page), 'utf8'))
      .filter(({ target }) => !/^[a-z][a-z+.-]*:/i.test(target))
      .map((link) => ({ page, ...link })),
  );
  assert.ok(links.length > 100, `only ${links.length} links were found in ${pages.length} documents`);
  const dead = links.flatMap(({ page, line, target }) => {
    const [path = '', anchor] = decodeURI(target).split('#', 2);
    const file = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
    const at = `${page}:${line}: ${target}`;
    if (relative(ROOT, file).startsWith('..')) return [`${at} leads out of the project`];
    if (!existsSync(file)) return [`${at} leads nowhere`];
    if (anchor === undefined) return [];
    return anchorsOf(readFileSync(file, 'utf8')).has(anchor) ? [] : [`${at}: no such heading`];
  });
  assert.deepEqual(dead, []);
});
