// From a connect command to a client of an instance, or to a refusal: the host's rules, logins, the gate of the script, the SWF.

import { isExempt, type SwfPolicy } from '../../application/admission/swf.ts';
import {
  Client,
  type ClientPort,
  type ConnectCause,
  type ConnectRefusal,
} from '../../application/contract/client.ts';
import type { ClientFacts, ClientStats } from '../../application/contract/script.ts';
import type { AppInstance } from '../../application/instance/instance.ts';
import type { ClientSettings } from '../../application/instance/instance-settings.ts';
import { type Registry, withoutEdgeSlashes } from '../../application/instance/registry.ts';
import type { Clock } from '../../clock.ts';
import { LimitError, StatusError } from '../../errors.ts';
import { AccessStatus } from '../../log/access-status.ts';
import type { LineLimit } from '../../log/line-limit.ts';
import type { Log } from '../../log/log.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import type { StatusCode } from '../../protocol/rtmp/status.ts';
import type { Outbox } from '../link/outbox.ts';
import { noteRefusal, shownName } from '../link/refusals.ts';
import type { Resolver } from '../link/reverse-dns.ts';
import type { SessionPeer } from '../link/session-peer.ts';
import { type Admission, isWelcome, judge } from './admission.ts';
import type { ConnectRequest } from './connect.ts';
import { answerAccepted, answerRefused } from './connect-answer.ts';
import type { Logins } from './logins.ts';
import { SwfCheck, swfCheckPort } from './swf-check.ts';

/** The settings of `ClientSettings` are for clients of no application yet. */
export interface EntryOptions extends ClientSettings {
  /** By the name of the host that the client has reached, as its tcUrl has it. */
  registryOf(host: string): Registry;
  /** Of names that a virtual host admits. */
  resolver: Resolver;
  logins: Logins;
  clock: Clock;
  /** For lines that a peer can cause again and again. */
  lines: LineLimit;
  /** `5,0,17,1`: what clients are told that they talk to. */
  fmsVersion: string;
}

/** The session of an entry: its facts when the connect command came, and what the entry has it do. */
export interface EntrySession {
  readonly id: string;
  readonly peer: SessionPeer;
  readonly outbox: Outbox;
  /** Each step of the entry adds what is known of the client. */
  log: Log;
  /** What scripts and logs say: the peer's, or its encrypted form. */
  readonly protocol: string;
  /** Of RTMPE: 6, 8 or 9; undefined: it is none. */
  readonly rtmpeVersion: number | undefined;
  /** Of the server's first handshake packet. */
  readonly s1Tail: Uint8Array;
  /** It is closing or closed: nothing more is decided. */
  readonly isOver: boolean;
  /** An instance takes the client in, if its gate does. */
  entering(settings: ClientSettings): void;
  /** Accepted; a SWF is verified first. */
  verifying(): void;
  /** What the client sends is served from here on. */
  opened(): void;
  call(name: string, args: AmfValue[], responder: number | undefined): void;
  ping(): void;
  /** Of the peer: as in `ClientPort`. */
  probe(waitMs: number, answer: (isAlive: boolean) => void): () => void;
  lastSeenMs(): number;
  stats(): ClientStats;
  close(reason: string, status?: AccessStatus): void;
  fail(error: unknown): void;
}

type LoginFacts = Pick<ClientFacts, 'user' | 'writeAccess'>;

export class SessionEntry {
  /** Once the instance is known. */
  instance: AppInstance | undefined;
  client: Client | undefined;
  readonly #request: ConnectRequest;
  readonly #session: EntrySession;
  readonly #options: EntryOptions;
  #swfCheck: SwfCheck | undefined;

  constructor(request: ConnectRequest, session: EntrySession, options: EntryOptions) {
    this.#request = request;
    this.#session = session;
    this.#options = options;
  }

  start(): void {
    const { registryOf, resolver } = this.#options;
    const registry = registryOf(this.#request.host);
    const welcome = isWelcome(registry.rules, this.#session.peer.ip, resolver);
    if (typeof welcome === 'boolean') this.#atHost(registry, welcome);
    else
      welcome
        .then((isIt) => this.#atHost(registry, isIt))
        .catch((error: unknown) => this.#session.fail(error));
  }

  #atHost(registry: Registry, isIt: boolean): void {
    if (this.#session.isOver) return;
    const earlier = isIt ? registry.waitFor(this.#request.app) : undefined;
    if (earlier) {
      earlier.then(() => this.#atHost(registry, isIt)).catch((error: unknown) => this.#session.fail(error));
      return;
    }
    if (!isIt) {
      const problem = `Connections to (${registry.place}) are not allowed from here.`;
      this.#forbid('address', `[ Server.Reject ] : ${problem}`);
      return;
    }
    const { peer, protocol } = this.#session;
    judge(
      { request: this.#request, ip: peer.ip, protocol, tunnel: peer.tunnel },
      registry,
      this.#options.logins,
      (user, answer) =>
        this.#guarded(() => registry.open(this.#request.app, peer.ip).authenticate(user, answer)),
      (admission) => this.#guarded(() => this.#judged(admission)),
    );
  }

  /** What a reading of files or the script goes on with: nobody else catches what it throws, and the client may have left. */
  #guarded(step: () => void): void {
    if (this.#session.isOver) return;
    try {
      step();
    } catch (error) {
      if (error instanceof StatusError) this.#noInstance(error);
      else this.#session.fail(error);
    }
  }

  #judged(admission: Admission): void {
    const session = this.#session;
    if (admission.isAdmitted) {
      if (admission.user !== '') session.log = session.log.child({ user: admission.user });
      this.#enter(admission);
      return;
    }
    const { cause, description, why } = admission;
    if (cause === 'login-failed') this.#warnOfLogin(why);
    this.#forbid(cause, description, why);
  }

  #warnOfLogin(reason: string): void {
    const { log, peer } = this.#session;
    const facts = { event: 'login-failed' as const, reason };
    this.#options.lines.line('login-failed', peer.ip, (repeats) => {
      log.warn(repeats > 0 ? { ...facts, repeats } : facts, 'a login failed');
    });
  }

  /** `why`: for the log, where the client is told something else. */
  #forbid(cause: ConnectCause, description: string, why = description): void {
    const code = 'NetConnection.Connect.Rejected';
    this.#noteFailure({ cause, code, description: why }, AccessStatus.Forbidden);
    this.#refused({ cause, code, description }, why);
  }

  /** A connect that reached no instance. */
  #noteFailure(refusal: ConnectRefusal, status?: AccessStatus): void {
    const client = new Client(this.#factsOf({ user: '', writeAccess: '' }), this.#clientPort());
    const { journal } = this.#options.registryOf(this.#request.host);
    journal?.connectFailed(client, this.#request.app, refusal, status);
  }

  #enter(login: LoginFacts): void {
    const session = this.#session;
    const facts = this.#factsOf(login);
    const port = this.#clientPort();
    const instance = this.#options.registryOf(this.#request.host).connect(this.#request.app, facts);
    this.instance = instance;
    const settings = this.#settings;
    session.entering(settings);
    Object.assign(facts, settings.sampleAccess);
    session.log = session.log.child({ instance: instance.fullName });
    const client = instance.connect(facts, this.#request.args, port);
    if (!session.isOver) this.client = client; // a full instance refuses before it returns
  }

  /** `error`: of the registry. */
  #noInstance(error: StatusError): void {
    const isFull = error instanceof LimitError;
    const cause = isFull ? 'limit' : 'application';
    const refusal: ConnectRefusal = { cause, code: error.code, description: error.message };
    this.#noteFailure(refusal, isFull ? AccessStatus.Conflict : undefined);
    this.#refused(refusal);
  }

  /** Of the application, once it is known. */
  get #settings(): ClientSettings {
    return this.instance?.clientSettings ?? this.#options;
  }

  #factsOf({ user, writeAccess }: LoginFacts): ClientFacts {
    const { id, peer, protocol } = this.#session;
    const { agent, referrer, pageUrl, uri, objectEncoding } = this.#request;
    return {
      id,
      ip: peer.ip,
      agent,
      referrer,
      pageUrl,
      uri,
      protocol,
      secure: peer.secure,
      virtualKey: '',
      user,
      objectEncoding,
      readAccess: '/',
      writeAccess,
      audioSampleAccess: '',
      videoSampleAccess: '',
    };
  }

  #clientPort(): ClientPort {
    const session = this.#session;
    const { outbox, peer, rtmpeVersion } = session;
    return {
      kind: 'client',
      localIp: peer.localIp,
      forwardedFor: peer.forwardedFor,
      rtmpeVersion,
      accepted: () => this.#accepted(),
      refused: (refusal) => this.#refused(refusal),
      call: (name, args, responder) => session.call(name, args, responder),
      status: (code, description) => outbox.status(0, code as StatusCode, description),
      ping: () => session.ping(),
      probe: (waitMs, answer) => session.probe(waitMs, answer),
      get lastSeenMs() {
        return session.lastSeenMs();
      },
      close: (reason, status) => session.close(reason, status),
      stats: () => session.stats(),
      get queuedBytes() {
        return outbox.queuedBytes;
      },
    };
  }

  #accepted(): void {
    const session = this.#session;
    const { swf } = this.#settings;
    answerAccepted(session.outbox, this.#request, this.#settings, this.#options.fmsVersion);
    session.log.info({ event: 'connect' }, 'client connected');
    if (swf && !isExempt(swf, this.#request.agent)) this.#verify(swf);
    else session.opened();
  }

  #verify(policy: SwfPolicy): void {
    const session = this.#session;
    session.verifying();
    this.#swfCheck = new SwfCheck(
      policy,
      this.#options.clock,
      swfCheckPort({
        outbox: session.outbox,
        log: () => session.log,
        s1Tail: session.s1Tail,
        journal: this.instance?.journal,
        client: () => this.client,
        passed: () => session.opened(),
        close: (why) => session.close(why, AccessStatus.Forbidden),
        bug: (error) => session.fail(error),
      }),
    );
  }

  swfAnswered(proof: Uint8Array): void {
    this.#swfCheck?.answered(proof);
  }

  #refused(refusal: ConnectRefusal, reason = refusal.description): void {
    const session = this.#session;
    answerRefused(session.outbox, this.#request.transactionId, refusal);
    const { cause, code } = refusal;
    const [application = ''] = withoutEdgeSlashes(this.#request.app).split('/', 1); // what follows may be somebody's key
    noteRefusal(
      'connect',
      { log: session.log, lines: this.#options.lines, address: session.peer.ip },
      { cause, code, reason, application: shownName(application) },
    );
    session.close(`connect refused: ${reason}`);
  }

  /** The session is over: its client leaves the instance. */
  leave(reason: string, status: AccessStatus): void {
    this.#swfCheck?.stop();
    if (this.instance && this.client) this.instance.disconnected(this.client, reason, status);
  }
}
