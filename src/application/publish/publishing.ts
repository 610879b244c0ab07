// How a publish request becomes a live stream and ends again. The order that clients and scripts rely on:
// onPublish → name check → Stream Begin → Publish.Start → Record.Start → the script's own commands → PublishNotify.

import type { Clock } from '../../clock.ts';
import { AccessStatus } from '../../log/access-status.ts';
import { canonicalStreamName, withoutPrefix } from '../../protocol/rtmp/stream-prefix.ts';
import type { InstanceJournal } from '../accounts/journal.ts';
import { accessCovers } from '../admission/access.ts';
import type { Client } from '../contract/client.ts';
import type { BadRequest, Refusal } from '../contract/refusal.ts';
import type {
  CurrentPublisher,
  InstanceScript,
  PublishRequest,
  RecordMode,
  Verdict,
} from '../contract/script.ts';
import { NameCheck, type NameCheckOptions } from './name-check.ts';
import type { NameClaims } from './name-claims.ts';
import { Publication, PublicationState, type PublisherPort } from './publication.ts';
import type { RecordControl } from './record-control.ts';
import type { NamedStream, StreamTable } from './stream-table.ts';

export interface PublishingOptions {
  clock: Clock;
  settings: NameCheckOptions['settings'];
  streams: StreamTable;
  names: NameClaims;
  recordings: RecordControl;
  script: () => InstanceScript | undefined;
  journal: InstanceJournal | undefined;
  /** Nobody publishes that stream any more, neither a client nor the server. */
  onOffAir(stream: string): void;
}

export class Publishing {
  readonly #options: PublishingOptions;
  /** What each client publishes, decided or not. */
  readonly #ofClient = new Map<Client, Set<Publication>>();
  /** Gate id → the publication that it decides, until it is live or over: what a script does meanwhile carries that id. */
  readonly #byGate = new Map<number, Publication>();
  readonly #names: NameCheck;

  constructor(options: PublishingOptions) {
    this.#options = options;
    const { clock, settings, streams, names } = options;
    this.#names = new NameCheck({
      ...{ clock, settings, streams, names },
      free: (publication, name) => this.#goLive(publication, name),
      takenOver: (publication, holder, name, why) => this.#takeOver(publication, holder, name, why),
      taken: (publication, name) => this.#refuseTaken(publication, name),
    });
  }

  /** `asked`: with the name in any spelling. */
  publish(client: Client, asked: PublishRequest, port: PublisherPort): Publication {
    const request = { ...asked, name: canonicalStreamName(asked.name) };
    const publication = new Publication(client, request, port);
    this.#remember(client, publication);
    if (!accessCovers(client.facts.writeAccess, withoutPrefix(request.name))) {
      this.#refuse(publication, {
        cause: 'access',
        code: 'NetStream.Publish.Denied',
        description: 'No write access.',
        status: AccessStatus.Forbidden,
      });
      return publication;
    }
    const script = this.#options.script();
    if (!script) this.#decided(publication, { accepted: true });
    else {
      const current = this.#currentOf(request.name);
      publication.gate = script.ask({ gate: 'onPublish', client: client.id, request, current }, (verdict) =>
        this.#decided(publication, verdict),
      );
      if (publication.state === PublicationState.Asking) this.#byGate.set(publication.gate.id, publication);
    }
    return publication;
  }

  /** One that cannot be meant: nobody is asked about it. */
  refuse(client: Client, { cause, description, name, query }: BadRequest, port: PublisherPort): void {
    const publication = new Publication(client, { name, query, params: {}, type: 'live' }, port);
    const code = 'NetStream.Publish.BadName';
    this.#refuse(publication, { cause, code, description, status: AccessStatus.BadRequest });
  }

  /** Who publishes `name`: asked for under that name, since a script may have given it another, or else known by it. */
  #currentOf(name: string): CurrentPublisher | undefined {
    const { clock, streams } = this.#options;
    const nowMs = clock.now();
    const entry = streams.get(name);
    const publisher = this.#askedFor(name) ?? entry?.publication;
    if (publisher) {
      const { client, sinceMs } = publisher;
      return {
        client: client.id,
        sinceMs: nowMs - sinceMs,
        lastByteMs: Math.max(0, nowMs - client.port.lastSeenMs),
      };
    }
    const holder = entry?.holder;
    return holder && { sinceMs: nowMs - holder.sinceMs, lastByteMs: 0 };
  }

  #askedFor(name: string): Publication | undefined {
    for (const publication of this.live()) if (publication.request.name === name) return publication;
    return undefined;
  }

  #decided(publication: Publication, verdict: Verdict): void {
    if (publication.state !== PublicationState.Asking) return;
    if (!verdict.accepted) {
      const code = 'NetStream.Publish.Denied';
      const { reason: description } = verdict;
      this.#refuse(publication, { cause: 'script', code, description, status: AccessStatus.Rejected });
      return;
    }
    publication.state = PublicationState.Checking;
    publication.recordMode = verdict.record ?? recordModeOf(publication.request.type);
    publication.takesOver = verdict.takeOver === true;
    this.#names.check(publication, canonicalStreamName(verdict.as ?? publication.request.name));
  }

  /** The name changes hands before the connection of its holder ends: nobody else who waits for it comes between. */
  #takeOver(publication: Publication, holder: Publication, name: string, why: string): void {
    const { client } = publication;
    this.end(holder, AccessStatus.TakenOver, `taken over by ${client.facts.ip} (client ${client.id})`);
    this.#goLive(publication, name);
    holder.port.ended(`${why}, and its stream name was taken over by another publisher`, client);
  }

  #goLive(publication: Publication, name: string): void {
    const entry = this.#options.streams.open(name);
    const { client, gate, port } = publication;
    entry.holder = publication;
    publication.stream = entry.stream;
    publication.state = PublicationState.Live;
    publication.sinceMs = this.#options.clock.now();
    this.#forgetGate(publication);
    port.started(name);
    this.#options.journal?.published(publication, entry.stream);
    this.#options.recordings.begin(entry, publication.recordMode);
    this.#options.script()?.tell({
      event: 'publish',
      client: client.id,
      stream: name,
      query: publication.request.query,
      ...(gate ? { gate: gate.id } : {}),
    });
    for (const command of publication.held.splice(0)) command();
    // behind the commands that came with the verdict
    queueMicrotask(() => {
      if (publication.state !== PublicationState.Live) return;
      for (const viewer of entry.stream.viewers) viewer.player.publishNotify();
      port.flow();
    });
  }

  #refuseTaken(publication: Publication, name: string): void {
    const description = `${name} is already being published.`;
    const code = 'NetStream.Publish.BadName';
    this.#refuse(publication, { cause: 'taken', code, description, status: AccessStatus.Conflict }, name);
  }

  /** `name`: for the log. One that a script has not let in is a secret: somebody's key, or one letter away from it. */
  #refuse(
    publication: Publication,
    refusal: Refusal,
    name = this.#options.script() ? undefined : publication.request.name,
  ): void {
    const wasAccepted = publication.state === PublicationState.Checking;
    this.#over(publication);
    this.#options.journal?.publishRefused(publication, name, refusal);
    if (wasAccepted && publication.gate) {
      this.#options.script()?.tell({ event: 'publishFailed', gate: publication.gate.id });
    }
    publication.port.refused(refusal, name);
  }

  #over(publication: Publication): void {
    publication.state = PublicationState.Ended;
    publication.held.length = 0;
    publication.cancelCheck?.();
    publication.releaseName?.();
    this.#forget(publication);
    this.#forgetGate(publication);
  }

  #forgetGate(publication: Publication): void {
    if (publication.gate) this.#byGate.delete(publication.gate.id);
  }

  /** The publisher stopped, left, or was taken off. `comment`: for the access log. */
  end(publication: Publication, status: AccessStatus, comment?: string): void {
    const { state, gate, stream, client } = publication;
    if (state === PublicationState.Ended) return;
    this.#over(publication);
    const script = this.#options.script();
    if (state === PublicationState.Asking) gate?.drop();
    if (state === PublicationState.Checking && gate) script?.tell({ event: 'publishFailed', gate: gate.id });
    if (!stream) return;
    publication.stream = undefined;
    const entry = this.#options.streams.get(stream.name);
    if (!entry) return;
    stream.unpublish();
    this.#options.recordings.stop(entry, publication, 'unpublished');
    this.#options.journal?.unpublished(publication, status, comment);
    entry.holder = undefined;
    for (const viewer of stream.viewers) viewer.player.unpublishNotify();
    script?.tell({ event: 'unpublish', client: client.id, stream: stream.name });
    this.#options.onOffAir(stream.name);
    this.#options.streams.release(stream.name);
  }

  /** The server publishes it. */
  onAir(entry: NamedStream): void {
    this.#options.recordings.startArmed(entry);
    for (const viewer of entry.stream.viewers) viewer.player.publishNotify();
  }

  offAir(entry: NamedStream): void {
    entry.stream.unpublish();
    this.#options.recordings.stop(entry, undefined, 'unpublished');
    for (const viewer of entry.stream.viewers) viewer.player.unpublishNotify();
    this.#options.onOffAir(entry.stream.name);
  }

  /**
   * A script's command on a stream. With the gate of a publish that is being decided it waits for the outcome; with one
   * that was refused it is forgotten.
   */
  command(stream: string, gate: number | undefined, run: (entry: NamedStream) => void): void {
    const undecided = gate === undefined ? undefined : this.#byGate.get(gate);
    if (undecided) {
      undecided.held.push(() => {
        const entry = undecided.stream && this.#options.streams.get(undecided.stream.name);
        if (entry) run(entry);
      });
      return;
    }
    const entry = this.#options.streams.get(stream);
    if (!entry) return;
    if (gate !== undefined && entry.publication?.gate?.id !== gate) return;
    run(entry);
  }

  /** A script takes the publisher off its stream. */
  disconnect(entry: NamedStream, reason: string): void {
    const { publication } = entry;
    if (!publication) return;
    this.end(publication, AccessStatus.ByScript);
    publication.port.ended(reason);
  }

  /** The server is about to publish it: what has the name gives it up. */
  makeWay(entry: NamedStream, reason: string): void {
    if (entry.holder?.kind === 'node') entry.holder.close();
    else this.disconnect(entry, reason);
  }

  /** Another node has the name from now on. */
  lost(stream: string, node: string): void {
    const holder = this.#options.streams.get(stream)?.holder;
    if (holder?.kind === 'server') holder.close();
    if (holder?.kind !== 'client') return;
    this.end(holder, AccessStatus.TakenOver, `taken over on ${node}`);
    holder.port.ended('its stream name was taken over by a publisher on another node');
  }

  /** Everything that a leaving client published. */
  endAll(client: Client): void {
    for (const publication of [...(this.#ofClient.get(client) ?? [])])
      this.end(publication, AccessStatus.ClientGone);
  }

  /** Somebody publishes with it what everybody else knows by another name. */
  isKey(name: string): boolean {
    for (const { request, stream } of this.live()) {
      if (request.name === name && stream?.name !== name) return true;
    }
    return false;
  }

  /** What is live. */
  *live(): Generator<Publication> {
    for (const publications of this.#ofClient.values()) {
      for (const one of publications) if (one.state === PublicationState.Live) yield one;
    }
  }

  #remember(client: Client, publication: Publication): void {
    const known = this.#ofClient.get(client);
    if (known) known.add(publication);
    else this.#ofClient.set(client, new Set([publication]));
  }

  #forget(publication: Publication): void {
    const known = this.#ofClient.get(publication.client);
    known?.delete(publication);
    if (known?.size === 0) this.#ofClient.delete(publication.client);
  }
}

function recordModeOf(type: PublishRequest['type']): RecordMode | undefined {
  return type === 'live' ? undefined : type;
}
