// Streams that scripts fill: Stream.play, .send and what goes with them. They belong to the instance, not to the version of
// the script that began them: a new version finds them on air, and goes on with them by their names.

import type { Clock } from '../../clock.ts';
import { CodedError, StatusError } from '../../errors.ts';
import { LineLimit } from '../../log/line-limit.ts';
import type { Log } from '../../log/log.ts';
import type { ClockFault } from '../../media/timeline.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import { encodeData, ObjectEncoding } from '../../protocol/rtmp/command.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import { STATUS_LEVELS, type StatusCode } from '../../protocol/rtmp/status.ts';
import { canonicalStreamName } from '../../protocol/rtmp/stream-prefix.ts';
import { buildWireMessage } from '../../protocol/rtmp/wire-message.ts';
import type { RecordedStreams } from '../contract/recorded.ts';
import type { InstanceScript } from '../contract/script.ts';
import type { ServerPlay, Source, SourceItem } from '../contract/source.ts';
import type { Stream } from '../live/stream.ts';
import type { NameClaims } from '../publish/name-claims.ts';
import type { Publishing } from '../publish/publishing.ts';
import type { StreamTable } from '../publish/stream-table.ts';
import { FileSource } from './file-source.ts';
import { LiveSource } from './live-source.ts';
import { MAX_PLAYLIST, ServerStream } from './server-stream.ts';

export interface ServerStreamsOptions {
  application: string;
  instance: string;
  clock: Clock;
  chunkBytes: number;
  streams: StreamTable;
  recorded: RecordedStreams | undefined;
  publishing: Publishing;
  names: NameClaims;
  script: () => InstanceScript | undefined;
  log: Log | undefined;
  broke: (error: unknown) => void;
}

/** Of one instance. Each may read a file, and has a timer. */
export const MAX_SERVER_STREAMS = 200;

/** By the names of streams. The script is told what becomes of them. */
export class ServerStreams {
  readonly #options: ServerStreamsOptions;
  readonly #open = new Map<string, ServerStream>();
  readonly #limit: LineLimit;
  #isClosed = false;

  constructor(options: ServerStreamsOptions) {
    this.#options = options;
    this.#limit = new LineLimit(options.clock);
  }

  /** One of them waits for what it is to play. */
  get isOpening(): boolean {
    return [...this.#open.values()].some((server) => server.isOpening);
  }

  play(stream: string, request: ServerPlay): void {
    const { name, start, length, reset } = request;
    const item: SourceItem = {
      name,
      lengthMs: length < 0 ? undefined : length * 1000,
      liveName: start < 0 ? canonicalStreamName(name) : undefined,
      open: () => this.#sourceOf(stream, canonicalStreamName(name), start),
    };
    this.playItem(stream, item, reset);
  }

  playItem(stream: string, item: SourceItem, reset: boolean): void {
    if (this.#isClosed) return;
    const server = this.#open.get(stream) ?? this.#begin(stream, item);
    if (server && !server.play(item, reset)) {
      this.#tell(stream, 'NetStream.Play.Failed', item.name, `The playlist has ${MAX_PLAYLIST} entries.`);
    }
  }

  /** As FMS has it: the server goes before a client that publishes under the name. */
  #begin(name: string, { name: details }: SourceItem): ServerStream | undefined {
    const { clock, streams, publishing, names, broke } = this.#options;
    if (this.#open.size >= MAX_SERVER_STREAMS) {
      const why = `The server publishes ${MAX_SERVER_STREAMS} streams of this instance already.`;
      this.#tell(name, 'NetStream.Play.Failed', details, why);
      return undefined;
    }
    const granted = new Grant(name);
    const release = names.claim(name, true, (isGranted) => granted.answer(isGranted));
    publishing.makeWay(streams.open(name), 'the application plays something else under its name');
    const held = streams.open(name); // it may have been forgotten with its publisher
    const server: ServerStream = new ServerStream({
      stream: held.stream,
      clock,
      granted: granted.wait,
      status: (code, item, description) => this.#tell(name, code, item, description),
      onAir: () => publishing.onAir(held),
      offAir: () => publishing.offAir(held),
      closed: () => {
        this.#open.delete(name);
        held.holder = undefined;
        release();
        streams.release(name);
      },
      clockFault: (fault, item) => this.#tellOfClock(name, item, fault),
      broke,
    });
    held.holder = server;
    this.#open.set(name, server);
    return server;
  }

  async #sourceOf(into: string, name: string, start: number): Promise<Source | undefined> {
    const { application, instance, chunkBytes, clock, recorded, streams, broke } = this.#options;
    const isLive = start === -1 || (start < 0 && streams.isOnAir(name));
    if (!isLive) {
      const stream = await recorded?.open({ application, instance, name, chunkBytes });
      if (stream) return new FileSource({ stream, clock, fromMs: Math.max(0, start) * 1000, broke });
      if (start >= 0) return undefined;
    }
    return this.#isFedBy(name, into) ? undefined : new LiveSource(streams, name);
  }

  /** That stream relays the other one, or one that does: together they would go round in a circle. */
  #isFedBy(name: string, source: string): boolean {
    for (let at: string | undefined = name; at !== undefined; at = this.#open.get(at)?.item?.liveName) {
      if (at === source) return true;
    }
    return false;
  }

  stop(stream: string): void {
    this.#open.get(stream)?.close();
  }

  receive(stream: string, wants: { audio?: boolean | undefined; video?: boolean | undefined }): void {
    this.#open.get(stream)?.receive(wants);
  }

  setBufferMs(stream: string, ms: number): void {
    const server = this.#open.get(stream);
    if (server) server.bufferMs = ms;
  }

  /** A value that cannot be written is the script's doing. */
  send(stream: string, name: string, args: AmfValue[], gate: number | undefined): void {
    const { publishing, chunkBytes } = this.#options;
    publishing.command(stream, gate, (entry) => {
      try {
        sendData(entry.stream, name, args, chunkBytes);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        this.#tell(entry.stream.name, 'NetStream.Failed', name, error.message);
      }
    });
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** All of them end, and none begins any more: a script that plays the next item when one has ended must not go on for ever. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const server of [...this.#open.values()]) server.close();
    this.#limit.close();
  }

  #tellOfClock(stream: string, item: string, { track, isLasting, offMs, messages }: ClockFault): void {
    const { application, instance, log } = this.#options;
    const text = isLasting
      ? `the ${track} timestamps of ${item} jumped by ${offMs} ms: ${stream} goes on by the time that has passed`
      : `${track} timestamps of ${item} were ${offMs} ms off: ${stream} has these messages where they were due`;
    const facts = {
      event: 'play-clock' as const,
      instance: `${application}/${instance}`,
      stream,
      item,
      track,
      offMs,
    };
    this.#limit.line('play-clock', stream, (repeats) => log?.warn({ ...facts, messages, repeats }, text));
  }

  #tell(stream: string, code: StatusCode, details: string, description?: string): void {
    const level = STATUS_LEVELS[code];
    const info = { code, level, ...(description === undefined ? {} : { description }), details };
    this.#options.script()?.tell({ event: 'status', info, stream });
  }
}

/** Whether the directory lets this node publish under a name. */
class Grant {
  readonly #name: string;
  readonly #wait = Promise.withResolvers<void>();
  #isGranted = false;

  constructor(name: string) {
    this.#name = name;
    this.#wait.promise.catch(() => {}); // told by whoever waits
  }

  answer(isGranted: boolean): void {
    this.#isGranted = isGranted;
    if (isGranted) this.#wait.resolve();
    else {
      const why = `${this.#name} is already being published.`;
      this.#wait.reject(new StatusError('NetStream.Publish.BadName', why));
    }
  }

  /** Undefined: it is granted. Rejects with a StatusError. */
  get wait(): Promise<void> | undefined {
    return this.#isGranted ? undefined : this.#wait.promise;
  }
}

function sendData(stream: Stream, name: string, args: readonly AmfValue[], chunkBytes: number): void {
  const [frame, ...values] = args;
  if (name === '@clearDataFrame') {
    if (typeof frame === 'string') stream.clearDataFrame(frame);
  } else if (name === '@setDataFrame') {
    if (typeof frame === 'string') stream.setDataFrame(frame, dataMessage(stream, frame, values, chunkBytes));
  } else stream.publish(dataMessage(stream, name, args, chunkBytes));
}

function dataMessage(stream: Stream, name: string, values: readonly AmfValue[], chunkBytes: number) {
  const { payload } = encodeData({ name, values: [...values] }, ObjectEncoding.Amf0);
  return buildWireMessage({
    typeId: MessageType.DataAmf0,
    timestampMs: stream.liveMs,
    payload,
    chunkBytes,
  });
}
