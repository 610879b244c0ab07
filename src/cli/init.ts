// `understudy init [DIR]`: the folder of a new server.
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { formatManual } from '../config/manual.ts';
import { applicationsIn } from './applications.ts';
import { CommandError } from './args.ts';
import { isFoundByNpx, program, quoted } from './call.ts';
import { here, userFolder } from './here.ts';
import { manifest, PACKAGE_FOLDER } from './manifest.ts';
import { newApplication } from './new.ts';
import { findRoot, isWithin } from './root.ts';
import { unitFor } from './unit.ts';

/** The sample: everybody may publish and play, as its script says. */
const SAMPLE = 'live';

/** Besides dot files, what npm and git leave in a folder that counts as empty. */
const NOT_OURS_TO_MIND = /^(\..*|package(-lock)?\.json|node_modules|.*\.tgz|(README|LICENSE)(\.\w+)?)$/i;

/** What a server keeps to itself: accounts, keys, recordings, logs. */
export const PRIVATE = [
  ...['node_modules/', '/logs/', '/run/', '.env'],
  ...['/conf/**/*.local.xml', '/conf/**/users', '/conf/**/*.pem', '/conf/**/*.key'],
  ...['streams', 'sharedobjects', 'store'].map((folder) => `/applications/*/${folder}/`),
  '/applications/.*/',
];

/** Writes what is missing there, and nothing over what is there. Returns what to tell the operator. */
export function initRoot(given: string | undefined): string {
  const root = resolve(given ?? '.');
  if (given === undefined) requireEmpty(root);
  requireFolderOrNothing(root);
  const around = findRoot(root);
  if (around !== root && isWithin(join(around, 'applications'), root)) {
    const text = `${here(root)} is in the applications of another server, ${here(around)}: name a folder outside of it`;
    throw new CommandError('ERR_CLI_ROOT', text);
  }

  mkdirSync(root, { recursive: true });
  const kept: string[] = [];
  const written = Object.entries(filesOf(root)).flatMap(([path, text]) => {
    if (writeNew(join(root, path), text)) return [path];
    kept.push(path);
    return [];
  });
  const { applicationsDir } = loadConfig({ root, set: {} });
  const applications = relative(root, applicationsDir);
  if (applicationsIn(applicationsDir).length === 0) {
    newApplication(root, SAMPLE, 'npx understudy'); // as the next step installs it
    written.push(join(applications, SAMPLE, 'main.ts'), join(applications, SAMPLE, 'main.test.ts'));
  } else kept.push(`${applications}/`);
  return [
    ...written.map((path) => `  ${here(join(root, path))}`),
    ...(kept.length > 0 ? [`Unchanged: ${kept.map((path) => here(join(root, path))).join(', ')}`] : []),
    '',
    `Next: ${nextStep(root)}`,
  ].join('\n');
}

/** Path from the root → text, but for applications/. */
function filesOf(root: string): Record<string, string> {
  const conf = Object.entries(formatManual()).map(([path, text]) => [join('conf', path), text]);
  return {
    ...Object.fromEntries(conf),
    '.gitignore': `${PRIVATE.join('\n')}\n`,
    'package.json': `${JSON.stringify(projectManifest(root), null, 2)}\n`,
    'understudy.service': unitFor(root),
  };
}

/** Without a dependency, which npm would look for in the registry: `npm install` of the tarball adds it. */
function projectManifest(root: string): object {
  const { dependencies, allowScripts } = manifest();
  const needed = Object.entries(allowScripts).filter(([name]) => Object.hasOwn(dependencies, name));
  return {
    name:
      basename(root)
        .toLowerCase()
        .replace(/[^a-z0-9_-]+/g, '-')
        .replace(/^[-_]+/, '') || 'server',
    private: true,
    scripts: { start: 'exec understudy start', check: 'understudy check', test: 'understudy test' },
    allowScripts: Object.fromEntries(needed),
  };
}

/** False: there is something of that name. */
function writeNew(file: string, text: string): boolean {
  mkdirSync(dirname(file), { recursive: true });
  try {
    writeFileSync(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function nextStep(root: string): string {
  const cd = root === userFolder() ? '' : `cd ${quoted(here(root))} && `;
  if (isFoundByNpx(root)) return `${cd}npx understudy start`;
  const { name, version } = manifest();
  const isCheckout = existsSync(join(PACKAGE_FOLDER, 'src'));
  const pack = isCheckout ? `npm pack ${quoted(relative(root, PACKAGE_FOLDER))} && ` : '';
  return `${cd}${pack}npm install ./${name}-${version}.tgz && npx understudy start`;
}

function requireEmpty(root: string): void {
  const found = readdirSync(root).filter((name) => !NOT_OURS_TO_MIND.test(name));
  if (found.length === 0) return;
  const text = `this folder is not empty (${found.slice(0, 3).join(', ')}${found.length > 3 ? ', …' : ''}): to write what it lacks, name it: ${program(root)} init .`;
  throw new CommandError('ERR_CLI_EXISTS', text);
}

function requireFolderOrNothing(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new CommandError('ERR_CLI_EXISTS', `${here(path)} is a file`);
  }
}
