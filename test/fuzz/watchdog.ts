// An endless loop cannot be seen from inside: another thread looks whether trials go on, and ends the process if not.
import { writeSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

/** One trial; far beyond what the slowest takes on a machine that is busy with other things. */
const PATIENCE_MS = 120_000;
const NAME_BYTES = 200;

export interface Watchdog {
  /** What is tried now. */
  trial(what: string): void;
  stop(): Promise<void>;
}

export function startWatchdog(): Watchdog {
  // | trials so far u32 | bytes of the text u32 | text |
  const shared = new SharedArrayBuffer(8 + NAME_BYTES);
  const counters = new Int32Array(shared, 0, 2);
  const text = new Uint8Array(shared, 8);
  const worker = new Worker(new URL(import.meta.url), { workerData: shared });
  worker.unref();
  return {
    trial(what) {
      const bytes = Buffer.from(what).subarray(0, NAME_BYTES);
      text.set(bytes);
      counters[1] = bytes.length;
      Atomics.add(counters, 0, 1);
    },
    async stop() {
      await worker.terminate();
    },
  };
}

function watch(shared: SharedArrayBuffer): void {
  const counters = new Int32Array(shared, 0, 2);
  let before = Atomics.load(counters, 0);
  setInterval(() => {
    const now = Atomics.load(counters, 0);
    if (now === before) {
      const what = Buffer.from(new Uint8Array(shared, 8, counters[1]!)).toString();
      writeSync(2, `FAILED ${what}: it does not come to an end\n`);
      process.kill(process.pid, 'SIGKILL');
    }
    before = now;
  }, PATIENCE_MS);
}

if (!isMainThread && workerData instanceof SharedArrayBuffer) watch(workerData);
