// What comes in, from the bytes of a connection to those of chunks: hands are shaken first, then RTMPE is taken off if there
// is any. A dump has it in clear.
import { randomBytes } from 'node:crypto';
import { HANDSHAKE_RANDOM_BYTES, type HandshakeStep, ServerHandshake } from '../protocol/handshake.ts';
import type { Outbox } from './outbox.ts';
import { WireDirection, type WireDump } from './wire-dump.ts';

export class Reception {
  /** Of the handshake, so far. */
  handshakeBytes = 0;
  readonly #handshake: ServerHandshake;
  readonly #outbox: Outbox;
  readonly #dump: WireDump | undefined;
  #isShaking = true;

  /** The answers go to `outbox`, which encrypts what follows them when the client does. */
  constructor(
    outbox: Outbox,
    dump: WireDump | undefined,
    { nowMs, rtmpe }: { nowMs: number; rtmpe: boolean },
  ) {
    this.#outbox = outbox;
    this.#dump = dump;
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

  /** What of it are chunks, in the same place; undefined: the handshake is not over. */
  take(bytes: Uint8Array): Uint8Array | undefined {
    if (this.#isShaking) return this.#shakeHands(bytes);
    this.#handshake.cipher?.decrypt(bytes);
    this.#keep(bytes);
    return bytes;
  }

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
