// Other servers as a test has them: what a script connects to is answered by the test.
import type {
  OutgoingConnection,
  OutgoingEvents,
  OutgoingPull,
  OutgoingRequest,
  OutgoingStatus,
  PublishEvents,
  PullEvents,
  PullRequest,
} from '../application/contract/outgoing.ts';
import { RtmpShape } from '../application/live/rtmp-shape.ts';
import type { Player } from '../application/live/viewer.ts';
import { STATUS_LEVELS, type StatusCode } from '../protocol/rtmp/status.ts';
import { WIRE_STREAM_ID, type WireMessage } from '../protocol/rtmp/wire-message.ts';
import { countSent, MediaSender } from './media.ts';
import { type Anything, plain } from './plain.ts';

export class Servers {
  readonly #servers = new Map<string, TestServer>();
  readonly #onUnknown: (error: Error) => void;

  /** `onUnknown`: a script wants to connect to one that the test does not have. */
  constructor(onUnknown: (error: Error) => void) {
    this.#onUnknown = onUnknown;
  }

  add(uri: string): TestServer {
    const server = new TestServer();
    this.#servers.set(uri, server);
    return server;
  }

  connect({ uri, args }: OutgoingRequest, events: OutgoingEvents): OutgoingConnection {
    const server = this.#servers.get(uri);
    if (server)
      return server.accept(
        args.map((arg) => plain(arg)),
        events,
      );
    const error = new Error(`${uri}: the test has no such server (app.server)`);
    this.#onUnknown(error);
    return new Link(events, error.message);
  }
}

/** An application of another server. */
export class TestServer {
  /** Nobody can connect, and who is connected stays. */
  isDown = false;
  /** What each connection has sent along, in order. */
  readonly connects: Anything[][] = [];
  readonly #links = new Set<Link>();
  readonly #sources = new Sources();

  accept(args: Anything[], events: OutgoingEvents): OutgoingConnection {
    if (this.isDown) return new Link(events, 'The connection failed: it is down');
    this.connects.push(args);
    const link = new Link(events, undefined, this.#sources);
    this.#links.add(link);
    return link;
  }

  /** Somebody publishes there. */
  publish(name: string): TestSource {
    return this.#sources.publish(name);
  }

  /** Names of what is published there now, and how many pictures, sounds and data have come of each. */
  get streams(): { [name: string]: number } {
    const streams = [...this.#links].flatMap((link) => link.streams);
    return Object.fromEntries(streams.map(({ name, messages }) => [name, messages]));
  }

  /** Throws everybody out. */
  close(): void {
    for (const link of this.#links)
      link.end('NetConnection.Connect.Closed', 'The other server has closed the connection.');
    this.#links.clear();
  }
}

/** A stream of another server. */
export class TestSource extends MediaSender {
  readonly name: string;
  readonly #pulls: Set<PullEvents>;
  readonly #over: () => void;

  constructor(name: string, pulls: Set<PullEvents>, over: () => void) {
    super();
    this.name = name;
    this.#pulls = pulls;
    this.#over = over;
  }

  protected override send(message: WireMessage): void {
    for (const pull of this.#pulls) pull.take(message);
  }

  /** Who comes later gets what decoders need as well. */
  welcome(pull: PullEvents): void {
    for (const header of this.headers) pull.take(header);
  }

  unpublish(): void {
    this.#over();
    for (const pull of [...this.#pulls]) pull.lost();
  }
}

/** What another server has to be played, and who waits for it. */
class Sources {
  readonly #live = new Map<string, TestSource>();
  readonly #pulls = new Map<string, Set<PullEvents>>();

  publish(name: string): TestSource {
    const source = new TestSource(name, this.#of(name), () => this.#live.delete(name));
    this.#live.set(name, source);
    return source;
  }

  /** Returns its undo; undefined: there is no such stream. */
  play({ name, start }: PullRequest, events: PullEvents): (() => void) | undefined {
    if (start >= 0 && !this.#live.has(name)) {
      events.failed('NetStream.Play.StreamNotFound', `${name} is not there.`);
      return undefined;
    }
    const pulls = this.#of(name).add(events);
    events.started();
    this.#live.get(name)?.welcome(events);
    return () => pulls.delete(events);
  }

  #of(name: string): Set<PullEvents> {
    const pulls = this.#pulls.get(name) ?? new Set();
    this.#pulls.set(name, pulls);
    return pulls;
  }
}

interface Published {
  readonly name: string;
  messages: number;
}

interface Pull {
  readonly events: PullEvents;
  /** Set once it has begun. */
  stop: (() => void) | undefined;
}

class Link implements OutgoingConnection {
  readonly #events: OutgoingEvents;
  readonly #sources: Sources;
  readonly #streams = new Set<Published>();
  readonly #pulls = new Set<Pull>();
  #waiting: (() => void)[] = [];
  #state: 'connecting' | 'open' | 'over' = 'connecting';

  /** `problem`: why it fails; undefined: it does not. */
  constructor(events: OutgoingEvents, problem: string | undefined, sources = new Sources()) {
    this.#events = events;
    this.#sources = sources;
    setImmediate(() => {
      if (this.#state !== 'connecting') return;
      if (problem !== undefined) this.end('NetConnection.Connect.Failed', problem);
      else this.#open();
    });
  }

  /** Nothing is on any wire. */
  readonly traffic = { bytesIn: 0, bytesOut: 0 };

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get streams(): Published[] {
    return this.#state === 'open' ? [...this.#streams] : [];
  }

  #open(): void {
    this.#state = 'open';
    this.#events.status(statusOf('NetConnection.Connect.Success', 'Connection succeeded.'));
    for (const publish of this.#waiting) publish();
  }

  publish({ name }: { name: string; type: string }, events: PublishEvents): () => void {
    const stream: Published = { name, messages: 0 };
    let isClosed = false;
    const begin = () => {
      if (isClosed || this.#state !== 'open') return;
      this.#streams.add(stream);
      events.status(statusOf('NetStream.Publish.Start', `${name} is now published.`));
      events.started(playerOf(stream));
    };
    this.#whenOpen(begin);
    return () => {
      isClosed = true;
      this.#streams.delete(stream);
    };
  }

  play(request: PullRequest, events: PullEvents): OutgoingPull {
    const pull: Pull = { events, stop: undefined };
    this.#pulls.add(pull);
    this.#whenOpen(() => {
      if (!this.#pulls.has(pull) || this.#state !== 'open') return;
      pull.stop = this.#sources.play(request, events);
      if (!pull.stop) this.#pulls.delete(pull);
    });
    return {
      setBufferMs() {},
      close: () => {
        this.#pulls.delete(pull);
        pull.stop?.();
      },
    };
  }

  #whenOpen(call: () => void): void {
    if (this.#state === 'connecting') this.#waiting.push(call);
    else setImmediate(call);
  }

  end(code: StatusCode, description: string): void {
    if (this.#state === 'over') return;
    const pulls = [...this.#pulls];
    this.close();
    for (const { events, stop } of pulls) {
      if (stop) events.ended();
      else events.failed('NetStream.Play.Failed', description);
    }
    this.#events.ended(statusOf(code, description));
  }

  close(): void {
    this.#state = 'over';
    for (const { stop } of this.#pulls) stop?.();
    this.#pulls.clear();
  }
}

function playerOf(stream: Published): Player {
  let bytesSent = 0;
  return {
    shape: new RtmpShape(WIRE_STREAM_ID),
    queuedBytes: 0,
    get progress() {
      return bytesSent;
    },
    write(bytes, messages) {
      bytesSent += bytes.length;
      stream.messages += countSent(bytes, messages);
    },
    writeAll(pieces, messages) {
      this.write(Buffer.concat(pieces), messages);
    },
    dropped() {},
    publishNotify() {},
    unpublishNotify() {},
    insufficientBandwidth() {},
    waitsForKeyframe() {},
    tooSlow() {},
  };
}

function statusOf(code: StatusCode, description: string): OutgoingStatus {
  return { code, level: STATUS_LEVELS[code], description };
}
