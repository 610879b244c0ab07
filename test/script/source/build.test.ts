import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import { describe, test } from 'node:test';
import vm from 'node:vm';
import { formatError } from '../../../src/application/accounts/error-records.ts';
import { mapStack } from '../../../src/script/journal/stack.ts';
import type { BuildFault } from '../../../src/script/source/build-fault.ts';
import { BuildResult, decodeScript, type ScriptBuild } from '../../../src/script/source/build-outcome.ts';
import { BUILD_LIMITS, buildIn } from '../support/built.ts';
import { Folder } from '../support/folder.ts';

type Files = Record<string, string | Uint8Array>;

async function outcomeOf(files: Files, application = 'chat') {
  await using folder = await Folder.create({ 'app/placeholder': '', ...prefixed(files) });
  return await buildIn(folder.at('app'), application);
}

function prefixed(files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [`app/${name}`, content]));
}

async function build(files: Files, application?: string): Promise<ScriptBuild> {
  const outcome = await outcomeOf(files, application);
  assert.ok(outcome.result === BuildResult.Built, JSON.stringify(outcome));
  return outcome.build;
}

async function faultsOf(files: Files): Promise<BuildFault[]> {
  const outcome = await outcomeOf(files);
  assert.ok(outcome.result === BuildResult.Broken, JSON.stringify(outcome));
  return outcome.faults;
}

/** What the script leaves in `out`. */
function run(built: ScriptBuild, extra: object = {}): unknown {
  const script = decodeScript(built);
  const globals: Record<string, unknown> = { ...extra };
  vm.runInNewContext(script.code, globals, { filename: script.filename, displayErrors: false });
  return globals.out;
}

describe('the main script', () => {
  test('is the first of the search order', async () => {
    const order = [
      'scripts/main.ts',
      'main.ts',
      'main.mjs',
      ...['scripts/main.asc', 'main.asc', 'scripts/main.js', 'main.js'],
      ...['scripts/chat.asc', 'chat.asc', 'scripts/chat.js', 'chat.js'],
    ];
    for (const [i, name] of order.entries()) {
      const files = Object.fromEntries(order.slice(i).map((path) => [path, 'var a = 1;']));
      assert.equal((await build(files)).mainScript, name);
    }
  });

  test('exports nothing: what has the name of a handler is known', async () => {
    const code = `export function onPublish() {}
      const onPlay = 1; export { onPlay, onPlay as other }; export const onStop = 'export';
      export * from './rest.ts';`;
    const files = { 'main.ts': code, 'rest.ts': 'export const onConnect = 1;' };
    assert.deepEqual([...decodeScript(await build(files)).exported!].sort(), [
      'onPlay',
      'onPublish',
      'onStop',
    ]);
    assert.equal(decodeScript(await build({ 'main.ts': '// nothing to export' })).exported, undefined);
    assert.equal(decodeScript(await build({ 'main.ts': 'export const name = 1' })).exported, undefined);
  });

  test('is the only one: others that look like it are told of, bytecode of a source is not', async () => {
    const files = {
      'main.ts': '',
      'main.asc': '',
      'scripts/chat.js': '',
      'main.ase': '',
      'main.test.ts': '',
    };
    assert.deepEqual((await build(files)).unused, ['main.asc', 'scripts/chat.js']);
    assert.deepEqual((await build({ 'main.asc': '', 'main.ase': '' })).unused, []);
  });

  test('need not be there', async () => {
    assert.deepEqual(await outcomeOf({ 'readme.txt': '', 'other.js': '' }), { result: BuildResult.NoScript });
    assert.deepEqual(await buildIn('/nowhere/at/all', 'all'), { result: BuildResult.NoFolder });
  });

  test('as a folder of that name is none', async () => {
    assert.equal((await build({ 'main.ts/x': '', 'main.asc': '' })).mainScript, 'main.asc');
  });

  test('is found in upper and lower case, as FMS found it on Windows; one in the right case goes before', async () => {
    for (const name of ['Main.asc', 'SCRIPTS/MAIN.JS', 'Chat.ASC']) {
      assert.equal((await build({ [name]: 'var a = 1;' })).mainScript, name);
    }
    assert.equal(decodeScript(await build({ 'Main.ts': 'const a: number = 1;' })).kind, 'module');
    assert.equal((await build({ 'Main.ts': '', 'main.asc': '' })).mainScript, 'main.asc');
    assert.deepEqual(await outcomeOf({ 'Main.asc/x': '' }), { result: BuildResult.NoScript });
  });

  test('in FMS bytecode, or an archive of it, is found and refused, not ignored', async () => {
    for (const name of ['main.ase', 'main.far', 'Chat.FAR']) {
      assert.match(
        (await faultsOf({ [name]: 'x' }))[0]!.message,
        /compiled ActionScript \(\.(ase|far|FAR)\)/,
      );
    }
  });

  test('must not be a link that leaves the folder, nor a dangling one', async () => {
    await using folder = await Folder.create({ 'secret.ts': 'var a', 'app/x': '', 'gone/x': '' });
    await symlink('../secret.ts', folder.at('app/main.ts'));
    await symlink('nowhere.ts', folder.at('gone/main.ts'));
    const leaving = await buildIn(folder.at('app'), 'app');
    assert.ok(leaving.result === BuildResult.Broken);
    assert.match(leaving.faults[0]!.message, /leaves the application/);
    const dangling = await buildIn(folder.at('gone'), 'gone');
    assert.ok(dangling.result === BuildResult.Broken);
    assert.match(dangling.faults[0]!.message, /cannot be read: ENOENT/);
  });
});

describe('a module', () => {
  test('is bundled with its imports: TypeScript, JSON, packages of its own', async () => {
    const built = await build({
      'main.ts': `
        import { greet } from './src/greet.js';
        import keys from './keys.json';
        import { twice } from 'twice';
        import plain = require('plain');
        enum Level { Low = 1 }
        (globalThis as any).out = [greet(keys.name), twice(Level.Low), plain.three, greet.name];`,
      'src/greet.ts': 'export function greet(name: string): string { return "hello " + name; }',
      'keys.json': '{ "name": "größe" }',
      'node_modules/twice/package.json': '{ "name": "twice", "exports": { "import": "./lib/index.mjs" } }',
      'node_modules/twice/lib/index.mjs': 'export const twice = (n) => 2 * n;',
      'node_modules/plain/package.json': '{ "main": "main.js" }',
      'node_modules/plain/main.js': 'exports.three = 3;',
    });
    assert.equal(decodeScript(built).kind, 'module');
    assert.equal(decodeScript(built).filename, 'app:///chat/main.ts.bundle.js');
    assert.deepEqual([...(run(built) as unknown[])], ['hello größe', 2, 3, 'greet']);
  });

  const refused: [what: string, code: string, message: RegExp][] = [
    ['a Node module', `import fs from 'node:fs'; fs;`, /"node:fs" is a Node module/],
    ['one by its bare name', `import 'fs';`, /"fs" is a Node module/],
    ['one required', `require('child_process');`, /Node module/],
    ['a file above', `import '../secret.ts';`, /leaves the application/],
    ['a JSON file above', `import a from '../secret.json'; a;`, /leaves the application/],
    ['an absolute path', `import '/etc/hostname';`, /leaves the application|Could not resolve/],
    ['a link out', `import './link.ts';`, /leaves the application/],
    ['a file through a linked folder', `import './linked/secret.ts';`, /leaves the application/],
    ['a package of the server', `import 'ini';`, /"ini" is not installed: npm install --prefix \S+ ini$/],
    [
      'a part of one',
      `import '@a/b.c/d';`,
      /"@a\/b\.c" is not installed: npm install --prefix \S+ @a\/b\.c$/,
    ],
    [
      'the kit for tests',
      `import { test } from 'understudy/test'; test;`,
      /"understudy\/test" is for tests, /,
    ],
    ['this package', `import 'understudy-rtmp';`, /"understudy-rtmp" is for tests, /],
    ['a page', `import 'https://example.com/a.js';`, /no file of the application/],
    ['code in a URL', `import 'data:text/javascript,1';`, /no file of the application/],
    ['a text file', `import './notes.txt';`, /neither TypeScript nor JavaScript nor JSON/],
    ['something that is not there', `import './nothing.ts';`, /Could not resolve/],
    [
      'every file above, by a pattern',
      `const n = 'x'; void import('../' + n + '.ts');`,
      /has a hole in the name of the file/,
    ],
  ];
  for (const [what, code, message] of refused) {
    test(`may not import ${what}, and learns where it tried`, async () => {
      await using folder = await Folder.create({
        'secret.ts': 'export const secret = 1;',
        'secret.json': '{}',
        'app/main.ts': `// first line\n  ${code}\n`,
        'app/notes.txt': 'a',
        'outside/secret.ts': '',
      });
      await symlink('../secret.ts', folder.at('app/link.ts'));
      await symlink('../outside', folder.at('app/linked'));
      const outcome = await buildIn(folder.at('app'), 'app');
      assert.ok(outcome.result === BuildResult.Broken, JSON.stringify(outcome));
      const [fault] = outcome.faults;
      assert.match(fault!.message, message);
      assert.equal(fault!.file, 'main.ts');
      assert.equal(fault!.line, 2);
      assert.ok(fault!.column! > 2);
    });
  }

  test('may import through a link that stays inside', async () => {
    await using folder = await Folder.create({
      'app/main.ts': `import { a } from './now.ts'; (globalThis as any).out = a;`,
      'app/releases/1.ts': 'export const a = 1;',
    });
    await symlink('releases/1.ts', folder.at('app/now.ts'));
    const outcome = await buildIn(folder.at('app'), 'app');
    assert.ok(outcome.result === BuildResult.Built, JSON.stringify(outcome));
    assert.equal(run(outcome.build), 1);
  });

  test('in a folder that is a link itself is bundled as any other', async () => {
    await using folder = await Folder.create({
      'releases/2/main.ts': `import './a.ts';`,
      'releases/2/a.ts': '',
    });
    await mkdir(folder.at('applications'));
    await symlink('../releases/2', folder.at('applications/live'));
    assert.equal((await buildIn(folder.at('applications/live'), 'live')).result, BuildResult.Built);
  });

  test('does not obey a tsconfig of its folder, nor one above', async () => {
    const built = await build({
      'tsconfig.json':
        '{ "compilerOptions": { "target": "es5", "paths": { "x": ["../../etc/x"] }, "alwaysStrict": false } }',
      'main.ts': 'const f = () => 1; (globalThis as any).out = f();',
    });
    assert.match(decodeScript(built).code, /=>/);
  });

  test('that is broken is described by file, line, column and text', async () => {
    const faults = await faultsOf({
      'main.ts': `import './lib.ts';`,
      'lib.ts': 'const ä = 1;\nconst ö = = 2;\nlet x y;',
    });
    const { file, line, column, lineText } = faults[0]!;
    assert.deepEqual(
      { file, line, column, lineText },
      { file: 'lib.ts', line: 2, column: 11, lineText: 'const ö = = 2;' },
    );
    const facts = { application: 'chat', kind: 'build' as const, frames: [], ...faults[0]! };
    assert.match(formatError(facts), /^chat\/lib\.ts:2:11: /);
  });

  test('hashes alike as long as its text is the same', async () => {
    const one = await build({ 'main.ts': 'gc = 1;' });
    const same = await build({ 'main.ts': 'gc = 1;', 'unused.ts': 'var b' });
    const other = await build({ 'main.ts': 'gc = 2;' });
    assert.equal(one.hash, same.hash);
    assert.notEqual(one.hash, other.hash);
  });
});

describe('a classic script', () => {
  test('stays as it is, and brings what load() may ask for', async () => {
    const code = 'var a = 010;\nwith (a) {}\n';
    const built = await build({
      'scripts/main.asc': `\ufeff${code}`,
      'scripts/lib/a.asc': 'var lib;',
      'shared.js': 'var shared;',
      'notes.txt': '',
      'streams/_definst_/x.js': '',
      'node_modules/a/a.js': '',
      '.hidden/a.js': '',
    });
    assert.deepEqual(decodeScript(built), {
      kind: 'classic',
      code,
      filename: 'app:///chat/scripts/main.asc',
      files: { 'main.asc': code, 'lib/a.asc': 'var lib;', '../shared.js': 'var shared;' },
    });
  });

  test('finds in libraries what its own folder has not, the first of a name', async () => {
    await using folder = await Folder.create({
      'app/main.asc': '',
      'app/own.asc': 'own',
      'one/own.asc': 'not this',
      'one/components.asc': 'of one',
      'two/components.asc': 'of two',
      'two/deep/more.js': 'more',
      'two/notes.txt': '',
      'elsewhere/x.asc': '',
    });
    await symlink(folder.at('elsewhere'), folder.at('two/link'));
    const libraries = ['nowhere', 'one', 'two'].map((name) => folder.at(name));
    const outcome = await buildIn(folder.at('app'), 'chat', libraries);
    assert.ok(outcome.result === BuildResult.Built);
    assert.deepEqual(decodeScript(outcome.build).files, {
      ...{ 'main.asc': '', 'own.asc': 'own' },
      ...{ 'components.asc': 'of one', 'deep/more.js': 'more' },
    });
  });

  test('that is no UTF-8 is read as Latin-1', async () => {
    const built = await build({ 'main.asc': Buffer.from('var a = "größe";', 'latin1') });
    assert.equal(decodeScript(built).code, 'var a = "größe";');
  });

  test('with the line ends of old Macs runs line by line', async () => {
    const built = await build({ 'main.asc': 'var out = 1; // one\rout = 2;\r' });
    assert.equal(run(built), 2);
  });

  test('that is a module in truth is told to be renamed', async () => {
    for (const code of [
      '// a\r  import a from "./a.js";',
      'var b;\nexport var a = 1;',
      '\nimport a from "a"; with (a) {}',
    ]) {
      const [fault] = await faultsOf({ 'main.js': code });
      assert.match(fault!.message, /rename it to main\.ts or main\.mjs/);
      assert.equal(fault!.file, 'main.js');
      assert.match(fault!.lineText!, /import|export/);
    }
  });

  test('that only speaks of import and export is left alone', async () => {
    await build({
      'main.asc': '// import the list\nvar s = "export default";\nfunction f() { return import("x"); }',
    });
  });

  test('that V8 will not understand is left for it to say', async () => {
    await build({ 'main.asc': 'var x = <a/>; try {} catch (e if e.import) {}' });
  });

  test('does not get links out of its folder', async () => {
    await using folder = await Folder.create({ 'secret.js': 'secret', 'app/main.asc': '' });
    await symlink('../secret.js', folder.at('app/a.js'));
    const outcome = await buildIn(folder.at('app'), 'app');
    assert.ok(outcome.result === BuildResult.Built);
    assert.deepEqual(Object.keys(decodeScript(outcome.build).files), ['main.asc']);
  });

  test('with more beside it than a frame holds is refused', async () => {
    const [fault] = await faultsOf({ 'main.asc': '', 'big.js': ' '.repeat(BUILD_LIMITS.maxBundleBytes + 1) });
    assert.match(fault!.message, /more than 4 MB/);
  });
});

describe('stacks', () => {
  function stackOf(built: ScriptBuild, extra?: object): string {
    try {
      run(built, extra);
    } catch (error) {
      return (error as Error).stack!;
    }
    throw new Error('the script did not throw');
  }

  test('of a bundle name the source', async () => {
    const built = await build({
      'main.ts': `import { fail } from './lib/fail.ts';\n\ninterface A { a: 1 }\n[1].forEach(() => fail({ a: 1 } satisfies A));\n`,
      'lib/fail.ts': `type B = object;\n\nexport function fail(b: B): never {\n  throw new RangeError('no ' + typeof b);\n}\n`,
    });
    const { frames, at } = mapStack(stackOf(built), built);
    assert.deepEqual(at, { file: 'lib/fail.ts', line: 4, column: 9 });
    assert.deepEqual(frames.slice(0, 3), [
      { function: 'fail', file: 'lib/fail.ts', line: 4, column: 9 },
      { file: 'main.ts', line: 4, column: 19 },
      { function: 'Array.forEach' },
    ]);
    assert.ok(frames.every(({ file = 'main.ts' }) => ['main.ts', 'lib/fail.ts'].includes(file)));
  });

  test('of a classic script need no map', async () => {
    const built = await build({ 'main.asc': '\n  nothing.here();' });
    const { frames, at } = mapStack(stackOf(built), built);
    assert.deepEqual(at, { file: 'main.asc', line: 2, column: 3 });
    assert.deepEqual(frames[0], at);
  });

  test('hide the frames of the guest library, and survive nonsense', async () => {
    const built = await build({ 'main.ts': 'var a = 1;' });
    const stack = [
      'Error: see app:///chat/other.asc',
      '    at f (app:///chat/main.ts.bundle.js:99999:1)',
      '    at g (app:///another/main.ts.bundle.js:1:1)',
      '    at deliver (guest.js:10:5)',
    ].join('\n');
    assert.deepEqual(mapStack(stack, built), { frames: [], at: undefined });
    assert.deepEqual(mapStack('', built), { frames: [], at: undefined });
  });

  test('of a syntax error find its place outside of any frame', async () => {
    const built = await build({ 'main.asc': 'var a = ;' });
    const { at } = mapStack(
      'SyntaxError: Unexpected token [app:///chat/main.asc:1:9]\n    at <isolated-vm>',
      built,
    );
    assert.deepEqual(at, { file: 'main.asc', line: 1, column: 9 });
  });
});
