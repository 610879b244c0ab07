// One recording: a sink of a stream that sorts and times what comes, and writes it into one file after the other.

import type {
  CompletionReason,
  RecordEvents,
  Recording,
  RecordingFile,
  RecordRequest,
  StreamFile,
} from '../../application/contract/recording.ts';
import { TokenBucket } from '../../application/pace/token-bucket.ts';
import type { Clock } from '../../clock.ts';
import { RecordingError } from '../../errors.ts';
import type { LineLimit } from '../../log/line-limit.ts';
import { type Log, logBug } from '../../log/log.ts';
import type { AmfObject } from '../../protocol/amf/amf.ts';
import { memoryBytes, type WireMessage } from '../../protocol/rtmp/wire-message.ts';
import type { ContainerFile, Item } from './container-file.ts';
import { Content, type LostTrack } from './content.ts';
import { FileTime } from './file-time.ts';
import { type Arrived, GroupGate } from './group-gate.ts';
import { headerKey, isVideo, itemOf } from './items.ts';
import type { RunningFile } from './running-files.ts';
import { Segments } from './segments.ts';

/** While the file is being finished by the recording before. */
const MAX_EARLY_BYTES = 32 << 20;
/** What came before the file was there is written for so long, then others have their turn. */
const EARLY_TURN_MS = 5;
/**
 * Further files, a second and at once. A publisher decides how many there are, by another codec or by times that leap from segment to
 * segment; what is recorded faster than time passes still has ten segments a second.
 */
const NEXT_FILES = { rate: 10, burst: 200 };
/** Before the first picture or sound; of more the last. */
const MAX_HEADERS = 64;
const MAX_HEADER_BYTES = 4 << 20;
/** Between the last picture of a file and the first that is appended to it. */
const APPEND_STEP_MS = 20;

const BROKEN = 'An error of the server.';

export interface RecordingOptions {
  readonly request: RecordRequest;
  readonly events: RecordEvents;
  readonly log: Log;
  readonly clock: Clock;
  /** What the clock on the wall says. */
  now(): Date;
  /** For lines about what comes. */
  readonly limit: LineLimit;
  /** Of the first file, which may not be open yet. */
  readonly place: FilePlace;
  /** Between what an existing file holds and what is appended to it; `stepMs` at least. */
  gapMs(stepMs: number): number;
  /**
   * The next file of this recording, another one than all before. `startedAt`: when it begins on the wall, and the same by the
   * length of the file before. Throws a RecordingError.
   */
  openNext(number: number, startedAt: Date, byLength: Date): NextFile;
}

/** Where a file lies, and what it is called by others. */
export interface FilePlace extends RunningFile {
  /** What players ask for. */
  readonly name: string;
  /** Within the application's folder, or the whole path. */
  readonly place: string;
}

export interface NextFile {
  readonly place: FilePlace;
  /** As its name says. */
  readonly startedAt: Date;
  readonly file: ContainerFile;
}

export class FileRecording implements Recording {
  /** Everything is on the disk, as far as it ever will be. */
  readonly finished: Promise<void>;
  readonly #resolveFinished: () => void;
  readonly #options: RecordingOptions;
  #place: FilePlace;
  /** Undefined while somebody else is finishing it. */
  #file: ContainerFile | undefined;
  /** The file has taken its last, for that reason; the next one is opened when there is something for it. */
  #isBetween: CompletionReason | undefined;
  #fileNumber = 1;
  readonly #nextFiles: TokenBucket;
  /** Settles when all files before are on the disk and have been told of. */
  #finishing: Promise<void> = Promise.resolve();
  /** What came before the file was there, and while that is written, and when. */
  #early: { readonly message: WireMessage; readonly atMs: number }[] = [];
  #earlyBytes = 0;
  /** Headers and data that came before the first picture or sound; they get its time. Undefined once that was there. */
  #headers: Item[] | undefined = [];
  #headerBytes = 0;
  /** Decoder configurations as they are now: what a further file begins with. */
  readonly #inForce = new Map<string, Item>();
  #metaData: AmfObject = {};
  readonly #segments: Segments;
  /** Of this file. */
  #content = new Content();
  /** A file has something of it. */
  #hasKept = false;
  /** When the message at hand came, by the clock. */
  #atMs = 0;
  readonly #time: FileTime;
  readonly #gate = new GroupGate();
  /** What the files before have of it. */
  #earlierMs = 0;
  #earlierBytes = 0;
  #seenKeyframe = false;
  /** By how much the file's first keyframe stands later than its own time, ms. */
  #keyframeLiftMs = 0;
  /** Nothing more goes into a file: a limit was reached, or writing failed. */
  #isFull = false;
  #hasFailed = false;
  #isClosed = false;
  #reason: CompletionReason = 'stopped';

  constructor(options: RecordingOptions) {
    this.#options = options;
    this.#place = options.place;
    this.#time = new FileTime({ log: options.log, limit: options.limit, path: () => this.#place.path });
    this.#nextFiles = new TokenBucket(NEXT_FILES.rate, options.clock.now(), NEXT_FILES.burst);
    const { segmentS, isAligned } = options.request;
    this.#segments = new Segments(segmentS, isAligned === true);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.finished = promise;
    this.#resolveFinished = resolve;
  }

  get file(): RecordingFile {
    const { path, name, place } = this.#place;
    return {
      ...{ path, name, place },
      sizeBytes: this.#file?.sizeBytes ?? 0,
      lengthMs: this.#file?.durationMs ?? 0,
    };
  }

  isOf({ application, instance, stream }: StreamFile): boolean {
    const { request } = this.#options;
    return request.application === application && request.instance === instance && request.stream === stream;
  }

  /** It takes no more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  begin(file: ContainerFile): void {
    this.#file = file;
    this.#takeEarly();
  }

  #takeEarly(): void {
    const { clock } = this.#options;
    const untilMs = clock.now() + EARLY_TURN_MS;
    let count = 0;
    this.#guard(() => {
      for (const { message, atMs } of this.#early) {
        count += 1;
        this.#earlyBytes -= memoryBytes(message);
        if (!this.#isFull) this.#take(message, atMs);
        if (clock.now() >= untilMs) return;
      }
    });
    this.#early.splice(0, this.#isFull ? this.#early.length : count);
    if (this.#early.length > 0) clock.soon(() => this.#takeEarly());
    else if (this.#isClosed) this.#end();
  }

  /** There will be no file. */
  abandon(error: RecordingError): void {
    this.#early = [];
    this.#failFor(error);
    this.#resolveFinished();
  }

  #failFor(error: RecordingError): void {
    if (this.#hasFailed) return;
    const { path } = this.#place;
    const facts = { event: 'record-failed' as const, path, code: error.code, reason: error.message };
    this.#options.log.warn(facts, `the recording failed: ${error.message}`);
    this.fail(error);
  }

  /** The live stream goes on without it. It may have ended, and its last bytes find no room. The caller logs why. */
  fail(error: RecordingError): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#isFull = true;
    this.#options.events.failed(error.code, error.message, this.file);
    this.close('failed');
  }

  take(batch: readonly WireMessage[]): void {
    if (this.#isClosed) return;
    if (this.#file && this.#early.length === 0) this.#takeAll(batch);
    else this.#keepEarly(batch);
  }

  #keepEarly(batch: readonly WireMessage[]): void {
    const atMs = this.#options.clock.now();
    for (const message of batch) {
      this.#early.push({ message, atMs });
      this.#earlyBytes += memoryBytes(message);
    }
    if (this.#earlyBytes > MAX_EARLY_BYTES) {
      this.#failFor(new RecordingError('NetStream.Record.Failed', 'The file is still being finished.'));
    }
  }

  #takeAll(batch: readonly WireMessage[]): void {
    const atMs = this.#options.clock.now();
    this.#guard(() => {
      for (const message of batch) if (!this.#isFull) this.#take(message, atMs);
    });
  }

  /** An exception ends the recording, not the stream that feeds it. */
  #guard(take: () => void): void {
    try {
      take();
    } catch (error) {
      const isKnown = error instanceof RecordingError;
      if (!isKnown) logBug(this.#options.log, error, 'a recording');
      this.#failFor(isKnown ? error : new RecordingError('NetStream.Record.Failed', BROKEN));
    }
  }

  /** `atMs`: when it came, by the clock. */
  #take(message: WireMessage, atMs: number): void {
    if (message.length === 0) return; // silence: nothing to write
    for (const arrived of this.#gate.take(message, atMs)) this.#pass(arrived);
  }

  #pass({ message, atMs, startsGroup }: Arrived): void {
    if (this.#isFull) return;
    this.#atMs = atMs;
    const item = itemOf(message, startsGroup, (isFrame) => this.#time.of(message, isFrame, atMs));
    this.#noteInForce(item);
    this.#put(item);
  }

  #put(item: Item): void {
    if (this.#headers) this.#putBefore(this.#headers, item);
    else this.#putInto(item);
  }

  /** Before the first picture or sound of a file. */
  #putBefore(headers: Item[], item: Item): void {
    if (item.kind === 'metadata') return;
    this.#content.note(item);
    if (item.kind === 'header' || item.kind === 'data') {
      headers.push(item);
      this.#headerBytes += item.payload.length;
      while (headers.length > MAX_HEADERS || this.#headerBytes > MAX_HEADER_BYTES) {
        this.#headerBytes -= payloadBytes(headers.shift());
      }
      return;
    }
    // pictures that refer to one which is not in the file are of no use to anybody
    if (item.kind === 'frame') return;
    this.#beginFile(headers, isVideo(item) || headers.some(isVideo), item.timestampMs);
    this.#putInto({ ...item, timestampMs: this.#time.beginMs });
  }

  /** The first picture or sound is there: time begins with it, or where the file ended before. */
  #beginFile(headers: readonly Item[], hasVideo: boolean, timestampMs: number): void {
    if (this.#isBetween) {
      this.#countNextFile();
      this.#fileNumber += 1;
      const byLength = new Date(this.#segments.beganAt.getTime() + timestampMs - this.#time.beginMs);
      const next = this.#options.openNext(this.#fileNumber, this.#arrivedAt(), byLength);
      this.#place = next.place;
      this.#file = next.file;
      this.#isBetween = undefined;
      this.#segments.begin(next.startedAt);
    } else this.#segments.begin(this.#arrivedAt());
    const file = this.#file!;
    const { lastTimestampMs } = file;
    const behindMs =
      lastTimestampMs === undefined ? 0 : lastTimestampMs + this.#options.gapMs(APPEND_STEP_MS);
    const startMs = Math.max(0, behindMs);
    this.#headers = undefined;
    this.#headerBytes = 0;
    for (const header of headers) this.#content.note(header);
    this.#time.begin(startMs, timestampMs);
    const refusal = file.begin({
      startMs,
      metaData: this.#metaData,
      headers: headers.map((item) => ({ ...item, timestampMs: startMs })),
      hasVideo,
    });
    if (refusal === undefined) return;
    this.#goOnElsewhere(file, refusal);
    this.#beginFile(headers, hasVideo, startMs);
  }

  #countNextFile(): void {
    const { clock, limit, log, request } = this.#options;
    if (this.#nextFiles.tokens(clock.now()) >= 1) {
      this.#nextFiles.take();
      return;
    }
    const { application, client } = request;
    const cause = client?.ip ?? application;
    limit.limit(
      'MaxRecordingFiles',
      cause,
      { log, ...(client && { ip: client.ip }) },
      'a recording was ended',
    );
    const why = `It goes on in more than ${NEXT_FILES.rate} files a second.`;
    throw new RecordingError('NetStream.Record.Failed', why);
  }

  #goOnElsewhere(file: ContainerFile, refusal: string): void {
    const { log } = this.#options;
    log.info(
      { event: 'record-next', path: file.growing.path },
      `the recording goes on in a new file: ${refusal}`,
    );
    this.#endFile('codec');
  }

  #putInto(item: Item): void {
    if (item.kind === 'keyframe' && !this.#seenKeyframe) {
      this.#seenKeyframe = true;
      this.#keyframeLiftMs = this.#time.liftedMs;
    }
    if (item.kind === 'frame' && !this.#seenKeyframe) {
      this.#content.note(item);
      return;
    }
    const file = this.#file!;
    const refusal = file.refuses(item);
    if (refusal !== undefined) {
      this.#goOnElsewhere(file, refusal);
      this.#put(item);
    } else if (this.#isNextSegment(item)) {
      this.#endFile('segment');
      this.#put(item);
    } else {
      this.#content.note(item);
      file.take(item);
      this.#limit(file);
    }
  }

  #noteInForce(item: Item): void {
    if (item.kind === 'metadata') this.#metaData = item.entries;
    const key = headerKey(item);
    if (key === undefined) return;
    this.#inForce.delete(key);
    this.#inForce.set(key, item);
    const [oldest] = this.#inForce.keys();
    if (this.#inForce.size > MAX_HEADERS && oldest !== undefined) this.#inForce.delete(oldest);
  }

  /** Where decoding can begin anew. */
  #isNextSegment(item: Item): boolean {
    const canBegin = item.kind === 'keyframe' || (item.kind === 'sound' && !this.#seenKeyframe);
    // the first keyframe may belong before the sound that the file begins with
    const lengthMs = item.timestampMs - this.#time.beginMs + this.#keyframeLiftMs;
    return canBegin && this.#segments.isOver(lengthMs, () => this.#arrivedAt());
  }

  /** When the message at hand came, on the wall. */
  #arrivedAt(): Date {
    const { clock, now } = this.#options;
    return new Date(now().getTime() - (clock.now() - this.#atMs));
  }

  /** What comes next begins another file. */
  #endFile(why: CompletionReason): void {
    const file = this.#file!;
    this.#earlierMs += Math.max(0, file.durationMs - this.#time.beginMs);
    this.#earlierBytes += file.sizeBytes;
    this.#isBetween = why;
    this.#headers = [...this.#inForce.values()];
    this.#seenKeyframe = false;
    this.#keyframeLiftMs = 0;
    this.#finishFile(file, why);
  }

  #limit(file: ContainerFile): void {
    const { maxDurationS, maxSizeBytes } = this.#options.request.limits;
    const lengthMs = this.#earlierMs + file.durationMs - this.#time.beginMs;
    if (maxDurationS !== undefined && lengthMs >= maxDurationS * 1000) this.#stop('maxDuration');
    else if (maxSizeBytes !== undefined && this.#earlierBytes + file.sizeBytes >= maxSizeBytes) {
      this.#stop('maxSize');
    }
  }

  #stop(reason: CompletionReason): void {
    this.#isFull = true;
    if (this.#isClosed) return; // it ended before its file was there
    this.#options.events.stopped();
    this.close(reason);
  }

  unpublished(): void {} // the publication's end closes it

  /** What was recorded so far is in the file when this resolves, or the recording has failed. */
  async flush(): Promise<void> {
    await this.#file?.flush();
  }

  close(reason: CompletionReason = 'stopped'): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#reason = reason;
    if (this.#file && this.#early.length === 0) this.#end();
  }

  #end(): void {
    this.#guard(() => {
      for (const arrived of this.#gate.end()) this.#pass(arrived);
    });
    this.#time.end();
    if (!this.#isBetween) this.#finishFile(this.#file!, this.#reason);
    void this.#finishing.then(() => this.#resolveFinished());
  }

  #finishFile(file: ContainerFile, reason: CompletionReason): void {
    const { log, events } = this.#options;
    const { name, place } = this.#place;
    const content = this.#content;
    this.#content = new Content();
    const closed = file.close();
    this.#finishing = this.#finishing.then(async () => {
      await closed;
      if (this.#hasFailed) return; // one that failed was told of as that
      const { growing, sizeBytes, durationMs, codecs } = file;
      const { path } = growing;
      const lost = content.lost(codecs);
      this.#hasKept ||= codecs.some((codec) => !lost.some((one) => one.codec === codec));
      if (!this.#hasKept && this.#isClosed && lost.length > 0) {
        this.#failFor(nothingOf(lost));
        return;
      }
      for (const { track, codec, why } of lost) {
        const text = `nobody can play the ${track} (${codec}) of a recording: ${why}`;
        log.warn({ event: 'record-left-out', path, track, codec }, text);
      }
      log.info({ event: 'record-stop', path, bytes: sizeBytes, reason }, 'recording stopped');
      if (codecs.length === 0) return;
      events.completed({ path, name, place, sizeBytes, lengthMs: durationMs, codecs, reason });
    });
  }
}

function nothingOf(lost: readonly LostTrack[]): RecordingError {
  const why = lost.map(({ track, codec, why }) => `${track} (${codec}): ${why}`).join('; ');
  return new RecordingError('NetStream.Record.Failed', `Nothing was recorded. ${why}.`);
}

function payloadBytes(item: Item | undefined): number {
  return item === undefined || item.kind === 'metadata' ? 0 : item.payload.length;
}
