// A recorder with a folder, a clock and a disk of its own.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CompletedFile, RecordRequest } from '../../src/application/contract/recording.ts';
import { bugs } from '../../src/log/log.ts';
import { FlvReader } from '../../src/media/flv.ts';
import { buildWireMessage, isWireType, type WireMessage } from '../../src/protocol/rtmp/wire-message.ts';
import { StreamFolders } from '../../src/recording/read/folders.ts';
import { systemDisk } from '../../src/recording/write/disk-writer.ts';
import { FileRecorders, type RecorderOptions } from '../../src/recording/write/recorder.ts';
import { keepingLog } from './core.ts';
import { ManualClock } from './manual-clock.ts';

export class Desk implements AsyncDisposable {
  readonly folder: string;
  readonly clock = new ManualClock();
  readonly log = keepingLog();
  now = new Date();
  /** What the next writes shall fail with. */
  trouble: NodeJS.ErrnoException | undefined;
  readonly folders: StreamFolders;
  readonly recorders: FileRecorders;
  /** `stopped`, or why it failed. */
  readonly events: string[] = [];
  readonly codes: string[] = [];
  readonly completed: CompletedFile[] = [];
  readonly #bugsBefore = bugs.count;
  readonly #ownsFolder: boolean;

  /** `folder`: another one's, which a process that was killed has left. */
  constructor(options: Partial<RecorderOptions> = {}, folder?: string) {
    this.#ownsFolder = folder === undefined;
    this.folder = folder ?? mkdtempSync(join(tmpdir(), 'understudy-recording-'));
    this.folders = new StreamFolders(this.folder);
    this.recorders = new FileRecorders({
      log: this.log.log,
      clock: this.clock,
      runFolder: join(this.folder, '.running'),
      finishesMp4: true,
      now: () => this.now,
      flush: { maxMs: 1_000, maxBytes: 256 << 10 },
      disk: {
        write: async (fd, bytes, at) => {
          if (!this.trouble) return systemDisk.write(fd, bytes, at);
          await systemDisk.write(fd, bytes.subarray(0, bytes.length >> 1), at);
          throw this.trouble;
        },
      },
      ...options,
    });
  }

  open(request: Partial<RecordRequest> = {}) {
    return this.recorders.in(this.folders).open(
      { application: 'live', instance: '_definst_', stream: 'cam', mode: 'record', limits: {}, ...request },
      {
        stopped: () => this.events.push('stopped'),
        failed: (code, why) => {
          this.codes.push(code);
          this.events.push(why);
        },
        completed: (file) => this.completed.push(file),
      },
    );
  }

  path(name = 'cam.flv', instance = '_definst_'): string {
    return join(this.folder, 'live', 'streams', instance, name);
  }

  /** Everything is on the disk. */
  async finished(): Promise<void> {
    await this.recorders.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.recorders.close();
    if (this.#ownsFolder) rmSync(this.folder, { recursive: true });
    assert.equal(bugs.count, this.#bugsBefore, JSON.stringify(this.log.records));
  }
}

/** What a publisher sends that sends that file. */
export function messagesOf(flv: string): WireMessage[] {
  return [...new FlvReader().push(readFileSync(flv))].flatMap(({ typeId, timestampMs, payload }) =>
    isWireType(typeId) ? [buildWireMessage({ typeId, timestampMs, payload })] : [],
  );
}
