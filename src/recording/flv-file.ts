// An FLV file that grows: opened at once, written behind the caller's back, its duration put in at the end.
import {
  close as closeFile,
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  write,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { RecordingError } from '../errors.ts';
import { DURATION_OFFSET, encodeFlvHeader } from '../media/flv.ts';
import { MessageType } from '../protocol/message.ts';

const writeAt = promisify(write);
const closeAt = promisify(closeFile);

const HEADER_BYTES = 13; // with the 0 in front of the first tag
const TAG_HEAD_BYTES = 11;
const BACK_POINTER_BYTES = 4;
const TAG_TYPES: ReadonlySet<number> = new Set([
  MessageType.Audio,
  MessageType.Video,
  MessageType.DataAmf0,
  MessageType.DataAmf3,
]);
const FLAGS_OFFSET = 4;
const META_DATA_MARK = Buffer.from('\x02\x00\x0aonMetaData\x08', 'latin1');
const DURATION_KEY = Buffer.from('\x00\x08duration\x00', 'latin1');

/**
 * More than this waiting while a write is under way: the disk cannot keep up. FMS's RecBuffer/MaxSize is 5 MB, which a
 * single picture may have here.
 */
const MAX_WAITING_BYTES = 32 << 20;

export interface GrowingFlv {
  readonly path: string;
  /** Of the last tag that was there when it was opened for appending. */
  readonly lastTimestampMs: number | undefined;
}

export class FlvFile implements GrowingFlv {
  readonly path: string;
  readonly lastTimestampMs: number | undefined;
  readonly #fd: number;
  readonly #onError: (error: Error) => void;
  /** Where the eight bytes of the duration stand; undefined in a file that has no place for them. */
  #durationAt: number | undefined;
  #flags: number;
  #end: number;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #failed = false;

  private constructor(path: string, fd: number, begin: FileBegin, onError: (error: Error) => void) {
    this.path = path;
    this.#fd = fd;
    this.#onError = onError;
    this.#end = begin.end;
    this.#flags = begin.flags;
    this.#durationAt = begin.durationAt;
    this.lastTimestampMs = begin.lastTimestampMs;
  }

  /** `append` goes on behind the last whole tag of an existing file; what a crash left of a tag is cut off. */
  static open(path: string, append: boolean, onError: (error: Error) => void): FlvFile {
    let fd: number | undefined;
    try {
      mkdirSync(dirname(path), { recursive: true });
      fd = openForWriting(path, append);
      return new FlvFile(path, fd, append ? readBegin(fd) : writeBegin(fd), onError);
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      if (error instanceof RecordingError) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      const denied = code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
      throw new RecordingError(
        denied ? 'NetStream.Record.NoAccess' : 'NetStream.Record.Failed',
        `The recording cannot be opened (${code ?? message}).`,
        { cause: error },
      );
    }
  }

  get sizeBytes(): number {
    return this.#end + this.#waitingBytes;
  }

  /** Whole tags. */
  append(tag: Uint8Array): void {
    if (this.#failed) return;
    this.#waiting.push(tag);
    this.#waitingBytes += tag.length;
    if (this.#writing && this.#waitingBytes > MAX_WAITING_BYTES)
      this.#fail(new Error('the disk cannot keep up'));
  }

  /** The tag that is appended next is onMetaData as encodeOnMetaData makes it. */
  expectMetaData(): void {
    this.#durationAt = this.sizeBytes + TAG_HEAD_BYTES + DURATION_OFFSET;
  }

  /** Hands what waits to the system, in order. */
  flush(): void {
    if (this.#writing || this.#waiting.length === 0 || this.#failed) return;
    this.#writing = this.#writeOut().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeOut(): Promise<void> {
    try {
      while (this.#waiting.length > 0 && !this.#failed) {
        const bytes = Buffer.concat(this.#waiting);
        this.#waiting = [];
        this.#waitingBytes = 0;
        const at = this.#end;
        this.#end += bytes.length;
        for (let done = 0; done < bytes.length; ) {
          done += (await writeAt(this.#fd, bytes, done, bytes.length - done, at + done)).bytesWritten;
        }
      }
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#onError(error);
  }

  /** Writes what waits, the duration and what the file holds, and closes. Resolves in any case. */
  async close(durationMs: number, has: { audio: boolean; video: boolean }): Promise<void> {
    this.flush();
    await this.#writing;
    this.flush();
    await this.#writing;
    try {
      if (this.#durationAt !== undefined) {
        const duration = Buffer.alloc(8);
        duration.writeDoubleBE(durationMs / 1000);
        await writeAt(this.#fd, duration, 0, 8, this.#durationAt);
      }
      const flags =
        this.#flags | encodeFlvHeader({ hasAudio: has.audio, hasVideo: has.video })[FLAGS_OFFSET]!;
      await writeAt(this.#fd, Buffer.from([flags]), 0, 1, FLAGS_OFFSET);
    } catch (error) {
      this.#fail(error as Error);
    }
    await closeAt(this.#fd).catch(() => {});
  }
}

interface FileBegin {
  end: number;
  flags: number;
  durationAt: number | undefined;
  lastTimestampMs: number | undefined;
}

function openForWriting(path: string, append: boolean): number {
  if (!append) return openSync(path, 'w');
  try {
    return openSync(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return openSync(path, 'wx+');
  }
}

function writeBegin(fd: number): FileBegin {
  writeSync(fd, encodeFlvHeader({ hasAudio: false, hasVideo: false }));
  return { end: HEADER_BYTES, flags: 0, durationAt: undefined, lastTimestampMs: undefined };
}

function readBegin(fd: number): FileBegin {
  const size = fstatSync(fd).size;
  if (size === 0) return writeBegin(fd);
  const head = Buffer.alloc(HEADER_BYTES);
  readSync(fd, head, 0, HEADER_BYTES, 0);
  if (head.toString('latin1', 0, 3) !== 'FLV' || head.readUInt32BE(5) !== HEADER_BYTES - 4) {
    throw new RecordingError(
      'NetStream.Record.NoAccess',
      'The file of that name is not an FLV that can be appended to.',
    );
  }
  const { end, lastTimestampMs } = lastTagBehind(fd, size) ?? walkOverTags(fd, size);
  if (end < size) ftruncateSync(fd, end);
  return { end, flags: head[FLAGS_OFFSET]!, durationAt: findDuration(fd, end), lastTimestampMs };
}

/** Where whole tags end, and the time of the last of them. */
interface TagsEnd {
  end: number;
  lastTimestampMs: number | undefined;
}

/** The file ends with a tag, to which its last four bytes lead: so it is with all that were closed. */
function lastTagBehind(fd: number, size: number): TagsEnd | undefined {
  const pointer = Buffer.alloc(BACK_POINTER_BYTES);
  if (size < HEADER_BYTES + TAG_HEAD_BYTES + BACK_POINTER_BYTES) return undefined;
  readSync(fd, pointer, 0, BACK_POINTER_BYTES, size - BACK_POINTER_BYTES);
  const at = size - BACK_POINTER_BYTES - pointer.readUInt32BE(0);
  if (at < HEADER_BYTES) return undefined;
  const tag = readTagHead(fd, at);
  return tag && tag.next === size ? { end: size, lastTimestampMs: tag.timestampMs } : undefined;
}

/** After a crash: from the first tag on, which takes its time, as long as they are whole and make sense. */
function walkOverTags(fd: number, size: number): TagsEnd {
  let end = HEADER_BYTES;
  let lastTimestampMs: number | undefined;
  while (end + TAG_HEAD_BYTES + BACK_POINTER_BYTES <= size) {
    const tag = readTagHead(fd, end);
    if (!tag || tag.next > size) break;
    lastTimestampMs = tag.timestampMs;
    end = tag.next;
  }
  return { end, lastTimestampMs };
}

/** `undefined`: those bytes are none. Some file systems leave zeros behind the last that was written. */
function readTagHead(fd: number, at: number): { next: number; timestampMs: number } | undefined {
  const head = Buffer.alloc(TAG_HEAD_BYTES);
  readSync(fd, head, 0, TAG_HEAD_BYTES, at);
  if (!TAG_TYPES.has(head[0]!) || head.readUIntBE(8, 3) !== 0) return undefined;
  return {
    next: at + TAG_HEAD_BYTES + head.readUIntBE(1, 3) + BACK_POINTER_BYTES,
    timestampMs: head.readUIntBE(4, 3) + head[7]! * 0x1_00_00_00,
  };
}

/** In a file of ours the first tag is onMetaData, and its first entry the duration. */
function findDuration(fd: number, end: number): number | undefined {
  const at = HEADER_BYTES + TAG_HEAD_BYTES;
  const begin = Buffer.alloc(DURATION_OFFSET);
  if (end < at + DURATION_OFFSET + 8) return undefined;
  readSync(fd, begin, 0, begin.length, at);
  const isOurs =
    begin.subarray(0, META_DATA_MARK.length).equals(META_DATA_MARK) &&
    begin.subarray(DURATION_OFFSET - DURATION_KEY.length).equals(DURATION_KEY);
  return isOurs ? at + DURATION_OFFSET : undefined;
}
