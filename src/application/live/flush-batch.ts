// One flush of a stream, the same object for all of its viewers: what only few of them need is put together for the first of those.
import { inspectVideo } from '../../media/tag.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import type { WireMessage } from '../../protocol/rtmp/wire-message.ts';
import { Shaped } from './shape.ts';

export interface FlushFacts {
  readonly batch: readonly WireMessage[];
  /**
   * It begins with a group of pictures: what of that has left before it, pictures of further tracks, which a player needs that
   * comes back here. Undefined: it begins with none.
   */
  readonly leadIn: readonly WireMessage[] | undefined;
  /** The stream has video, so one who has missed something waits for a keyframe, so long at most. */
  readonly needsKeyframe: boolean;
  readonly keyframeWaitMs: number;
  /** Bytes per second. */
  readonly bitrate: number;
  readonly now: number;
  /** Slow players hold too much memory, all streams together. */
  readonly isTight: boolean;
}

export class Flush implements FlushFacts {
  readonly batch: readonly WireMessage[];
  /** All of the batch. */
  readonly whole: Shaped;
  /** Bytes of the batch, whatever the shape; a container's own headers are about as long as those of chunks. */
  readonly sizeBytes: number;
  readonly leadIn: readonly WireMessage[] | undefined;
  readonly needsKeyframe: boolean;
  readonly keyframeWaitMs: number;
  readonly bitrate: number;
  readonly now: number;
  readonly isTight: boolean;
  /** Of its first and its last sound or picture; undefined: it has data alone. */
  readonly beginMs: number | undefined;
  readonly endMs: number | undefined;
  #withoutPictures: Shaped | undefined;

  constructor(facts: FlushFacts) {
    const { batch } = facts;
    this.batch = batch;
    this.whole = new Shaped(batch);
    let sizeBytes = 0;
    for (const { wire } of batch) sizeBytes += wire.length;
    this.sizeBytes = sizeBytes;
    this.leadIn = facts.leadIn;
    this.needsKeyframe = facts.needsKeyframe;
    this.keyframeWaitMs = facts.keyframeWaitMs;
    this.bitrate = facts.bitrate;
    this.now = facts.now;
    this.isTight = facts.isTight;
    this.beginMs = batch.find(isMedia)?.timestampMs;
    this.endMs = batch.findLast(isMedia)?.timestampMs;
  }

  /** Sound, data, and the headers of pictures. */
  get withoutPictures(): Shaped {
    this.#withoutPictures ??= new Shaped(this.batch.filter((message) => !isPicture(message)));
    return this.#withoutPictures;
  }
}

/** Only sound and pictures say what time it is in a stream. */
export function isMedia({ typeId }: WireMessage): boolean {
  return typeId === MessageType.Audio || typeId === MessageType.Video;
}

function isPicture({ typeId, head }: WireMessage): boolean {
  if (typeId !== MessageType.Video) return false;
  const tag = inspectVideo(head);
  return !tag?.isSequenceHeader && !tag?.isMetadata;
}
