// The machine: what it is, for whoever compares numbers, and who runs where.
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { mayPin, mayUseRealtime, type Place } from './process.ts';

export interface Machine {
  /** A line for each thing that numbers depend on. */
  description: Record<string, string>;
  server: Place;
  load: Place;
  publisher: Place;
}

/** Publishers run ahead of players: a late publisher would look like a slow server. */
const PRIORITY = { server: 10, load: 10, publisher: 30 };

export function thisMachine(): Machine {
  const isPinned = cpus().length > 1 && mayPin();
  const isRealtime = isPinned && mayUseRealtime();
  const serverCpu = isPinned ? 0 : undefined;
  const loadCpu = isPinned ? cpuBeside(0) : undefined;
  const place = (cpu: number | undefined, priority: number): Place => ({
    cpu,
    priority: isRealtime ? priority : undefined,
  });
  const processors = cpus();
  return {
    server: place(serverCpu, PRIORITY.server),
    load: place(loadCpu, PRIORITY.load),
    publisher: place(loadCpu, PRIORITY.publisher),
    description: {
      processor: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}${isVirtual() ? ', virtual' : ''}`,
      memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
      system: `${distribution()}, Linux ${release().split('-')[0]}`,
      node: process.version,
      'congestion control': read('/proc/sys/net/ipv4/tcp_congestion_control'),
      'loopback MTU': read('/sys/class/net/lo/mtu'),
      placement: isPinned
        ? `server on processor ${serverCpu}, load and publisher on ${loadCpu}${isRealtime ? ', SCHED_RR' : ', no real time'}`
        : 'nothing pinned: read the figures with care',
    },
  };
}

/** Another core, not the same one's other thread, if there is one. */
function cpuBeside(cpu: number): number {
  const siblings = read(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`);
  for (let other = cpu + 1; other < cpus().length; other++) {
    if (read(`/sys/devices/system/cpu/cpu${other}/topology/thread_siblings_list`) !== siblings) return other;
  }
  return cpu + 1;
}

function isVirtual(): boolean {
  return read('/proc/cpuinfo').includes(' hypervisor');
}
function distribution(): string {
  return /^PRETTY_NAME="(.*)"$/m.exec(read('/etc/os-release'))?.[1] ?? 'unknown';
}
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
