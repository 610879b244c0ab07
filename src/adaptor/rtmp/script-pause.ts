// Commands of a client whose script has too much to do already: they wait in the connection, and nothing behind them is read. Who has
// nothing open there may always say a little: a flood of others does not keep one out who makes a call now and then.
import type { Client } from '../../application/contract/client.ts';
import type { AppInstance } from '../../application/instance/instance.ts';
import type { LineLimit } from '../../log/line-limit.ts';
import type { Log } from '../../log/log.ts';
import type { RtmpMessage } from '../../protocol/rtmp/message.ts';
import { memoryBytes, withOwnMemory } from '../../protocol/rtmp/wire-message.ts';
import type { OpenCalls } from './commands.ts';

/** A command of no more bytes is a little. */
const LITTLE_BYTES = 4 << 10;

const WAITS = 'the server stops reading the connection until the script has processed its queue';

export interface ScriptPauseHost {
  /** Undefined: commands are not run, at the moment. */
  entry(): { readonly instance: AppInstance | undefined; readonly client: Client | undefined } | undefined;
  readonly openCalls: OpenCalls;
  readonly lines: LineLimit;
  /** Of the peer. */
  readonly address: string;
  log(): Log;
  /** So many bytes more wait; negative: fewer. */
  keep(bytes: number): void;
  pauseReading(): void;
  resumeReading(): void;
}

export class ScriptPause {
  readonly #host: ScriptPauseHost;
  #undo: (() => void) | undefined;

  constructor(host: ScriptPauseHost) {
    this.#host = host;
  }

  /** A command does. */
  get isWaiting(): boolean {
    return this.#undo !== undefined;
  }

  /** `message`: a command. Undefined: it need not wait. Otherwise it is what is to be read first, once nothing waits any more. */
  hold(message: RtmpMessage): Iterator<RtmpMessage> | undefined {
    const { openCalls, entry, keep, lines, address: ip, log, pauseReading, resumeReading } = this.#host;
    const isLittle = openCalls.isEmpty && message.payload.length <= LITTLE_BYTES;
    if (isLittle) return undefined;
    const { instance, client } = entry() ?? {};
    const limit = instance && client && instance.busyWith(client);
    if (!limit) return undefined;
    const held = withOwnMemory(message);
    const bytes = memoryBytes(held);
    keep(bytes);
    const cancel = instance.whenIdle(client, () => {
      this.close();
      resumeReading();
    });
    this.#undo = () => {
      cancel();
      keep(-bytes);
    };
    lines.limit(limit, ip, { log: log(), ip }, WAITS);
    pauseReading();
    return [held][Symbol.iterator]();
  }

  /** It waits no more. */
  close(): void {
    this.#undo?.();
    this.#undo = undefined;
  }
}
