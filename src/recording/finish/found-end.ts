// Where a file ends that is appended to. Most say so themselves, in their last bytes or in a table; others, which a crash or somebody
// else has left, are gone through by a thread (finish-worker.ts), and what is no whole tag or fragment is cut off.
import { RecordingError } from '../../errors.ts';

export interface FoundEnd {
  readonly sizeBytes: number;
  /** Of the last picture or sound; undefined: there is none. */
  readonly lastTimestampMs: number | undefined;
}

/** It has another end than the thread has found. */
export function changedMeanwhile(): RecordingError {
  return new RecordingError(
    'NetStream.Record.NoAccess',
    'Another recording is writing the file of that name.',
  );
}
