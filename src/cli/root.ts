// The root folder of a command that is given no --root: the folder of conf/, applications/ and logs/.
import { readdirSync, realpathSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { readOperatorFile } from '../disk/operator-file.ts';
import { manifest } from './manifest.ts';

/** How sure it is that a folder is the root of a server. */
const Sign = { None: 0, Likely: 1, Certain: 2 } as const;
type Sign = (typeof Sign)[keyof typeof Sign];

const OF_CONF = [
  'fms.ini',
  'Server.xml',
  'Users.xml',
  'Users.local.xml',
  'users',
  'Logger.xml',
  '_defaultRoot_',
];
/** As the server keeps it in its applications/. */
const OF_APPLICATIONS = 'understudy.d.ts';

/**
 * The nearest folder that looks like a root, from `from` upward, or else `from`. An application may have folders called conf and
 * applications itself: of two that look alike, the one with the other in its applications/ is the root.
 */
export function findRoot(from: string): string {
  const folders = [...upward(from)];
  let best: { folder: string; sign: Sign } | undefined;
  for (const folder of folders) {
    const sign = signOf(folder);
    const isAround = best !== undefined && isWithin(join(folder, 'applications'), best.folder);
    if (best === undefined ? sign > Sign.None : isAround && sign >= best.sign) best = { folder, sign };
  }
  return best?.folder ?? from;
}

/** The same from where the command was started, as a path that is good there. */
export function rootHere(): string {
  return relative(process.cwd(), findRoot(currentFolder())) || '.';
}

/** By the way that the shell came, so that a root is found from an application that is a link to somewhere else. */
function currentFolder(): string {
  const cwd = process.cwd();
  const { PWD } = process.env;
  try {
    return PWD !== undefined && realpathSync(PWD) === cwd ? PWD : cwd;
  } catch {
    return cwd;
  }
}

/** A folder and those around it, but for the root of the file system. */
export function* upward(from: string): Generator<string> {
  for (let folder = from; dirname(folder) !== folder; folder = dirname(folder)) yield folder;
}

export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder + sep);
}

function signOf(folder: string): Sign {
  const conf = folderIn(folder, 'conf');
  const applications = folderIn(folder, 'applications');
  // another program's conf/ has other files in it
  const hasConf = conf?.some((name) => OF_CONF.includes(name)) ?? false;
  if (hasConf || applications?.includes(OF_APPLICATIONS) || isOurs(join(folder, 'package.json')))
    return Sign.Certain;
  return applications !== undefined || conf?.length === 0 ? Sign.Likely : Sign.None;
}

/** What is in a folder; undefined: there is none of exactly that name, which a file system that ignores case would not say. */
function folderIn(parent: string, name: string): string[] | undefined {
  try {
    return readdirSync(parent).includes(name) ? readdirSync(join(parent, name)) : undefined;
  } catch {
    return undefined;
  }
}

/** This package's own manifest, or of a project that it is installed in. */
function isOurs(file: string): boolean {
  try {
    const { name, dependencies = {}, devDependencies = {} } = JSON.parse(readOperatorFile(file) ?? '{}');
    return [name, ...Object.keys(dependencies), ...Object.keys(devDependencies)].includes(manifest().name);
  } catch {
    return false;
  }
}
