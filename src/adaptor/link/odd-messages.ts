// Messages of one connection that cannot be read, or only in part: they are counted, and the log has one line for each kind.
import { isUnreadable } from '../../errors.ts';
import type { LineLimit } from '../../log/line-limit.ts';
import type { Log } from '../../log/log.ts';
import { visible } from '../../log/visible.ts';
import type { RtmpMessage } from '../../protocol/rtmp/message.ts';
import { describeMessage, type OddListener, wordsOf } from '../../protocol/rtmp/odd-message.ts';

export interface OddMessagesOptions {
  /** Of the connection, as it is now. */
  log(): Log;
  /** Shared by all connections. */
  readonly lines: LineLimit;
  /** Of the peer. */
  readonly address: string;
}

export class OddMessages implements OddListener {
  /** Messages that were passed over. */
  unreadable = 0;
  readonly #options: OddMessagesOptions;
  /** Kinds that have a line: message types that are read, times what may be wrong with them. */
  readonly #logged = new Set<string>();

  constructor(options: OddMessagesOptions) {
    this.#options = options;
  }

  passOver(message: RtmpMessage, error: unknown): void {
    if (!isUnreadable(error)) throw error;
    this.unreadable += 1;
    this.#line(message, error.code, `cannot be read: ${error.message}`);
  }

  read(message: RtmpMessage, oddity: string | undefined): void {
    if (oddity === undefined) return;
    const [fault] = oddity.replace(/\d+ /g, '').split(':'); // without numbers, and what a peer may have had a hand in
    this.#line(message, fault!, `is malformed; the server uses the valid part: ${oddity}`);
  }

  #line(message: RtmpMessage, fault: string, text: string): void {
    const kind = `${message.typeId} ${fault}`;
    if (this.#logged.has(kind)) return;
    this.#logged.add(kind);
    const { lines, address } = this.#options;
    const words = wordsOf(message);
    const { typeId, streamId, payload } = message;
    const facts = {
      ...{ event: 'odd-message' as const, typeId, streamId, bytes: payload.length, fault },
      ...(words.name !== undefined && { name: words.name }),
    };
    const line = visible(`${describeMessage(words, message)} ${text}`);
    const log = this.#options.log();
    lines.line(`odd message ${kind}`, address, (repeats) => {
      log.warn(repeats > 0 ? { ...facts, repeats } : facts, line);
    });
  }
}
