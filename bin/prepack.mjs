// `npm pack` runs this first: src/ → dist/, because Node strips no types from files under node_modules.
// What the server reads at run time as text (the scripts' library, with the file that it shares with us, and their
// typings) travels as it is.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');

rmSync(dist, { recursive: true, force: true });
const compiler = spawnSync(process.execPath, [tsc, '-p', join(root, 'src', 'tsconfig.build.json')], {
  stdio: 'inherit',
});
if (compiler.status !== 0) process.exit(1);
for (const text of ['script/guest', 'script/types', 'script/wire.ts', 'adaptor/native/sender.c']) {
  cpSync(join(root, 'src', text), join(dist, text), { recursive: true });
}
