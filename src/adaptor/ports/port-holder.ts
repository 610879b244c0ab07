// Which process holds a port, as far as the system lets us see: Linux, and other users' processes only for root.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** State of a socket that listens, in /proc/net/tcp. */
const LISTENS = '0A';

/** `nginx (process 123)`; undefined when it cannot be found out. */
export function holderOf(port: number): string | undefined {
  const inodes = new Set([
    ...listeningInodes('/proc/net/tcp', port),
    ...listeningInodes('/proc/net/tcp6', port),
  ]);
  if (inodes.size === 0) return undefined;
  for (const pid of list('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const fd of list(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(
        quietly(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? '',
      )?.[1];
      if (inode === undefined || !inodes.has(inode)) continue;
      return `${nameOf(pid)} (process ${pid})`;
    }
  }
  return undefined;
}

/** Of its program, since threads may give comm a name of their own. Whoever wrote it, it ends up in a log. */
function nameOf(pid: string): string {
  const program = quietly(() => basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, ''));
  const name = program ?? quietly(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
  return name?.replace(/[^\x20-\x7e]/g, '?') || 'a process without a name';
}

//   sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt   uid  timeout inode …
//    0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 …
function listeningInodes(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = (quietly(() => readFileSync(table, 'utf8')) ?? '').split('\n').slice(1);
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === LISTENS && local?.endsWith(`:${wanted}`))
    .flatMap((fields) => fields[9] ?? []);
}

function list(folder: string): string[] {
  return quietly(() => readdirSync(folder)) ?? [];
}

/** Processes end while they are looked at, and most of them are not ours to look at. */
function quietly<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
