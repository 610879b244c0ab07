// One message stream of a session: idle, publishing or playing.

import type { Client } from '../../application/contract/client.ts';
import type { BadRequest } from '../../application/contract/refusal.ts';
import { publishTypeOf } from '../../application/contract/script.ts';
import type { AppInstance } from '../../application/instance/instance.ts';
import { playFailed } from '../../application/play/playing.ts';
import { type Playlist, TRANSITIONS } from '../../application/play/playlist.ts';
import {
  type Publication,
  PublicationState,
  type PublisherPort,
} from '../../application/publish/publication.ts';
import { AccessStatus } from '../../log/access-status.ts';
import type { LineLimit } from '../../log/line-limit.ts';
import type { Log } from '../../log/log.ts';
import { visible } from '../../log/visible.ts';
import { type AmfValue, membersOf } from '../../protocol/amf/amf.ts';
import type { AmfLimits } from '../../protocol/amf/amf-budget.ts';
import { UserControlEvent } from '../../protocol/rtmp/control.ts';
import { MessageType, type RtmpMessage } from '../../protocol/rtmp/message.ts';
import type { OddListener } from '../../protocol/rtmp/odd-message.ts';
import type { StatusCode } from '../../protocol/rtmp/status.ts';
import { memoryBytes, withOwnMemory } from '../../protocol/rtmp/wire-message.ts';
import { takeIn } from '../link/intake.ts';
import type { Outbox } from '../link/outbox.ts';
import { RtmpPlayerPort, SAMPLE_ACCESS } from '../link/player-port.ts';
import { noteRefusal, type RefusalLog, shownName } from '../link/refusals.ts';
import { parseStreamName, readStreamName } from './stream-name.ts';

/** What a message stream needs of its session. */
export interface NetStreamHost {
  readonly outbox: Outbox;
  readonly log: Log;
  /** For lines that a peer can cause again and again. */
  readonly lines: LineLimit;
  readonly instance: AppInstance;
  readonly client: Client;
  readonly wireChunkBytes: number;
  readonly amf: AmfLimits;
  readonly odd: OddListener;
  /** Media held until a publish is decided; beyond `maxHeldBytes` the socket is paused. */
  readonly maxHeldBytes: number;
  /** So many bytes of it more; negative: fewer. */
  keep(bytes: number): void;
  /** Messages of this stream that were held: they come back, in turns, before any later ones. */
  takeFirst(messages: Iterator<RtmpMessage>): void;
  pauseReading(who: NetStream): void;
  resumeReading(who: NetStream): void;
  close(reason: string, status?: AccessStatus): void;
  /** An exception for the session to judge. */
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
    const isClose = isNothing(args[0], this.#publication !== undefined || this.#playlist.isOpen);
    this.close();
    if (isClose) return;
    const read = readStreamName(args[0]);
    if ('cause' in read) {
      this.refusePublish(read);
      return;
    }
    this.#name = read.name;
    const { instance, client } = this.#host;
    const type = publishTypeOf(args[1]) ?? this.#unknownType(args[1]);
    const publication = instance.publish(client, { ...read, type }, this.#publisherPort());
    if (publication.state !== PublicationState.Ended) this.#publication = publication;
  }

  refusePublish(request: BadRequest): void {
    const { instance, client } = this.#host;
    this.#name = shownName(request.name);
    instance.refusePublish(client, { ...request, name: this.#name }, this.#publisherPort());
  }

  /** COMPAT: some encoders send the name of the application as the type, a number, or nothing. */
  #unknownType(given: AmfValue): 'live' {
    const { log, lines, client } = this.#host;
    const text = typeText(given);
    const facts = { event: 'publish-type' as const, given: text };
    const kind = given === null ? 'null' : typeof given;
    lines.line(`publish-type ${kind}`, client.facts.ip, (repeats) => {
      const message = `publishing as live: ${text} is none of live, record, append and appendWithGap`;
      log.info(repeats > 0 ? { ...facts, repeats } : facts, message);
    });
    return 'live';
  }

  get #refusalLog(): RefusalLog {
    const { log, lines, client } = this.#host;
    return { log, lines, address: client.facts.ip };
  }

  #publisherPort(): PublisherPort {
    const { outbox, log, lines, client } = this.#host;
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
      refused: ({ cause, code, description, reason = description }, name) => {
        const { application } = this.#host.instance;
        noteRefusal('publish', this.#refusalLog, { cause, code, reason, application }, { name });
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
        const facts = {
          stream: name,
          holderIp: holder.facts.ip,
          holderClient: holder.id,
          safeForMs: Math.ceil(safeForMs),
        };
        lines.line('take-over-limited', client.facts.ip, (repeats) => {
          const all = { event: 'take-over-limited' as const, ...facts, ...(repeats > 0 && { repeats }) };
          log.warn(all, 'the publisher took the name over just now: it keeps it while it is alive');
        });
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
    const held = withOwnMemory(message);
    const bytes = memoryBytes(held);
    this.#held.push(held);
    this.#heldBytes += bytes;
    this.#host.keep(bytes);
    if (this.#heldBytes > this.#host.maxHeldBytes) this.#host.pauseReading(this);
  }

  #releaseHeld(): void {
    const held = this.#held;
    this.#dropHeld();
    this.#isFlowing = true;
    if (held.length > 0) this.#host.takeFirst(held.values());
  }

  #dropHeld(): void {
    this.#host.keep(-this.#heldBytes);
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
    const [name] = args;
    const isClose = isNothing(name, this.#playlist.isOpen);
    const reset = args[3] !== false && args[3] !== 0 && args[3] !== 2;
    if (reset || isClose || this.#publication) this.close();
    if (isClose) return;
    const read = readStreamName(name);
    if ('cause' in read) this.refusePlay(read);
    else this.#playlist.play({ ...read, ...playRange(args[1], args[2]), reset });
  }

  refusePlay({ cause, description, name, query }: BadRequest): void {
    const request = { name: shownName(name), query, params: {}, start: -2, length: -1, reset: false };
    this.#playlist.refuse(request, playFailed(cause, description));
  }

  /** play2(options): a playlist changed without a break. */
  play2(args: AmfValue[]): void {
    const options = membersOf(args[0]);
    const parsed = parseStreamName(options?.streamName);
    const transition = TRANSITIONS.find((one) => one === options?.transition);
    if (!options || !parsed || !transition) {
      this.refusePlay({
        cause: 'arguments',
        description: 'play2 wants a streamName and a transition.',
        ...{ name: parsed?.name ?? '', query: parsed?.query ?? '' },
      });
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
    if (typeof ms !== 'number' || !(ms >= 0)) this.#refuseSeek('arguments', 'That is not a time.');
    else if (!this.#playlist.seek(ms)) this.#refuseSeek('not-found', 'Nothing is playing on this stream.');
  }

  #refuseSeek(cause: string, description: string): void {
    const { application } = this.#host.instance;
    const code = 'NetStream.Seek.Failed';
    noteRefusal('seek', this.#refusalLog, { cause, code, reason: description, application });
    this.#status(code, description);
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

/** publish(false) and play(false) close. Nothing at all does where there is something to close; else the name was forgotten. */
function isNothing(name: AmfValue, isOpen: boolean): boolean {
  return name === false || (isOpen && (name === null || name === undefined));
}

/** Characters; nobody knows what an encoder has put there. */
const MAX_TYPE = 40;

/** What was given as the type of a publish, for the log. */
function typeText(given: AmfValue): string {
  if (given === undefined || given === null) return 'nothing';
  if (typeof given === 'string') {
    const [text = ''] = given.split('?', 1); // behind it may be a secret
    return `"${visible(text.length > MAX_TYPE ? `${text.slice(0, MAX_TYPE)}…` : text)}"`;
  }
  return typeof given === 'object' ? 'an object' : String(given);
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
