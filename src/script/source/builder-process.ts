// The child process that builds scripts, as the media process sees it.
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { canBecome } from '../child/privileges.ts';
import { startProcess, stillborn } from '../child/start-process.ts';

export interface User {
  readonly uid: number;
  readonly gid: number;
}

export interface BuilderProcess {
  /** Frames of builder-wire.ts, both ways. */
  readonly channel: Duplex;
  readonly stderr: Readable;
  /** SIGKILL, and to esbuild as well. */
  kill(): void;
  /** Calls once, when it has ended and all that it wrote has been read. */
  onEnd(call: (how: string) => void): void;
}

/** Of the JavaScript in it; what is read and what is sent lies outside. */
const MAX_HEAP_MB = 256;
/** esbuild collects its garbage more often beyond this part of the limit. */
const GO_SHARE = 0.75;

/**
 * `maxRssBytes`: of the whole, with esbuild. `user`: whom the server becomes that root has started; it could not end a process of
 * root's then, and this one reads what authors write. A group of its own: a signal from the terminal is for the media
 * process.
 */
export function spawnBuilder(maxRssBytes: number, user: User | undefined): BuilderProcess {
  // The same file beside this one in src/ (TypeScript) and in dist/ (JavaScript).
  const file = join(import.meta.dirname, 'builder', `main${extname(import.meta.filename)}`);
  const { ESBUILD_BINARY_PATH: esbuild } = process.env;
  const child = startProcess(process.execPath, [`--max-old-space-size=${MAX_HEAP_MB}`, file], {
    env: {
      GOMEMLIMIT: `${Math.round((maxRssBytes * GO_SHARE) / 2 ** 20)}MiB`,
      ...(esbuild === undefined ? {} : { ESBUILD_BINARY_PATH: esbuild }),
    },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    ...(user && process.getuid?.() === 0 && canBecome(user) ? user : {}),
  });
  const dead = stillborn(child);
  if (dead) return dead;
  let failure: Error | undefined;
  child.on('error', (error) => {
    failure = error;
  });
  const kill = () => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      child.kill('SIGKILL');
    }
  };
  child.once('exit', kill); // esbuild goes with it
  return {
    channel: child.stdio[3] as Duplex,
    stderr: child.stderr as Readable,
    kill,
    onEnd(call) {
      child.once('close', (code, signal) => call(failure?.message ?? signal ?? `exit code ${code}`));
    },
  };
}

/** What those processes hold in memory; 0 where there is no /proc, and builds are bounded by their time and their files alone. */
export function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + residentBytesOf(pid), 0);
}

function residentBytesOf(pid: number): number {
  try {
    const [, kilobytes = '0'] =
      /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return 0;
  }
}
