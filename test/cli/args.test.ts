import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { understudy } from './support.ts';

test('start hands root and settings to the server, and its exit code back', async () => {
  const { exitCode, started } = await understudy(
    ...['start', '--root', '/srv/tv', '--set', 'A=b=c', '--set=ADAPTOR.HOSTPORT= :0 ', '--set', 'EMPTY='],
  );
  assert.equal(exitCode, 7);
  assert.deepEqual(
    started.map(({ root, set }) => ({ root, set: { ...set } })),
    [{ root: '/srv/tv', set: { A: 'b=c', 'ADAPTOR.HOSTPORT': ':0', EMPTY: '' } }],
  );
});

test('start without options serves the current folder', async () => {
  const { started } = await understudy('start');
  assert.deepEqual(
    started.map(({ root, set }) => ({ root, set: { ...set } })),
    [{ root: '.', set: {} }],
  );
});

test('start lets debuggers attach to all scripts, to one, or to those whose settings say so', async () => {
  const inspected = async (...args: string[]) => (await understudy('start', ...args)).started[0]!.inspect;
  assert.deepEqual(
    [await inspected('--inspect', '--root', '.'), await inspected('--inspect=chat'), await inspected()],
    ['', 'chat', undefined],
  );
});

for (const [args, complaint] of [
  [[], 'a command is missing'],
  [['frobnicate'], "unknown command 'frobnicate'"],
  [['--verbose'], "unknown option '--verbose'"],
  [['start', '--port', '1935'], "unknown option '--port'"],
  [['start', 'live'], "unexpected argument 'live'"],
  [['start', '--root'], "option '--root <value>' argument missing"],
  [['start', '--set', 'NAME'], "--set 'NAME': expected NAME=VALUE"],
  [['start', '--set', '=VALUE'], "--set '=VALUE': expected NAME=VALUE"],
  [['errors', 'a', 'b'], "unexpected argument 'b'"],
  [['errors', '--follow=yes'], "option '-f, --follow' does not take an argument"],
  [['user'], "user: 'add' or 'remove' is missing"],
  [['user', 'list'], "user: 'add' or 'remove' is missing"],
  [['user', 'add'], 'user add: the name of the user is missing'],
  [['new'], 'new: the name of the application is missing'],
  [['new', 'a', 'b'], "unexpected argument 'b'"],
  [['new', 'a', '--set', 'A=b'], "unknown option '--set'"],
  [['check', 'a', 'b'], "unexpected argument 'b'"],
  [['test', '--reporter', 'loud'], "test: --reporter 'loud': expected spec or tap"],
  [['help', 'frobnicate'], "unknown command 'frobnicate'"],
  [['help', 'toString'], "unknown command 'toString'"],
] as const) {
  test(`"understudy ${args.join(' ')}" is refused with exit code 2`, async () => {
    const { exitCode, printed, errors, started } = await understudy(...args);
    assert.deepEqual({ exitCode, printed, started }, { exitCode: 2, printed: [], started: [] });
    assert.equal(errors[0], `understudy: ${complaint}`);
    assert.match(errors.slice(1).join('\n'), /^Try '(npx )?understudy --help'\.$/);
  });
}

test('--version prints the version of the package', async () => {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
  const { exitCode, printed } = await understudy('--version');
  assert.deepEqual({ exitCode, printed }, { exitCode: 0, printed: [manifest.version] });
});

test('the help of test says that tests have all rights of the user, and that of check that it runs none of their code', async () => {
  const ofTest = (await understudy('test', '--help')).printed.join('\n');
  assert.match(ofTest, /The tests do not: .*with all permissions\s+of the user that runs them/s);
  const ofCheck = (await understudy('check', '--help')).printed.join('\n');
  assert.match(ofCheck, /It does not run the scripts/);
  const types = readFileSync(
    join(import.meta.dirname, '../../src/script/types/understudy-test.d.ts'),
    'utf8',
  );
  assert.match(types, /all permissions of the user that runs them/);
});

test('--help names every command, and every command has help of its own', async () => {
  const overview = await understudy('--help');
  assert.equal(overview.exitCode, 0);
  for (const command of ['start', 'new', 'check', 'cert']) {
    assert.match(overview.printed.join('\n'), new RegExp(`^  understudy ${command}\\b`, 'm'));
    const own = await understudy(command, '--help');
    assert.equal(own.exitCode, 0);
    assert.match(own.printed[0]!, new RegExp(`^understudy ${command}\\b`));
    assert.deepEqual(own, await understudy('help', command));
  }
});
