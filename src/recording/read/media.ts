// A container that is read, by all of its players together: library.ts shares it among them.
import type { Place, Segment } from '../../application/contract/recorded.ts';
import { DecodeError, StatusError } from '../../errors.ts';

/** A file that is open, or what stands for one. */
export interface ReadableFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Fewer bytes than that only where the file ends. */
  read(at: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

export interface Media {
  readonly path: string;
  readonly sizeBytes: number;
  readonly lengthMs: number;
  readonly hasVideo: boolean;
  readonly isGrowing: boolean;
  onGrown(call: () => void): () => void;
  keyframeBefore(ms: number): Promise<Place | undefined>;
  keyframeFrom(ms: number): Promise<Place | undefined>;
  /** What begins there is the same however it was reached: segments end where the file says, not where they began. */
  read(at: number): Promise<Segment | undefined>;
  /** It will never be another one. */
  isWhole(at: number, segment: Segment): boolean;
  close(): Promise<void>;
}

export function structureInvalid(what: string, cause?: unknown): StatusError {
  return new StatusError('NetStream.Play.FileStructureInvalid', `The file is damaged: ${what}.`, { cause });
}

/** Files are what others have left on the disk: what cannot be decoded is refused, with its reason. */
export function asStatusError(error: unknown): unknown {
  return error instanceof DecodeError ? structureInvalid(error.message, error) : error;
}
