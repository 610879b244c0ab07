// What comes in, from the bytes of a connection to those of chunks: hands are shaken first, then RTMPE is taken off if there
// is any. Both take time to compute, so they are done in turns. A dump has it in clear.
import { randomBytes } from 'node:crypto';
import type { Turns } from '../../application/pace/turns.ts';
import {
  HANDSHAKE_RANDOM_BYTES,
  type HandshakeStep,
  ServerHandshake,
} from '../../protocol/handshake/handshake.ts';
import type { Outbox } from './outbox.ts';
import { type PacedReader, Pacer } from './pacer.ts';
import { WireDirection, type WireDump } from './wire-dump.ts';

export interface ReceptionOptions extends Pick<PacedReader, 'stopped' | 'started'> {
  readonly nowMs: number;
  readonly rtmpe: boolean;
  readonly turns: Turns;
  /** Of the peer. */
  readonly address: string;
  /** The first ones, of which there may be none, come when the handshake is over. They are overwritten afterwards. */
  chunks(bytes: Uint8Array): void;
  /** The peer's handshake is wrong, or `chunks` has thrown. */
  failed(error: unknown): void;
}

export class Reception {
  /** Of the handshake, so far. */
  handshakeBytes = 0;
  readonly pacer: Pacer;
  readonly #handshake: ServerHandshake;
  readonly #outbox: Outbox;
  readonly #dump: WireDump | undefined;
  readonly #options: ReceptionOptions;
  #isShaking = true;

  /** The answers go to `outbox`, which encrypts what follows them when the client does. */
  constructor(outbox: Outbox, dump: WireDump | undefined, options: ReceptionOptions) {
    this.#outbox = outbox;
    this.#dump = dump;
    this.#options = options;
    const { nowMs, rtmpe, turns, address, stopped, started } = options;
    this.pacer = new Pacer(turns, address, { stopped, started, read: (bytes) => this.#take(bytes) });
    this.#handshake = new ServerHandshake({
      random: randomBytes(HANDSHAKE_RANDOM_BYTES),
      timeMs: Math.round(nowMs) >>> 0,
      rtmpe,
    });
  }

  /** Known once the handshake is over. */
  get isEncrypted(): boolean {
    return this.#handshake.cipher !== undefined;
  }

  /** Of RTMPE; undefined: it is none. */
  get rtmpeVersion(): number | undefined {
    return this.#handshake.rtmpeVersion;
  }

  /** Of our first packet: what a client signs the hash of its SWF with. */
  get s1Tail(): Uint8Array {
    return this.#handshake.s1Tail;
  }

  /** What the socket has. The bytes may be changed, and overwritten afterwards. */
  push(bytes: Uint8Array): void {
    if (this.#isShaking || this.isEncrypted || this.pacer.isStopped) this.pacer.push(bytes);
    else this.#take(bytes);
  }

  #take(bytes: Uint8Array): undefined {
    try {
      const chunks = this.#isShaking ? this.#shakeHands(bytes) : this.#decrypted(bytes);
      if (chunks) this.#options.chunks(chunks);
    } catch (error) {
      this.#options.failed(error);
    }
  }

  /** In the same place. */
  #decrypted(bytes: Uint8Array): Uint8Array {
    this.#handshake.cipher?.decrypt(bytes);
    this.#keep(bytes);
    return bytes;
  }

  /** What follows; undefined: the handshake is not over. */
  #shakeHands(bytes: Uint8Array): Uint8Array | undefined {
    const { send, rest } = this.#nextStep(bytes);
    if (send.length > 0) {
      this.#outbox.write(send);
      this.#outbox.cipher = this.#handshake.cipher;
    }
    this.handshakeBytes += bytes.length - (rest?.length ?? 0);
    this.#isShaking = rest === undefined;
    return rest;
  }

  #nextStep(bytes: Uint8Array): HandshakeStep {
    try {
      const step = this.#handshake.push(bytes);
      if (step.rest) this.#handshake.cipher?.decrypt(step.rest); // which is a part of `bytes`
      return step;
    } finally {
      this.#keep(bytes);
    }
  }

  #keep(bytes: Uint8Array): void {
    this.#dump?.add(WireDirection.FromClient, Buffer.from(bytes)); // the next read may come to the same place
  }
}
