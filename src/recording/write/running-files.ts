// Which files are being written, on the disk: a server that was killed repairs them at its next start.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../log/log.ts';
import { RecordedContainer } from '../read/growing.ts';

export interface RunningFile {
  readonly path: string;
  readonly container: RecordedContainer;
}

const SUFFIX = '.json';

export class RunningFiles {
  readonly #folder: string;
  readonly #log: Log;
  /** Written by this process. */
  readonly #own = new Set<string>();

  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#log = log;
  }

  add(file: RunningFile): void {
    const marker = this.#markerOf(file.path);
    this.#own.add(marker);
    try {
      mkdirSync(this.#folder, { recursive: true });
      writeFileSync(marker, JSON.stringify(file));
    } catch (error) {
      this.#log.warn(
        { event: 'record-marker', path: file.path, err: error },
        'this recording will not be repaired after a crash, for it cannot be written down that it is under way',
      );
    }
  }

  remove(path: string): void {
    const marker = this.#markerOf(path);
    this.#own.delete(marker);
    rmSync(marker, { force: true });
  }

  /** What another process has left. */
  left(): RunningFile[] {
    let names: string[];
    try {
      names = readdirSync(this.#folder);
    } catch {
      return []; // nothing was ever recorded
    }
    const markers = names.filter((name) => name.endsWith(SUFFIX)).map((name) => join(this.#folder, name));
    return markers.flatMap((marker) => (this.#own.has(marker) ? [] : (this.#read(marker) ?? [])));
  }

  #read(marker: string): RunningFile | undefined {
    try {
      const { path, container } = JSON.parse(readFileSync(marker, 'utf8')) as Partial<RunningFile>;
      const isKnown = Object.values(RecordedContainer).some((one) => one === container);
      if (typeof path === 'string' && container && isKnown && marker === this.#markerOf(path)) {
        return { path, container };
      }
    } catch {
      // cut off by the crash: its recording had hardly begun
    }
    rmSync(marker, { force: true });
    return undefined;
  }

  #markerOf(path: string): string {
    return join(this.#folder, `${createHash('sha256').update(path).digest('hex').slice(0, 32)}${SUFFIX}`);
  }
}
