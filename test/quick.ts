// npm run quick: types, lint, and the unit tests nearest to what git says has changed, in less than a minute. `npm test` is the judge.
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nearestTests } from './support/nearest-tests.ts';

const ROOT = join(import.meta.dirname, '..');
/** Some 20 s of tests. */
const MAX_FILES = 25;
/** They read every file, so that every change is near to them. */
const ALWAYS = ['test/architecture.test.ts', 'test/package.test.ts', 'test/command-lines.test.ts'];

const changed = changedFiles();
const paths = globSync(['{src,test}/**/*.ts'], { cwd: ROOT }).map((path) => path.replaceAll('\\', '/'));
const sources = new Map(paths.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
const near = nearestTests(sources, changed).filter(
  (path) => !path.startsWith('test/e2e/') && !ALWAYS.includes(path),
);
const chosen = near.slice(0, MAX_FILES);

const steps: (readonly [string, readonly string[]])[] = [
  ['npm', ['run', '-s', 'check']],
  ['npm', ['run', '-s', 'lint']],
  [process.execPath, ['--test', '--test-timeout=60000', '--test-reporter=dot', ...ALWAYS, ...chosen]],
];
const failed = steps.find(
  ([command, args]) => spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' }).status !== 0,
);
const left = near.length - chosen.length;
console.log(
  `${changed.length} changed files: ${chosen.length} test files near them were run${left > 0 ? `, ${left} further away were not` : ''}`,
);
process.exitCode = failed ? 1 : 0;

/** Of the work tree and of the commits since the branch left main; without any, of the last commit. */
function changedFiles(): string[] {
  const base = ['@{upstream}', 'origin/main', 'main']
    .map((name) => git('merge-base', 'HEAD', name)[0])
    .find(Boolean);
  const since = (from: string) => git('diff', '--name-only', '--diff-filter=d', from);
  const untracked = git('ls-files', '--others', '--exclude-standard');
  const found = [...new Set([...since(base ?? 'HEAD'), ...untracked])];
  return found.length > 0 ? found : since('HEAD~1');
}

function git(...args: string[]): string[] {
  const { status, stdout, error } = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  if (error) throw error;
  return status === 0 ? stdout.split('\n').filter((line) => line !== '') : [];
}
