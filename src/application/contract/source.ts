// What a server-side stream takes its media from: a file, a live stream of this instance, a stream of another server.
import type { WireMessage } from '../../protocol/rtmp/wire-message.ts';

/** Told by a source, in the order in which things happen, and nothing after `close`. Any of it may close the source. */
export interface SourceEvents {
  /**
   * Media, headers first: onMetaData, decoder configurations, then everything from a keyframe on. Times are the source's
   * own, in shape and chunk size of the instance; where they begin says nothing.
   */
  take(message: WireMessage): void;
  /** Whoever published it has gone, and may come back; only of what is live. */
  lost(): void;
  /** Nothing more will come. */
  ended(): void;
  /** A NetStream.* code. Nothing more will come. */
  failed(code: string, description: string): void;
}

export interface Source {
  /** It comes in its own time, live: nobody holds it to the clock. */
  readonly isLive: boolean;
  /** `atMs`: when its first message is due, by the instance's clock; a live source does not wait for it. */
  begin(events: SourceEvents, atMs: number): void;
  /** NetStream.setBufferTime of a stream that comes from far away. */
  setBufferMs?(ms: number): void;
  close(): void;
}

/** One entry of a server-side stream's playlist. */
export interface SourceItem {
  /** As the script asked for it; `details` of what it is told. */
  readonly name: string;
  /** How much of it; undefined: all. 0: one picture. */
  readonly lengthMs: number | undefined;
  /** The name of a stream of this instance that it will relay when it is live; undefined: never. */
  readonly liveName: string | undefined;
  /** Its turn has come. Undefined: there is none of that name. Rejects with a CodedError whose code is a NetStream.* code. */
  open(): Promise<Source | undefined>;
}

/** What Stream.play asks for. */
export interface ServerPlay {
  /** Prefix and all. */
  name: string;
  /** Seconds; -2: live if it is, else recorded, else live when it comes; -1: live. */
  start: number;
  /** Seconds; -1: all of it; 0: one picture. */
  length: number;
  /** In place of everything that is played and waits. */
  reset: boolean;
}
