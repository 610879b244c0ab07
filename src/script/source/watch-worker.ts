// The thread that watches the folders of applications: however much is written there, the media do not wait for it.
//
// Every application has a tree of its own on the real path of its folder: the folder may be a link that a deployment turns to
// the next release, and links inside it are not followed to wherever they lead.
import { type FSWatcher, watch } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { isReservedFolder, isSharedFolder, nameProblem } from '../../storage/names.ts';
import { WatchedTree } from './watch-tree.ts';

export interface WatchWorkerData {
  applicationsDir: string;
  /** Of each application: see WatchedTree. */
  maxEntries: number;
  /** How often `applicationsDir` is looked at: it may come later, go and come back, or be a link that is turned. */
  checkMs: number;
  /** Another thread has ended before: what is there is reported as changed. */
  isAgain: boolean;
}

/** An application that had too many files is watched, if it can be now. */
export interface ToWatcher {
  retry: string;
}

/** What has changed of an application; `all`: its folder has come, gone, become another, or nobody knows. */
export type Changed = 'script' | 'settings' | 'all';

export type FromWatcher =
  | { op: 'ready' }
  | { op: 'changed'; application: string; what: Changed }
  | { op: 'limit'; application: string; limit: 'MaxWatchedFiles' | 'MaxFileEvents' }
  /** Changes go unseen: of one application, or of all. */
  | { op: 'error'; application: string | undefined; message: string };

/** Written by the server, or far too many files; nothing there changes what a running script is. */
const IGNORED_FOLDERS = new Set(['node_modules', 'streams', 'sharedobjects', 'store']);
/** Directly in the folder: read by config/ and storage/. */
const SETTINGS = new Set(['Application.xml', '.env', 'allowedHTMLdomains.txt', 'allowedSWFdomains.txt']);
/** What a script can be made of. Editors' own files beside it do not count. */
const RELEVANT = /\.(ts|mts|cts|js|mjs|cjs|json|asc|ase)$/i;
/** The first change is reported at once, what follows together. */
const REPORT_MS = 10;

const { applicationsDir, maxEntries, checkMs, isAgain } = workerData as WatchWorkerData;

interface Watched {
  /** The next folder of that name is another one. */
  identity: string;
  /** Undefined: it is there, and changes in it go unseen. */
  tree: WatchedTree | undefined;
}

const watched = new Map<string, Watched>();
/** Application → what is to be reported at the end of the time. */
const reporting = new Map<string, Set<Changed>>();
let isReady = isAgain;

function tell(message: FromWatcher): void {
  parentPort!.postMessage(message);
}

/** Nothing of what is there at the beginning. */
function report(application: string, what: Changed): void {
  if (!isReady) return;
  const more = reporting.get(application);
  if (more) {
    more.add(what);
    return;
  }
  tell({ op: 'changed', application, what });
  reporting.set(application, new Set());
  setTimeout(() => {
    const rest = reporting.get(application)!;
    reporting.delete(application);
    for (const one of rest) report(application, one);
  }, REPORT_MS);
}

function mayBeApplication(name: string): boolean {
  return nameProblem(name) === undefined && (!isReservedFolder(name) || isSharedFolder(name));
}

/** Watches the folder of that name as it is now. */
async function look(name: string): Promise<void> {
  const folder = await folderOf(join(applicationsDir, name));
  const known = watched.get(name);
  if (folder?.identity === known?.identity) return;
  known?.tree?.close();
  watched.delete(name);
  report(name, 'all');
  if (!folder) return;
  watched.set(name, { identity: folder.identity, tree: undefined });
  await openTree(name, folder.path);
  report(name, 'all'); // what came while it was being opened went unseen
}

/** `path`: a real path. */
async function openTree(name: string, path: string): Promise<void> {
  const own = watched.get(name)!;
  const tree = new WatchedTree({
    path,
    maxEntries,
    isIgnored,
    onChange(changed) {
      if (changed === undefined) report(name, 'all');
      else if (SETTINGS.has(changed)) report(name, 'settings');
      else if (RELEVANT.test(changed)) report(name, 'script');
    },
    onTooMany() {
      own.tree = undefined;
      tell({ op: 'limit', application: name, limit: 'MaxWatchedFiles' });
    },
    onFlood: () => tell({ op: 'limit', application: name, limit: 'MaxFileEvents' }),
    onError({ message }) {
      own.tree = undefined;
      tell({ op: 'error', application: name, message });
    },
  });
  own.tree = tree;
  await tree.open();
}

async function retry(name: string): Promise<void> {
  const known = watched.get(name);
  const folder = await folderOf(join(applicationsDir, name));
  if (!known || known.tree || folder?.identity !== known.identity) return;
  await openTree(name, folder.path);
  if (known.tree) report(name, 'all');
}

/** Of a folder, or a link to one. */
async function folderOf(path: string): Promise<{ path: string; identity: string } | undefined> {
  const real = await realpath(path).catch(() => undefined);
  const stats = real === undefined ? undefined : await stat(real).catch(() => undefined);
  if (real === undefined || !stats?.isDirectory()) return undefined;
  return { path: real, identity: `${real} ${stats.dev} ${stats.ino} ${stats.birthtimeMs}` };
}

function isIgnored(path: string): boolean {
  if (SETTINGS.has(path)) return false;
  return path.split(sep).some((part) => IGNORED_FOLDERS.has(part) || part.startsWith('.'));
}

async function lookAtAll(): Promise<void> {
  const names = await readdir(applicationsDir).catch(() => []);
  for (const name of new Set([...names, ...watched.keys()])) if (mayBeApplication(name)) await look(name);
}

/** One after the other: two looks at one folder at a time would see different ones. */
let last = Promise.resolve();
function inTurn(work: () => Promise<void>): Promise<void> {
  last = last
    .then(work)
    .catch((error: Error) => tell({ op: 'error', application: undefined, message: error.message }));
  return last;
}

/** Of which a look is due. */
const due = new Set<string>();
let top: FSWatcher | undefined;
let topIdentity: string | undefined;

/** Watches the folder of all applications as it is now. */
async function lookAtTop(): Promise<void> {
  const identity = (await folderOf(applicationsDir))?.identity;
  if (top && identity === topIdentity) return;
  topIdentity = identity;
  endTop();
  if (identity !== undefined) watchTop();
  await lookAtAll(); // after it is watched: what comes meanwhile is an event
}

function watchTop(): void {
  try {
    top = watch(applicationsDir, (_event, name) => {
      if (name === null) void inTurn(lookAtAll);
      else if (mayBeApplication(name) && !due.has(name)) {
        due.add(name);
        void inTurn(() => {
          due.delete(name);
          return look(name);
        });
      }
    });
    top.on('error', endTop);
  } catch {
    // it has gone again, or the system has no watch left
  }
}

function endTop(): void {
  top?.close();
  top = undefined;
}

function checkLater(): void {
  setTimeout(() => void inTurn(lookAtTop).then(checkLater), checkMs);
}

parentPort!.on('message', (message: ToWatcher) => void inTurn(() => retry(message.retry)));

void inTurn(lookAtTop).then(() => {
  isReady = true;
  tell({ op: 'ready' });
  checkLater();
});
