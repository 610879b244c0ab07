// What an application instance needs of connections to other servers. adaptor/dialer.ts makes them.
import type { AmfValue } from '../protocol/amf.ts';
import type { Player } from './viewer.ts';

/** As scripts are told of it; texts are of a bearable length. */
export interface OutgoingStatus {
  code: string;
  level: string;
  description?: string;
  details?: string;
  /** What the other application says with a rejection. */
  application?: AmfValue;
}

export interface OutgoingRequest {
  application: string;
  uri: string;
  /** What the other application's onConnect gets. */
  args: AmfValue[];
}

/** Calls come after the one that they are given to has returned. */
export interface OutgoingEvents {
  /** Of the connection. */
  status(info: OutgoingStatus): void;
  /** Its last word. It was open, or never came to be; not after `close`. */
  ended(info: OutgoingStatus): void;
}

export interface PublishEvents {
  /** Of the stream. */
  status(info: OutgoingStatus): void;
  /** It may be sent now. */
  started(player: Player): void;
}

export interface OutgoingConnection {
  /** The other server has accepted it. */
  readonly isOpen: boolean;
  /** Begins once it is open. Returns what ends it. */
  publish(request: { name: string; type: string }, events: PublishEvents): () => void;
  close(): void;
}

export interface Outgoing {
  /** Of one instance at a time. */
  maxConnections(application: string): number;
  /** `chunkBytes`: of what will be sent. */
  connect(request: OutgoingRequest, chunkBytes: number, events: OutgoingEvents): OutgoingConnection;
}

/** What a script does to its connections to other servers, each known by a key that no other thing of the instance has had. */
export interface OutgoingCommands {
  connect(key: number, uri: string, args: AmfValue[]): void;
  close(key: number): void;
  /** `source`: a stream of this instance; undefined: nothing yet. */
  publish(
    key: number,
    request: { connection: number; name: string; type: string; source: string | undefined },
  ): void;
  /** Another source for what is published, or none. */
  attach(key: number, source: string | undefined): void;
  unpublish(key: number): void;
  /** What keys from `from` and up to `to` stand for is of a version that is no more: the next one may take it over. */
  disown(from: number, to: number): void;
}
