// The other end of a conversation: a client that says what a test tells it to and keeps all that it hears.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as openSocket, type Socket } from 'node:net';
import { type AmfValue, membersOf } from '../../src/protocol/amf/amf.ts';
import { AMF_LIMITS, type AmfLimits } from '../../src/protocol/amf/amf-budget.ts';
import {
  ClientHandshake,
  type ClientHandshakeOptions,
  HANDSHAKE_RANDOM_BYTES,
} from '../../src/protocol/handshake/handshake.ts';
import type { RtmpeCipher } from '../../src/protocol/handshake/rtmpe.ts';
import { ChunkReader } from '../../src/protocol/rtmp/chunk-reader.ts';
import { ChunkWriter } from '../../src/protocol/rtmp/chunk-writer.ts';
import {
  type Command,
  type DataMessage,
  decodeCommand,
  decodeData,
  encodeCommand,
  encodeData,
  isCommandType,
  isDataType,
} from '../../src/protocol/rtmp/command.ts';
import {
  type ControlMessage,
  decodeControl,
  encodeControl,
  isControlType,
} from '../../src/protocol/rtmp/control.ts';
import { MessageType, type RtmpMessage } from '../../src/protocol/rtmp/message.ts';

/** One thing heard. Exactly one of `command`, `data`, `control`, `media` is there, or none for unknown types. */
export interface Heard {
  typeId: number;
  streamId: number;
  timestampMs: number;
  command?: Command;
  data?: DataMessage;
  control?: ControlMessage;
  /** Audio or video payload. */
  media?: Uint8Array;
}

/** A client takes a value as it is written; that references stand for much is the server's concern. */
const ANY: AmfLimits = {
  ...AMF_LIMITS,
  bytes: Number.POSITIVE_INFINITY,
  expansion: Number.POSITIVE_INFINITY,
};

const SWF_URL = 'http://127.0.0.1/player.swf';

export class RtmpPeer implements AsyncDisposable {
  /** Between two things heard, before `expect` gives up. */
  static patienceMs = 20_000;
  readonly socket: Socket;
  /** Everything, oldest first. */
  readonly heard: Heard[] = [];
  /** Bytes received after the handshake. */
  readonly #reader = new ChunkReader({ wireTypes: [] });
  readonly #writer = new ChunkWriter();
  readonly #watchers = new Set<() => void>();
  /** Of RTMPE. */
  #cipher: RtmpeCipher | undefined;
  #objectEncoding: 0 | 3 = 0;
  #transaction = 1;
  /** How many of `heard` the expectations have consumed. */
  #read = 0;
  isClosed = false;
  /** The last bytes of the server's first packet. */
  s1Tail: Uint8Array = new Uint8Array(0);

  private constructor(socket: Socket) {
    this.socket = socket;
  }

  /** Connects and shakes hands. */
  static async open(port: number, handshake: Partial<ClientHandshakeOptions> = {}): Promise<RtmpPeer> {
    const socket = openSocket({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return RtmpPeer.over(socket, handshake);
  }

  /** The same from another address of this machine: 127.0.0.2, say. */
  static async openFrom(localAddress: string, port: number): Promise<RtmpPeer> {
    const socket = openSocket({ host: '127.0.0.1', port, localAddress, noDelay: true });
    await once(socket, 'connect');
    return RtmpPeer.over(socket);
  }

  /** Shakes hands over a connection that is there: TLS, IPv6, one that began with something else. */
  static async over(socket: Socket, handshake: Partial<ClientHandshakeOptions> = {}): Promise<RtmpPeer> {
    const peer = new RtmpPeer(socket);
    const shake = new ClientHandshake({
      random: randomBytes(HANDSHAKE_RANDOM_BYTES),
      timeMs: 0,
      ...handshake,
    });
    socket.on('close', () => {
      peer.isClosed = true;
      peer.#wake();
    });
    socket.on('error', () => {});
    socket.write(shake.start());
    const done = Promise.withResolvers<void>();
    let isShaking = true;
    const first: Buffer[] = [];
    socket.on('data', (bytes) => {
      if (!isShaking) {
        peer.#cipher?.decrypt(bytes);
        return peer.#receive(bytes);
      }
      first.push(Buffer.from(bytes));
      const { send, rest } = shake.push(bytes);
      if (send.length > 0) socket.write(send);
      if (rest === undefined) return;
      peer.s1Tail = Buffer.concat(first).subarray(1505, 1537);
      isShaking = false;
      peer.#cipher = shake.cipher;
      peer.#cipher?.decrypt(rest);
      done.resolve();
      if (rest.length > 0) peer.#receive(rest);
    });
    socket.once('close', () => done.reject(new Error('closed during the handshake')));
    await done.promise;
    return peer;
  }

  #receive(bytes: Uint8Array): void {
    for (const message of this.#reader.push(bytes)) this.heard.push(understand(message));
    this.#wake();
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  // ── saying ─────────────────────────────────────────────────────────────────────────────────────────────────────

  send(message: RtmpMessage, csid = 3): void {
    const bytes = this.#writer.encode(message, csid);
    this.socket.write(this.#cipher ? this.#cipher.encrypt(bytes) : bytes);
  }

  control(message: ControlMessage): void {
    this.send({ typeId: message.typeId, streamId: 0, timestampMs: 0, payload: encodeControl(message) }, 2);
    if (message.typeId === MessageType.SetChunkSize) this.#writer.chunkBytes = message.chunkBytes;
  }

  command(
    name: string,
    transactionId: number,
    args: AmfValue[],
    streamId = 0,
    object: AmfValue = null,
  ): void {
    const { typeId, payload } = encodeCommand({ name, transactionId, object, args }, this.#objectEncoding);
    this.send({ typeId, streamId, timestampMs: 0, payload });
  }

  data(name: string, values: AmfValue[], streamId: number, timestampMs = 0): void {
    const { typeId, payload } = encodeData({ name, values }, 0);
    this.send({ typeId, streamId, timestampMs, payload }, 5);
  }

  video(streamId: number, timestampMs: number, payload: Uint8Array): void {
    this.send({ typeId: MessageType.Video, streamId, timestampMs, payload }, 6);
  }
  audio(streamId: number, timestampMs: number, payload: Uint8Array): void {
    this.send({ typeId: MessageType.Audio, streamId, timestampMs, payload }, 4);
  }

  /** A command with a responder: resolves to `_result` or `_error`. */
  async call(name: string, ...args: AmfValue[]): Promise<Command> {
    this.#transaction += 1;
    const id = this.#transaction;
    this.command(name, id, args);
    return this.expectAnswer(id);
  }

  async expectAnswer(transactionId: number): Promise<Command> {
    const heard = await this.expect(
      `the answer to ${transactionId}`,
      ({ command }) =>
        command !== undefined &&
        /^_(result|error)$/.test(command.name) &&
        command.transactionId === transactionId,
    );
    return heard.command!;
  }

  /** As a Flash Player, which names its SWF. Resolves to the answer, whichever it is. */
  async connect(app: string, object: Record<string, AmfValue> = {}, ...args: AmfValue[]): Promise<Command> {
    const facts = { tcUrl: `rtmp://127.0.0.1/${app}`, swfUrl: SWF_URL, flashVer: 'LNX 9,0,124,2' };
    this.command('connect', 1, args, 0, { app, ...facts, ...object });
    const answer = await this.expectAnswer(1);
    if (object.objectEncoding === 3 && answer.name === '_result') this.#objectEncoding = 3;
    return answer;
  }

  async createStream(): Promise<number> {
    const { args } = await this.call('createStream');
    return Number(args[0]);
  }

  /** Connects, creates a stream and publishes; resolves to the stream id once Publish.Start has come. */
  async publish(app: string, name: string, type = 'live', ...args: AmfValue[]): Promise<number> {
    assert.equal((await this.connect(app, {}, ...args)).name, '_result');
    const id = await this.createStream();
    this.command('publish', 0, [name, type], id);
    await this.expectStatus('NetStream.Publish.Start');
    return id;
  }

  /** Connects, creates a stream and plays; resolves to the stream id once Play.Start has come. */
  async play(app: string, name: string, ...args: AmfValue[]): Promise<number> {
    assert.equal((await this.connect(app, {}, ...args)).name, '_result');
    const id = await this.createStream();
    this.command('play', 0, [name, -2000], id);
    await this.expectStatus('NetStream.Play.Start');
    return id;
  }

  // ── hearing ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The next thing heard for which `match` holds; what came before it is passed over. */
  async expect(what: string, match: (heard: Heard) => boolean): Promise<Heard> {
    for (;;) {
      while (this.#read < this.heard.length) {
        const heard = this.heard[this.#read++]!;
        if (match(heard)) return heard;
      }
      if (this.isClosed) throw new Error(`closed while waiting for ${what}; heard ${this.summary()}`);
      await this.#next(what);
    }
  }

  #next(what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers.delete(watcher);
        reject(new Error(`${RtmpPeer.patienceMs} ms without ${what}; heard ${this.summary()}`));
      }, RtmpPeer.patienceMs);
      const watcher = () => {
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        resolve();
      };
      this.#watchers.add(watcher);
    });
  }

  async expectCommand(name: string): Promise<Command> {
    return (await this.expect(name, ({ command }) => command?.name === name)).command!;
  }

  /** The info object of the next onStatus with that code. */
  async expectStatus(code: string): Promise<Record<string, AmfValue>> {
    const { command } = await this.expect(code, ({ command }) => statusOf(command)?.code === code);
    return statusOf(command)!;
  }

  async expectData(name: string): Promise<DataMessage> {
    return (await this.expect(name, ({ data }) => data?.name === name)).data!;
  }

  async expectMedia(): Promise<Heard> {
    return this.expect('media', ({ media }) => media !== undefined);
  }

  /** Answers to everything said so far have come when this resolves: the server handles what we say in order. */
  async settle(): Promise<void> {
    await this.call('_checkbw');
  }

  /** Resolves when the server has closed. */
  async closed(): Promise<void> {
    while (!this.isClosed) await this.#next('the end of the connection');
  }

  /** Names and codes of what was heard, in order. */
  summary(): string[] {
    return this.heard.map(({ typeId, command, data, control, media }) => {
      if (command) return statusOf(command)?.code?.toString() ?? command.name;
      if (data) return `data ${data.name}`;
      if (control) return `control ${control.typeId}`;
      return media ? (typeId === MessageType.Video ? 'video' : 'audio') : `type ${typeId}`;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    if (!this.isClosed) await once(this.socket, 'close');
  }
}

/** The first argument of an onStatus. */
export function statusOf(command: Command | undefined): Record<string, AmfValue> | undefined {
  return command?.name === 'onStatus' ? membersOf(command.args[0]) : undefined;
}

function understand(message: RtmpMessage): Heard {
  const { typeId, streamId, timestampMs, payload } = message;
  const heard: Heard = { typeId, streamId, timestampMs };
  if (isCommandType(typeId)) heard.command = decodeCommand(typeId, payload, ANY);
  else if (isDataType(typeId)) heard.data = decodeData(typeId, payload, ANY);
  else if (isControlType(typeId)) {
    const control = decodeControl(typeId, payload);
    if (control) heard.control = control;
  } else if (typeId === MessageType.Audio || typeId === MessageType.Video) heard.media = payload.slice();
  return heard;
}
