// The builder: a child of the media process that reads what authors write and makes scripts of it, with esbuild as a child of its
// own. Whatever it is given may fill its memory or keep it busy: then the media process ends both.
import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { setPriority } from 'node:os';
import { decodeBody, encodeBytes, FrameReader } from '../../wire/frames.ts';
import { MAX_LOAD_FRAME_BYTES } from '../../wire/wire.ts';
import { buildScript } from '../build.ts';
import { BuilderFrame, type BuildOrder, encodeOutcome } from '../builder-wire.ts';
import { transform } from '../esbuild.ts';

const STDERR_FD = 2;
const CHANNEL_FD = 3;
/** Streams come first, and scripts that run. esbuild inherits it. */
const NICENESS = 5;

const channel = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
const reader = new FrameReader(MAX_LOAD_FRAME_BYTES);
const children = new Set<number>();
let isReady = false;

process.on('uncaughtException', (error) => leave(`the builder broke: ${error?.stack ?? error}`));
channel.on('data', (bytes) => {
  for (const { type, body } of reader.push(bytes)) {
    if (type !== BuilderFrame.Build) throw new Error(`a frame of type ${type}`);
    void build(decodeBody(body) as BuildOrder);
  }
});
channel.on('error', () => leave());
channel.on('close', () => leave());
subscribe('child_process', (message) => {
  const { process: child } = message as { process: import('node:child_process').ChildProcess };
  if (child.pid === undefined) return;
  const { pid } = child;
  children.add(pid);
  child.once('exit', () => children.delete(pid));
  if (isReady) hello();
});

try {
  setPriority(NICENESS);
} catch {
  // it may not, and works all the same
}
await transform('', {}); // the first build need not wait for esbuild
isReady = true;
hello();

function hello(): void {
  const body = Buffer.from(JSON.stringify({ pids: [process.pid, ...children] }));
  channel.write(encodeBytes(BuilderFrame.Hello, 0, body));
}

/** What is thrown is no fault of the author's: esbuild has ended, or we are wrong. The media process starts another builder. */
async function build({ request, limits }: BuildOrder): Promise<void> {
  try {
    channel.write(encodeOutcome(await buildScript(request, limits)));
  } catch (error) {
    leave(`the builder broke: ${(error as Error)?.stack ?? error}`);
  }
}

/** With esbuild, which ends by itself only when it has finished what it is at. */
function leave(message?: string): void {
  if (message !== undefined) writeSync(STDERR_FD, `${message}\n`);
  for (const pid of children) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended
    }
  }
  process.kill(process.pid, 'SIGKILL');
}
