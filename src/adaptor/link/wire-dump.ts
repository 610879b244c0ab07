// A session's raw bytes, both ways, in a file that tests replay: what a client said when it stopped working, or a fixture
// of one that works. Off unless a folder is named. A dump holds whatever the client sent: stream keys, tokens, passwords,
// and the picture. Its file is readable by its owner only; take as much care of a copy.
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log/log.ts';

/** Who sent the bytes of a record. */
export const WireDirection = { FromClient: 0, FromServer: 1 } as const;
export type WireDirection = (typeof WireDirection)[keyof typeof WireDirection];

/** Some minutes of a live stream; a dump that was forgotten may not fill the disk. Also what a slow disk may queue. */
const MAX_DUMP_BYTES = 64 << 20;

const RECORD_HEAD_BYTES = 9;

// | ms since the connection u32 | direction u8 | length u32 | bytes |    once for each read and each write, to the end
function recordHead(ms: number, direction: WireDirection, length: number): Buffer {
  const head = Buffer.allocUnsafe(RECORD_HEAD_BYTES);
  head.writeUInt32BE(ms, 0);
  head.writeUInt8(direction, 4);
  head.writeUInt32BE(length, 5);
  return head;
}

export interface WireDumpOptions {
  /** It has to be there. */
  folder: string;
  sessionId: string;
  clock: Clock;
  log: Log;
}

export class WireDump {
  readonly #file: WriteStream;
  readonly #clock: Clock;
  readonly #startedAt: number;
  #bytes = 0;

  constructor({ folder, sessionId, clock, log }: WireDumpOptions) {
    const path = join(folder, `session-${sessionId}.dump`);
    this.#file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    this.#file.on('error', (err) => log.error({ event: 'wire-dump', path, err }, 'the wire dump ends here'));
    this.#clock = clock;
    this.#startedAt = clock.now();
    log.warn({ event: 'wire-dump', path }, 'every byte of this session is dumped, secrets included');
  }

  /** Keeps `bytes` until they are written, without a copy. */
  add(direction: WireDirection, bytes: Uint8Array): void {
    if (!this.#file.writable) return;
    this.#bytes += RECORD_HEAD_BYTES + bytes.length;
    if (this.#bytes > MAX_DUMP_BYTES) {
      this.#file.end();
      return;
    }
    this.#file.write(recordHead(Math.round(this.#clock.now() - this.#startedAt), direction, bytes.length));
    this.#file.write(bytes);
  }

  close(): void {
    this.#file.end();
  }
}
