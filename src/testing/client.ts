// A client of an application under test: what a session does for one that comes over a socket, done in memory.

import { parseStreamName } from '../adaptor/rtmp/stream-name.ts';
import type { Client, ClientPort, ConnectRefusal } from '../application/contract/client.ts';
import type { ClientFacts, ClientStats, PublishType } from '../application/contract/script.ts';
import type { AppInstance } from '../application/instance/instance.ts';
import { AccessStatus } from '../log/access-status.ts';
import type { AmfValue } from '../protocol/amf/amf.ts';
import type { ClientHost, Status } from './host.ts';
import { type Anything, plain } from './plain.ts';
import { TestPlayback } from './playback.ts';
import { TestPublication } from './publication.ts';

export interface ConnectOptions {
  /** What `connect` sends along: the arguments of `onConnect` behind the client. */
  args?: unknown[];
  /** `auth/room1`: another instance than `_definst_`. */
  instance?: string;
  ip?: string;
  agent?: string;
  referrer?: string;
  pageUrl?: string;
  uri?: string;
  protocol?: string;
  user?: string;
  objectEncoding?: 0 | 3;
}

/** The server has called a method of the client, or broadcast it. */
export interface ReceivedCall {
  readonly name: string;
  readonly args: Anything[];
}

const NO_TRAFFIC: ClientStats = {
  ...{ bytes_in: 0, bytes_out: 0, msg_in: 0, msg_out: 0, msg_dropped: 0, ping_rtt: 0 },
};

export class TestClient {
  readonly id: string;
  /** Undefined: it is in. */
  refusal: (Status & { application: Anything; redirect: string | undefined }) | undefined;
  /** Why the connection has ended, as the log says it; undefined: it has not. */
  closed: string | undefined;
  /** Calls of the server, in order. */
  readonly received: ReceivedCall[] = [];
  /** Of the connection: NetConnection.*. */
  readonly statuses: Status[] = [];
  readonly #host: ClientHost;
  readonly #handlers = new Map<string, (...args: Anything[]) => unknown>();
  readonly #streams = new Set<{ connectionClosed(): void }>();
  #instance: AppInstance | undefined;
  #client: Client | undefined;
  /** When it last sent something. */
  #lastSeenMs = 0;
  #waiting: (() => void)[] = [];
  readonly #taken = new Set<ReceivedCall>();

  constructor(id: string, host: ClientHost) {
    this.id = id;
    this.#host = host;
  }

  /** Resolves with the verdict. */
  async connect(instance: AppInstance, options: ConnectOptions): Promise<void> {
    this.#instance = instance;
    this.#sends();
    const { promise, resolve } = Promise.withResolvers<void>();
    const args = (options.args ?? []) as AmfValue[];
    this.#client = instance.connect(factsOf(this.id, instance, options), args, this.#port(resolve));
    await promise;
    await this.#host.settled();
  }

  /** The application cannot be reached at all. */
  turnedAway(refusal: Omit<ConnectRefusal, 'cause'>): void {
    const { code, description, redirect } = refusal;
    this.refusal = { code, description, redirect, application: plain(refusal.application) };
  }

  get accepted(): boolean {
    return this.refusal === undefined;
  }

  #sends(): void {
    this.#lastSeenMs = this.#host.clock.now().getTime();
  }

  #port(decided: () => void): ClientPort {
    const lastSeenMs = () => this.#lastSeenMs;
    return {
      kind: 'client',
      localIp: '127.0.0.1',
      queuedBytes: 0,
      accepted: decided,
      refused: (refusal) => {
        this.turnedAway(refusal);
        decided();
      },
      call: (name, args, responder) => this.#called(name, args, responder),
      status: (code, description) => this.statuses.push({ code, description }),
      // it is alive, and answers once the server has come to its end with what it does
      ping: () => queueMicrotask(() => this.#client && this.#instance?.pong(this.#client)),
      probe: (_waitMs, answer) => {
        let isWanted = true;
        queueMicrotask(() => isWanted && answer(true));
        return () => {
          isWanted = false;
        };
      },
      get lastSeenMs() {
        return lastSeenMs();
      },
      close: (reason, status = AccessStatus.Ok) => this.#end(reason, status),
      stats: () => ({ ...NO_TRAFFIC }),
    };
  }

  // ── calls ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Calls a method of the script; resolves with its result, rejects with what it threw. */
  call(name: string, ...args: unknown[]): Promise<Anything> {
    const [instance, client] = this.#here();
    return new Promise((resolve, reject) => {
      instance.invoke(client, name, args as AmfValue[], true, (result) => {
        if (!result.found) reject(new Error(`the script has no method ${name}`));
        else if (!result.ok) reject(new Error(result.description));
        else resolve(plain(result.value));
      });
    });
  }

  /** Answers calls of the server: what it returns is the result, what it throws the error. */
  on(name: string, handler: (...args: Anything[]) => unknown): void {
    this.#handlers.set(name, handler);
  }

  /** The arguments of the next call of that name that no `next` has given yet, come already or later. */
  async next(name: string): Promise<Anything[]> {
    for (;;) {
      const call = this.received.find((one) => one.name === name && !this.#taken.has(one));
      if (call) {
        this.#taken.add(call);
        return call.args;
      }
      if (this.closed !== undefined) throw new Error(`the server never called ${name}: ${this.closed}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #called(name: string, values: AmfValue[], responder: number | undefined): void {
    const args = values.map((value) => plain(value));
    this.received.push({ name, args });
    this.#wake();
    void this.#answer(this.#handlers.get(name), args, name, responder);
  }

  async #answer(
    handler: ((...args: Anything[]) => unknown) | undefined,
    args: Anything[],
    name: string,
    responder: number | undefined,
  ): Promise<void> {
    let ok = true;
    let value: unknown;
    try {
      if (!handler) throw new Error(`Method not found (${name}).`);
      value = await handler(...args);
    } catch (error) {
      ok = false;
      const description = error instanceof Error ? error.message : String(error);
      value = { level: 'error', code: 'NetConnection.Call.Failed', description };
    }
    if (responder !== undefined) this.#instance?.callResult(responder, ok, value as AmfValue);
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  // ── streams ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** `name?key=value`. Resolves when it is on air, or refused. */
  async publish(name: string, type: PublishType = 'live'): Promise<TestPublication> {
    const [instance, client] = this.#here();
    this.#sends();
    const publication = new TestPublication(name, this.#host, () => this.#sends());
    this.#streams.add(publication);
    await publication.begin(instance, client, { ...streamName(name), type }, () => this.disconnect());
    return publication;
  }

  /** `name?key=value`; `start` and `length` in seconds, as in `NetStream.play`. Resolves when it plays, or is refused. */
  async play(name: string, { start = -2, length = -1 } = {}): Promise<TestPlayback> {
    const [instance, client] = this.#here();
    const playback = new TestPlayback(this.#host);
    this.#streams.add(playback);
    await playback.begin(instance, client, { ...streamName(name), start, length, reset: true });
    return playback;
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Leaves. */
  async disconnect(): Promise<void> {
    this.#end('the client left', AccessStatus.ClientGone);
    await this.#host.settled();
  }

  #end(reason: string, status: AccessStatus): void {
    if (this.closed !== undefined) return;
    this.closed = reason;
    for (const stream of this.#streams) stream.connectionClosed();
    if (this.#client) this.#instance?.disconnected(this.#client, reason, status);
    this.#wake();
  }

  #here(): [AppInstance, Client] {
    if (!this.#instance || !this.#client || this.refusal) throw new Error(`${this.id} was not let in`);
    if (this.closed !== undefined) throw new Error(`${this.id} is not connected any more: ${this.closed}`);
    return [this.#instance, this.#client];
  }
}

/** Where clients of tests come from unless they say otherwise. */
export const TEST_ADDRESS = '127.0.0.1';

function factsOf(id: string, { application, name }: AppInstance, options: ConnectOptions): ClientFacts {
  const path = name === '_definst_' ? application : `${application}/${name}`;
  const { args: _, instance: __, ...given } = options;
  const protocol = options.protocol ?? 'rtmp';
  return {
    ...{ id, ip: TEST_ADDRESS, agent: 'LNX 9,0,124,2', referrer: '', pageUrl: '', user: '', virtualKey: '' },
    ...{ uri: `rtmp://localhost/${path}`, secure: protocol === 'rtmps', objectEncoding: 0 },
    ...{ readAccess: '/', writeAccess: '/', audioSampleAccess: '', videoSampleAccess: '' },
    ...given,
    protocol,
  };
}

function streamName(text: string) {
  const parsed = parseStreamName(text);
  if (!parsed) throw new Error(`${JSON.stringify(text)} is not the name of a stream`);
  return parsed;
}
