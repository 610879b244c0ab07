// Loaded into the server under attack before its own code: says how late its timers are, how long it computes without a pause,
// and when it is asked, how much memory it uses.
import { isMainThread } from 'node:worker_threads';

const PERIOD_MS = 5;
const REPORT_MS = 50;

// Threads of the server inherit the option that loads this.
if (isMainThread) {
  let expectedMs = performance.now() + PERIOD_MS;
  let cpu = process.threadCpuUsage();
  let lateMs = 0;
  let busyMs = 0;
  setInterval(() => {
    const now = performance.now();
    lateMs = Math.max(lateMs, now - expectedMs);
    expectedMs = now + PERIOD_MS;
    // A machine that has other things to do makes timers late as well; this it does not change.
    const { user, system } = process.threadCpuUsage(cpu);
    busyMs = Math.max(busyMs, (user + system) / 1000);
    cpu = process.threadCpuUsage();
  }, PERIOD_MS).unref();
  setInterval(() => {
    say({ event: 'lag', lateMs, busyMs, rssMb: residentMb() });
    lateMs = 0;
    busyMs = 0;
  }, REPORT_MS).unref();
  process.on('SIGUSR2', () => {
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    say({ event: 'memory', usedBytes: heapUsed + external });
  });
}

/** Linux opens a file for it: 0 where there is no descriptor left. */
function residentMb(): number {
  try {
    return process.memoryUsage.rss() / 2 ** 20;
  } catch {
    return 0;
  }
}

function say(record: object): void {
  process.stdout.write(`${JSON.stringify(record)}\n`);
}
