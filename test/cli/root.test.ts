import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { callOf, program } from '../../src/cli/call.ts';
import { panel } from '../../src/cli/panel.ts';
import { findRoot } from '../../src/cli/root.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const COMMAND = join(REPOSITORY, 'bin/understudy.js');

/** A temporary folder with these folders and empty files, or files with that text. */
function folderWith(t: TestContext, paths: readonly (string | [path: string, text: string])[]): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'understudy-root-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const one of paths) {
    const [path, text] = typeof one === 'string' ? [one, ''] : one;
    mkdirSync(join(folder, path.endsWith('/') ? path : dirname(path)), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** The command as somebody runs it who stands in that folder. */
function understudyIn(cwd: string, ...args: string[]) {
  const { INIT_CWD: _, npm_package_json: __, ...env } = process.env;
  const ran = spawnSync(process.execPath, [COMMAND, ...args], {
    cwd,
    env: { ...env, PWD: cwd },
    encoding: 'utf8',
  });
  assert.equal(ran.status, 0, ran.stderr);
  return ran.stdout.trim();
}

const OURS = '{ "dependencies": { "understudy-rtmp": "file:../x.tgz" } }';

for (const [where, paths, from, root] of [
  ['in the root itself', ['srv/conf/fms.ini', 'srv/applications/'], 'srv', 'srv'],
  ['in an application', ['srv/applications/tv/main.ts'], 'srv/applications/tv', 'srv'],
  ['in a folder of an application', ['srv/applications/tv/lib/x/'], 'srv/applications/tv/lib/x', 'srv'],
  ['in applications/', ['srv/applications/'], 'srv/applications', 'srv'],
  [
    'in a folder of conf/',
    ['srv/conf/_defaultRoot_/_defaultVHost_/'],
    'srv/conf/_defaultRoot_/_defaultVHost_',
    'srv',
  ],
  ['in logs/', ['srv/conf/Server.xml', 'srv/logs/_defaultVHost_/'], 'srv/logs/_defaultVHost_', 'srv'],
  ['below an empty conf/', ['srv/conf/', 'srv/sub/'], 'srv/sub', 'srv'],
  [
    'in a project that has this package installed, and nothing else yet',
    [['srv/package.json', OURS], 'srv/sub/'],
    'srv/sub',
    'srv',
  ],
  [
    'in an application that has a folder applications',
    ['srv/applications/tv/applications/x/'],
    'srv/applications/tv/applications/x',
    'srv',
  ],
  [
    'in one where a command once made a root',
    ['srv/applications/understudy.d.ts', 'srv/applications/tv/applications/understudy.d.ts'],
    'srv/applications/tv',
    'srv',
  ],
  [
    'in an application with a conf/ of its own',
    ['srv/applications/tv/conf/keys.json', 'srv/applications/tv/lib/'],
    'srv/applications/tv/lib',
    'srv',
  ],
  [
    'in an application that is installed with this package',
    ['srv/conf/fms.ini', 'srv/applications/', ['srv/applications/tv/package.json', OURS]],
    'srv/applications/tv',
    'srv',
  ],
  [
    'in a server in a folder called applications',
    ['home/applications/srv/conf/Server.xml', 'home/applications/srv/sub/'],
    'home/applications/srv/sub',
    'home/applications/srv',
  ],
  [
    'below the conf/ of another program',
    ['tomcat/conf/server.xml', 'tomcat/webapps/'],
    'tomcat/webapps',
    'tomcat/webapps',
  ],
  ['where conf is a file', ['x/conf', 'x/sub/'], 'x/sub', 'x/sub'],
  ['where the name has another case', ['x/Applications/tv/'], 'x/Applications/tv', 'x/Applications/tv'],
  ['where there is none', ['x/sub/'], 'x/sub', 'x/sub'],
] as const) {
  test(`the root is found ${where}`, (t) => {
    const folder = folderWith(t, paths as readonly (string | [string, string])[]);
    assert.equal(findRoot(join(folder, from)), join(folder, root));
  });
}

test('new inside an application makes the other one beside it, and all commands see the same', (t) => {
  const folder = folderWith(t, ['srv/conf/fms.ini', 'srv/applications/tv/parts/']);
  const parts = join(folder, 'srv/applications/tv/parts');
  assert.match(understudyIn(parts, 'new', 'radio'), /^\.\.\/\.\.\/radio\/main\.ts is the script/);
  assert.ok(existsSync(join(folder, 'srv/applications/radio/main.ts')));
  assert.ok(!existsSync(join(parts, 'applications')));
  assert.equal(understudyIn(parts, 'check', 'radio'), '../../../conf: ok\nradio: ok');
  assert.match(understudyIn(parts, 'test', 'radio'), /pass 1/);
  assert.match(understudyIn(join(folder, 'srv/conf'), 'cert'), /^_defaultRoot_\/cert\.pem and key\.pem/);
});

test('the root is found from an application that is a link to somewhere else', (t) => {
  const folder = folderWith(t, ['srv/applications/', 'releases/7/main.ts']);
  symlinkSync('../../releases/7', join(folder, 'srv/applications/tv'));
  assert.match(understudyIn(join(folder, 'srv/applications/tv'), 'check'), /^tv: ok$/m);
});

test('a hint carries --root where the command would not find it by itself', (t) => {
  const folder = folderWith(t, ['a b/conf/fms.ini', 'a b/applications/', 'elsewhere/']);
  const root = join(folder, 'a b');
  const hintIn = (cwd: string) => {
    const code = `import { callOf } from '${join(REPOSITORY, 'src/cli/call.ts')}'; console.log(callOf('new NAME', '${root}'));`;
    const { INIT_CWD: _, npm_package_json: __, ...env } = process.env;
    return spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      cwd,
      env,
      encoding: 'utf8',
    }).stdout.trim();
  };
  assert.match(hintIn(join(folder, 'elsewhere')), / new NAME --root '\.\.\/a b'$/);
  assert.match(hintIn(join(root, 'applications')), / new NAME$/);
  const text = panel(
    [{ kind: 'rtmp', host: '127.0.0.1', port: 1935, secure: false }],
    join(root, 'applications'),
    root,
  );
  assert.ok(text.includes(`Create one: ${callOf('new NAME', root)}\n`));
  assert.match(text, /new NAME --root '.*a b'\n/);
});

test('a hint names the command as it is found: by npx below a checkout or an installation, by the PATH, else by its path', (t) => {
  const folder = folderWith(t, [
    'site/node_modules/.bin/',
    'site/applications/tv/package.json',
    'bin/',
    'npx/node_modules/.bin/',
    'elsewhere/',
  ]);
  const at = (...path: string[]) => join(folder, ...path);
  symlinkSync(COMMAND, at('site/node_modules/.bin/understudy'));
  assert.equal(program(REPOSITORY, ''), 'npx understudy');
  assert.equal(program(join(REPOSITORY, 'applications/auth'), ''), 'npx understudy');
  assert.equal(program(at('site/applications/tv'), ''), 'npx understudy');
  assert.equal(program(at('elsewhere'), ''), COMMAND);
  // those of another package
  writeFileSync(at('bin/understudy'), '');
  writeFileSync(at('npx/node_modules/.bin/understudy'), '');
  assert.equal(program(at('elsewhere'), at('bin')), COMMAND);
  assert.equal(program(at('npx'), ''), COMMAND);
  rmSync(at('bin/understudy'));
  symlinkSync(COMMAND, at('bin/understudy'));
  assert.equal(program(at('elsewhere'), at('bin')), 'understudy');
  assert.equal(
    program(at('elsewhere'), at('site/node_modules/.bin')),
    COMMAND,
    'npx has put that there for itself',
  );
});

test('hints of a script of npm are right where it was started, not where npm runs it', (t) => {
  const folder = folderWith(t, [['srv/package.json', '{}'], 'srv/conf/fms.ini', 'srv/applications/tv/']);
  const env = {
    ...process.env,
    npm_package_json: join(folder, 'srv/package.json'),
    INIT_CWD: join(folder, 'srv/applications/tv'),
  };
  const { stdout } = spawnSync(process.execPath, [COMMAND, 'new', 'radio'], {
    cwd: join(folder, 'srv'),
    env,
    encoding: 'utf8',
  });
  assert.match(stdout, /^\.\.\/radio\/main\.ts is/);
  assert.match(
    readFileSync(join(folder, 'srv/applications/radio/main.test.ts'), 'utf8'),
    /understudy(\.js)? test radio\n/,
  );
});

test('a package.json that is a named pipe is none: nobody waits for it', { timeout: 30_000 }, (t) => {
  const folder = folderWith(t, ['server/conf/fms.ini', 'server/applications/tv/conf/']);
  spawnSync('mkfifo', [join(folder, 'server/applications/tv/package.json')]);
  assert.equal(findRoot(join(folder, 'server/applications/tv')), join(folder, 'server'));
});
