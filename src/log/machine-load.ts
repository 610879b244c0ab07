// x-cpu-load and x-mem-load: how busy the machine is, in percent.
import { cpus, freemem, totalmem } from 'node:os';

export interface MachineLoad {
  cpuPercent: number;
  memoryPercent: number;
}

/** Asking costs system calls, and lines come in bursts. */
const KEEP_MS = 1_000;

/** Measures at most once a second, and when it is asked only. */
export function machineLoadMeter(nowMs: () => number = () => performance.now()): () => MachineLoad {
  let atMs = Number.NEGATIVE_INFINITY;
  let before = cpuTimes();
  let load: MachineLoad = { cpuPercent: 0, memoryPercent: 0 };
  return () => {
    const now = nowMs();
    if (now - atMs < KEEP_MS) return load;
    atMs = now;
    const times = cpuTimes();
    const passed = times.all - before.all;
    const busy = passed - (times.idle - before.idle);
    before = times;
    load = {
      cpuPercent: passed > 0 ? Math.round((busy / passed) * 100) : load.cpuPercent,
      memoryPercent: Math.round((1 - freemem() / totalmem()) * 100),
    };
    return load;
  };
}

function cpuTimes(): { all: number; idle: number } {
  let all = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    all += times.user + times.nice + times.sys + times.idle + times.irq;
    idle += times.idle;
  }
  return { all, idle };
}
