// The times of one recording's messages in its files: on one line of time through all of them, from each file's beginning on.
import type { LineLimit } from '../../log/line-limit.ts';
import type { Log } from '../../log/log.ts';
import { type ClockFault, Timeline } from '../../media/timeline.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import type { WireMessage } from '../../protocol/rtmp/wire-message.ts';

export interface FileTimeOptions {
  readonly log: Log;
  readonly limit: LineLimit;
  /** Of the file, for the log. */
  path(): string;
}

export class FileTime {
  readonly #options: FileTimeOptions;
  readonly #timeline = new Timeline(0, (fault) => this.#tellOfFault(fault));
  /** Subtracted from the line's times. */
  #offsetMs = 0;
  #beginMs = 0;
  #liftedMs = 0;

  constructor(options: FileTimeOptions) {
    this.#options = options;
  }

  /** Where this recording begins in its file. */
  get beginMs(): number {
    return this.#beginMs;
  }

  /** By how much the latest picture or sound stands later in the file than its own time. */
  get liftedMs(): number {
    return this.#liftedMs;
  }

  /** A file begins: what has that time in the one before has `startMs` in this one. */
  begin(startMs: number, timestampMs: number): void {
    this.#beginMs = startMs;
    this.#offsetMs += timestampMs - startMs;
  }

  /**
   * In the file; of each kind of message they never go back, for those who read it expect that. `isFrame`: it is a picture or a
   * sound; `atMs`: when it came, by the clock.
   */
  of(message: WireMessage, isFrame: boolean, atMs: number): number {
    const ms = this.#lineMs(message, isFrame, atMs) - this.#offsetMs;
    const placedMs = Math.max(this.#beginMs, ms);
    if (isFrame) this.#liftedMs = placedMs - ms + this.#timeline.liftedMs;
    return placedMs;
  }

  #lineMs({ typeId, timestampMs }: WireMessage, isFrame: boolean, atMs: number): number {
    const isVideo = typeId === MessageType.Video;
    if (!isVideo && typeId !== MessageType.Audio) return this.#timeline.placeData(timestampMs, atMs);
    const track = isVideo ? 'video' : 'audio';
    return isFrame
      ? this.#timeline.place(track, timestampMs, atMs)
      : this.#timeline.placeHeader(track, timestampMs, atMs);
  }

  end(): void {
    this.#timeline.end();
  }

  #tellOfFault({ track, isLasting, offMs, messages }: ClockFault): void {
    const { log, limit } = this.#options;
    const path = this.#options.path();
    const text = isLasting
      ? `the publisher's ${track} timestamps jumped by ${offMs} ms: the recording goes on by the time that has passed`
      : `${track} timestamps were ${offMs} ms off: the recording has these messages where they were due`;
    limit.line('record-clock', path, (repeats) =>
      log.warn({ event: 'record-clock', path, track, offMs, messages, repeats }, text),
    );
  }
}
