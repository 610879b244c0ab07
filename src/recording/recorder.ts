// Recordings: which files are being written, and by whom.
import { existsSync } from 'node:fs';
import type { Clock } from '../application/clock.ts';
import type { RecordEvents, Recorders, Recording, RecordRequest } from '../application/recording.ts';
import { RecordingError } from '../errors.ts';
import { type Log, logBug } from '../log/log.ts';
import type { ContainerFile } from './container-file.ts';
import { type Disk, systemDisk } from './disk-writer.ts';
import { recordingPath } from './files.ts';
import { FlvFile } from './flv-file.ts';
import type { GrowingFile, GrowingFiles } from './growing.ts';
import { recordingError } from './open-file.ts';
import { FileRecording, type FlushLimits } from './recording.ts';

export interface RecorderOptions {
  readonly applicationsDir: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly flush: FlushLimits;
  readonly disk?: Disk;
}

/** Of numbers of files that are there already. */
const MAX_TRIES = 10_000;

/** Who has a file, until it is finished. */
interface Holder {
  readonly isDone: () => boolean;
  readonly finished: Promise<void>;
}

export class FileRecorders implements Recorders, GrowingFiles {
  readonly #options: RecorderOptions;
  /** Path → who had it last. */
  readonly #holders = new Map<string, Holder>();
  readonly #growing = new Map<string, GrowingFile>();
  readonly #recordings = new Set<FileRecording>();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  find(path: string): GrowingFile | undefined {
    return this.#growing.get(path);
  }

  /** A file that is still being finished is opened as soon as it is; what is recorded meanwhile waits. */
  open(request: RecordRequest, events: RecordEvents): Recording {
    const { application, instance, stream, mode } = request;
    const { clock, flush } = this.#options;
    const path = recordingPath(this.#options.applicationsDir, request, 1);
    const before = this.#holders.get(path);
    if (before && !before.isDone()) {
      throw new RecordingError(
        'NetStream.Record.NoAccess',
        'The file of that stream is being recorded already.',
      );
    }
    const log = this.#options.log.child({ instance: `${application}/${instance}`, stream });
    const recording: FileRecording = new FileRecording({
      request,
      clock,
      events,
      log,
      flush,
      path,
      gapMs: (stepMs) => stepMs,
      openNext: (number) => this.#openNext(request, number, recording, log),
    });
    const openFile = () => this.#openFile(path, mode === 'append', recording, log);
    if (before) {
      void before.finished.then(() => {
        try {
          recording.begin(openFile());
        } catch (error) {
          if (!(error instanceof RecordingError)) logBug(log, error, 'a recording');
          const isKnown = error instanceof RecordingError;
          recording.abandon(
            isKnown ? error : new RecordingError('NetStream.Record.Failed', 'An error of the server.'),
          );
        }
      });
    } else recording.begin(openFile());
    this.#hold(path, { isDone: () => recording.isClosed, finished: recording.finished });
    this.#recordings.add(recording);
    void recording.finished.then(() => this.#recordings.delete(recording));
    return recording;
  }

  /** Of the numbers from that one on the first whose file nobody has; what is recorded in parts never takes another's. */
  #openNext(request: RecordRequest, number: number, recording: FileRecording, log: Log): ContainerFile {
    for (let tried = number; tried < number + MAX_TRIES; tried += 1) {
      const path = recordingPath(this.#options.applicationsDir, request, tried);
      if (this.#holders.has(path) || (request.mode !== 'record' && existsSync(path))) continue;
      this.#hold(path, { isDone: () => recording.isClosed, finished: recording.finished });
      return this.#openFile(path, false, recording, log);
    }
    throw new RecordingError('NetStream.Record.Failed', 'There are too many files of that name.');
  }

  #hold(path: string, holder: Holder): void {
    this.#holders.set(path, holder);
    void holder.finished.then(() => {
      if (this.#holders.get(path) === holder) this.#holders.delete(path);
    });
  }

  #openFile(path: string, append: boolean, recording: FileRecording, log: Log): ContainerFile {
    const { disk = systemDisk, flush } = this.#options;
    const file = FlvFile.open({
      path,
      append,
      disk,
      maxFlushBytes: flush.maxBytes,
      onError: (error) => {
        log.error({ event: 'record-failed', path, err: error }, 'a recording failed');
        recording.fail(recordingError(error, 'Writing failed'));
      },
    });
    log.info({ event: 'record-start', path, append }, 'recording started');
    const { growing } = file;
    this.#growing.set(path, growing);
    const forget = growing.onFlushed(() => {
      if (growing.isGrowing) return;
      forget();
      if (this.#growing.get(path) === growing) this.#growing.delete(path);
    });
    return file;
  }

  /** Finishes every file. */
  async close(): Promise<void> {
    const recordings = [...this.#recordings];
    for (const recording of recordings) recording.close();
    await Promise.all(recordings.map(({ finished }) => finished));
  }
}
