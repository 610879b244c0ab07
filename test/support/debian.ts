// Other people's programs that tests talk to, all of them in Debian. Where a test run is root on a machine with apt-get, what
// is missing is installed; elsewhere the tests that need it are skipped and say so. CI skips nothing.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Program → its package. */
const PACKAGES = {
  awk: 'mawk',
  cc: 'gcc',
  goaccess: 'goaccess',
  haproxy: 'haproxy',
  ip: 'iproute2',
  mpv: 'mpv',
  nginx: 'nginx',
  'ngx_rtmp_module.so': 'libnginx-mod-rtmp',
  openssl: 'openssl',
  python3: 'python3',
  rtmpdump: 'rtmpdump',
  stunnel: 'stunnel4',
  'systemd-analyze': 'systemd',
  unshare: 'util-linux',
} as const;
export type Program = keyof typeof PACKAGES;

/** Servers, and what they load, stand in folders that are not on everybody's PATH. */
const FOLDERS = [
  ...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''),
  ...['/usr/sbin', '/sbin', '/usr/lib/nginx/modules'],
];
/** The programs themselves stay at rest: an installation starts no service at run level 1. */
const QUIET = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
const APT = '-qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=2';

/** For a test's `skip`: false when all are there, else what is missing. */
export function lacks(...programs: Program[]): string | false {
  let missing = programs.filter((program) => find(program) === undefined);
  if (missing.length > 0 && process.getuid?.() === 0 && find('apt-get')) {
    install(missing.map((program) => PACKAGES[program]));
    missing = programs.filter((program) => find(program) === undefined);
  }
  if (missing.length === 0) return false;
  const what = `needs ${missing.join(', ')} (Debian: ${missing.map((program) => PACKAGES[program]).join(', ')})`;
  if (process.env.CI) throw new Error(`${what}, and nothing is skipped in CI`);
  return what;
}

/** Where it is; only behind a `lacks` that found it. */
export function programPath(program: Program): string {
  const path = find(program);
  if (path === undefined) throw new Error(`${program} is not here`);
  return path;
}

function find(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, name.endsWith('.so') ? constants.R_OK : constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Test files run at the same time, and apt-get waits for nobody who fetches its lists. What went wrong is seen by what is still missing. */
function install(packages: readonly string[]): void {
  const script = `apt-get ${APT} update; apt-get ${APT} install -y --no-install-recommends ${packages.join(' ')}`;
  spawnSync('flock', [join(tmpdir(), 'understudy-apt.lock'), 'sh', '-c', script], {
    env: QUIET,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 300_000,
  });
}
