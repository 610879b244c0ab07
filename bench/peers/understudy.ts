// The server of this repository, with an application for each way of flushing and one whose script is asked.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadSender } from '../../src/adaptor/native/sender.ts';
import { run } from '../process.ts';
import { freePort, type Peer, type Running, type StartOptions } from './peer.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..');

const flush = (settings: string) =>
  `<Application><StreamManager><Live><Flush>${settings}</Flush></Live></StreamManager></Application>\n`;

const APPLICATIONS: Record<string, string> = {
  'live/Application.xml': flush('<Mode>frame</Mode>'),
  'merge/Application.xml': flush('<Mode>merge</Mode><MergeDelay>100</MergeDelay>'),
  'instant/Application.xml': flush('<Mode>instant</Mode>'),
  'gate/main.ts': `application.onConnect = (client) => client.ip === '127.0.0.1';\n`,
};

export const understudy: Peer = {
  name: 'understudy',
  missing() {
    try {
      return loadSender() ? undefined : 'npm run native has not been run';
    } catch (error) {
      return (error as Error).message;
    }
  },
  async setup() {
    execFileSync(process.execPath, [join(REPOSITORY, 'bin', 'native.mjs')]);
  },

  version() {
    try {
      const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
        cwd: REPOSITORY,
        encoding: 'utf8',
      });
      return `commit ${commit.trim()}`;
    } catch {
      return 'this folder';
    }
  },

  async start({ place, folder, profileTo }: StartOptions): Promise<Running> {
    for (const [path, text] of Object.entries(APPLICATIONS)) {
      const file = join(folder, 'applications', path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const port = await freePort();
    const profiling = profileTo === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileTo}`];
    const symbols = [`ADAPTOR.HOSTPORT=127.0.0.1:${port}`, 'SERVER.ADMINSERVER_HOSTPORT=127.0.0.1:0'];
    const command = [
      ...[
        process.execPath,
        ...profiling,
        join(REPOSITORY, 'bin', 'understudy.js'),
        'start',
        '--root',
        folder,
      ],
      ...symbols.flatMap((symbol) => ['--set', symbol]),
    ];
    const began = performance.now();
    const server = run(place, command, { cwd: folder });
    await server.saying((line) => line.includes('"event":"ready"'), 15_000);
    return { process: server, port, startMs: performance.now() - began };
  },
};
