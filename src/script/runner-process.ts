// The child process that holds the isolates, as its supervisor sees it.
import { spawn } from 'node:child_process';
import { extname, join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';

export interface RunnerProcess {
  readonly pid: number | undefined;
  /** Frames, both ways. */
  readonly channel: Duplex;
  readonly stderr: Readable;
  /** SIGKILL: nothing softer ends an isolate that is stuck. */
  kill(): void;
  /** Calls once, when it has ended and all that it wrote has been read. */
  onEnd(call: (how: string) => void): void;
}

/** Its own heap: frames and queues. Isolates have their own limits. */
const MAX_HEAP_MB = 256;

export function spawnRunner(): RunnerProcess {
  // The same file beside this one in src/ (TypeScript) and in dist/ (JavaScript).
  const main = join(import.meta.dirname, 'runner', `main${extname(import.meta.filename)}`);
  const child = spawn(process.execPath, ['--no-node-snapshot', `--max-old-space-size=${MAX_HEAP_MB}`, main], {
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  let failure: Error | undefined;
  child.on('error', (error) => {
    failure = error;
  });
  return {
    pid: child.pid,
    channel: child.stdio[3] as Duplex,
    stderr: child.stderr as Readable,
    kill: () => void child.kill('SIGKILL'),
    onEnd(call) {
      child.once('close', (code, signal) => call(failure?.message ?? signal ?? `exit code ${code}`));
    },
  };
}
