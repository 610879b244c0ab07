// Asks a client which SWF it runs, and judges the answer.

import type { InstanceJournal } from '../../application/accounts/journal.ts';
import type { SwfPolicy } from '../../application/admission/swf.ts';
import type { Client } from '../../application/contract/client.ts';
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log/log.ts';
import { UserControlEvent } from '../../protocol/rtmp/control.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import { decodeSwfProof, provesSwf, type SwfProof } from '../../protocol/rtmp/swf.ts';
import type { Outbox } from '../link/outbox.ts';

export interface SwfCheckPort {
  /** Of the server's first packet. */
  readonly s1Tail: Uint8Array;
  ask(): void;
  passed(): void;
  failed(why: string): void;
  /** Something that is a mistake of ours. */
  bug(error: unknown): void;
}

export class SwfCheck {
  readonly #policy: SwfPolicy;
  readonly #port: SwfCheckPort;
  readonly #clock: Clock;
  /** It owes an answer; without a question it may say what it likes. */
  #isAsked = false;
  #isOver = false;
  #cancelNext = () => {};
  readonly #cancelFinal: () => void;

  constructor(policy: SwfPolicy, clock: Clock, port: SwfCheckPort) {
    this.#policy = policy;
    this.#port = port;
    this.#clock = clock;
    const { firstHashTimeoutMs: firstMs, finalHashTimeoutMs: finalMs } = policy;
    this.#cancelFinal = clock.after(finalMs, () => this.#fail(`no correct response within ${finalMs} ms`));
    this.#cancelNext = clock.after(firstMs, () => this.#fail(`no response within ${firstMs} ms`));
    this.#ask();
  }

  #ask(): void {
    this.#isAsked = true;
    this.#port.ask();
  }

  answered(proof: Uint8Array): void {
    if (!this.#isAsked || this.#isOver) return;
    this.#isAsked = false;
    this.#cancelNext();
    this.#judge(decodeSwfProof(proof)).catch((error: unknown) => this.#port.bug(error));
  }

  async #judge(proof: SwfProof): Promise<void> {
    const isRight = proof.version >= this.#policy.minGoodVersion && (await this.#isKnown(proof));
    if (this.#isOver) return;
    if (isRight) {
      this.stop();
      this.#port.passed();
      return;
    }
    // a player that is still loading its SWF has the hash of a part of it
    this.#cancelNext = this.#clock.after(this.#policy.firstHashTimeoutMs, () => this.#ask());
  }

  async #isKnown(proof: SwfProof): Promise<boolean> {
    for (const library of this.#policy.libraries) {
      if (await library.some((swf) => provesSwf(proof, swf, this.#port.s1Tail))) return true;
    }
    return false;
  }

  #fail(why: string): void {
    this.stop();
    this.#port.failed(why);
  }

  /** Nobody wants to know any more. */
  stop(): void {
    this.#isOver = true;
    this.#cancelNext();
    this.#cancelFinal();
  }
}

export interface SwfCheckHost {
  readonly outbox: Outbox;
  log(): Log;
  readonly s1Tail: Uint8Array;
  readonly journal: InstanceJournal | undefined;
  client(): Client | undefined;
  passed(): void;
  close(why: string): void;
  bug(error: unknown): void;
}

/** What the check of a session says to the client and to the logs. */
export function swfCheckPort(host: SwfCheckHost): SwfCheckPort {
  const { outbox, journal, s1Tail } = host;
  const note = (write: (journal: InstanceJournal, client: Client) => void) => {
    const client = host.client();
    if (journal && client) write(journal, client);
  };
  // without a script a client is accepted while it comes in
  queueMicrotask(() => note((to, client) => to.verifying(client)));
  return {
    s1Tail,
    ask: () =>
      outbox.control({
        typeId: MessageType.UserControl,
        event: UserControlEvent.SwfVerifyRequest,
        flag: 1,
      }),
    passed() {
      note((to, client) => to.verified(client, undefined));
      host.passed();
    },
    failed(why) {
      note((to, client) => to.verified(client, why));
      host.log().warn({ event: 'swf-refused', reason: why }, 'a client failed SWF verification');
      outbox.status(0, 'NetConnection.Connect.Rejected', 'SWF verification failed.');
      host.close(`SWF verification: ${why}`);
    },
    bug: (error) => host.bug(error),
  };
}
