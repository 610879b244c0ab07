// More connections, files and processes than the system lets the server have.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { membersOf } from '../../../src/protocol/amf/amf.ts';
import type { Command } from '../../../src/protocol/rtmp/command.ts';
import { flvFile } from '../../support/flv.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import type { LogRecord, TestServer } from '../../support/server.ts';
import type { Siege, Stage } from '../stage.ts';

/** More than there is room for. */
const CROWD = 400;
/** Files that can be played, and how many of them one connection plays. */
const FILMS = 300;
const STREAMS = 40;
const COME_IN_ATTEMPTS = 20;

/** Sockets that stay open as far as the server lets them, and say nothing. */
async function crowd(port: number): Promise<AsyncDisposable> {
  const sockets: Socket[] = [];
  for (let i = 0; i < CROWD; i += 1) {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => {});
    sockets.push(socket);
    await once(socket, 'connect').catch(() => {});
  }
  return {
    async [Symbol.asyncDispose]() {
      const open = sockets.filter(({ closed }) => !closed);
      const gone = open.map((socket) => once(socket, 'close'));
      for (const socket of open) socket.destroy();
      await Promise.all(gone);
    },
  };
}

function isRunner({ event, scope }: LogRecord): boolean {
  return event === 'runner' && scope === 'shared';
}

function isRefusal({ event, limit }: LogRecord): boolean {
  return event === 'limit' && limit === 'OpenFiles';
}

async function killRunner(server: TestServer): Promise<void> {
  const { pid } = server.log.filter(isRunner).at(-1)!;
  const since = server.log.length;
  process.kill(Number(pid), 'SIGKILL');
  await server.waitForLog(isRunner, undefined, since);
}

/** The connections of the attack end in turns: as long as they hold descriptors, newcomers are turned away. */
async function comesIn({ server }: Stage, application: string, ...args: number[]): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await using peer = await RtmpPeer.open(server.port);
      assert.equal((await peer.connect(application, {}, ...args)).name, '_result');
      return;
    } catch (error) {
      if (attempt === COME_IN_ATTEMPTS) throw error;
      await sleep(500);
    }
  }
}

function codeOf(command: Command | undefined): string {
  return command?.name === 'onStatus' ? String(membersOf(command.args.at(-1)!)?.code) : '';
}

/** Players that have a file each for all their streams, until one is refused. */
async function playAll({ server }: Stage): Promise<AsyncDisposable> {
  const peers: RtmpPeer[] = [];
  while (peers.length < FILMS / STREAMS) {
    const peer = await RtmpPeer.open(server.port);
    peers.push(peer);
    assert.equal((await peer.connect('vod')).name, '_result');
  }
  let file = 0;
  for (let isRefused = false; !isRefused && file < FILMS; file += 1) {
    const peer = peers[file % peers.length]!;
    const id = await peer.createStream();
    peer.command('play', 0, [`film${file}`, 0], id);
    const answer = await peer.expect('an answer', ({ command }) => /Start|Failed/.test(codeOf(command)));
    isRefused = codeOf(answer.command) === 'NetStream.Play.Failed';
  }
  assert.ok(file < FILMS, 'a film was refused');
  return {
    async [Symbol.asyncDispose]() {
      for (const peer of peers) await peer[Symbol.asyncDispose]();
    },
  };
}

export const SIEGE: Siege = {
  title: 'descriptors',
  server: {
    maxOpenFiles: 256,
    applications: { 'vod/': '' },
  },
  attacks: [
    {
      name: 'a crowd of connections, beyond what the system allows',
      isCrowded: true,
      async run(stage) {
        const since = stage.server.log.length;
        {
          await using _ = await crowd(stage.server.port);
          await stage.server.waitForLog(isRefusal, undefined, since);
        }
        await comesIn(stage, 'live');
      },
    },
    {
      name: 'a crowd of connections, while the process that runs scripts dies again and again',
      isCrowded: true,
      async run(stage) {
        {
          await using _ = await crowd(stage.server.port);
          for (let i = 0; i < 3; i += 1) await killRunner(stage.server);
        }
        await comesIn(stage, 'good', 7);
      },
    },
    {
      name: 'players that keep hundreds of files open, while the process that runs scripts dies',
      isCrowded: true,
      async run(stage) {
        const folder = join(stage.server.root, 'applications', 'vod', 'streams', '_definst_');
        mkdirSync(folder, { recursive: true });
        const { bytes } = flvFile({ ms: 1000 });
        for (let i = 0; i < FILMS; i += 1) writeFileSync(join(folder, `film${i}.flv`), bytes);
        {
          await using _ = await playAll(stage);
          await killRunner(stage.server);
        }
        await comesIn(stage, 'good', 7);
      },
    },
  ],
};
