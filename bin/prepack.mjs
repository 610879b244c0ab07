// `npm pack` runs this first: src/ → dist/, because Node strips no types from files under node_modules.
// What the server reads at run time as text (the scripts' library and their typings) travels as it is.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync } from 'node:fs';
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
for (const asText of ['script/guest', 'script/types']) {
  const from = join(root, 'src', asText);
  if (existsSync(from)) cpSync(from, join(dist, asText), { recursive: true });
}
