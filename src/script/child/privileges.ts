// Whom a process of root's can become. Root of a namespace of users, as in a container without rights, is root of nothing
// outside, and may know no other user than itself.
import { readFileSync } from 'node:fs';

export function canBecome({ uid, gid }: { uid: number; gid: number }): boolean {
  return isMapped('uid_map', uid) && isMapped('gid_map', gid) && read('setgroups')?.trim() !== 'deny';
}

//   first number inside, first outside, how many        one range a line
function isMapped(file: 'uid_map' | 'gid_map', id: number): boolean {
  const map = read(file);
  if (map === undefined) return true; // a system without such namespaces
  return map.split('\n').some((line) => {
    const [first = Number.NaN, , count = 0] = line.trim().split(/\s+/).map(Number);
    return id >= first && id < first + count;
  });
}

function read(name: string): string | undefined {
  try {
    return readFileSync(`/proc/self/${name}`, 'utf8');
  } catch {
    return undefined;
  }
}
