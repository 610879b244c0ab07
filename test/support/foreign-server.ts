// Servers of other people's, each on a port of its own on 127.0.0.1, with files in a folder that goes with it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endsWithUs, Tail } from './child.ts';
import { type Program, programPath } from './debian.ts';

export interface ForeignServer extends AsyncDisposable {
  readonly port: number;
}

export interface ForeignOptions {
  program: Program;
  /** Name → what is in it. */
  files(port: number, folder: string): Record<string, string>;
  args(folder: string): string[];
}

/** Tries ports: the programs cannot be told to take any that is free, and somebody else may take it before they do. */
export async function startForeign({ program, files, args }: ForeignOptions): Promise<ForeignServer> {
  const folder = mkdtempSync(join(tmpdir(), `understudy-${program}-`));
  const output = new Tail();
  for (let tries = 0; tries < 5; tries += 1) {
    const port = await freePort();
    for (const [name, text] of Object.entries(files(port, folder))) writeFileSync(join(folder, name), text);
    const child = endsWithUs(
      spawn(programPath(program), args(folder), { stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => output.add(String(text)));
    if (await accepts(port, child)) {
      return {
        port,
        async [Symbol.asyncDispose]() {
          if (child.exitCode === null && child.signalCode === null) {
            child.kill('SIGKILL');
            await once(child, 'exit');
          }
          rmSync(folder, { recursive: true, force: true });
        },
      };
    }
  }
  rmSync(folder, { recursive: true, force: true });
  throw new Error(`${program} does not start:\n${output}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Until it listens or has ended. */
async function accepts(port: number, child: ChildProcess): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return true;
    await new Promise((resolve) => setTimeout(resolve, 20)); // it says nothing when it is ready
  }
  return false;
}
