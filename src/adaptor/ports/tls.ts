// TLS on the way in: certificates by the name that a client asks for, taken up anew when their files change.
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls';
import { FairTurns } from '../../application/pace/fair-turns.ts';
import type { Turns } from '../../application/pace/turns.ts';
import type { Clock } from '../../clock.ts';
import { ConfigError } from '../../errors.ts';
import { type Log, logBug } from '../../log/log.ts';
import { type Certificate, type CertificateFiles, loadCertificate, stampOf } from './certificate.ts';
import { hasWholeHello, isAnsweredAtOnce } from './client-hello.ts';

export interface TlsOptions {
  /** For clients that name no host, or one that has no certificate of its own. Undefined: there is none for them. */
  certificate: CertificateFiles | undefined;
  /** Name of a virtual host, or `*.domain` → its own certificate. */
  hosts: ReadonlyMap<string, CertificateFiles>;
  /** OpenSSL's list for TLS 1.2; empty: Node's own choice. FMS's commas and blanks are colons. */
  ciphers: string;
  sessionTimeoutMs: number;
  handshakeTimeoutMs: number;
  /** A handshake costs a signature, 4 ms with a key of RSA and 4096 bits. */
  turns: Turns;
}

/**
 * How often the files are looked at. Renewed certificates come as renamed files, as symbolic links turned round, as mounted
 * secrets; file system events differ for each of them and get lost, a look at some files costs nothing.
 */
const LOOK_MS = 2_000;
/** One key in the whole process for all certificates, so that a session resumes whichever of them it began with. */
const TICKET_KEY_BYTES = 48;
const MIN_VERSION = 'TLSv1.2';
/**
 * Handshakes that cost their signature when the client speaks for the second time, which OpenSSL sees before we do: so few of them
 * are under way that it may be all at once, and whoever takes longer makes room. Clients of today need none of these places.
 */
const SECOND_TIMES = { max: 32, maxOfOne: 16 };
const SECOND_TIME_MS = 3_000;

export class TlsDoor {
  readonly #server: Server;
  readonly #identities: readonly Identity[];
  readonly #default: Identity | undefined;
  readonly #hosts: ReadonlyMap<string, Identity>;
  readonly #clock: Clock;
  readonly #onUsable: () => void;
  /** Handshakes under way, by their four numbers: a server's events do not tell which socket they began with. */
  readonly #handshakes = new Map<string, Handshake>();
  readonly #turns: Turns;
  readonly #secondTimes = new FairTurns(SECOND_TIMES);
  #stopLooking = () => {};
  #isClosed = false;

  /** Why there is not one certificate to show; undefined: there is, or there came one later. */
  problem: ConfigError | undefined;

  private constructor(options: TlsOptions, clock: Clock, log: Log, onUsable: () => void) {
    const common: SecureContextOptions = {
      minVersion: MIN_VERSION,
      ticketKeys: randomBytes(TICKET_KEY_BYTES),
      sessionTimeout: Math.max(1, Math.round(options.sessionTimeoutMs / 1000)),
      ...(options.ciphers.trim() === ''
        ? {}
        : {
            ciphers: options.ciphers
              .trim()
              .split(/[:,\s]+/)
              .join(':'),
          }),
    };
    const identity = (files: CertificateFiles) => new Identity(files, common, log);
    this.#clock = clock;
    this.#turns = options.turns;
    this.#onUsable = onUsable;
    this.#default = options.certificate && identity(options.certificate);
    this.#hosts = new Map([...options.hosts].map(([name, files]) => [name.toLowerCase(), identity(files)]));
    this.#identities = [...(this.#default ? [this.#default] : []), ...this.#hosts.values()];
    this.#server = createServer({
      ...common,
      handshakeTimeout: options.handshakeTimeoutMs,
      SNICallback: (name, done) => done(null, this.#certificateFor(name)?.context),
    });
    this.#server.on('secureConnection', (socket) => this.#secured(socket));
    this.#server.on('tlsClientError', (error, socket) => this.#failed(error, socket));
  }

  /**
   * Certificates that cannot be used are logged, unless it is all of them: then `problem` says why, and `onUsable` is called
   * once there is one.
   */
  static async open(options: TlsOptions, clock: Clock, log: Log, onUsable: () => void): Promise<TlsDoor> {
    const door = new TlsDoor(options, clock, log, onUsable);
    const problems: ConfigError[] = [];
    for (const identity of door.#identities) {
      try {
        await identity.load();
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        problems.push(error);
      }
    }
    if (door.#isUsable) {
      for (const { code, message } of problems) log.error({ event: 'certificate', code }, message);
    } else
      door.problem = problems[0] ?? new ConfigError('ERR_CONFIG_CERTIFICATE', 'no certificate is configured');
    door.#useDefault();
    if (door.#identities.length > 0) door.#lookNowAndThen();
    return door;
  }

  get #isUsable(): boolean {
    return this.#identities.some(({ certificate }) => certificate);
  }

  #certificateFor(name: string): Certificate | undefined {
    const lower = name.toLowerCase();
    const identity = this.#hosts.get(lower) ?? this.#hosts.get(lower.replace(/^[^.]*/, '*'));
    return identity?.certificate ?? this.#default?.certificate;
  }

  /** Clients that name no host get it; connections that are open keep what they have. */
  #useDefault(): void {
    const certificate = this.#default?.certificate;
    if (certificate) this.#server.setSecureContext(certificate.options);
  }

  #lookNowAndThen(): void {
    this.#stopLooking = this.#clock.after(LOOK_MS, async () => {
      this.#stopLooking = () => {};
      const looks = this.#identities.map((identity) => identity.look());
      const hasChanged = (await Promise.all(looks)).includes(true);
      if (this.#isClosed) return;
      if (hasChanged) this.#useDefault();
      if (hasChanged && this.problem) {
        this.problem = undefined;
        this.#onUsable();
      }
      this.#lookNowAndThen();
    });
  }

  // ── handshakes ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** `secured` or `failed` is called, unless `raw` closes before; what it has buffered is part of the handshake. */
  accept(raw: Socket, waiting: Waiting): void {
    const key = fourNumbers(raw);
    const handshake: Handshake = { waiting, over: () => {} };
    this.#handshakes.set(key, handshake);
    raw.once('close', () => {
      this.#handshakes.delete(key);
      handshake.over();
    });
    let hello: Buffer = Buffer.alloc(0);
    const read = (bytes: Buffer) => {
      hello = hello.length > 0 ? Buffer.concat([hello, bytes]) : bytes;
      if (!hasWholeHello(hello)) return;
      raw.off('data', read);
      raw.pause();
      raw.unshift(hello);
      if (isAnsweredAtOnce(hello)) this.#begin(raw, waiting.ip);
      else this.#beginLater(raw, handshake);
    };
    raw.on('data', read);
    raw.resume();
  }

  /** When there is a place for it. It is given back when the handshake is over, and after some seconds in any case. */
  #beginLater(raw: Socket, handshake: Handshake): void {
    const { ip } = handshake.waiting;
    let cancel = () => {};
    const giveBack = this.#secondTimes.take(ip, () => {
      cancel = this.#clock.after(SECOND_TIME_MS, () => raw.destroy());
      this.#begin(raw, ip);
    });
    handshake.over = () => {
      cancel();
      giveBack();
    };
  }

  /** What OpenSSL has to do for the hello is done in `process.nextTick`. */
  #begin(raw: Socket, ip: string): void {
    const worker = this.#turns.worker(ip, () => {
      if (!worker.begin()) return;
      if (!raw.destroyed) this.#server.emit('connection', raw);
      process.nextTick(() => {
        worker.end(false);
        worker.close();
      });
    });
    worker.call();
  }

  #secured(socket: TLSSocket): void {
    const waiting = this.#take(socket);
    if (!waiting) {
      socket.destroy(); // reset in the same moment: it has no address any more
      return;
    }
    // each handshake costs a signature, and no client of ours has a reason for another one; TLS 1.3 has no such thing
    socket.disableRenegotiation();
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (!RENEGOTIATES.test(error.code ?? '')) return;
      socket.destroy(); // Node says so, and goes on
      waiting.renegotiates();
    });
    waiting.secured(socket);
  }

  #failed(error: OpenSslError, socket: TLSSocket): void {
    const { reason = error.message } = error;
    const hasNone = !this.#default?.certificate && NOTHING_TO_SHOW.has(reason);
    const why = hasNone ? 'it asks for none of the hosts that have a certificate' : reason;
    this.#take(socket)?.failed(why);
    socket.destroy();
  }

  /** Its handshake is over. */
  #take(socket: TLSSocket): Waiting | undefined {
    const key = fourNumbers(socket);
    const handshake = this.#handshakes.get(key);
    this.#handshakes.delete(key);
    handshake?.over();
    return handshake?.waiting;
  }

  /** No more looks at the files. Connections go on. */
  close(): void {
    this.#isClosed = true;
    this.#stopLooking();
  }
}

interface Handshake {
  readonly waiting: Waiting;
  /** May be called again. */
  over(): void;
}

/** What OpenSSL calls a server without a certificate, in TLS 1.3 and 1.2. */
const NOTHING_TO_SHOW: ReadonlySet<string> = new Set(['no suitable signature algorithm', 'no shared cipher']);

/** `reason`: its message without the places in OpenSSL's sources. */
interface OpenSslError extends Error {
  reason?: string;
}

export interface Waiting {
  /** Of the client. */
  readonly ip: string;
  secured(socket: TLSSocket): void;
  failed(reason: string): void;
  /** After `secured`: the client has asked for another handshake, and its connection is closed. */
  renegotiates(): void;
}

/** Codes of Node's errors. The second comes to a client that has asked so often that Node notices by itself. */
const RENEGOTIATES = /_TLS_(?:RENEGOTIATION_DISABLED|SESSION_ATTACK)$/;

function fourNumbers({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/** A pair of files and the last certificate in them that could be used. */
class Identity {
  certificate: Certificate | undefined;
  readonly #files: CertificateFiles;
  readonly #common: SecureContextOptions;
  readonly #log: Log;
  /** Of the files when they were last read, and when they were last looked at. */
  #loadedStamp = '';
  #seenStamp = '';

  constructor(files: CertificateFiles, common: SecureContextOptions, log: Log) {
    this.#files = files;
    this.#common = common;
    this.#log = log;
  }

  async load(): Promise<void> {
    this.#seenStamp = await stampOf(this.#files); // before the reading: what changes meanwhile is seen at the next look
    this.#loadedStamp = this.#seenStamp;
    this.certificate = await loadCertificate(this.#files, this.#common);
    const { names, validTo } = this.certificate;
    const facts = { event: 'certificate' as const, file: this.#files.certFile, names, validTo };
    if (validTo.getTime() < Date.now()) this.#log.warn(facts, `${this.#files.certFile} has expired`);
    else this.#log.info(facts, `certificate for ${names}, until ${validTo.toISOString().slice(0, 10)}`);
  }

  /**
   * Reads files that have changed since, once two looks in a row have seen them alike: key and certificate are two files,
   * and one may be written while the other still waits. What cannot be used leaves the last good one in its place.
   */
  async look(): Promise<boolean> {
    const stamp = await stampOf(this.#files);
    const hasSettled = stamp === this.#seenStamp;
    this.#seenStamp = stamp;
    if (!hasSettled || stamp === this.#loadedStamp) return false;
    try {
      await this.load();
      return true;
    } catch (error) {
      if (error instanceof ConfigError) {
        const still = this.certificate ? '; the last good certificate stays' : '';
        this.#log.error({ event: 'certificate', code: error.code }, `${error.message}${still}`);
      } else logBug(this.#log, error, 'certificate');
      return false;
    }
  }
}
