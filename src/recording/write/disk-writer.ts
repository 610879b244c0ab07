// A file that grows at its end and is patched behind it, written behind the caller's back and in order.
import { close as closeFile, ftruncate, write } from 'node:fs';
import { promisify } from 'node:util';

const writeAt = promisify(write);
const closeAt = promisify(closeFile);
const truncateTo = promisify(ftruncate);

/**
 * More than this waiting while a write is under way: the disk cannot keep up. FMS's RecBuffer/MaxSize is 5 MB, which a
 * single picture may have here.
 */
const MAX_WAITING_BYTES = 32 << 20;

/** What is asked of the disk; tests hand in one that fails when they say so. */
export interface Disk {
  /** How many of the bytes have been written. */
  write(fd: number, bytes: Uint8Array, at: number): Promise<number>;
}

export const systemDisk: Disk = {
  write: async (fd, bytes, at) => (await writeAt(fd, bytes, 0, bytes.length, at)).bytesWritten,
};

export interface DiskWriterOptions {
  readonly fd: number;
  /** Where the file ends. */
  readonly end: number;
  readonly disk: Disk;
  /** Once; nothing is written after that. */
  onError(error: Error): void;
}

export class DiskWriter {
  readonly #fd: number;
  readonly #disk: Disk;
  readonly #onError: (error: Error) => void;
  /** The file's end, with what is being written. */
  #end: number;
  #flushedBytes: number;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  /** Offset → what shall stand there, once what was appended before is written. The last one counts. */
  #patches = new Map<number, Uint8Array>();
  #writing: Promise<void> | undefined;
  #failed = false;

  constructor(options: DiskWriterOptions) {
    this.#fd = options.fd;
    this.#disk = options.disk;
    this.#onError = options.onError;
    this.#end = options.end;
    this.#flushedBytes = options.end;
  }

  /** Of the file, when everything is written. */
  get sizeBytes(): number {
    return this.#end + this.#waitingBytes;
  }
  /** From the beginning on, what the system has. */
  get flushedBytes(): number {
    return this.#flushedBytes;
  }
  get hasFailed(): boolean {
    return this.#failed;
  }

  append(bytes: Uint8Array): void {
    if (this.#failed) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#writing && this.#waitingBytes > MAX_WAITING_BYTES)
      this.#fail(new Error('the disk cannot keep up'));
  }

  /** Over what was appended before. */
  patch(at: number, bytes: Uint8Array): void {
    this.#patches.set(at, bytes);
  }

  /** Hands what waits to the system, in order; resolves when it has it, or has refused it. */
  flush(): Promise<void> {
    if (this.#writing) return this.#writing;
    if (this.#failed || (this.#waiting.length === 0 && this.#patches.size === 0)) return Promise.resolve();
    this.#writing = this.#writeOut().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #writeOut(): Promise<void> {
    try {
      while (this.#waiting.length > 0 && !this.#failed) {
        const bytes = Buffer.concat(this.#waiting);
        this.#waiting = [];
        this.#waitingBytes = 0;
        const at = this.#end;
        this.#end += bytes.length;
        await this.#write(bytes, at);
        this.#flushedBytes = this.#end;
      }
      const patches = this.#patches;
      this.#patches = new Map();
      for (const [at, bytes] of patches) if (!this.#failed) await this.#write(bytes, at);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  async #write(bytes: Uint8Array, at: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      done += await this.#disk.write(this.#fd, bytes.subarray(done), at + done);
    }
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#patches.clear();
    this.#onError(error);
  }

  /** Writes what waits and closes. Resolves in any case. Of what found no room the file keeps no half. */
  async close(): Promise<void> {
    await this.flush();
    await this.flush(); // what came while the first was under way
    if (this.#failed) await this.#saveWhatIsThere().catch(() => {}); // it was told of already
    await closeAt(this.#fd).catch(() => {});
  }

  async #saveWhatIsThere(): Promise<void> {
    await truncateTo(this.#fd, this.#flushedBytes);
    for (const [at, bytes] of this.#patches) await this.#write(bytes, at);
  }
}
