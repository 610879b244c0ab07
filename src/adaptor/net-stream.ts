// One message stream of a session: idle, publishing or playing.

import type { Client } from '../application/client.ts';
import type { AppInstance } from '../application/instance.ts';
import { type Playback, PlaybackState, type PlayerPort } from '../application/playback.ts';
import { type Publication, PublicationState, type PublisherPort } from '../application/publication.ts';
import { AccessStatus } from '../log/access-status.ts';
import type { Log } from '../log/log.ts';
import { decodeAggregate } from '../protocol/aggregate.ts';
import type { AmfLimits, AmfValue } from '../protocol/amf.ts';
import { decodeData, encodeData } from '../protocol/command.ts';
import { UserControlEvent } from '../protocol/control.ts';
import { MessageType, type RtmpMessage } from '../protocol/message.ts';
import type { StatusCode } from '../protocol/status.ts';
import { buildWireMessage, memoryBytes, WireMessage } from '../protocol/wire-message.ts';
import type { Outbox } from './outbox.ts';
import { parseStreamName } from './stream-name.ts';

/** What a message stream needs of its session. */
export interface NetStreamHost {
  readonly outbox: Outbox;
  readonly log: Log;
  readonly instance: AppInstance;
  readonly client: Client;
  readonly wireChunkBytes: number;
  readonly amf: AmfLimits;
  /** Media held until a publish is decided; beyond `maxHeldBytes` the socket is paused. */
  readonly maxHeldBytes: number;
  pauseReading(who: NetStream): void;
  resumeReading(who: NetStream): void;
  close(reason: string, status?: AccessStatus): void;
  /** An exception while held messages were relayed: the session's to judge. */
  fail(error: unknown): void;
}

/** A data message that FMS and encoders keep for every later player, wrapped in this or not. */
const SET_DATA_FRAME = '@setDataFrame';
const CLEAR_DATA_FRAME = '@clearDataFrame';
/** The server's to say. */
const SAMPLE_ACCESS = '|RtmpSampleAccess';

export class NetStream {
  readonly id: number;
  readonly #host: NetStreamHost;
  #publication: Publication | undefined;
  #playback: Playback | undefined;
  /** The name that the client uses; with `{ as }` other than the stream's own, and then secret. */
  #name = '';
  /** What logs may say. */
  #publicName = '';
  /** Media goes through; until then it is held. */
  #isFlowing = false;
  #held: RtmpMessage[] = [];
  #heldBytes = 0;

  constructor(id: number, host: NetStreamHost) {
    this.id = id;
    this.#host = host;
  }

  // ── publishing ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** publish(name | false, type). RTMP 1.0 §7.2.2.6. */
  publish(args: AmfValue[]): void {
    this.close();
    if (args[0] === false || args[0] === null || args[0] === undefined) return; // publish(false) is close
    const parsed = parseStreamName(args[0]);
    if (!parsed) {
      this.#status('NetStream.Publish.BadName', 'That is not a stream name.');
      return;
    }
    const type = args[1] ?? 'live';
    if (type !== 'live' && type !== 'record' && type !== 'append') {
      this.#status('NetStream.Publish.BadName', 'The type is live, record or append.');
      return;
    }
    this.#name = parsed.name;
    const { instance, client } = this.#host;
    const publication = instance.publish(client, { ...parsed, type }, this.#publisherPort());
    if (publication.state !== PublicationState.Ended) this.#publication = publication;
  }

  #publisherPort(): PublisherPort {
    const { outbox, log } = this.#host;
    return {
      streamId: this.id,
      started: (publicName) => {
        log.info({ event: 'publish', stream: publicName }, 'publishing');
        this.#publicName = publicName;
        outbox.together(() => {
          outbox.control({
            typeId: MessageType.UserControl,
            event: UserControlEvent.StreamBegin,
            streamId: this.id,
          });
          this.#status('NetStream.Publish.Start', `${this.#name} is now published.`);
        });
      },
      flow: () => this.#releaseHeld(),
      refused: (code, description) => {
        log.info({ event: 'publish-refused', code, reason: description }, 'publish refused');
        this.#dropHeld();
        this.#publication = undefined;
        this.#status(code as StatusCode, description);
      },
      recordStatus: (code, description) => this.#status(`NetStream.Record.${code}`, description),
      ended: (reason) => {
        this.#publication = undefined;
        this.#isFlowing = false;
        this.#status('NetStream.Publish.Denied', reason);
        this.#host.close(`publishing was ended: ${reason}`);
      },
    };
  }

  /** Audio, video and data of this message stream, in their order. */
  media(message: RtmpMessage): void {
    const publication = this.#publication;
    if (!publication) return; // nobody asked for it; FMS ignores it as well
    if (this.#isFlowing) this.#relay(publication, message);
    else this.#hold(message);
  }

  #hold(message: RtmpMessage): void {
    this.#held.push(message);
    this.#heldBytes += memoryBytes(message);
    if (this.#heldBytes > this.#host.maxHeldBytes) this.#host.pauseReading(this);
  }

  #releaseHeld(): void {
    const held = this.#held;
    const publication = this.#publication;
    this.#dropHeld();
    this.#isFlowing = true;
    try {
      if (publication) for (const message of held) this.#relay(publication, message);
    } catch (error) {
      this.#host.fail(error);
    }
  }

  #dropHeld(): void {
    this.#held = [];
    this.#heldBytes = 0;
    this.#host.resumeReading(this);
  }

  #relay(publication: Publication, message: RtmpMessage): void {
    if (message instanceof WireMessage) publication.media(message);
    else if (message.typeId === MessageType.Aggregate) {
      for (const part of decodeAggregate(message)) this.#relay(publication, this.#wire(part));
    } else if (message.typeId === MessageType.DataAmf0 || message.typeId === MessageType.DataAmf3) {
      this.#relayData(publication, message);
    }
  }

  #wire({ typeId, timestampMs, payload }: RtmpMessage): RtmpMessage {
    if (typeId !== MessageType.Audio && typeId !== MessageType.Video) {
      return { typeId, timestampMs, payload, streamId: this.id };
    }
    return buildWireMessage({ typeId, timestampMs, payload, chunkBytes: this.#host.wireChunkBytes });
  }

  #relayData(publication: Publication, message: RtmpMessage): void {
    const { stream } = publication;
    const { name, values } = decodeData(message.typeId, message.payload, this.#host.amf);
    const wire = (handler: string, rest: AmfValue[]) =>
      buildWireMessage({
        typeId: MessageType.DataAmf0,
        timestampMs: message.timestampMs,
        payload: encodeData({ name: handler, values: rest }, 0).payload,
        chunkBytes: this.#host.wireChunkBytes,
      });
    const [first, ...rest] = values;
    const isWrapped = name === SET_DATA_FRAME;
    const handler = isWrapped || name === CLEAR_DATA_FRAME ? first : name;
    if (typeof handler !== 'string' || handler === SAMPLE_ACCESS) return;
    if (name === CLEAR_DATA_FRAME) stream?.clearDataFrame(handler);
    else if (isWrapped) stream?.setDataFrame(handler, wire(handler, rest));
    // COMPAT: hardware encoders send onMetaData bare; late joiners need it all the same
    else if (name === 'onMetaData') stream?.setDataFrame(name, wire(name, values));
    else publication.media(wire(name, values));
  }

  // ── playing ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** play(name | false, start, length, reset); start and length are milliseconds on the wire, -1 and -2 besides. */
  play(args: AmfValue[]): void {
    this.close();
    if (args[0] === false || args[0] === null || args[0] === undefined) return;
    const parsed = parseStreamName(args[0]);
    if (!parsed) {
      this.#status('NetStream.Play.Failed', 'That is not a stream name.');
      return;
    }
    this.#name = parsed.name;
    const request = {
      ...parsed,
      start: playStart(args[1]),
      length: typeof args[2] === 'number' && args[2] >= 0 ? args[2] / 1000 : -1,
      reset: args[3] !== false && args[3] !== 0 && args[3] !== 2,
    };
    const { instance, client } = this.#host;
    const playback = instance.play(client, request, this.#playerPort(request.reset));
    if (playback.state !== PlaybackState.Ended) this.#playback = playback;
  }

  #playerPort(reset: boolean): PlayerPort {
    const { outbox, log, instance } = this.#host;
    const name = this.#name; // a port outlives a change of the stream that is played here
    let bytesSent = 0;
    const status = (code: StatusCode, description: string) =>
      outbox.status(this.id, code, description, { details: name, clientid: this.#host.client.id });
    return {
      streamId: this.id,
      get queuedBytes() {
        return outbox.queuedBytes;
      },
      get progress() {
        return outbox.progress;
      },
      get bytesSent() {
        return bytesSent;
      },
      write: (bytes, messages) => {
        bytesSent += bytes.length;
        outbox.messagesSent += messages;
        outbox.write(bytes);
      },
      dropped: (messages) => {
        outbox.messagesDropped += messages;
      },
      started: (streamName) => {
        // a name that nobody publishes may be a stream key that somebody tries; it stays out of the log
        const isOnAir = instance.streams.get(streamName)?.publication !== undefined;
        log.info(
          { event: 'play', ...(isOnAir ? { stream: streamName } : {}) },
          isOnAir ? 'playing' : 'waiting to play',
        );
        outbox.together(() => {
          outbox.control({
            typeId: MessageType.UserControl,
            event: UserControlEvent.StreamBegin,
            streamId: this.id,
          });
          if (reset) status('NetStream.Play.Reset', `Playing and resetting ${name}.`);
          status('NetStream.Play.Start', `Started playing ${name}.`);
          outbox.data(SAMPLE_ACCESS, [false, false], this.id);
          outbox.data('onStatus', [{ code: 'NetStream.Data.Start' }], this.id);
        });
      },
      refused: (code, description) => {
        log.info({ event: 'play-refused', code, reason: description }, 'play refused');
        this.#playback = undefined;
        status(code as StatusCode, description);
      },
      publishNotify: () => status('NetStream.Play.PublishNotify', `${name} is now published.`),
      unpublishNotify: () => status('NetStream.Play.UnpublishNotify', `${name} is now unpublished.`),
      insufficientBandwidth: () =>
        status(
          'NetStream.Play.InsufficientBW',
          'The client reads slower than the stream flows; frames are left out.',
        ),
      tooSlow: () => this.#host.close('it did not read what it plays', AccessStatus.Unread),
    };
  }

  pause(args: AmfValue[]): void {
    if (!this.#playback?.viewer) return;
    const paused = args[0] === true;
    this.#host.instance.pausePlaying(this.#playback, paused);
    if (paused) this.#status('NetStream.Pause.Notify', `Pausing ${this.#name}.`);
    else this.#status('NetStream.Unpause.Notify', `Unpausing ${this.#name}.`);
  }

  /** Live streams cannot be sought in. */
  seek(): void {
    if (this.#playback) this.#status('NetStream.Seek.Failed', `Failed to seek ${this.#name}: it is live.`);
  }

  receiveAudio(wanted: boolean): void {
    this.#playback?.viewer?.receiveAudio(wanted);
  }
  receiveVideo(wanted: boolean): void {
    this.#playback?.viewer?.receiveVideo(wanted);
  }

  /** closeStream, deleteStream, publish(false), play(false), and the end of the session. */
  close(status: AccessStatus = AccessStatus.Ok): void {
    const { instance } = this.#host;
    if (this.#publication) {
      const { state } = this.#publication;
      instance.unpublish(this.#publication, status);
      this.#publication = undefined;
      this.#isFlowing = false;
      this.#dropHeld();
      if (state === PublicationState.Live) {
        this.#host.log.info({ event: 'unpublish', stream: this.#publicName }, 'no longer publishing');
        this.#status('NetStream.Unpublish.Success', `${this.#name} is now unpublished.`);
      }
    }
    if (this.#playback) {
      const { state } = this.#playback;
      instance.stopPlaying(this.#playback, status);
      this.#playback = undefined;
      if (state === PlaybackState.Playing)
        this.#status('NetStream.Play.Stop', `Stopped playing ${this.#name}.`);
    }
  }

  #status(code: StatusCode, description: string): void {
    const { outbox, client } = this.#host;
    outbox.status(this.id, code, description, { details: this.#name, clientid: client.id });
  }
}

/** Seconds as in NetStream.play. COMPAT: players send -2 or -2000 for "any", -1 or -1000 for "live only". */
function playStart(value: AmfValue): number {
  if (typeof value !== 'number' || Number.isNaN(value)) return -2;
  if (value >= 0) return value / 1000;
  return value === -1 || value === -1000 ? -1 : -2;
}
