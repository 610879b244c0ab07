// `understudy test [NAME]`: the tests of applications, `*.test.ts` in their folders, run by Node's own test runner.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { extname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { systemClock } from '../clock.ts';
import { loadConfig } from '../config/load.ts';
import { ScriptWatcher } from '../script/source/watch.ts';
import { isSharedFolder } from '../storage/names.ts';
import { applicationsIn, requireCode, sharedIn, testsIn } from './applications.ts';
import { CommandError } from './args.ts';
import { here } from './here.ts';

export interface TestCommand {
  root: string;
  /** Undefined: all that have tests. */
  application: string | undefined;
  /** Again whenever a file is saved, until it is stopped. */
  watch: boolean;
  reporter: 'spec' | 'tap';
  /** Patterns of names. */
  only: readonly string[];
}

/** The same beside this folder in src/ (TypeScript) and in dist/ (JavaScript). */
const REGISTER = new URL(`../testing/register${extname(import.meta.filename)}`, import.meta.url).href;

/** Resolves with the exit code. What the tests say goes to standard output. */
export async function testApplications(command: TestCommand, print: (line: string) => void): Promise<number> {
  const { application, watch } = command;
  const { applicationsDir } = loadConfig({ root: command.root, set: {} });
  if (application !== undefined) requireCode(applicationsDir, application);
  const all = () => [...applicationsIn(applicationsDir), ...sharedIn(applicationsDir)];
  const names = application === undefined ? all() : [application];
  const files = () => names.flatMap((name) => testsIn(join(applicationsDir, name)));
  if (watch) return watchTests(command, applicationsDir, names, files);
  const found = files();
  if (found.length > 0) return exitOf(run(command, found));
  const where = here(application === undefined ? applicationsDir : join(applicationsDir, application));
  if (application !== undefined)
    throw new CommandError('ERR_CLI_NO_TESTS', `there is no *.test.ts in ${where}`);
  print(`there is no *.test.ts in ${where}`);
  return 0;
}

/** One process for all: they share the one that runs scripts, and what took its time is done once. */
const ISOLATION = '--test-isolation=none';
/** Time stands still, so what takes so long waits for what will never be. */
const TIMEOUT = '--test-timeout=20000';

type Run = ChildProcessByStdio<null, Readable, Readable>;

function run({ root, reporter, only }: TestCommand, files: readonly string[]): Run {
  const patterns = only.map((pattern) => `--test-name-pattern=${pattern}`);
  const args = [
    '--import',
    REGISTER,
    '--test',
    ISOLATION,
    TIMEOUT,
    `--test-reporter=${reporter}`,
    ...patterns,
    ...files,
  ];
  // without this a run within a run says that it has run, and does not
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const colors = process.stdout.isTTY && process.stdout.hasColors() ? { FORCE_COLOR: '1' } : {};
  const child = spawn(process.execPath, args, {
    env: { ...colors, ...env, UNDERSTUDY_ROOT: resolve(root) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.pipe(process.stdout, { end: false });
  child.stderr.pipe(process.stderr, { end: false });
  return child;
}

/** Ends a run that nobody waits for any more: what it says of that is not the result of a test. */
function interrupt(child: Run): void {
  for (const stream of [child.stdout, child.stderr]) stream.unpipe().resume();
  child.kill();
}

function exitOf(child: Run): Promise<number> {
  return new Promise((done, reject) => {
    child.on('error', reject);
    child.on('close', (code) => done(code ?? 1)); // all that it has said is through
  });
}

/** Never resolves: Ctrl-C ends it, and the run that is under way. */
async function watchTests(
  command: TestCommand,
  applicationsDir: string,
  names: readonly string[],
  files: () => string[],
): Promise<never> {
  let current: Run | undefined;
  const again = () => {
    if (current?.exitCode === null && current.signalCode === null) {
      interrupt(current);
      process.stdout.write('# saved: the tests run again\n');
    }
    const found = files();
    current = found.length > 0 ? run(command, found) : undefined;
  };
  const watcher = new ScriptWatcher({
    applicationsDir,
    maxEntries: Number.MAX_SAFE_INTEGER,
    clock: systemClock,
    onChange: (name) => (names.includes(name) || isSharedFolder(name)) && again(),
    onSettings: (application) => names.includes(application) && again(),
    onLimit: () => {},
    onError: (error) => {
      throw error;
    },
  });
  process.on('exit', () => current?.kill());
  await watcher.ready();
  again();
  return new Promise(() => {});
}
