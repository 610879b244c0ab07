// `understudy start --inspect` and a debugger that none of us wrote: Node's own, `node inspect`.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { generatedPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import { BuildResult } from '../../src/script/source/build-outcome.ts';
import { buildIn } from '../script/support/built.ts';
import { listTargets, TestDebugger } from '../script/support/debugger.ts';
import { endsWithUs } from '../support/child.ts';
import { h264Clip, playArgs, probePackets, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { assertSamePackets } from '../support/packets.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { type LogRecord, startServer } from '../support/server.ts';

const SCRIPT = `interface Guest { name: string }

application.onConnect = (client, name: string = 'nobody') => {
  const guest: Guest = { name };
  const text = 'hello '.concat(guest.name);
  trace(text);
  return true;
};
Client.prototype.sum = (a: number, b: number): number => a + b;
`;
const LINE = SCRIPT.split('\n').findIndex((line) => line.includes('const text')) + 1;
const PATIENCE_MS = 20_000;

/** The command in a terminal. */
class NodeInspect implements AsyncDisposable {
  readonly #child: ChildProcess;
  #said = '';
  #read = 0;
  readonly #watchers = new Set<() => void>();

  constructor(port: number) {
    const env = { ...process.env, NO_COLOR: '1', TERM: 'dumb' };
    const child = spawn(process.execPath, ['inspect', `127.0.0.1:${port}`], { env, stdio: 'pipe' });
    this.#child = endsWithUs(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text;
        for (const watcher of [...this.#watchers]) watcher();
      });
    }
  }

  type(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  /** The next thing that it says and that nobody has waited for. */
  says(what: RegExp): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const timer = setTimeout(() => reject(new Error(`no ${what} in:\n${this.#said}`)), PATIENCE_MS);
    const look = () => {
      const found = what.exec(this.#said.slice(this.#read));
      if (!found) return;
      this.#read += found.index + found[0].length;
      this.#watchers.delete(look);
      clearTimeout(timer);
      resolve(found[0]);
    };
    this.#watchers.add(look);
    look();
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGTERM');
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill(signal);
    await once(this.#child, 'exit');
  }
}

/** Where that line of the source is in what runs: front ends with a picture look it up in the source map, and so do we. */
async function lineInBundle(root: string): Promise<number> {
  const outcome = await buildIn(join(root, 'applications', 'chat'), 'chat');
  assert.ok(outcome.result === BuildResult.Built && outcome.build.sourceMap);
  const map = new TraceMap(outcome.build.sourceMap);
  const { line } = generatedPositionFor(map, { source: 'main.ts', line: LINE, column: 2 });
  assert.ok(line);
  return line;
}

test('node inspect breaks in the TypeScript of a script, looks around and goes on; its stream loses nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-inspect-'));
  try {
    const clip = join(folder, 'clip.flv');
    const cut = startFfmpeg(['-i', await h264Clip(), '-c', 'copy', '-t', '5', clip]);
    assert.equal((await cut.exited).code, 0, String(cut.stderr));
    const file = join(folder, 'played.flv');
    await using server = await startServer({
      applications: { 'chat/main.ts': SCRIPT },
      set: { 'SERVER.DEBUG_PORT': '0' },
      args: ['--inspect=chat'],
    });
    const url = server.url('chat', 'show');
    await using player = startFfmpeg(playArgs(url, file));
    await server.waitForLog(({ event }) => event === 'play');
    await using publisher = startFfmpeg(publishArgs(clip, url));
    await publisher.reached(0.5);

    await using inspect = new NodeInspect(server.listener('inspector').port);
    await inspect.says(/ok\n[\s\S]*debug> /);
    inspect.type(`setBreakpoint('main.ts', ${await lineInBundle(server.root)})`);
    await inspect.says(/> *\d+ +const text = [\s\S]*debug> /);
    await using peer = await RtmpPeer.open(server.port);
    const connected = peer.connect('chat', {}, 'ann');
    await inspect.says(/break in app:\/\/\/chat\/main\.ts[\s\S]*debug> /);
    inspect.type('exec("guest.name + JSON.stringify(client.id.length > 0)")');
    await inspect.says(/'anntrue'\s+debug> /);
    inspect.type('bt');
    await inspect.says(/#0 application\.onConnect app:\/\/\/chat\/main\.ts/);
    await publisher.reached(2.5); // far beyond what a turn may take
    assert.equal(
      server.log.find(({ event }) => event === 'script-error'),
      undefined,
    );
    inspect.type('cont');
    assert.equal((await connected).name, '_result');

    const left = server.waitForLog(({ msg }) => msg === 'the debugger has left chat/_definst_');
    await inspect[Symbol.asyncDispose]();
    await left;
    assert.deepEqual((await peer.call('sum', 2, 3)).args, [5]);
    for (const run of [publisher, player]) assert.equal((await run.exited).code, 0, String(run.stderr));
    assertSamePackets(await probePackets(file), await probePackets(clip));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Replaced versions are disposed of a second after the new one serves; until then, everything looks well. */
const OLD_VERSION_MS = 1000;

test('a debugger attaches, leaves, the script is saved, it attaches again, is killed …: what another application remembers stays', async () => {
  await using server = await startServer({
    applications: {
      'chat/main.ts': 'application.onConnect = () => true;\nClient.prototype.version = () => 0;\n',
      'next/main.ts': 'let count = 0;\nClient.prototype.count = () => ++count;\n',
    },
    set: { 'SERVER.DEBUG_PORT': '0' },
    args: ['--inspect=chat'],
  });
  const { port } = server.listener('inspector');
  const attach = async () => TestDebugger.attach((await listTargets(port))[0]!.webSocketDebuggerUrl);
  const later = (fits: (record: LogRecord) => boolean) =>
    server.waitForLog(fits, PATIENCE_MS, server.log.length);
  const left = () => later(({ msg }) => msg === 'the debugger has left chat/_definst_');
  await using chat = await RtmpPeer.open(server.port);
  await chat.connect('chat');
  await using next = await RtmpPeer.open(server.port);
  await next.connect('next');
  let count = 0;
  let version = 0;
  const remembers = async () => assert.deepEqual((await next.call('count')).args, [++count]);
  const save = async () => {
    version += 1;
    const serves = later(({ event }) => event === 'script-reload');
    writeFileSync(
      join(server.root, 'applications', 'chat', 'main.ts'),
      `application.onConnect = () => true;\nClient.prototype.version = () => ${version};\n`,
    );
    await serves;
    assert.deepEqual((await chat.call('version')).args, [version]);
  };
  await remembers();
  const savedAt = performance.now();
  do {
    const first = await attach(); // attaches and leaves without a word
    await Promise.all([left(), first.leave()]);
    await save();
    const second = await attach(); // is attached while the script is saved
    await second.send('Debugger.enable');
    await Promise.all([left(), second.closed, save()]);
    const third = new NodeInspect(port); // is killed
    await third.says(/ok\n[\s\S]*debug> /);
    await Promise.all([left(), third.end('SIGKILL')]);
    await save();
    await using again = await attach();
    await again.send('Runtime.enable');
    await remembers();
  } while (performance.now() - savedAt < 3 * OLD_VERSION_MS);
  const ended = server.log.filter(({ event }) => event === 'runner-ended');
  assert.deepEqual(ended, []);
});
