// What an instance asks of whoever writes its recordings; recording/ stands behind it.
import { RecordingError } from '../errors.ts';
import type { RecordLimits, RecordMode } from './script.ts';
import type { Sink } from './stream.ts';

export interface RecordRequest {
  application: string;
  instance: string;
  /** The stream's public name, prefix and all. */
  stream: string;
  mode: RecordMode;
  limits: RecordLimits;
}

/** Undefined: any. The caps hold for what scripts ask for; one of 0 says that nothing is recorded. */
export interface RecordingLimits {
  readonly maxBytes: number | undefined;
  readonly maxBytesCap: number | undefined;
  readonly maxMs: number | undefined;
  readonly maxMsCap: number | undefined;
}

/** What of `asked` the configuration lets a script have. A RecordingError: nothing at all. */
export function allowedLimits(asked: RecordLimits, limits: RecordingLimits): RecordLimits {
  const maxSizeBytes = least(asked.maxSizeBytes ?? limits.maxBytes, limits.maxBytesCap);
  const maxDurationS = least(asked.maxDurationS ?? inSeconds(limits.maxMs), inSeconds(limits.maxMsCap));
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
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

export interface RecordEvents {
  /** A limit was reached, or the recording was closed; everything is on its way to the disk. */
  stopped(): void;
  /** The disk said no in mid-recording. */
  failed(description: string): void;
}

export interface RecordingFile {
  readonly path: string;
  /** So far; what is on its way to the disk included. */
  readonly sizeBytes: number;
  readonly lengthMs: number;
}

export interface Recording extends Sink {
  readonly file: RecordingFile;
  close(): void;
}

export interface Recorders {
  /** Throws a RecordingError (`NetStream.Record.NoAccess` or `NetStream.Record.Failed`) when it cannot begin. */
  open(request: RecordRequest, events: RecordEvents): Recording;
}
