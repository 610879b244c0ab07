// node-media-server from npm, on the Node that runs ours. bench/package.json names the version.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { run } from '../process.ts';
import { freePort, listening, type Peer, type Running, type StartOptions } from './peer.ts';

const execute = promisify(execFile);
const BENCH = join(import.meta.dirname, '..');
const MANIFEST = join(BENCH, 'node_modules', 'node-media-server', 'package.json');

export const nodeMediaServer: Peer = {
  name: 'node-media-server',

  missing() {
    return existsSync(MANIFEST) ? undefined : 'not in bench/node_modules (npm ci --prefix bench)';
  },

  async setup() {
    if (!existsSync(MANIFEST))
      await execute('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: BENCH });
  },

  version() {
    return (JSON.parse(readFileSync(MANIFEST, 'utf8')) as { version: string }).version;
  },

  async start({ place, folder, profileTo }: StartOptions): Promise<Running> {
    const port = await freePort();
    const profiling = profileTo === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileTo}`];
    const main = join(import.meta.dirname, 'node-media-server-main.ts');
    const began = performance.now();
    const server = run(place, [process.execPath, ...profiling, main, String(port)], { cwd: folder });
    await listening(server, port);
    return { process: server, port, startMs: performance.now() - began };
  },
};
