// npm test, unit, e2e, long: `node test/run.ts STEP…` runs steps one after another until one fails, and ends with the tests that were
// skipped and the command that installs what they need.
import { spawnSync } from 'node:child_process';
import { mkdtempDisposableSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { summaryOfSkipped } from './support/skipped.ts';

const ROOT = join(import.meta.dirname, '..');
const REPORTER = join(import.meta.dirname, 'support', 'skipped-reporter.ts');
const FUZZ = 'test/fuzz/run.ts';
const MUST_END = '--import=./test/support/must-end.ts';

/** Arguments of Node. Those of `--test` get their reporters below. */
const STEPS: Readonly<Record<string, readonly string[]>> = {
  // by default Node leaves a core idle, and on two cores that is every second one
  unit: [
    '--test',
    '--test-concurrency=2',
    '--test-timeout=60000',
    MUST_END,
    'test/*.test.ts',
    'test/!(e2e)/**/*.test.ts',
  ],
  e2e: [
    '--test',
    '--test-concurrency=2',
    '--test-timeout=180000',
    '--test-force-exit',
    'test/e2e/**/*.test.ts',
  ],
  fuzz: [FUZZ, '--seconds', '30'],
  // What takes minutes. A slow machine takes longer and finds the same: the number of inputs is given, and no time is judged.
  'long-hostile': ['--test', '--test-timeout=1200000', MUST_END, 'test/hostile/long.ts'],
  'long-fuzz': [FUZZ, '--iterations', '10000'],
};

using folder = mkdtempDisposableSync(join(tmpdir(), 'understudy-run-'));
let failed: string | undefined;
for (const step of process.argv.slice(2)) {
  if (run(step) === 0) continue;
  failed = step;
  break;
}
const skipped = readdirSync(folder.path).map((name) => readFileSync(join(folder.path, name), 'utf8'));
process.stdout.write(summaryOfSkipped(skipped.join('')));
if (failed !== undefined) console.log(`failed: npm run ${failed}`);
process.exitCode = failed === undefined ? 0 : 1;

/** Returns the exit code. A step that is not one of ours is one of package.json. */
function run(step: string): number {
  const args = STEPS[step];
  const [command, ...rest] = args
    ? [process.execPath, ...withReporters(step, args)]
    : ['npm', 'run', '-s', step];
  const { status, error } = spawnSync(command!, rest, { cwd: ROOT, stdio: 'inherit' });
  if (error) throw error;
  return status ?? 1;
}

function withReporters(step: string, args: readonly string[]): string[] {
  if (args[0] !== '--test') return [...args];
  const reporters = { spec: 'stdout', [REPORTER]: join(folder.path, step) };
  return [
    ...Object.entries(reporters).flatMap(([reporter, to]) => [
      `--test-reporter=${reporter}`,
      `--test-reporter-destination=${to}`,
    ]),
    ...args,
  ];
}
