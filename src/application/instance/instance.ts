// One running instance of an application, `live/_definst_`: its clients, its streams, and the script that decides.

import type { Clock } from '../../clock.ts';
import { AccessStatus } from '../../log/access-status.ts';
import type { LimitName } from '../../log/limits.ts';
import type { LineLimit } from '../../log/line-limit.ts';
import type { Log } from '../../log/log.ts';
import type { MediaFault } from '../../media/media-fault.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import type { PublisherSecret } from '../../protocol/rtmp/publisher-auth.ts';
import type { InstanceJournal, Journal } from '../accounts/journal.ts';
import { addTraffic, Tally, type Traffic, trafficOf } from '../accounts/tally.ts';
import { type Client, type ClientPort, ClientState } from '../contract/client.ts';
import { Alone, type Directory } from '../contract/directory.ts';
import type { Outgoing } from '../contract/outgoing.ts';
import type { RecordedStreams } from '../contract/recorded.ts';
import type { Recorders } from '../contract/recording.ts';
import type { BadRequest } from '../contract/refusal.ts';
import type {
  ClientFacts,
  InstanceCommand,
  InstanceScript,
  InstanceSnapshot,
  InstanceStats,
  InvokeResult,
  PlayRequest,
  PublishRequest,
  ScriptCommands,
  ScriptStats,
  Scripts,
} from '../contract/script.ts';
import type { StreamServices } from '../live/stream.ts';
import type { ConnectionShares, Occupancy } from '../pace/occupancy.ts';
import { Turns } from '../pace/turns.ts';
import type { Playback, PlayerPort } from '../play/playback.ts';
import { Playing } from '../play/playing.ts';
import { Playlist } from '../play/playlist.ts';
import { NameClaims } from '../publish/name-claims.ts';
import type { Publication, PublisherPort } from '../publish/publication.ts';
import { Publishing } from '../publish/publishing.ts';
import { RecordControl } from '../publish/record-control.ts';
import { StreamTable } from '../publish/stream-table.ts';
import { Relays } from '../served/relays.ts';
import { ServerStreams } from '../served/server-streams.ts';
import { Arrivals } from './arrivals.ts';
import { type ClientSettings, type InstanceSettings, streamSettings } from './instance-settings.ts';
import { Lifetime } from './lifetime.ts';
import { type CommandHandlers, commandHandlers } from './obey.ts';

export interface InstanceOptions extends InstanceSettings {
  media: StreamServices;
  application: string;
  /** `_definst_`, or the rest of the path that the client connected to. */
  name: string;
  clock: Clock;
  scripts: Scripts;
  recorders: Recorders;
  /** Undefined: nothing is recorded that could be played. */
  recorded?: RecordedStreams | undefined;
  /** Of all work that peers cause. Undefined: of this instance alone. */
  turns?: Turns | undefined;
  /** Undefined: this server is alone. */
  directory?: Directory | undefined;
  /** Undefined: its script connects to nobody. */
  outgoing?: Outgoing | undefined;
  /** Undefined: nobody keeps an access log. */
  journal?: Journal | undefined;
  log?: Log | undefined;
  /** For lines that a publisher can cause again and again. */
  lines?: LineLimit | undefined;
  /** An error of ours. */
  onBug(error: unknown): void;
  /** Of the application. */
  occupancy: Occupancy;
  onClosed(): void;
}

export class AppInstance implements ScriptCommands {
  readonly application: string;
  readonly name: string;
  readonly streams: StreamTable;
  readonly tally = new Tally();
  /** When it was started. */
  readonly sinceMs: number;
  readonly #options: Omit<InstanceOptions, keyof InstanceSettings>;
  #settings: InstanceSettings;
  readonly #clients = new Map<string, Client>();
  readonly #arrivals: Arrivals;
  readonly #names: NameClaims;
  readonly #recordings: RecordControl;
  readonly #publishing: Publishing;
  readonly #playing: Playing;
  readonly #relays: Relays;
  readonly serverStreams: ServerStreams;
  readonly #journal: InstanceJournal | undefined;
  #script: InstanceScript | undefined;
  readonly #lifetime: Lifetime;
  readonly #handlers: CommandHandlers;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.#settings = options;
    this.application = options.application;
    this.name = options.name;
    this.sinceMs = options.clock.now();
    this.streams = new StreamTable({ ...options.media, ...streamSettings(options) }, (stream, fault) =>
      this.#leftOut(stream, fault),
    );
    this.#journal = options.journal?.of(options.application, options.name);
    this.#names = new NameClaims({
      application: options.application,
      instance: options.name,
      directory: options.directory ?? new Alone(),
      onLost: (stream, node) => this.#publishing.lost(stream, node),
    });
    this.#recordings = new RecordControl({
      application: options.application,
      instance: options.name,
      recorders: options.recorders,
      settings: () => this.#settings,
      streams: this.streams,
      script: () => this.#script,
      journal: this.#journal,
    });
    this.#publishing = new Publishing({
      clock: options.clock,
      settings: () => this.#settings,
      streams: this.streams,
      names: this.#names,
      recordings: this.#recordings,
      script: () => this.#script,
      journal: this.#journal,
      onOffAir: (stream) => this.#relays.sourceEnded(stream),
    });
    this.#playing = new Playing({
      application: options.application,
      instance: options.name,
      recorded: options.recorded,
      chunkBytes: options.clients?.wireChunkBytes ?? options.client.outChunkSizeBytes,
      settings: () => this.#settings,
      clock: options.clock,
      turns: options.turns ?? new Turns(options.clock),
      streams: this.streams,
      script: () => this.#script,
      isKey: (name) => this.#publishing.isKey(name),
      journal: this.#journal,
    });
    this.serverStreams = new ServerStreams({
      application: options.application,
      instance: options.name,
      clock: options.clock,
      chunkBytes: options.clients?.wireChunkBytes ?? options.client.outChunkSizeBytes,
      streams: this.streams,
      recorded: options.recorded,
      publishing: this.#publishing,
      names: this.#names,
      script: () => this.#script,
      log: options.log,
      broke: options.onBug,
    });
    this.#relays = new Relays({
      application: options.application,
      clock: options.clock,
      outgoing: options.outgoing,
      chunkBytes: options.clients?.wireChunkBytes ?? options.client.outChunkSizeBytes,
      streams: this.streams,
      tell: (id, info, isOver) => this.#script?.tell({ event: 'outgoing', id, info, isOver }),
      tellForgotten: (connections) => this.#script?.tell({ event: 'forgotten', connections }),
    });
    this.#lifetime = new Lifetime({
      clock: options.clock,
      idleMs: () => this.#settings.maxAppIdleTimeMs,
      hasClients: () => this.#clients.size > 0,
      isAuthenticating: () => this.#arrivals.isAuthenticating,
      script: () => this.#script,
      serverStreams: this.serverStreams,
      filesWhole: () => this.#recordings.filesWhole(),
      dismissAll: (refusal) => this.#arrivals.dismissAll(refusal),
      renewScript: () => {
        this.#script?.close();
        this.#script = this.#openScript();
      },
      onClosed: () => this.#closed(),
    });
    this.#arrivals = new Arrivals({
      application: options.application,
      clock: options.clock,
      clients: this.#clients,
      occupancy: options.occupancy,
      tally: this.tally,
      lifetime: this.#lifetime,
      // The folder may have got its first script since: it decides from now on, and finds who is here in its snapshot.
      requireScript: () => {
        this.#script ??= this.#openScript();
        return this.#script;
      },
      script: () => this.#script,
      endStreams: (client) => {
        this.#publishing.endAll(client);
        this.#playing.stopAll(client);
      },
      journal: this.#journal,
    });
    this.#handlers = commandHandlers({
      clients: this.#clients,
      publishing: this.#publishing,
      recordings: this.#recordings,
      serverStreams: this.serverStreams,
      relays: this.#relays,
      script: () => this.#script,
      stats: () => this.stats(),
      end: (client) => this.#arrivals.end(client),
      broadcast: (name, args) => this.broadcast(name, args),
      shutdown: () => void this.stop(),
    });
    this.#script = this.#openScript();
  }

  #openScript(): InstanceScript | undefined {
    return this.#options.scripts.open(this.application, this.name, this);
  }

  /** `live/_definst_`, as scripts and logs call it. */
  get fullName(): string {
    return `${this.application}/${this.name}`;
  }
  get clientSettings(): ClientSettings | undefined {
    return this.#settings.clients;
  }
  get connectionShares(): ConnectionShares {
    return this.#settings.resourceLimits;
  }
  get clients(): ReadonlyMap<string, Client> {
    return this.#clients;
  }
  get publications(): Iterable<Publication> {
    return this.#publishing.live();
  }
  get playbacks(): Iterable<Playback> {
    return this.#playing.playing();
  }

  /** Its file has been saved. Nobody is disconnected: what a client agreed on when it came is kept. */
  configure(settings: Partial<InstanceSettings>): void {
    const { clients: before } = this.#settings;
    const { clients = before } = settings;
    // What is on air has this shape, and whoever comes shares it.
    const wireChunkBytes = before?.wireChunkBytes ?? this.#settings.client.outChunkSizeBytes;
    this.#settings = {
      ...this.#settings,
      ...settings,
      ...(clients ? { clients: { ...clients, wireChunkBytes } } : {}),
    };
    this.streams.configure({ ...this.#options.media, ...streamSettings(this.#settings) });
    this.#lifetime.rearm();
  }

  /** Resolves when its script has started; at once without one. Rejects with a ScriptError when it cannot be. */
  get ready(): Promise<void> {
    return this.#script?.started ?? Promise.resolve();
  }

  /** Undefined: it has no script. */
  get scriptStats(): ScriptStats | undefined {
    return this.#script?.stats();
  }

  /** Of everybody who has ever been here. */
  traffic(): Traffic {
    const sum = { ...this.tally.gone };
    for (const { port } of this.#clients.values()) addTraffic(sum, trafficOf(port.stats()));
    return sum;
  }

  /** A message of a publisher, or of what the server plays, that nobody could play. */
  #leftOut(stream: string, { kind, text }: MediaFault): void {
    const { log, lines } = this.#options;
    const client = this.streams.get(stream)?.publication?.client;
    const facts = {
      ...{ event: 'media-left-out' as const, instance: this.fullName, stream, kind },
      ...(client && { client: client.id, ip: client.facts.ip }),
    };
    lines?.line(`media left out: ${kind}`, client?.facts.ip ?? facts.instance, (repeats) =>
      log?.warn(repeats > 0 ? { ...facts, repeats } : facts, `${stream}: ${text}; it is left out`),
    );
  }

  // ── clients ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Asks the script for what it knows of somebody who logs in. `answer` is called once; undefined: nothing. */
  authenticate(user: string, answer: (secret: PublisherSecret | undefined) => void): void {
    this.#arrivals.authenticate(user, answer);
  }

  /** Asks the script; `port` is told the outcome, now or later. */
  connect(facts: ClientFacts, args: AmfValue[], port: ClientPort): Client {
    return this.#arrivals.connect(facts, args, port);
  }

  /** The connection has ended, whoever ended it. May be called twice. */
  disconnected(client: Client, reason: string, status: AccessStatus): void {
    this.#arrivals.disconnected(client, reason, status);
  }

  /** The answer to a ping; `rttMs` is in the client's stats by now. */
  pong(client: Client): void {
    if (client.state === ClientState.Accepted)
      this.#script?.tell({ event: 'clientStats', client: client.id, stats: client.port.stats() });
  }

  /** A remote method or FMLE command; without a script every name is unknown, and so is one that may not be called. */
  invoke(
    client: Client,
    name: string,
    args: AmfValue[],
    wantsResult: boolean,
    answer: (r: InvokeResult) => void,
  ): void {
    const { methods } = this.#settings.clients ?? {};
    const isAllowed = !methods || methods.some((beginning) => name.startsWith(beginning));
    if (this.#script && isAllowed) this.#script.invoke(client.id, name, args, wantsResult, answer);
    else answer({ found: false });
  }

  /** As InstanceScript says it; without a script nothing waits. */
  busyWith(client: Client): LimitName | undefined {
    return this.#script?.busyWith(client.id);
  }

  whenIdle(client: Client, call: () => void): () => void {
    if (this.#script) return this.#script.whenIdle(client.id, call);
    queueMicrotask(call);
    return () => {};
  }

  get journal(): InstanceJournal | undefined {
    return this.#journal;
  }

  callResult(responder: number, ok: boolean, value: AmfValue): void {
    this.#script?.callResult(responder, ok, value);
  }

  /** By an administrator. False: there is no such client. */
  disconnect(clientId: string): boolean {
    const client = this.#clients.get(clientId);
    client?.port.close('disconnected by an administrator', AccessStatus.ByAdmin);
    return client !== undefined;
  }

  /** Started before anybody came: it waits for clients as long as one that has lost them. */
  awaitClients(): void {
    this.#lifetime.awaitFirst();
  }

  // ── streams ────────────────────────────────────────────────────────────────────────────────────────────────────

  publish(client: Client, request: PublishRequest, port: PublisherPort): Publication {
    return this.#publishing.publish(client, request, port);
  }

  /** A publish that cannot be meant. */
  refusePublish(client: Client, request: BadRequest, port: PublisherPort): void {
    this.#publishing.refuse(client, request, port);
  }

  unpublish(publication: Publication, status: AccessStatus): void {
    this.#publishing.end(publication, status);
  }

  /** What one message stream of a client plays. */
  playlist(client: Client, portFor: (request: PlayRequest) => PlayerPort): Playlist {
    return new Playlist({ playing: this.#playing, client, portFor });
  }

  recordedLengthMs(client: Client, name: string): Promise<number> {
    return this.#playing.recordedLengthMs(client, name);
  }

  // ── what the script may do (ScriptCommands) ────────────────────────────────────────────────────────────────────

  /** Unknown clients and streams are ignored: they may just have left. */
  obey<Op extends InstanceCommand['op']>(command: InstanceCommand & { op: Op }): void {
    const handle: (command: InstanceCommand & { op: Op }) => void = this.#handlers[command.op];
    handle(command);
  }

  broadcast(name: string, args: AmfValue[]): void {
    for (const client of this.#clients.values()) {
      if (client.state === ClientState.Accepted) client.port.call(name, args, undefined);
    }
  }

  get outgoing(): Pick<Relays, 'counts' | 'forgotten' | 'restreams' | 'traffic'> {
    return this.#relays;
  }

  stats(): InstanceStats {
    const { bytesIn, bytesOut, messagesIn, messagesOut, messagesDropped } = this.traffic();
    return {
      bytes_in: bytesIn,
      bytes_out: bytesOut,
      msg_in: messagesIn,
      msg_out: messagesOut,
      msg_dropped: messagesDropped,
      total_connects: this.tally.connects,
      total_disconnects: this.tally.disconnects,
    };
  }

  hasClient(clientId: string): boolean {
    return this.#accepted(clientId) !== undefined;
  }

  snapshot(): InstanceSnapshot {
    const clients = [...this.#clients.values()]
      .filter((client) => client.state === ClientState.Accepted)
      .map((client) => ({ facts: client.facts, stats: client.port.stats() }));
    const streams = [...this.streams.values()].map(({ stream, publication, server }) => ({
      name: stream.name,
      query: publication?.request.query ?? '',
      publisher: publication?.client.id,
      source: server?.item?.name,
      players: this.#playing.clientsOf(stream),
    }));
    return { clients, streams };
  }

  #accepted(clientId: string): Client | undefined {
    const client = this.#clients.get(clientId);
    return client?.state === ClientState.Accepted ? client : undefined;
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Resolves when it has ended; undefined: it is not ending. */
  get leaving(): Promise<void> | undefined {
    return this.#lifetime.leaving;
  }

  /** Since when nobody uses it: no client, nothing that the server has on the air or sends elsewhere. Undefined: it is used, or ends. */
  get idleSinceMs(): number | undefined {
    const { connections, streams } = this.#relays.counts;
    const isAtWork = !this.serverStreams.isEmpty || connections > 0 || streams > 0;
    return isAtWork ? undefined : this.#lifetime.idleSinceMs;
  }

  /** Now, instead of when it has been idle for its time. True: it is gone. */
  unloadIfIdle(): Promise<boolean> {
    return this.#lifetime.unloadIfIdle();
  }

  /** Everybody is disconnected. Resolves when its script has said goodbye. */
  stop(): Promise<void> {
    return this.#lifetime.stop();
  }

  #closed(): void {
    this.#script?.close();
    this.#script = undefined;
    this.serverStreams.close();
    this.#relays.closeAll();
    this.#names.close();
    this.#journal?.stopped();
    this.#options.onClosed();
  }
}
