// One play request, from the question to the end.

import type { TransitionFacts } from '../accounts/journal.ts';
import type { Client } from '../contract/client.ts';
import type { RecordedStream } from '../contract/recorded.ts';
import type { Refusal } from '../contract/refusal.ts';
import type { OpenGate, PlayRequest } from '../contract/script.ts';
import type { Stream } from '../live/stream.ts';
import type { Player, Viewer } from '../live/viewer.ts';
import type { LatestOnly } from '../pace/latest-only.ts';
import type { FilePlayer, FilePort } from './file-player.ts';

/** The player's end of the wire, as the adaptor offers it: under the name that it asked for. Must not throw or wait. */
export interface PlayerPort extends Player, FilePort {
  /** Message stream ID, for the access log. Undefined: it is no RTMP. */
  readonly streamId: number | undefined;
  /** Media and its announcements, since it was made. */
  readonly bytesSent: number;
  /** By RTMP: Stream Begin, NetStream.Play.Reset (when asked to reset) and .Start; `name` is the stream's own. */
  started(name: string, isRecorded: boolean): void;
  /** NetStream.Play.Failed, .StreamNotFound; the message stream stays usable. `name` as in `PublisherPort`. */
  refused(refusal: Refusal, name: string | undefined): void;
  /** Nobody has published that name for so long; `name`: for the log, undefined: it is a secret. */
  stillWaits(name: string | undefined, ms: number): void;
  /** An error of ours; it ends the session. */
  broke(error: unknown): void;
  /** NetStream.Pause.Notify and NetStream.Unpause.Notify. `says`: what of a recorded stream is told anew. */
  paused(isRecorded: boolean): void;
  unpaused(says: { isRecorded: boolean; start: boolean }): void;
  sought(ms: number, says: { start: boolean }): void;
  seekFailed(ms: number, description: string): void;
  /** A recorded stream, or the part that was asked for, has been sent: onPlayStatus. */
  completed(seconds: number, hasNext: boolean): void;
  /** NetStream.Play.Stop. */
  stopped(): void;
  /** It will take another one's place; it has. */
  transition(isForced: boolean): void;
  transitionComplete(): void;
}

export const PlaybackState = {
  Asking: 'asking',
  /** It may; what it is to play is being looked for. */
  Opening: 'opening',
  /** It waits for the point at which it takes another one's place. */
  Ready: 'ready',
  Playing: 'playing',
  /** All of it has been sent. It can be sought in. */
  Finished: 'finished',
  Ended: 'ended',
} as const;
export type PlaybackState = (typeof PlaybackState)[keyof typeof PlaybackState];

/** What whoever asked for it wants to know. */
export interface PlaybackEvents {
  /** It could not begin; the player has been told. */
  refused(code: string): void;
  /** It is known what it plays, and it may begin. */
  ready(): void;
  /** Another one follows when it has come to its end. */
  hasNext(): boolean;
  /** It has come to its end, and was closed because another one follows. */
  done(): void;
}

/** Which stream another one took the place of, for the access log. */
export class Playback {
  readonly client: Client;
  readonly request: PlayRequest;
  readonly port: PlayerPort;
  readonly events: PlaybackEvents;
  state: PlaybackState = PlaybackState.Asking;
  gate: OpenGate | undefined;
  /** The stream's own name, once it is decided. */
  name: string | undefined;
  /** Live: */
  stream: Stream | undefined;
  viewer: Viewer | undefined;
  /** Recorded: what was found, and who sends it. */
  recorded: RecordedStream | undefined;
  file: FilePlayer | undefined;
  /** Of the file. */
  seeks: LatestOnly | undefined;
  transition: TransitionFacts | undefined;
  /** Nobody publishes what it plays: until the log says so. */
  cancelPatience: (() => void) | undefined;
  /** When it began to play. */
  sinceMs = 0;

  constructor(client: Client, request: PlayRequest, port: PlayerPort, events: PlaybackEvents) {
    this.client = client;
    this.request = request;
    this.port = port;
    this.events = events;
  }

  /** Something is on its way to the player. */
  get isUnderWay(): boolean {
    return this.state === PlaybackState.Playing || this.state === PlaybackState.Finished;
  }

  /** On the wire, of what was sent last. */
  get sentMs(): number {
    return this.file?.sentMs ?? this.viewer?.sentMs ?? 0;
  }

  /** What is added to the stream's own times. */
  get offsetMs(): number {
    return this.file?.offsetMs ?? this.viewer?.offsetMs ?? 0;
  }
}
