#!/usr/bin/env node
// The command. Plain old JavaScript, CommonJS by the package.json beside it, because its first job is to be
// understood by a Node that is too old for the server: it then hands over to the Node that came with the
// package, or says which one it needs. `understudy` in a shell is started by whatever `node` the PATH has;
// npm's scripts and npx find the right one first.
'use strict';

var childProcess = require('child_process');
var fs = require('fs');
var path = require('path');
var url = require('url');

var NEEDED_MAJOR = 24;

if (majorOf(process.version) >= NEEDED_MAJOR) {
  runHere();
} else {
  var node = bundledNode();
  if (node) {
    runWith(node);
  } else {
    console.error(
      'understudy needs Node ' +
        NEEDED_MAJOR +
        ' or newer, and this is Node ' +
        process.version +
        ' (' +
        process.execPath +
        ').\n' +
        'On Linux (x64, arm64) it comes along as an optional dependency: install without --omit=optional.\n' +
        'Elsewhere get it from https://nodejs.org.',
    );
    process.exitCode = 1;
  }
}

/** A checkout has the sources, which Node runs as they are; the published package has them compiled. */
function runHere() {
  var source = path.join(__dirname, '..', 'src', 'main.ts');
  var compiled = path.join(__dirname, '..', 'dist', 'main.js');
  var entry = fs.existsSync(source) ? source : compiled;
  import(url.pathToFileURL(entry).href).catch(function (error) {
    console.error(error);
    process.exit(1);
  });
}

/** The `node` of the platform package, or undefined: not installed, another platform, somebody else's older one. */
function bundledNode() {
  try {
    var manifest = require.resolve('node-' + process.platform + '-' + process.arch + '/package.json');
    var file = path.join(path.dirname(manifest), 'bin', 'node');
    fs.accessSync(file, fs.constants.X_OK);
    return majorOf(require(manifest).version) >= NEEDED_MAJOR ? file : undefined;
  } catch (_) {
    return undefined;
  }
}

/** Runs this file again under `file` and lives exactly as long: same arguments, streams, signals, exit code. */
function runWith(file) {
  var child = childProcess.spawn(file, [__filename].concat(process.argv.slice(2)), { stdio: 'inherit' });

  // A supervisor signals this process alone, so its signals are passed on. A terminal signals the whole group:
  // there the child has its own already, and a second one would cut the orderly stop short.
  var hasTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  function passOn(signal) {
    process.on(signal, function () {
      child.kill(signal);
    });
  }
  passOn('SIGTERM');
  if (hasTerminal) {
    process.on('SIGINT', function () {});
    process.on('SIGHUP', function () {});
  } else {
    passOn('SIGINT');
    passOn('SIGHUP');
  }

  child.on('error', function (error) {
    console.error('understudy cannot run ' + file + ': ' + error.message);
    process.exit(1);
  });
  child.on('exit', function (code, signal) {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal); // so that our parent sees the same end
  });
}

function majorOf(version) {
  return parseInt(version.replace('v', ''), 10);
}
