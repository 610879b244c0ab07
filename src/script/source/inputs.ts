// All that a build reads: files of the application's folder and of the one that applications share, within limits.
import { liesWithin, readAuthorFile } from '../../disk/author-file.ts';
import { FileError } from '../../errors.ts';
import { Unbuildable } from './build-fault.ts';

export interface BuildLimits {
  /** Of one file. */
  readonly maxFileBytes: number;
  /** Of what the script becomes: the bundle, or all classic files together. */
  readonly maxBundleBytes: number;
}

/** What is read for one build may be larger than what comes of it: packages hold more than is used of them. */
const INPUT_BYTES_PER_BUNDLE = 4;

export class Inputs {
  /** Real paths. */
  readonly #folders: readonly string[];
  readonly #limits: BuildLimits;
  #bytesLeft: number;

  constructor(folders: readonly string[], limits: BuildLimits) {
    this.#folders = folders;
    this.#limits = limits;
    this.#bytesLeft = limits.maxBundleBytes * INPUT_BYTES_PER_BUNDLE;
  }

  /** Whether `path` is written as one in the folders; where links lead is for `read`. */
  isInside(path: string): boolean {
    return liesWithin(path, this.#folders);
  }

  /** `name`: of the file, for messages. Undefined: it is not there. Unbuildable: it is not one that may be read. */
  async read(path: string, name: string): Promise<Buffer | undefined> {
    const bytes = await this.#read(path, name);
    this.#bytesLeft -= bytes?.length ?? 0;
    if (this.#bytesLeft < 0) {
      const mebibytes = (this.#limits.maxBundleBytes * INPUT_BYTES_PER_BUNDLE) / 2 ** 20;
      const message = `the files of this script have more than ${Math.round(mebibytes)} MB (four times MaxBundleSize in Server.xml)`;
      throw new Unbuildable({ file: name, message, limit: 'MaxBundleSize' });
    }
    return bytes;
  }

  async #read(path: string, name: string): Promise<Buffer | undefined> {
    const maxBytes = this.#limits.maxFileBytes;
    try {
      return (await readAuthorFile(path, { maxBytes, within: this.#folders }))?.bytes;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      if (error.code === 'ERR_FILE_SIZE') {
        const message = `the file is too large: ${error.message} (MaxFileSize in Server.xml)`;
        throw new Unbuildable({ file: name, message, limit: 'MaxFileSize' });
      }
      throw new Unbuildable({ file: name, message: `the file cannot be read: ${error.message}` });
    }
  }
}
