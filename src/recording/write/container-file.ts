// What a recording writes to, whatever the container: recording.ts sorts and times the messages, a container's file keeps them.
import type { AmfObject } from '../../protocol/amf/amf.ts';
import type { WireType } from '../../protocol/rtmp/wire-message.ts';
import type { GrowingFile } from '../read/growing.ts';

/** A message on its way into a file. */
export type Item =
  | { readonly kind: 'metadata'; readonly timestampMs: number; readonly entries: AmfObject }
  | {
      /**
       * `header`: a decoder configuration, or what else whoever joins must have before the first frame. `keyframe`: a group of
       * pictures begins with it (group-starts.ts), or it is the keyframe of that group's lead track.
       */
      readonly kind: 'header' | 'keyframe' | 'frame' | 'sound' | 'data';
      readonly timestampMs: number;
      readonly typeId: WireType;
      readonly payload: Uint8Array;
    };

export interface FileBegin {
  readonly startMs: number;
  readonly metaData: AmfObject;
  /** The decoder configurations that are known before the first frame. */
  readonly headers: readonly Item[];
  /** As far as the headers and the first frame say. */
  readonly hasVideo: boolean;
}

export interface ContainerFile {
  readonly growing: GrowingFile;
  /** Of what was there when it was opened to be appended to. */
  readonly lastTimestampMs: number | undefined;
  /** With what is on its way to the disk. */
  readonly sizeBytes: number;
  /** Time of the last picture or sound. */
  readonly durationMs: number;
  /** In the order in which they came. */
  readonly codecs: readonly string[];
  /**
   * Once, before anything is taken. Why this file cannot hold that, while a new one can; undefined: it does. A RecordingError:
   * no file of the kind can.
   */
  begin(begin: FileBegin): string | undefined;
  /** The same of what comes now. */
  refuses(item: Item): string | undefined;
  take(item: Item): void;
  /** Hands what waits to the system; resolves when it has it, or has refused it. */
  flush(): Promise<void>;
  /** Writes what waits, makes the file whole, and closes it. Resolves in any case. */
  close(): Promise<void>;
}
