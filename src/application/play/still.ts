// Which pictures show a paused player the time that it seeks: those from the keyframe to the picture that is seen at that time,
// and none behind it. What is read on the way and belongs behind it is kept for when the player goes on.
import { inspectVideo } from '../../media/tag.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import { memoryBytes, type WireMessage } from '../../protocol/rtmp/wire-message.ts';
import { isPicture, isSoundHeader } from '../contract/seek-marks.ts';

/** A sound may stand in the file so far in front of the picture that is seen with it. */
const INTERLEAVE_MS = 1_000;
/** Only a file in an absurd order has more in front of a picture that belongs behind it. */
const MAX_KEPT_BYTES = 1 << 20;

/** A message and its number in the order of the file. */
interface Kept {
  readonly number: number;
  readonly message: WireMessage;
}

export class Still {
  /** The time that is sought, by the file's clock. */
  readonly ms: number;
  /** The picture that is seen then, as far as is known; several where there are several tracks. */
  #shown: WireMessage[] = [];
  #shownMs = 0;
  /** Video behind it. */
  #behind: Kept[] = [];
  /** Sound and data that are due when the player goes on. */
  readonly #others: Kept[] = [];
  #keptBytes = 0;
  #count = 0;

  constructor(ms: number) {
    this.ms = ms;
  }

  get hasPicture(): boolean {
    return this.#shown.length > 0;
  }
  /** Of the picture, decoding time by the file's clock. */
  get pictureMs(): number | undefined {
    return this.#shown.at(-1)?.timestampMs;
  }

  /** False: no picture can follow that is of use. The message, and all behind it, is for later. */
  wants(message: WireMessage): boolean {
    if (this.#keptBytes > MAX_KEPT_BYTES) return false;
    const isLate = this.hasPicture && isPicture(message);
    return message.timestampMs - this.ms <= (isLate ? 0 : INTERLEAVE_MS);
  }

  /** Returns what is certain to be in front of the picture: the decoder needs it. */
  take(message: WireMessage): WireMessage[] {
    this.#count += 1;
    if (message.typeId !== MessageType.Video) {
      if (message.timestampMs >= this.ms || isSoundHeader(message)) this.#others.push(this.#kept(message));
      return [];
    }
    const seenMs = message.timestampMs + (inspectVideo(message.head)?.compositionMs ?? 0);
    const isLater = this.hasPicture && (seenMs > this.ms || seenMs < this.#shownMs);
    if (isLater || !isPicture(message)) {
      this.#behind.push(this.#kept(message));
      return [];
    }
    const isBeside = seenMs === this.#shownMs || !this.hasPicture;
    const passed = [...(isBeside ? [] : this.#shown), ...this.#takeBehind()];
    this.#shown = isBeside ? [...this.#shown, message] : [message];
    this.#shownMs = seenMs;
    return passed;
  }

  #takeBehind(): WireMessage[] {
    const taken = this.#behind.map(({ message }) => message);
    this.#behind = [];
    for (const message of taken) this.#keptBytes -= memoryBytes(message);
    return taken;
  }

  #kept(message: WireMessage): Kept {
    this.#keptBytes += memoryBytes(message);
    return { number: this.#count, message };
  }

  get shown(): readonly WireMessage[] {
    return this.#shown;
  }

  /** For later. */
  get rest(): WireMessage[] {
    const kept = [...this.#behind, ...this.#others].sort((a, b) => a.number - b.number);
    return kept.map(({ message }) => message);
  }
}
