// The other end of a fuzzed session: says what it is told to, right or wrong, and checks that what it hears makes sense.
import { RtmpSession } from '../../src/adaptor/rtmp/rtmp-session.ts';
import type { SessionOptions } from '../../src/adaptor/rtmp/session-options.ts';
import type { AmfValue } from '../../src/protocol/amf/amf.ts';
import { ClientHandshake, HANDSHAKE_RANDOM_BYTES } from '../../src/protocol/handshake/handshake.ts';
import { type DigestScheme, HANDSHAKE_PACKET_BYTES } from '../../src/protocol/handshake/handshake-digest.ts';
import { ChunkReader } from '../../src/protocol/rtmp/chunk-reader.ts';
import {
  decodeCommand,
  decodeData,
  encodeCommand,
  encodeData,
  isCommandType,
  isDataType,
} from '../../src/protocol/rtmp/command.ts';
import { decodeControl, encodeControl, isControlType } from '../../src/protocol/rtmp/control.ts';
import { MessageType, type RtmpMessage } from '../../src/protocol/rtmp/message.ts';
import { ChunkEncoder } from '../support/chunk-encoder.ts';
import type { Choices } from './choices.ts';
import { FakeSocket } from './fake-socket.ts';
import { check } from './target.ts';

const HANDSHAKE_BYTES = 1 + 2 * HANDSHAKE_PACKET_BYTES;
const CSID_OF_TYPE: Readonly<Record<number, number>> = { 8: 4, 9: 6, 18: 5, 15: 5, 22: 7 };

export class FuzzPeer {
  readonly socket = new FakeSocket();
  readonly session: RtmpSession;
  readonly encoder = new ChunkEncoder();
  objectEncoding: 0 | 3 = 0;
  /** The rest of a message of which only the beginning was sent. */
  unsent: Uint8Array[] = [];
  readonly #choices: Choices;
  readonly #reader = new ChunkReader({ wireTypes: [], maxHalfReceivedBytes: 64 << 20 });
  #handshakeLeft = HANDSHAKE_BYTES;
  /** Transaction id → how often it was sent; answers may come as often. */
  readonly #asked = new Map<number, number>();
  /** It has sent bytes of which nobody knows what they ask for. */
  #hasSentGarbage = false;
  #lastTransaction = 1;

  constructor(choices: Choices, options: SessionOptions) {
    this.#choices = choices;
    this.session = new RtmpSession(
      this.socket.asSocket,
      { ip: '127.0.0.1', localIp: '127.0.0.1', protocol: 'rtmp', secure: false },
      options,
    );
  }

  get isHere(): boolean {
    return !this.socket.hasHungUp && this.socket.writable;
  }

  /** The session does not read: a network would take no more. */
  get isBlocked(): boolean {
    return this.socket.readableLength > 64 << 10;
  }

  // ── saying ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** In one to three pieces. */
  raw(bytes: Uint8Array): void {
    let from = 0;
    for (let cuts = this.#choices.below(8) < 6 ? 0 : 2; cuts > 0 && from < bytes.length; cuts -= 1) {
      const to = from + 1 + this.#choices.below(bytes.length - from);
      this.socket.feed(bytes.subarray(from, to));
      from = to;
    }
    this.socket.feed(bytes.subarray(from));
  }

  garbage(bytes: Uint8Array): void {
    this.#hasSentGarbage = true;
    this.raw(bytes);
  }

  /** C0 to C2 without waiting for S0, as the specification forbids and many do. */
  shakeHands(scheme: DigestScheme | undefined): void {
    const random = new Uint8Array(HANDSHAKE_RANDOM_BYTES).fill(0x55);
    const client = new ClientHandshake({ random, timeMs: 1, ...(scheme === undefined ? {} : { scheme }) });
    this.raw(Buffer.concat([client.start(), new Uint8Array(HANDSHAKE_PACKET_BYTES)]));
  }

  message(message: RtmpMessage, csid = CSID_OF_TYPE[message.typeId] ?? 3): void {
    this.raw(this.encoder.encode(message, csid));
  }

  /** One of which nobody knows what transaction it is. */
  torn(message: RtmpMessage): void {
    this.#hasSentGarbage = true;
    this.message(message);
  }

  setChunkSize(chunkBytes: number): void {
    const payload = encodeControl({ typeId: MessageType.SetChunkSize, chunkBytes });
    this.message({ typeId: MessageType.SetChunkSize, streamId: 0, timestampMs: 0, payload }, 2);
    this.encoder.chunkBytes = chunkBytes;
  }

  /** The first chunks of it. */
  half(message: RtmpMessage, csid: number): void {
    const [first, ...rest] = this.encoder.chunks(message, csid);
    this.raw(first!);
    this.unsent = rest;
    this.#hasSentGarbage = true; // if it is never finished, what follows on that chunk stream is read otherwise
  }

  command(name: string, args: AmfValue[], streamId = 0, object: AmfValue = null): void {
    this.#lastTransaction += 1;
    this.commandAs(this.#lastTransaction, name, args, streamId, object);
  }

  commandAs(id: number, name: string, args: AmfValue[], streamId: number, object: AmfValue): void {
    this.#asked.set(id, (this.#asked.get(id) ?? 0) + 1);
    const { typeId, payload } = encodeCommand({ name, transactionId: id, object, args }, this.objectEncoding);
    this.message({ typeId, streamId, timestampMs: 0, payload });
  }

  data(name: string, values: AmfValue[], streamId: number, timestampMs: number): void {
    const { typeId, payload } = encodeData({ name, values }, this.#choices.oneIn(4) ? 3 : 0);
    this.message({ typeId, streamId, timestampMs, payload });
  }

  // ── hearing ────────────────────────────────────────────────────────────────────────────────────────────────────

  hear(): void {
    const bytes = this.socket.takeOutput();
    const skipped = Math.min(this.#handshakeLeft, bytes.length);
    this.#handshakeLeft -= skipped;
    for (const message of this.#reader.push(bytes.subarray(skipped))) this.#understand(message);
  }

  /** Throws when it cannot be read: then the server has said nonsense. */
  #understand({ typeId, payload }: RtmpMessage): void {
    if (isControlType(typeId)) decodeControl(typeId, payload);
    else if (isDataType(typeId)) checkWhole(decodeData(typeId, payload));
    else if (isCommandType(typeId)) {
      const command = decodeCommand(typeId, payload);
      checkWhole(command);
      const { name, transactionId } = command;
      if (/^_(result|error)$/.test(name)) this.#countAnswer(transactionId);
    } else check(typeId === MessageType.Audio || typeId === MessageType.Video, `a message of type ${typeId}`);
  }

  #countAnswer(id: number): void {
    if (this.#hasSentGarbage) return;
    const left = this.#asked.get(id) ?? 0;
    check(left > 0, `transaction ${id} is answered once too often`);
    this.#asked.set(id, left - 1);
  }
}

/** Whatever it has been sent, the server passes on what nobody could take amiss. */
function checkWhole({ name, oddity }: { name: string; oddity?: string }): void {
  check(oddity === undefined, `${name}: ${oddity}`);
}
