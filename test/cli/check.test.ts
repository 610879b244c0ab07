import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rootWith, said, understudy } from './support.ts';

test('check says file, line and column of each type error, and how many there are', async (t) => {
  const root = rootWith(t, {
    'tv/main.ts': [
      "import { greet } from './lib/greet.ts';",
      'application.onConnect = (client) => {',
      '  client.nmae = greet(1);',
      '  return null;',
      '};',
    ].join('\n'),
    'tv/lib/greet.ts': 'export const greet = (name: string): number => name + 1;',
  });
  const { exitCode, printed } = await understudy('check', 'tv', '--root', root);
  assert.equal(exitCode, 1);
  const starts = printed
    .filter((line) => !line.startsWith(' '))
    .map((line) => line.replace(/(: TS\d+).*/, '$1'));
  assert.deepEqual(starts.sort(), [
    `${said(root, 'tv/lib/greet.ts')}:1:48: TS2322`,
    `${said(root, 'tv/main.ts')}:2:1: TS2322`,
    `${said(root, 'tv/main.ts')}:3:10: TS2339`,
    `${said(root, 'tv/main.ts')}:3:23: TS2345`,
    'tv: 4 mistakes',
  ]);
});

test('check says where a script does not bundle', async (t) => {
  const root = rootWith(t, {
    'syntax/main.ts': 'const a = 1;\nconst b = (;\n',
    'outside/main.ts': "import fs from 'node:fs';\nfs.rmSync('/');\n",
    'missing/main.mjs': "\n  import x from './not-there.mjs';\ntrace(x);\n",
    'module/main.asc': 'export default 1;',
  });
  const { exitCode, printed } = await understudy('check', '--root', root);
  assert.equal(exitCode, 1);
  const place = (path: string, at: string) =>
    printed.find((line) => line.startsWith(`${said(root, path)}:${at}: `));
  assert.ok(place('syntax/main.ts', '2:12'), printed.join('\n'));
  assert.match(place('outside/main.ts', '1:16') ?? printed.join('\n'), /Node module/);
  assert.match(place('missing/main.mjs', '2:17') ?? printed.join('\n'), /not-there/);
  assert.match(place('module/main.asc', '1:1') ?? printed.join('\n'), /rename it to main\.ts or main\.mjs/);
  for (const name of ['syntax', 'outside', 'missing', 'module'])
    assert.ok(printed.includes(`${name}: 1 mistake`), name);
});

test('check parses classic scripts and what they load, and nothing else that lies there', async (t) => {
  const root = rootWith(t, {
    'good/main.asc': 'load("lib/a.asc");\nundeclared = 1; with (application) { trace(name); }',
    'good/lib/a.asc': 'function helper() { return arguments.callee; }',
    'good/player.js': 'this is of the web page and not for us',
    'bad/scripts/main.js': 'load("./lib/a.asc");\n',
    'bad/scripts/lib/a.asc': 'var x = 1;\nvar y = x +* 2;\n',
  });
  const { exitCode, printed } = await understudy('check', '--root', root);
  assert.equal(exitCode, 1);
  assert.deepEqual(printed, [
    `${said(root, 'bad/scripts/lib/a.asc')}:2:12: Unexpected token '*'`,
    'bad: 1 mistake',
    'good: ok',
  ]);
});

test('check knows nothing of the DOM and of Node, with and without a tsconfig.json', async (t) => {
  const script = 'export const title = document.title;\nexport const env = process.env;\n';
  const root = rootWith(t, {
    'with/main.ts': script,
    'with/tsconfig.json': '{ "extends": "../tsconfig.base.json", "include": ["**/*.ts"] }',
    'without/main.ts': script,
  });
  const { printed } = await understudy('check', '--root', root);
  for (const name of ['with', 'without']) {
    assert.ok(
      printed.some((line) => line.startsWith(`${said(root, `${name}/main.ts`)}:1:22: TS`)),
      name,
    );
    assert.ok(
      printed.some((line) => line.startsWith(`${said(root, `${name}/main.ts`)}:2:20: TS`)),
      name,
    );
    assert.ok(printed.includes(`${name}: 2 mistakes`), name);
  }
});

test('check gives no advice to install types of what scripts can never have', async (t) => {
  const script = 'document; process; require; Buffer; module;\n';
  const root = rootWith(t, { 'tv/main.ts': script, 'tv/main.test.ts': 'process; export {};\n' });
  const { printed } = await understudy('check', '--root', root);
  const told = printed.filter((line) => line.includes('Cannot find name'));
  assert.equal(told.length, 6, printed.join('\n'));
  for (const line of told) {
    assert.doesNotMatch(line, /npm i|@types|compiler option|Do you need/);
    assert.match(
      line,
      line.includes('.test.ts') ? /Import it from/ : /no APIs of Node or of web pages.*understudy\.d\.ts/,
    );
  }
});

test('check reports a tsconfig.json that cannot be read', async (t) => {
  const root = rootWith(t, {
    'tv/main.ts': 'trace(1);',
    'tv/tsconfig.json': '{ "extends": "./nowhere.json" }',
  });
  const { exitCode, printed } = await understudy('check', 'tv', '--root', root);
  assert.equal(exitCode, 1);
  assert.match(printed.join('\n'), /nowhere\.json/);
});

test('check does not wait for a tsconfig.json that is a named pipe', async (t) => {
  const root = rootWith(t, { 'tv/main.ts': 'application.onConnect = () => true;' });
  execFileSync('mkfifo', [join(root, 'applications', 'tv', 'tsconfig.json')]);
  const { exitCode, printed } = await understudy('check', 'tv', '--root', root);
  assert.equal(exitCode, 1);
  const what = 'expected a regular file, found a named pipe';
  assert.deepEqual(printed, [`${said(root, 'tv/tsconfig.json')}: ${what}`, 'tv: 1 mistake']);
});

test('check says which file is a named pipe or a device, wherever the compiler would wait for it', {
  timeout: 60_000,
}, async (t) => {
  const root = rootWith(t, {
    'tv/main.ts': "import './lib/a.ts';\napplication.onConnect = () => true;",
    'tv/lib/a.ts': '',
    'tv/tsconfig.json': '{ "extends": "../tsconfig.base.json", "include": ["**/*.ts"] }',
    'radio/main.ts': 'application.onConnect = () => true;',
    'radio/streams/': '',
  });
  const at = (path: string) => join(root, 'applications', path);
  execFileSync('mkfifo', [at('tv/lib/x.d.ts'), at('radio/notes.txt')]);
  symlinkSync('/dev/zero', at('tv/y.ts'));
  symlinkSync('..', at('tv/lib/up'));
  const { exitCode, printed } = await understudy('check', '--root', root);
  assert.equal(exitCode, 1);
  assert.deepEqual(printed.sort(), [
    `${said(root, 'tv/lib/x.d.ts')}: expected a regular file, found a named pipe`,
    `${said(root, 'tv/y.ts')}: expected a regular file, found a device`,
    'radio: ok',
    'tv: 2 mistakes',
  ]);
});

test('an application without a script passes, one that is not there does not', async (t) => {
  const root = rootWith(t, { 'live/': '', 'node_modules/': '', '.new-1/main.ts': 'broken(' });
  const all = await understudy('check', '--root', root);
  assert.deepEqual(all.printed, ['live: no script: the defaults apply']);
  assert.equal(all.exitCode, 0);
  for (const name of ['nowhere', '../applications/live', '.new-1']) {
    const one = await understudy('check', name, '--root', root);
    assert.equal(one.exitCode, 1);
    assert.match(one.errors[0]!, /^understudy: there is no application /);
  }
});

test('check in a root without applications has nothing to say', async (t) => {
  const root = rootWith(t);
  const { exitCode, printed } = await understudy('check', '--root', root);
  assert.deepEqual(
    { exitCode, printed },
    { exitCode: 0, printed: [`there is no application in ${said(root, '')}`] },
  );
});

test('the samples pass check', async () => {
  const { exitCode, printed } = await understudy('check', '--root', join(import.meta.dirname, '../..'));
  assert.equal(exitCode, 0);
  for (const name of ['auth', 'chat', 'record'])
    assert.ok(printed.includes(`${name}: ok`), printed.join('\n'));
  assert.ok(printed.some((line) => line.startsWith('live: no script')));
});

test('the types accept what the API documents and refuse what it does not', async (t) => {
  const root = rootWith(t, { 'tv/': '' });
  copyFileSync(join(import.meta.dirname, 'api-types.ts.txt'), join(root, 'applications/tv/main.ts'));
  const { printed } = await understudy('check', 'tv', '--root', root);
  assert.deepEqual(printed, ['tv: ok']); // each line that must not compile stands under @ts-expect-error
});

test('check reads Application.xml as the server does, with a script or without one', async (t) => {
  const root = rootWith(t, {
    'bad/main.ts': '',
    'bad/Application.xml': '<Application>\n<JSEngine><RuntimeSise>1</RuntimeSise></JSEngine></Application>',
    'settings/Application.xml': '<Application>',
    'warned/main.ts': '',
    'warned/Application.xml':
      '<Application><StreamManager><DuplicateDir>x</DuplicateDir></StreamManager></Application>',
  });
  const { exitCode, printed } = await understudy('check', '--root', root);
  assert.equal(exitCode, 1);
  const [first = ''] = printed;
  const place = `${said(root, 'bad/Application.xml')}:2: <RuntimeSise> is unknown in <JSEngine>: expected one of `;
  assert.ok(first.startsWith(place), first);
  assert.ok(printed.includes('bad: 1 mistake'), printed.join('\n'));
  assert.ok(printed.some((line) => line.startsWith(`${said(root, 'settings/Application.xml')}:1: `)));
  assert.ok(printed.includes('settings: 1 mistake'), printed.join('\n'));
  assert.match(
    printed.at(-2)!,
    /^warning: applications\/warned\/Application\.xml:1: .*DuplicateDir = x: not supp/,
  );
  assert.equal(printed.at(-1), 'warned: ok');
});

test('check says which main script is not used', async (t) => {
  const root = rootWith(t, { 'two/main.mjs': '', 'two/main.js': '' });
  const { exitCode, printed } = await understudy('check', '--root', root);
  assert.equal(exitCode, 0);
  assert.deepEqual(printed, [
    `warning: ${said(root, 'two/main.js')} is not used: the script is main.mjs`,
    'two: ok',
  ]);
});

test('check finds handlers that are exported and not assigned', async (t) => {
  const root = rootWith(t, {
    'bad/main.ts':
      'export function onPublish() {}\nexport function onPlay() {}\napplication.onPlay = onPlay;\n',
    'good/main.ts': 'export const onStop = () => {};\nObject.assign(application, { onStop });\n',
  });
  const { exitCode, printed } = await understudy('check', '--root', root);
  assert.equal(exitCode, 1);
  assert.deepEqual(printed, [
    `${said(root, 'bad/main.ts')}: the server never calls the export onPublish: write application.onPublish = onPublish`,
    'bad: 1 mistake',
    'good: ok',
  ]);
});

test('check looks at what applications share, once, and by itself; it is no application', async (t) => {
  const root = rootWith(t, {
    '_lib/keys.ts': "export const key: number = 'text';",
    '_lib/good.ts': 'export const one = 1;',
    'tv/main.ts': "import { key } from '../_lib/keys.ts';\ntrace(key);",
    'radio/main.ts': "import { one } from '../_lib/good.ts';\none.length;",
    'old/main.asc': "load('../_lib/old.asc');",
    '_lib/old.asc': 'var x = = 1;',
  });
  const mistake = `${said(root, '_lib/keys.ts')}:1:14: TS2322`;
  const brief = (lines: string[]) => lines.map((line) => line.replace(/(: TS\d+).*/, '$1')).sort();
  const all = await understudy('check', '--root', root);
  assert.equal(all.exitCode, 1);
  assert.deepEqual(
    brief(all.printed),
    [
      mistake,
      `${said(root, '_lib/old.asc')}:1:9: Unexpected token '='`,
      `${said(root, 'radio/main.ts')}:2:5: TS2339`,
      ...['_lib: 1 mistake', 'old: 1 mistake', 'radio: 1 mistake', 'tv: 1 mistake'],
    ].sort(),
  );
  const shared = await understudy('check', '_lib', '--root', root);
  assert.deepEqual(brief(shared.printed), ['_lib: 1 mistake', mistake].sort());
  assert.equal((await understudy('new', '_lib', '--root', root)).exitCode, 2);
});
