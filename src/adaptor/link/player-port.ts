// What a player is told on its message stream, under the name that it asked for.

import { accessCovers } from '../../application/admission/access.ts';
import type { Client } from '../../application/contract/client.ts';
import type { Refusal } from '../../application/contract/refusal.ts';
import type { AppInstance } from '../../application/instance/instance.ts';
import { RtmpShape } from '../../application/live/rtmp-shape.ts';
import type { PlayerPort } from '../../application/play/playback.ts';
import { AccessStatus } from '../../log/access-status.ts';
import type { LogEvent } from '../../log/events.ts';
import type { LineLimit } from '../../log/line-limit.ts';
import type { Log } from '../../log/log.ts';
import { MASK } from '../../log/secrets.ts';
import { UserControlEvent } from '../../protocol/rtmp/control.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import {
  type StatusCode,
  type StatusExtra,
  statusInfo,
  TransitionReason,
} from '../../protocol/rtmp/status.ts';
import { withoutPrefix } from '../../protocol/rtmp/stream-prefix.ts';
import type { Outbox } from './outbox.ts';
import { noteRefusal, type RefusalLog, shownName } from './refusals.ts';

export interface PlayerPortOptions {
  readonly outbox: Outbox;
  readonly log: Log;
  readonly lines: LineLimit;
  readonly instance: AppInstance;
  readonly client: Client;
  /** Message stream id. */
  readonly streamId: number;
  /** The name that the player uses; the stream may have another. */
  readonly name: string;
  /** It is told NetStream.Play.Reset. */
  readonly reset: boolean;
  close(reason: string, status?: AccessStatus): void;
  fail(error: unknown): void;
}

/** The server's to say. */
export const SAMPLE_ACCESS = '|RtmpSampleAccess';

/**
 * What ffmpeg and librtmp call themselves, unless they are told otherwise. COMPAT(ffmpeg): whatever it does not know it makes a
 * track of, "Data: none". Flash Player and AIR name the SWF that runs in them (`swfUrl`); these do not.
 */
const IN_DISGUISE: ReadonlySet<string> = new Set(['LNX 9,0,124,2', 'LNX 10,0,32,18']);

type StreamEvent =
  | typeof UserControlEvent.StreamBegin
  | typeof UserControlEvent.StreamEof
  | typeof UserControlEvent.StreamIsRecorded
  | typeof UserControlEvent.BufferEmpty
  | typeof UserControlEvent.BufferReady;

/** A class, for its counters are read for each player with each flush: of objects that are alike the engine knows where they are. */
export class RtmpPlayerPort implements PlayerPort {
  readonly streamId: number;
  readonly shape: RtmpShape;
  bytesSent = 0;
  readonly #outbox: Outbox;
  readonly #options: PlayerPortOptions;
  readonly #extra: StatusExtra;
  /** What it plays, by its own name. */
  #stream: string | undefined;

  constructor(options: PlayerPortOptions) {
    this.#options = options;
    this.#outbox = options.outbox;
    this.streamId = options.streamId;
    this.shape = new RtmpShape(options.streamId);
    this.#extra = { details: options.name, clientid: options.client.id };
  }

  get queuedBytes(): number {
    return this.#outbox.queuedBytes;
  }

  get progress(): number {
    return this.#outbox.progress;
  }

  write(bytes: Uint8Array, messages: number): void {
    this.bytesSent += bytes.length;
    this.#outbox.messagesSent += messages;
    this.#outbox.write(bytes);
  }

  writeAll(pieces: readonly Uint8Array[], messages: number): void {
    for (const { length } of pieces) this.bytesSent += length;
    this.#outbox.messagesSent += messages;
    this.#outbox.writeAll(pieces);
  }

  dropped(messages: number): void {
    this.#outbox.messagesDropped += messages;
  }

  onDrained(call: () => void): () => void {
    return this.#outbox.onDrained(call);
  }

  bufferFilled(): void {
    this.#control(UserControlEvent.BufferEmpty);
  }

  bufferGoesOn(): void {
    this.#control(UserControlEvent.BufferReady);
  }

  started(streamName: string, isRecorded: boolean): void {
    const { log, instance, reset, name } = this.#options;
    // a name that nobody publishes may be a stream key that somebody tries; it stays out of the log
    const isThere = isRecorded || instance.streams.isOnAir(streamName);
    this.#stream = streamName;
    log.info(
      { event: 'play', ...(isThere ? { stream: streamName } : {}) },
      isThere ? 'playing' : 'waiting to play',
    );
    this.#outbox.together(() => {
      if (isRecorded) this.#control(UserControlEvent.StreamIsRecorded);
      this.#control(UserControlEvent.StreamBegin);
      if (reset) this.#status('NetStream.Play.Reset', `Playing and resetting ${name}.`);
      this.#started();
      this.#dataFollows();
    });
  }

  refused({ cause, code, description, reason = description }: Refusal, name: string | undefined): void {
    const { application } = this.#options.instance;
    noteRefusal('play', this.#refusalLog, { cause, code, reason, application }, { name });
    this.#status(code as StatusCode, description);
  }

  get #refusalLog(): RefusalLog {
    const { log, lines, client } = this.#options;
    return { log, lines, address: client.facts.ip };
  }

  broke(error: unknown): void {
    this.#options.fail(error);
  }

  paused(isRecorded: boolean): void {
    if (isRecorded) this.#control(UserControlEvent.StreamEof);
    this.#status('NetStream.Pause.Notify', `Pausing ${this.#options.name}.`);
  }

  unpaused(says: { isRecorded: boolean; start: boolean }): void {
    this.#outbox.together(() => {
      if (says.isRecorded) this.#control(UserControlEvent.StreamBegin);
      this.#status('NetStream.Unpause.Notify', `Unpausing ${this.#options.name}.`);
      if (says.isRecorded && says.start) this.#started();
    });
  }

  sought(ms: number, says: { start: boolean }): void {
    this.#outbox.together(() => {
      this.#control(UserControlEvent.StreamEof);
      this.#control(UserControlEvent.StreamIsRecorded);
      this.#control(UserControlEvent.StreamBegin);
      this.#status('NetStream.Seek.Notify', `Seeking ${Math.round(ms)} (stream ID: ${this.streamId}).`);
      if (says.start) this.#started();
      this.#dataFollows();
    });
  }

  seekFailed(ms: number, why: string): void {
    const what = `Failed to seek ${Math.round(ms)} (stream ID: ${this.streamId})`;
    const code = 'NetStream.Seek.Failed';
    const { application } = this.#options.instance;
    noteRefusal('seek', this.#refusalLog, { cause: why, code, reason: `${what}: ${why}`, application });
    this.#status(code, `${what}: ${this.#options.name} ${why}.`);
  }

  completed(seconds: number, hasNext: boolean): void {
    if (hasNext) {
      this.#playStatus('NetStream.Play.Switch', {});
      return;
    }
    this.#outbox.together(() => {
      this.#playStatus('NetStream.Play.Complete', { duration: seconds, bytes: this.bytesSent });
      this.stopped();
      this.#control(UserControlEvent.StreamEof);
    });
  }

  stopped(): void {
    this.#status('NetStream.Play.Stop', `Stopped playing ${this.#options.name}.`);
  }

  transition(isForced: boolean): void {
    const reason = isForced ? TransitionReason.Forced : TransitionReason.Success;
    this.#status('NetStream.Play.Transition', `Transitioning to ${this.#options.name}.`, { reason });
  }

  transitionComplete(): void {
    const { name } = this.#options;
    this.#playStatus('NetStream.Play.TransitionComplete', {
      details: name,
      description: `Transitioned to ${name}.`,
    });
  }

  publishNotify(): void {
    this.#status('NetStream.Play.PublishNotify', `${this.#options.name} is now published.`);
  }

  unpublishNotify(): void {
    this.#status('NetStream.Play.UnpublishNotify', `${this.#options.name} is now unpublished.`);
  }

  insufficientBandwidth(): void {
    this.#status(
      'NetStream.Play.InsufficientBW',
      'The client reads slower than the stream flows; frames are left out.',
    );
  }

  waitsForKeyframe(isOver: boolean): void {
    const text = isOver
      ? 'no keyframe came: the player gets pictures without one'
      : 'no keyframe to begin with is kept: the player gets sound alone until the next one, or until KeyframeWait is over';
    const event = isOver ? 'play-without-keyframe' : 'play-waits-for-keyframe';
    this.#note(event, { stream: this.#stream }, text);
  }

  stillWaits(name: string | undefined, ms: number): void {
    const facts = { stream: name === undefined ? MASK : shownName(name), waitedMs: ms };
    this.#note('play-waits-for-publisher', facts, 'a player waits for a stream that nobody publishes');
  }

  /** A line that a client can cause again and again. */
  #note(event: LogEvent, facts: Record<string, unknown>, text: string): void {
    const { log, lines, instance, client } = this.#options;
    const all = { event, application: instance.application, ...facts };
    lines.line(event, client.facts.ip, (repeats) => log.info(repeats > 0 ? { ...all, repeats } : all, text));
  }

  tooSlow(): void {
    this.#options.close('the player did not read the stream', AccessStatus.Unread);
  }

  #status(code: StatusCode, description: string, more: StatusExtra = {}): void {
    this.#outbox.status(this.streamId, code, description, { ...this.#extra, ...more });
  }

  #playStatus(code: StatusCode, more: StatusExtra): void {
    this.#outbox.data('onPlayStatus', [statusInfo(code, undefined, more)], this.streamId);
  }

  #control(event: StreamEvent): void {
    this.#outbox.control({ typeId: MessageType.UserControl, event, streamId: this.streamId });
  }

  #started(): void {
    this.#status('NetStream.Play.Start', `Started playing ${this.#options.name}.`);
  }

  /** Of a Flash Player all that Flash Media Server says; of others only that they have been given something. */
  #dataFollows(): void {
    const { client, name } = this.#options;
    const { audioSampleAccess, videoSampleAccess, agent, referrer } = client.facts;
    const may = [audioSampleAccess, videoSampleAccess].map((list) => accessCovers(list, withoutPrefix(name)));
    const runsSwf = referrer !== '';
    if (runsSwf || (may.includes(true) && !IN_DISGUISE.has(agent)))
      this.#outbox.data(SAMPLE_ACCESS, may, this.streamId);
    if (runsSwf) this.#outbox.data('onStatus', [{ code: 'NetStream.Data.Start' }], this.streamId);
  }
}
