// `understudy start --inspect` and a debugger that none of us wrote: Node's own, `node inspect`.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { generatedPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import { BuildResult, buildScript } from '../../src/script/build.ts';
import { endsWithUs } from '../support/child.ts';
import { h264Clip, playArgs, probePackets, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { assertSamePackets } from '../support/packets.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer } from '../support/server.ts';

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
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill();
    await once(this.#child, 'exit');
  }
}

/** Where that line of the source is in what runs: front ends with a picture look it up in the source map, and so do we. */
async function lineInBundle(root: string): Promise<number> {
  const outcome = await buildScript(join(root, 'applications', 'chat'), 'chat');
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
