// Methods of the client that a script calls, and who may answer them.
import type { Log } from '../../log/log.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import type { Outbox } from '../link/outbox.ts';

export interface ClientCallsHost {
  readonly outbox: Outbox;
  log(): Log;
  /** What has come of a call that wants an answer. */
  result(responder: number, ok: boolean, value: AmfValue): void;
}

export class ClientCalls {
  readonly #host: ClientCallsHost;
  /** Calls that this client, and nobody else, may answer. */
  readonly #responders = new Set<number>();

  constructor(host: ClientCallsHost) {
    this.#host = host;
  }

  /** `responder`: undefined where the script wants no answer. */
  call(name: string, args: AmfValue[], responder: number | undefined): void {
    const problem = this.#host.outbox.scriptCommand(name, responder ?? 0, args);
    if (!problem) {
      if (responder !== undefined) this.#responders.add(responder);
      return;
    }
    this.#host
      .log()
      .warn({ event: 'call-failed', method: name, reason: problem }, 'a call of the script cannot be sent');
    if (responder !== undefined) this.#host.result(responder, false, problem);
  }

  /** An answer to something that was not asked is passed over. */
  answered(responder: number, ok: boolean, value: AmfValue): void {
    if (this.#responders.delete(responder)) this.#host.result(responder, ok, value);
  }
}
