// What a script sends to other servers: its connections, and the streams of this instance that it publishes there. A remote
// server is one more player of a stream: whatever holds it back costs it frames, and nobody else notices.
//
// All of it outlives the version of the script that began it: the next version that makes the same connection, and publishes
// the same there, takes over what is on air, and nobody at the other end sees that a script was saved. What no version takes
// over goes on as well: a save ends nothing. Such a connection ends with the last stream that it carries, at the latest with
// the instance.
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../clock.ts';
import { StatusError } from '../../errors.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import { STATUS_LEVELS, type StatusCode } from '../../protocol/rtmp/status.ts';
import type {
  ForgottenConnections,
  Outgoing,
  OutgoingConnection,
  OutgoingStatus,
  OutgoingTraffic,
  PullRequest,
} from '../contract/outgoing.ts';
import type { SourceItem } from '../contract/source.ts';
import type { Player, Viewer } from '../live/viewer.ts';
import type { StreamTable } from '../publish/stream-table.ts';
import { RemoteSource } from './remote-source.ts';
import { RestreamFailures, type RestreamNumbers, type RestreamState } from './restreams.ts';

export interface RelaysOptions {
  application: string;
  clock: Clock;
  outgoing: Outgoing | undefined;
  chunkBytes: number;
  streams: StreamTable;
  /** `isOver`: nothing more comes of it. */
  tell(key: number, info: OutgoingStatus, isOver: boolean): void;
  /** No version of the script has taken these over. They go on. */
  tellForgotten(forgotten: readonly ForgottenConnections[]): void;
}

/** After so long a connection that no version of the script has taken over is forgotten, which is told. */
export const ADOPTION_MS = 10_000;

const MAX_STREAMS_PER_CONNECTION = 16;

/** What a script may try: a loop of it must not become a flood of connections somewhere else, nor of lines in our log. */
const MAX_ATTEMPTS = 100;
const ATTEMPTS_PER_SECOND = 10;

interface Link {
  key: number;
  /** Its version is gone. */
  isOrphan: boolean;
  /** And no other has taken it over. */
  isForgotten: boolean;
  /** Streams of the other server have been asked for by it. */
  hasPulled: boolean;
  readonly uri: string;
  readonly args: AmfValue[];
  readonly outlets: Set<Outlet>;
  /** Undefined: it is being made. */
  connection: OutgoingConnection | undefined;
}

interface Outlet {
  key: number;
  isOrphan: boolean;
  readonly link: Link;
  readonly name: string;
  readonly type: string;
  /** Of this instance. */
  source: string | undefined;
  /** The other end, once it takes the stream. */
  player: Player | undefined;
  close: () => void;
  /** What runs from the source to the player. */
  feed: { stream: string; viewer: Viewer } | undefined;
  /** Of what was sent last of a source before; 0: nothing was. */
  sentMs: number;
}

/** Connections of a script to other servers, each known by a key that no other thing of the instance has had. */
export class Relays {
  readonly #options: RelaysOptions;
  readonly #links = new Map<number, Link>();
  readonly #outlets = new Map<number, Outlet>();
  readonly #timers = new Set<() => void>();
  /** Of attempts to connect, and when that was. */
  #attemptsLeft = MAX_ATTEMPTS;
  #attemptedMs = 0;
  readonly #failures: RestreamFailures;
  /** Of connections that are no more. */
  readonly #gone = { bytesIn: 0, bytesOut: 0 };

  constructor(options: RelaysOptions) {
    this.#options = options;
    this.#failures = new RestreamFailures(options.clock);
  }

  /** Connections, and streams of this instance that go out by them now. */
  get counts(): { connections: number; streams: number } {
    let streams = 0;
    for (const { feed } of this.#outlets.values()) if (feed) streams += 1;
    return { connections: this.#links.size, streams };
  }

  /** What goes out, and what failed last of what does not. */
  get restreams(): RestreamNumbers[] {
    const { streams } = this.#options;
    const outlets = [...this.#outlets.values()].map(({ link, source: stream, player, feed }) => {
      const isSending = feed !== undefined && streams.isOnAir(feed.stream);
      const state = stateOf({
        isOpen: link.connection?.isOpen === true,
        isTaken: player !== undefined,
        isSending,
      });
      return { stream, address: addressOf(link.uri), state, isForgotten: link.isForgotten };
    });
    return [...outlets, ...this.#failures.list()];
  }

  /** Of all connections that there are and have been. */
  get traffic(): OutgoingTraffic {
    const sum = { ...this.#gone };
    for (const { connection } of this.#links.values()) if (connection) addTraffic(sum, connection.traffic);
    return sum;
  }

  get forgotten(): ForgottenConnections[] {
    return byAddress([...this.#links.values()].filter(({ isForgotten }) => isForgotten));
  }

  // ── connections ────────────────────────────────────────────────────────────────────────────────────────────────

  connect(key: number, uri: string, args: AmfValue[]): void {
    const before = this.#links.get(key);
    if (before) this.#drop(before);
    const adopted = [...this.#links.values()].find(
      (link) => link.isOrphan && link.uri === uri && link.connection && isDeepStrictEqual(link.args, args),
    );
    if (adopted) this.#adopt(adopted, key);
    else this.#dial(key, uri, args);
  }

  #adopt(link: Link, key: number): void {
    this.#links.delete(link.key);
    link.key = key;
    link.isOrphan = false;
    link.isForgotten = false;
    this.#links.set(key, link);
    if (link.connection?.isOpen) this.#tell(key, 'NetConnection.Connect.Success', 'Connection succeeded.');
  }

  #dial(key: number, uri: string, args: AmfValue[]): void {
    const { outgoing, application, chunkBytes, tell } = this.#options;
    const most = outgoing?.maxConnections(application) ?? 0;
    if (this.#links.size >= most) this.#dropUseless();
    if (!outgoing || this.#links.size >= most) {
      this.#tell(
        key,
        'NetConnection.Connect.Failed',
        `There are ${most} connections to other servers already.`,
      );
      return;
    }
    if (!this.#mayTry()) {
      const why = `More than ${ATTEMPTS_PER_SECOND} attempts a second to connect to other servers.`;
      this.#tell(key, 'NetConnection.Connect.Failed', why);
      return;
    }
    const link: Link = {
      ...{ key, isOrphan: false, isForgotten: false, hasPulled: false },
      ...{ uri, args, outlets: new Set(), connection: undefined },
    };
    this.#links.set(key, link);
    link.connection = outgoing.connect({ application, uri, args }, chunkBytes, {
      status: (info) => {
        if (info.code === 'NetConnection.Connect.Success') this.#failures.clear(addressOf(uri), undefined);
        tell(link.key, info, false);
      },
      ended: (info) => {
        if (this.#links.get(link.key) !== link) return; // it was closed in the same moment
        this.#noteEnd(link, info);
        this.#forget(link);
        tell(link.key, info, true);
      },
    });
  }

  /** The other server ended it, or never took it. */
  #noteEnd({ uri, outlets }: Link, info: OutgoingStatus): void {
    const reason = reasonOf(
      info,
      [...outlets].map(({ name }) => name),
    );
    const streams = outlets.size > 0 ? [...outlets].map(({ source }) => source) : [undefined];
    for (const stream of streams) this.#failures.add(addressOf(uri), stream, reason);
  }

  /** One that was forgotten and carries nothing makes room. */
  #dropUseless(): void {
    const useless = [...this.#links.values()].find((link) => link.isForgotten && isSpent(link));
    if (useless) this.#drop(useless);
  }

  #mayTry(): boolean {
    const now = this.#options.clock.now();
    const earned = ((now - this.#attemptedMs) * ATTEMPTS_PER_SECOND) / 1000;
    this.#attemptsLeft = Math.min(MAX_ATTEMPTS, this.#attemptsLeft + earned);
    this.#attemptedMs = now;
    if (this.#attemptsLeft < 1) return false;
    this.#attemptsLeft -= 1;
    return true;
  }

  /** By the script; it is told that it was. */
  close(key: number): void {
    const link = this.#links.get(key);
    if (!link) return;
    const wasOpen = link.connection?.isOpen;
    this.#drop(link);
    if (wasOpen) this.#tell(key, 'NetConnection.Connect.Closed', 'Connection closed.');
  }

  #drop(link: Link): void {
    for (const outlet of link.outlets) outlet.close();
    this.#forget(link);
    link.connection?.close();
  }

  #forget(link: Link): void {
    if (this.#links.delete(link.key) && link.connection) addTraffic(this.#gone, link.connection.traffic);
    for (const outlet of [...link.outlets]) this.#remove(outlet);
  }

  // ── streams ────────────────────────────────────────────────────────────────────────────────────────────────────

  publish(
    key: number,
    request: { connection: number; name: string; type: string; source: string | undefined },
  ): void {
    const { name, type, source } = request;
    this.unpublish(key);
    const link = this.#links.get(request.connection);
    const adopted = [...(link?.outlets ?? [])].find(
      (outlet) => outlet.isOrphan && outlet.name === name && outlet.type === type,
    );
    if (adopted) {
      this.#outlets.delete(adopted.key);
      Object.assign(adopted, { key, isOrphan: false });
      this.#outlets.set(key, adopted);
      this.#feed(adopted, source);
      if (adopted.player)
        this.#tellOfStream(key, 'NetStream.Publish.Start', `${name} is now published.`, name);
    } else if (!link?.connection) {
      this.#tellOfStream(key, 'NetStream.Failed', 'The connection is not there.', name);
    } else if (link.outlets.size >= MAX_STREAMS_PER_CONNECTION) {
      const why = `A connection has ${MAX_STREAMS_PER_CONNECTION} streams at most.`;
      this.#tellOfStream(key, 'NetStream.Failed', why, name);
    } else {
      this.#makeWay(link, name);
      this.#open(key, link, link.connection, request);
    }
  }

  /** What an earlier version publishes there under that name, by another connection, would keep this one out. */
  #makeWay({ uri }: Link, name: string): void {
    for (const outlet of [...this.#outlets.values()]) {
      const isSame = outlet.name === name && addressOf(outlet.link.uri) === addressOf(uri);
      if (outlet.isOrphan && isSame) this.#end(outlet);
    }
  }

  /** Of an earlier version, and its connection with it if that has nothing else to do. */
  #end(outlet: Outlet): void {
    const { link } = outlet;
    this.#remove(outlet);
    outlet.close();
    if (link.isOrphan && isSpent(link)) this.#drop(link);
  }

  /** A stream of this instance is off the air. Nobody else would end what an earlier version has made of it. */
  sourceEnded(stream: string): void {
    for (const outlet of [...this.#outlets.values()])
      if (outlet.isOrphan && outlet.source === stream) this.#end(outlet);
  }

  #open(
    key: number,
    link: Link,
    connection: OutgoingConnection,
    { name, type, source }: { name: string; type: string; source: string | undefined },
  ): void {
    const outlet: Outlet = {
      ...{ key, isOrphan: false, link, name, type, source },
      ...{ player: undefined, close: () => {}, feed: undefined, sentMs: 0 },
    };
    link.outlets.add(outlet);
    this.#outlets.set(key, outlet);
    outlet.close = connection.publish(
      { name, type },
      {
        status: (info) => {
          if (info.level === 'error')
            this.#failures.add(addressOf(link.uri), outlet.source, reasonOf(info, [name]));
          this.#options.tell(outlet.key, info, false);
        },
        started: (player) => {
          outlet.player = player;
          this.#failures.clear(addressOf(link.uri), outlet.source);
          this.#feed(outlet, outlet.source);
        },
      },
    );
  }

  attach(key: number, source: string | undefined): void {
    const outlet = this.#outlets.get(key);
    if (outlet) this.#feed(outlet, source);
  }

  #feed(outlet: Outlet, source: string | undefined): void {
    outlet.source = source;
    const { player } = outlet;
    if (!player || outlet.feed?.stream === source) return;
    this.#starve(outlet);
    if (source === undefined) return;
    const { stream } = this.#options.streams.open(source);
    const viewer = stream.addPlayer(player, {
      relays: true,
      begins: (timestampMs) => {
        const sentMs = outlet.feed?.viewer.sentMs || outlet.sentMs;
        return (sentMs ? sentMs + 1 : 0) - timestampMs;
      },
    });
    outlet.feed = { stream: source, viewer };
  }

  #starve(outlet: Outlet): void {
    const { feed } = outlet;
    if (!feed) return;
    const { streams } = this.#options;
    outlet.feed = undefined;
    outlet.sentMs = feed.viewer.sentMs;
    streams.get(feed.stream)?.stream.removePlayer(feed.viewer);
    streams.release(feed.stream);
  }

  unpublish(key: number): void {
    const outlet = this.#outlets.get(key);
    if (!outlet) return;
    this.#remove(outlet);
    outlet.close();
    const { name } = outlet;
    this.#tellOfStream(key, 'NetStream.Unpublish.Success', `${name} is now unpublished.`, name);
  }

  #remove(outlet: Outlet): void {
    this.#starve(outlet);
    this.#outlets.delete(outlet.key);
    outlet.link.outlets.delete(outlet);
  }

  // ── streams of other servers ───────────────────────────────────────────────────────────────────────────────────

  item(connection: number, { name, start, length }: PullRequest & { length: number }): SourceItem {
    return {
      name,
      lengthMs: length < 0 ? undefined : length * 1000,
      liveName: undefined,
      open: () => this.#openSource(connection, { name, start }),
    };
  }

  async #openSource(connection: number, request: PullRequest): Promise<RemoteSource | undefined> {
    const link = this.#links.get(connection);
    if (link) link.hasPulled = true;
    if (link?.connection) return RemoteSource.open(link.connection, request);
    throw new StatusError('NetStream.Play.Failed', 'The connection is not there.');
  }

  // ── versions of the script ─────────────────────────────────────────────────────────────────────────────────────

  disown(from: number, to: number): void {
    const isOfIt = ({ key }: { key: number }) => key >= from && key < to;
    const links = [...this.#links.values()].filter(isOfIt);
    const outlets = [...this.#outlets.values()].filter(isOfIt);
    if (links.length === 0 && outlets.length === 0) return;
    for (const one of [...links, ...outlets]) one.isOrphan = true;
    const cancel = this.#options.clock.after(ADOPTION_MS, () => {
      this.#timers.delete(cancel);
      // Who has taken over a connection, and not what went out by it, does not want that any more.
      for (const outlet of outlets)
        if (this.#outlets.has(outlet.key) && outlet.isOrphan && !outlet.link.isOrphan) this.#end(outlet);
      const left = links.filter((link) => link.isOrphan && this.#links.get(link.key) === link);
      for (const link of left) link.isForgotten = true;
      if (left.length > 0) this.#options.tellForgotten(byAddress(left));
    });
    this.#timers.add(cancel);
  }

  /** What goes out by a connection that has been taken over may yet be taken over as well. */
  closeForgotten(): void {
    for (const link of [...this.#links.values()]) if (link.isOrphan) this.#drop(link);
  }

  /** The instance ends. */
  closeAll(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    for (const link of [...this.#links.values()]) this.#drop(link);
  }

  /** Of a connection. */
  #tell(key: number, code: StatusCode, description: string): void {
    const isOver = code !== 'NetConnection.Connect.Success';
    this.#options.tell(key, { code, level: STATUS_LEVELS[code], description }, isOver);
  }

  #tellOfStream(key: number, code: StatusCode, description: string, details: string): void {
    const isOver = code !== 'NetStream.Publish.Start';
    this.#options.tell(key, { code, level: STATUS_LEVELS[code], description, details }, isOver);
  }
}

function stateOf(one: { isOpen: boolean; isTaken: boolean; isSending: boolean }): RestreamState {
  if (one.isSending) return 'sending';
  if (one.isTaken) return 'ready';
  return one.isOpen ? 'asking' : 'connecting';
}

/** `secrets`: what the streams are called there; other servers say keys in their refusals. */
function reasonOf({ code, description = code }: OutgoingStatus, secrets: readonly string[]): string {
  return secrets
    .filter((name) => name !== '')
    .reduce((text, name) => text.replaceAll(name, '***'), description);
}

function addTraffic(
  sum: { bytesIn: number; bytesOut: number },
  { bytesIn, bytesOut }: OutgoingTraffic,
): void {
  sum.bytesIn += bytesIn;
  sum.bytesOut += bytesOut;
}

/** It carries nothing. */
function isSpent({ outlets, hasPulled }: Link): boolean {
  return outlets.size === 0 && !hasPulled;
}

function byAddress(links: readonly Link[]): ForgottenConnections[] {
  return [...Map.groupBy(links, ({ uri }) => addressOf(uri))].map(([address, those]) => ({
    address,
    connections: those.length,
    streams: [...new Set(those.flatMap(({ outlets }) => [...outlets].flatMap(({ source }) => source ?? [])))],
  }));
}

/** Without what may be secret: login and query. */
function addressOf(uri: string): string {
  const [path = ''] = uri.split('?', 1);
  return path.replace(/^([a-z]+:\/\/)[^/@]*@/i, '$1');
}
