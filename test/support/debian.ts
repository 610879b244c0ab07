// Other people's programs that tests talk to, all of them in Debian. With CI set, what is missing is installed, and nothing is
// skipped. Elsewhere a test run installs nothing: the tests that need it are skipped, and the end of the run says so (skipped.ts).
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
/** An installation starts no service at run level 1: the programs are wanted, and not as servers of this machine. */
const QUIET = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
const APT = '-qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=2';

/** For a test's `skip`: false when all are there, else what is missing. */
export function lacks(...programs: Program[]): string | false {
  let missing = programs.filter((program) => find(program) === undefined);
  if (missing.length > 0 && process.env.CI && process.getuid?.() === 0 && find('apt-get')) {
    install(missing.map((program) => PACKAGES[program]));
    missing = programs.filter((program) => find(program) === undefined);
  }
  if (missing.length === 0) return false;
  const what = `needs ${missing.join(', ')} (Debian: ${missing.map((program) => PACKAGES[program]).join(', ')})`;
  if (process.env.CI) throw new Error(`${what}, and nothing is skipped in CI`);
  return what;
}

/** The packages that a reason of `lacks` names. */
export function packagesIn(reason: string): string[] {
  return /\(Debian: (.*)\)$/.exec(reason)?.[1]?.split(', ') ?? [];
}

/** For a person to type. */
export function installationOf(packages: readonly string[]): string {
  const settings = Object.entries(QUIET).map(([name, value]) => `${name}=${value}`);
  const command = `env ${settings.join(' ')} apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  return process.getuid?.() === 0 ? command : `sudo ${command}`;
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
    env: { ...process.env, ...QUIET },
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 300_000,
  });
}
