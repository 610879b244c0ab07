// A stream that a client plays in a test: what it hears of it, and how much of it has come.
import type { Client } from '../application/contract/client.ts';
import type { PlayRequest } from '../application/contract/script.ts';
import type { AppInstance } from '../application/instance/instance.ts';
import { RtmpShape } from '../application/live/rtmp-shape.ts';
import type { PlayerPort } from '../application/play/playback.ts';
import type { Playlist } from '../application/play/playlist.ts';
import { AccessStatus } from '../log/access-status.ts';
import { WIRE_STREAM_ID } from '../protocol/rtmp/wire-message.ts';
import type { ClientHost, Status } from './host.ts';
import { countSent } from './media.ts';

export class TestPlayback {
  /** The stream's own; undefined: it does not play. */
  name: string | undefined;
  /** NetStream.Play.Start, .Failed, .PublishNotify… in order. */
  readonly statuses: Status[] = [];
  /** Of pictures, sound and data that have come. */
  messages = 0;
  readonly #host: ClientHost;
  #playlist: Playlist | undefined;

  constructor(host: ClientHost) {
    this.#host = host;
  }

  async begin(instance: AppInstance, client: Client, request: PlayRequest): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#playlist = instance.playlist(client, ({ name }) => this.#port(name, resolve));
    this.#playlist.play(request);
    await promise;
    await this.#host.settled();
  }

  #port(asked: string, decided: () => void): PlayerPort {
    const say = (code: string, description: string) => void this.statuses.push({ code, description });
    let bytesSent = 0;
    return {
      streamId: WIRE_STREAM_ID,
      shape: new RtmpShape(WIRE_STREAM_ID),
      queuedBytes: 0,
      get bytesSent() {
        return bytesSent;
      },
      get progress() {
        return bytesSent;
      },
      write: (bytes, messages) => {
        bytesSent += bytes.length;
        this.messages += countSent(bytes, messages);
      },
      writeAll(pieces, messages) {
        this.write(Buffer.concat(pieces), messages);
      },
      dropped() {},
      onDrained: () => () => {},
      bufferFilled() {},
      bufferGoesOn() {},
      started: (name) => {
        this.name = name;
        say('NetStream.Play.Start', `Started playing ${asked}.`);
        decided();
      },
      refused: ({ code, description }) => {
        this.name = undefined;
        say(code, description);
        decided();
      },
      broke: (error) => {
        throw error;
      },
      paused: () => say('NetStream.Pause.Notify', `Pausing ${asked}.`),
      unpaused: () => say('NetStream.Unpause.Notify', `Unpausing ${asked}.`),
      sought: (ms) => say('NetStream.Seek.Notify', `Seeking ${ms}.`),
      seekFailed: (ms, why) => say('NetStream.Seek.Failed', `Failed to seek ${ms}: ${why}.`),
      completed: (_seconds, hasNext) =>
        say(hasNext ? 'NetStream.Play.Switch' : 'NetStream.Play.Complete', asked),
      stopped: () => say('NetStream.Play.Stop', `Stopped playing ${asked}.`),
      transition: () => say('NetStream.Play.Transition', `Transitioning to ${asked}.`),
      transitionComplete: () => say('NetStream.Play.TransitionComplete', asked),
      publishNotify: () => say('NetStream.Play.PublishNotify', `${asked} is now published.`),
      unpublishNotify: () => say('NetStream.Play.UnpublishNotify', `${asked} is now unpublished.`),
      insufficientBandwidth: () => say('NetStream.Play.InsufficientBW', 'frames are left out.'),
      waitsForKeyframe() {},
      stillWaits() {},
      tooSlow() {},
    };
  }

  get accepted(): boolean {
    return this.statuses[0]?.code === 'NetStream.Play.Start';
  }

  async stop(): Promise<void> {
    this.name = undefined;
    this.#playlist?.close(AccessStatus.Ok);
    await this.#host.settled();
  }

  connectionClosed(): void {
    this.name = undefined;
  }
}
