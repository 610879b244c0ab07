// What an author, or whoever can write into the folder of an application, may have the server build.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import type { OutsideAttack, Siege, Stage } from '../stage.ts';

type Files = Record<string, string>;

const PATIENCE_MS = 90_000;
let count = 0;

/** An application of those files; resolves with what the server says of it. `prepare`: what no text can be written to. */
async function refused(stage: Stage, files: Files, prepare?: (folder: string) => void): Promise<string> {
  count += 1;
  const application = `built${count}`;
  const folder = join(stage.server.root, 'applications', application);
  const since = stage.server.log.length;
  stage.server.writeApp(`${application}/notes.txt`, '');
  const names = Object.keys(files).sort((a, b) => Number(isMain(a)) - Number(isMain(b)));
  for (const name of names.filter((one) => !isMain(one))) {
    stage.server.writeApp(`${application}/${name}`, files[name]!);
  }
  prepare?.(folder);
  for (const name of names.filter(isMain)) stage.server.writeApp(`${application}/${name}`, files[name]!);
  try {
    const record = await stage.server.waitForLog(
      (one) => one.event === 'script-error' && one.application === application,
      PATIENCE_MS,
      since,
    );
    return String(record.message);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const isMain = (name: string) => name.startsWith('main.');

function attack(
  name: string,
  files: () => Files,
  message: RegExp,
  prepare?: (folder: string) => void,
): OutsideAttack {
  return {
    name,
    run: async (stage) => assert.match(await refused(stage, files(), prepare), message),
  };
}

const JSON_IMPORT = { 'main.ts': `import a from './a.json'; trace(a);` };
const PACKAGE = { 'main.ts': `import 'pack';`, 'node_modules/pack/index.js': '' };

/** Processes of the server's builder, by their command lines. */
function builders(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
      } catch {
        return false;
      }
    });
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

export const SIEGE: Siege = {
  title: 'what is given to the builder',
  server: {
    conf: {
      'Server.xml':
        '<Root><Server><ResourceLimits><Scripts><MaxBuildTime>2</MaxBuildTime></Scripts></ResourceLimits></Server></Root>',
    },
    applications: { 'saved/main.ts': 'application.onConnect = () => true;' },
  },
  attacks: [
    attack(
      'JSON that is a device',
      () => JSON_IMPORT,
      /leaves the application/,
      (folder) => symlinkSync('/dev/zero', join(folder, 'a.json')),
    ),
    attack(
      'a package.json that is a device',
      () => PACKAGE,
      /found a device/,
      (folder) => symlinkSync('/dev/zero', join(folder, 'node_modules/pack/package.json')),
    ),
    attack(
      'a source map that is a device, and a mistake that says that the rest was read',
      () => {
        return { 'main.ts': `import './b.js'; let a = = 1;`, 'b.js': '//# sourceMappingURL=/dev/zero' };
      },
      /Unexpected/,
    ),
    attack(
      'JSON of 200 MB',
      () => ({ ...JSON_IMPORT, 'a.json': '' }),
      /MaxFileSize/,
      (folder) => truncateSync(join(folder, 'a.json'), 200 << 20),
    ),
    attack(
      'a module of 100 MB',
      () => ({ 'main.ts': `import './b.ts';`, 'b.ts': '' }),
      /MaxFileSize/,
      (folder) => truncateSync(join(folder, 'b.ts'), 100 << 20),
    ),
    attack(
      'a classic script that loads 300 MB',
      () => ({ 'main.asc': '', 'b.asc': '' }),
      /MaxBundleSize/,
      (folder) => truncateSync(join(folder, 'b.asc'), 300 << 20),
    ),
    attack(
      'a million brackets',
      () => ({ 'main.ts': `x = ${'['.repeat(1_000_000)}` }),
      /brackets are nested/,
    ),
    attack(
      'a million brackets of JSON',
      () => ({ ...JSON_IMPORT, 'a.json': '['.repeat(1_000_000) }),
      /brackets/,
    ),
    attack(
      'a million brackets of a classic script',
      () => ({ 'main.asc': `import(${'['.repeat(1e6)}` }),
      /brackets/,
    ),
    attack(
      'nesting without brackets',
      () => ({ 'main.ts': `x = ${'!'.repeat(4_000_000)}1` }),
      /MaxBuild(Size|Time)/,
    ),
    attack(
      'a chain of arrow functions',
      () => ({ 'main.ts': `x = ${'a=>'.repeat(2e6)}1` }),
      /MaxBuild(Size|Time)/,
    ),
    attack(
      'imports with a hole that leads above all folders',
      () => ({
        'main.ts': `const x = 'a'; import('../../../../' + x + '.ts'); require(\`../../../../\${x}.json\`);`,
      }),
      /has a hole in the name/,
    ),
    {
      name: 'six builds without end, and a seventh that is served beside them',
      async run(stage) {
        const stuck = Array.from({ length: 6 }, () =>
          refused(stage, { 'main.ts': `x = ${'a?b:'.repeat(1_500_000)}a` }),
        );
        let ended = 0;
        for (const one of stuck) void one.then(() => (ended += 1));
        stage.server.writeApp('seventh/main.ts', 'application.onConnect = () => true;');
        for (;;) {
          await using peer = await RtmpPeer.open(stage.server.port);
          if ((await peer.connect('seventh')).name === '_result') break;
        }
        assert.ok(ended < stuck.length, 'it had to wait for all of them');
        for (const message of await Promise.all(stuck)) assert.match(message, /MaxBuild(Size|Time)/);
      },
    },
    {
      name: 'esbuild and the builder are killed, and each time the next save serves',
      async run(stage) {
        const server = parentOf(await stage.server.runnerPid());
        for (const [i, word] of ['esbuild\0--service', 'script/source/builder/main'].entries()) {
          for (const pid of builders(word).filter((one) => isOfServer(one, server)))
            process.kill(pid, 'SIGKILL');
          const since = stage.server.log.length;
          stage.server.writeApp(
            'saved/main.ts',
            `application.onConnect = () => true; trace(${i});\nlet a${i} = = 1;`,
          );
          await stage.server.waitForLog((one) => one.event === 'script-error', PATIENCE_MS, since);
          stage.server.writeApp('saved/main.ts', `application.onConnect = () => true; trace(${i});`);
          await stage.server.waitForLog(({ msg }) => /sound again/.test(String(msg)), PATIENCE_MS, since);
          await using peer = await RtmpPeer.open(stage.server.port);
          assert.equal((await peer.connect('saved')).name, '_result');
        }
      },
    },
  ],
};

/** `server`: its process id. */
function isOfServer(pid: number, server: number): boolean {
  try {
    for (let one = pid; one > 1; one = parentOf(one)) if (one === server) return true;
  } catch {
    // it has ended
  }
  return false;
}
