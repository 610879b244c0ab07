// What an application instance needs of connections to other servers. adaptor/outgoing/dialer.ts makes them.
import type { AmfValue } from '../../protocol/amf/amf.ts';
import type { Player } from '../live/viewer.ts';
import type { SourceEvents } from './source.ts';

/** As scripts are told of it; texts are of a bearable length. */
export interface OutgoingStatus {
  code: string;
  level: string;
  description?: string;
  details?: string;
  /** What the other application says with a rejection. */
  application?: AmfValue;
  /** With a rejection: `code` 302 and the address to connect to instead, `redirect`. As the other server has it. */
  ex?: { [member: string]: AmfValue };
  /** Whatever else the other server says. */
  [member: string]: AmfValue | undefined;
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

/** What is fetched from another server. */
export interface PullRequest {
  name: string;
  /** As in NetStream.play: seconds from 0 on, -1 for live alone, -2 for either. */
  start: number;
}

/** Nothing follows `ended` and `failed`. */
export interface PullEvents extends SourceEvents {
  /** The other server has it, or waits for whoever will publish it. */
  started(): void;
}

export interface OutgoingPull {
  /** How far ahead the other server may send. */
  setBufferMs(ms: number): void;
  close(): void;
}

export interface OutgoingTraffic {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface OutgoingConnection {
  /** Bytes that have gone either way, from the handshake on; as long as somebody holds it. */
  readonly traffic: OutgoingTraffic;
  /** The other server has accepted it. */
  readonly isOpen: boolean;
  /** Begins once it is open. Returns what ends it. */
  publish(request: { name: string; type: string }, events: PublishEvents): () => void;
  /** The same for a stream of the other server. */
  play(request: PullRequest, events: PullEvents): OutgoingPull;
  close(): void;
}

export interface Outgoing {
  /** Of one instance at a time. */
  maxConnections(application: string): number;
  /** `chunkBytes`: of what will be sent. */
  connect(request: OutgoingRequest, chunkBytes: number, events: OutgoingEvents): OutgoingConnection;
}

/** Those to one address that no version of the script has any more. */
export interface ForgottenConnections {
  /** Without its query and its login, which may be secret. */
  address: string;
  connections: number;
  /** Of this instance, that are published there. */
  streams: readonly string[];
}
