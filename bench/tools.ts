// What is made on first use and kept outside the repository: the load generator, compiled, and the clip that is published.
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ffmpegPath } from '../test/support/ffmpeg.ts';

const execute = promisify(execFile);

export const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'understudy-bench');
const SOURCES = join(import.meta.dirname, 'load');
const CFLAGS = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-pthread'];

export interface Tools {
  rtmpload: string;
  sendcost: string;
  clip: string;
}

export async function makeTools(): Promise<Tools> {
  const files = readdirSync(SOURCES).filter((file) => /\.[ch]$/.test(file));
  const hash = createHash('sha256').update(CFLAGS.join(' '));
  for (const file of files.sort()) hash.update(readFileSync(join(SOURCES, file)));
  const version = hash.digest('hex').slice(0, 12);
  const rtmpload = files.filter((file) => file.endsWith('.c') && file !== 'sendcost.c');
  return {
    rtmpload: await made(`rtmpload-${version}`, (to) => compile(rtmpload, to)),
    sendcost: await made(`sendcost-${version}`, (to) => compile(['sendcost.c'], to)),
    clip: await made(
      `clip-${createHash('sha256').update(CLIP.join(' ')).digest('hex').slice(0, 12)}.flv`,
      encode,
    ),
  };
}

/** The file of that name in the cache, made under another name first: nobody ever sees half of it. */
async function made(name: string, make: (file: string) => Promise<void>): Promise<string> {
  const file = join(CACHE, name);
  if (existsSync(file)) return file;
  mkdirSync(CACHE, { recursive: true });
  const unfinished = join(CACHE, `unfinished-${randomUUID()}`);
  await make(unfinished);
  renameSync(unfinished, file);
  return file;
}

async function compile(sources: readonly string[], to: string): Promise<void> {
  const paths = sources.map((source) => join(SOURCES, source));
  await execute(process.env.CC ?? 'cc', [...CFLAGS, '-o', to, ...paths]);
}

/** 20 s of what a camera sends: 720p30 H.264 at a constant 2 Mbit/s, a keyframe every 2 s, AAC at 128 kbit/s. */
const CLIP = [
  ...['-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=30,noise=alls=12:allf=t'],
  ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100', '-t', '20'],
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-threads', '1', '-pix_fmt', 'yuv420p'],
  ...['-b:v', '2M', '-minrate', '2M', '-maxrate', '2M', '-bufsize', '2M'],
  ...['-g', '60', '-keyint_min', '60', '-sc_threshold', '0', '-c:a', 'aac', '-b:a', '128k', '-f', 'flv'],
];

async function encode(to: string): Promise<void> {
  await execute(ffmpegPath, ['-hide_banner', '-v', 'error', '-nostdin', '-y', ...CLIP, to]);
}
