// Recordings: sinks of a stream that write FLV files.
import type { Clock } from '../application/clock.ts';
import type {
  RecordEvents,
  Recorders,
  Recording,
  RecordingFile,
  RecordRequest,
} from '../application/recording.ts';
import { DecodeError, RecordingError } from '../errors.ts';
import { type Log, logBug } from '../log/log.ts';
import { decodeOnMetaData, encodeFlvTag, encodeOnMetaData } from '../media/flv.ts';
import { inspectAudio, inspectVideo } from '../media/tag.ts';
import type { AmfObject } from '../protocol/amf.ts';
import { MessageType } from '../protocol/message.ts';
import { memoryBytes, type WireMessage } from '../protocol/wire-message.ts';
import { recordingPath } from './files.ts';
import { FlvFile } from './flv-file.ts';

/** How long what was recorded may wait before it is handed to the system. FMS: RecBuffer/MaxFlushTime, 5 s. */
const FLUSH_MS = 1_000;
/** FMS: RecBuffer/MaxFlushSize. */
const FLUSH_BYTES = 256 << 10;
/** While the file is being finished by the recording before. */
const MAX_EARLY_BYTES = 32 << 20;
/** Before the first picture or sound; of more the last. */
const MAX_HEADERS = 64;
const MAX_HEADER_BYTES = 4 << 20;
/** Between the last picture of a file and the first that is appended to it. */
const APPEND_STEP_MS = 20;

const BROKEN = 'An error of the server.';

export class FileRecorders implements Recorders {
  readonly #applicationsDir: string;
  readonly #log: Log;
  readonly #clock: Clock;
  /** Path → the latest recording of it, until it is finished. */
  readonly #latest = new Map<string, FlvRecording>();

  constructor(applicationsDir: string, log: Log, clock: Clock) {
    this.#applicationsDir = applicationsDir;
    this.#log = log;
    this.#clock = clock;
  }

  /** A file that is still being finished is opened as soon as it is; what is recorded meanwhile waits. */
  open(request: RecordRequest, events: RecordEvents): Recording {
    const { application, instance, stream, mode } = request;
    const path = recordingPath(this.#applicationsDir, application, instance, stream);
    const before = this.#latest.get(path);
    if (before && !before.isClosed) {
      throw new RecordingError(
        'NetStream.Record.NoAccess',
        'The file of that stream is being recorded already.',
      );
    }
    const log = this.#log.child({ instance: `${application}/${instance}`, stream });
    const openFile = () => {
      const file = FlvFile.open(path, mode === 'append', (error) => {
        log.error({ event: 'record-failed', path, err: error }, 'a recording failed');
        recording.fail(`Writing failed: ${error.message}.`);
      });
      log.info({ event: 'record-start', path, mode }, 'recording started');
      return file;
    };
    const recording: FlvRecording = new FlvRecording(path, request, this.#clock, events, log);
    if (before) void before.finished.then(() => openLate(recording, openFile, log));
    else recording.begin(openFile());
    this.#latest.set(path, recording);
    void recording.finished.then(() => {
      if (this.#latest.get(path) === recording) this.#latest.delete(path);
    });
    return recording;
  }

  /** Finishes every file. */
  async close(): Promise<void> {
    const recordings = [...this.#latest.values()];
    for (const recording of recordings) recording.close();
    await Promise.all(recordings.map(({ finished }) => finished));
  }
}

function openLate(recording: FlvRecording, openFile: () => FlvFile, log: Log): void {
  try {
    recording.begin(openFile());
  } catch (error) {
    if (!(error instanceof RecordingError)) logBug(log, error, 'a recording');
    recording.abandon(error instanceof RecordingError ? error.message : BROKEN);
  }
}

class FlvRecording implements Recording {
  /** It is on the disk, as far as it ever will be. */
  readonly finished: Promise<void>;
  readonly #resolveFinished: () => void;
  readonly #path: string;
  readonly #request: RecordRequest;
  readonly #clock: Clock;
  readonly #events: RecordEvents;
  readonly #log: Log;
  /** Undefined while somebody else is finishing it. */
  #file: FlvFile | undefined;
  /** What came before the file was there. */
  #early: WireMessage[] = [];
  #earlyBytes = 0;
  /** Headers and data that came before the first picture or sound; they get its time. Undefined once that was there. */
  #headers: WireMessage[] | undefined = [];
  #headerBytes = 0;
  #metaData: AmfObject = {};
  /** Subtracted from the stream's timestamps. */
  #offsetMs = 0;
  #durationMs = 0;
  #beginMs = 0;
  #unflushedBytes = 0;
  #cancelFlush: (() => void) | undefined;
  #hasAudio = false;
  #hasVideo = false;
  #seenKeyframe = false;
  #isFull = false;
  #isClosed = false;

  constructor(path: string, request: RecordRequest, clock: Clock, events: RecordEvents, log: Log) {
    this.#path = path;
    this.#request = request;
    this.#clock = clock;
    this.#events = events;
    this.#log = log;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.finished = promise;
    this.#resolveFinished = resolve;
  }

  get file(): RecordingFile {
    return { path: this.#path, sizeBytes: this.#file?.sizeBytes ?? 0, lengthMs: this.#durationMs };
  }

  /** It takes no more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  begin(file: FlvFile): void {
    this.#file = file;
    this.#beginMs = file.lastTimestampMs ?? 0;
    this.#durationMs = this.#beginMs;
    const early = this.#early;
    this.#early = [];
    if (early.length > 0) this.#takeAll(file, early);
    if (this.#isClosed) this.#finish(file);
  }

  /** There will be no file. */
  abandon(description: string): void {
    this.#early = [];
    this.fail(description);
    this.#resolveFinished();
  }

  fail(description: string): void {
    if (!this.#isClosed) this.#events.failed(description);
    this.close();
  }

  take(batch: readonly WireMessage[]): void {
    if (this.#isClosed) return;
    if (this.#file) this.#takeAll(this.#file, batch);
    else this.#keepEarly(batch);
  }

  #keepEarly(batch: readonly WireMessage[]): void {
    this.#early.push(...batch);
    for (const message of batch) this.#earlyBytes += memoryBytes(message);
    if (this.#earlyBytes > MAX_EARLY_BYTES) this.fail('The file is still being finished.');
  }

  /** An exception ends the recording, not the stream that feeds it. */
  #takeAll(file: FlvFile, batch: readonly WireMessage[]): void {
    try {
      for (const message of batch) {
        if (this.#isFull) return;
        this.#take(file, message);
      }
      if (this.#isClosed) return;
      if (this.#unflushedBytes >= FLUSH_BYTES) this.#flush(file);
      else this.#cancelFlush ??= this.#clock.after(FLUSH_MS, () => this.#flush(file));
    } catch (error) {
      logBug(this.#log, error, 'a recording');
      this.fail(BROKEN);
    }
  }

  #take(file: FlvFile, message: WireMessage): void {
    if (message.length === 0) return; // silence: nothing to write
    const { kind, metaData } = classify(message);
    if (this.#headers && (kind === 'header' || kind === 'data')) this.#keepHeader(this.#headers, message);
    else if (this.#headers && kind === 'metadata') this.#metaData = metaData;
    else if (kind === 'metadata') {
      this.#append(file, MessageType.DataAmf0, this.#timeOf(message), encodeOnMetaData(metaData));
    } else {
      if (kind === 'keyframe') this.#seenKeyframe = true;
      // pictures that refer to one which is not in the file are of no use to anybody
      if (kind === 'frame' && !this.#seenKeyframe) return;
      if (this.#headers) this.#begin(file, this.#headers, message.timestampMs);
      this.#write(file, message, this.#timeOf(message));
    }
  }

  #keepHeader(headers: WireMessage[], message: WireMessage): void {
    headers.push(message);
    this.#headerBytes += message.length;
    while (headers.length > MAX_HEADERS || this.#headerBytes > MAX_HEADER_BYTES) {
      this.#headerBytes -= headers.shift()!.length;
    }
  }

  /** The first picture or sound is there: time begins with it, or where the file ended before. */
  #begin(file: FlvFile, headers: readonly WireMessage[], timestampMs: number): void {
    this.#headers = undefined;
    const { lastTimestampMs } = file;
    const startMs = lastTimestampMs === undefined ? 0 : lastTimestampMs + APPEND_STEP_MS;
    this.#offsetMs = timestampMs - startMs;
    if (lastTimestampMs === undefined) file.expectMetaData();
    this.#append(file, MessageType.DataAmf0, startMs, encodeOnMetaData(this.#metaData));
    for (const header of headers) this.#write(file, header, startMs);
  }

  /** Timestamps wrap and jump; the file's never go back behind its begin. */
  #timeOf({ timestampMs }: WireMessage): number {
    return Math.max(this.#beginMs, (timestampMs - this.#offsetMs) | 0);
  }

  #write(file: FlvFile, message: WireMessage, timestampMs: number): void {
    if (message.typeId === MessageType.Audio) this.#hasAudio = true;
    if (message.typeId === MessageType.Video) this.#hasVideo = true;
    this.#durationMs = Math.max(this.#durationMs, timestampMs);
    this.#append(file, message.typeId, timestampMs, message.payload);
    const { maxDurationS, maxSizeBytes } = this.#request.limits;
    const tooLong = maxDurationS !== undefined && this.#durationMs - this.#beginMs >= maxDurationS * 1000;
    const tooLarge = maxSizeBytes !== undefined && file.sizeBytes >= maxSizeBytes;
    if (this.#isFull || (!tooLong && !tooLarge)) return;
    this.#isFull = true;
    if (!this.#isClosed) this.#events.stopped();
    this.close();
  }

  #append(file: FlvFile, typeId: number, timestampMs: number, payload: Uint8Array): void {
    const tag = encodeFlvTag({ typeId, timestampMs, payload });
    this.#unflushedBytes += tag.length;
    file.append(tag);
  }

  #flush(file: FlvFile): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    this.#unflushedBytes = 0;
    file.flush();
  }

  unpublished(): void {} // the publication's end closes it

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelFlush?.();
    if (this.#file) this.#finish(this.#file);
  }

  #finish(file: FlvFile): void {
    const has = { audio: this.#hasAudio, video: this.#hasVideo };
    void file.close(this.#durationMs, has).then(() => {
      this.#log.info({ event: 'record-stop', path: file.path, bytes: file.sizeBytes }, 'recording stopped');
      this.#resolveFinished();
    });
  }
}

type Kind = 'header' | 'keyframe' | 'frame' | 'sound' | 'data';
type Classified = { kind: Kind; metaData?: undefined } | { kind: 'metadata'; metaData: AmfObject };

function classify(message: WireMessage): Classified {
  const { typeId, head } = message;
  if (typeId === MessageType.Video) {
    const tag = inspectVideo(head);
    if (tag?.isSequenceHeader || tag?.isMetadata) return { kind: 'header' };
    return { kind: tag?.isKeyframe ? 'keyframe' : 'frame' };
  }
  if (typeId === MessageType.Audio) {
    const tag = inspectAudio(head);
    return { kind: tag?.isSequenceHeader || tag?.isMultichannelConfig ? 'header' : 'sound' };
  }
  const metaData = metaDataOf(message);
  return metaData ? { kind: 'metadata', metaData } : { kind: 'data' };
}

/** `duration` is for us to say. */
function metaDataOf({ typeId, payload }: WireMessage): AmfObject | undefined {
  if (typeId !== MessageType.DataAmf0) return undefined;
  try {
    const found = decodeOnMetaData(payload);
    if (!found) return undefined;
    const { duration: _, ...entries } = found;
    return entries;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
