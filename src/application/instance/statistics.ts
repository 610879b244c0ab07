// The numbers of the server, its applications, instances, streams and clients, as plain values. Whoever counts does so per
// flush or per socket read and knows nothing of this; here it is summed when somebody asks, and looked at now and then for
// what it comes to in a second.

import type { Clock } from '../../clock.ts';
import { canonicalStreamName } from '../../protocol/rtmp/stream-prefix.ts';
import { addTraffic, noTraffic, Tally, type Traffic, trafficOf } from '../accounts/tally.ts';
import type { Client } from '../contract/client.ts';
import { ClientState } from '../contract/client.ts';
import type { ForgottenConnections, OutgoingTraffic } from '../contract/outgoing.ts';
import type { ScriptStats } from '../contract/script.ts';
import type { LoadGovernor, LoadState } from '../live/flush.ts';
import type { StreamStats } from '../live/stream.ts';
import type { AudioTrackInfo, StreamRates, VideoTrackInfo } from '../live/stream-info.ts';
import type { Playback } from '../play/playback.ts';
import type { Publication } from '../publish/publication.ts';
import type { NamedStream, ServerHold } from '../publish/stream-table.ts';
import type { RestreamNumbers } from '../served/restreams.ts';
import type { AppInstance } from './instance.ts';
import type { Registry } from './registry.ts';

/** Rates are what they were over the last such time. */
export const RATE_MS = 5_000;

/** Since the start, those who have gone included. */
export interface Totals extends Traffic {
  bytesInPerSecond: number;
  bytesOutPerSecond: number;
  /** Whoever has asked to come in. */
  connects: number;
  accepted: number;
  rejected: number;
  disconnects: number;
  /** Who is here now, decided or not. */
  connected: number;
}

export interface ServerNumbers extends Totals {
  upMs: number;
  instances: number;
  /** On air. */
  streams: number;
  players: number;
  outgoing: OutgoingNumbers;
  load: LoadState;
}

export interface ApplicationNumbers extends Totals {
  name: string;
  /** Since its first running instance was started; undefined: none runs. */
  upMs: number | undefined;
  instancesLoaded: number;
  instancesUnloaded: number;
}

export interface InstanceNumbers extends Totals {
  application: string;
  /** `live/_definst_` */
  name: string;
  upMs: number;
  /** On air. */
  streams: number;
  /** Names that players wait for. They are not listed: one may be a key that somebody tries. */
  waitingNames: number;
  players: number;
  outgoing: OutgoingNumbers;
  restreams: readonly RestreamNumbers[];
  /** Of these the ones that no version of the script has taken over. */
  forgottenConnections: readonly ForgottenConnections[];
  /** Undefined: it has none. */
  script: ScriptStats | undefined;
}

/** Of scripts, to other servers. Instances that have gone are not in it. */
export interface OutgoingNumbers extends OutgoingTraffic {
  connections: number;
  /** Published there. */
  streams: number;
  bytesInPerSecond: number;
  bytesOutPerSecond: number;
}

export interface StreamNumbers extends StreamStats {
  name: string;
  /** Without a client when it is the server itself. */
  publisher: NetStreamNumbers;
  publisherAgent: string;
  /** Its address; empty when it is the server itself. */
  publisherIp: string;
  /** What the server plays at the moment, where it is the publisher. */
  item: string | undefined;
  /** Its tracks, as far as its configurations and onMetaData say. */
  video: VideoTrackInfo[];
  audio: AudioTrackInfo[];
  rates: StreamRates;
  subscribers: NetStreamNumbers[];
  isRecorded: boolean;
  bytesInPerSecond: number;
  /** What the slowest of its players has not been sent yet. */
  queuedBytes: number;
}

export interface ClientNumbers extends Traffic {
  id: string;
  ip: string;
  agent: string;
  protocol: string;
  isSecure: boolean;
  /** With its query: mask it before it is shown. */
  uri: string;
  isAccepted: boolean;
  upMs: number;
  pingMs: number;
  queuedBytes: number;
  netStreams: NetStreamNumbers[];
}

export interface NetStreamNumbers {
  /** No other of the process ever has it. */
  id: number;
  type: 'publishing' | 'playing live' | 'playing recorded';
  /** Undefined: a name that is not on air. */
  stream: string | undefined;
  clientId: string;
  upMs: number;
}

const NO_RATES = { bytesInPerSecond: 0, bytesOutPerSecond: 0 };

interface Bytes {
  bytesIn: number;
  bytesOut: number;
}
interface BytesPerSecond {
  bytesInPerSecond: number;
  bytesOutPerSecond: number;
}
/** What there was at the last look, and what it had come to. */
interface Sample {
  clients: Bytes & BytesPerSecond;
  outgoing: Bytes & BytesPerSecond;
}

export interface StatisticsOptions {
  /** One for each virtual host. */
  registries: readonly Registry[];
  governor: LoadGovernor;
  clock: Clock;
}

export class Statistics {
  readonly #options: StatisticsOptions;
  readonly #sinceMs: number;
  readonly #samples = new WeakMap<AppInstance, Sample>();
  #sampledMs: number;
  #cancelSampling = () => {};
  readonly #netStreamIds = new WeakMap<Publication | Playback | ServerHold, number>();
  #lastNetStreamId = 0;

  constructor(options: StatisticsOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.now();
    this.#sampledMs = this.#sinceMs;
    this.#sampleLater();
  }

  close(): void {
    this.#cancelSampling();
  }

  #sampleLater(): void {
    const { clock } = this.#options;
    this.#cancelSampling = clock.after(RATE_MS, () => {
      const now = clock.now();
      const seconds = (now - this.#sampledMs) / 1000;
      this.#sampledMs = now;
      for (const instance of this.#instances()) {
        const before = this.#samples.get(instance);
        this.#samples.set(instance, {
          clients: sampleOf(instance.traffic(), before?.clients, seconds),
          outgoing: sampleOf(instance.outgoing.traffic, before?.outgoing, seconds),
        });
      }
      this.#sampleLater();
    });
  }

  server(): ServerNumbers {
    const { registries, governor } = this.#options;
    const instances = this.#instances();
    const gone = new Tally();
    for (const { histories, unplacedConnects } of registries) {
      for (const { tally } of histories.values()) gone.add(tally);
      gone.connects += unplacedConnects;
      gone.rejected += unplacedConnects;
      gone.disconnects += unplacedConnects;
    }
    const counts = instances.map((instance) => countStreams(instance));
    return {
      ...this.#totals(gone, instances),
      upMs: this.#msSince(this.#sinceMs),
      instances: instances.length,
      streams: sum(counts.map(({ streams }) => streams)),
      players: sum(counts.map(({ players }) => players)),
      outgoing: this.#outgoing(instances),
      load: governor.state,
    };
  }

  /** Of one that is there, whether or not it has ever had an instance. */
  application(name: string): ApplicationNumbers {
    const histories = this.#options.registries.flatMap((registry) => registry.histories.get(name) ?? []);
    const instances = this.#instances().filter(({ application }) => application === name);
    const gone = new Tally();
    for (const { tally } of histories) gone.add(tally);
    const since = histories.flatMap(({ sinceMs }) => sinceMs ?? []);
    return {
      ...this.#totals(gone, instances),
      name,
      upMs: since.length === 0 ? undefined : this.#msSince(Math.min(...since)),
      instancesLoaded: sum(histories.map(({ instancesLoaded }) => instancesLoaded)),
      instancesUnloaded: sum(histories.map(({ instancesUnloaded }) => instancesUnloaded)),
    };
  }

  instance(instance: AppInstance): InstanceNumbers {
    const { application, fullName, sinceMs, scriptStats } = instance;
    return {
      ...this.#totals(new Tally(), [instance]),
      ...countStreams(instance),
      outgoing: this.#outgoing([instance]),
      restreams: instance.outgoing.restreams,
      forgottenConnections: instance.outgoing.forgotten,
      application,
      name: fullName,
      upMs: this.#msSince(sinceMs),
      script: scriptStats,
    };
  }

  #outgoing(instances: readonly AppInstance[]): OutgoingNumbers {
    const all = { connections: 0, streams: 0, bytesIn: 0, bytesOut: 0, ...NO_RATES };
    for (const instance of instances) {
      const { counts, traffic } = instance.outgoing;
      const rates = this.#samples.get(instance)?.outgoing ?? NO_RATES;
      all.connections += counts.connections;
      all.streams += counts.streams;
      all.bytesIn += traffic.bytesIn;
      all.bytesOut += traffic.bytesOut;
      all.bytesInPerSecond += rates.bytesInPerSecond;
      all.bytesOutPerSecond += rates.bytesOutPerSecond;
    }
    return all;
  }

  #instances(): AppInstance[] {
    return this.#options.registries.flatMap((registry) => [...registry.instances]);
  }

  #msSince(ms: number): number {
    return Math.round(this.#options.clock.now() - ms);
  }

  #totals(gone: Tally, instances: readonly AppInstance[]): Totals {
    const tally = new Tally();
    tally.add(gone);
    const traffic = noTraffic();
    addTraffic(traffic, gone.gone);
    let bytesInPerSecond = 0;
    let bytesOutPerSecond = 0;
    let connected = 0;
    for (const instance of instances) {
      tally.add(instance.tally);
      addTraffic(traffic, instance.traffic());
      bytesInPerSecond += this.#samples.get(instance)?.clients.bytesInPerSecond ?? 0;
      bytesOutPerSecond += this.#samples.get(instance)?.clients.bytesOutPerSecond ?? 0;
      connected += instance.clients.size;
    }
    const { connects, accepted, rejected, disconnects } = tally;
    const rates = { bytesInPerSecond, bytesOutPerSecond };
    return { ...traffic, ...rates, connects, accepted, rejected, disconnects, connected };
  }

  /** One that is on air, by any spelling of its name. */
  stream(instance: AppInstance, name: string): StreamNumbers | undefined {
    const wanted = canonicalStreamName(name);
    return this.streams(instance).find((one) => one.name === wanted);
  }

  /** Those on air. */
  streams(instance: AppInstance): StreamNumbers[] {
    const nowMs = this.#options.clock.now();
    const subscribers = Map.groupBy(instance.playbacks, ({ stream }) => stream?.name);
    return [...instance.streams.values()].flatMap((entry) => {
      const { stream, publication } = entry;
      if (!entry.isOnAir) return [];
      const players = subscribers.get(stream.name) ?? [];
      const rates = stream.info.rates(nowMs);
      return [
        {
          ...stream.stats,
          name: stream.name,
          publisher: this.#publisher(entry),
          publisherAgent: publication?.client.facts.agent ?? '',
          subscribers: players.map((playback) => this.#playing(instance, playback)),
          isRecorded: entry.recording !== undefined,
          publisherIp: publication?.client.facts.ip ?? '',
          item: entry.server?.item?.name,
          video: stream.info.video(nowMs),
          audio: stream.info.audio(),
          rates,
          bytesInPerSecond: Math.round(rates.in.oneSecond),
          queuedBytes: mostQueued(entry),
        },
      ];
    });
  }

  clients(instance: AppInstance): ClientNumbers[] {
    const netStreams = Map.groupBy(this.netStreams(instance), ({ clientId }) => clientId);
    return [...instance.clients.values()].map((client) => this.#client(client, netStreams.get(client.id)));
  }

  #client({ facts, port, state, sinceMs }: Client, netStreams: NetStreamNumbers[] = []): ClientNumbers {
    const stats = port.stats();
    const { id, ip, agent, protocol, uri } = facts;
    return {
      ...trafficOf(stats),
      ...{ id, ip, agent, protocol, uri, netStreams },
      isSecure: facts.secure,
      isAccepted: state === ClientState.Accepted,
      upMs: this.#msSince(sinceMs),
      pingMs: stats.ping_rtt,
      queuedBytes: port.queuedBytes,
    };
  }

  netStreams(instance: AppInstance): NetStreamNumbers[] {
    return [
      ...[...instance.publications].map((publication) => this.#publishing(publication)),
      ...[...instance.playbacks].map((playback) => this.#playing(instance, playback)),
    ];
  }

  #publisher({ stream, publication, server }: NamedStream): NetStreamNumbers {
    if (publication) return this.#publishing(publication);
    const { sinceMs } = server!;
    const ids = { id: this.#idOf(server!), clientId: '' };
    return { ...ids, upMs: this.#msSince(sinceMs), type: 'publishing', stream: stream.name };
  }

  #publishing(publication: Publication): NetStreamNumbers {
    const stream = publication.stream?.name;
    return { ...this.#netStream(publication), type: 'publishing', stream };
  }

  #playing(instance: AppInstance, playback: Playback): NetStreamNumbers {
    if (playback.file) {
      return { ...this.#netStream(playback), type: 'playing recorded', stream: playback.name };
    }
    const name = playback.stream?.name;
    const entry = name === undefined ? undefined : instance.streams.get(name);
    const stream = entry?.isOnAir ? name : undefined;
    return { ...this.#netStream(playback), type: 'playing live', stream };
  }

  #netStream(one: Publication | Playback): Pick<NetStreamNumbers, 'id' | 'clientId' | 'upMs'> {
    return { id: this.#idOf(one), clientId: one.client.id, upMs: this.#msSince(one.sinceMs) };
  }

  #idOf(one: Publication | Playback | ServerHold): number {
    let id = this.#netStreamIds.get(one);
    if (id === undefined) {
      this.#lastNetStreamId += 1;
      id = this.#lastNetStreamId;
      this.#netStreamIds.set(one, id);
    }
    return id;
  }
}

function countStreams({
  streams,
  playbacks,
  outgoing,
}: AppInstance): Pick<InstanceNumbers, 'streams' | 'players' | 'waitingNames'> {
  const counts = { streams: 0, players: -outgoing.counts.streams, waitingNames: 0 }; // other servers are viewers too
  for (const entry of streams.values()) {
    if (entry.isOnAir) counts.streams += 1;
    else counts.waitingNames += 1;
    counts.players += entry.stream.viewers.size;
  }
  for (const { file } of playbacks) if (file) counts.players += 1;
  return counts;
}

function sampleOf(
  { bytesIn, bytesOut }: Bytes,
  before: Bytes | undefined,
  seconds: number,
): Bytes & BytesPerSecond {
  return {
    ...{ bytesIn, bytesOut },
    bytesInPerSecond: Math.round((bytesIn - (before?.bytesIn ?? 0)) / seconds),
    bytesOutPerSecond: Math.round((bytesOut - (before?.bytesOut ?? 0)) / seconds),
  };
}

function mostQueued({ stream }: NamedStream): number {
  let most = 0;
  for (const { player } of stream.viewers) most = Math.max(most, player.queuedBytes);
  return most;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
