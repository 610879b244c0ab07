// The commands of one session: read, held to their order and their rate, and run; and the calls that its script makes on the client.
import type { Client } from '../../application/contract/client.ts';
import type { AppInstance } from '../../application/instance/instance.ts';
import { DecodeError, isUnreadable } from '../../errors.ts';
import { AccessStatus } from '../../log/access-status.ts';
import type { Log } from '../../log/log.ts';
import { visible } from '../../log/visible.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import { type Command, commandHead, decodeCommand } from '../../protocol/rtmp/command.ts';
import type { RtmpMessage } from '../../protocol/rtmp/message.ts';
import { describeMessage, wordsOf } from '../../protocol/rtmp/odd-message.ts';
import type { OddMessages } from '../link/odd-messages.ts';
import type { Outbox } from '../link/outbox.ts';
import { ClientCalls } from './client-calls.ts';
import { CommandRate } from './command-rate.ts';
import { type CommandHost, costOf, OpenCalls, runCommand, unreadableCommand } from './commands.ts';
import { type ConnectRequest, parseConnect } from './connect.ts';
import type { MessagePump } from './message-pump.ts';
import type { NetStream } from './net-stream.ts';
import type { NetStreams } from './net-streams.ts';
import { ScriptPause } from './script-pause.ts';
import type { SessionOptions } from './session-options.ts';

export interface SessionCommandsHost {
  readonly outbox: Outbox;
  readonly odd: OddMessages;
  readonly pump: MessagePump;
  readonly streams: NetStreams;
  readonly options: SessionOptions;
  /** Of the peer. */
  readonly address: string;
  /** Nothing but a connect command is welcome. */
  readonly isConnecting: boolean;
  /** Commands are run: its connect has been accepted. */
  readonly isOpen: boolean;
  /** Once the instance has taken the client in. */
  readonly instance: AppInstance | undefined;
  readonly client: Client | undefined;
  log(): Log;
  /** One that is not kept. */
  newStream(id: number): NetStream;
  enter(request: ConnectRequest): void;
  close(reason: string, status?: AccessStatus): void;
  fail(error: unknown): void;
}

export class SessionCommands {
  readonly #host: SessionCommandsHost;
  readonly #rate: CommandRate;
  readonly #openCalls: OpenCalls;
  readonly #scriptPause: ScriptPause;
  readonly #calls: ClientCalls;

  constructor(host: SessionCommandsHost) {
    this.#host = host;
    const { options, pump, outbox, address, log } = host;
    const keep = (bytes: number) => pump.input.keep(bytes);
    this.#rate = new CommandRate(options, options.clock, {
      wait: () => pump.pauseReading(this.#rate),
      goOn: () => pump.resumeReading(this.#rate),
      exceeded: () => this.#tooMany(),
    });
    this.#openCalls = new OpenCalls(options.maxOpenCalls, options.maxOpenCallBytes, keep);
    this.#scriptPause = new ScriptPause({
      ...{ openCalls: this.#openCalls, lines: options.lines, address, log, keep },
      entry: () => (host.isOpen ? host : undefined),
      pauseReading: () => pump.pauseReading(this.#scriptPause),
      resumeReading: () => pump.resumeReading(this.#scriptPause),
    });
    this.#calls = new ClientCalls({
      outbox,
      log,
      result: (responder, ok, value) => host.instance?.callResult(responder, ok, value),
    });
  }

  /** A method of the client that its script calls. `responder`: undefined where it wants no answer. */
  call(name: string, args: AmfValue[], responder: number | undefined): void {
    this.#calls.call(name, args, responder);
  }

  /** A command waits for the script, and what is behind it waits for the command. */
  get isWaiting(): boolean {
    return this.#scriptPause.isWaiting;
  }

  /** As `ScriptPause.hold`. */
  hold(message: RtmpMessage): Iterator<RtmpMessage> | undefined {
    return this.#scriptPause.hold(message);
  }

  /** Something was done that counts as so many plain commands. */
  spent(cost: number): void {
    this.#rate.spent(cost);
  }

  take(message: RtmpMessage): void {
    const host = this.#host;
    const command = this.#read(message);
    if (!command) return;
    const { name } = command;
    const isFirst = host.isConnecting;
    if (isFirst !== (name === 'connect')) {
      const what = isFirst ? `"${name.slice(0, 100)}" before connect` : 'a second connect';
      host.fail(new DecodeError('ERR_RTMP_ORDER', what));
    } else if (isFirst) {
      host.enter(parseConnect(command, host.options.maxConnectText, host.options.altVhost));
    } else {
      runCommand(this.#commandHost(), command, message.streamId, message.payload.length);
      this.#rate.spent(costOf(name));
    }
  }

  /** Undefined: it cannot be read, and has its answer. An unreadable first command closes the connection. */
  #read(message: RtmpMessage): Command | undefined {
    const { odd, options, isConnecting, fail } = this.#host;
    const { typeId, payload } = message;
    try {
      const command = decodeCommand(typeId, payload, options.amf);
      odd.read(message, command.oddity);
      return command;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      if (isConnecting) {
        const text = `${describeMessage(wordsOf(message), message)} cannot be read: ${error.message}`;
        fail(new DecodeError(error.code, visible(text)));
      } else {
        unreadableCommand(this.#commandHost(), commandHead(typeId, payload), message.streamId, error.message);
        odd.passOver(message, error);
        this.#rate.spent(1);
      }
      return undefined;
    }
  }

  #commandHost(): CommandHost {
    const { outbox, instance, client, streams, options, address, log, newStream, close, fail } = this.#host;
    return {
      outbox,
      instance: instance!,
      client: client!,
      createStream: () => streams.create(),
      deleteStream: (id) => streams.delete(id),
      stream: (id) => streams.get(id),
      openStream: (id) => streams.open(id),
      strayStream: newStream,
      refusals: { log: log(), lines: options.lines, address },
      openCalls: this.#openCalls,
      callAnswered: (responder, ok, value) => this.#calls.answered(responder, ok, value),
      close,
      fail,
    };
  }

  #tooMany(): void {
    const { options, address, log, close } = this.#host;
    const { lines, maxCommandRate, maxCommandWaitMs } = options;
    const what = `more than ${maxCommandRate} commands a second for ${maxCommandWaitMs / 1000} s`;
    lines.limit('MaxCommandRate', address, { log: log() }, `connection closed: ${what}`);
    close(what, AccessStatus.BadRequest);
  }

  /** Nothing waits any more. */
  close(): void {
    this.#rate.close();
    this.#scriptPause.close();
  }
}
