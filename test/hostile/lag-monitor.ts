// Loaded into the server under attack before its own code: says how late its timers are, and when it is asked how
// much memory it uses.
import { isMainThread } from 'node:worker_threads';

const PERIOD_MS = 5;
const REPORT_MS = 50;

// Threads of the server inherit the option that loads this.
if (isMainThread) {
  let expectedMs = performance.now() + PERIOD_MS;
  let latestMs = 0;
  setInterval(() => {
    const now = performance.now();
    latestMs = Math.max(latestMs, now - expectedMs);
    expectedMs = now + PERIOD_MS;
  }, PERIOD_MS).unref();
  process.on('SIGUSR2', () => {
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    process.stdout.write(`${JSON.stringify({ event: 'memory', usedBytes: heapUsed + external })}\n`);
  });
  setInterval(() => {
    process.stdout.write(`${JSON.stringify({ event: 'lag', ms: latestMs })}\n`);
    latestMs = 0;
  }, REPORT_MS).unref();
}
