// A recorded stream as the source of a server-side one: each message when it is due by the clock, however late the one before
// it was.

import type { Clock } from '../../clock.ts';
import { CodedError } from '../../errors.ts';
import { retimed, type WireMessage } from '../../protocol/rtmp/wire-message.ts';
import type { RecordedStream } from '../contract/recorded.ts';
import { isSeekMark } from '../contract/seek-marks.ts';
import type { Source, SourceEvents } from '../contract/source.ts';

export interface FileSourceOptions {
  stream: RecordedStream;
  clock: Clock;
  /** Where it begins, or at the keyframe before. */
  fromMs: number;
  /** Neither a CodedError nor anything else that a file may do. */
  broke(error: unknown): void;
}

/** It looks at the clock no more often than this. */
const MIN_STEP_MS = 20;
/** Later than that it does not catch up: the machine was asleep, or the disk was. */
const MAX_LATE_MS = 10_000;

export class FileSource implements Source {
  readonly isLive = false;
  readonly #options: FileSourceOptions;
  readonly #forgetGrowth: () => void;
  #cancelWait: (() => void) | undefined;
  /** Resolves whoever waits for the file to grow. */
  #wake: (() => void) | undefined;
  #grown = 0;
  #isClosed = false;

  constructor(options: FileSourceOptions) {
    this.#options = options;
    this.#forgetGrowth = options.stream.onGrown(() => {
      this.#grown += 1;
      this.#wake?.();
    });
  }

  begin(events: SourceEvents, atMs: number): void {
    this.#play(events, atMs).catch((error: unknown) => {
      if (this.#isClosed) return;
      if (error instanceof CodedError) events.failed(error.code, error.message);
      else {
        events.failed('NetStream.Play.Failed', 'It cannot be read.');
        this.#options.broke(error);
      }
    });
  }

  async #play(events: SourceEvents, atMs: number): Promise<void> {
    const { stream, clock, fromMs } = this.#options;
    const place = await this.#there(() => stream.keyframeBefore(fromMs));
    if (this.#isClosed) return;
    if (!place) {
      events.ended();
      return;
    }
    /** By the clock, of time 0 of the file. */
    let originMs = atMs - place.timeMs;
    let headers: readonly WireMessage[] = place.headers.map((header) => retimed(header, place.timeMs));
    for (let at = place.at; ; ) {
      const segment = await this.#there(() => stream.read(at));
      if (this.#isClosed) return;
      if (!segment) break;
      at = segment.next;
      for (const message of segment.messages) {
        if (isSeekMark(message)) continue; // for one player's decoder
        const waitMs = originMs + message.timestampMs - clock.now();
        if (waitMs > 0) await this.#wait(waitMs);
        else if (waitMs < -MAX_LATE_MS) originMs -= waitMs;
        if (this.#isClosed) return;
        for (const header of headers) events.take(header);
        headers = [];
        events.take(message);
        if (this.#isClosed) return;
      }
    }
    events.ended();
  }

  /** Waits for a file that is being recorded to have it. */
  async #there<T>(find: () => Promise<T | undefined>): Promise<T | undefined> {
    for (;;) {
      const grown = this.#grown;
      const found = await find();
      if (found || this.#isClosed) return found;
      if (grown !== this.#grown) continue;
      if (!this.#options.stream.isGrowing) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  async #wait(ms: number): Promise<void> {
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#cancelWait = clock.after(Math.max(ms, MIN_STEP_MS), resolve);
    });
    this.#wake = undefined;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelWait?.();
    this.#forgetGrowth();
    this.#wake?.();
    this.#options.stream.close();
  }
}
