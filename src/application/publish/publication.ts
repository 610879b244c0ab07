// One publish request, from the question to the end: asked, name checked, live, ended.
import type { Client } from '../contract/client.ts';
import type { Refusal } from '../contract/refusal.ts';
import type { OpenGate, PublishRequest, RecordMode } from '../contract/script.ts';
import type { Stream } from '../live/stream.ts';
import type { TakeOver } from './take-over.ts';

/** The publisher's end of the wire, as the adaptor offers it. Must not throw or wait. */
export interface PublisherPort {
  /** Message stream id. */
  readonly streamId: number;
  /** It is live: Stream Begin and NetStream.Publish.Start, under the name that it asked for; `name` is the public one. */
  started(name: string): void;
  /** Its media may go to the players now, all of whom have been told. Follows `started`, in the same turn. */
  flow(): void;
  /** NetStream.Publish.Denied, BadName…; the connection stays. `name`: for the log; undefined: it may be a secret. */
  refused(refusal: Refusal, name: string | undefined): void;
  /** NetStream.Record.*; names the stream as the publisher knows it. */
  recordStatus(code: 'Start' | 'Stop' | 'NoAccess' | 'Failed', description: string): void;
  /** The server ended it: taken over, or taken off by a script. The connection is closed. `by`: who has the name now. */
  ended(reason: string, by?: Client): void;
  /** A script lets it take the name of one that is to keep it for so long yet: Live/TakeOverInterval. */
  takeOverLimited(name: string, holder: Client, safeForMs: number): void;
}

export const PublicationState = {
  Asking: 'asking',
  Checking: 'checking',
  Live: 'live',
  Ended: 'ended',
} as const;
export type PublicationState = (typeof PublicationState)[keyof typeof PublicationState];

export class Publication {
  /** Of holders of a stream's name. */
  readonly kind = 'client';
  readonly client: Client;
  readonly request: PublishRequest;
  readonly port: PublisherPort;
  state: PublicationState = PublicationState.Asking;
  gate: OpenGate | undefined;
  /** Set while live. */
  stream: Stream | undefined;
  /** What the script did to this stream while its name was still being checked; run when live, forgotten otherwise. */
  readonly held: (() => void)[] = [];
  recordMode: RecordMode | undefined;
  /** The script lets it take over whoever has the name. */
  takesOver = false;
  /** The latest of its name. */
  takeOver: TakeOver | undefined;
  /** When it went live. */
  sinceMs = 0;
  /** Stops waiting for a sign of life of whoever has the name. */
  cancelCheck: (() => void) | undefined;
  /** Withdraws its claim to the name, or gives the name back. */
  releaseName: (() => void) | undefined;

  constructor(client: Client, request: PublishRequest, port: PublisherPort) {
    this.client = client;
    this.request = request;
    this.port = port;
  }

  get isOnAir(): boolean {
    return this.state === PublicationState.Live;
  }
}
