// Commands of a connection that has been accepted: NetConnection's own, the FMLE family, and whatever the script knows.

import type { Client } from '../../application/contract/client.ts';
import type { BadRequest } from '../../application/contract/refusal.ts';
import type { InvokeResult } from '../../application/contract/script.ts';
import type { AppInstance } from '../../application/instance/instance.ts';
import type { LimitName } from '../../log/limits.ts';
import { type AmfValue, membersOf } from '../../protocol/amf/amf.ts';
import type { Command, CommandHead } from '../../protocol/rtmp/command.ts';
import { statusInfo } from '../../protocol/rtmp/status.ts';
import { canonicalStreamName } from '../../protocol/rtmp/stream-prefix.ts';
import type { Outbox } from '../link/outbox.ts';
import { noteRefusal, type RefusalLog } from '../link/refusals.ts';
import type { NetStream } from './net-stream.ts';
import { parseStreamName, readStreamName } from './stream-name.ts';

export interface CommandHost {
  readonly outbox: Outbox;
  readonly instance: AppInstance;
  readonly client: Client;
  readonly openCalls: OpenCalls;
  createStream(): NetStream | undefined;
  deleteStream(id: number): void;
  stream(id: number): NetStream | undefined;
  /** One that the client has not created. Undefined: there are too many. */
  openStream(id: number): NetStream | undefined;
  /** One that is not kept: it refuses, and is forgotten. */
  strayStream(id: number): NetStream;
  readonly refusals: RefusalLog;
  /** The answer to a call that the script made; whether it had made it is for the host to know. */
  callAnswered(responder: number, ok: boolean, value: AmfValue): void;
  close(reason: string): void;
  /** An error of ours. */
  fail(error: unknown): void;
}

/** Calls of one client that its script has not answered yet. */
export class OpenCalls {
  readonly #max: number;
  readonly #maxBytes: number;
  readonly #keep: (bytes: number) => void;
  #count = 0;
  #bytes = 0;

  /** `maxBytes`: what they were on the wire, together. `keep`: hears how many of these are more, or fewer. */
  constructor(max: number, maxBytes: number, keep: (bytes: number) => void) {
    this.#max = max;
    this.#maxBytes = maxBytes;
    this.#keep = keep;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Returns its own undo; or the limit, where there is no more room. */
  open(bytes: number): (() => void) | LimitName {
    if (this.#count >= this.#max) return 'MaxCalls';
    if (this.#bytes + bytes > this.#maxBytes) return 'MaxCallSize';
    this.#count += 1;
    this.#bytes += bytes;
    this.#keep(bytes);
    return () => {
      this.#count -= 1;
      this.#bytes -= bytes;
      this.#keep(-bytes);
    };
  }
}

type Handler = (host: CommandHost, command: Command) => void;

const TOO_MANY_STREAMS = 'Too many streams on this connection.';

/** On message stream 0. A name that is missing here belongs to the script. */
const CONNECTION_COMMANDS: Record<string, Handler> = {
  __proto__: null as never,
  createStream(host, { transactionId }) {
    const stream = host.createStream();
    if (stream) host.outbox.command('_result', transactionId, [stream.id]);
    else {
      const { instance, refusals } = host;
      const facts = {
        cause: 'too-many-streams',
        code: 'NetConnection.Call.Failed',
        reason: TOO_MANY_STREAMS,
      };
      noteRefusal('stream', refusals, { ...facts, application: instance.application });
      callFailed(host, transactionId, TOO_MANY_STREAMS);
    }
  },
  deleteStream(host, { args: [id] }) {
    if (typeof id === 'number') host.deleteStream(id);
  },
  /** Flash Player 10 sends it before createStream; nothing comes back. */
  initStream() {},
  close: (host) => host.close('the client closed'),
  /** Bandwidth detection: without a script of its own the server has measured nothing. */
  _checkbw: (host, { transactionId }) => host.outbox.command('_result', transactionId, [undefined]),
};

/** On the message stream that they are about. RTMP 1.0 §7.2.2. */
const STREAM_COMMANDS: Record<string, (stream: NetStream, args: AmfValue[]) => void> = {
  __proto__: null as never,
  publish: (stream, args) => stream.publish(args),
  play: (stream, args) => stream.play(args),
  closeStream: (stream) => stream.close(),
  pause: (stream, args) => stream.pause(args),
  play2: (stream, args) => stream.play2(args),
  pauseRaw: (stream, args) => stream.pause(args, true),
  seek: (stream, args) => stream.seek(args),
  receiveAudio: (stream, args) => stream.receiveAudio(args[0] === true),
  receiveVideo: (stream, args) => stream.receiveVideo(args[0] === true),
};

/** What opens, moves or ends a stream, with a gate, lines in logs and notices to others, counts as so many calls of a method. */
const STREAM_COMMAND_COST = 10;

/** How many plain commands one counts as, against the rate of a client. Of seeks that wait, all but the last cost nothing else. */
export function costOf(name: string): number {
  const isOfStream = name in STREAM_COMMANDS || name === 'createStream' || name === 'deleteStream';
  const takesTime = DEFAULTS[name]?.find !== undefined;
  return (isOfStream && name !== 'seek') || takesTime ? STREAM_COMMAND_COST : 1;
}

/** Those whose answer a client waits for, on whatever message stream: how they are refused. */
const ON_ANY_STREAM: Record<string, (stream: NetStream, request: BadRequest) => void> = {
  __proto__: null as never,
  publish: (stream, request) => stream.refusePublish(request),
  play: (stream, request) => stream.refusePlay(request),
  play2: (stream, request) => stream.refusePlay(request),
};

function tooManyStreams([given]: AmfValue[]): BadRequest {
  const { name, query } = readStreamName(membersOf(given)?.streamName ?? given);
  return { cause: 'too-many-streams', description: TOO_MANY_STREAMS, name, query };
}

interface Default {
  result?: AmfValue;
  /** The result, where it takes time to find out. */
  find?(host: CommandHost, name: string): Promise<AmfValue>;
  /** What else goes to the client, behind the result. */
  announce?(host: CommandHost, name: string): void;
}

/** What happens when the script has no method of that name. */
const DEFAULTS: Record<string, Default> = {
  __proto__: null as never,
  releaseStream: {},
  FCPublish: {
    announce(host, name) {
      host.outbox.command('onFCPublish', 0, [
        statusInfo('NetStream.Publish.Start', name, { clientid: host.client.id }),
      ]);
    },
  },
  FCUnpublish: {
    announce(host, name) {
      host.outbox.command('onFCUnpublish', 0, [
        statusInfo('NetStream.Unpublish.Success', name, { clientid: host.client.id }),
      ]);
    },
  },
  FCSubscribe: {
    announce(host, name) {
      const isLive = host.instance.streams.isOnAir(canonicalStreamName(name));
      const code = isLive ? 'NetStream.Play.Start' : 'NetStream.Play.StreamNotFound';
      host.outbox.command('onFCSubscribe', 0, [statusInfo(code, name)]);
    },
  },
  FCUnsubscribe: {
    announce: (host, name) =>
      host.outbox.command('onFCUnsubscribe', 0, [statusInfo('NetStream.Play.Stop', name)]),
  },
  /** Seconds; what is not recorded has none. */
  getStreamLength: {
    find: async ({ instance, client }, name) => (await instance.recordedLengthMs(client, name)) / 1000,
  },
  checkBandwidth: {},
};

/** `bytes`: what the command was on the wire. */
export function runCommand(host: CommandHost, command: Command, streamId: number, bytes: number): void {
  const { name } = command;
  const onStream = STREAM_COMMANDS[name];
  if (onStream) {
    // COMPAT: encoders publish on stream 0, or on one that they never created, and wait for ever; FMS served them as well
    const refuse = ON_ANY_STREAM[name];
    const stream = host.stream(streamId) ?? (refuse && host.openStream(streamId));
    if (stream)
      onStream(stream, command.args); // a stream that was deleted meanwhile is no error
    else if (refuse) refuse(host.strayStream(streamId), tooManyStreams(command.args));
    else if (name === 'seek') onStream(host.strayStream(streamId), command.args);
    return;
  }
  const builtIn = CONNECTION_COMMANDS[name];
  if (builtIn) builtIn(host, command);
  else if (name === '_result' || name === '_error') {
    host.callAnswered(command.transactionId, name === '_result', command.args[0]);
  } else if (name !== 'onStatus') invoke(host, command, bytes);
}

/** What is known of a command whose rest cannot be read: nobody waits for an answer that never comes. */
export function unreadableCommand(
  host: CommandHost,
  { name, transactionId }: CommandHead,
  streamId: number,
  problem: string,
): void {
  const refuse = name === undefined ? undefined : ON_ANY_STREAM[name];
  if (refuse) {
    // what the stream does already goes on
    const description = `The command cannot be read: ${problem}.`;
    refuse(host.strayStream(streamId), { cause: 'unreadable', description, name: '', query: '' });
    return;
  }
  if (name === '_result' || name === '_error') host.callAnswered(transactionId, false, undefined);
  else if (name !== undefined) callFailed(host, transactionId, `The call cannot be read: ${problem}.`);
}

function invoke(host: CommandHost, { name, transactionId, args }: Command, bytes: number): void {
  const done = host.openCalls.open(bytes);
  if (typeof done === 'string') {
    const { log, lines, address } = host.refusals;
    lines.limit(done, address, { log }, 'a call was refused: too many wait for an answer');
    callFailed(host, transactionId, 'Too many calls wait for an answer.');
    return;
  }
  const wantsResult = transactionId !== 0;
  host.instance.invoke(host.client, name, args, wantsResult, (result) => {
    answer(host, { name, transactionId, args }, result, done);
  });
}

/** `done`: the answer is known. */
function answer(
  host: CommandHost,
  { name, transactionId, args }: Pick<Command, 'name' | 'transactionId' | 'args'>,
  result: InvokeResult,
  done: () => void,
): void {
  const find = result.found ? undefined : DEFAULTS[name]?.find;
  if (!find) done();
  if (!result.found) {
    const byDefault = DEFAULTS[name];
    if (!byDefault) {
      callFailed(host, transactionId, `Method not found (${name.slice(0, 100)}).`);
      return;
    }
    const stream = parseStreamName(args[0])?.name ?? '';
    const result = (value: AmfValue) => {
      if (transactionId !== 0) host.outbox.command('_result', transactionId, [value]);
    };
    if (find) {
      find(host, stream)
        .then(result, (error) => host.fail(error))
        .finally(done);
    } else result(byDefault.result);
    byDefault.announce?.(host, stream);
  } else if (!result.ok) callFailed(host, transactionId, result.description);
  else if (transactionId !== 0) {
    const problem = host.outbox.scriptCommand('_result', transactionId, [result.value]);
    if (problem) callFailed(host, transactionId, `The result cannot be sent: ${problem}`);
  }
}

function callFailed(host: CommandHost, transactionId: number, description: string): void {
  if (transactionId === 0) return;
  host.outbox.command('_error', transactionId, [statusInfo('NetConnection.Call.Failed', description)]);
}
