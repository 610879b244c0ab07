// What a player is told on its message stream, under the name that it asked for.

import { accessCovers, withoutPrefix } from '../application/access.ts';
import type { Client } from '../application/client.ts';
import type { AppInstance } from '../application/instance.ts';
import type { PlayerPort } from '../application/playback.ts';
import { AccessStatus } from '../log/access-status.ts';
import type { Log } from '../log/log.ts';
import { UserControlEvent } from '../protocol/control.ts';
import { MessageType } from '../protocol/message.ts';
import { type StatusCode, type StatusExtra, statusInfo, TransitionReason } from '../protocol/status.ts';
import type { Outbox } from './outbox.ts';

export interface PlayerPortOptions {
  readonly outbox: Outbox;
  readonly log: Log;
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

type StreamEvent =
  | typeof UserControlEvent.StreamBegin
  | typeof UserControlEvent.StreamEof
  | typeof UserControlEvent.StreamIsRecorded
  | typeof UserControlEvent.BufferEmpty
  | typeof UserControlEvent.BufferReady;

export function playerPort(options: PlayerPortOptions): PlayerPort {
  const { outbox, log, instance, client, streamId, name, reset } = options;
  let bytesSent = 0;
  const extra = { details: name, clientid: client.id };
  const status = (code: StatusCode, description: string, more: StatusExtra = {}) =>
    outbox.status(streamId, code, description, { ...extra, ...more });
  const control = (event: StreamEvent) =>
    outbox.control({ typeId: MessageType.UserControl, event, streamId });
  const started = () => status('NetStream.Play.Start', `Started playing ${name}.`);
  const dataFollows = () => {
    const { audioSampleAccess, videoSampleAccess } = client.facts;
    const may = [audioSampleAccess, videoSampleAccess].map((list) => accessCovers(list, withoutPrefix(name)));
    outbox.data(SAMPLE_ACCESS, may, streamId);
    outbox.data('onStatus', [{ code: 'NetStream.Data.Start' }], streamId);
  };
  const playStatus = (code: StatusCode, more: StatusExtra) =>
    outbox.data('onPlayStatus', [statusInfo(code, undefined, more)], streamId);
  return {
    streamId,
    get queuedBytes() {
      return outbox.queuedBytes;
    },
    get progress() {
      return outbox.progress;
    },
    get bytesSent() {
      return bytesSent;
    },
    write(bytes, messages) {
      bytesSent += bytes.length;
      outbox.messagesSent += messages;
      outbox.write(bytes);
    },
    dropped(messages) {
      outbox.messagesDropped += messages;
    },
    onDrained: (call) => outbox.onDrained(call),
    bufferFilled: () => control(UserControlEvent.BufferEmpty),
    bufferGoesOn: () => control(UserControlEvent.BufferReady),
    started(streamName, isRecorded) {
      // a name that nobody publishes may be a stream key that somebody tries; it stays out of the log
      const isThere = isRecorded || instance.streams.isOnAir(streamName);
      log.info(
        { event: 'play', ...(isThere ? { stream: streamName } : {}) },
        isThere ? 'playing' : 'waiting to play',
      );
      outbox.together(() => {
        if (isRecorded) control(UserControlEvent.StreamIsRecorded);
        control(UserControlEvent.StreamBegin);
        if (reset) status('NetStream.Play.Reset', `Playing and resetting ${name}.`);
        started();
        dataFollows();
      });
    },
    refused(code, description) {
      log.info({ event: 'play-refused', code, reason: description }, 'play refused');
      status(code as StatusCode, description);
    },
    broke: (error) => options.fail(error),
    paused(isRecorded) {
      if (isRecorded) control(UserControlEvent.StreamEof);
      status('NetStream.Pause.Notify', `Pausing ${name}.`);
    },
    unpaused(says) {
      outbox.together(() => {
        if (says.isRecorded) control(UserControlEvent.StreamBegin);
        status('NetStream.Unpause.Notify', `Unpausing ${name}.`);
        if (says.isRecorded && says.start) started();
      });
    },
    sought(ms, says) {
      outbox.together(() => {
        control(UserControlEvent.StreamEof);
        control(UserControlEvent.StreamIsRecorded);
        control(UserControlEvent.StreamBegin);
        status('NetStream.Seek.Notify', `Seeking ${Math.round(ms)} (stream ID: ${streamId}).`);
        if (says.start) started();
        dataFollows();
      });
    },
    seekFailed(ms, why) {
      const what = `Failed to seek ${Math.round(ms)} (stream ID: ${streamId})`;
      status('NetStream.Seek.Failed', `${what}: ${name} ${why}.`);
    },
    completed(seconds, hasNext) {
      if (hasNext) {
        playStatus('NetStream.Play.Switch', {});
        return;
      }
      outbox.together(() => {
        playStatus('NetStream.Play.Complete', { duration: seconds, bytes: bytesSent });
        this.stopped();
        control(UserControlEvent.StreamEof);
      });
    },
    stopped: () => status('NetStream.Play.Stop', `Stopped playing ${name}.`),
    transition(isForced) {
      const reason = isForced ? TransitionReason.Forced : TransitionReason.Success;
      status('NetStream.Play.Transition', `Transitioning to ${name}.`, { reason });
    },
    transitionComplete: () =>
      playStatus('NetStream.Play.TransitionComplete', {
        details: name,
        description: `Transitioned to ${name}.`,
      }),
    publishNotify: () => status('NetStream.Play.PublishNotify', `${name} is now published.`),
    unpublishNotify: () => status('NetStream.Play.UnpublishNotify', `${name} is now unpublished.`),
    insufficientBandwidth: () =>
      status(
        'NetStream.Play.InsufficientBW',
        'The client reads slower than the stream flows; frames are left out.',
      ),
    tooSlow: () => options.close('it did not read what it plays', AccessStatus.Unread),
  };
}
