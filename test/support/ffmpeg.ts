// The real ffmpeg and ffprobe: those on the PATH, else the ones in the devDependencies, so that no test skips.
// The latter are static builds that crash on host names: URLs in tests are literal addresses.
import { execFile, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { endsWithUs, Tail } from './child.ts';

/** Kept between runs: clips and binaries, named for what they were made from. */
const CACHE = join(tmpdir(), `understudy-test-${userInfo().uid}`);

export const ffmpegPath: string = onPath('ffmpeg') ?? installed('ffmpeg');
export const ffprobePath: string = onPath('ffprobe') ?? installed('ffprobe');

function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function installed(name: 'ffmpeg' | 'ffprobe'): string {
  const { resolve } = createRequire(import.meta.url);
  const binary = resolve(`@${name}-installer/${process.platform}-${process.arch}/${name}`);
  if (isExecutable(binary)) return binary;
  // Its install script would have made it executable, and no install script runs here (package.json, allowScripts).
  const copy = join(CACHE, `${name}-${statSync(binary).size}`);
  if (!existsSync(copy)) {
    const unfinished = unfinishedIn(CACHE);
    copyFileSync(binary, unfinished);
    chmodSync(unfinished, 0o755);
    renameSync(unfinished, copy);
  }
  return copy;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** A name for a file in the making: renamed when whole, so that test processes running at once never see half a file. */
function unfinishedIn(folder: string): string {
  mkdirSync(folder, { recursive: true });
  return join(folder, `unfinished-${randomUUID()}`);
}

// ---- clips -------------------------------------------------------------------------------------------------------

const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100'];
/** A key frame every 2 s and nowhere else; one thread, so that every machine makes the same clip. */
const GOP = ['-g', '50', '-keyint_min', '50', '-sc_threshold', '0', '-bf', '2', '-threads', '1'];
const AAC = ['-c:a', 'aac', '-b:a', '64k', '-ac', '2'];

/** 28 s of H.264 with B-frames and AAC, 320×180 at 25 a second, as FLV: its timestamps are those of the wire. */
export function h264Clip(): Promise<string> {
  const video = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-b:v', '300k', ...GOP];
  return clip('h264', [...PICTURE, ...SOUND, '-t', '28', ...video, ...AAC, '-f', 'flv']);
}

/** 6 s of HEVC with B-frames and AAC as MP4, for peers that pack it themselves: older ffmpegs cannot send it by RTMP. */
export function hevcClip(): Promise<string> {
  const x265 = 'keyint=50:min-keyint=50:scenecut=0:bframes=2:pools=1:frame-threads=1:log-level=error';
  const video = ['-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-x265-params', x265];
  return clip('hevc', [...PICTURE, ...SOUND, '-t', '6', ...video, '-tag:v', 'hvc1', ...AAC, '-f', 'mp4']);
}

/** The clip that these arguments make, from an earlier run if there was one. */
async function clip(name: string, args: readonly string[]): Promise<string> {
  const recipe = createHash('sha256')
    .update([ffmpegPath, ...args].join('\n'))
    .digest('hex')
    .slice(0, 12);
  const file = join(CACHE, `${name}-${recipe}.${args.at(-1)}`);
  if (existsSync(file)) return file;
  const unfinished = unfinishedIn(CACHE);
  const { exited, stderr } = startFfmpeg([...args, unfinished]);
  const { code } = await exited;
  if (code !== 0) throw new Error(`ffmpeg made no ${name} clip (exit code ${code}):\n${stderr}`);
  renameSync(unfinished, file);
  return file;
}

// ---- running ffmpeg ----------------------------------------------------------------------------------------------

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Ffmpeg {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** The last that it said; turns into text as it stands at that moment. */
  readonly stderr: Tail;
  /** Resolves once it has written this much media; rejects if it ends before. */
  reached(seconds: number): Promise<void>;
  /** Resolves with how many seconds of media it had written by now, or a little later. */
  written(): Promise<number>;
  /** Asks it to finish its file. */
  stop(): Promise<Exit>;
  kill(): Promise<Exit>;
  /** Kills it if it still runs. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Runs ffmpeg; options about the run itself (no questions, overwrite, progress) are added. */
export function startFfmpeg(args: readonly string[]): Ffmpeg {
  const common = ['-hide_banner', '-nostdin', '-nostats', '-progress', 'pipe:1', '-y'];
  const child = endsWithUs(spawn(ffmpegPath, [...common, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }));
  const stderr = new Tail();
  child.stderr.setEncoding('utf8').on('data', (text: string) => stderr.add(text));

  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  exited.catch(() => {}); // whoever awaits it hears of it

  let writtenSeconds = 0;
  const waiting = new Set<() => void>();
  const progress = new Tail(256);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    progress.add(text);
    // Microseconds, whatever the name says.
    const latest = [...String(progress).matchAll(/out_time_ms=(\d+)\n/g)].at(-1);
    if (latest) writtenSeconds = Number(latest[1]) / 1e6;
    for (const check of waiting) check();
  });

  function reached(seconds: number): Promise<void> {
    return new Promise((resolve, reject) => {
      function check(): void {
        if (writtenSeconds < seconds) return;
        waiting.delete(check);
        resolve();
      }
      waiting.add(check);
      check();
      exited.then(
        () => reject(new Error(`ffmpeg ended at ${writtenSeconds} s of ${seconds}:\n${stderr}`)),
        reject,
      );
    });
  }

  /** The report that comes next may have been on its way already. */
  async function written(): Promise<number> {
    for (let report = 0; report < 2; report += 1) await Promise.race([once(child.stdout, 'data'), exited]);
    return writtenSeconds;
  }

  function end(signal: NodeJS.Signals): Promise<Exit> {
    child.kill(signal);
    return exited;
  }

  return {
    pid: child.pid!,
    exited,
    stderr,
    reached,
    written,
    stop: () => end('SIGINT'),
    kill: () => end('SIGKILL'),
    async [Symbol.asyncDispose]() {
      await end('SIGKILL');
    },
  };
}

/** Sends a clip in real time, as an encoder would; `loop` goes on until it is stopped. */
export function publishArgs(clip: string, url: string, options: { loop?: boolean } = {}): string[] {
  const loop = options.loop ? ['-stream_loop', '-1'] : [];
  return ['-re', ...loop, '-i', clip, '-c', 'copy', '-f', 'flv', url];
}

/** Plays into a file, packets and timestamps untouched. */
export function playArgs(url: string, file: string): string[] {
  return ['-copyts', '-i', url, '-c', 'copy', '-f', 'flv', file];
}

/** Plays into a file until the stream ends or so many seconds of it are there. */
export async function recordFor(url: string, file: string, seconds: number): Promise<void> {
  const player = startFfmpeg(playArgs(url, file));
  await Promise.race([player.reached(seconds), player.exited]);
  const { code } = await player.stop();
  assertFinished(player, code);
}

/** Plays into a file until `done` settles; the stream may end before. */
export async function recordUntil(url: string, file: string, done: Promise<unknown>): Promise<void> {
  const player = startFfmpeg(playArgs(url, file));
  await Promise.race([done, player.exited]);
  const { code } = await player.stop();
  assertFinished(player, code);
}

/** 255: stopped by SIGINT, the file finished. */
function assertFinished(player: Ffmpeg, code: number | null): void {
  if (code !== 0 && code !== 255) throw new Error(`ffmpeg ended with exit code ${code}:\n${player.stderr}`);
}

// ---- ffprobe -----------------------------------------------------------------------------------------------------

export interface Packet {
  codecType: 'video' | 'audio' | 'data';
  streamIndex: number;
  /** In the container's time base: ms in FLV. */
  pts: number;
  dts: number;
  ptsSeconds: number;
  dtsSeconds: number;
  size: number;
  isKeyframe: boolean;
  /** An edit list leaves it out; decoders may need it all the same. */
  isDiscarded: boolean;
  /** `MD5:…` of the packet's bytes. */
  hash: string;
}

export interface CodecFacts {
  codecType: 'video' | 'audio' | 'data';
  codecName: string;
  width: number | undefined;
  height: number | undefined;
  sampleRate: number | undefined;
}

/** Every packet of a file or URL in the order it is stored; `seconds` bounds what would not end by itself. */
export async function probePackets(input: string, seconds?: number): Promise<Packet[]> {
  const interval = seconds === undefined ? [] : ['-read_intervals', `%+${seconds}`];
  const { packets } = await ffprobe([...interval, '-show_packets', '-show_data_hash', 'md5', input]);
  return packets.map((packet) => ({
    codecType: packet.codec_type as Packet['codecType'],
    streamIndex: Number(packet.stream_index),
    pts: Number(packet.pts),
    dts: Number(packet.dts),
    ptsSeconds: Number(packet.pts_time),
    dtsSeconds: Number(packet.dts_time),
    size: Number(packet.size),
    isKeyframe: String(packet.flags).startsWith('K'),
    isDiscarded: String(packet.flags).includes('D'),
    hash: String(packet.data_hash),
  }));
}

export async function probeStreams(input: string): Promise<CodecFacts[]> {
  const { streams } = await ffprobe(['-show_streams', input]);
  const number = (value: unknown) => (value === undefined ? undefined : Number(value));
  return streams.map((stream) => ({
    codecType: stream.codec_type as CodecFacts['codecType'],
    codecName: String(stream.codec_name),
    width: number(stream.width),
    height: number(stream.height),
    sampleRate: number(stream.sample_rate),
  }));
}

/** How long the whole file is, by ffprobe. */
export async function probeSeconds(input: string): Promise<number> {
  const { format } = await ffprobe(['-show_format', input]);
  return Number(format?.duration);
}

/** What ffprobe complains of; empty: nothing. */
export async function complaintsAbout(file: string): Promise<string> {
  const run = promisify(execFile)(ffprobePath, ['-v', 'warning', '-show_format', file]);
  endsWithUs(run.child);
  return (await run).stderr;
}

type ProbeRow = Record<string, string | number>;

interface Probe {
  packets: ProbeRow[];
  streams: ProbeRow[];
  format?: ProbeRow;
}

async function ffprobe(args: readonly string[]): Promise<Probe> {
  const run = promisify(execFile)(ffprobePath, ['-v', 'error', '-of', 'json', ...args], {
    maxBuffer: 256 << 20,
  });
  endsWithUs(run.child);
  return JSON.parse((await run).stdout);
}
