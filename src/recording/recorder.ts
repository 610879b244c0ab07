// Recordings: sinks of a stream that write FLV files.
import type { Clock } from '../application/clock.ts';
import type { RecordEvents, Recorders, Recording, RecordRequest } from '../application/recording.ts';
import { RecordingError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import { decodeOnMetaData, encodeFlvTag, encodeOnMetaData } from '../media/flv.ts';
import { inspectAudio, inspectVideo } from '../media/tag.ts';
import type { AmfObject } from '../protocol/amf.ts';
import { MessageType } from '../protocol/message.ts';
import type { WireMessage } from '../protocol/wire-message.ts';
import { recordingPath } from './files.ts';
import { FlvFile } from './flv-file.ts';

/** How long what was recorded may wait before it is handed to the system. FMS: RecBuffer/MaxFlushTime, 5 s. */
const FLUSH_MS = 1_000;
/** FMS: RecBuffer/MaxFlushSize. */
const FLUSH_BYTES = 256 << 10;
/** Between the last picture of a file and the first that is appended to it. */
const APPEND_STEP_MS = 20;

export class FileRecorders implements Recorders {
  readonly #applicationsDir: string;
  readonly #log: Log;
  readonly #clock: Clock;
  /** Path → the recording that writes it. */
  readonly #open = new Map<string, FlvRecording>();
  readonly #closing = new Set<Promise<void>>();

  constructor(applicationsDir: string, log: Log, clock: Clock) {
    this.#applicationsDir = applicationsDir;
    this.#log = log;
    this.#clock = clock;
  }

  open(request: RecordRequest, events: RecordEvents): Recording {
    const { application, instance, stream, mode } = request;
    const path = recordingPath(this.#applicationsDir, application, instance, stream);
    if (this.#open.has(path)) {
      throw new RecordingError(
        'NetStream.Record.NoAccess',
        'The file of that stream is being recorded already.',
      );
    }
    const log = this.#log.child({ instance: `${application}/${instance}`, stream });
    const file = FlvFile.open(path, mode === 'append', (error) => {
      log.error({ event: 'record-failed', path, err: error }, 'a recording failed');
      events.failed(`Writing failed: ${error.message}.`);
      recording.close();
    });
    const recording: FlvRecording = new FlvRecording(file, request, this.#clock, events, (done) => {
      log.info({ event: 'record-stop', path, bytes: file.sizeBytes }, 'recording stopped');
      const closed = done.finally(() => {
        this.#closing.delete(closed);
        this.#open.delete(path);
      });
      this.#closing.add(closed);
    });
    this.#open.set(path, recording);
    log.info({ event: 'record-start', path, mode }, 'recording started');
    return recording;
  }

  /** Finishes every file. */
  async close(): Promise<void> {
    for (const recording of [...this.#open.values()]) recording.close();
    await Promise.all(this.#closing);
  }
}

class FlvRecording implements Recording {
  readonly #file: FlvFile;
  readonly #request: RecordRequest;
  readonly #clock: Clock;
  readonly #events: RecordEvents;
  readonly #onClosed: (done: Promise<void>) => void;
  /** Headers that came before the first picture or sound; they get its time. */
  #headers: WireMessage[] | undefined = [];
  #metaData: AmfObject = {};
  /** Subtracted from the stream's timestamps. */
  #offsetMs = 0;
  #durationMs: number;
  readonly #beginMs: number;
  #unflushedBytes = 0;
  #cancelFlush: (() => void) | undefined;
  #hasAudio = false;
  #hasVideo = false;
  #seenKeyframe = false;
  #closed = false;

  constructor(
    file: FlvFile,
    request: RecordRequest,
    clock: Clock,
    events: RecordEvents,
    onClosed: (done: Promise<void>) => void,
  ) {
    this.#file = file;
    this.#request = request;
    this.#clock = clock;
    this.#events = events;
    this.#onClosed = onClosed;
    this.#durationMs = file.lastTimestampMs ?? 0;
    this.#beginMs = this.#durationMs;
  }

  take(batch: readonly WireMessage[]): void {
    for (const message of batch) {
      if (this.#closed) return;
      this.#take(message);
    }
    if (this.#unflushedBytes >= FLUSH_BYTES) this.#flush();
    else this.#cancelFlush ??= this.#clock.after(FLUSH_MS, () => this.#flush());
  }

  #take(message: WireMessage): void {
    if (message.length === 0) return; // silence: nothing to write
    const kind = classify(message);
    if (kind === 'metadata') this.#takeMetaData(message);
    else if (kind === 'header' && this.#headers) this.#headers.push(message);
    else if (kind === 'header') this.#write(message, this.#timeOf(message));
    else {
      if (kind === 'keyframe') this.#seenKeyframe = true;
      // pictures that refer to one which is not in the file are of no use to anybody
      if (kind === 'frame' && !this.#seenKeyframe) return;
      if (this.#headers) this.#begin(message.timestampMs);
      this.#write(message, this.#timeOf(message));
    }
  }

  #takeMetaData(message: WireMessage): void {
    const { duration: _, ...entries } = decodeOnMetaData(message.payload) ?? {};
    if (this.#headers) this.#metaData = entries;
    else this.#append(MessageType.DataAmf0, this.#timeOf(message), encodeOnMetaData(entries));
  }

  /** The first picture or sound is there: time begins with it, or where the file ended before. */
  #begin(timestampMs: number): void {
    const headers = this.#headers ?? [];
    this.#headers = undefined;
    const { lastTimestampMs } = this.#file;
    const startMs = lastTimestampMs === undefined ? 0 : lastTimestampMs + APPEND_STEP_MS;
    this.#offsetMs = timestampMs - startMs;
    if (lastTimestampMs === undefined) this.#file.expectMetaData();
    this.#append(MessageType.DataAmf0, startMs, encodeOnMetaData(this.#metaData));
    for (const header of headers) this.#write(header, startMs);
  }

  /** Timestamps wrap and jump; the file's never go back behind its begin. */
  #timeOf({ timestampMs }: WireMessage): number {
    return Math.max(this.#beginMs, (timestampMs - this.#offsetMs) | 0);
  }

  #write(message: WireMessage, timestampMs: number): void {
    if (message.typeId === MessageType.Audio) this.#hasAudio = true;
    if (message.typeId === MessageType.Video) this.#hasVideo = true;
    this.#durationMs = Math.max(this.#durationMs, timestampMs);
    this.#append(message.typeId, timestampMs, message.payload);
    const { maxDurationS, maxSizeBytes } = this.#request.limits;
    const tooLong = maxDurationS !== undefined && this.#durationMs - this.#beginMs >= maxDurationS * 1000;
    const tooLarge = maxSizeBytes !== undefined && this.#file.sizeBytes >= maxSizeBytes;
    if (!tooLong && !tooLarge) return;
    this.#events.stopped();
    this.close();
  }

  #append(typeId: number, timestampMs: number, payload: Uint8Array): void {
    const tag = encodeFlvTag({ typeId, timestampMs, payload });
    this.#unflushedBytes += tag.length;
    this.#file.append(tag);
  }

  #flush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    this.#unflushedBytes = 0;
    this.#file.flush();
  }

  unpublished(): void {} // the publication's end closes it

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelFlush?.();
    this.#onClosed(this.#file.close(this.#durationMs, { audio: this.#hasAudio, video: this.#hasVideo }));
  }
}

type Kind = 'metadata' | 'header' | 'keyframe' | 'frame' | 'other';

function classify(message: WireMessage): Kind {
  if (message.typeId === MessageType.Video) {
    const tag = inspectVideo(message.head);
    if (tag?.isSequenceHeader || tag?.isMetadata) return 'header';
    if (tag?.isKeyframe) return 'keyframe';
    return tag ? 'frame' : 'other';
  }
  if (message.typeId === MessageType.Audio)
    return inspectAudio(message.head)?.isSequenceHeader ? 'header' : 'other';
  return isOnMetaData(message) ? 'metadata' : 'other';
}

function isOnMetaData(message: WireMessage): boolean {
  if (message.typeId !== MessageType.DataAmf0) return false;
  return Buffer.from(message.head.subarray(3, 13)).toString('latin1') === 'onMetaData';
}
