import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempDisposableSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { endsWithUs } from '../support/child.ts';

const BIN = join(import.meta.dirname, '..', '..', 'bin');
const PLATFORM_PACKAGE = `node-${process.platform}-${process.arch}`;

/** A folder like ours: the command, a main that says how it was started, the platform package if a version is given. */
function layOut(options: { sources?: boolean; bundledNode?: string }) {
  const folder = mkdtempDisposableSync(join(realpathSync(tmpdir()), 'understudy-'));
  const at = (...path: string[]) => join(folder.path, ...path);
  cpSync(BIN, at('bin'), { recursive: true });
  const main = `
    const { argv, version } = process;
    const where = import.meta.url.slice(-7);
    const [, , ending, detail] = argv;
    if (ending === 'wait') {
      process.once('SIGTERM', () => { console.log('SIGTERM'); process.exit(7); });
      process.once('SIGINT', () => { console.log('SIGINT'); process.exit(8); });
      setInterval(() => {}, 1000);
    }
    console.log(JSON.stringify({ args: argv.slice(2), version, where }));
    if (ending === 'exit') process.exit(Number(detail));
    if (ending === 'die') process.kill(process.pid, detail);
  `;
  mkdirSync(at('dist'));
  writeFileSync(at('dist', 'main.js'), main);
  writeFileSync(at('package.json'), '{ "type": "module" }');
  if (options.sources) {
    mkdirSync(at('src'));
    writeFileSync(at('src', 'main.ts'), `const typed: boolean = true;\n${main}`);
  }
  if (options.bundledNode) {
    const folder = at('node_modules', PLATFORM_PACKAGE);
    mkdirSync(join(folder, 'bin'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ version: options.bundledNode }));
    symlinkSync(process.execPath, join(folder, 'bin', 'node'));
  }
  // Loaded before the command: this Node passes for an old one, and the one that is handed over to does not.
  writeFileSync(at('old.cjs'), `Object.defineProperty(process, 'version', { value: 'v20.20.2' });`);
  return { command: at('bin', 'understudy.js'), old: ['--require', at('old.cjs')], remove: folder };
}

interface Run {
  child: ChildProcess;
  line: Promise<string>;
  ended: Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>;
}

function run(args: string[]): Run {
  const child = endsWithUs(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const line = once(child.stdout, 'data').then(() => stdout);
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }));
  return { child, line, ended };
}

test('a new enough Node runs the sources of a checkout, in this process', async () => {
  const { command, remove } = layOut({ sources: true });
  using _ = remove;
  const { code, stdout } = await run([command, 'exit', '5', 'a b']).ended;
  assert.deepEqual(JSON.parse(stdout), {
    args: ['exit', '5', 'a b'],
    version: process.version,
    where: 'main.ts',
  });
  assert.equal(code, 5);
});

test('a package without sources runs what was compiled', async () => {
  const { command, remove } = layOut({});
  using _ = remove;
  assert.equal(JSON.parse((await run([command]).ended).stdout).where, 'main.js');
});

test('an older Node hands over to the one that came along, with arguments and exit code', async () => {
  const { command, old, remove } = layOut({ bundledNode: '24.1.0' });
  using _ = remove;
  const { code, stdout } = await run([...old, command, 'exit', '6', 'a b']).ended;
  assert.deepEqual(JSON.parse(stdout), {
    args: ['exit', '6', 'a b'],
    version: process.version,
    where: 'main.js',
  });
  assert.equal(code, 6);
});

for (const [signal, code] of [
  ['SIGTERM', 7],
  ['SIGINT', 8],
] as const) {
  test(`a ${signal} to the older Node alone reaches the server`, async () => {
    const { command, old, remove } = layOut({ bundledNode: '24.1.0' });
    using _ = remove;
    const { child, line, ended } = run([...old, command, 'wait']);
    await line;
    child.kill(signal);
    const end = await ended;
    assert.match(end.stdout, new RegExp(`${signal}\n$`));
    assert.equal(end.code, code);
  });
}

test('a server that a signal ends, ends the older Node the same way', async () => {
  const { command, old, remove } = layOut({ bundledNode: '24.1.0' });
  using _ = remove;
  assert.equal((await run([...old, command, 'die', 'SIGKILL']).ended).signal, 'SIGKILL');
});

for (const bundledNode of [undefined, '22.0.0']) {
  test(`an older Node with ${bundledNode ?? 'none'} beside it says which one is needed`, async () => {
    const { command, old, remove } = layOut(bundledNode ? { bundledNode } : {});
    using _ = remove;
    const { code, stdout, stderr } = await run([...old, command]).ended;
    assert.match(stderr, /^understudy needs Node 24 or newer; this is v20\.20\.2 \(/);
    assert.equal(stdout, '');
    assert.equal(code, 1);
  });
}
