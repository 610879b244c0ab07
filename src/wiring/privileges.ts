// Root is needed for ports below 1024 and for little else: once they are open the server can become somebody who may do less.
import {
  accessSync,
  constants,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigError } from '../errors.ts';

export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** What he has to write to, and to read. */
export interface Belongings {
  /** Folders of the server's own: made where they are missing, and his with all that is in them. */
  readonly folders: readonly string[];
  /** His, if they are there. */
  readonly files: readonly string[];
  /** What has to be read again later. */
  readonly read: readonly string[];
}

/** Mask of Server.xml. It is said of files; whoever may read or write those may go through their folders as well. */
export function setFileMask(mask: number): void {
  const [owner, group, others] = [6, 3, 0].map((shift) => {
    const denied = (mask >> shift) & 6;
    return (denied === 6 ? 7 : denied) << shift;
  });
  process.umask(owner! | group! | others!);
}

/** Whom Process of Server.xml means. Without a group: the one that he has. Undefined: nobody, or who is not root cannot. */
export function serverUser({
  uid,
  gid,
}: {
  uid?: number | undefined;
  gid?: number | undefined;
}): ServerUser | undefined {
  if (uid === undefined || process.getuid?.() !== 0) return undefined;
  return { uid, gid: gid ?? primaryGroup(uid) ?? uid };
}

//   name:password:uid:gid:…
function primaryGroup(uid: number): number | undefined {
  let lines: string[];
  try {
    lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const [, , , gid] = lines.map((line) => line.split(':')).find((fields) => Number(fields[2]) === uid) ?? [];
  return gid === undefined ? undefined : Number(gid);
}

/** For good. A ConfigError: it cannot be, or he could not go on with what there is. What he can do without is answered. */
export function become({ uid, gid }: ServerUser, { folders, files, read }: Belongings): string[] {
  for (const folder of folders) {
    mkdirSync(folder, { recursive: true });
    handOver(folder, { uid, gid });
  }
  for (const file of files) if (isThere(file)) lchownSync(file, uid, gid);
  try {
    process.setgroups!([gid]);
    process.setgid!(gid);
    process.setuid!(uid);
  } catch (error) {
    throw refused(`Process/UID = ${uid}, GID = ${gid}: ${(error as Error).message}`, error);
  }
  for (const folder of folders)
    requireAccess(folder, constants.W_OK | constants.X_OK, `write to ${folder}`, uid);
  requireAccess(
    join(import.meta.dirname, '..'),
    constants.R_OK | constants.X_OK,
    'read the program itself',
    uid,
  );
  return read.filter((path) => isThere(path) !== false && !mayRead(path));
}

/** What root has made in it. Links are not followed: what they lead to is somebody else's. */
function handOver(path: string, user: ServerUser): void {
  const stats = lstatSync(path);
  if (stats.uid === 0) lchownSync(path, user.uid, user.gid);
  if (!stats.isDirectory()) return;
  for (const name of readdirSync(path)) handOver(join(path, name), user);
}

function requireAccess(path: string, mode: number, what: string, uid: number): void {
  try {
    accessSync(path, mode);
  } catch (error) {
    const closed = firstClosed(path);
    const why = closed === path ? '' : `: this user has no access to ${closed}`;
    throw refused(`Process/UID = ${uid}: the user ${uid} cannot ${what}${why}`, error);
  }
}

/** The outermost folder on the way that lets him through no more. */
function firstClosed(path: string): string {
  const parent = dirname(path);
  if (parent === path) return path;
  const outer = firstClosed(parent);
  if (outer !== parent) return outer;
  return mayPass(parent) ? path : parent;
}

function mayPass(folder: string): boolean {
  try {
    accessSync(folder, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function mayRead(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** Undefined: it cannot be told any more. */
function isThere(path: string): boolean | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return undefined;
  }
}

function refused(message: string, cause?: unknown): ConfigError {
  return new ConfigError('ERR_CONFIG_USER', message, { cause });
}
