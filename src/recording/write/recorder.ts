// Recordings: which files are being written, and by whom.
import { existsSync, statSync } from 'node:fs';
import { stat, unlink } from 'node:fs/promises';
import type {
  RecordEvents,
  Recorders,
  Recording,
  RecordRequest,
  StreamFile,
} from '../../application/contract/recording.ts';
import type { Clock } from '../../clock.ts';
import { RecordingError } from '../../errors.ts';
import { LineLimit } from '../../log/line-limit.ts';
import { type Log, logBug } from '../../log/log.ts';
import { findsOtherSpelling, hasOtherSpelling } from '../../storage/spelling.ts';
import { type FinishedFile, Finisher } from '../finish/finisher.ts';
import type { FoundEnd } from '../finish/found-end.ts';
import { recordingError } from '../finish/open-file.ts';
import type { StreamFolders } from '../read/folders.ts';
import { type GrowingFile, type GrowingFiles, RecordedContainer } from '../read/growing.ts';
import { hidesItsEnd } from './append-look.ts';
import type { ContainerFile } from './container-file.ts';
import { type Disk, systemDisk } from './disk-writer.ts';
import { firstFree, type NextNames, nextNames, type RecordingName, recordingName } from './files.ts';
import { FlvFile } from './flv-file.ts';
import { Mp4File } from './mp4-file.ts';
import { type FilePlace, FileRecording, type NextFile } from './recording.ts';
import { RunningFiles } from './running-files.ts';

export interface FlushLimits {
  /** How long what was recorded may wait before the system has it; FMS: RecBuffer/MaxFlushTime. */
  readonly maxMs: number;
  /** FMS: RecBuffer/MaxFlushSize. */
  readonly maxBytes: number;
}

export interface RecorderOptions {
  /** Where it is noted what is being written. */
  readonly runFolder: string;
  readonly log: Log;
  readonly clock: Clock;
  /** Of the whole server, whose metrics count the limits that are reached; undefined: lines of its own. */
  readonly lines?: LineLimit;
  /** What the clock on the wall says. */
  readonly now?: () => Date;
  readonly flush: FlushLimits;
  /** False: MP4 files stay in fragments. */
  readonly finishesMp4: boolean;
  /** False: the process has too many files and sockets open for another one. */
  readonly hasRoom?: () => boolean;
  readonly disk?: Disk;
}

/** Recordings of one file that wait for each other: a script can begin and end them quicker than a disk can. */
const MAX_QUEUE = 8;

/** Who has a file, until it is finished. */
interface Holder {
  readonly isDone: () => boolean;
  readonly finished: Promise<void>;
}

interface Place extends FilePlace {
  readonly append: boolean;
  readonly known?: FoundEnd | undefined;
}

interface NamedPlace extends FilePlace {
  /** Whether the disk has it by that name is not known yet: its folder holds many. */
  readonly isUnsure: boolean;
  readonly folder: string;
  readonly below: string;
}

/** A further file is opened between two pictures: of its folder so many names are looked at, which takes some 30 ms. */
const MAX_NAMES_OF_NEXT = 20_000;

/** Of all virtual hosts together, which may share folders. */
export class FileRecorders implements GrowingFiles {
  readonly #options: RecorderOptions;
  readonly #finisher = new Finisher();
  /** What somebody wants to append to does not wait for what has ended. */
  readonly #finder = new Finisher();
  readonly #running: RunningFiles;
  readonly #limit: LineLimit;
  /** Path → who had it last. */
  readonly #holders = new Map<string, Holder>();
  /** Path → how many have it or wait for it. */
  readonly #unfinished = new Map<string, number>();
  readonly #growing = new Map<string, GrowingFile>();
  readonly #recordings = new Set<FileRecording>();
  /** Whose they are. */
  readonly #folders = new WeakMap<FileRecording, StreamFolders>();

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#running = new RunningFiles(options.runFolder, options.log);
    this.#limit = options.lines ?? new LineLimit(options.clock);
  }

  find(path: string): GrowingFile | undefined {
    return this.#growing.get(path);
  }

  /** For those whose files lie there. */
  in(folders: StreamFolders): Recorders {
    return {
      open: (request, events) => this.#tryOpen(folders, request, events),
      clear: (stream) => this.#clear(folders, stream),
      flush: (stream) => this.#flush(folders, stream),
    };
  }

  /** What a process that was killed has left half done. It can be recorded to and played meanwhile. */
  repair(): Promise<void> {
    const left = this.#running.left();
    const repaired = left.map(async (file) => {
      const { path, container } = file;
      const { log } = this.#options;
      try {
        const finished = await this.#finish(path, container);
        log.info(
          { event: 'record-repaired', path, ...finished },
          'a recording that was cut off is whole again',
        );
      } catch (error) {
        log.warn(
          { event: 'record-repaired', path, err: error },
          'a recording that was cut off cannot be repaired',
        );
      }
      this.#running.remove(path);
    });
    left.forEach(({ path }, i) => {
      this.#hold(path, { isDone: () => true, finished: repaired[i]! });
    });
    return Promise.all(repaired).then(() => {});
  }

  #finish(path: string, container: RecordedContainer): Promise<FinishedFile | undefined> {
    if (container === RecordedContainer.Flv) return this.#finisher.finish(path, 'flv');
    return this.#finisher.finish(path, this.#options.finishesMp4 ? 'mp4' : 'mp4Fragments');
  }

  #tryOpen(folders: StreamFolders, request: RecordRequest, events: RecordEvents): Recording {
    try {
      return this.#open(folders, request, events);
    } catch (error) {
      if (!(error instanceof RecordingError)) throw error;
      const { application, instance, stream } = request;
      const facts = {
        event: 'record-refused' as const,
        instance: `${application}/${instance}`,
        stream,
        code: error.code,
      };
      this.#options.log.warn(facts, `a recording cannot begin: ${error.message}`);
      throw error;
    }
  }

  /** A file that is still being finished is opened as soon as it is; what is recorded meanwhile waits. */
  #open(folders: StreamFolders, request: RecordRequest, events: RecordEvents): Recording {
    const { application, instance, stream, mode } = request;
    if (this.#options.hasRoom?.() === false) {
      const { log } = this.#options;
      const why = 'Too many files and sockets are open.';
      this.#limit.limit('OpenFiles', application, { log, application }, 'a recording was refused');
      throw new RecordingError('NetStream.Record.Failed', why);
    }
    const called = recordingName(request, 1, this.#now());
    const place = { ...this.#placeOf(folders, request, called), append: mode !== 'record' };
    const { path } = place;
    const before = this.#holders.get(path);
    if (before && !before.isDone()) {
      throw new RecordingError(
        'NetStream.Record.NoAccess',
        'The file of that stream is being recorded already.',
      );
    }
    if ((this.#unfinished.get(path) ?? 0) > MAX_QUEUE) {
      const why = `${MAX_QUEUE} recordings of that file have ended and are not written yet.`;
      throw new RecordingError('NetStream.Record.Failed', why);
    }
    const log = this.#options.log.child({ instance: `${application}/${instance}`, stream });
    const gapSinceMs = mode === 'appendWithGap' ? this.#sinceWritten(path) : 0;
    const recording: FileRecording = new FileRecording({
      request,
      events,
      log,
      clock: this.#options.clock,
      now: this.#now,
      limit: this.#limit,
      place,
      gapMs: (stepMs) => Math.max(stepMs, gapSinceMs),
      openNext: (number, startedAt, byLength) => {
        const names = nextNames(request, number, startedAt, byLength);
        return this.#openNext(folders, request, names, recording, log);
      },
    });
    const openFile = (known?: FoundEnd) => this.#openFile({ ...place, known }, recording, log);
    const wait = before ? before.finished.then(() => this.#wait(place)) : this.#wait(place);
    if (wait) void openLate(recording, wait, openFile, log);
    else recording.begin(openFile());
    this.#hold(path, { isDone: () => recording.isClosed, finished: recording.finished });
    this.#recordings.add(recording);
    this.#folders.set(recording, folders);
    void recording.finished.then(() => this.#recordings.delete(recording));
    return recording;
  }

  readonly #now = (): Date => this.#options.now?.() ?? new Date();

  /** What takes longer than the media can wait: see `Place.known`. Undefined: nothing does. */
  #wait(place: NamedPlace & Place): Promise<FoundEnd | undefined> | undefined {
    const { path, container, append, isUnsure, folder, below } = place;
    const findEnd = () =>
      append && hidesItsEnd(path, container) ? this.#finder.findEnd(path, container) : undefined;
    if (!isUnsure) return findEnd();
    return findsOtherSpelling(folder, below).then((isOther) => {
      if (isOther) throw otherStream(path, OTHER_SPELLING);
      return findEnd();
    });
  }

  /** `maxNames`: of a folder's list, which is asked for only where a second spelling leads to the same file. */
  #placeOf(
    folders: StreamFolders,
    request: RecordRequest,
    called: RecordingName,
    maxNames?: number,
  ): NamedPlace {
    const { application, instance } = request;
    const { container, file, name } = called;
    const [found] = folders.places(application, instance, file);
    if (!found) throw otherStream(file, 'a script, or the configuration, maps its folder to other names');
    const { path, folder, below } = found;
    const isOther = hasOtherSpelling(folder, below, maxNames);
    if (isOther) throw otherStream(file, OTHER_SPELLING);
    const place = folders.placeOf(application, path);
    return { container, path, name, place, isUnsure: isOther === undefined, folder, below };
  }

  /** Time on the wall since anything was written to it. */
  #sinceWritten(path: string): number {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats ? Math.max(0, this.#now().getTime() - stats.mtimeMs) : 0;
  }

  /** Of the names one whose file nobody has; what is recorded in parts never takes another's. */
  #openNext(
    folders: StreamFolders,
    request: RecordRequest,
    names: NextNames,
    recording: FileRecording,
    log: Log,
  ): NextFile {
    const { application, instance, mode } = request;
    const free = firstFree(names.count, (index) => {
      const [found] = folders.places(application, instance, names.at(index).called.file);
      if (!found) return true; // it is refused below
      return !this.#holders.has(found.path) && (mode === 'record' || !existsSync(found.path));
    });
    if (free === undefined)
      throw new RecordingError('NetStream.Record.Failed', 'There are too many files of that name.');
    const { called, startedAt } = names.at(free);
    const place = this.#placeOf(folders, request, called, MAX_NAMES_OF_NEXT);
    if (place.isUnsure)
      throw otherStream(called.file, 'its folder has too many files to tell two names apart');
    this.#hold(place.path, { isDone: () => recording.isClosed, finished: recording.finished });
    return { place, startedAt, file: this.#openFile({ ...place, append: false }, recording, log) };
  }

  #hold(path: string, holder: Holder): void {
    this.#holders.set(path, holder);
    this.#unfinished.set(path, (this.#unfinished.get(path) ?? 0) + 1);
    void holder.finished.then(() => {
      const left = this.#unfinished.get(path)! - 1;
      if (left > 0) this.#unfinished.set(path, left);
      else this.#unfinished.delete(path);
      if (this.#holders.get(path) === holder) this.#holders.delete(path);
    });
  }

  #openFile(place: Place, recording: FileRecording, log: Log): ContainerFile {
    const { path, container, append } = place;
    const file = this.#create(place, log, (error) => {
      log.error({ event: 'record-failed', path, err: error }, 'a recording cannot be written');
      recording.fail(recordingError(error, 'Writing failed'));
    });
    this.#running.add({ path, container });
    log.info({ event: 'record-start', path, append }, 'recording started');
    const { growing } = file;
    this.#growing.set(path, growing);
    const missing = watchPlace(path, () => {
      log.error({ event: 'record-failed', path }, 'the file of a recording was removed');
      recording.fail(
        new RecordingError('NetStream.Record.Failed', 'The file was removed while it was recorded.'),
      );
    });
    growing.onFlushed(() => {
      if (growing.isGrowing) return missing();
      this.#running.remove(path);
      if (this.#growing.get(path) === growing) this.#growing.delete(path);
    });
    return file;
  }

  #create(
    { path, container, append, known }: Place,
    log: Log,
    onError: (error: Error) => void,
  ): ContainerFile {
    const { disk = systemDisk, flush, clock } = this.#options;
    const shared = { path, append, known, disk, clock, maxFlushMs: flush.maxMs, onError };
    if (container === RecordedContainer.Flv) {
      return FlvFile.open({ ...shared, maxFlushBytes: flush.maxBytes });
    }
    return Mp4File.open({
      ...shared,
      log,
      finish: async () => {
        try {
          return await this.#finish(path, container);
        } catch (error) {
          log.error(
            { event: 'record-unfinished', path, err: error },
            'an MP4 stays in fragments: it cannot be finished',
          );
          return undefined;
        }
      },
    });
  }

  async #clear(folders: StreamFolders, { application, instance, stream }: StreamFile): Promise<boolean> {
    let place: NamedPlace;
    try {
      const request: RecordRequest = { application, instance, stream, mode: 'record', limits: {} };
      place = this.#placeOf(folders, request, recordingName(request, 1, this.#now()));
    } catch (error) {
      if (error instanceof RecordingError) return false;
      throw error;
    }
    const { path, isUnsure, folder, below } = place;
    if (isUnsure && (await findsOtherSpelling(folder, below).catch(() => true))) return false;
    const holder = this.#holders.get(path);
    if (holder && !holder.isDone()) return false;
    await holder?.finished;
    try {
      await unlink(path);
    } catch {
      return false;
    }
    this.#options.log.info({ event: 'record-cleared', path }, 'a recording was deleted');
    return true;
  }

  async #flush(folders: StreamFolders, stream: StreamFile): Promise<boolean> {
    const flushed = [...this.#recordings]
      .filter((recording) => this.#folders.get(recording) === folders && recording.isOf(stream))
      .map((recording) => recording.flush());
    await Promise.all(flushed);
    return flushed.length > 0;
  }

  /** Finishes every file. */
  async close(): Promise<void> {
    const recordings = [...this.#recordings];
    for (const recording of recordings) recording.close();
    await Promise.all(recordings.map(({ finished }) => finished));
    await Promise.all([...this.#holders.values()].map(({ finished }) => finished)); // repairs
    await Promise.all([this.#finisher.close(), this.#finder.close()]);
    this.#limit.close();
  }
}

/**
 * A file whose folder was removed, or that another one has taken the place of, takes every byte all the same, and nobody will ever
 * see them. Returns a function that looks for it, and tells once.
 */
function watchPlace(path: string, onMissing: () => void): () => void {
  const { ino } = statSync(path);
  let isLooking = false;
  return () => {
    if (isLooking) return;
    isLooking = true;
    void stat(path)
      .then((found) => found.ino === ino)
      .catch(() => false)
      .then((isThere) => {
        isLooking = !isThere; // told once
        if (!isThere) onMissing();
      });
  };
}

/** As soon as `wait` has been waited for. */
async function openLate(
  recording: FileRecording,
  wait: Promise<FoundEnd | undefined>,
  openFile: (known: FoundEnd | undefined) => ContainerFile,
  log: Log,
): Promise<void> {
  try {
    const known = await wait.catch((error: unknown) => {
      throw recordingError(error, 'The recording cannot be opened');
    });
    recording.begin(openFile(known));
  } catch (error) {
    const isKnown = error instanceof RecordingError;
    if (!isKnown) logBug(log, error, 'a recording');
    recording.abandon(
      isKnown ? error : new RecordingError('NetStream.Record.Failed', 'An error of the server.'),
    );
  }
}

const OTHER_SPELLING = 'the disk has it by another spelling';

function otherStream(file: string, why: string): RecordingError {
  return new RecordingError('NetStream.Record.NoAccess', `${file} is the file of another stream: ${why}.`);
}
