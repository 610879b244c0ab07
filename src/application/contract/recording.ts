// What an instance asks of whoever writes its recordings; recording/ stands behind it.
import type { ApplicationRows } from '../../config/schema/application.ts';
import { RecordingError } from '../../errors.ts';
import type { Sink } from '../live/stream.ts';
import type { RecordedFile, RecordLimits, RecordMode, RecordTerms } from './script.ts';
import { UNLIMITED } from './script-limits.ts';

export interface RecordRequest extends Pick<RecordTerms, 'format' | 'file' | 'segmentS' | 'isAligned'> {
  application: string;
  instance: string;
  /** The stream's public name, prefix and all. */
  stream: string;
  mode: RecordMode;
  limits: RecordLimits;
  /** Who publishes. */
  client?: { readonly id: string; readonly ip: string };
}

/** Recording of Application.xml. Undefined: any. The caps hold for what scripts ask for; one of 0 says that nothing is recorded. */
export type RecordingLimits = ApplicationRows['streamManager']['recording'];

/** What of `asked` the configuration lets a script have. A RecordingError: nothing at all. */
export function allowedLimits(asked: RecordLimits, limits: RecordingLimits): RecordLimits {
  const maxSizeBytes = least(asked.maxSizeBytes ?? limits.maxSizeBytes, limits.maxSizeCapBytes);
  const maxDurationS = least(
    asked.maxDurationS ?? inSeconds(limits.maxDurationMs),
    inSeconds(limits.maxDurationCapMs),
  );
  if (maxSizeBytes === 0 || maxDurationS === 0) {
    throw new RecordingError('NetStream.Record.NoAccess', 'Recording is switched off.');
  }
  return {
    ...(maxSizeBytes === undefined ? {} : { maxSizeBytes }),
    ...(maxDurationS === undefined ? {} : { maxDurationS }),
  };
}

function inSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  const both = a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
  return both === UNLIMITED ? undefined : both;
}

/** Why a file takes no more. */
export type CompletionReason =
  /** The script, or who else began the recording, has ended it. */
  | 'stopped'
  | 'unpublished'
  | 'maxDuration'
  | 'maxSize'
  /** The recording goes on in the next file, as was asked for. */
  | 'segment'
  /** The recording goes on in the next file, because this one could not hold what came. */
  | 'codec'
  | 'failed';

/** A file that is whole. */
export interface CompletedFile extends RecordingFile {
  /** `avc`, `aac` …, in the order in which they came. */
  readonly codecs: readonly string[];
  readonly reason: CompletionReason;
}

export function recordedFile(file: CompletedFile): RecordedFile {
  const { name, place, lengthMs, sizeBytes, codecs, reason } = file;
  return { name, path: place, duration: lengthMs / 1000, bytes: sizeBytes, codecs: [...codecs], reason };
}

export interface RecordEvents {
  /** A limit was reached; everything is on its way to the disk. */
  stopped(): void;
  /** The disk said no in mid-recording, or to the last bytes of one that has ended. `code`: NetStream.Record.Failed or .NoAccess. */
  failed(code: string, description: string, file: RecordingFile): void;
  /** A file is whole, also some time after its recording has ended. */
  completed(file: CompletedFile): void;
}

export interface RecordingFile {
  readonly path: string;
  /** What players ask for: `show`, `mp4:show.f4v`. */
  readonly name: string;
  /** The path within the application's folder, or the whole one if it lies elsewhere. */
  readonly place: string;
  /** So far; what is on its way to the disk included. */
  readonly sizeBytes: number;
  readonly lengthMs: number;
}

export interface Recording extends Sink {
  /** Of several the latest. */
  readonly file: RecordingFile;
  /** Resolves when all its files are whole, or have failed, and `events` have been called for the last time. */
  readonly finished: Promise<void>;
  /** Resolves when what was recorded so far is in the file, or the recording has failed. */
  flush(): Promise<void>;
  /** `reason`: `stopped`, unless it says something else. */
  close(reason?: CompletionReason): void;
}

/** The file that a stream's name means. */
export interface StreamFile {
  readonly application: string;
  readonly instance: string;
  /** Prefix and all. */
  readonly stream: string;
}

export interface Recorders {
  /** Throws a RecordingError (`NetStream.Record.NoAccess` or `NetStream.Record.Failed`) when it cannot begin. */
  open(request: RecordRequest, events: RecordEvents): Recording;
  /** Deletes what was recorded under that name. False: there is nothing, it is being recorded, or the disk says no. */
  clear(stream: StreamFile): Promise<boolean>;
  /** Resolves when what is recorded of it so far is in the file. False: it is not recorded. */
  flush(stream: StreamFile): Promise<boolean>;
}
