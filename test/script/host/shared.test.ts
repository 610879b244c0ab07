// applications/_lib: code that applications share, and that is none itself.
import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import { describe, test } from 'node:test';
import vm from 'node:vm';
import { formatError } from '../../../src/application/accounts/error-records.ts';
import { isApplicationName } from '../../../src/application/instance/registry.ts';
import { mapStack } from '../../../src/script/journal/stack.ts';
import type { BuildFault } from '../../../src/script/source/build-fault.ts';
import { BuildResult, decodeScript, type ScriptBuild } from '../../../src/script/source/build-outcome.ts';
import { Core, until } from '../../support/core.ts';
import { buildIn } from '../support/built.ts';
import { Folder } from '../support/folder.ts';
import { hosting } from '../support/hosting.ts';

async function built(root: Folder, application = 'chat'): Promise<ScriptBuild> {
  const outcome = await buildIn(root.at(`applications/${application}`), application);
  assert.ok(outcome.result === BuildResult.Built, JSON.stringify(outcome));
  return outcome.build;
}

async function faults(files: Record<string, string>): Promise<BuildFault[]> {
  await using root = await Folder.create(files);
  const outcome = await buildIn(root.at('applications/chat'), 'chat');
  assert.ok(outcome.result === BuildResult.Broken, JSON.stringify(outcome));
  return outcome.faults;
}

function run(built: ScriptBuild): unknown {
  const script = decodeScript(built);
  const globals: Record<string, unknown> = {};
  vm.runInNewContext(script.code, globals, { filename: script.filename, displayErrors: false });
  return globals.out;
}

const SHARED = {
  'applications/_lib/greet.ts': `import { mark } from './deep/mark.ts';
import data from './data.json';
export const greet = (name: string) => data.hello + name + mark;
export function fail(): never {
  throw new Error('no');
}`,
  'applications/_lib/deep/mark.ts': "export const mark = '!';",
  'applications/_lib/data.json': '{ "hello": "hello " }',
};

describe('shared code', () => {
  test('is imported by scripts, from any depth, with files and packages of its own', async () => {
    await using root = await Folder.create({
      ...SHARED,
      'applications/_lib/package.ts': "export { value } from 'pack';",
      'applications/_lib/node_modules/pack/index.js': 'export const value = 7;',
      'applications/chat/scripts/main.ts':
        "import { greet } from '../../_lib/greet.ts'; import { value } from '../../_lib/package.ts'; out = greet('Ann') + value;",
    });
    const build = await built(root);
    assert.equal(run(build), 'hello Ann!7');
    assert.equal(build.usesShared, true);
  });

  test('is found beside the name of an application whose folder is a link to elsewhere', async () => {
    await using root = await Folder.create({
      ...SHARED,
      'releases/3/main.ts': "import { greet } from '../_lib/greet.ts'; out = greet('Bob');",
    });
    await symlink(root.at('releases/3'), root.at('applications/chat'));
    assert.equal(run(await built(root)), 'hello Bob!');
  });

  test('is named in errors by its own path, when it runs and when it does not bundle', async () => {
    await using root = await Folder.create({
      ...SHARED,
      'applications/chat/main.ts': "import { fail } from '../_lib/greet.ts'; fail();",
    });
    const build = await built(root);
    const error = (() => {
      try {
        run(build);
      } catch (thrown) {
        return thrown as Error;
      }
    })();
    const { at, frames } = mapStack(String(error!.stack), build);
    assert.deepEqual(at, { file: '../_lib/greet.ts', line: 5, column: 9 });
    assert.match(
      formatError({ application: 'chat', kind: 'load', message: 'Error: no', frames, ...at }),
      /^_lib\/greet\.ts:5:9: Error: no\n {4}at fail \(_lib\/greet\.ts:5:9\)\n {4}at chat\/main\.ts:1/,
    );
    const [fault] = await faults({
      'applications/_lib/bad.ts': 'const = 1;',
      'applications/chat/main.ts': "import '../_lib/bad.ts';",
    });
    assert.deepEqual([fault!.file, fault!.line, fault!.column], ['../_lib/bad.ts', 1, 7]);
  });

  test('knows nothing of those that share it, and other folders beside an application stay out of reach', async () => {
    const [inward] = await faults({
      'applications/_lib/x.ts': "import '../chat/keys.ts';",
      'applications/chat/keys.ts': '',
      'applications/chat/main.ts': "import '../_lib/x.ts';",
    });
    assert.match(inward!.message, /"\.\.\/chat\/keys\.ts" leaves the folder _lib/);
    for (const name of ['_library', '_other', 'live']) {
      const [fault] = await faults({
        'applications/_lib/x.ts': '',
        [`applications/${name}/x.ts`]: '',
        'applications/chat/main.ts': `import '../${name}/x.ts';`,
      });
      assert.match(fault!.message, /leaves the application's folder/);
    }
    await using root = await Folder.create({
      'secret.ts': '',
      'applications/chat/main.ts': "import '../_lib/x.ts';",
    });
    await mkdir(root.at('applications/_lib'));
    await symlink(root.at('secret.ts'), root.at('applications/_lib/x.ts'));
    const outcome = await buildIn(root.at('applications/chat'), 'chat');
    assert.ok(outcome.result === BuildResult.Broken);
    assert.match(outcome.faults[0]!.message, /leaves the application's folder/);
  });

  test('is loaded by classic scripts: what they name, and what that names', async () => {
    await using root = await Folder.create({
      'applications/_lib/one.asc': "load('../../_lib/two.js');",
      'applications/_lib/two.js': 'var two = 2;',
      'applications/_lib/three.js': 'var three = 3;',
      'applications/chat/scripts/main.asc': "load('../../_lib/one.asc');",
      'applications/live/main.asc': 'load("../_lib/two.js");',
      'applications/vod/main.asc': 'var none = 0;',
    });
    const chat = await built(root);
    assert.deepEqual(Object.keys(decodeScript(chat).files).sort(), [
      '../../_lib/one.asc',
      '../../_lib/two.js',
      'main.asc',
    ]);
    assert.equal(chat.usesShared, true);
    const live = await built(root, 'live');
    assert.deepEqual(Object.keys(decodeScript(live).files).sort(), ['../_lib/two.js', 'main.asc']);
    assert.equal((await built(root, 'vod')).usesShared, false);
  });
});

test('the shared folder is no application, in no case of letters, by no way in', async () => {
  for (const name of ['_lib', '_LIB', '_Lib']) assert.equal(isApplicationName(name), false);
  for (const name of ['_library', '_mine', 'lib', '_']) assert.equal(isApplicationName(name), true);
  await using core = await Core.start({ registry: { hasApplication: () => true } });
  for (const app of ['_lib', '_lib/room', '_LIB', 'node_modules']) {
    const peer = await core.peer();
    const answer = await peer.connect(app);
    assert.equal(answer.name, '_error', app);
    assert.match(JSON.stringify(answer.args), /InvalidApp/);
  }
  assert.equal(core.registry.placeOf('_lib'), undefined);
  assert.deepEqual([...core.registry.instances], []);
});

test('a save of shared code reloads those that use it, and only them; a mistake in it leaves the old version on', async () => {
  const word = (text: string) => `export const word = '${text}';`;
  const main = "import { word } from '../_lib/word.ts';\ntrace(word);";
  await using host = await hosting({
    '_lib/word.ts': word('one'),
    '_lib/old.asc': "trace('old one');",
    '_lib/main.ts': "trace('an application');",
    'modern/main.ts': main,
    'classic/main.asc': "load('../_lib/old.asc');",
    'alone/main.ts': "trace('alone');",
  });
  const { records, folder } = host;
  const started = ['modern', 'classic', 'alone'].map((name) => host.open(name).script.started);
  await Promise.all(started);
  const said = () => records.of('script-log').map(({ application, msg }) => `${application}: ${msg}`);
  const reloads = () => records.of('script-reload').map(({ application }) => application);
  assert.deepEqual(said().sort(), ['alone: alone', 'classic: old one', 'modern: one']);

  await folder.write('_lib/word.ts', word('two'));
  await until('the first reload', () => reloads().length === 1);
  assert.equal(said().at(-1), 'modern: two');
  await folder.write('_lib/old.asc', "trace('old two');");
  await until('the second reload', () => reloads().length === 2);
  assert.equal(said().at(-1), 'classic: old two');

  await folder.write('_lib/word.ts', 'export const = 3;');
  await until('the mistake', () => records.all.some(({ msg }) => msg.startsWith('_lib/word.ts:1:14: ')));
  await folder.write('_lib/word.ts', word('three'));
  await until('the third reload', () => reloads().length === 3);
  assert.equal(said().at(-1), 'modern: three');
  await folder.remove('_lib');
  await until('the loss of the folder', () =>
    records.all.some(({ msg }) => /modern: the last good version .* serving/.test(msg)),
  );
  await folder.write('_lib/word.ts', word('four'));
  await until('the fourth reload', () => reloads().length === 4);
  assert.deepEqual(reloads(), ['modern', 'classic', 'modern', 'modern']);
  assert.ok(!said().some((line) => line.includes('an application')));
});
