// One connection as its application instance sees it.
import type { AccessStatus } from '../../log/access-status.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import type { ClientFacts, ClientStats } from './script.ts';

/** What is in a client's way. The log has one line for each of these, address and second. */
export type ConnectCause =
  | 'address'
  | 'transport'
  | 'origin'
  | 'login-needed'
  | 'login-failed'
  | 'limit'
  | 'application'
  | 'load'
  | 'script'
  | 'shutdown';

export interface ConnectRefusal {
  cause: ConnectCause;
  /** `NetConnection.Connect.*` */
  code: string;
  description: string;
  /** Reaches the client as `info.application`. */
  application?: AmfValue;
  /** Where to connect instead: `info.ex` = { code: 302, redirect }. */
  redirect?: string;
}

/** `node`: another server of the same cluster, which comes for players and encoders of its own. */
export type ClientKind = 'client' | 'node';

/** The connection's end of the wire, as the adaptor offers it. Must not throw or wait. */
export interface ClientPort {
  /** Scripts are not told. */
  readonly kind: ClientKind;
  /** The address of ours that it has connected to. */
  readonly localIp: string;
  /** For whom the HTTP proxies in front of a tunnel say they speak; nobody has checked it. */
  readonly forwardedFor?: string | undefined;
  /** Of RTMPE: 6, 8 or 9; undefined: it is none. */
  readonly rtmpeVersion?: number | undefined;
  accepted(): void;
  /** Tells it and closes the connection. */
  refused(refusal: ConnectRefusal): void;
  /** `responder`: the answer is handed to `AppInstance.callResult`. */
  call(name: string, args: AmfValue[], responder: number | undefined): void;
  /** A NetConnection status, on message stream 0. */
  status(code: string, description: string): void;
  /** Measures the round trip; `AppInstance.pong` follows. */
  ping(): void;
  /**
   * Asks for a sign of life. `answer` is called once, now or later, unless the returned function takes the question back: true
   * for anything that the peer has sent after it, false when nothing has come within `waitMs`.
   */
  probe(waitMs: number, answer: (isAlive: boolean) => void): () => void;
  /** When its last bytes came, by the clock of the instance. */
  readonly lastSeenMs: number;
  /** Sends what is queued, then closes. `reason` and `status` are for the logs. */
  close(reason: string, status?: AccessStatus): void;
  stats(): ClientStats;
  /** Handed to its connection and not yet sent. */
  readonly queuedBytes: number;
}

export const ClientState = { Pending: 'pending', Accepted: 'accepted', Gone: 'gone' } as const;
export type ClientState = (typeof ClientState)[keyof typeof ClientState];

export class Client {
  readonly facts: ClientFacts;
  readonly port: ClientPort;
  state: ClientState = ClientState.Pending;
  /** When it asked to come in, by the clock of its instance. */
  sinceMs = 0;
  /** Gives back its share of the application's connections. */
  leave: () => void = () => {};
  /** Takes back a gate that is still open. */
  dropGate: (() => void) | undefined;

  constructor(facts: ClientFacts, port: ClientPort) {
    this.facts = facts;
    this.port = port;
  }

  get id(): string {
    return this.facts.id;
  }

  get kind(): ClientKind {
    return this.port.kind;
  }
}
