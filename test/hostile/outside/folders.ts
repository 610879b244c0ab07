// What somebody who can write into the folder of an application puts there: a tenant by FTP, an author, an upload.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import type { Siege, Stage } from '../stage.ts';

let made = 0;
let onePipe: string | undefined;

/** Made once: this process films the show, and may not wait for a program each time. */
function pipe(): string {
  if (onePipe === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'understudy-pipe-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    onePipe = join(folder, 'pipe');
    execFileSync('mkfifo', [onePipe]);
  }
  return onePipe;
}

/** What a path can be made to instead of a file. */
const ODDITIES: Record<string, (path: string) => void> = {
  'a pipe': (path) => linkSync(pipe(), path),
  '/dev/zero': (path) => symlinkSync('/dev/zero', path),
  'a folder': (path) => mkdirSync(path),
  'a loop of links': (path) => symlinkSync(basename(path), path),
  '1.5 GB': (path) => {
    writeFileSync(path, '<Application>');
    truncateSync(path, 1.5e9);
  },
  '60 MB': (path) => {
    writeFileSync(path, '<Application>');
    truncateSync(path, 60e6);
  },
  '1 MB of tags': (path) => writeFileSync(path, `<Application>${'<a/>'.repeat(250_000)}</Application>`),
  '1 MB of attributes': (path) =>
    writeFileSync(path, `<Application ${Array.from({ length: 90_000 }, (_, i) => `a${i}=""`).join(' ')}/>`),
  '1 MB of symbols': (path) =>
    writeFileSync(
      path,
      `<Application><JSEngine><ApplicationObject><config><a>${'$'.concat('{a}').repeat(250_000)}</a></config></ApplicationObject></JSEngine></Application>`,
    ),
  'a list of 1 MB': (path) =>
    writeFileSync(
      path,
      `<Application><JSEngine><ScriptLibPath>${'a;'.repeat(480_000)}</ScriptLibPath></JSEngine></Application>`,
    ),
  '1 MB of line ends': (path) => writeFileSync(path, `<Application>${'\r'.repeat(1e6)}</Application>`),
  '64 kB of blanks before a separator of lines': (path) =>
    writeFileSync(path, `A=${' '.repeat(64_000)}x\u2028y\nno name`),
  'levels without end': (path) => writeFileSync(path, '<Application>'.repeat(70_000)),
};

class Folder {
  readonly #server: TestServer;
  readonly name: string;
  constructor(server: TestServer, name: string, fill: (at: (path: string) => string) => void) {
    this.#server = server;
    this.name = name;
    const draft = join(server.root, 'applications', `.${name}`);
    mkdirSync(draft);
    fill((path) => join(draft, path));
    renameSync(draft, this.at('.'));
  }

  at(path: string): string {
    return join(this.#server.root, 'applications', this.name, path);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), text);
  }

  async comeIn(object: Parameters<RtmpPeer['connect']>[1] = {}): Promise<string> {
    await using peer = await RtmpPeer.open(this.#server.port);
    return (await peer.connect(this.name, object)).name;
  }

  /** By another process: this one films the show. */
  async [Symbol.asyncDispose](): Promise<void> {
    await once(spawn('rm', ['-rf', this.at('.')], { stdio: 'ignore' }), 'close');
  }
}

const WRITER = `const fs = require('fs');
for (let i = 0; ; i = (i + 1) % 500) {
  const name = process.pid + '-' + i;
  fs.writeFileSync(name + '.ts', '');
  fs.renameSync(name + '.ts', name + 'x.ts');
}`;

/** It comes with what `fill` has put into it. */
function newFolder({ server }: Stage, fill: (at: (path: string) => string) => void = () => {}): Folder {
  made += 1;
  return new Folder(server, `tenant${made}`, fill);
}

/** `file` of an application that was right becomes each of these; it goes on with the settings before it. */
async function replaceFile(stage: Stage, file: string, oddities: readonly string[]): Promise<void> {
  await using folder = newFolder(stage);
  folder.write('main.asc', 'application.onConnect = function () { return true; };');
  assert.equal(await folder.comeIn(), '_result');
  for (const oddity of oddities) {
    ODDITIES[oddity]!(`${folder.at('new')}`);
    const since = stage.server.log.length;
    renameSync(folder.at('new'), folder.at(file));
    await stage.server.waitForLog(
      ({ event, application }) => event === 'config' && application === folder.name,
      undefined,
      since,
    );
    assert.equal(await folder.comeIn(), '_result', oddity);
    rmSync(folder.at(file), { recursive: true });
  }
}

export const SIEGE: Siege = {
  title: 'folders of applications',
  server: {
    applications: { 'films/': '', 'guarded/': '' },
    conf: { users: 'ann:plain:secret\n' },
  },
  attacks: [
    {
      name: 'main scripts that are pipes, more of them than the pool has threads, and an application that comes after them',
      async run(stage) {
        const evil = Array.from({ length: 12 }, () => newFolder(stage));
        await using good = newFolder(stage);
        try {
          for (const [i, folder] of evil.entries()) {
            ODDITIES['a pipe']!(folder.at(['main.asc', 'main.ts', 'main.mjs', 'main.js'][i % 4]!));
          }
          await Promise.all(evil.map(async (folder) => assert.equal(await folder.comeIn(), '_error')));
          good.write('main.asc', 'application.onConnect = function () { return true; };');
          assert.equal(await good.comeIn(), '_result');
        } finally {
          await Promise.all(evil.map((folder) => folder[Symbol.asyncDispose]()));
        }
      },
    },
    {
      name: 'settings of a new application that are no file, or a file without end: nobody comes in',
      async run(stage) {
        for (const oddity of Object.keys(ODDITIES)) {
          await using folder = newFolder(stage, (at) => ODDITIES[oddity]!(at('Application.xml')));
          assert.equal(await folder.comeIn(), '_error', oddity);
        }
      },
    },
    {
      name: 'settings of a running application become a pipe, a device, a folder, a loop, gigabytes',
      run: (stage) => replaceFile(stage, 'Application.xml', Object.keys(ODDITIES)),
    },
    {
      name: 'secrets of a running application become a pipe, a device, a folder, gigabytes',
      run: (stage) =>
        replaceFile(stage, '.env', [
          'a pipe',
          '/dev/zero',
          'a folder',
          '1.5 GB',
          '64 kB of blanks before a separator of lines',
        ]),
    },
    {
      name: 'lists of domains that are pipes and devices, a users file without end',
      async run(stage) {
        for (const oddity of ['a pipe', '/dev/zero', '1.5 GB']) {
          await using folder = newFolder(stage, (at) => {
            ODDITIES[oddity]!(at('allowedSWFdomains.txt'));
            ODDITIES[oddity]!(at('users'));
            const file = join(stage.server.root, 'applications', `tenant${made}`, 'users');
            writeFileSync(
              at('Application.xml'),
              `<Application><Authentication><Mode>everybody</Mode><Users>${file}</Users></Authentication></Application>`,
            );
          });
          await using peer = await RtmpPeer.open(stage.server.port);
          const { name } = await peer.connect(`${folder.name}?authmod=adobe&user=ann`);
          assert.equal(name, '_error', oddity);
        }
      },
    },
    {
      name: '60,000 files at once, then a thousand folders in a folder',
      async run(stage) {
        await using folder = newFolder(stage);
        folder.write('main.asc', '');
        assert.equal(await folder.comeIn(), '_result');
        const since = stage.server.log.length;
        const script = `cd ${JSON.stringify(folder.at('.'))} && mkdir many && cd many && seq -f '%g.ts' 60000 | xargs touch`;
        await once(spawn('sh', ['-c', script], { stdio: 'ignore' }), 'close');
        const isLimit = ({ event, application }: Record<string, unknown>) =>
          event === 'limit' && application === folder.name;
        await stage.server.waitForLog(
          (record) => isLimit(record) && record.limit === 'MaxWatchedFiles',
          undefined,
          since,
        );
        await using other = newFolder(stage);
        const folders = `cd ${JSON.stringify(other.at('.'))} && seq 3000 | xargs mkdir`;
        await once(spawn('sh', ['-c', folders], { stdio: 'ignore' }), 'close');
        await stage.server.waitForLog(
          ({ limit, application }) => limit === 'MaxWatchedFiles' && application === other.name,
          undefined,
          since,
        );
        assert.equal(await other.comeIn(), '_result');
      },
    },
    {
      name: '150,000 files and no script, while clients ask for it again and again',
      async run(stage) {
        await using folder = newFolder(stage);
        assert.equal(await folder.comeIn(), '_result');
        const script = `cd ${JSON.stringify(folder.at('.'))} && seq -f 'file-%.0f' 150000 | xargs touch`;
        await once(spawn('sh', ['-c', script], { stdio: 'ignore' }), 'close');
        for (let i = 0; i < 6; i += 1) {
          assert.equal(await folder.comeIn(), '_result');
          await sleep(110); // so long a folder without a script is believed to have none
        }
      },
    },
    {
      name: 'three programs that write and rename files without end',
      async run(stage) {
        await using folder = newFolder(stage);
        const since = stage.server.log.length;
        const programs = Array.from({ length: 3 }, () =>
          spawn(process.execPath, ['-e', WRITER], { cwd: folder.at('.'), stdio: 'ignore' }),
        );
        const ended = programs.map((program) => once(program, 'close'));
        try {
          await stage.server.waitForLog(({ limit }) => limit === 'MaxFileEvents', undefined, since);
          await using neighbour = newFolder(stage);
          neighbour.write('main.asc', '');
          assert.equal(await neighbour.comeIn(), '_result');
        } finally {
          for (const program of programs) program.kill('SIGKILL');
          await Promise.all(ended);
        }
      },
    },
    {
      name: 'loops of links, a link to the whole disk, names with line ends, files that come and go',
      async run(stage) {
        await using folder = newFolder(stage);
        symlinkSync('.', folder.at('loop'));
        symlinkSync('/', folder.at('disk'));
        symlinkSync('../..', folder.at('up'));
        folder.write('a\nb/c\n.ts', '');
        for (let i = 0; i < 200; i += 1) {
          folder.write('main.asc', '// 1');
          rmSync(folder.at('main.asc'));
          ODDITIES['a pipe']!(folder.at('main.asc'));
          rmSync(folder.at('main.asc'));
        }
        folder.write('main.asc', 'application.onConnect = function () { return true; };');
        // until the watcher has told of that version, the one before it refuses
        let fate = await folder.comeIn();
        for (let i = 0; fate !== '_result' && i < 50; i += 1) {
          await sleep(100);
          fate = await folder.comeIn();
        }
        assert.equal(fate, '_result');
      },
    },
    {
      name: 'recordings that are pipes, devices, folders, loops, a sparse terabyte, empty',
      async run(stage) {
        await using folder = newFolder(stage);
        const streams = folder.at('streams/_definst_');
        mkdirSync(streams, { recursive: true });
        const at = (name: string) => join(streams, name);
        for (const kind of ['flv', 'mp4', 'mp3']) {
          ODDITIES['a pipe']!(at(`pipe.${kind}`));
          ODDITIES['/dev/zero']!(at(`zero.${kind}`));
          ODDITIES['a folder']!(at(`folder.${kind}`));
          ODDITIES['a loop of links']!(at(`loop.${kind}`));
          writeFileSync(at(`empty.${kind}`), '');
          writeFileSync(
            at(`sparse.${kind}`),
            kind === 'flv' ? Buffer.from('464c5601050000000900000000', 'hex') : '',
          );
          truncateSync(at(`sparse.${kind}`), 2 ** 40);
        }
        for (const name of ['pipe', 'zero', 'folder', 'loop', 'empty', 'sparse']) {
          for (const prefix of ['', 'mp4:', 'mp3:']) {
            await using peer = await RtmpPeer.open(stage.server.port);
            await peer.connect(folder.name);
            const id = await peer.createStream();
            const asked = prefix === 'mp4:' ? `mp4:${name}.mp4` : `${prefix}${name}`;
            peer.command('play', 0, [null, asked, 0], id); // 0: recorded, nothing live
            await peer.expect('an answer to play', ({ command }) => command?.name === 'onStatus');
          }
        }
      },
    },
    {
      name: 'stores that are pipes, devices, folders, a terabyte, or compute for ever',
      async run(stage) {
        const views = (path: string) => {
          const database = new DatabaseSync(path);
          database.exec(
            'CREATE VIEW pairs AS WITH RECURSIVE n(key) AS (SELECT 1 UNION ALL SELECT key + 1 FROM n) SELECT key, key AS value FROM n',
          );
          database.close();
        };
        const kinds: typeof ODDITIES = { ...ODDITIES, 'a view without end': views };
        for (const kind of ['a pipe', '/dev/zero', 'a folder', '1.5 GB', 'a view without end'] as const) {
          await using folder = newFolder(stage);
          mkdirSync(folder.at('store'));
          kinds[kind]!(folder.at('store/store.sqlite'));
          folder.write(
            'main.ts',
            `application.onConnect = async () => {
              try { await application.store.get('a'); return true; } catch { return false; }
            };`,
          );
          assert.equal(await folder.comeIn(), '_error', kind);
        }
      },
    },
    {
      name: 'node_modules and its like are no applications, by any spelling',
      async run({ server }) {
        for (const name of ['node_modules', 'Node_Modules', '_lib', '_LIB', '.git', '.removed']) {
          server.writeApp(`${name}/main.asc`, '');
          for (const app of [
            name,
            `/${name}/`,
            `${name}/room`,
            `./${name}`,
            `live/../${name}`,
            `${name}?x`,
          ]) {
            await using peer = await RtmpPeer.open(server.port);
            assert.equal((await peer.connect(app)).name, '_error', app);
          }
          rmSync(join(server.root, 'applications', name), { recursive: true });
        }
      },
    },
    {
      name: 'a server that finds all of that when it starts, serves the rest, and ends on SIGTERM',
      async run() {
        const root = mkdtempSync(join(tmpdir(), 'understudy-folders-'));
        try {
          const at = (path: string) => {
            mkdirSync(dirname(join(root, 'applications', path)), { recursive: true });
            return join(root, 'applications', path);
          };
          for (const [i, oddity] of Object.values(ODDITIES).entries()) {
            oddity(at(`a${i}/Application.xml`));
            if (existsSync(at(`a${i}/Application.xml`))) oddity(at(`b${i}/.env`));
          }
          for (let i = 0; i < 8; i += 1) {
            ODDITIES['a pipe']!(at(`c${i}/main.asc`));
            ODDITIES['a pipe']!(at(`d${i}/main.ts`));
            ODDITIES['a pipe']!(at(`e${i}/allowedSWFdomains.txt`));
          }
          ODDITIES['a pipe']!(at('pipe'));
          writeFileSync(at('good/main.asc'), 'application.onConnect = function () { return true; };');
          await using server = await startServer({ root });
          await using peer = await RtmpPeer.open(server.port);
          assert.equal((await peer.connect('good')).name, '_result');
        } finally {
          rmSync(root, { recursive: true, force: true });
        }
      },
    },
  ],
};
