// What happens to instances, clients and streams, in the columns of the access log. Nothing here is on the media path: its
// counters are there already, and are asked for at events and by one timer.

import type { Clock } from '../../clock.ts';
import type { AccessEvent } from '../../log/access-fields.ts';
import type { AccessValues } from '../../log/access-log.ts';
import { AccessStatus } from '../../log/access-status.ts';
import type { Client, ConnectRefusal } from '../contract/client.ts';
import type { RecordedStream } from '../contract/recorded.ts';
import type { RecordingFile, RecordRequest } from '../contract/recording.ts';
import type { Refusal } from '../contract/refusal.ts';
import type { Stream } from '../live/stream.ts';

/** What the log says of a stream that somebody publishes or plays. */
interface Line {
  readonly client: Client;
  readonly request: { readonly name: string; readonly query: string };
  /** `streamId`: message stream ID. Undefined: it is no RTMP. */
  readonly port: { readonly streamId: number | undefined };
}

export type Published = Line;

export interface Played extends Line {
  readonly port: Line['port'] & { readonly bytesSent: number };
  readonly recorded: Pick<RecordedStream, 'path' | 'sizeBytes' | 'lengthMs'> | undefined;
  readonly file: { readonly positionMs: number } | undefined;
  /** Where it has taken another one's place. */
  readonly transition: TransitionFacts | undefined;
}

export interface TransitionFacts {
  from: string;
  fromQuery: string;
  mode: string;
  offsetS: number | undefined;
}

export interface JournalOptions {
  clock: Clock;
  adaptor: string;
  vhost: string;
  /** log/access-log.ts; masks what is secret in addresses and queries. */
  write(event: AccessEvent, values: AccessValues): void;
  /** So that long sessions are seen before they end. FMS: Logging/Access/Checkpoints. */
  checkpoints: { checkMs: number; lineMs: number } | undefined;
}

type ContinueEvent = 'connect-continue' | 'publish-continue' | 'play-continue';

/** Something that goes on. */
interface Ongoing {
  readonly event: ContinueEvent;
  readonly beganMs: number;
  /** Of its latest line. */
  notedMs: number;
  /** As it is now. */
  values(): AccessValues;
}

export class Journal {
  readonly #options: JournalOptions;
  readonly #ongoing = new Map<Client | Published | Played, Ongoing>();
  #cancelCheck: (() => void) | undefined;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#armCheck();
  }

  of(application: string, instance: string): InstanceJournal {
    return new InstanceJournal(this, application, instance);
  }

  /** A connect that reached no instance; `app` as the client sent it. */
  connectFailed(
    client: Client,
    app: string,
    { code, description }: ConnectRefusal,
    status = FAILED_CONNECT_STATUS[code] ?? AccessStatus.BadRequest,
  ): void {
    const [application, ...instance] = app.split('/');
    const place = { 'x-app': application, 'x-appinst': instance.join('/') };
    this.note('connect', { ...clientValues(client), ...place, 'x-status': status, 'x-ctx': description });
  }

  note(event: AccessEvent, values: AccessValues): void {
    const { adaptor, vhost, write } = this.#options;
    write(event, { 'x-adaptor': adaptor, 'x-vhost': vhost, ...values });
  }

  get nowMs(): number {
    return this.#options.clock.now();
  }

  begin(what: Client | Published | Played, event: ContinueEvent, values: () => AccessValues): void {
    const { nowMs } = this;
    this.#ongoing.set(what, { event, beganMs: nowMs, notedMs: nowMs, values });
  }

  /** Whole seconds since `begin`; undefined: it never began. */
  secondsOf(what: Client | Published | Played): number | undefined {
    const ongoing = this.#ongoing.get(what);
    return ongoing && Math.floor((this.nowMs - ongoing.beganMs) / 1000);
  }

  /** As it is now. */
  valuesOf(what: Client | Published | Played): AccessValues {
    return this.#ongoing.get(what)?.values() ?? {};
  }

  end(what: Client | Published | Played): void {
    this.#ongoing.delete(what);
  }

  #armCheck(): void {
    const { checkpoints, clock } = this.#options;
    if (!checkpoints) return;
    this.#cancelCheck = clock.after(checkpoints.checkMs, () => {
      const { nowMs } = this;
      for (const ongoing of this.#ongoing.values()) {
        if (nowMs - ongoing.notedMs < checkpoints.lineMs) continue;
        ongoing.notedMs = nowMs;
        this.note(ongoing.event, { ...ongoing.values(), 'x-status': AccessStatus.Ok });
      }
      this.#armCheck();
    });
  }

  close(): void {
    this.#cancelCheck?.();
  }
}

/** The journal of one application instance. */
export class InstanceJournal {
  readonly #journal: Journal;
  readonly #place: AccessValues;
  readonly #beganMs: number;
  /** Names under which encoders publish what everybody else knows by another name. */
  readonly #keys = new Map<string, Published>();

  constructor(journal: Journal, application: string, instance: string) {
    this.#journal = journal;
    this.#beganMs = journal.nowMs;
    this.#place = { 'x-app': application, 'x-appinst': instance };
    this.#note('app-start', { 'x-ctx': this.#path, 'x-status': AccessStatus.Ok });
  }

  get #path(): string {
    return `${this.#place['x-app']}/${this.#place['x-appinst']}`;
  }

  stopped(): void {
    const seconds = Math.floor((this.#journal.nowMs - this.#beganMs) / 1000);
    this.#note('app-stop', { 'x-ctx': this.#path, 'x-status': AccessStatus.Ok, 'x-duration': seconds });
  }

  // ── clients ────────────────────────────────────────────────────────────────────────────────────────────────────

  connecting(client: Client): void {
    this.#journal.begin(client, 'connect-continue', () => this.#session(client));
    this.#note('connect-pending', { ...this.#session(client), 'x-status': AccessStatus.Pending });
  }

  connected(client: Client): void {
    this.#note('connect', { ...this.#session(client), 'x-status': AccessStatus.Ok });
  }

  refused(client: Client, { code, description, redirect }: ConnectRefusal): void {
    const status =
      redirect === undefined ? (CONNECT_STATUS[code] ?? AccessStatus.Rejected) : AccessStatus.Redirected;
    this.#note('connect', { ...this.#session(client), 'x-status': status, 'x-ctx': description });
    this.#journal.end(client);
  }

  /** `wasPending`: it did not wait for the answer; its connect has come to nothing. */
  disconnected(client: Client, wasPending: boolean, reason: string, status: AccessStatus): void {
    const session = this.#session(client);
    if (wasPending)
      this.#note('connect', { ...session, 'x-status': AccessStatus.ClientGone, 'x-ctx': reason });
    else this.#note('disconnect', { ...session, 'x-status': status, 'x-comment': reason });
    this.#journal.end(client);
  }

  /** It is asked which SWF it runs. */
  verifying(client: Client): void {
    this.#note('swf-verify', { ...this.#session(client), 'x-status': AccessStatus.Pending });
  }

  /** `problem`: why it is sent away. */
  verified(client: Client, problem: string | undefined): void {
    const outcome =
      problem === undefined
        ? { 'x-status': AccessStatus.Ok }
        : { 'x-status': AccessStatus.Forbidden, 'x-ctx': problem };
    this.#note('swf-verify-complete', { ...this.#session(client), ...outcome });
  }

  #session(client: Client): AccessValues {
    return {
      ...clientValues(client),
      'x-ctx': this.#path,
      'x-duration': this.#journal.secondsOf(client),
    };
  }

  // ── publishers ─────────────────────────────────────────────────────────────────────────────────────────────────

  published(publication: Published, stream: Stream): void {
    const { request } = publication;
    if (request.name !== stream.name) this.#keys.set(request.name, publication);
    const before = stream.stats.bytesIn;
    this.#journal.begin(publication, 'publish-continue', () =>
      this.#published(publication, stream.name, stream.stats.bytesIn - before),
    );
    this.#note('publish', { ...this.#published(publication, stream.name, 0), 'x-status': AccessStatus.Ok });
  }

  /**
   * `name`: undefined when a script decides about names and has not let this one in. It may be somebody's key, or one letter
   * away from it, and it was to stay a secret of two.
   */
  publishRefused(publication: Published, name: string | undefined, refusal: Refusal): void {
    this.#note('publish', { ...this.#published(publication, name, 0), ...refusalValues(refusal) });
  }

  unpublished(publication: Published, status: AccessStatus, comment: string | undefined): void {
    this.#finish('unpublish', publication, status, comment);
    if (this.#keys.get(publication.request.name) === publication) this.#keys.delete(publication.request.name);
  }

  #published(publication: Published, name: string | undefined, bytes: number): AccessValues {
    const { client, request, port } = publication;
    return {
      ...this.#session(client),
      ...streamValues(client, name, request.query),
      'x-duration': this.#journal.secondsOf(publication) ?? 0,
      'x-sid': port.streamId,
      'cs-stream-bytes': bytes,
      'sc-stream-bytes': 0,
    };
  }

  // ── players ────────────────────────────────────────────────────────────────────────────────────────────────────

  playing(playback: Played, name: string): void {
    const values = () => this.#played(playback, name);
    this.#journal.begin(playback, 'play-continue', values);
    this.#note('play', { ...values(), 'x-status': AccessStatus.Ok });
  }

  /** `name` as in `publishRefused`. */
  playRefused(playback: Played, name: string | undefined, refusal: Refusal): void {
    this.#note('play', { ...this.#played(playback, name), ...refusalValues(refusal) });
  }

  stoppedPlaying(playback: Played, status: AccessStatus): void {
    this.#finish('stop', playback, status);
  }

  paused(playback: Played, isPaused: boolean): void {
    const values = this.#journal.valuesOf(playback);
    this.#note(isPaused ? 'pause' : 'unpause', { ...values, 'x-status': AccessStatus.Ok });
  }

  /** `ms`: to where, in the stream's own time. */
  sought(playback: Played, ms: number): void {
    const values = this.#journal.valuesOf(playback);
    this.#note('seek', { ...values, 'x-spos': Math.round(ms), 'x-status': AccessStatus.Ok });
  }

  /** A player that asks for a key hears nothing and is told nothing; its name is not written down either. */
  #played(playback: Played, name: string | undefined): AccessValues {
    const { client, request, port } = playback;
    const shown = name !== undefined && this.#keys.has(name) ? undefined : name;
    return {
      ...this.#session(client),
      ...streamValues(client, shown, request.query),
      'x-duration': this.#journal.secondsOf(playback) ?? 0,
      'x-sid': port.streamId,
      'cs-stream-bytes': 0,
      'sc-stream-bytes': port.bytesSent,
      ...recordedValues(playback),
      ...transitionValues(playback),
    };
  }

  // ── recordings ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** `file`: undefined when it could not be begun. */
  recording(
    event: 'record' | 'recordstop',
    publication: Published | undefined,
    { stream, limits }: Pick<RecordRequest, 'stream' | 'limits'>,
    file: RecordingFile | undefined,
    status: AccessStatus,
  ): void {
    this.#note(event, {
      ...(publication && this.#journal.valuesOf(publication)),
      'x-ctx': stream,
      'x-sname': stream,
      'x-status': status,
      'x-file-name': file?.path,
      'x-file-ext': file && extensionOf(file.path),
      'x-file-size': file?.sizeBytes,
      'x-file-length': file && Math.round(file.lengthMs / 1000),
      'x-smax-rec-size': limits.maxSizeBytes,
      'x-smax-rec-duration': limits.maxDurationS,
    });
  }

  #finish(
    event: 'unpublish' | 'stop',
    what: Published | Played,
    status: AccessStatus,
    comment?: string,
  ): void {
    this.#note(event, { ...this.#journal.valuesOf(what), 'x-status': status, 'x-comment': comment });
    this.#journal.end(what);
  }

  #note(event: AccessEvent, values: AccessValues): void {
    this.#journal.note(event, { ...this.#place, ...values });
  }
}

/** Of a name that is none the code is Rejected as well. */
const FAILED_CONNECT_STATUS: Readonly<Record<string, AccessStatus>> = {
  'NetConnection.Connect.InvalidApp': AccessStatus.NotFound,
};
const CONNECT_STATUS: Readonly<Record<string, AccessStatus>> = {
  'NetConnection.Connect.AppShutdown': AccessStatus.Unavailable,
  'NetConnection.Connect.Failed': AccessStatus.Failed,
};

function clientValues({ facts, port }: Client): AccessValues {
  const { bytes_in, bytes_out } = port.stats();
  const { stem, query } = splitUri(facts.uri);
  return {
    's-ip': port.localIp,
    'c-ip': facts.ip,
    'c-proto': facts.protocol,
    's-uri': facts.uri,
    'cs-uri-stem': stem,
    'cs-uri-query': query,
    'c-referrer': facts.referrer,
    'c-user-agent': facts.agent,
    'c-client-id': facts.id,
    'cs-bytes': bytes_in,
    'sc-bytes': bytes_out,
    'c-connect-type': 'normal',
    'x-page-url': facts.pageUrl,
    'x-forwarded-for': port.forwardedFor,
    'c-proto-ver': port.rtmpeVersion,
  };
}

function streamValues({ facts }: Client, name: string | undefined, query: string): AccessValues {
  const uri = name === undefined ? undefined : `${splitUri(facts.uri).stem.replace(/\/$/, '')}/${name}`;
  return {
    'x-ctx': name,
    'x-sname': name,
    'x-sname-query': query,
    'x-suri-query': query,
    'x-suri-stem': uri,
    'x-suri': uri && query ? `${uri}?${query}` : uri,
  };
}

function refusalValues({ status, description, reason = description }: Refusal): AccessValues {
  return { 'x-status': status, 'x-ctx': reason };
}

/** Of one that plays a file. */
function recordedValues({ recorded, file }: Played): AccessValues {
  if (!recorded) return {};
  const { path, sizeBytes, lengthMs } = recorded;
  return {
    'x-file-name': path,
    'x-file-ext': extensionOf(path),
    'x-file-size': sizeBytes,
    'x-file-length': Math.round(lengthMs / 1000),
    'x-spos': Math.round(file?.positionMs ?? 0),
  };
}

/** Of one that took another one's place. */
function transitionValues({ transition }: Played): AccessValues {
  if (!transition) return {};
  return {
    'x-trans-sname': transition.from,
    'x-trans-sname-query': transition.fromQuery,
    'x-trans-mode': transition.mode,
    'x-soffset': transition.offsetS,
  };
}

function splitUri(uri: string): { stem: string; query: string } {
  const mark = uri.indexOf('?');
  return mark < 0 ? { stem: uri, query: '' } : { stem: uri.slice(0, mark), query: uri.slice(mark + 1) };
}

function extensionOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
