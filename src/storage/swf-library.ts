// The SWFs of some folders, as what is known of each: read when somebody asks and they have not been read for a while.
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createInflate } from 'node:zlib';
import { listAuthorFolder, readAuthorFile, versionOfFile } from '../disk/author-file.ts';
import { FileError } from '../errors.ts';

/** Takes a SWF in parts. */
export interface SwfHasher<Swf> {
  update(bytes: Uint8Array): void;
  done(): Swf;
}

export interface SwfLibraryOptions<Swf> {
  folders: readonly string[];
  /** How many folders below each are looked through as well. */
  levels: number;
  /** What has gone or has changed counts for so long: players may still run it. */
  keepMs: number;
  /** An unknown one has the folders read again, not more often than this. */
  refreshMs: number;
  /** Whoever asks waits no longer for them to be read. */
  maxWaitMs: number;
  nowMs(): number;
  /** What is kept of a SWF: of its bytes as they are when they are not compressed, from FWS on. */
  hasher(): SwfHasher<Swf>;
  /** A file that cannot be read, once for each of its versions. */
  say(problem: string): void;
}

const MAX_FILES = 1000;
const MAX_FILE_BYTES = 64 << 20;
const MAX_UNCOMPRESSED_BYTES = 256 << 20;
const HEADER_BYTES = 8;
/** Of one folder. */
const MAX_ENTRIES = 20_000;
/** Hashed in one go. */
const PART_BYTES = 1 << 20;

interface Entry<Swf> {
  /** Undefined: it cannot be read. */
  readonly swf: Swf | undefined;
  /** When its file was last there. */
  seenMs: number;
}

export class SwfLibrary<Swf> {
  readonly #options: SwfLibraryOptions<Swf>;
  /** By file, size and time of change. */
  readonly #entries = new Map<string, Entry<Swf>>();
  #readMs: number | undefined;
  #reading: Promise<void> | undefined;

  constructor(options: SwfLibraryOptions<Swf>) {
    this.#options = options;
  }

  async some(holds: (swf: Swf) => boolean): Promise<boolean> {
    if (this.#has(holds)) return true;
    const { refreshMs, nowMs } = this.#options;
    const isDue = this.#readMs === undefined || nowMs() - this.#readMs >= refreshMs;
    if (!isDue && !this.#reading) return false;
    await this.#refresh();
    return this.#has(holds);
  }

  #has(holds: (swf: Swf) => boolean): boolean {
    const oldestMs = this.#options.nowMs() - this.#options.keepMs;
    for (const { swf, seenMs } of this.#entries.values()) {
      if (swf !== undefined && seenMs >= oldestMs && holds(swf)) return true;
    }
    return false;
  }

  async #refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#options.maxWaitMs);
    await Promise.race([this.#reading, late]);
    clearTimeout(timer);
  }

  async #read(): Promise<void> {
    const { folders, levels, nowMs, keepMs } = this.#options;
    this.#readMs = nowMs();
    const files = (await Promise.all(folders.map((folder) => swfsIn(folder, levels)))).flat();
    if (files.length > MAX_FILES) this.#options.say(`${folders.join(', ')}: more than ${MAX_FILES} SWFs`);
    for (const file of files.slice(0, MAX_FILES)) await this.#readOne(file); // one after another: they are large
    for (const [key, { seenMs }] of this.#entries) if (nowMs() - seenMs > keepMs) this.#entries.delete(key);
  }

  async #readOne(file: string): Promise<void> {
    const version = await versionOfFile(file);
    if (version === undefined) return;
    const key = `${version} ${file}`;
    const seenMs = this.#options.nowMs();
    const known = this.#entries.get(key);
    if (known) {
      known.seenMs = seenMs;
      return;
    }
    let swf: Swf | undefined;
    try {
      const found = await readAuthorFile(file, { maxBytes: MAX_FILE_BYTES });
      if (!found) return;
      const hasher = this.#options.hasher();
      for await (const part of uncompressed(found.bytes)) {
        hasher.update(part);
        await setImmediate(); // the thread is that of the media
      }
      swf = hasher.done();
    } catch (error) {
      if (error instanceof FileError && error.code === 'ERR_FILE_KIND') return;
      this.#options.say(`${file} is no SWF that can be read: ${(error as Error).message}`);
    }
    this.#entries.set(key, { swf, seenMs });
  }
}

/** In the order of their names; a folder that is not there, or has too many entries, has none. */
async function swfsIn(folder: string, levels: number): Promise<string[]> {
  const entries = (await listAuthorFolder(folder, MAX_ENTRIES).catch(() => undefined)) ?? [];
  const files: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (levels > 0) files.push(...(await swfsIn(path, levels - 1)));
    } else if (/\.swf$/i.test(entry.name)) files.push(path);
    if (files.length > MAX_FILES) break;
  }
  return files;
}

// | `FWS`, `CWS` or `ZWS` | version u8 | uncompressed length u32 LE | the rest: as it is, by zlib, by LZMA |
async function* uncompressed(swf: Buffer): AsyncGenerator<Uint8Array> {
  const signature = swf.toString('latin1', 0, 3);
  if (signature === 'FWS' && swf.length > HEADER_BYTES) {
    for (let at = 0; at < swf.length; at += PART_BYTES) yield swf.subarray(at, at + PART_BYTES);
    return;
  }
  if (signature === 'ZWS') throw new Error('it is compressed by LZMA; save it compressed by zlib');
  if (signature !== 'CWS') throw new Error('it does not begin with FWS or CWS');
  yield Buffer.concat([Buffer.from('F'), swf.subarray(1, HEADER_BYTES)]);
  const inflate = createInflate({ chunkSize: PART_BYTES });
  inflate.end(swf.subarray(HEADER_BYTES));
  let bytes = HEADER_BYTES;
  for await (const part of inflate) {
    bytes += part.length;
    if (bytes > MAX_UNCOMPRESSED_BYTES) throw new Error(`it has more than ${MAX_UNCOMPRESSED_BYTES} bytes`);
    yield part;
  }
}
