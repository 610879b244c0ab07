// What an instance asks of whoever reads its recorded streams; recording/ stands behind it.
import { isMetaData } from '../../protocol/rtmp/command.ts';
import { WireMessage } from '../../protocol/rtmp/wire-message.ts';
import { isSeekMark } from './seek-marks.ts';

export interface RecordedRequest {
  application: string;
  instance: string;
  /** As it was asked for, prefix and all, without a query. */
  name: string;
  /** Chunk size of what is sent. */
  chunkBytes: number;
}

export interface RecordedStreams {
  /**
   * Undefined: there is none of that name. Rejects with a StatusError: it is there and cannot be played, because of its
   * structure (`NetStream.Play.FileStructureInvalid`), of what is in it (`.NoSupportedTrackFound`) or else (`.Failed`).
   */
  open(request: RecordedRequest): Promise<RecordedStream | undefined>;
}

/** What administrators are told of them. */
export interface RecordedCatalog {
  /** Those of an instance as players ask for them, in the order of their letters, `limit` at most. */
  names(application: string, instance: string, limit: number): Promise<string[]>;
  readonly cacheStats: CacheStats;
}

/** Of what was read of files, kept for whoever plays it next. */
export interface CacheStats {
  bytes: number;
  segments: number;
  hits: number;
  reads: number;
}

/** One user's hold on a file that all of its players read together. */
export interface RecordedStream {
  readonly path: string;
  /** Of what is there now. */
  readonly sizeBytes: number;
  readonly lengthMs: number;
  readonly hasVideo: boolean;
  /** It is being recorded: behind its end there may be more. */
  readonly isGrowing: boolean;
  /** Calls whenever there is more of it, and when it has stopped growing. Returns its undo. */
  onGrown(call: () => void): () => void;
  /** The last keyframe at or before that time, and the first one of all if there is none; undefined: nothing is there. */
  keyframeBefore(ms: number): Promise<Place | undefined>;
  /** The first keyframe at or behind that time. */
  keyframeFrom(ms: number): Promise<Place | undefined>;
  /** What is there from a place on, or from where the segment before ended; undefined: nothing more as of now. */
  read(at: number): Promise<Segment | undefined>;
  close(): void;
}

/** From where sending can begin. In a stream of sound alone every frame is as good as a keyframe. */
export interface Place {
  readonly at: number;
  readonly timeMs: number;
  /** What must come before it: onMetaData first, then decoder configurations. Their times say nothing. */
  readonly headers: readonly WireMessage[];
}

/** Some messages in a row. The same object, and the same bytes, for all who read it. */
export interface Segment {
  readonly messages: readonly WireMessage[];
  /** All of them, one behind the other; each message's own bytes are a view on these. */
  readonly bytes: Buffer;
  /** There is onMetaData among them. */
  readonly hasMetaData: boolean;
  /** Where the next segment begins. */
  readonly next: number;
  /** There are marks in it around pictures that are for the decoder only. */
  readonly hasMarks: boolean;
}

export function segmentOf(messages: readonly WireMessage[], next: number): Segment {
  const bytes = Buffer.concat(messages.map(({ wire }) => wire));
  let at = 0;
  const views = messages.map((message) => {
    const { typeId, streamId, timestampMs, length, chunkBytes } = message;
    const wire = bytes.subarray(at, at + message.wire.length);
    at += wire.length;
    return new WireMessage({ typeId, streamId, timestampMs, length, chunkBytes, wire });
  });
  const [hasMetaData, hasMarks] = [views.some(isMetaData), views.some(isSeekMark)];
  return { messages: views, bytes, hasMetaData, next, hasMarks };
}

/** The bytes of `messages[from … to)`. */
export function bytesOf({ messages, bytes }: Segment, from: number, to: number): Buffer {
  if (from >= to) return bytes.subarray(0, 0);
  const last = messages[to - 1]!.wire;
  const begin = messages[from]!.wire.byteOffset - bytes.byteOffset;
  return bytes.subarray(begin, last.byteOffset + last.length - bytes.byteOffset);
}
