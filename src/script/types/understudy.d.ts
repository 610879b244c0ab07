// What the scripts in applications/ find in their global scope. No import is needed.
//
// Understudy keeps this file current: `understudy start` and `understudy new` write it anew, so do not edit it. To give
// `client.data` or the clients' remote methods a type, declare it in your own script:
//
//   declare global {
//     interface ClientData { name: string; joinedAt: number }
//     interface ClientMethods { say(text: string): boolean }
//   }
//
// The names and meanings are those of Flash Media Server's Server-Side ActionScript; "Extension" marks what it had not.
// Scripts are plain ECMAScript: there is no DOM, no Node, no file and no network here; but what browsers and
// Node have in common for values, addresses and events.

/**
 * The running instance of this application: `live/_definst_` and `live/room1` each run this script for themselves, and
 * share nothing.
 *
 * Assign handlers to it. None is compulsory, each may be async (Extension). Two handlers never run at the same time, but
 * at an `await` others may. An error in a handler is written to the log with its place in your source and ends nothing
 * but that handler: a gate (`onConnect`, `onPublish`, `onPlay`) then refuses.
 *
 * @example
 * application.onConnect = (client, token: string) => token === 'open sesame' || { deny: 'wrong token' };
 */
declare const application: Application;

/** Extension. What one instance may use up, as Application.xml says (`JSEngine`). What happens beyond stands in README.md. */
interface ApplicationLimits {
  /** Memory of the script. */
  readonly memoryMb: number;
  /** How long it may compute without a pause. */
  readonly turnMs: number;
  /** The same for top-level code and `onAppStart`. */
  readonly loadMs: number;
  /** How long a gate (`onConnect`, `onPublish`, `onPlay`) may take to decide, waiting included. */
  readonly gateMs: number;
  /** Timers at a time. */
  readonly timers: number;
  /** Events and calls of clients that may wait for their turn. */
  readonly queuedEvents: number;
  /** The size of what may wait for its turn, as JSON. */
  readonly queuedBytes: number;
  /** Lines of the log a second, ten times as many in a burst. */
  readonly logLines: number;
  /** Requests of `fetch` at a time; more wait. */
  readonly fetches: number;
}

interface Application {
  /** `application/instance`, for example `chat/_definst_`: the instance of who named none. */
  readonly name: string;
  /** Name of the machine, or what `SERVER.DOMAIN` in conf/fms.ini says. */
  readonly hostname: string;
  /** Name and version of the server. */
  readonly server: string;
  /** Settings that the operator made for this application; values are texts, or objects of such. */
  readonly config: { readonly [name: string]: any };
  /** Extension. Secrets, of `<Environment>` in Application.xml. Keep them out of `trace` and of what clients are sent. */
  readonly env: { readonly [name: string]: any };
  /**
   * Extension. Starts a command that `<Exec>` in Application.xml names; there is no shell. It belongs to the instance: it goes
   * on when the script is reloaded, and ends with the instance.
   *
   * @param values - for the holes in its arguments: `{ input: "show" }` for `{input}`. Each is a plain name, or what the hole says: a
   *   file of the application (`{input:file}`), an address on a granted host (`{target:url}`), a choice, a pattern
   * @param options - `until`: it ends with that stream
   * @example
   * const job = application.exec('thumb', { input: stream.name }, { until: stream });
   * const { code } = await job.exited;
   */
  exec(
    name: string,
    values?: { readonly [hole: string]: string | number },
    options?: { until?: Stream | string },
  ): Job;
  /** Extension. The jobs of this instance that have not ended, those that an older version of the script began as well. */
  jobs(): Promise<Job[]>;
  /** Extension. What this instance may use up. */
  readonly limits: ApplicationLimits;
  /**
   * The accepted clients. Always the same array: keep a reference to it and it stays current. A client is in it from the
   * moment it is accepted until it leaves; its index is no identity, use `client.id`.
   */
  readonly clients: readonly Client[];
  /**
   * The streams that are on air or waited for, by name.
   *
   * @example
   * const players = application.streams.cam1?.players.length ?? 0;
   */
  readonly streams: { readonly [name: string]: Stream | undefined };

  /**
   * Extension. What outlives this instance: kept on the disk, and shared by all instances of the application.
   *
   * @example
   * const visits = await application.store.add('visits');
   */
  readonly store: Store;

  /**
   * The instance starts: once, before any client connects. When it is async, connects wait until it is done.
   *
   * Extension: `info` says why it starts. A script that throws here after being edited does not replace the running one.
   *
   * @example
   * let visits = 0;
   * application.onAppStart = (info) => {
   *   if (info.reload) visits = info.state?.visits ?? 0;
   * };
   * application.onBeforeReload = () => ({ visits });
   */
  onAppStart?: (this: Application, info: AppStartInfo) => Eventually<void>;
  /**
   * The instance is about to be unloaded. `info.code` is `Application.GC` (nobody is connected any more: `false` keeps
   * it) or `Application.Shutdown` (the answer does not matter). Not called when a save reloads the script.
   *
   * At a shutdown (also `understudy reload`, the end of the server, the policy `restart`) every client is disconnected first:
   * `onUnpublish`, `onDisconnect` and, once its file is whole, `onRecord` are called as always. Async handlers and requests
   * under way have 5 s together; then comes `onAppStop`, with 2 s of its own, and a second for requests that it has begun.
   */
  onAppStop?: (this: Application, info: StatusInfo) => Eventually<boolean | void>;

  /**
   * Extension. Somebody logs in as `user` whom the operator's file of users does not name: what is the password? Asked where
   * Application.xml wants logins (`Authentication`), before there is a client; `onConnect` follows when the login was right.
   *
   * Return the password, or the hash that the scheme needs: `{ salt, hash }`, base64(MD5(user + salt + password)), for
   * `authmod=adobe`; `{ ha1 }`, hex(MD5(user:live:password)), for `authmod=llnw`. Nothing, `null` or `false`: there is no
   * such user, which the client is not told apart from a wrong password. So is an error, and no answer within 10 s.
   *
   * @example
   * application.onAuthenticate = (user) => passwords.get(user);
   */
  onAuthenticate?: (this: Application, user: string) => Eventually<LoginSecret | null | false | void>;
  /**
   * A client wants in: `args` are what it handed to `NetConnection.connect` after the address. It is not in
   * `application.clients` yet.
   *
   * | returned | effect |
   * |---|---|
   * | `true` | it is accepted |
   * | `false`, `{ deny: reason }` | it is refused: `NetConnection.Connect.Rejected` |
   * | nothing (`undefined`) | it waits until `acceptConnection` or `rejectConnection` is called, here or later |
   * | anything else | it is refused, and the log says why |
   *
   * Once `acceptConnection`, `rejectConnection` or `redirectConnection` was called, the value does not matter. An async
   * handler must decide before it ends: resolved to `undefined` without a call it refuses. No answer within 10 s
   * (`JSEngine/GateTimeOut` in Application.xml) refuses too. Without a handler everybody is accepted.
   *
   * Extension: `{ deny }`, promises. (FMS left clients waiting at values it did not understand; in classic scripts, `.asc`
   * and `.js`, so do we, until the 10 s are over.)
   */
  onConnect?: (this: Application, client: Client, ...args: any[]) => Eventually<ConnectVerdict>;
  /** A client was accepted and knows it. `args` as in `onConnect`. */
  onConnectAccept?: (this: Application, client: Client, ...args: any[]) => Eventually<void>;
  /** A client was refused. `args` as in `onConnect`. */
  onConnectReject?: (this: Application, client: Client, ...args: any[]) => Eventually<void>;
  /** An accepted client has left, for whatever reason. Its properties can still be read; calls to it go nowhere. */
  onDisconnect?: (this: Application, client: Client) => Eventually<void>;

  /**
   * A client wants to publish. Until the answer is there, nothing is on air and nobody has been told anything.
   *
   * | returned | effect |
   * |---|---|
   * | nothing, `true` | accepted |
   * | `{ as: name }` | accepted under another, public name; the requested one stays between you and the publisher |
   * | `{ record: "record" }`, `{ record: "append" }` … | accepted and recorded |
   * | `false`, `{ deny: reason }` | refused: `NetStream.Publish.Denied` |
   * | anything else | refused, and the log says why |
   *
   * `stream` is the stream that it will be; what you do to it (`stream.record()`) takes effect with the acceptance and
   * is forgotten on refusal.
   *
   * Extension: FMS called this after the publisher had been told `NetStream.Publish.Start` and ignored the result. In
   * classic scripts (`.asc`, `.js`) only `false` and `{ deny }` refuse, and values of other kinds are ignored.
   *
   * @example
   * application.onPublish = (client, stream, request) => {
   *   const name = keys.get(request.name);
   *   return name ? { as: name } : { deny: 'unknown stream key' };
   * };
   */
  onPublish?: (
    this: Application,
    client: Client,
    stream: Stream,
    request: PublishRequest,
  ) => Eventually<PublishVerdict>;
  /** A client has ceased to publish `stream`. Comes before its `onDisconnect`. */
  onUnpublish?: (this: Application, client: Client, stream: Stream) => Eventually<void>;
  /**
   * Extension. A client wants to play. `{ as: name }` gives it another stream under the name that it asked for; refusal
   * is `NetStream.Play.Failed`; otherwise as `onPublish`.
   */
  onPlay?: (
    this: Application,
    client: Client,
    stream: Stream,
    request: PlayRequest,
  ) => Eventually<PlayVerdict>;
  /** Extension. A client has ceased to play `stream`. */
  onStop?: (this: Application, client: Client, stream: Stream) => Eventually<void>;
  /**
   * Extension. A client pauses `stream` (`isPaused` is true) or resumes it. Not called while too many events wait for the script.
   *
   * @example
   * application.onPause = (client, stream, isPaused) => trace(client.id, isPaused ? 'paused' : 'resumed', stream.name);
   */
  onPause?: (this: Application, client: Client, stream: Stream, isPaused: boolean) => Eventually<void>;
  /**
   * Extension. A file of a recording is whole. Some time after the recording has ended, or while it goes on in the next file;
   * not for what ends while the application stops.
   *
   * @example
   * application.onRecord = (stream, file) => {
   *   trace(`${file.path}: ${file.duration} s, ${file.bytes} bytes, ${file.codecs.join(' and ')}`);
   * };
   */
  onRecord?: (this: Application, stream: Stream, file: RecordedFile) => Eventually<void>;
  /**
   * Extension. A recording could not be begun, or has ended because nothing more could be written. The stream goes on. The same
   * goes to `onStatus`.
   */
  onRecordError?: (this: Application, stream: Stream, error: RecordFault) => Eventually<void>;
  /** Something went wrong, or changed, that no other handler is told of. */
  onStatus?: (this: Application, info: StatusInfo) => Eventually<void>;

  /**
   * Extension. You have saved the script, and the new version has been compiled: what this returns arrives in the new
   * version's `onAppStart` as `info.state`. It has to survive `JSON.stringify`. Clients and streams need no care: they
   * stay, and so does `client.data` where JSON can hold it.
   */
  onBeforeReload?: (this: Application) => Eventually<unknown>;
  /**
   * Extension. After a reload or a crash, after `onAppStart`: called for each client that was here before. `onConnect` is not called
   * again; put here what it gave to the client and JSON cannot hold, such as functions.
   */
  onClientResume?: (this: Application, client: Client) => Eventually<void>;

  /**
   * Lets a waiting client in. Within `onConnect` the argument may be left out. After the client left, or a second time,
   * it does nothing. `client.call` may follow at once: the client is told of its acceptance first.
   */
  acceptConnection(client?: Client): void;
  /**
   * Refuses a waiting client: it gets `NetConnection.Connect.Rejected` with `description`; `error`, any value, arrives
   * as `info.application`.
   *
   * @example
   * application.rejectConnection(client, 'The room is full', { seats: 12 });
   */
  rejectConnection(client: Client, description?: string, error?: unknown): void;
  /** FMS 2's form: only the value for `info.application`. */
  rejectConnection(client: Client, error: object): void;
  /** Refuses a waiting client and tells it where to go: `info.ex` is `{ code: 302, redirect: url }`. It has to obey by itself. */
  redirectConnection(client: Client, url: string, description?: string, error?: unknown): void;
  /** Closes a client's connection, after what was sent to it before. `false` if it is gone already. */
  disconnect(client: Client): boolean;
  /** Calls `method` on every accepted client; results are not wanted. */
  broadcastMsg(method: string, ...args: unknown[]): void;
  /** Numbers of this instance since it was started, as of the last report; asking has a new one made, for the next time. */
  getStats(): InstanceStats;
  /** Unloads this instance: every client is disconnected, then `onAppStop` is called. Returns at once. */
  shutdown(): void;
}

interface ApplicationConstructor {
  readonly prototype: Application;
}
/** Not to be called: the class of `application`. */
declare var Application: ApplicationConstructor;

/**
 * Extension. Keys and JSON values of one application, on its server's disk. They survive reloads, crashes and restarts:
 * when a promise is resolved, its work is on the disk. What instances do at the same time is done in some order, one after
 * another.
 *
 * Keys have at most 512 bytes, values 64 kB as JSON, all together 16 MB; beyond that a promise is rejected with a RangeError,
 * or a QuotaExceededError when the store is full. What a version does to the store before its `onAppStart` is through is
 * done when it serves; if it never does, it is as if it had not been.
 */
interface Store {
  /** A copy of what was set, `undefined` if there is none. */
  get(key: string): Promise<any>;
  /** `value` as `JSON.stringify` has it. */
  set(key: string, value: unknown): Promise<void>;
  /** `false` if there was none. */
  delete(key: string): Promise<boolean>;
  /** Those that begin so, in order; all of them without an argument. More than 10,000 are a RangeError. */
  keys(prefix?: string): Promise<string[]>;
  /** Adds to a number, 1 if not said otherwise; what is not there counts as 0. The promise is of the sum. */
  add(key: string, n?: number): Promise<number>;
  /**
   * Sets `next` only if the value still is `expected`; `undefined` stands for none in either place. `false`: it was another.
   *
   * @example
   * const isMine = await application.store.swap('leader', undefined, application.name);
   */
  swap(key: string, expected: unknown, next: unknown): Promise<boolean>;
}

/** A value, or the promise of one. */
type Eventually<T> = T | PromiseLike<T>;

/** Why the instance starts. */
interface AppStartInfo {
  /** The script was edited; its clients and streams are here already. */
  readonly reload: boolean;
  /**
   * The script, or the process that runs scripts, had to be started anew: clients, with their `data`, and streams are here
   * already, and `onClientResume` follows. There is no `state`: what must survive that belongs into `application.store`.
   */
  readonly restored?: boolean;
  /** What the old version's `onBeforeReload` returned, as JSON keeps it. */
  readonly state?: any;
}

/** A file that was recorded, and is whole. */
interface RecordedFile {
  /** What players ask for: `show`, `mp4:show.f4v`. */
  readonly name: string;
  /** In the folder of the application: `streams/_definst_/show.flv`. The whole path if it lies elsewhere. */
  readonly path: string;
  /** Seconds. */
  readonly duration: number;
  /** Of the file. */
  readonly bytes: number;
  /** `avc`, `aac`, `hevc`, `opus` …, in the order in which they came. */
  readonly codecs: readonly string[];
  /** Why it takes no more. `segment` and `codec`: the recording goes on in another file. */
  readonly reason: 'stopped' | 'unpublished' | 'maxDuration' | 'maxSize' | 'segment' | 'codec';
}

/** A recording that failed. */
interface RecordFault {
  /** `NetStream.Record.NoAccess`: the file must not be written. `NetStream.Record.Failed`: anything else. */
  readonly code: string;
  /** For people. */
  readonly description: string;
  /** As in `RecordedFile`; none if it never got one. */
  readonly path?: string;
}

/** What happened: `code` is one of FMS's, such as `NetStream.Record.Failed`. */
interface StatusInfo {
  /** Compare this one, not `description`. */
  readonly code: string;
  /** `status`, `warning` or `error`. */
  readonly level: string;
  /** For people. */
  readonly description?: string;
  /** Often the name of a stream. */
  readonly details?: string;
  /** What another application says when it rejects a `NetConnection`. */
  readonly application?: unknown;
  /** Where another server wants a `NetConnection` that it rejects to connect instead. Nothing follows it by itself. */
  readonly ex?: Redirection;
  /** Of `NetConnection.Connect.ReconnectRequest`: the address to connect to anew; none: the same. */
  readonly tcUrl?: string;
}

/** As the other server has it; servers may leave members out, and add some of their own. */
interface Redirection {
  /** 302. */
  readonly code?: number;
  /** `rtmp://host/application` */
  readonly redirect?: string;
  /** Whatever else that server says. */
  readonly [member: string]: unknown;
}

/** A refusal with a reason, at most 200 characters, which the client is told. */
interface Denial {
  /** The reason. */
  deny: string;
}
type ConnectVerdict = boolean | void | Denial;
/** What a login is checked against. */
type LoginSecret = string | { salt: string; hash: string } | { ha1: string };
type PublishVerdict = boolean | void | Denial | PublishTerms;
type PlayVerdict = boolean | void | Denial | PlayTerms;

/** Accepted, on these terms. */
interface PublishTerms {
  /** The public name: players ask for this one, `stream.name` says it, recordings carry it. */
  as?: string;
  /** Record it: from scratch, or at the end of an earlier recording of that name. */
  record?: RecordMode;
  /**
   * Extension. Whoever publishes under that name now loses it: a client is disconnected, a stream that the server itself plays
   * ends. Without it a client loses the name only when it gives no sign of life. One that has got the name by this is safe from
   * the next such verdict for 10 s (`TakeOverInterval` in Application.xml), and each take-over in a row doubles that time.
   */
  takeOver?: boolean;
}
/** Accepted, on these terms. */
interface PlayTerms {
  /** The stream to play instead. */
  as?: string;
}

/** What a publisher asks for. Frozen. */
interface PublishRequest {
  /** As the publisher calls it, without the query: often a stream key. */
  readonly name: string;
  /** What follows the `?`, undecoded; empty if there is none. */
  readonly query: string;
  /** The same, decoded; of a name that occurs twice, the last. Check with `Object.hasOwn` before trusting a name like `constructor`. */
  readonly params: { readonly [name: string]: string | undefined };
  /** What it asks to be done: put on air, or recorded as well. */
  readonly type: 'live' | RecordMode;
  /** Extension. Who publishes that name, or with that stream key, now; undefined if nobody does. */
  readonly current?: CurrentPublisher | undefined;
}

/** Who publishes what somebody else asks to publish, as it is when `onPublish` is called. Frozen. */
interface CurrentPublisher {
  /** `client.id`, `client.ip`, `client.user` …; undefined if the server itself publishes it, with `stream.play`. */
  readonly client: Client | undefined;
  /** When it went on air. */
  readonly since: Date;
  /** When its last byte came. An encoder that works sends several times a second. */
  readonly lastByte: Date;
}

/** What a player asks for. Frozen. */
interface PlayRequest {
  /** As the player calls it, without the query. */
  readonly name: string;
  /** What follows the `?`, undecoded; empty if there is none. */
  readonly query: string;
  /** The same, decoded. */
  readonly params: { readonly [name: string]: string | undefined };
  /** -2: live, else recorded; -1: live only; from 0 on: recorded, from that second. */
  readonly start: number;
  /** Seconds; -1: to the end. */
  readonly length: number;
  /** False: after what is playing; true: at once. */
  readonly reset: boolean;
}

/**
 * Extension. What your script keeps about a client, in `client.data`. Give it your own fields:
 *
 * @example
 * declare global {
 *   interface ClientData { name: string }
 * }
 */
interface ClientData {}

/**
 * Extension. The remote methods that your script gives to all clients, so that `client.say('hi')` has a type.
 *
 * @example
 * declare global {
 *   interface ClientMethods { say(text: string): boolean }
 * }
 * Client.prototype.say = function (text) {
 *   application.broadcastMsg('said', this.data.name, text);
 *   return true;
 * };
 */
interface ClientMethods {}

/**
 * One connection to this instance, from its `onConnect` to its `onDisconnect`.
 *
 * The far end may call every function that it finds on this object or on `Client.prototype`: `nc.call("say", responder,
 * "hi")` there runs `client.say("hi")` here. What the function returns, or what its promise resolves to (Extension), is
 * the result; if it throws, the caller gets `NetConnection.Call.Failed`.
 */
interface Client extends ClientMethods {
  /** Unique among the clients of this server. */
  readonly id: string;
  /** Address of the client. */
  readonly ip: string;
  /** What program it says it is: `WIN 9,0,45,0`, `FMLE/3.0`. */
  readonly agent: string;
  /** Address of the SWF, or what the client gives out as such; empty if it says nothing. */
  readonly referrer: string;
  /** Address of the web page; empty if it says nothing. */
  readonly pageUrl: string;
  /** The address that it connected to. */
  readonly uri: string;
  /** `rtmp`, `rtmps`, `rtmpt`, `rtmpe`, `rtmpte`: how it came. A tunnel in TLS is `rtmps`. */
  readonly protocol: string;
  /** The connection is in TLS. (RTMPE hides bytes and secures nothing.) */
  readonly secure: boolean;
  /** Selects virtual folders; empty if there is none. */
  readonly virtualKey: string;
  /**
   * Extension. As whom it has logged in (`Authentication` in Application.xml); empty when it has not. A user that the address
   * names, `?user=…`, is nobody's proof.
   */
  readonly user: string;
  /** The AMF version that it speaks. Extension. */
  readonly objectEncoding: 0 | 3;
  /**
   * Folders of streams that it may play, separated by `;`. `"/"`: all (the default), `""`: none. `"public;rooms/12"`
   * covers `public/cam1` and `rooms/12/a/b`. Holds for what it asks for from now on.
   */
  readAccess: string;
  /** The same for what it may publish. Of who should have logged in and has not, `""` to begin with. */
  writeAccess: string;
  /**
   * Folders of streams whose sound Flash Player may hand to its program, as `readAccess` has them; none, unless
   * `AudioSampleAccess` in Application.xml says otherwise. Holds for what it plays from now on.
   */
  audioSampleAccess: string;
  /** The same for pictures: `VideoSampleAccess`. */
  videoSampleAccess: string;
  /**
   * Extension. A place for what your script knows about this client. It is kept over a reload where JSON can hold it, and, up
   * to 16 kB, over the loss of the process that runs scripts: as it was at the end of the last turn. (A change by way of a
   * reference that an earlier turn has kept may be noticed some turns later.)
   */
  data: ClientData;

  /**
   * Calls a method at the far end.
   *
   * @param method - its name there, `"object/method"` for one inside an object
   * @param responder - gets the result, or is a function for it; `null` or nothing if you do not care
   * @returns `false` if the client is gone
   *
   * @example
   * client.call('askName', (name) => trace(`hello ${name}`));
   */
  call(method: string, responder?: Responder | ((value: any) => void) | null, ...args: unknown[]): boolean;
  /**
   * Finds out how fast the client takes what it is sent: calls its `onBWCheck` some times, then its
   * `onBWDone(kilobitsPerSecond, kilobits, seconds, milliseconds there and back)`. Clients may ask for it by themselves,
   * `nc.call("checkBandwidth", null)`.
   */
  checkBandwidth(): void;
  /** Asks for a sign of life; the answer shows in `getStats().ping_rtt`. `false` if the client is gone. */
  ping(): boolean;
  /** Numbers as of the last report; asking has a new one made, for the next time. */
  getStats(): ClientStats;
}

interface ClientConstructor {
  readonly prototype: Client & {
    [method: string]: (this: Client, ...args: any[]) => any;
  };
}

/**
 * Not to be called: its `prototype` is where remote methods for all clients go.
 *
 * @example
 * Client.prototype.getTime = () => Date.now();
 */
declare var Client: ClientConstructor;

/** Gets the answer to a `client.call`. */
interface Responder {
  /** What the far end's method returned. */
  onResult?: (value: any) => void;
  /** The far end has no such method, or it failed. */
  onStatus?: (info: any) => void;
}

/** Since the instance was started. */
interface InstanceStats {
  /** Bytes received from all clients, those who have left included. */
  readonly bytes_in: number;
  /** Bytes sent to them. */
  readonly bytes_out: number;
  /** RTMP messages received from them. */
  readonly msg_in: number;
  /** RTMP messages sent to them. */
  readonly msg_out: number;
  /** Left out because players were too slow. */
  readonly msg_dropped: number;
  /** Clients that wanted in. */
  readonly total_connects: number;
  /** Those of them that have gone, refused ones included. */
  readonly total_disconnects: number;
}

/** Since the client connected. */
interface ClientStats {
  /** Bytes received from it. */
  readonly bytes_in: number;
  /** Bytes sent to it. */
  readonly bytes_out: number;
  /** RTMP messages received from it. */
  readonly msg_in: number;
  /** RTMP messages sent to it. */
  readonly msg_out: number;
  /** Left out because it was too slow. */
  readonly msg_dropped: number;
  /** Round trip of the last `ping()`, in ms. */
  readonly ping_rtt: number;
}

/**
 * A stream of this instance, known by its name. The same object in `onPublish`, `onUnpublish` and `application.streams`
 * for as long as the name is in use.
 */
interface Stream {
  /** The public name. */
  readonly name: string;
  /** Who publishes it. Extension. */
  readonly publisher: Client | undefined;
  /** Who plays it, or waits for it. Extension. */
  readonly players: readonly Client[];
  /** What followed the `?` when it was published; empty if nothing did. */
  readonly publishQueryString: string;
  /**
   * Records the stream to `streams/<instance>/<name>.flv` in the application's folder; a name with `mp4:` in front to an MP4.
   * The publisher is not touched, and may have been on air for long.
   *
   * @param mode - `"record"` (the default) or `true` begins a new file, `"append"` goes on at the end of the old one,
   *   `"appendWithGap"` too, with the time that has passed between, and `false` stops
   * @param maxDuration - seconds after which it stops by itself; nothing: as Application.xml has it; -1: as long as that allows
   * @param maxSize - the same in kilobytes
   * @returns `false` if that cannot be; a failure that shows later goes to `application.onRecordError`. A mode, number or option
   *   that makes no sense is a TypeError, in classic scripts `false` and a line in the log
   */
  record(mode?: RecordMode | boolean, maxDuration?: number, maxSize?: number): boolean;
  /**
   * Extension. The same with more to say.
   *
   * @example
   * stream.record({ format: 'mp4', file: 'archive/{stream} {date} {time}', segment: 3600 });
   */
  record(options: RecordOptions): boolean;
  /**
   * Deletes what was recorded under this name: `NetStream.Clear.Success` or `.Failed` goes to `onStatus`. FMS returned a boolean;
   * this is the promise of one.
   */
  clear(): Promise<boolean>;
  /** Writes what waits of a recording to its file; resolved when it is there, `false` if nothing is recorded. */
  flush(): Promise<boolean>;
  /**
   * For this instance: streams whose names begin with `virtualPath/` have their files in `directory`, below the `streams` of this
   * application. Without a directory that is taken back. `false` if it cannot be.
   */
  setVirtualPath(virtualPath: string, directory?: string): boolean;
  /** Of what the server plays into this stream, the name of the item that has begun. Extension. */
  readonly source: string | undefined;
  /**
   * Has the server publish this stream: it plays `source` into it, in real time, for all who play the stream, recorded or live, as
   * they would see a client's. Items follow each other without a gap. The stream belongs to the instance: it plays on when the
   * script is saved, and `source` says what. A client that publishes under the name is taken off it, and as long as the server has
   * the name, no client gets it (`NetStream.Publish.BadName`).
   *
   * `onStatus` hears `NetStream.Play.Reset`, `.Start` and `.Stop` of each item with its name in `details`, `.Switch` when the next
   * follows, `.StreamNotFound` or `.Failed` when it cannot be played and the next one has its turn, `.PublishNotify` and
   * `.UnpublishNotify` of a live source, and of the stream itself `NetStream.Publish.Start` and `NetStream.Unpublish.Success`. Whoever
   * plays on within a second of the last `.Stop` leaves no gap.
   *
   * @param source - a file (`show`, `mp4:film.mp4`, `mp3:song`) or a live stream of this instance; `false` ends it
   * @param start - -2 (the default): live if it is on air, else the file, else live as soon as it is; -1: live; from 0 on: the file,
   *   from the keyframe at or before that second
   * @param length - seconds; -1 (the default): to the end, which of a live stream is when its publisher goes and another item waits;
   *   0: one picture
   * @param reset - `true` or 1 (the default): now, in place of what is played and waits; `false` or 0: behind it. 2 and 3 are taken
   *   for 0 and 1
   * @returns `false` if that makes no sense
   *
   * @example
   * const channel = Stream.get('channel')!;
   * channel.onStatus = ({ code }) => {
   *   if (code === 'NetStream.Play.Stop') channel.play('show', 0, -1, false);
   * };
   * channel.play('show', 0);
   */
  play(source: string | false, start?: number, length?: number, reset?: boolean | number): boolean;
  /**
   * Publishes a stream of another server as this one, in the place of a client that does. What becomes of it goes to `onStatus`:
   * `NetStream.Play.Start`, `.UnpublishNotify` and `.PublishNotify` when its publisher goes and comes back, and at the end, which is that
   * of its connection at the latest, `.Stop`. Nothing is tried again by itself.
   *
   * @param name - as the other server knows it
   * @param start - seconds from the beginning of a recorded stream; -1: live alone; -2: live, or recorded if it is not
   * @param length - seconds; -1: all of it
   * @param reset - `false`: when everything that was to be played before has come to its end
   * @returns `false` if that cannot be
   *
   * @example
   * const nc = new NetConnection();
   * nc.onStatus = (info) => {
   *   if (info.code === 'NetConnection.Connect.Success') Stream.get('copy')!.play('show', -1, -1, true, nc);
   * };
   * nc.connect('rtmp://origin.example.com/live');
   */
  play(name: string, start: number, length: number, reset: boolean, connection: NetConnection): boolean;
  /**
   * A data message to all who play the stream and to its recording, not to its publisher; the stream may be a client's.
   * `send('@setDataFrame', 'onTitle', …)` keeps it for those who come later, `send('@clearDataFrame', 'onTitle')` forgets it.
   */
  send(handler: string, ...args: any[]): boolean;
  /** Whether sound of what the server plays is taken over. It is until it is said not to be. */
  receiveAudio: boolean;
  /** The same of pictures, which come back with the next keyframe. */
  receiveVideo: boolean;
  /** Seconds, as `setBufferTime` has set them; 2 until then. */
  readonly bufferTime: number;
  /** How much a source on another server is asked to send ahead. Files and streams of this instance need none. */
  setBufferTime(seconds: number): void;
  /** What the server plays into this stream, and its recording: `NetStream.Record.Start` … Without it, `application.onStatus` is told. */
  onStatus?: (this: Stream, info: StatusInfo) => Eventually<void>;
  /** Extension. Takes its publisher off the stream; `reason` is what the publisher is told. `false` if that cannot be. */
  disconnect(reason?: string): boolean;
}

interface StreamConstructor {
  readonly prototype: Stream;
  /**
   * The stream of that name, on air or not: `publisher` and `players` tell. Without a name: `undefined`. When a client publishes
   * under that name later, `onPublish` has an object of its own; both show the same stream from then on.
   *
   * @example
   * const isOnAir = Stream.get('show')?.publisher !== undefined;
   */
  get(name: string): Stream | undefined;
  /**
   * Seconds of what is recorded under that name (`show`, `mp4:show.f4v`), also while it grows; 0 if there is nothing. FMS returned
   * the number itself; this is the promise of it.
   */
  length(name: string): Promise<number>;
  /** The same in bytes. */
  size(name: string): Promise<number>;
}

/**
 * A connection of this instance to another application: of another server, or of this one. Where it may go is granted in
 * `Application.xml`, `<NetConnection> <Hosts>`. Remote calls and shared objects over it are to come.
 *
 * When the script is saved, or has crashed, what was connected and published goes on: a version that makes the same connection,
 * with the same arguments, and publishes the same there, takes it over as it is, and nobody at the other end notices. What no version
 * has taken over after ten seconds is forgotten: it ends with the last stream that it carries, at the latest with the instance.
 *
 * @example
 * const nc = new NetConnection();
 * nc.onStatus = (info) => {
 *   if (info.code !== 'NetConnection.Connect.Success') return;
 *   const ns = new NetStream(nc);
 *   ns.attach(Stream.get('show')!);
 *   ns.publish('show');
 * };
 * nc.connect('rtmp://live.example.com/app');
 */
interface NetConnection {
  /** The other application has accepted it, and it has not been closed. */
  readonly isConnected: boolean;
  /** As it was given to `connect`; empty before. */
  readonly uri: string;
  /**
   * What was open before is closed, without a status. What comes of it is a status: `NetConnection.Connect.Success`, `.Rejected` (with
   * what the other script says as `info.application`, and where to connect instead as `info.ex.redirect`), `.Failed`, and later `.Closed`. Nothing is tried again by itself.
   *
   * @param uri - `rtmp://host[:port]/application[/instance]`, `rtmps://…`; `rtmp:/application` is on this server
   * @param args - what `onConnect` of the other application gets
   * @returns `false` if that is no such address
   */
  connect(uri: string, ...args: unknown[]): boolean;
  /** Ends it, and what is published by it. */
  close(): void;
  /** What becomes of the connection. Without it, `application.onStatus` is told. */
  onStatus?: (this: NetConnection, info: StatusInfo) => Eventually<void>;
}

interface NetConnectionConstructor {
  readonly prototype: NetConnection;
  /**
   * Extension. Closes what earlier versions of this script have connected and this one has not taken over by the same
   * `connect`. Without it such a connection goes on with the streams that it carries, and the log has a warning of it.
   */
  closeForgotten(): void;
  /** One that is not connected yet. */
  new (): NetConnection;
}

/**
 * A stream of this instance that is published elsewhere. The media does not pass through the script: the server sends it, from the last
 * keyframe on, as to a player. Another server that is too slow loses frames, as a slow player does, and in the end its connection.
 */
interface NetStream {
  /** What is published: a stream of this instance, on air or not yet. Its publishers may come and go. `false`: nothing any more. */
  attach(stream: Stream | false): boolean;
  /**
   * Begins when the connection is there. What comes of it is a status: `NetStream.Publish.Start`, `.BadName`, whatever else the other
   * server says, and `NetStream.Unpublish.Success` at the end.
   *
   * @param name - as the other server is to know it, often a stream key; `false` ends what is published
   * @returns `false` if there is no connection
   */
  publish(name: string | false, howToPublish?: 'live' | RecordMode): boolean;
  /** The same as `publish(false)`. */
  close(): void;
  /** Seconds. Remembered and no more: what may wait for a slow server stands in Application.xml, `<Backlog>`. */
  setBufferTime(seconds: number): void;
  /** As it was given to `setBufferTime`. */
  readonly bufferTime: number;
  /** What becomes of it. Without it, `application.onStatus` is told. */
  onStatus?: (this: NetStream, info: StatusInfo) => Eventually<void>;
}

interface NetStreamConstructor {
  readonly prototype: NetStream;
  /** One that publishes by that connection, which need not be there yet. */
  new (connection: NetConnection): NetStream;
}

type RecordMode = 'record' | 'append' | 'appendWithGap';

/** How a stream is recorded; see `stream.record`. */
interface RecordOptions {
  /** As in `record`; `true` is `record`, `false` ends it. */
  mode?: RecordMode | boolean;
  /** Otherwise as the prefix of the stream, or the name of the file, says. An MP4 holds no VP6, Speex and the like, and no data. */
  format?: 'flv' | 'mp4';
  /**
   * The name of the file below `streams/<instance>`, otherwise that of the stream. `{stream}`, `{application}`, `{instance}`,
   * `{client}` (its id), `{ip}`, `{date}` (2026-02-03), `{time}` (04-05-06) and `{n}` (of the segment) stand for what they say. The
   * time is that at which the file begins, the zone that of the server. What the name of a file cannot hold is `%3A` (a colon), `%2F`
   * (a slash) and the like in `{stream}`, and `_` in the others.
   */
  file?: string;
  /** Seconds; as in `record`. */
  maxDuration?: number;
  /** Kilobytes; as in `record`. */
  maxSize?: number;
  /**
   * A new file is begun at the first keyframe behind so many seconds. `show-2.flv` follows `show.flv`; a name with `{time}` or `{date}`
   * in it needs no number.
   */
  segment?: number;
  /**
   * With `segment`: files begin with the clock of the server instead, at the first keyframe behind each multiple of so many seconds
   * since midnight. With 3600 that is each full hour; the first file is shorter.
   */
  align?: boolean;
}
/** A running command; see `application.exec`. */
interface Job {
  /** Of the command. */
  readonly name: string;
  /** Rejected when it could not be begun. `code` is null when a signal ended it; `stderr`: the last 8 kB of that. */
  readonly exited: Promise<{
    readonly code: number | null;
    readonly signal: string | null;
    readonly stderr: string;
  }>;
  /** Asks it to end, and 5 s later makes it. */
  kill(): void;
}

/** Not to be called; see `Stream.get` and `application.streams`. */
declare var Stream: StreamConstructor;

declare var NetConnection: NetConnectionConstructor;
declare var NetStream: NetStreamConstructor;

/**
 * Classic scripts (`.asc`, `.js`) only: runs another file of this application once this one is through, before
 * `onAppStart`. Modules (`.ts`, `.mjs`) import.
 *
 * @param file - relative to the folder of the main script
 */
declare function load(file: string): void;

/** Writes to the log: the server's, and the application's `logs/_defaultVHost_/<application>/<instance>/application.00.log`. */
declare function trace(...values: unknown[]): void;

/** Extension. `trace` with levels. */
declare const console: {
  /** The same as `trace`. */
  log(...values: unknown[]): void;
  /** The same. */
  info(...values: unknown[]): void;
  /** A warning, in either log. */
  warn(...values: unknown[]): void;
  /** An error, in either log; nothing else follows from it. */
  error(...values: unknown[]): void;
  /** The lowest level: the server's own log leaves it out unless it is asked to say more. */
  debug(...values: unknown[]): void;
  /** The lowest level, like `debug`. */
  trace(...values: unknown[]): void;
  /** The same as `log`. */
  dir(...values: unknown[]): void;
  /** Says something only if `condition` is not so. */
  assert(condition: unknown, ...values: unknown[]): void;
};

/**
 * Calls `handler(...args)` every `ms` milliseconds until `clearInterval`, or until the instance ends or is reloaded.
 *
 * @returns a number that names the timer
 */
declare function setInterval<Args extends unknown[]>(
  handler: (...args: Args) => void,
  ms?: number,
  ...args: Args
): number;
/** The Flash Player's form: calls `object[method](...args)`. */
declare function setInterval<Name extends string>(
  object: { [name in Name]: (...args: never[]) => void },
  method: Name,
  ms?: number,
  ...args: unknown[]
): number;
/** Ends an interval. `undefined`, and one that has ended, are nothing to it. */
declare function clearInterval(timer: number | undefined): void;
/** Extension. Calls `handler(...args)` once, after `ms` milliseconds. */
declare function setTimeout<Args extends unknown[]>(
  handler: (...args: Args) => void,
  ms?: number,
  ...args: Args
): number;
/** Takes a timer back that has not fired. */
declare function clearTimeout(timer: number | undefined): void;
/** Extension. Calls `handler` as soon as what is running now is through. */
declare function queueMicrotask(handler: () => void): void;

// Extensions from here on: what ECMAScript leaves to its hosts, as browsers have it.

/**
 * Text → bytes, UTF-8.
 *
 * @see https://encoding.spec.whatwg.org/#interface-textencoder
 */
declare class TextEncoder {
  readonly encoding: string;
  encode(text?: string): Uint8Array<ArrayBuffer>;
}

/**
 * Bytes → text, UTF-8. With `fatal`, bytes that are not UTF-8 throw a TypeError; otherwise they become U+FFFD.
 *
 * @see https://encoding.spec.whatwg.org/#interface-textdecoder
 */
declare class TextDecoder {
  constructor(encoding?: 'utf-8' | 'utf8', options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  /** `stream`: more follows, a character may be cut in two. */
  decode(bytes?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
}

/** Base64 → binary text, one character a byte. Throws at what is not Base64. */
declare function atob(base64: string): string;
/** Binary text → Base64. Throws at characters beyond U+00FF. */
declare function btoa(binary: string): string;

/**
 * A deep copy: of plain objects, arrays, maps, sets, dates, buffers and errors, cycles included. Functions, clients and
 * streams throw a DataCloneError. Buffers in `transfer` are empty afterwards.
 */
declare function structuredClone<T>(value: T, options?: { transfer?: readonly ArrayBuffer[] }): T;

/** A clock that is never put back. */
declare const performance: {
  /** Milliseconds since the script was loaded: whole ones, and never fewer than before. */
  now(): number;
  /** When the script was loaded, as `Date.now()` counts. */
  readonly timeOrigin: number;
};

/**
 * An error that is told apart by its name: `AbortError`, `TimeoutError`, `QuotaExceededError`.
 *
 * @see https://webidl.spec.whatwg.org/#idl-DOMException
 */
declare class DOMException extends Error {
  constructor(message?: string, name?: string);
  readonly code: number;
}

/**
 * What listeners of an `EventTarget` are given.
 *
 * @see https://dom.spec.whatwg.org/#interface-event
 */
declare class Event {
  constructor(type: string, init?: { bubbles?: boolean; cancelable?: boolean; composed?: boolean });
  readonly type: string;
  readonly target: EventTarget | null;
  readonly currentTarget: EventTarget | null;
  readonly bubbles: boolean;
  readonly cancelable: boolean;
  readonly composed: boolean;
  readonly defaultPrevented: boolean;
  readonly timeStamp: number;
  preventDefault(): void;
  stopPropagation(): void;
  stopImmediatePropagation(): void;
  composedPath(): EventTarget[];
}
type EventListener = ((event: Event) => void) | { handleEvent(event: Event): void };

/**
 * A base for objects with listeners of your own.
 *
 * @see https://dom.spec.whatwg.org/#interface-eventtarget
 */
declare class EventTarget {
  addEventListener(
    type: string,
    listener: EventListener | null,
    options?: boolean | { capture?: boolean; once?: boolean; passive?: boolean; signal?: AbortSignal },
  ): void;
  removeEventListener(
    type: string,
    listener: EventListener | null,
    options?: boolean | { capture?: boolean },
  ): void;
  /** `false`: a listener called `preventDefault`. An error in a listener goes to the log. */
  dispatchEvent(event: Event): boolean;
}

/**
 * Says that something is not wanted any more.
 *
 * @see https://dom.spec.whatwg.org/#interface-AbortSignal
 */
declare class AbortSignal extends EventTarget {
  private constructor();
  static abort(reason?: unknown): AbortSignal;
  /** Aborted by itself after so many milliseconds, with a TimeoutError. */
  static timeout(ms: number): AbortSignal;
  /** Aborted with the first of them. */
  static any(signals: Iterable<AbortSignal>): AbortSignal;
  readonly aborted: boolean;
  readonly reason: any;
  onabort: ((this: AbortSignal, event: Event) => void) | null;
  throwIfAborted(): void;
}

/**
 * Whose `signal` can be aborted.
 *
 * @see https://dom.spec.whatwg.org/#interface-abortcontroller
 */
declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

/**
 * Addresses, taken apart and put together. Throws a TypeError at what is none.
 *
 * @example
 * const key = new URL(client.uri).searchParams.get('key');
 * @see https://url.spec.whatwg.org/#url-class
 */
declare class URL {
  constructor(url: string | URL, base?: string | URL);
  static canParse(url: string | URL, base?: string | URL): boolean;
  static parse(url: string | URL, base?: string | URL): URL | null;
  href: string;
  readonly origin: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  /** What is done to it is done to the address. */
  readonly searchParams: URLSearchParams;
  hash: string;
  toString(): string;
  toJSON(): string;
}

/**
 * Query strings.
 *
 * @example
 * const token = new URLSearchParams(stream.publishQueryString).get('token');
 * @see https://url.spec.whatwg.org/#interface-urlsearchparams
 */
declare class URLSearchParams {
  constructor(init?: string | Iterable<readonly [string, string]> | { readonly [name: string]: string });
  readonly size: number;
  append(name: string, value: string): void;
  delete(name: string, value?: string): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string, value?: string): boolean;
  set(name: string, value: string): void;
  sort(): void;
  toString(): string;
  forEach(call: (value: string, name: string, params: URLSearchParams) => void): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
}

/**
 * Names and values of a request or an answer. Names are the same in any case.
 *
 * @see https://fetch.spec.whatwg.org/#headers-class
 */
declare class Headers {
  constructor(init?: Headers | Iterable<readonly [string, string]> | { readonly [name: string]: string });
  append(name: string, value: string): void;
  delete(name: string): void;
  /** Several values of one name come as one text, with commas. */
  get(name: string): string | null;
  getSetCookie(): string[];
  has(name: string): boolean;
  set(name: string, value: string): void;
  forEach(call: (value: string, name: string, headers: Headers) => void): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
}

type BodyInit = string | ArrayBuffer | ArrayBufferView | URLSearchParams;

/**
 * What requests and answers have in common. It can be read once.
 *
 * @see https://fetch.spec.whatwg.org/#body-mixin
 */
interface Body {
  readonly bodyUsed: boolean;
  text(): Promise<string>;
  json(): Promise<any>;
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/**
 * What `fetch` needs of a signal: an `AbortSignal`, or one of a package.
 *
 * @see https://dom.spec.whatwg.org/#interface-AbortSignal
 */
interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: any;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * How to ask.
 *
 * @see https://fetch.spec.whatwg.org/#requestinit
 */
interface RequestInit {
  method?: string;
  headers?: Headers | Iterable<readonly [string, string]> | { readonly [name: string]: string };
  body?: BodyInit | null;
  /** What to do when the server names another place. `follow` by default. */
  redirect?: 'follow' | 'error' | 'manual';
  /** Gives the request up when it is aborted. */
  signal?: AbortSignalLike | null;
}

/**
 * A question to a Web server; see `fetch`.
 *
 * @see https://fetch.spec.whatwg.org/#request-class
 */
declare class Request implements Body {
  constructor(input: string | { toString(): string } | Request, init?: RequestInit);
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly redirect: string;
  readonly bodyUsed: boolean;
  text(): Promise<string>;
  json(): Promise<any>;
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  arrayBuffer(): Promise<ArrayBuffer>;
  clone(): Request;
}

/**
 * The answer of a Web server.
 *
 * @see https://fetch.spec.whatwg.org/#response-class
 */
declare class Response implements Body {
  constructor(
    body?: BodyInit | null,
    init?: { status?: number; statusText?: string; headers?: RequestInit['headers'] },
  );
  /** The status is one of 200 to 299. */
  readonly ok: boolean;
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  /** Where the answer came from, redirections followed. */
  readonly url: string;
  readonly redirected: boolean;
  readonly bodyUsed: boolean;
  text(): Promise<string>;
  json(): Promise<any>;
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  arrayBuffer(): Promise<ArrayBuffer>;
  clone(): Response;
  static json(value: unknown, init?: { status?: number; headers?: RequestInit['headers'] }): Response;
}

/**
 * Asks a Web server. Only hosts that `<Fetch> <Hosts>` in Application.xml names can be reached; answers come whole, and their
 * length, the time that they may take and how many run at a time are limited there as well.
 *
 * @throws TypeError when there is no answer, and says why; `TimeoutError` when it took too long
 */
declare function fetch(
  input: string | { toString(): string } | Request,
  init?: RequestInit,
): Promise<Response>;

type BufferSource = ArrayBuffer | ArrayBufferView;
type HashName = 'SHA-1' | 'SHA-256' | 'SHA-384' | 'SHA-512';
type KeyFormat = 'raw' | 'spki' | 'pkcs8' | 'jwk';
type KeyUsage =
  | 'encrypt'
  | 'decrypt'
  | 'sign'
  | 'verify'
  | 'deriveKey'
  | 'deriveBits'
  | 'wrapKey'
  | 'unwrapKey';
/**
 * `{ name: 'ECDSA', namedCurve: 'P-256' }`; the members that each algorithm wants are those of the Web Cryptography API.
 *
 * @see https://w3c.github.io/webcrypto/#algorithm-dictionary
 */
interface Algorithm {
  name: string;
  [member: string]: any;
}
type AlgorithmIdentifier = string | Algorithm;

/**
 * A key that `crypto.subtle` works with. Its bytes are seen by nobody unless it is extractable.
 *
 * @see https://w3c.github.io/webcrypto/#cryptokey-interface
 */
declare class CryptoKey {
  private constructor();
  readonly type: 'secret' | 'public' | 'private';
  readonly extractable: boolean;
  readonly algorithm: Algorithm;
  readonly usages: KeyUsage[];
}
/**
 * Of an algorithm that has a public key.
 *
 * @see https://w3c.github.io/webcrypto/#keypair
 */
interface CryptoKeyPair {
  publicKey: CryptoKey;
  privateKey: CryptoKey;
}
/**
 * A key as JSON.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7517
 */
interface JsonWebKey {
  kty?: string;
  [member: string]: any;
}

/**
 * The Web Cryptography API: SHA-1 and SHA-2, HMAC, RSASSA-PKCS1-v1_5, RSA-PSS, RSA-OAEP, ECDSA, ECDH, Ed25519, X25519, AES-GCM,
 * AES-CBC, AES-CTR, AES-KW, HKDF, PBKDF2. At most 1 MiB a call, 64 calls at a time, RSA keys of 4096 bits, a million iterations.
 *
 * @see https://w3c.github.io/webcrypto/#subtlecrypto-interface
 */
interface SubtleCrypto {
  digest(hash: AlgorithmIdentifier, data: BufferSource): Promise<ArrayBuffer>;
  importKey(
    format: KeyFormat,
    key: BufferSource | JsonWebKey,
    algorithm: AlgorithmIdentifier,
    extractable: boolean,
    usages: readonly KeyUsage[],
  ): Promise<CryptoKey>;
  exportKey(format: 'jwk', key: CryptoKey): Promise<JsonWebKey>;
  exportKey(format: Exclude<KeyFormat, 'jwk'>, key: CryptoKey): Promise<ArrayBuffer>;
  /** A pair for algorithms that have a public key. */
  generateKey(
    algorithm: AlgorithmIdentifier,
    extractable: boolean,
    usages: readonly KeyUsage[],
  ): Promise<CryptoKey | CryptoKeyPair>;
  sign(algorithm: AlgorithmIdentifier, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer>;
  /** Compares in constant time. */
  verify(
    algorithm: AlgorithmIdentifier,
    key: CryptoKey,
    signature: BufferSource,
    data: BufferSource,
  ): Promise<boolean>;
  encrypt(algorithm: AlgorithmIdentifier, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer>;
  decrypt(algorithm: AlgorithmIdentifier, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer>;
  deriveBits(algorithm: AlgorithmIdentifier, key: CryptoKey, length: number): Promise<ArrayBuffer>;
  deriveKey(
    algorithm: AlgorithmIdentifier,
    key: CryptoKey,
    derived: AlgorithmIdentifier,
    extractable: boolean,
    usages: readonly KeyUsage[],
  ): Promise<CryptoKey>;
  wrapKey(
    format: KeyFormat,
    key: CryptoKey,
    wrappingKey: CryptoKey,
    algorithm: AlgorithmIdentifier,
  ): Promise<ArrayBuffer>;
  unwrapKey(
    format: KeyFormat,
    wrapped: BufferSource,
    unwrappingKey: CryptoKey,
    algorithm: AlgorithmIdentifier,
    unwrapped: AlgorithmIdentifier,
    extractable: boolean,
    usages: readonly KeyUsage[],
  ): Promise<CryptoKey>;
}

/** What is to be secret or unforgeable. */
declare const crypto: {
  /** Fills an array of whole numbers, with random ones: up to 16 KiB between two pauses of the script. */
  getRandomValues<T extends ArrayBufferView>(array: T): T;
  /** A random UUID, version 4. */
  randomUUID(): string;
  /** Hashes, signatures, encryption. */
  readonly subtle: SubtleCrypto;
};
