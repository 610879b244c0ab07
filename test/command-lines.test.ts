// What our texts tell people to type. npx and npm ask the registry for what they do not find at hand, so a wrong name there runs
// another project's code.
import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

const FOLDERS = 'applications,bench,bin,conf,docs,packaging,src';
const TEXTS = [
  `{${FOLDERS}}/**/*.{asc,html,ini,js,json,md,mjs,service,ts,xml}`,
  '*.md',
  'test/**/*.md',
  'Dockerfile',
  'package.json',
  '.ci/run',
  '.github/**/*.yml',
];

/** `node` comes along on Linux; our command is where the package was cloned or installed, and in all folders below. */
const RUN_BY_NPX = new Set(['understudy', 'node', ...readdirSync(join(ROOT, 'node_modules/.bin'))]);
/** Somebody else's package, and meant to be: the example of one that a script imports. */
const INSTALLED_BY_NAME = new Set(['jose']);
const TARBALL = new RegExp(
  `^\\.{1,2}/(.*/)?${manifest.name}-(${manifest.version.replaceAll('.', '\\.')}|VERSION)\\.tgz$`,
);

/** npm's options that have a value. */
const WITH_VALUE = new Set(['--prefix', '--registry', '--package', '-p', '--pack-destination']);

interface CommandLine {
  at: string;
  text: string;
  /** Without the options. */
  args: string[];
}

function* commandLines(pattern: RegExp): Generator<CommandLine> {
  for (const path of globSync(TEXTS, {
    cwd: ROOT,
    exclude: ['**/node_modules/**'],
  })) {
    for (const [index, line] of readFileSync(join(ROOT, path), 'utf8').split('\n').entries()) {
      for (const { 0: start, index: from } of line.matchAll(pattern)) {
        const [rest = ''] = line.slice(from + start.length).split(/[`'"|;#,)]|&&|\s{3,}|\s\\$/, 1);
        yield { at: `${path}:${index + 1}`, text: `${start}${rest}`.trim(), args: withoutOptions(rest) };
      }
    }
  }
}

function withoutOptions(text: string): string[] {
  const words = text
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '');
  return words.filter((word, i) => !word.startsWith('-') && !WITH_VALUE.has(words[i - 1] ?? ''));
}

test('npx is asked for nothing but what is at hand', () => {
  const lines = [...commandLines(/\b(npx|npm (exec|x))(?= )/g)].filter(({ args }) => args.length > 0);
  assert.ok(lines.length > 20);
  const strange = lines.filter(
    ({ args: [command] }) => !RUN_BY_NPX.has(command!) && !command!.startsWith('${'),
  );
  assert.deepEqual(
    strange.map(({ at, text }) => `${at}: ${text}`),
    [],
  );
});

test('npm installs our package from its tarball: the registry has none of ours', () => {
  const lines = [...commandLines(/\bnpm (--prefix \S+ )?(install|i|add)(?= )/g)];
  const packages = lines.flatMap(({ at, args }) => args.map((name) => ({ at, name })));
  assert.ok(packages.some(({ name }) => TARBALL.test(name)));
  const strange = packages.filter(
    ({ name }) => !TARBALL.test(name) && !INSTALLED_BY_NAME.has(name) && !name.includes('${'),
  );
  assert.deepEqual(
    strange.map(({ at, name }) => `${at}: ${name}`),
    [],
  );
});

test('a manifest of ours names no dependency that is called like our command', () => {
  const dependencies = {
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.devDependencies,
  };
  assert.equal(manifest.name, 'understudy-rtmp');
  assert.deepEqual(
    Object.keys(dependencies).filter((name) => Object.hasOwn(manifest.bin, name)),
    [],
  );
});
