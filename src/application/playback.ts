// One play request, from the question to the end.
import type { Client } from './client.ts';
import type { OpenGate, PlayRequest } from './script.ts';
import type { Stream } from './stream.ts';
import type { Player, Viewer } from './viewer.ts';

/** The player's end of the wire, as the adaptor offers it. Must not throw or wait. */
export interface PlayerPort extends Player {
  /** Media and its announcements, since it was made. */
  readonly bytesSent: number;
  /** Stream Begin, NetStream.Play.Reset (when asked to reset) and .Start, under the name that it asked for; `name` is the stream's. */
  started(name: string): void;
  /** NetStream.Play.Failed, .StreamNotFound; the message stream stays usable. */
  refused(code: string, description: string): void;
}

export const PlaybackState = { Asking: 'asking', Playing: 'playing', Ended: 'ended' } as const;
export type PlaybackState = (typeof PlaybackState)[keyof typeof PlaybackState];

export class Playback {
  readonly client: Client;
  readonly request: PlayRequest;
  readonly port: PlayerPort;
  state: PlaybackState = PlaybackState.Asking;
  gate: OpenGate | undefined;
  stream: Stream | undefined;
  viewer: Viewer | undefined;
  /** When it began to play. */
  sinceMs = 0;

  constructor(client: Client, request: PlayRequest, port: PlayerPort) {
    this.client = client;
    this.request = request;
    this.port = port;
  }
}
