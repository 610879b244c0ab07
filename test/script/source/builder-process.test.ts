// The real builder, with the real esbuild as its child.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { systemClock } from '../../../src/clock.ts';
import { BuildResult, decodeScript } from '../../../src/script/source/build-outcome.ts';
import { Builder } from '../../../src/script/source/builder.ts';
import { BUILD_LIMITS } from '../support/built.ts';
import { Folder } from '../support/folder.ts';
import { Records } from '../support/records.ts';

const MEBIBYTE = 1 << 20;

async function setUp(files: Record<string, string | Uint8Array>, maxRssBytes = 512 * MEBIBYTE) {
  const folder = await Folder.create(files);
  const records = new Records();
  const options = { ...BUILD_LIMITS, clock: systemClock, log: records.log, maxRssBytes, maxMs: 120_000 };
  const builder = new Builder(options);
  return {
    folder,
    records,
    build: (application: string) =>
      builder.build({ folder: folder.at(application), application, libraries: [] }),
    close: () => builder.close(),
    async [Symbol.asyncDispose]() {
      await builder.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Of this process's children and theirs, those whose command line has that in it. */
function descendants(word: string): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const [, parent] = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, 'utf8')) ?? [];
      parents.set(Number(name), Number(parent));
    } catch {
      // it has ended
    }
  }
  const isOurs = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === process.pid || isOurs(parents.get(pid)));
  return [...parents.keys()].filter((pid) => {
    try {
      return (
        pid !== process.pid && isOurs(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word)
      );
    } catch {
      return false;
    }
  });
}

const onLinux = { skip: process.platform !== 'linux' && 'there is no /proc' };

describe('a builder', () => {
  test('builds modules and classic scripts as they are built here', async () => {
    await using its = await setUp({
      'a/main.ts': `import { b } from './b.ts'; (globalThis as any).out = b;`,
      'a/b.ts': 'export const b = "größe";',
      'c/main.asc': 'var a = 1;',
      'empty/readme.txt': '',
    });
    const [a, c, empty, none] = await Promise.all(['a', 'c', 'empty', 'none'].map(its.build));
    assert.ok(a?.result === BuildResult.Built && c?.result === BuildResult.Built);
    assert.match(decodeScript(a.build).code, /größe/);
    assert.deepEqual(JSON.parse(a.build.sourceMap!).sources, ['b.ts', 'main.ts']);
    assert.match(a.build.inlineMap!.toString(), /^\\n\/\/# sourceMappingURL=/);
    assert.equal(decodeScript(c.build).code, 'var a = 1;');
    assert.equal(empty?.result, BuildResult.NoScript);
    assert.equal(none?.result, BuildResult.NoFolder);
  });

  test(
    'whose esbuild was killed builds the next save, and so does one that was killed itself',
    onLinux,
    async () => {
      await using its = await setUp({ 'a/main.ts': 'export const a = 1;' });
      for (const word of ['--service', 'builder/main']) {
        assert.equal((await its.build('a')).result, BuildResult.Built);
        const pids = descendants(word);
        assert.ok(pids.length > 0, word);
        for (const pid of pids) process.kill(pid, 'SIGKILL');
        assert.equal((await its.build('a')).result, BuildResult.Built, word);
      }
    },
  );

  test(
    'that a script would fill is ended with its esbuild, says so, and builds the next',
    onLinux,
    async () => {
      await using its = await setUp(
        {
          'deep/main.ts': `export const a = ${'!'.repeat(600_000)}1;`,
          'a/main.ts': 'export const a = 1;',
        },
        200 * MEBIBYTE,
      );
      const deep = await its.build('deep');
      assert.ok(deep.result === BuildResult.Broken, deep.result);
      assert.match(deep.faults[0]!.message, /too much memory.*200 MB \(MaxBuildSize in Server\.xml\)/);
      assert.equal((await its.build('a')).result, BuildResult.Built);
      assert.equal(descendants('--service').length, 1);
    },
  );

  test('leaves no process behind', onLinux, async () => {
    await using its = await setUp({ 'a/main.ts': 'export const a = 1;' });
    await its.build('a');
    await its.close();
    assert.deepEqual(descendants('builder/main'), []);
  });

  test('waits for no pipe, wherever esbuild itself would look', onLinux, async () => {
    await using its = await setUp({
      'a/main.ts': `import './lib/b.js';\nimport 'pack';`,
      'a/lib/b.ts': 'export const b = 1;\n//# sourceMappingURL=b.map',
      'a/node_modules/pack/package.json': '{ "main": "./main.js" }',
      'a/node_modules/pack/main.js': 'exports.a = 1;\n//# sourceMappingURL=/main.map',
      'a/lib/c': '',
    });
    const pipes = [
      'a/package.json',
      'a/tsconfig.json',
      'a/jsconfig.json',
      'a/lib/b.map',
      'a/lib/tsconfig.json',
    ];
    execFileSync(
      'mkfifo',
      pipes.map((name) => its.folder.at(name)),
    );
    const outcome = await its.build('a');
    assert.ok(outcome.result === BuildResult.Broken);
    assert.deepEqual(outcome.faults[0], {
      file: 'package.json',
      message: 'the file cannot be read: expected a regular file, found a named pipe',
    });
    await its.folder.remove('a/package.json');
    assert.equal((await its.build('a')).result, BuildResult.Built);
  });
});
