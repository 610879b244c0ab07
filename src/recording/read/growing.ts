// Files that are being recorded, as those see them who play them meanwhile: how much of one may be read, and when there is
// more. recorder.ts fills this in; who reads asks by the path of the file.
import { Keyframes } from './keyframes.ts';

export const RecordedContainer = { Flv: 'flv', Mp4: 'mp4' } as const;
export type RecordedContainer = (typeof RecordedContainer)[keyof typeof RecordedContainer];

/** One file while it grows. The object stays what it is when the recording has ended, with the last numbers. */
export interface GrowingFile {
  readonly path: string;
  readonly container: RecordedContainer;
  /** False: it is whole; what the reader finds behind `flushedBytes` is no business of its. */
  readonly isGrowing: boolean;
  /** Bytes from the beginning on that the system has, ending with a whole tag (FLV) or fragment (MP4). */
  readonly flushedBytes: number;
  /** Time of the last picture or sound within them; where the file began at another time than 0 as well. */
  readonly flushedMs: number;
  /** Where sending can begin: tags of keyframes (FLV), fragments that begin with one (MP4). The last may not be flushed yet. */
  readonly keyframes: Keyframes;
  /** Calls after `flushedBytes` has grown, and when it has stopped growing. Must not throw or wait. Returns its undo. */
  onFlushed(call: () => void): () => void;
}

export interface GrowingFiles {
  /** Undefined: nobody records that file now. */
  find(path: string): GrowingFile | undefined;
}

/** What the writer of a file says of it. */
export class Growth implements GrowingFile {
  readonly path: string;
  readonly container: RecordedContainer;
  readonly keyframes = new Keyframes();
  isGrowing = true;
  flushedBytes = 0;
  flushedMs = 0;
  readonly #listeners = new Set<() => void>();

  constructor(path: string, container: RecordedContainer) {
    this.path = path;
    this.container = container;
  }

  onFlushed(call: () => void): () => void {
    this.#listeners.add(call);
    return () => {
      this.#listeners.delete(call);
    };
  }

  flushed(bytes: number, ms: number): void {
    if (bytes === this.flushedBytes) return;
    this.flushedBytes = bytes;
    this.flushedMs = ms;
    this.#tell();
  }

  ended(): void {
    if (!this.isGrowing) return;
    this.isGrowing = false;
    this.#tell();
    this.#listeners.clear();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
