// Messages → bytes, for all but the media path (wire-message.ts). RTMP 1.0 §5.3.
import type { Buffer } from 'node:buffer';
import { Assembly } from './assembly.ts';
import { DEFAULT_CHUNK_BYTES } from './chunk-reader.ts';
import type { RtmpMessage } from './message.ts';

/**
 * Every message under a full type-0 header, whole before the next begins: no state but the chunk size, so that these may
 * be written between the messages of the media path.
 */
export class ChunkWriter {
  /** The size that the peer knows; raised after the Set Chunk Size message that announces the new one. */
  chunkBytes = DEFAULT_CHUNK_BYTES;

  /** `csid` is 2 for protocol control, 3 for connection commands, else of the caller's choice up to 63. */
  encode(message: RtmpMessage, csid: number): Buffer {
    const { typeId, streamId, timestampMs, payload } = message;
    const length = payload.length;
    const assembly = Assembly.chunked({
      csid,
      typeId,
      streamId,
      timestampMs,
      length,
      chunkBytes: this.chunkBytes,
    });
    assembly.append(payload, 0, length);
    return assembly.done();
  }
}
