// What is built of files that mean no good: refused in words, whatever they are, and nothing outside is read or named.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { symlink, truncate } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { mapStack } from '../../../src/script/journal/stack.ts';
import type { BuildFault } from '../../../src/script/source/build-fault.ts';
import { BuildResult, decodeScript, type ScriptBuild } from '../../../src/script/source/build-outcome.ts';
import { BUILD_LIMITS, buildIn } from '../support/built.ts';
import { Folder } from '../support/folder.ts';

type Files = Record<string, string | Uint8Array>;

/** `prepare`: what no text can be written to. */
async function outcomeOf(files: Files, prepare?: (folder: Folder) => Promise<unknown>) {
  const inApp = Object.entries(files).map(([name, content]) => [`app/${name}`, content]);
  await using folder = await Folder.create({ 'app/x': '', ...Object.fromEntries(inApp) });
  await prepare?.(folder);
  return await buildIn(folder.at('app'), 'chat');
}

async function faultOf(files: Files, prepare?: (folder: Folder) => Promise<unknown>): Promise<BuildFault> {
  const outcome = await outcomeOf(files, prepare);
  assert.ok(outcome.result === BuildResult.Broken, 'it was built');
  assert.doesNotMatch(JSON.stringify(outcome.faults), /understudy-script-|\/etc\//, 'no path outside');
  return outcome.faults[0]!;
}

async function build(files: Files, prepare?: (folder: Folder) => Promise<unknown>): Promise<ScriptBuild> {
  const outcome = await outcomeOf(files, prepare);
  assert.ok(outcome.result === BuildResult.Built, JSON.stringify(outcome));
  return outcome.build;
}

const pipe = (name: string) => async (folder: Folder) => execFileSync('mkfifo', [folder.at(`app/${name}`)]);
const device = (name: string) => (folder: Folder) => symlink('/dev/zero', folder.at(`app/${name}`));
const huge = (name: string) => (folder: Folder) => truncate(folder.at(`app/${name}`), 2 ** 40);

describe('an import with a hole in the name', () => {
  const holes: [what: string, code: string][] = [
    ['import of a sum', `import('../../../' + x + '.ts')`],
    ['import of a template', `import(\`./rooms/\${x}.ts\`)`],
    ['import with a comment', `import(/* ) */ './a' + x)`],
    ['import over lines', `import(\n  './a'\n  + x\n)`],
    ['import of one of two', `import(x ? './a.ts' : './' + x)`],
    ['import of a cast', `import(('./' + x) as string)`],
    ['import with attributes', `import('./' + x + '.json', { with: { type: 'json' } })`],
    ['require of a sum', `require('./' + x)`],
    ['require of a template', `require(\`../\${x}/y\`)`],
    ['require in other letters', String.raw`\u0072equire('./' + x)`],
    ['require after a literal one', `[require('./a.ts'), require('./' + x)]`],
    ['import of a constant and more', `{ enum E { A = './' } return import(E.A + x); }`],
    ['import in a function that nobody calls', `function f() { return import('./' + x); }`],
  ];
  for (const [what, code] of holes) {
    test(`is a mistake with its place: ${what}`, async () => {
      const fault = await faultOf({
        'main.ts': `import './part.ts';`,
        'part.ts': `declare const x: string;\nconst hole = () => ${code};`,
        'a.ts': '',
      });
      assert.equal(fault.file, 'part.ts');
      assert.equal(fault.line, 2);
      assert.ok(fault.column! > 14, String(fault.column));
      assert.match(
        fault.message,
        /^(import|require)\(\) has a hole in the name.*import each file by its whole name/,
      );
    });
  }

  test('is one in a package too, and in code that applications share', async () => {
    const files = {
      'main.js.ts': '',
      'main.ts': `import 'pack';`,
      'node_modules/pack/index.js': `module.exports = (x) => require('./locale/' + x);`,
    };
    assert.equal((await faultOf(files)).file, 'node_modules/pack/index.js');
    await using folder = await Folder.create({
      '_lib/a.ts': `export const a = (x: string) => import('./' + x);`,
      'app/main.ts': `import '../_lib/a.ts';`,
    });
    const outcome = await buildIn(folder.at('app'), 'app');
    assert.ok(outcome.result === BuildResult.Broken);
    assert.equal(outcome.faults[0]!.file, '../_lib/a.ts');
  });

  test('is none where the name is whole, or no string at all', async () => {
    await build({
      'main.ts': `// import('./' + x)
        const text = "import('./' + x)", word = 'require';
        export const all = [import('./a.ts'), import("./a.ts"), import(\`./a.ts\`), import('./' + 'a.ts')];
        export const one = (x: boolean) => import(x ? './a.ts' : './b.ts');
        export const guarded = (name: string, names: string[]) => {
          try { return [import(name), import(/* @vite-ignore */ names[0]!), (require as any)(name), text, word]; }
          catch { return import.meta.url; }
        };`,
      'a.ts': '',
      'b.ts': '',
    });
  });
});

describe('a file', () => {
  const importing = { 'main.ts': `import a from './a.json'; export const b = a;` };
  const packaged = { 'main.ts': `import 'pack';`, 'node_modules/pack/index.js': '' };

  test('that is no regular one is refused by its kind: JSON, code, package.json', async () => {
    for (const [prepare, kind] of [
      [pipe('a.json'), /a named pipe/],
      [device('a.json'), /"\.\/a\.json" leaves the application's folder/],
    ] as const) {
      assert.match((await faultOf(importing, prepare)).message, kind);
    }
    const fault = await faultOf({ 'main.ts': `import './b.ts';` }, pipe('b.ts'));
    assert.deepEqual([fault.file, /named pipe/.test(fault.message)], ['b.ts', true]);
    for (const prepare of [
      pipe('node_modules/pack/package.json'),
      device('node_modules/pack/package.json'),
    ]) {
      const { file, message } = await faultOf(packaged, prepare);
      assert.equal(file, 'node_modules/pack/package.json');
      assert.match(message, /named pipe|a device/);
    }
  });

  test('that is the main script is refused likewise, module or classic', async () => {
    for (const name of ['main.ts', 'main.asc']) {
      assert.match((await faultOf({}, pipe(name))).message, /named pipe/);
      assert.match((await faultOf({}, device(name))).message, /leaves the application/);
    }
  });

  test('that is larger than a file may be is refused with its name, its size and the limit', async () => {
    const size = BUILD_LIMITS.maxFileBytes + 1;
    const large = Buffer.alloc(size, 0x20);
    for (const [files, name] of [
      [{ 'main.ts': large }, 'main.ts'],
      [{ 'main.asc': large }, 'main.asc'],
      [{ ...importing, 'a.json': large }, 'a.json'],
      [{ ...packaged, 'node_modules/pack/package.json': large }, 'node_modules/pack/package.json'],
    ] as [Files, string][]) {
      const { file, message, limit } = await faultOf(files);
      assert.equal(file, name);
      assert.match(
        message,
        new RegExp(`${size} bytes: expected at most ${size - 1} \\(MaxFileSize in Server.xml`),
      );
      assert.equal(limit, 'MaxFileSize');
    }
    const fault = await faultOf({ ...importing, 'a.json': '' }, huge('a.json'));
    assert.match(fault.message, /1099511627776 bytes/);
  });

  test('is counted with all others: many that are large together are refused', async () => {
    const names = Array.from({ length: 6 }, (_, i) => `./part${i}.json`);
    const data = JSON.stringify({ text: 'x'.repeat(3 << 20) });
    const { limit, message } = await faultOf({
      'main.ts': names.map((name) => `import '${name}';`).join('\n'),
      ...Object.fromEntries(names.map((name) => [name, data])),
    });
    assert.equal(limit, 'MaxBundleSize');
    assert.match(message, /more than 16 MB \(four times MaxBundleSize/);
  });

  test('of a script that becomes too large is refused, and one of seven megabytes is not', async () => {
    const of = (bytes: number) => ({ ...importing, 'a.json': JSON.stringify('x'.repeat(bytes)) });
    const { limit, message } = await faultOf(of(5 << 20));
    assert.equal(limit, 'MaxBundleSize');
    assert.match(message, /larger than 4 MB \(MaxBundleSize in Server\.xml\)/);
    await build(of(3.5 * 2 ** 20));
  });
});

describe('brackets in brackets', () => {
  const deep = (n: number) => '['.repeat(n) + ']'.repeat(n);
  const cases: [what: string, files: Files, name: string][] = [
    ['TypeScript', { 'main.ts': `\nexport const a = ${deep(1_000_000)};` }, 'main.ts'],
    ['JavaScript', { 'main.mjs': `\nf${'(f'.repeat(1_000_000)}` }, 'main.mjs'],
    ['JSON', { 'main.ts': `import './a.json';`, 'a.json': `\n${deep(1_000_000)}` }, 'a.json'],
    ['a classic script', { 'main.asc': `\nvar a = ${deep(1_000_000)}; // import` }, 'main.asc'],
    ['templates', { 'main.ts': `\nexport const a = ${'`${'.repeat(1_000_000)}` }, 'main.ts'],
  ];
  for (const [what, files, name] of cases) {
    test(`without end are a mistake with its place: ${what}`, async () => {
      const { file, line, message } = await faultOf(files);
      assert.deepEqual({ file, line }, { file: name, line: 2 });
      assert.match(message, /more than 2000 brackets are nested here/);
    });
  }

  test('some hundreds deep, or in strings and comments, are none', async () => {
    const code = `export const a = ${deep(900)};\n// ${'('.repeat(5000)}\n/* ${'{'.repeat(5000)} */
      export const b = ['${'['.repeat(5000)}', "\\"${'('.repeat(5000)}"];`;
    await build({ 'main.ts': code });
  });
});

describe('a source map that a file brings along', () => {
  const map = (sources: string[], extra: object = {}) =>
    JSON.stringify({ version: 3, sources, names: [], mappings: 'AAAA;AACA;AACA', ...extra });
  const NO_TEXTS = map([{ toString: 1 }, null, 1] as never, {
    names: [{ toString: 1 }],
    sourcesContent: [{}],
  });
  const inline = (text: string) => `data:application/json;base64,${Buffer.from(text).toString('base64')}`;
  const main = `import { f } from './lib/f.js'; f();`;
  const code = 'export function f() {\n  throw new Error("f");\n}\n';

  test('says where its author wrote it, inside the file or beside it', async () => {
    for (const url of ['f.js.map', inline(map(['../src/f.coffee']))]) {
      const built = await build({
        'main.ts': main,
        'lib/f.js': `${code}//# sourceMappingURL=${url}\n`,
        'lib/f.js.map': map(['../src/f.coffee'], { sourcesContent: ['of its author'] }),
      });
      const { code: text, filename } = decodeScript(built);
      const line = text.split('\n').findIndex((one) => one.includes('throw')) + 1;
      const { at } = mapStack(`Error: f\n    at f (${filename}:${line}:11)`, built);
      assert.deepEqual([at?.file, at?.line], ['src/f.coffee', 2]);
    }
  });

  test('brings no file with it that it only names', async () => {
    await using outside = await Folder.create({ 'secret.txt': 'TOP SECRET' });
    const secret = `file://${outside.at('secret.txt')}`;
    for (const text of [map([secret]), map([secret], { sourcesContent: [null] })]) {
      const built = await build({
        'main.ts': main,
        'lib/f.js': `${code}//# sourceMappingURL=${inline(text)}`,
      });
      const bytes = built.inlineMap!.toString().replace(/^.*?base64,/, '');
      const whole = Buffer.from(bytes, 'base64').toString();
      assert.doesNotMatch(whole, /TOP SECRET/);
      assert.doesNotMatch(whole, new RegExp(outside.path));
    }
  });

  test('names as much as an error can bear, and as the thread of the media can read', async () => {
    const maps = {
      'a long name': map(['x'.repeat(1 << 20)]),
      'many names': map(Array.from({ length: 100_000 }, (_, i) => `f${i}`)),
      'many long names': map(Array.from({ length: 4000 }, (_, i) => `${i}${'x'.repeat(900)}`)),
    };
    for (const [what, text] of Object.entries(maps)) {
      const built = await build({
        'main.ts': `${main} throw new Error('main');`,
        'lib/f.js': `${code}//# sourceMappingURL=f.js.map\n`,
        'lib/f.js.map': text,
      });
      assert.ok(built.sourceMap!.length < 1.5 * 2 ** 20, `${what}: ${built.sourceMap!.length} characters`);
      const { code: bundled, filename } = decodeScript(built);
      const lines = bundled.split('\n').flatMap((line, i) => (line.includes('throw') ? [i + 1] : []));
      const frames = lines.map((line) => `\n    at f (${filename}:${line}:11)`).join('');
      const mapped = mapStack(`Error: f${frames}`, built);
      assert.ok(JSON.stringify(mapped).length < 5000, what);
    }
  });

  test('that is a pipe, a device, outside, too large or no map is left out', async () => {
    const files = { 'main.ts': main, 'lib/f.js': `${code}//# sourceMappingURL=f.map` };
    const large = Buffer.alloc(BUILD_LIMITS.maxFileBytes + 1, 0x20);
    await build(files, pipe('lib/f.map'));
    await build(files, device('lib/f.map'));
    await build({ ...files, 'lib/f.map': large });
    for (const text of ['', 'null', '[]', '{"version":3,"sections":[]}', map([]), NO_TEXTS]) {
      await build({ ...files, 'lib/f.map': text });
    }
    for (const url of ['/dev/zero', 'file:///dev/zero', '../../../../../dev/zero', '%', inline('{')]) {
      await build({
        ...files,
        'lib/f.js': `${code}//# sourceMappingURL=${url}\n/*# sourceMappingURL=${url} */`,
      });
    }
  });

  test('is not looked for in strings, which stay as they are', async () => {
    const built = await build({
      'main.ts': `export const a = '//# sourceMappingURL=a.map'; globalThis.x = a;`,
    });
    assert.match(decodeScript(built).code, /"\/\/# source(\\u004d|M)appingURL=a\.map"/);
  });
});

test('what is said of a script is no longer than a log can bear', async () => {
  const long = 'x'.repeat(2 << 20);
  for (const code of [`import './${long}.ts';`, `const ${long} = = 1;`, `/* ${long} */ const a = = 1;`]) {
    const fault = await faultOf({ 'main.ts': code });
    assert.ok(JSON.stringify(fault).length < 5000, String(JSON.stringify(fault).length));
  }
});

test('a link inside that leads to a folder outside shows nothing of it: no file, no package, no name', async () => {
  for (const code of [
    `import './out/secret.ts'`,
    `import './out'`,
    `import 'pack'`,
    `import './out/nothing.ts'`,
  ]) {
    const fault = await faultOf({ 'main.ts': `${code};`, 'node_modules/x': '' }, async (folder) => {
      await folder.write('other/secret.ts', 'export const secret = 1;');
      await folder.write('other/index.ts', '');
      await folder.write('other/package.json', '{ "main": "./secret.ts" }');
      await symlink('../other', folder.at('app/out'));
      await symlink('../../other', folder.at('app/node_modules/pack'));
    });
    assert.match(fault.message, /leaves the application|Could not resolve|leads out/);
  }
});
