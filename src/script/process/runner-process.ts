// The child process that holds the isolates, as its supervisor sees it.
import { setPriority } from 'node:os';
import type { Duplex, Readable } from 'node:stream';
import { startProcess, stillborn } from '../child/start-process.ts';
import type { RunnerCode } from '../source/runner-bundle.ts';

export interface RunnerProcess {
  readonly pid: number | undefined;
  /** Frames, both ways. */
  readonly channel: Duplex;
  readonly stderr: Readable;
  /** From now on streams come first: threads that it starts are as nice as it is then. */
  beNice(): void;
  /** SIGKILL: nothing softer ends an isolate that is stuck. */
  kill(): void;
  /** Calls once, when it has ended and all that it wrote has been read. */
  onEnd(call: (how: string) => void): void;
}

/** Where there is not enough time for streams and scripts. */
const NICENESS = 5;
/** Its own heap: frames and queues. Isolates have their own limits. */
const MAX_HEAP_MB = 256;

/**
 * Nothing of ours is within its reach: no environment, no file but the engine's, no process, no thread of Node's. Sockets are
 * not covered by Node's permissions; nothing in the runner opens one.
 */
export function spawnRunner({ text, readable }: RunnerCode, launcher: readonly string[]): RunnerProcess {
  const [file, ...args] = [
    ...launcher,
    process.execPath,
    '--no-node-snapshot',
    `--max-old-space-size=${MAX_HEAP_MB}`,
    '--disable-warning=SecurityWarning', // that add-ons are allowed: the engine is one
    '--permission',
    '--allow-addons',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    '--input-type=module',
    '-',
  ];
  const child = startProcess(file!, args, { env: {}, stdio: ['pipe', 'ignore', 'pipe', 'pipe'] });
  const dead = stillborn(child);
  if (dead) return { ...dead, pid: undefined, beNice() {} };
  let failure: Error | undefined;
  child.on('error', (error) => {
    failure = error;
  });
  child.stdin!.on('error', () => {}); // its end says what happened
  child.stdin!.end(text);
  return {
    pid: child.pid,
    channel: child.stdio[3] as Duplex,
    stderr: child.stderr as Readable,
    beNice() {
      try {
        setPriority(child.pid!, NICENESS);
      } catch {
        // it has ended
      }
    },
    kill: () => void child.kill('SIGKILL'),
    onEnd(call) {
      child.once('close', (code, signal) => call(failure?.message ?? signal ?? `exit code ${code}`));
    },
  };
}
