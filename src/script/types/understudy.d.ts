// The global scope of the scripts in applications/. No import is needed.
//
// Understudy keeps this file current: `understudy start` and `understudy new` rewrite it, so do not edit it. To give
// `client.data` or the clients' remote methods a type, declare it in your own script:
//
//   declare global {
//     interface ClientData { name: string; joinedAt: number }
//     interface ClientMethods { say(text: string): boolean }
//   }
//
// The names and meanings are those of Flash Media Server's Server-Side ActionScript; "Extension" marks additions.
// Scripts are plain ECMAScript: there is no DOM, no Node, no file and no network here. Scripts have the
// APIs for values, URLs and events that browsers and Node share.

/**
 * The running instance of this application: `live/_definst_` and `live/room1` each run the script separately, and
 * share nothing.
 *
 * Assign handlers to it. All handlers are optional, and each may be async (Extension). Two handlers never run at the same
 * time, but others may run while one waits at an `await`. An error in a handler is written to the log with its place in your source and ends nothing
 * but that handler: a gate (`onConnect`, `onPublish`, `onPlay`) then refuses.
 *
 * @example
 * application.onConnect = (client, token: string) => token === 'open sesame' || { deny: 'wrong token' };
 */
declare const application: Application;

/** Extension. Limits of one instance, from `JSEngine` in Application.xml. README.md describes what happens above them. */
interface ApplicationLimits {
  /** Memory limit of the script. */
  readonly memoryMb: number;
  /** Longest time that it may compute without a pause. */
  readonly turnMs: number;
  /** The same for top-level code and `onAppStart`. */
  readonly loadMs: number;
  /** Timeout for the decision of `onConnect`, `onPublish` or `onPlay`, including the time in the queue. */
  readonly gateMs: number;
  /** Maximum number of timers. */
  readonly timers: number;
  /** Maximum number of events and calls of clients in the queue. */
  readonly queuedEvents: number;
  /** Maximum size of the queue, measured as JSON. */
  readonly queuedBytes: number;
  /** Log lines per second; a burst of ten times as many is allowed. */
  readonly logLines: number;
  /** Maximum number of clients that play one live stream, from `Live/MaxPlayers`; absent: any number. */
  readonly players?: number;
  /** Maximum number of concurrent requests of `fetch`; more wait in a queue. */
  readonly fetches: number;
}

interface Application {
  /** `application/instance`, for example `chat/_definst_`, the instance of clients that name none. */
  readonly name: string;
  /** Host name of the machine, or the value of `SERVER.DOMAIN` in conf/fms.ini. */
  readonly hostname: string;
  /** Name and version of the server. */
  readonly server: string;
  /** Settings of the operator for this application; values are strings, or objects of strings. */
  readonly config: { readonly [name: string]: any };
  /** Extension. Secrets, from `<Environment>` in Application.xml. Do not write them to the log, and do not send them to clients. */
  readonly env: { readonly [name: string]: any };
  /**
   * Extension. Starts a command that `<Exec>` in Application.xml names; there is no shell. The command belongs to the instance: it goes
   * on when the script is reloaded, and ends with the instance.
   *
   * @param values - for the placeholders in its arguments: `{ input: "show" }` for `{input}`. Each is a plain name, or what the placeholder
   *   requires: a file of the application (`{input:file}`), a URL on a granted host (`{target:url}`), a choice, a pattern
   * @param options - `until`: the command ends when that stream ends
   * @example
   * const job = application.exec('thumb', { input: stream.name }, { until: stream });
   * const { code } = await job.exited;
   */
  exec(
    name: string,
    values?: { readonly [hole: string]: string | number },
    options?: { until?: Stream | string },
  ): Job;
  /** Extension. The running jobs of this instance, including those that an older version of the script started. */
  jobs(): Promise<Job[]>;
  /** Extension. Limits of this instance. */
  readonly limits: ApplicationLimits;
  /**
   * The accepted clients. It is always the same array, so a reference to it stays current. It contains a client from its
   * acceptance until it disconnects. The index of a client may change; use `client.id` to identify it.
   */
  readonly clients: readonly Client[];
  /**
   * The streams that are live or that players wait for, by name.
   *
   * @example
   * const players = application.streams.cam1?.players.length ?? 0;
   */
  readonly streams: { readonly [name: string]: Stream | undefined };

  /**
   * Extension. Values that outlive this instance: stored on disk, and shared by all instances of the application.
   *
   * @example
   * const visits = await application.store.add('visits');
   */
  readonly store: Store;

  /**
   * Called once when the instance starts, before any client connects. If it is async, connects wait until it settles.
   *
   * Extension: `info` says why the instance starts. If an edited script throws here, it does not replace the running one.
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
   * Called before the instance is unloaded. `info.code` is `Application.GC` (no client is connected; return `false` to keep the
   * instance) or `Application.Shutdown` (the result is ignored). Not called when a save reloads the script.
   *
   * At a shutdown (also `understudy reload`, the end of the server, the policy `restart`) every client is disconnected first:
   * `onUnpublish`, `onDisconnect` and, once its file is complete, `onRecord` are called as usual. Pending async handlers and
   * requests have 5 s together. Then `onAppStop` is called: it has 2 s, and the requests that it started have one more second.
   */
  onAppStop?: (this: Application, info: StatusInfo) => Eventually<boolean | void>;

  /**
   * Extension. Returns the password of `user`. Called when a client logs in as a user that the operator's file of users does not
   * contain, if Application.xml requires logins (`Authentication`). `onConnect` follows if the login is correct.
   *
   * Return the password, or the hash that the scheme needs: `{ salt, hash }`, base64(MD5(user + salt + password)), for
   * `authmod=adobe`; `{ ha1 }`, hex(MD5(user:live:password)), for `authmod=llnw`. Return nothing, `null` or `false` if there is
   * no such user. The client gets the same response as for a wrong password. An error, or no result within 10 s, has the same effect.
   *
   * @example
   * application.onAuthenticate = (user) => passwords.get(user);
   */
  onAuthenticate?: (this: Application, user: string) => Eventually<LoginSecret | null | false | void>;
  /**
   * A client requests to connect. `args` are the arguments of its `NetConnection.connect` after the address. The client is not
   * in `application.clients` yet.
   *
   * | returned | effect |
   * |---|---|
   * | `true` | the client is accepted |
   * | `false`, `{ deny: reason }` | the client is refused: `NetConnection.Connect.Rejected` |
   * | nothing (`undefined`) | the client waits until `acceptConnection` or `rejectConnection` is called, here or later |
   * | anything else | the client is refused, and the log gives the reason |
   *
   * After a call of `acceptConnection`, `rejectConnection` or `redirectConnection` the result is ignored. An async handler must
   * decide before it settles: if it resolves to `undefined` without such a call, the client is refused. The client is also
   * refused after 10 s without a decision (`JSEngine/GateTimeOut` in Application.xml). Without a handler all clients are accepted.
   *
   * Extension: `{ deny }`, promises. (FMS left clients waiting after other values; so does Understudy in classic
   * scripts, `.asc` and `.js`, until the 10 s are over.)
   */
  onConnect?: (this: Application, client: Client, ...args: any[]) => Eventually<ConnectVerdict>;
  /** A client was accepted and has received the response. `args` as in `onConnect`. */
  onConnectAccept?: (this: Application, client: Client, ...args: any[]) => Eventually<void>;
  /** A client was refused. `args` as in `onConnect`. */
  onConnectReject?: (this: Application, client: Client, ...args: any[]) => Eventually<void>;
  /** An accepted client has disconnected, for any reason. Its properties can still be read; calls to it have no effect. */
  onDisconnect?: (this: Application, client: Client) => Eventually<void>;

  /**
   * A client requests to publish. Until the decision the stream is not live, and nobody receives a notification.
   *
   * | returned | effect |
   * |---|---|
   * | nothing, `true` | accepted |
   * | `{ as: name }` | accepted under another, public name; only the publisher and the script know the requested one |
   * | `{ record: "record" }`, `{ record: "append" }` … | accepted and recorded |
   * | `false`, `{ deny: reason }` | refused: `NetStream.Publish.Denied` |
   * | anything else | refused, and the log gives the reason |
   *
   * `stream` is the future stream. Calls on it, such as `stream.record()`, take effect when the client is accepted, and are
   * discarded when it is refused.
   *
   * Extension: FMS called this after it had sent `NetStream.Publish.Start` to the publisher, and ignored the result. In
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
  /** A client has stopped publishing `stream`. Called before its `onDisconnect`. */
  onUnpublish?: (this: Application, client: Client, stream: Stream) => Eventually<void>;
  /**
   * Extension. A client requests to play. `{ as: name }` gives it another stream under the requested name. On refusal it gets
   * `NetStream.Play.Failed`. Otherwise the same as `onPublish`.
   */
  onPlay?: (
    this: Application,
    client: Client,
    stream: Stream,
    request: PlayRequest,
  ) => Eventually<PlayVerdict>;
  /** Extension. A client has stopped playing `stream`. */
  onStop?: (this: Application, client: Client, stream: Stream) => Eventually<void>;
  /**
   * Extension. A client pauses `stream` (`isPaused` is true) or resumes it. Not called while too many events wait for the script.
   *
   * @example
   * application.onPause = (client, stream, isPaused) => trace(client.id, isPaused ? 'paused' : 'resumed', stream.name);
   */
  onPause?: (this: Application, client: Client, stream: Stream, isPaused: boolean) => Eventually<void>;
  /**
   * Extension. A file of a recording is complete. Called some time after the recording has ended, or while it goes on in the next
   * file. Not called for recordings that end while the application stops.
   *
   * @example
   * application.onRecord = (stream, file) => {
   *   trace(`${file.path}: ${file.duration} s, ${file.bytes} bytes, ${file.codecs.join(' and ')}`);
   * };
   */
  onRecord?: (this: Application, stream: Stream, file: RecordedFile) => Eventually<void>;
  /**
   * Extension. A recording could not start, or has ended because of a write error. The stream goes on. `onStatus` gets the same
   * information.
   */
  onRecordError?: (this: Application, stream: Stream, error: RecordFault) => Eventually<void>;
  /** Errors and changes for which there is no other handler. */
  onStatus?: (this: Application, info: StatusInfo) => Eventually<void>;

  /**
   * Extension. Called when you have saved the script and the new version has been compiled. The result arrives in the new
   * version's `onAppStart` as `info.state`; it must survive `JSON.stringify`. Clients and streams need no attention: they
   * stay, and so does `client.data` if JSON can represent it.
   */
  onBeforeReload?: (this: Application) => Eventually<unknown>;
  /**
   * Extension. After a reload or a crash, after `onAppStart`: called for each client that was connected before.
   * `onConnect` is not called again; restore here the properties of the client that JSON cannot represent, such as functions.
   */
  onClientResume?: (this: Application, client: Client) => Eventually<void>;

  /**
   * Accepts a waiting client. Within `onConnect` the argument is optional. A second call, or a call after the client has left,
   * does nothing. `client.call` may follow at once: the client receives its acceptance first.
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
  /** Refuses a waiting client and sends it another URL: `info.ex` is `{ code: 302, redirect: url }`. The client has to connect there by itself. */
  redirectConnection(client: Client, url: string, description?: string, error?: unknown): void;
  /** Closes a client's connection, after the data sent before. `false` if it is closed already. */
  disconnect(client: Client): boolean;
  /** Calls `method` on every accepted client; results are ignored. */
  broadcastMsg(method: string, ...args: unknown[]): void;
  /** Statistics of this instance since its start, as of the last report. Each call requests a new report for the next call. */
  getStats(): InstanceStats;
  /** Unloads this instance: every client is disconnected, then `onAppStop` is called. Returns at once. */
  shutdown(): void;
}

interface ApplicationConstructor {
  readonly prototype: Application;
}
/** The class of `application`. Scripts cannot call it. */
declare var Application: ApplicationConstructor;

/**
 * Extension. Keys and JSON values of one application, on its server's disk. They survive reloads, crashes and restarts:
 * when a promise resolves, the change is on disk. Concurrent changes of several instances are applied one after another, in any
 * order.
 *
 * Keys have at most 512 bytes, values 64 kB as JSON, all together 16 MB. Above these limits a promise is rejected with a
 * RangeError, or a QuotaExceededError when the store is full. Changes that a version makes before its `onAppStart` has finished
 * are applied when the version takes over, and discarded if it never does.
 */
interface Store {
  /** A copy of the value, `undefined` if there is none. */
  get(key: string): Promise<any>;
  /** Stores `value` as `JSON.stringify` writes it. */
  set(key: string, value: unknown): Promise<void>;
  /** Deletes a key; `false` if there was none. */
  delete(key: string): Promise<boolean>;
  /** The keys that begin with `prefix`, sorted; all keys without an argument. More than 10,000 keys cause a RangeError. */
  keys(prefix?: string): Promise<string[]>;
  /** Adds `n` (default: 1) to a number; a missing value counts as 0. Resolves to the sum. */
  add(key: string, n?: number): Promise<number>;
  /**
   * Sets `next` only if the value still is `expected`; `undefined` means no value in both arguments. `false`: the value was different.
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
  /** The script was edited; its clients and streams are present already. */
  readonly reload: boolean;
  /**
   * The script, or the process that runs scripts, was restarted after a crash: clients, with their `data`, and streams are present
   * already, and `onClientResume` follows. There is no `state`: keep values that must survive a crash in `application.store`.
   */
  readonly restored?: boolean;
  /** The result of `onBeforeReload` of the old version, after JSON serialization. */
  readonly state?: any;
}

/** A complete file of a recording. */
interface RecordedFile {
  /** The name for players: `show`, `mp4:show.f4v`. */
  readonly name: string;
  /** In the folder of the application: `streams/_definst_/show.flv`. The absolute path if it is outside. */
  readonly path: string;
  /** Seconds. */
  readonly duration: number;
  /** Size of the file. */
  readonly bytes: number;
  /** `avc`, `aac`, `hevc`, `opus` …, in the order of their appearance. */
  readonly codecs: readonly string[];
  /** The reason why the file ended. `segment` and `codec`: the recording goes on in another file. */
  readonly reason: 'stopped' | 'unpublished' | 'maxDuration' | 'maxSize' | 'segment' | 'codec';
}

/** A recording that failed. */
interface RecordFault {
  /** `NetStream.Record.NoAccess`: the file cannot be written. `NetStream.Record.Failed`: any other error. */
  readonly code: string;
  /** For people. */
  readonly description: string;
  /** As in `RecordedFile`; missing if no file was created. */
  readonly path?: string;
}

/** What happened: `code` is one of FMS's, such as `NetStream.Record.Failed`. */
interface StatusInfo {
  /** The code to compare with; `description` may change. */
  readonly code: string;
  /** `status`, `warning` or `error`. */
  readonly level: string;
  /** For people. */
  readonly description?: string;
  /** Often the name of a stream. */
  readonly details?: string;
  /** The value that another application gives when it rejects a `NetConnection`. */
  readonly application?: unknown;
  /** The redirection of another server that rejects a `NetConnection`. The server does not follow it automatically. */
  readonly ex?: Redirection;
  /** For `NetConnection.Connect.ReconnectRequest`: the URL to reconnect to; missing: the same URL. */
  readonly tcUrl?: string;
}

/** As the other server sends it; servers may omit members, and add others. */
interface Redirection {
  /** 302. */
  readonly code?: number;
  /** `rtmp://host/application` */
  readonly redirect?: string;
  /** Further members of that server. */
  readonly [member: string]: unknown;
}

/** A refusal with a reason for the client, at most 200 characters. */
interface Denial {
  /** The reason. */
  deny: string;
}
type ConnectVerdict = boolean | void | Denial;
/** A password, or a hash of it, to check a login with. */
type LoginSecret = string | { salt: string; hash: string } | { ha1: string };
type PublishVerdict = boolean | void | Denial | PublishTerms;
type PlayVerdict = boolean | void | Denial | PlayTerms;

/** Accepted, on these terms. */
interface PublishTerms {
  /** The public name: the name for players, of `stream.name` and of recordings. */
  as?: string;
  /** Records the stream in a new file, or at the end of an earlier recording of that name. */
  record?: RecordMode;
  /**
   * Extension. Takes the name from its current publisher: a client is disconnected, and a stream that the server itself plays
   * ends. Without it a client loses the name only if it is unresponsive. A client that took over the name is protected from the
   * next take-over for 10 s (`TakeOverInterval` in Application.xml), and each take-over in a row doubles that time.
   */
  takeOver?: boolean;
}
/** Accepted, on these terms. */
interface PlayTerms {
  /** The stream to play instead. */
  as?: string;
}

/** The request of a publisher. Frozen. */
interface PublishRequest {
  /** The name that the publisher gives, without the query: often a stream key. */
  readonly name: string;
  /** The text after the `?`, undecoded; empty if there is none. */
  readonly query: string;
  /** The same, decoded. If a name occurs twice, the last value applies. Check with `Object.hasOwn` before trusting a name like `constructor`. */
  readonly params: { readonly [name: string]: string | undefined };
  /** The requested kind of publishing: live only, or recorded as well. */
  readonly type: 'live' | RecordMode;
  /** Extension. The current publisher of that name or stream key; undefined if there is none. */
  readonly current?: CurrentPublisher | undefined;
}

/** The current publisher of a name that another client requests, at the time of the call of `onPublish`. Frozen. */
interface CurrentPublisher {
  /** `client.id`, `client.ip`, `client.user` …; undefined if the server itself publishes the stream, with `stream.play`. */
  readonly client: Client | undefined;
  /** Start of the publication. */
  readonly since: Date;
  /** Time of its last byte. A working encoder sends several times a second. */
  readonly lastByte: Date;
}

/** The request of a player. Frozen. */
interface PlayRequest {
  /** The name that the player gives, without the query. */
  readonly name: string;
  /** The text after the `?`, undecoded; empty if there is none. */
  readonly query: string;
  /** The same, decoded. */
  readonly params: { readonly [name: string]: string | undefined };
  /** -2: live, else recorded; -1: live only; from 0 on: recorded, from that second. */
  readonly start: number;
  /** Seconds; -1: to the end. */
  readonly length: number;
  /** False: after the current item; true: at once. */
  readonly reset: boolean;
}

/**
 * Extension. The data that your script keeps about a client, in `client.data`. Declare your own fields:
 *
 * @example
 * declare global {
 *   interface ClientData { name: string }
 * }
 */
interface ClientData {}

/**
 * Extension. The remote methods that your script defines for all clients, so that `client.say('hi')` has a type.
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
 * The remote client may call every function of this object or of `Client.prototype`: its `nc.call("say", responder, "hi")`
 * runs `client.say("hi")` in the script. The return value, or the value of its promise (Extension), is the result. If the
 * function throws, the caller gets `NetConnection.Call.Failed`.
 */
interface Client extends ClientMethods {
  /** Unique among the clients of this server. */
  readonly id: string;
  /** Address of the client. */
  readonly ip: string;
  /** The program, as the client reports it: `WIN 9,0,45,0`, `FMLE/3.0`. */
  readonly agent: string;
  /** URL of the SWF, as the client reports it; empty if it reports none. */
  readonly referrer: string;
  /** URL of the web page; empty if the client reports none. */
  readonly pageUrl: string;
  /** The URL that the client connected to. */
  readonly uri: string;
  /** `rtmp`, `rtmps`, `rtmpt`, `rtmpe`, `rtmpte`: the protocol of the connection. A tunnel with TLS is `rtmps`. */
  readonly protocol: string;
  /** The connection uses TLS. (RTMPE does not count: it gives no security.) */
  readonly secure: boolean;
  /** Selects virtual folders; empty if there is none. */
  readonly virtualKey: string;
  /**
   * Extension. The user that it has logged in as (`Authentication` in Application.xml); empty without a login. A user in the
   * address, `?user=…`, proves nothing.
   */
  readonly user: string;
  /** The AMF version of the client. Extension. */
  readonly objectEncoding: 0 | 3;
  /**
   * Folders of streams that it may play, separated by `;`. `"/"`: all (the default), `""`: none. `"public;rooms/12"`
   * covers `public/cam1` and `rooms/12/a/b`. A change affects later requests.
   */
  readAccess: string;
  /** The same for publishing. Initially `""` for a client that must log in and has not. */
  writeAccess: string;
  /**
   * Folders of streams whose audio Flash Player may sample, in the format of `readAccess`. The default is
   * `AudioSampleAccess` in Application.xml, else none. A change affects streams that the client plays later.
   */
  audioSampleAccess: string;
  /** The same for video: `VideoSampleAccess`. */
  videoSampleAccess: string;
  /**
   * Extension. Data of your script about this client. It survives a reload if JSON can represent it. Up to 16 kB also survive a
   * crash of the script process, as of the end of the last turn. (A change through a reference from an earlier turn may be
   * saved some turns later.)
   */
  data: ClientData;

  /**
   * Calls a method of the client.
   *
   * @param method - its name in the client, `"object/method"` for one inside an object
   * @param responder - receives the result, or is a function for it; `null` or nothing to ignore the result
   * @returns `false` if the client has left
   *
   * @example
   * client.call('askName', (name) => trace(`hello ${name}`));
   */
  call(method: string, responder?: Responder | ((value: any) => void) | null, ...args: unknown[]): boolean;
  /**
   * Measures the bandwidth to the client: calls its `onBWCheck` several times, then its
   * `onBWDone(kilobitsPerSecond, kilobits, seconds, round trip in milliseconds)`. Clients may also start it themselves,
   * `nc.call("checkBandwidth", null)`.
   */
  checkBandwidth(): void;
  /** Sends a ping; the round trip time is in `getStats().ping_rtt`. `false` if the client has left. */
  ping(): boolean;
  /** Statistics as of the last report. Each call requests a new report for the next call. */
  getStats(): ClientStats;
}

interface ClientConstructor {
  readonly prototype: Client & {
    [method: string]: (this: Client, ...args: any[]) => any;
  };
}

/**
 * The class of clients, which scripts cannot call. Assign remote methods for all clients to its `prototype`.
 *
 * @example
 * Client.prototype.getTime = () => Date.now();
 */
declare var Client: ClientConstructor;

/** Receives the response to a `client.call`. */
interface Responder {
  /** Receives the return value of the client's method. */
  onResult?: (value: any) => void;
  /** The client has no such method, or the method failed. */
  onStatus?: (info: any) => void;
}

/** Since the instance was started. */
interface InstanceStats {
  /** Bytes received from all clients, including those that have left. */
  readonly bytes_in: number;
  /** Bytes sent to them. */
  readonly bytes_out: number;
  /** RTMP messages received from them. */
  readonly msg_in: number;
  /** RTMP messages sent to them. */
  readonly msg_out: number;
  /** RTMP messages dropped because players were too slow. */
  readonly msg_dropped: number;
  /** Connect requests of clients. */
  readonly total_connects: number;
  /** Disconnected clients, including refused ones. */
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
  /** RTMP messages dropped because it was too slow. */
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
  /** The client that publishes it. Extension. */
  readonly publisher: Client | undefined;
  /** The clients that play it, or wait for it. Extension. */
  readonly players: readonly Client[];
  /** The text after the `?` in the name that the publisher gave; empty if there was none. */
  readonly publishQueryString: string;
  /**
   * Records the stream to `streams/<instance>/<name>.flv` in the application's folder, or to an MP4 if the name begins with
   * `mp4:`. It does not affect the publisher, which may have published for any time.
   *
   * @param mode - `"record"` (the default) or `true` starts a new file, `"append"` continues the old one,
   *   `"appendWithGap"` continues it and keeps the time that has passed between, and `false` stops
   * @param maxDuration - seconds after which the recording stops; default: from Application.xml; -1: the maximum that it allows
   * @param maxSize - the same in kilobytes
   * @returns `false` if recording is impossible; a later failure goes to `application.onRecordError`. An invalid mode, number or
   *   option throws a TypeError; in classic scripts it gives `false` and a line in the log
   */
  record(mode?: RecordMode | boolean, maxDuration?: number, maxSize?: number): boolean;
  /**
   * Extension. The same with further options.
   *
   * @example
   * stream.record({ format: 'mp4', file: 'archive/{stream} {date} {time}', segment: 3600 });
   */
  record(options: RecordOptions): boolean;
  /**
   * Deletes the recording of this name; `onStatus` gets `NetStream.Clear.Success` or `.Failed`. FMS returned a boolean; this
   * returns a promise.
   */
  clear(): Promise<boolean>;
  /** Writes the buffered data of a recording to its file. Resolves when it is written; `false` if there is no recording. */
  flush(): Promise<boolean>;
  /**
   * For this instance: streams whose names begin with `virtualPath/` have their files in `directory`, below the `streams` of this
   * application. Without a directory the mapping is removed. `false` if it is impossible.
   */
  setVirtualPath(virtualPath: string, directory?: string): boolean;
  /** The name of the current item that the server plays into this stream. Extension. */
  readonly source: string | undefined;
  /**
   * Makes the server publish this stream: it plays `source` into it in real time, recorded or live, and players see it like the
   * stream of a client. Items follow each other without a gap. The stream belongs to the instance: it goes on when the script is
   * saved, and `source` names the item. A client that publishes under the name loses it, and no other client gets it while the
   * server publishes (`NetStream.Publish.BadName`).
   *
   * `onStatus` gets `NetStream.Play.Reset`, `.Start` and `.Stop` for each item with its name in `details`, `.Switch` when the next
   * item follows, `.StreamNotFound` or `.Failed` when an item cannot be played and the next one follows, `.PublishNotify` and
   * `.UnpublishNotify` for a live source, and `NetStream.Publish.Start` and `NetStream.Unpublish.Success` for the stream itself.
   * There is no gap if you play the next item within a second of the last `.Stop`.
   *
   * @param source - a file (`show`, `mp4:film.mp4`, `mp3:song`) or a live stream of this instance; `false` ends it
   * @param start - -2 (the default): the live stream if there is one, else the file, else the live stream when it starts; -1: live; from 0 on: the file,
   *   from the keyframe at or before that second
   * @param length - seconds; -1 (the default): to the end; a live stream ends when its publisher leaves and another item waits;
   *   0: one picture
   * @param reset - `true` or 1 (the default): now, replacing the current and waiting items; `false` or 0: after them. 2 and 3 mean
   *   0 and 1
   * @returns `false` if the arguments are invalid
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
   * Publishes a stream of another server as this one, in place of a client that publishes. `onStatus` gets `NetStream.Play.Start`,
   * `.UnpublishNotify` and `.PublishNotify` when its publisher leaves and returns, and `.Stop` at the end, at the latest when the
   * connection ends. The server does not retry.
   *
   * @param name - its name on the other server
   * @param start - seconds from the beginning of a recorded stream; -1: live alone; -2: live, or recorded if it is not
   * @param length - seconds; -1: all of it
   * @param reset - `false`: after all items before it have ended
   * @returns `false` if it is impossible
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
   * Sends a data message to all players of the stream and to its recording, but not to its publisher; a client may be the publisher.
   * `send('@setDataFrame', 'onTitle', …)` keeps it for later players, `send('@clearDataFrame', 'onTitle')` removes it.
   */
  send(handler: string, ...args: any[]): boolean;
  /** Include the audio of the items that the server plays. The default is `true`. */
  receiveAudio: boolean;
  /** The same for video, which resumes at the next keyframe. */
  receiveVideo: boolean;
  /** Seconds, as `setBufferTime` has set them; 2 until then. */
  readonly bufferTime: number;
  /** Sets the buffer time that the server requests from a source on another server. Files and streams of this instance need none. */
  setBufferTime(seconds: number): void;
  /** Status of the items that the server plays into this stream, and of its recording: `NetStream.Record.Start` … Without it, `application.onStatus` is called. */
  onStatus?: (this: Stream, info: StatusInfo) => Eventually<void>;
  /** Extension. Ends the publication; the publisher receives `reason`. `false` if it is impossible. */
  disconnect(reason?: string): boolean;
}

interface StreamConstructor {
  readonly prototype: Stream;
  /**
   * The stream of that name, live or not: see `publisher` and `players`. Without a name: `undefined`. When a client publishes
   * under that name later, `onPublish` has an object of its own; both show the same stream from then on.
   *
   * @example
   * const isOnAir = Stream.get('show')?.publisher !== undefined;
   */
  get(name: string): Stream | undefined;
  /**
   * Duration in seconds of the recording of that name (`show`, `mp4:show.f4v`), also while it grows; 0 if there is none. FMS
   * returned the number; this returns a promise.
   */
  length(name: string): Promise<number>;
  /** The same in bytes. */
  size(name: string): Promise<number>;
}

/**
 * A connection of this instance to another application, on another server or on this one. `<NetConnection> <Hosts>` in
 * `Application.xml` grants the hosts. Remote calls and shared objects are not available over it yet.
 *
 * When the script is saved or has crashed, connections and their streams go on. A version that makes the same connection, with
 * the same arguments, and publishes the same streams on it takes it over without an interruption. A connection that no version
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
  /** The argument of `connect`; empty before. */
  readonly uri: string;
  /**
   * Connects, after closing an earlier connection without a status. `onStatus` gets `NetConnection.Connect.Success`, `.Rejected`
   * (with the value of the other script in `info.application`, and another URL in `info.ex.redirect`), `.Failed`, and later
   * `.Closed`. The server does not retry.
   *
   * @param uri - `rtmp://host[:port]/application[/instance]`, `rtmps://…`; `rtmp:/application` is on this server
   * @param args - arguments for `onConnect` of the other application
   * @returns `false` if the URL is invalid
   */
  connect(uri: string, ...args: unknown[]): boolean;
  /** Closes the connection, and ends its streams. */
  close(): void;
  /** Status of the connection. Without it, `application.onStatus` is called. */
  onStatus?: (this: NetConnection, info: StatusInfo) => Eventually<void>;
}

interface NetConnectionConstructor {
  readonly prototype: NetConnection;
  /**
   * Extension. Closes connections of earlier versions of this script that this version has not taken over by the same `connect`.
   * Without it such a connection goes on with the streams that it carries, and the log has a warning.
   */
  closeForgotten(): void;
  /** Creates one that is not connected. */
  new (): NetConnection;
}

/**
 * A stream of this instance that is published on another server. The media does not pass through the script: the server sends it, from the last
 * keyframe on, as to a player. Another server that is too slow loses frames, as a slow player does, and in the end its connection.
 */
interface NetStream {
  /** Sets the source: a stream of this instance, live or not yet. Its publishers may change. `false`: none. */
  attach(stream: Stream | false): boolean;
  /**
   * Publishes when the connection is established. `onStatus` gets `NetStream.Publish.Start`, `.BadName`, other codes of the other
   * server, and `NetStream.Unpublish.Success` at the end.
   *
   * @param name - its name on the other server, often a stream key; `false` ends the publication
   * @returns `false` if there is no connection
   */
  publish(name: string | false, howToPublish?: 'live' | RecordMode): boolean;
  /** The same as `publish(false)`. */
  close(): void;
  /** Seconds. The value has no effect: `<Backlog>` in Application.xml limits the data that waits for a slow server. */
  setBufferTime(seconds: number): void;
  /** The argument of `setBufferTime`. */
  readonly bufferTime: number;
  /** Status of the publication. Without it, `application.onStatus` is called. */
  onStatus?: (this: NetStream, info: StatusInfo) => Eventually<void>;
}

interface NetStreamConstructor {
  readonly prototype: NetStream;
  /** Creates one that publishes over that connection, which need not be established yet. */
  new (connection: NetConnection): NetStream;
}

type RecordMode = 'record' | 'append' | 'appendWithGap';

/** How a stream is recorded; see `stream.record`. */
interface RecordOptions {
  /** As in `record`; `true` is `record`, `false` ends it. */
  mode?: RecordMode | boolean;
  /** Default: from the prefix of the stream, or the name of the file. An MP4 cannot hold VP6, Speex and similar codecs, or data messages. */
  format?: 'flv' | 'mp4';
  /**
   * The name of the file below `streams/<instance>`; default: the name of the stream. `{stream}`, `{application}`, `{instance}`,
   * `{client}` (its id), `{ip}`, `{date}` (2026-02-03), `{time}` (04-05-06) and `{n}` (number of the segment) are
   * replaced. The time is the start of the file, in the time zone of the server. Characters that file names cannot contain become
   * `%3A` (a colon), `%2F` (a slash) and so on in `{stream}`, and `_` in the others.
   */
  file?: string;
  /** Seconds; as in `record`. */
  maxDuration?: number;
  /** Kilobytes; as in `record`. */
  maxSize?: number;
  /**
   * Seconds after which a new file starts, at the next keyframe. `show-2.flv` follows `show.flv`; a name with `{time}` or `{date}`
   * in it needs no number.
   */
  segment?: number;
  /**
   * With `segment`: files start by the clock of the server instead, at the first keyframe after each multiple of `segment` since
   * midnight. With 3600 that is each full hour; the first file is shorter.
   */
  align?: boolean;
}
/** A running command; see `application.exec`. */
interface Job {
  /** Name of the command. */
  readonly name: string;
  /** Rejected if the command could not start. `code` is null if a signal ended it; `stderr`: the last 8 kB of its standard error. */
  readonly exited: Promise<{
    readonly code: number | null;
    readonly signal: string | null;
    readonly stderr: string;
  }>;
  /** Sends SIGTERM, and SIGKILL 5 s later. */
  kill(): void;
}

/** The class of streams, which scripts cannot call: see `Stream.get` and `application.streams`. */
declare var Stream: StreamConstructor;

declare var NetConnection: NetConnectionConstructor;
declare var NetStream: NetStreamConstructor;

/**
 * Classic scripts (`.asc`, `.js`) only: runs another file of this application after this one, before
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
  /** A warning, in both logs. */
  warn(...values: unknown[]): void;
  /** An error, in both logs. It has no other effect. */
  error(...values: unknown[]): void;
  /** The lowest level: the server's own log omits it unless its level is `debug`. */
  debug(...values: unknown[]): void;
  /** The lowest level, like `debug`. */
  trace(...values: unknown[]): void;
  /** The same as `log`. */
  dir(...values: unknown[]): void;
  /** Logs only if `condition` is false. */
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
/** Ends an interval. `undefined`, and an interval that has ended, have no effect. */
declare function clearInterval(timer: number | undefined): void;
/** Extension. Calls `handler(...args)` once, after `ms` milliseconds. */
declare function setTimeout<Args extends unknown[]>(
  handler: (...args: Args) => void,
  ms?: number,
  ...args: Args
): number;
/** Cancels a timer that has not fired. */
declare function clearTimeout(timer: number | undefined): void;
/** Extension. Calls `handler` as soon as the running code has finished. */
declare function queueMicrotask(handler: () => void): void;

// Extensions from here on: the host APIs of browsers.

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

/** Base64 → binary text, one character a byte. Throws on invalid Base64. */
declare function atob(base64: string): string;
/** Binary text → Base64. Throws at characters beyond U+00FF. */
declare function btoa(binary: string): string;

/**
 * A deep copy: of plain objects, arrays, maps, sets, dates, buffers and errors, cycles included. Functions, clients and
 * streams throw a DataCloneError. Buffers in `transfer` are empty afterwards.
 */
declare function structuredClone<T>(value: T, options?: { transfer?: readonly ArrayBuffer[] }): T;

/** A monotonic clock. */
declare const performance: {
  /** Milliseconds since the script was loaded: whole ones, and never fewer than before. */
  now(): number;
  /** When the script was loaded, as `Date.now()` counts. */
  readonly timeOrigin: number;
};

/**
 * An error that is identified by its name: `AbortError`, `TimeoutError`, `QuotaExceededError`.
 *
 * @see https://webidl.spec.whatwg.org/#idl-DOMException
 */
declare class DOMException extends Error {
  constructor(message?: string, name?: string);
  readonly code: number;
}

/**
 * The argument of listeners of an `EventTarget`.
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
 * A response of a web server.
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
  /** The URL of the response, after redirects. */
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
 * Sends a request to a web server. Only hosts that `<Fetch> <Hosts>` in Application.xml names can be reached. Responses are
 * buffered completely. Application.xml also limits their size, the time of a request and the number of concurrent requests.
 *
 * @throws TypeError with the reason if there is no response; `TimeoutError` if the request took too long
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
 * `{ name: 'ECDSA', namedCurve: 'P-256' }`; each algorithm has the members of the Web Cryptography API.
 *
 * @see https://w3c.github.io/webcrypto/#algorithm-dictionary
 */
interface Algorithm {
  name: string;
  [member: string]: any;
}
type AlgorithmIdentifier = string | Algorithm;

/**
 * A key for `crypto.subtle`. The script can read its bytes only if it is extractable.
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
 * The two keys of a public-key algorithm.
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
  /** A pair for public-key algorithms. */
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

/** Random numbers and cryptography. */
declare const crypto: {
  /** Fills an array of integers with random values: up to 16 KiB between two pauses of the script. */
  getRandomValues<T extends ArrayBufferView>(array: T): T;
  /** A random UUID, version 4. */
  randomUUID(): string;
  /** Hashes, signatures, encryption. */
  readonly subtle: SubtleCrypto;
};
