import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rootWith, understudy } from './support.ts';

const COMMAND = join(import.meta.dirname, '../../bin/understudy.js');

const PASSING = `
import { assert, test, testApp } from 'understudy/test';
test('greets', async () => {
  const app = await testApp('tv');
  const client = await app.connect();
  assert.equal(await client.call('greet', 'Ann'), 'hello Ann');
});
`;
const MAIN = "Client.prototype.greet = (name: string) => 'hello ' + name;";

/** The command in a process of its own: what it says goes to its standard output. */
async function tested(...args: string[]): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [COMMAND, 'test', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  const [code] = await once(child, 'close');
  return { code, output };
}

test('test runs the tests of all applications, or of one, and says how it went by its exit code', async (t) => {
  const root = rootWith(t, {
    'tv/main.ts': MAIN,
    'tv/main.test.ts': PASSING,
    'tv/node_modules/x/x.test.ts': 'throw new Error("of somebody else")',
    'radio/main.ts': 'application.onPlay = () => {\n  throw new Error("oops");\n};',
    'radio/tests/play.test.ts': `
      import { test, testApp } from 'understudy/test';
      test('plays', async () => {
        const app = await testApp('radio');
        await (await app.connect()).play('x');
      });
      test('something else', () => {});
      test('calls', async () => {
        const app = await testApp('radio');
        const playback = await (await app.connect()).play('x');
        if (!playback.accepted) throw new Error('it does not play');
      });`,
  });
  const one = await tested('tv', '--root', root, '--reporter', 'tap');
  assert.equal(one.code, 0, one.output);
  assert.match(one.output, /^ok 1 - greets$/m);
  assert.match(one.output, /^# tests 1$/m);
  const all = await tested('--root', root);
  assert.equal(all.code, 1, all.output);
  assert.match(all.output, /✔ greets/);
  assert.match(all.output, /✖ plays/);
  assert.match(all.output, /radio\/main\.ts:2:9: onPlay: Error: oops/);
  // what its script has said stands beside what a test says of itself
  assert.match(all.output, /✖ calls.*\nℹ radio\/main\.ts:2:9: onPlay: Error: oops/);
  // and with the failure, where all of them are told again at the end
  const again = all.output.slice(all.output.indexOf('failing tests:'));
  assert.match(
    again,
    /Error: it does not play[\s\S]*in its script:\n\s+radio\/main\.ts:2:9: onPlay: Error: oops\n/,
  );
  const some = await tested('radio', '--root', root, '--only', 'else$');
  assert.equal(some.code, 0, some.output);
});

for (const [which, manifest] of [
  ['of today', '{ "name": "tv", "type": "commonjs" }'],
  ['of npm 10, which names no type', '{ "name": "tv" }'],
] as const) {
  test(`tests run as ES modules in a folder that npm init has given a package.json ${which}`, async (t) => {
    const root = rootWith(t, {
      'tv/package.json': manifest,
      'tv/main.ts': MAIN,
      'tv/main.test.ts': `import { word } from './word.ts';\n${PASSING.replace("'hello Ann'", "word + ' Ann'")}`,
      'tv/word.ts': "export const word: string = 'hello';",
    });
    const { code, output } = await tested('--root', root);
    assert.equal(code, 0, output);
    assert.match(output, /✔ greets/);
    assert.doesNotMatch(output, /Warning/);
  });
}

test('test of nothing says so', async (t) => {
  const root = rootWith(t, { 'tv/main.ts': MAIN });
  const none = await understudy('test', 'tv', '--root', root);
  assert.equal(none.exitCode, 1);
  assert.match(none.errors[0]!, /there is no \*\.test\.ts in .*tv$/);
  assert.match(
    (await understudy('test', 'film', '--root', root)).errors[0]!,
    /there is no application .*film$/,
  );
  const all = await understudy('test', '--root', root);
  assert.equal(all.exitCode, 0);
  assert.match(all.printed[0]!, /there is no \*\.test\.ts/);
});

test('test --watch runs them again when a file is saved, the script or the test', async (t) => {
  const root = rootWith(t, { 'tv/main.ts': MAIN, 'tv/main.test.ts': PASSING });
  const args = [COMMAND, 'test', 'tv', '--watch', '--root', root, '--reporter', 'tap'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  let output = '';
  child.stdout.on('data', (text) => (output += text));
  const saying = async (pattern: RegExp) => {
    while (!pattern.test(output)) await once(child.stdout, 'data');
    output = '';
  };
  await saying(/^ok 1 - greets[\s\S]*^# duration/m);
  writeFileSync(join(root, 'applications/tv/main.ts'), MAIN.replace('hello', 'good day'));
  await saying(/^not ok 1 - greets[\s\S]*^# duration/m);
  writeFileSync(join(root, 'applications/tv/main.test.ts'), PASSING.replace('hello', 'good day'));
  await saying(/^ok 1 - greets[\s\S]*^# duration/m);
});

test('test --watch: a run that a save interrupts shows no failure', async (t) => {
  const endless = PASSING.replace(
    /async \(\) => \{/,
    "async () => {\n  console.log('begun');\n  await new Promise((done) => setTimeout(done, 60_000));",
  );
  assert.notEqual(endless, PASSING);
  const root = rootWith(t, { 'tv/main.ts': MAIN, 'tv/main.test.ts': endless });
  const args = [COMMAND, 'test', 'tv', '--watch', '--root', root, '--reporter', 'tap'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  let output = '';
  child.stdout.on('data', (text) => (output += text));
  const saying = async (pattern: RegExp) => {
    while (!pattern.test(output)) await once(child.stdout, 'data');
  };
  await saying(/begun/);
  writeFileSync(join(root, 'applications/tv/main.test.ts'), PASSING);
  await saying(/^ok 1 - greets[\s\S]*^# duration/m);
  assert.doesNotMatch(output, /not ok|# cancelled [1-9]|# fail [1-9]/);
  assert.match(output, /^# saved: the tests run again$/m);
});

test('check knows what tests import', async (t) => {
  const root = rootWith(t, { 'tv/main.ts': MAIN, 'tv/main.test.ts': PASSING });
  assert.deepEqual((await understudy('check', '--root', root)).printed, ['tv: ok']);
  writeFileSync(join(root, 'applications/tv/main.test.ts'), PASSING.replace('connect()', 'conect()'));
  assert.match((await understudy('check', '--root', root)).printed[0]!, /main\.test\.ts:5:\d+: TS2551/);
  renameSync(join(root, 'applications/tv/main.ts'), join(root, 'applications/tv/main.asc'));
  writeFileSync(join(root, 'applications/tv/main.asc'), 'Client.prototype.greet = function () {};');
  assert.match((await understudy('check', '--root', root)).printed[0]!, /main\.test\.ts:5:\d+: TS2551/);
});

test('tests may import what Node brings: check knows it by name', async (t) => {
  const test = `import { createHash } from 'node:crypto';\n${PASSING}`;
  const root = rootWith(t, { 'tv/main.ts': MAIN, 'tv/main.test.ts': test });
  assert.deepEqual((await understudy('check', '--root', root)).printed, ['tv: ok']);
  const main = "import { createHash } from 'node:crypto';\ncreateHash('md5');";
  writeFileSync(join(root, 'applications/tv/main.ts'), main);
  assert.match((await understudy('check', '--root', root)).printed[0]!, /main\.ts:1:\d+: .*node:crypto/);
});

test('the test of a new application passes', async (t) => {
  const root = rootWith(t);
  await understudy('new', 'tv', '--root', root);
  const { code, output } = await tested('tv', '--root', root);
  assert.equal(code, 0, output);
});

test('the tests of the samples pass', { timeout: 240_000 }, async () => {
  const { code, output } = await tested('--root', join(import.meta.dirname, '../..'));
  assert.equal(code, 0, output);
});

test('test gives applications what they share, and runs its own tests as well', async (t) => {
  const root = rootWith(t, {
    '_lib/greet.ts': "export const greet = (name: string) => 'hello ' + name;",
    '_lib/greet.test.ts': `
      import { assert, test } from 'understudy/test';
      import { greet } from './greet.ts';
      test('greets by itself', () => assert.equal(greet('Bob'), 'hello Bob'));`,
    'tv/main.ts': "import { greet } from '../_lib/greet.ts';\nClient.prototype.greet = greet;",
    'tv/main.test.ts': PASSING,
  });
  const { code, output } = await tested('--root', root);
  assert.equal(code, 0, output);
  assert.match(output, /✔ greets by itself/);
  assert.match(output, /✔ greets \(/);
  assert.equal((await tested('_lib', '--root', root)).code, 0);
});
