// What an instance asks of whoever writes its recordings; recording/ stands behind it.
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

export interface RecordEvents {
  /** A limit was reached, or the recording was closed; everything is on its way to the disk. */
  stopped(): void;
  /** The disk said no in mid-recording. */
  failed(description: string): void;
}

export interface Recording extends Sink {
  close(): void;
}

export interface Recorders {
  /** Throws a RecordingError (`NetStream.Record.NoAccess` or `NetStream.Record.Failed`) when it cannot begin. */
  open(request: RecordRequest, events: RecordEvents): Recording;
}
