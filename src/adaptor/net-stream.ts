// One message stream of a session: idle, publishing or playing.

import type { Client } from '../application/client.ts';
import type { AppInstance } from '../application/instance.ts';
import { type Playlist, TRANSITIONS } from '../application/playlist.ts';
import { type Publication, PublicationState, type PublisherPort } from '../application/publication.ts';
import { isPublishType } from '../application/script.ts';
import { AccessStatus } from '../log/access-status.ts';
import type { Log } from '../log/log.ts';
import { type AmfLimits, type AmfValue, membersOf } from '../protocol/amf.ts';
import { UserControlEvent } from '../protocol/control.ts';
import { MessageType, type RtmpMessage } from '../protocol/message.ts';
import type { OddListener } from '../protocol/odd-message.ts';
import type { StatusCode } from '../protocol/status.ts';
import { memoryBytes } from '../protocol/wire-message.ts';
import { takeIn } from './intake.ts';
import type { Outbox } from './outbox.ts';
import { RtmpPlayerPort, SAMPLE_ACCESS } from './player-port.ts';
import { parseStreamName } from './stream-name.ts';

/** What a message stream needs of its session. */
export interface NetStreamHost {
  readonly outbox: Outbox;
  readonly log: Log;
  readonly instance: AppInstance;
  readonly client: Client;
  readonly wireChunkBytes: number;
  readonly amf: AmfLimits;
  readonly odd: OddListener;
  /** Media held until a publish is decided; beyond `maxHeldBytes` the socket is paused. */
  readonly maxHeldBytes: number;
  pauseReading(who: NetStream): void;
  resumeReading(who: NetStream): void;
  close(reason: string, status?: AccessStatus): void;
  /** An exception while held messages were relayed: the session's to judge. */
  fail(error: unknown): void;
}

const SERVERS_OWN = [SAMPLE_ACCESS];

export class NetStream {
  readonly id: number;
  readonly #host: NetStreamHost;
  #publication: Publication | undefined;
  readonly #playlist: Playlist;
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
    this.#playlist = host.instance.playlist(
      host.client,
      ({ name, reset }) => new RtmpPlayerPort({ ...host, streamId: id, name, reset }),
    );
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
    if (!isPublishType(type)) {
      this.#status('NetStream.Publish.BadName', 'The type is live, record, append or appendWithGap.');
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
      ended: (reason, by) => {
        this.#publication = undefined;
        this.#isFlowing = false;
        this.#status('NetStream.Publish.Denied', reason);
        const whom = by ? `: ${by.facts.ip} (client ${by.id})` : '';
        if (by) {
          const facts = { stream: this.#publicName, byIp: by.facts.ip, byClient: by.id, reason };
          log.warn({ event: 'taken-over', ...facts }, `the stream name was taken over${whom}`);
        }
        this.#host.close(`publishing was ended: ${reason}${whom}`);
      },
      takeOverLimited: (name, holder, safeForMs) => {
        const facts = { stream: name, holderIp: holder.facts.ip, holderClient: holder.id, safeForMs };
        log.warn(
          { event: 'take-over-limited', ...facts },
          'the publisher took the name over just now: it keeps it',
        );
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

  #relay({ stream }: Publication, message: RtmpMessage): void {
    const { wireChunkBytes: chunkBytes, amf, odd } = this.#host;
    if (stream) takeIn(message, stream, { chunkBytes, amf, odd, ignores: SERVERS_OWN });
  }

  // ── playing ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** play(name | false, start, length, reset); start and length are milliseconds on the wire, -1 and -2 besides. */
  play(args: AmfValue[]): void {
    const reset = args[3] !== false && args[3] !== 0 && args[3] !== 2;
    if (reset || this.#publication) this.close();
    const [name] = args;
    if (name === false || name === null || name === undefined) {
      this.close();
      return;
    }
    const parsed = parseStreamName(name);
    if (parsed) this.#playlist.play({ ...parsed, ...playRange(args[1], args[2]), reset });
    else this.#status('NetStream.Play.Failed', 'That is not a stream name.');
  }

  /** play2(options): a playlist changed without a break. */
  play2(args: AmfValue[]): void {
    const options = membersOf(args[0]);
    const parsed = parseStreamName(options?.streamName);
    const transition = TRANSITIONS.find((one) => one === options?.transition);
    if (!options || !parsed || !transition) {
      this.#status('NetStream.Play.Failed', 'play2 wants a streamName and a transition.');
      return;
    }
    if (this.#publication) this.close();
    const { oldStreamName, offset } = options;
    this.#playlist.play2({
      ...parsed,
      ...playRange(options.start, options.len),
      reset: transition === 'reset',
      transition,
      oldName: oldStreamName === '' ? undefined : parseStreamName(oldStreamName)?.name,
      offsetMs: typeof offset === 'number' && offset >= 0 ? offset * 1000 : undefined,
    });
  }

  /** pause(flag, where the player is). `keeps`: pauseRaw, whose sender keeps what it has got. */
  pause(args: AmfValue[], keeps = false): void {
    const [flag, ms] = args;
    this.#playlist.pause(flag === true, !keeps && typeof ms === 'number' && ms >= 0 ? ms : undefined);
  }

  seek(args: AmfValue[]): void {
    const [ms] = args;
    if (typeof ms === 'number' && ms >= 0) this.#playlist.seek(ms);
    else this.#status('NetStream.Seek.Failed', 'That is not a time.');
  }

  receiveAudio(wanted: boolean): void {
    this.#playlist.receive({ audio: wanted });
  }
  receiveVideo(wanted: boolean): void {
    this.#playlist.receive({ video: wanted });
  }

  /** User control Set Buffer Length. */
  setBuffer(ms: number): void {
    this.#playlist.bufferMs = ms;
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
    this.#playlist.close(status);
  }

  #status(code: StatusCode, description: string): void {
    const { outbox, client } = this.#host;
    outbox.status(this.id, code, description, { details: this.#name, clientid: client.id });
  }
}

/**
 * Seconds as in NetStream.play; on the wire milliseconds. COMPAT: players send -2 or -2000 for "any", -1 or -1000 for "live
 * only".
 */
function playRange(start: AmfValue, length: AmfValue): { start: number; length: number } {
  return {
    start: playStart(start),
    length: typeof length === 'number' && length >= 0 ? length / 1000 : -1,
  };
}

function playStart(value: AmfValue): number {
  if (typeof value !== 'number' || Number.isNaN(value)) return -2;
  if (value >= 0) return value / 1000;
  return value === -1 || value === -1000 ? -1 : -2;
}
