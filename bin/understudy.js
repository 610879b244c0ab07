#!/usr/bin/env node
// The command. Old JavaScript (Node 10 parses it), CommonJS by the package.json beside it: its first job is to be
// understood by a Node that is too old for the server. It then hands over to the Node that came with the package,
// or says which one it needs. `understudy` typed into a shell is started by whatever `node` the PATH has; `npx` and
// npm's scripts find the right one by themselves.
'use strict';

const childProcess = require('child_process');
const fs = require('fs');
const path = require('path');
const url = require('url');

const NEEDED_MAJOR = 24;

function main() {
  if (majorOf(process.version) >= NEEDED_MAJOR) return runHere();
  const node = bundledNode();
  if (node) return runWith(node);
  console.error(
    `understudy needs Node ${NEEDED_MAJOR} or newer; this is ${process.version} (${process.execPath}).\n` +
      'On Linux (x64, arm64) one comes along as an optional dependency: install without --omit=optional.\n' +
      'Elsewhere get it from https://nodejs.org.',
  );
  process.exitCode = 1;
}

/** A checkout has the sources, which Node runs as they are; the published package has them compiled. */
function runHere() {
  const source = path.join(__dirname, '..', 'src', 'main.ts');
  const compiled = path.join(__dirname, '..', 'dist', 'main.js');
  const entry = fs.existsSync(source) ? source : compiled;
  // What Node has made of our files, for the next start: a third of its time. Beside them, where only those can write who can
  // write the files themselves; where nobody can, there is none.
  require('module').enableCompileCache(path.join(__dirname, '..', '.cache'));
  import(url.pathToFileURL(entry).href).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

/** The `node` of the platform package; undefined if there is none, or only somebody else's older one. */
function bundledNode() {
  try {
    const manifest = require.resolve(`node-${process.platform}-${process.arch}/package.json`);
    const file = path.join(path.dirname(manifest), 'bin', 'node');
    fs.accessSync(file, fs.constants.X_OK);
    return majorOf(require(manifest).version) >= NEEDED_MAJOR ? file : undefined;
  } catch (_) {
    return undefined;
  }
}

/** Runs this file again under `node` and lives exactly as long: same arguments, streams, signals, exit code. */
function runWith(node) {
  const child = childProcess.spawn(node, [__filename].concat(process.argv.slice(2)), { stdio: 'inherit' });

  // A supervisor signals this process alone. A terminal signals the child too, which then gets it twice: main.ts knows.
  const passOn = (signal) => child.kill(signal);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, passOn);

  child.on('error', (error) => {
    console.error(`understudy cannot run ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal); // our parent sees the same end
  });
}

function majorOf(version) {
  return parseInt(version.replace('v', ''), 10);
}

main();
