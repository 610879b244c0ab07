// Targets: files of recorded streams, which anybody may have left on the disk.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../src/errors.ts';
import { FlvMedia } from '../../src/recording/read/flv-media.ts';
import type { Media, ReadableFile } from '../../src/recording/read/media.ts';
import { Mp3Media } from '../../src/recording/read/mp3-media.ts';
import { Mp4Media } from '../../src/recording/read/mp4-media.ts';
import { flvFile } from '../support/flv.ts';
import { mp4File } from '../support/mp4.ts';
import { check, type Target } from './target.ts';

const MAX_BYTES = 64 << 10;
const CHUNK_BYTES = 4096;
const MAX_SEGMENTS = 2_000;
const TIMES = [0, 1, 999, 5_000, 4_000_000_000];

class MemoryFile implements ReadableFile {
  readonly path = 'memory';
  readonly #bytes: Buffer;
  isOpen = true;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes);
  }
  get sizeBytes(): number {
    return this.#bytes.length;
  }
  async read(at: number, length: number): Promise<Buffer> {
    check(at >= 0 && Number.isSafeInteger(at), `read at ${at}`);
    check(length >= 0 && length <= 32 << 20, `read of ${length} bytes`);
    return Buffer.from(this.#bytes.subarray(at, at + length));
  }
  async close(): Promise<void> {
    this.isOpen = false;
  }
}

async function tryFile(open: (file: ReadableFile) => Promise<Media>, bytes: Uint8Array): Promise<void> {
  const file = new MemoryFile(bytes);
  try {
    const media = await open(file);
    check(media.lengthMs >= 0 && Number.isFinite(media.lengthMs), `${media.lengthMs} ms long`);
    for (const ms of TIMES) {
      await media.keyframeFrom(ms);
      await play(media, (await media.keyframeBefore(ms))?.at);
    }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
  }
}

async function play(media: Media, begin: number | undefined): Promise<void> {
  let at = begin;
  for (let i = 0; at !== undefined && i < MAX_SEGMENTS; i += 1) {
    const segment = await media.read(at);
    if (!segment) return;
    check(segment.next > at, `from ${at} on to ${segment.next}`);
    for (const { timestampMs } of segment.messages) {
      check(timestampMs === timestampMs >>> 0, `a message at ${timestampMs} ms`);
    }
    at = segment.next;
  }
}

function fileTarget(name: string, open: (file: ReadableFile) => Promise<Media>, seeds: Uint8Array[]): Target {
  return { name, seeds, maxBytes: MAX_BYTES, run: (input) => tryFile(open, input) };
}

const capture = readFileSync(join(import.meta.dirname, '..', 'captures', 'hevc-aac.flv'));

export const recordedTargets: readonly Target[] = [
  fileTarget('recorded-flv', (file) => FlvMedia.open(file, undefined, CHUNK_BYTES), [
    flvFile({ ms: 2_000, gopMs: 400, isIndexed: true, durationS: 2 }).bytes,
    flvFile({ ms: 1_000, hasVideo: false }).bytes,
    capture.subarray(0, MAX_BYTES),
  ]),
  fileTarget('recorded-mp4', (file) => Mp4Media.open(file, undefined, CHUNK_BYTES), [
    mp4File({ samples: 30 }),
    mp4File({ samples: 30, isFragmented: true }),
  ]),
  fileTarget('recorded-mp3', (file) => Mp3Media.open(file, CHUNK_BYTES, false), [
    Buffer.concat(
      Array.from({ length: 20 }, () => Buffer.concat([Buffer.from('fffb9000', 'hex'), Buffer.alloc(413)])),
    ),
    Buffer.concat([
      Buffer.from('494433040000000000105449543200000006000003746974656c', 'hex'),
      Buffer.alloc(40),
    ]),
  ]),
];
