// `npm run native`, in an installed package `node bin/native.mjs`, makes the addon that sends to many players at once (src/adaptor/native/sender.c), for this machine. It needs
// a C compiler and nothing else. A server that runs takes it when it is started again.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const [source] = ['src', 'dist']
  .map((folder) => join(root, folder, 'adaptor', 'native', 'sender.c'))
  .filter(existsSync);
const addon = process.argv[2] ?? join(root, 'build', `sender-${process.platform}-${process.arch}.node`);
const compiler = process.env.CC ?? 'cc';

if (process.platform !== 'linux') fail('this is for Linux; elsewhere the server does without');
mkdirSync(join(addon, '..'), { recursive: true });
const flags = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror', '-fPIC', '-shared'];
const made = spawnSync(compiler, [...flags, '-o', addon, source], { stdio: 'inherit' });
if (made.error) fail(`${compiler} cannot be run: ${made.error.message}`);
if (made.status !== 0) fail(`${compiler} failed`);
console.log(`made ${addon}`);

function fail(why) {
  console.error(`native: ${why}`);
  process.exit(1);
}
