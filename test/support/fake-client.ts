// A client, and what publishes and plays by it, without a socket: they keep what they are told, and answer when a test says so.
import {
  Client,
  type ClientPort,
  ClientState,
  type ConnectRefusal,
} from '../../src/application/contract/client.ts';
import type { Refusal } from '../../src/application/contract/refusal.ts';
import type {
  ClientFacts,
  ClientStats,
  PlayRequest,
  PublishRequest,
} from '../../src/application/contract/script.ts';
import type { PlayerPort } from '../../src/application/play/playback.ts';
import type { PublisherPort } from '../../src/application/publish/publication.ts';
import { FakePlayer } from './fake-player.ts';

export const CLIENT_FACTS: Omit<ClientFacts, 'id'> = {
  ip: '192.0.2.1',
  agent: 'FMLE/3.0',
  referrer: '',
  pageUrl: '',
  uri: 'rtmp://host/live',
  protocol: 'rtmp',
  secure: false,
  virtualKey: '',
  user: '',
  objectEncoding: 0,
  readAccess: '/',
  writeAccess: '/',
  audioSampleAccess: '',
  videoSampleAccess: '',
};

export interface Probe {
  readonly waitMs: number;
  readonly answer: (isAlive: boolean) => void;
  isCancelled: boolean;
}

export class FakeClientPort implements ClientPort {
  readonly kind = 'client';
  readonly localIp = '192.0.2.100';
  /** In order: `accepted`, `refused CODE`, `status CODE`, `call NAME`, `close REASON`. */
  readonly told: string[] = [];
  readonly probes: Probe[] = [];
  readonly numbers: ClientStats = {
    ...{ bytes_in: 0, bytes_out: 0, msg_in: 0, msg_out: 0, msg_dropped: 0, ping_rtt: 0 },
  };
  lastSeenMs = 0;
  queuedBytes = 0;

  accepted(): void {
    this.told.push('accepted');
  }
  refused({ code }: ConnectRefusal): void {
    this.told.push(`refused ${code}`);
  }
  call(name: string): void {
    this.told.push(`call ${name}`);
  }
  status(code: string): void {
    this.told.push(`status ${code}`);
  }
  ping(): void {
    this.told.push('ping');
  }
  probe(waitMs: number, answer: (isAlive: boolean) => void): () => void {
    const probe: Probe = { waitMs, answer, isCancelled: false };
    this.probes.push(probe);
    return () => {
      probe.isCancelled = true;
    };
  }
  close(reason: string): void {
    this.told.push(`close ${reason}`);
  }
  stats(): ClientStats {
    return this.numbers;
  }
}

/** An accepted one. */
export function fakeClient(id: string, facts: Partial<ClientFacts> = {}): Client & { port: FakeClientPort } {
  const client = new Client({ ...CLIENT_FACTS, ...facts, id }, new FakeClientPort());
  client.state = ClientState.Accepted;
  return client as Client & { port: FakeClientPort };
}

export class FakePublisherPort implements PublisherPort {
  readonly streamId = 1;
  /** In order: `started NAME`, `flow`, `refused CODE NAME`, `record CODE`, `ended REASON`, `limited NAME MS`. */
  readonly told: string[] = [];

  started(name: string): void {
    this.told.push(`started ${name}`);
  }
  flow(): void {
    this.told.push('flow');
  }
  refused({ code }: Refusal, name: string | undefined): void {
    this.told.push(`refused ${code} ${name}`);
  }
  recordStatus(code: string): void {
    this.told.push(`record ${code}`);
  }
  ended(reason: string): void {
    this.told.push(`ended ${reason}`);
  }
  takeOverLimited(name: string, _holder: Client, safeForMs: number): void {
    this.told.push(`limited ${name} ${safeForMs}`);
  }
}

export function publishRequest(name: string, type: PublishRequest['type'] = 'live'): PublishRequest {
  return { name, query: '', params: {}, type };
}

export function playRequest(name: string, request: Partial<PlayRequest> = {}): PlayRequest {
  return { name, query: '', params: {}, start: -2, length: -1, reset: true, ...request };
}

/** `told` has what a `FakePlayer` is told as well. */
export class FakePlayerPort extends FakePlayer implements PlayerPort {
  /** What an error of ours was. */
  readonly broken: unknown[] = [];
  readonly #drained = new Set<() => void>();

  get bytesSent(): number {
    return this.writes.reduce((sum, { length }) => sum + length, 0);
  }
  started(name: string, isRecorded: boolean): void {
    this.told.push(`started ${name}${isRecorded ? ' recorded' : ''}`);
  }
  refused({ code }: Refusal, name: string | undefined): void {
    this.told.push(`refused ${code} ${name}`);
  }
  stillWaits(name: string | undefined, ms: number): void {
    this.told.push(`still waits ${name} ${ms}`);
  }
  broke(error: unknown): void {
    this.broken.push(error);
  }
  paused(isRecorded: boolean): void {
    this.told.push(`paused${isRecorded ? ' recorded' : ''}`);
  }
  unpaused({ isRecorded }: { isRecorded: boolean }): void {
    this.told.push(`unpaused${isRecorded ? ' recorded' : ''}`);
  }
  sought(ms: number): void {
    this.told.push(`sought ${ms}`);
  }
  seekFailed(ms: number): void {
    this.told.push(`seek failed ${ms}`);
  }
  completed(seconds: number, hasNext: boolean): void {
    this.told.push(`completed ${seconds}${hasNext ? ', more follows' : ''}`);
  }
  stopped(): void {
    this.told.push('stopped');
  }
  transition(isForced: boolean): void {
    this.told.push(isForced ? 'forced transition' : 'transition');
  }
  transitionComplete(): void {
    this.told.push('transition complete');
  }
  bufferFilled(): void {
    this.told.push('buffer filled');
  }
  bufferGoesOn(): void {
    this.told.push('buffer goes on');
  }
  onDrained(call: () => void): () => void {
    this.#drained.add(call);
    return () => this.#drained.delete(call);
  }
  /** Its socket has taken everything. */
  drain(): void {
    this.queuedBytes = 0;
    const waiting = [...this.#drained];
    this.#drained.clear();
    for (const call of waiting) call();
  }
}
