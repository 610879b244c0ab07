// `npm pack` runs this first: src/ → dist/, because Node strips no types from files under node_modules.
// What the server reads at run time as text (the scripts' library, with the files that it shares with us, and their
// typings) travels as it is. Of conf/ and applications/ the package has the files that package.json names, and only as they were
// committed: in a checkout that is used as a server they hold somebody's settings and stream keys.
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const tsc = join(dirname(compilerManifest()), 'bin', 'tsc');

const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const used = files.filter((file) => /^(conf|applications)\//.test(file));
// without git, or outside of a repository, nobody knows what was committed
const { status, stdout } = spawnSync('git', ['diff', '--name-only', '--relative', 'HEAD', '--', ...used], {
  cwd: root,
  encoding: 'utf8',
});
if (status === 0 && stdout !== '') {
  console.error(
    `${stdout}npm pack: these files differ from what is committed, and the package would carry your settings and keys.\n` +
      'Pack in a clean clone, or commit what everybody may read.',
  );
  process.exit(1);
}

rmSync(dist, { recursive: true, force: true });
const compiler = spawnSync(process.execPath, [tsc, '-p', join(root, 'src', 'tsconfig.build.json')], {
  stdio: 'inherit',
});
if (compiler.status !== 0) process.exit(1);
for (const text of [
  'script/guest',
  'script/types',
  'script/wire/wire.ts',
  'application/contract/script-limits.ts',
  'protocol/rtmp/stream-prefix.ts',
  'adaptor/native/sender.c',
]) {
  cpSync(join(root, 'src', text), join(dist, text), { recursive: true });
}

/** npm does not install what a package needs in order to be packed: a fresh clone has no compiler. */
function compilerManifest() {
  try {
    return createRequire(import.meta.url).resolve('typescript/package.json');
  } catch {
    console.error('npm pack: the compiler is not installed here: run npm ci first.');
    process.exit(1);
  }
}
