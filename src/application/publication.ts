// One publish request, from the question to the end: asked, name checked, live, ended.
import type { Client } from './client.ts';
import type { OpenGate, PublishRequest, RecordMode } from './script.ts';
import type { Stream } from './stream.ts';

/** The publisher's end of the wire, as the adaptor offers it. Must not throw or wait. */
export interface PublisherPort {
  /** Message stream id. */
  readonly streamId: number;
  /** It is live: Stream Begin and NetStream.Publish.Start, under the name that it asked for; `name` is the public one. */
  started(name: string): void;
  /** Its media may go to the players now, all of whom have been told. Follows `started`, in the same turn. */
  flow(): void;
  /** NetStream.Publish.Denied, BadName…; the connection stays. */
  refused(code: string, description: string): void;
  /** NetStream.Record.*; names the stream as the publisher knows it. */
  recordStatus(code: 'Start' | 'Stop' | 'NoAccess' | 'Failed', description: string): void;
  /** The server ended it: taken over, or taken off by a script. The connection is closed. */
  ended(reason: string): void;
}

export const PublicationState = {
  Asking: 'asking',
  Checking: 'checking',
  Live: 'live',
  Ended: 'ended',
} as const;
export type PublicationState = (typeof PublicationState)[keyof typeof PublicationState];

export class Publication {
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
  /** When it went live. */
  sinceMs = 0;
  /** Stops waiting for the pong of whoever has the name. */
  cancelCheck: (() => void) | undefined;

  constructor(client: Client, request: PublishRequest, port: PublisherPort) {
    this.client = client;
    this.request = request;
    this.port = port;
  }
}
