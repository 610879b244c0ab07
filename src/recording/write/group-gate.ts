// Where the groups of pictures of a stream begin for its recording, which cuts there: what may belong to the next group is held
// back until the lead track's keyframe says so. Streams of one video track pass as they come.
import { GroupStarts } from '../../media/group-starts.ts';
import { inspectVideo } from '../../media/tag.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import { memoryBytes, type WireMessage } from '../../protocol/rtmp/wire-message.ts';

export interface Arrived {
  readonly message: WireMessage;
  /** When it came, by the clock. */
  readonly atMs: number;
  /** A group of pictures begins with it; also true of the lead track's keyframe itself. */
  readonly startsGroup: boolean;
}

/** A group that has more before its lead track's keyframe begins with that. */
const MAX_HELD_BYTES = 4 << 20;

export class GroupGate {
  readonly #starts = new GroupStarts();
  #count = 0;
  #held: Arrived[] = [];
  #heldBytes = 0;

  /** What can go on now, in order. */
  take(message: WireMessage, atMs: number): readonly Arrived[] {
    const isVideo = message.typeId === MessageType.Video;
    const beginAt = isVideo ? this.#takeVideo(message) : undefined;
    const arrived = { message, atMs, startsGroup: beginAt !== undefined };
    const { asideAt } = this.#starts;
    const isAside = asideAt !== undefined;
    if (!isAside && this.#held.length === 0) return [arrived];
    const begins = beginAt !== undefined && beginAt < this.#count;
    const isOver = !isAside || (isVideo && asideAt === this.#count) || this.#heldBytes > MAX_HELD_BYTES;
    const ready = isOver ? this.#release(begins ? atMs : undefined) : [];
    if (!isAside) return [...ready, arrived];
    this.#held.push(arrived);
    this.#heldBytes += memoryBytes(message);
    return ready;
  }

  #takeVideo(message: WireMessage): number | undefined {
    const tag = inspectVideo(message.head);
    this.#count += 1;
    return tag && this.#starts.take(tag, message.payload, message.timestampMs, this.#count);
  }

  /** `beginsAtMs`: when the lead track's keyframe came whose group begins with what is held; undefined: none does. */
  #release(beginsAtMs: number | undefined): Arrived[] {
    const ready = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    if (beginsAtMs === undefined) return ready;
    return ready.map(({ message }, i) => ({ message, atMs: beginsAtMs, startsGroup: i === 0 }));
  }

  /** Nothing more will come. */
  end(): readonly Arrived[] {
    return this.#release(undefined);
  }
}
