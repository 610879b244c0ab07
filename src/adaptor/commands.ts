// Commands of a connection that has been accepted: NetConnection's own, the FMLE family, and whatever the script knows.

import type { Client } from '../application/client.ts';
import type { AppInstance } from '../application/instance.ts';
import type { InvokeResult } from '../application/script.ts';
import type { AmfValue } from '../protocol/amf.ts';
import type { Command } from '../protocol/command.ts';
import { statusInfo } from '../protocol/status.ts';
import type { NetStream } from './net-stream.ts';
import type { Outbox } from './outbox.ts';
import { parseStreamName } from './stream-name.ts';

export interface CommandHost {
  readonly outbox: Outbox;
  readonly instance: AppInstance;
  readonly client: Client;
  createStream(): NetStream | undefined;
  deleteStream(id: number): void;
  stream(id: number): NetStream | undefined;
  close(reason: string): void;
}

type Handler = (host: CommandHost, command: Command) => void;

/** On message stream 0. A name that is missing here belongs to the script. */
const CONNECTION_COMMANDS: Record<string, Handler> = {
  __proto__: null as never,
  createStream(host, { transactionId }) {
    const stream = host.createStream();
    if (stream) host.outbox.command('_result', transactionId, [stream.id]);
    else callFailed(host, transactionId, 'Too many streams on this connection.');
  },
  deleteStream: (host, { args }) => host.deleteStream(Number(args[0])),
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
  pauseRaw: (stream, args) => stream.pause(args),
  seek: (stream, args) => stream.seek(args),
  receiveAudio: (stream, args) => stream.receiveAudio(args[0] === true),
  receiveVideo: (stream, args) => stream.receiveVideo(args[0] === true),
};

/** Answers when the script has no method of that name: the command's result, and what else goes to the client. */
const DEFAULTS: Record<string, (host: CommandHost, name: string) => AmfValue> = {
  __proto__: null as never,
  releaseStream: () => undefined,
  FCPublish(host, name) {
    host.outbox.command('onFCPublish', 0, [
      statusInfo('NetStream.Publish.Start', name, { clientid: host.client.id }),
    ]);
    return undefined;
  },
  FCUnpublish(host, name) {
    host.outbox.command('onFCUnpublish', 0, [
      statusInfo('NetStream.Unpublish.Success', name, { clientid: host.client.id }),
    ]);
    return undefined;
  },
  FCSubscribe(host, name) {
    const isLive = host.instance.streams.get(name)?.publication !== undefined;
    const code = isLive ? 'NetStream.Play.Start' : 'NetStream.Play.StreamNotFound';
    host.outbox.command('onFCSubscribe', 0, [statusInfo(code, name)]);
    return undefined;
  },
  FCUnsubscribe(host, name) {
    host.outbox.command('onFCUnsubscribe', 0, [statusInfo('NetStream.Play.Stop', name)]);
    return undefined;
  },
  /** Seconds; a live stream has none. */
  getStreamLength: () => 0,
  checkBandwidth: () => undefined,
};

export function runCommand(host: CommandHost, command: Command, streamId: number): void {
  const { name } = command;
  const onStream = STREAM_COMMANDS[name];
  if (onStream) {
    const stream = host.stream(streamId);
    if (stream) onStream(stream, command.args); // a stream that was deleted meanwhile is no error
    return;
  }
  const builtIn = CONNECTION_COMMANDS[name];
  if (builtIn) builtIn(host, command);
  else if (name === '_result' || name === '_error') callAnswered(host, command);
  else if (name !== 'onStatus') invoke(host, command);
}

function invoke(host: CommandHost, { name, transactionId, args }: Command): void {
  const wantsResult = transactionId !== 0;
  host.instance.invoke(host.client, name, args, wantsResult, (result) => {
    answer(host, name, transactionId, args, result);
  });
}

function answer(
  host: CommandHost,
  name: string,
  transactionId: number,
  args: AmfValue[],
  result: InvokeResult,
): void {
  if (!result.found) {
    const byDefault = DEFAULTS[name];
    if (!byDefault) {
      callFailed(host, transactionId, `Method not found (${name.slice(0, 100)}).`);
      return;
    }
    const value = byDefault(host, parseStreamName(args[0])?.name ?? '');
    if (transactionId !== 0) host.outbox.command('_result', transactionId, [value]);
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

function callAnswered(host: CommandHost, { name, transactionId, args }: Command): void {
  host.instance.callResult(transactionId, name === '_result', args[0]);
}
