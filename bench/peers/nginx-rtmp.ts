// nginx with its RTMP module, as Debian packages them: the module is what most people who serve RTMP run. One process. It
// keeps no GOP for joiners, so that its players wait for the next keyframe.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { run } from '../process.ts';
import { CACHE } from '../tools.ts';
import { freePort, listening, type Peer, type Running, type StartOptions } from './peer.ts';

const execute = promisify(execFile);
const PACKAGES = ['nginx', 'libnginx-mod-rtmp'];
const UNPACKED = join(CACHE, `nginx-${arch()}`);

const MODULE = 'usr/lib/nginx/modules/ngx_rtmp_module.so';

/** Installed, or unpacked by us. */
function found(): { binary: string; module: string } | undefined {
  return ['/', UNPACKED]
    .map((root) => ({ binary: join(root, 'usr/sbin/nginx'), module: join(root, MODULE) }))
    .find(({ binary, module }) => existsSync(binary) && existsSync(module));
}

function configuration(module: string, folder: string, port: number): string {
  return `
    load_module ${module};
    daemon off;
    master_process off;
    worker_rlimit_nofile 16384;
    error_log ${folder}/error.log error;
    pid ${folder}/nginx.pid;
    events { worker_connections 8192; }
    rtmp {
      access_log off;
      server {
        listen 127.0.0.1:${port};
        chunk_size 4096;
        application live { live on; }
      }
    }`;
}

export const nginxRtmp: Peer = {
  name: 'nginx-rtmp',

  missing() {
    return found() ? undefined : `no nginx with libnginx-mod-rtmp here (Debian: ${PACKAGES.join(' ')})`;
  },

  /** Fetches the packages and unpacks them beside the system, which stays as it is; no root needed. */
  async setup() {
    if (found()) return;
    mkdirSync(CACHE, { recursive: true });
    const folder = mkdtempSync(join(CACHE, 'unfinished-'));
    try {
      await execute('apt-get', ['download', ...PACKAGES], { cwd: folder });
      const archives = readdirSync(folder).filter((file) => file.endsWith('.deb'));
      const root = join(folder, 'root');
      for (const archive of archives) await execute('dpkg-deb', ['-x', join(folder, archive), root]);
      rmSync(UNPACKED, { recursive: true, force: true });
      renameSync(root, UNPACKED);
    } catch (error) {
      throw new Error(`apt-get cannot give us ${PACKAGES.join(' ')} (apt-get update?)`, { cause: error });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },

  version() {
    const { binary } = found()!;
    // It says so on standard error.
    return execFileSync('sh', ['-c', `${binary} -v 2>&1`], { encoding: 'utf8' })
      .trim()
      .replace(/^.*: /, '');
  },

  async start({ place, folder }: StartOptions): Promise<Running> {
    const { binary, module } = found()!;
    const port = await freePort();
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, configuration(module, folder, port));
    mkdirSync(join(folder, 'logs'), { recursive: true });
    const began = performance.now();
    // -e: before it has read its configuration it would open the log that it was built with.
    const server = run(place, [binary, '-p', folder, '-c', file, '-e', join(folder, 'error.log')], {
      cwd: folder,
    });
    await listening(server, port);
    return { process: server, port, startMs: performance.now() - began };
  },
};
