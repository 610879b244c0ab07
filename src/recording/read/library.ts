// Recorded streams, for those who play them: each file is open once and read once, however many look at it.
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  CacheStats,
  Place,
  RecordedCatalog,
  RecordedRequest,
  RecordedStream,
  RecordedStreams,
  Segment,
} from '../../application/contract/recorded.ts';
import { Turnstile } from '../../application/pace/turnstile.ts';
import { systemClock } from '../../clock.ts';
import { CodedError, DecodeError, StatusError } from '../../errors.ts';
import { LineLimit } from '../../log/line-limit.ts';
import { type Log, logBug } from '../../log/log.ts';
import { folderName } from '../../storage/names.ts';
import { findsOtherSpelling } from '../../storage/spelling.ts';
import { DiskFile } from './disk-file.ts';
import { FlvMedia } from './flv-media.ts';
import type { StreamFolders } from './folders.ts';
import type { GrowingFile, GrowingFiles } from './growing.ts';
import { type IndexLease, IndexMemory, type Reserve } from './index-memory.ts';
import { asStatusError, type Media } from './media.ts';
import { Container, type MediaName, mediaName, streamName } from './media-name.ts';
import { Mp3Media } from './mp3-media.ts';
import { Mp4Media } from './mp4-media.ts';
import { SegmentCache } from './segment-cache.ts';

/**
 * Files that are opened, looked through or read at once, for all players: each is a few ms of computing when the disk has
 * answered. Node's own threads do four.
 */
const MAX_AT_ONCE = 16;
const MAX_REFUSED = 256;

interface Shared {
  readonly key: string;
  readonly media: Promise<Media>;
  readonly index: IndexLease;
  users: number;
}

export interface LibraryOptions {
  readonly cache?: SegmentCache;
  readonly hasRoom?: () => boolean;
  readonly indexes?: IndexMemory;
  readonly lines?: LineLimit;
}

export class MediaLibrary implements RecordedStreams, RecordedCatalog {
  readonly cache: SegmentCache;
  readonly #folders: StreamFolders;
  readonly #log: Log;
  readonly #growing: GrowingFiles;
  /** So that a recording, and the one that follows it under its name, are not taken for each other. */
  readonly #growingIds = new WeakMap<GrowingFile, number>();
  #lastGrowingId = 0;
  /** Applications of which a line has been written: `#noteFormer`. */
  readonly #noted = new Set<string>();
  /** What has been looked at and makes no sense, by file and date: it is not looked at again. */
  readonly #refused = new Map<string, DecodeError>();
  readonly #turnstile = new Turnstile(MAX_AT_ONCE);
  /** Files that are being opened or read, or wait for that. */
  #inHand = 0;
  /** File and chunk size → what is open. */
  readonly #open = new Map<string, Shared>();

  readonly #hasRoom: () => boolean;
  readonly #indexes: IndexMemory;
  readonly #lines: LineLimit;

  /**
   * `growing`: what is being recorded now. `hasRoom`: false when the process has too many files and sockets open for another one.
   * `indexes`: of all virtual hosts together.
   */
  constructor(
    folders: StreamFolders,
    growing: GrowingFiles,
    log: Log,
    {
      cache = new SegmentCache(),
      hasRoom = () => true,
      indexes = new IndexMemory(Number.POSITIVE_INFINITY),
      lines = new LineLimit(systemClock),
    }: LibraryOptions = {},
  ) {
    this.#indexes = indexes;
    this.#lines = lines;
    this.#folders = folders;
    this.#growing = growing;
    this.#log = log;
    this.#hasRoom = hasRoom;
    this.cache = cache;
  }

  get cacheStats(): CacheStats {
    return this.cache.stats;
  }

  async names(application: string, instance: string, limit: number): Promise<string[]> {
    const found = new Set<string>();
    for (const { folder, prefix } of this.#folders.roots(application, instance)) {
      for await (const file of filesBelow(folder)) {
        const whole = prefix === '' ? file : `${prefix}/${file}`;
        const name = streamName(whole);
        if (name !== undefined && this.#isPlaceOf(application, instance, whole, join(folder, file)))
          found.add(name);
        if (found.size >= limit) return [...found].sort();
      }
    }
    return [...found].sort();
  }

  /** The folder may be mapped to other names. */
  #isPlaceOf(application: string, instance: string, file: string, path: string): boolean {
    return this.#folders.places(application, instance, file).some((place) => place.path === path);
  }

  /** The applications take turns. */
  async #inTurn<T>(application: string, work: () => Promise<T>): Promise<T> {
    this.#inHand += 1;
    const leave = await this.#turnstile.enter(application);
    try {
      return await work();
    } finally {
      leave();
      this.#inHand -= 1;
    }
  }

  /** Whether a file is being opened or read, or waits for that. */
  get isReading(): boolean {
    return this.#inHand > 0;
  }

  get openFiles(): number {
    return this.#open.size;
  }

  async open(request: RecordedRequest): Promise<RecordedStream | undefined> {
    try {
      return await this.#inTurn(request.application, () => this.#find(request));
    } catch (error) {
      throw this.#judge(error, request);
    }
  }

  /** What is not to be expected of a file is ours. */
  #judge(error: unknown, { application, name }: Pick<RecordedRequest, 'application' | 'name'>): unknown {
    const known = asStatusError(error);
    if (known instanceof CodedError) {
      const { code, message } = known;
      this.#lines.line('file-refused', application, (repeats) =>
        this.#log.warn(
          { event: 'file-refused', application, stream: name, code, ...(repeats > 0 && { repeats }) },
          message,
        ),
      );
      return known;
    }
    logBug(this.#log, error, 'a recorded stream');
    return new StatusError('NetStream.Play.Failed', 'An error of the server.', { cause: error });
  }

  async #find({
    application,
    instance,
    name,
    chunkBytes,
  }: RecordedRequest): Promise<RecordedStream | undefined> {
    const wanted = mediaName(name);
    if (!wanted) return undefined;
    if (!this.#hasRoom())
      throw new StatusError('NetStream.Play.Failed', 'Too many files and sockets are open.');
    const places = wanted.files.flatMap((file) => this.#folders.places(application, instance, file));
    for (const { path, folder, below } of places) {
      const disk = await DiskFile.open(path);
      if (!disk) continue;
      const isOther = await findsOtherSpelling(folder, below).catch(async (error) => {
        await disk.close();
        throw error;
      });
      if (!isOther)
        return this.#lease(this.#share(disk, wanted, { application, chunkBytes }), { application, name });
      await disk.close();
    }
    await this.#noteFormer(application, instance, wanted.files);
    return undefined;
  }

  /** A file that the version before found, and that is another instance's by its place: once for each application. */
  async #noteFormer(application: string, instance: string, files: readonly string[]): Promise<void> {
    if (this.#noted.has(application)) return;
    for (const file of files) {
      const path = this.#folders.formerPlace(application, instance, file);
      const isThere = path !== undefined && (await stat(path).catch(() => undefined))?.isFile() === true;
      if (!isThere || this.#noted.has(application)) continue;
      this.#noted.add(application);
      const from = this.#folders.placeOf(application, path.slice(0, -file.length - 1));
      const to = from.slice(0, -instance.length) + folderName(instance);
      const [owner, ...folders] = instance.split('/');
      this.#log.warn(
        { event: 'recordings-elsewhere', application, instance, path },
        `${application}: ${from} has recordings of the instance ${owner}, with names ${folders.join('/')}/…: if they are those of ` +
          `the instance ${instance}, move that folder to ${to}`,
      );
    }
  }

  /** What is open is taken if it is the same file still; then the one at hand is not needed. */
  #share(
    disk: DiskFile,
    { container, wantsTags }: MediaName,
    { application, chunkBytes }: Pick<RecordedRequest, 'application' | 'chunkBytes'>,
  ): Shared {
    const growing = this.#growing.find(disk.path);
    const key = `${disk.path}\n${growing ? this.#idOf(growing) : disk.id}\n${chunkBytes}${wantsTags ? '\ntags' : ''}`;
    const refusal = this.#refused.get(key);
    if (refusal) {
      void disk.close();
      throw refusal;
    }
    let shared = this.#open.get(key);
    if (shared) void disk.close();
    else {
      const index = this.#indexes.lease(application, () =>
        this.#lines.limit('MaxIndexSize', application, { log: this.#log, application }, 'a film was refused'),
      );
      const media = openMedia(disk, growing, container, { chunkBytes, tagsOnly: wantsTags, ...index });
      shared = { key, media, index, users: 0 };
      media.catch((error: unknown) => {
        index.release();
        void disk.close();
        if (!growing && error instanceof DecodeError) this.#remember(key, error);
      });
      this.#open.set(key, shared);
    }
    shared.users += 1;
    return shared;
  }

  #remember(key: string, refusal: DecodeError): void {
    const [oldest] = this.#refused.keys();
    if (oldest !== undefined && this.#refused.size >= MAX_REFUSED) this.#refused.delete(oldest);
    this.#refused.set(key, refusal);
  }

  #idOf(growing: GrowingFile): string {
    let id = this.#growingIds.get(growing);
    if (id === undefined) {
      this.#lastGrowingId += 1;
      id = this.#lastGrowingId;
      this.#growingIds.set(growing, id);
    }
    return `growing ${id}`;
  }

  #release(shared: Shared): void {
    shared.users -= 1;
    if (shared.users > 0) return;
    this.#open.delete(shared.key);
    shared.index.release();
    shared.media.then((media) => media.close()).catch(() => {}); // it never opened
  }

  async #lease(
    shared: Shared,
    { application, name }: Pick<RecordedRequest, 'application' | 'name'>,
  ): Promise<RecordedStream> {
    const { key } = shared;
    let media: Media;
    try {
      media = await shared.media;
    } catch (error) {
      this.#release(shared);
      throw error;
    }
    let isOpen = true;
    const guarded = async <T>(run: () => Promise<T>): Promise<T> => {
      try {
        return await this.#inTurn(application, run);
      } catch (error) {
        throw this.#judge(error, { application, name });
      }
    };
    return {
      path: media.path,
      get sizeBytes() {
        return media.sizeBytes;
      },
      get lengthMs() {
        return media.lengthMs;
      },
      get hasVideo() {
        return media.hasVideo;
      },
      get isGrowing() {
        return media.isGrowing;
      },
      onGrown: (call) => media.onGrown(call),
      keyframeBefore: (ms): Promise<Place | undefined> => guarded(() => media.keyframeBefore(ms)),
      keyframeFrom: (ms): Promise<Place | undefined> => guarded(() => media.keyframeFrom(ms)),
      read: (at): Promise<Segment | undefined> =>
        guarded(() =>
          this.cache.read(
            `${key}\n${at}`,
            () => media.read(at),
            (segment) => media.isWhole(at, segment),
          ),
        ),
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        this.#release(shared);
      },
    };
  }
}

function openMedia(
  disk: DiskFile,
  growing: GrowingFile | undefined,
  container: Container,
  { chunkBytes, tagsOnly, reserve }: { chunkBytes: number; tagsOnly: boolean; reserve: Reserve },
): Promise<Media> {
  switch (container) {
    case Container.Flv:
      return FlvMedia.open(disk, growing, chunkBytes, reserve);
    case Container.Mp4:
      return Mp4Media.open(disk, growing, chunkBytes, reserve);
    case Container.Mp3:
      return Mp3Media.open(disk, chunkBytes, tagsOnly, reserve);
  }
}

/** How deep, and how many entries, a folder of recordings is looked through. */
const MAX_LEVELS = 8;
const MAX_ENTRIES = 100_000;

/** Their paths below the folder. One that is not there has none. Links to folders are not followed: they may lead in circles. */
async function* filesBelow(
  folder: string,
  below = '',
  level = 0,
  left = { entries: MAX_ENTRIES },
): AsyncGenerator<string> {
  const directory = await opendir(join(folder, below)).catch(() => undefined);
  if (!directory) return;
  for await (const entry of directory) {
    left.entries -= 1;
    if (left.entries < 0) return;
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isFile() || entry.isSymbolicLink())
      yield path; // a link to a folder is not called like a stream
    else if (entry.isDirectory() && level < MAX_LEVELS) yield* filesBelow(folder, path, level + 1, left);
  }
}
