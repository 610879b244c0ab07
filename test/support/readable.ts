// Files that are nothing but bytes, and all that is read of them.
import type { WireMessage } from '../../src/protocol/rtmp/wire-message.ts';
import type { Media, ReadableFile } from '../../src/recording/read/media.ts';

export class Bytes implements ReadableFile {
  readonly path = 'film';
  readonly #bytes: Buffer;
  readonly sizeBytes: number;
  bytesRead = 0;

  /** Behind `bytes` there are zeros up to that size. */
  constructor(bytes: Uint8Array, sizeBytes = bytes.length) {
    this.#bytes = Buffer.from(bytes);
    this.sizeBytes = sizeBytes;
  }
  async read(at: number, length: number): Promise<Buffer> {
    const part = Buffer.alloc(Math.max(0, Math.min(length, this.sizeBytes - at)));
    if (at < this.#bytes.length) this.#bytes.copy(part, 0, at);
    this.bytesRead += part.length;
    return part;
  }
  async close(): Promise<void> {}
}

/** From that time on, with what must come before it. */
export async function all(media: Media, ms = 0): Promise<WireMessage[]> {
  const place = await media.keyframeBefore(ms);
  const messages = [...(place?.headers ?? [])];
  for (let at = place?.at; at !== undefined; ) {
    const segment = await media.read(at);
    messages.push(...(segment?.messages ?? []));
    at = segment?.next;
  }
  return messages;
}
