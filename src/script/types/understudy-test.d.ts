// The imports of tests of applications, `*.test.ts` beside the script. `understudy test` runs them.
//
// The script runs in its sandbox; the tests do not. They are Node.js programs with all permissions of the user that runs them.
//
// Understudy keeps this file current: `understudy start`, `new` and `check` rewrite it, so do not edit it.

// Tests can import Node modules, but these have no types here, since scripts in the same folder have no Node. If @types/node is
// installed, `/// <reference types="node" />` in a test adds the types.
declare module 'node:*';

declare module 'understudy/test' {
  /**
   * Starts an application for one test: the script in its folder, run as the server runs it, but without a server. There are no
   * sockets: clients are objects of the test, time stands still until the test advances it, and the test answers the requests
   * of `fetch`. Files that the script writes go to a temporary folder.
   *
   * @example
   * test('nobody publishes without a key', async () => {
   *   const app = await testApp('auth', { files: { 'keys.json': { streamKeys: {}, linkSecret: '' } } });
   *   const client = await app.connect();
   *   const show = await client.publish('guess');
   *   assert.equal(show.accepted, false);
   * });
   */
  export function testApp(name: string, options?: TestOptions): Promise<TestApp>;

  /** Settings of a test. */
  export interface TestOptions {
    /**
     * Files that are added to the application or replace its files: a text, bytes, or a value that is written as JSON. streams/
     * and store/ are empty unless these files fill them.
     */
    files?: { readonly [path: string]: unknown };
    /** Values of `application.env` that override Application.xml. */
    env?: { readonly [name: string]: any };
    /** Time at the start of the test; default: 2026-01-01T00:00:00Z. */
    now?: Date | string;
  }

  /** An application that runs for one test. */
  export interface TestApp {
    /** The name given to `testApp`. */
    readonly name: string;
    /** Connects a client. Resolves after the decision: see `client.accepted`. */
    connect(options?: ConnectOptions): Promise<TestClient>;
    /** Time of the script and of the server: deadlines, timers, `Date`. */
    readonly clock: {
      now(): Date;
      /** Advances the time by `ms` milliseconds; each timer fires at its own time. */
      tick(ms: number): Promise<void>;
    };
    /** Resolves when the script has nothing more to do at the current time. */
    settled(): Promise<void>;
    /**
     * Answers requests of `fetch`. If the handler returns undefined, the next handler is called; a request without an answer fails the
     * test. If the handler throws an error, `fetch` fails with it. Application.xml must grant the hosts, as in the server.
     */
    onFetch(handler: (request: WebRequest) => WebAnswer | undefined | Promise<WebAnswer | undefined>): void;
    /** The requests of the script, in order. */
    readonly requests: readonly WebRequest[];
    /** Gives the result of an `<Exec>` command that the script starts; no command is run. Undefined: the next handler is called. */
    onExec(
      handler: (
        name: string,
        args: readonly string[],
      ) => CommandEnd | undefined | Promise<CommandEnd | undefined>,
    ): void;
    /** An application of another server, at this URL, for `NetConnection`. Application.xml must grant its host, as in the server. */
    server(uri: string): TestServer;
    /** Names of the live streams of the default instance. */
    readonly streams: string[];
    /** The output of trace and console, in order. */
    readonly logs: readonly string[];
    /** Resolves with the first line that matches, logged already or later. */
    logged(pattern: RegExp): Promise<string>;
    /** Unexpected errors of the script. They fail the test at its end. */
    readonly errors: readonly ScriptFault[];
    /** Resolves with the first error, now or later, that matches as `handler: message`, or as its message outside of a handler. It does not fail the test. */
    expectError(pattern: RegExp): Promise<ScriptFault>;
    /** Saves files, or the unchanged script, and reloads it. Throws if it does not bundle; then the previous version stays in use. */
    reload(files?: TestOptions['files']): Promise<void>;
    /** Disconnects all clients, then calls `onAppStop`. The end of the test does the same. */
    stop(): Promise<void>;
  }

  /** Properties of a client. The defaults are those of an encoder on this machine. */
  export interface ConnectOptions {
    /** Arguments of the client, for `onConnect` after its first parameter. */
    args?: unknown[];
    /** The instance; default: `_definst_`. */
    instance?: string;
    /** `client.ip` */
    ip?: string;
    /** `client.agent`: the name of the program. */
    agent?: string;
    /** `client.referrer`: the URL of its SWF. */
    referrer?: string;
    /** `client.pageUrl`: the URL of the page with the SWF. */
    pageUrl?: string;
    /** `client.uri`: the URL that it connects to. */
    uri?: string;
    /** `client.protocol` */
    protocol?: string;
    /** The user that it has logged in as. */
    user?: string;
    /** AMF0 or AMF3. */
    objectEncoding?: 0 | 3;
  }

  /** A status as a client receives it. */
  export interface Status {
    /** `NetStream.Play.Start` … */
    readonly code: string;
    /** For people. */
    readonly description: string;
  }

  /** A client that has connected, or was refused. */
  export interface TestClient {
    /** The same as `client.id` in the script. */
    readonly id: string;
    /** `onConnect` has accepted it. */
    readonly accepted: boolean;
    /** The refusal; `application` is the value from the script, `redirect` another URL. */
    readonly refusal: (Status & { application: any; redirect: string | undefined }) | undefined;
    /** The reason why the connection ended; undefined: it is open. */
    readonly closed: string | undefined;
    /** Statuses of its connection: NetConnection.*. */
    readonly statuses: readonly Status[];
    /** Calls a method of the script; resolves with its result, rejects with what it threw. */
    call(name: string, ...args: unknown[]): Promise<any>;
    /** Calls of the server, in order. */
    readonly received: readonly { readonly name: string; readonly args: any[] }[];
    /** Resolves with the arguments of the next call of that name, received already or later. */
    next(name: string): Promise<any[]>;
    /** Answers such calls: its return value is the result, an error that it throws is the error. */
    on(name: string, handler: (...args: any[]) => unknown): void;
    /** `name?key=value`. Resolves when it is live or refused: see `publication.accepted`. */
    publish(name: string, type?: 'live' | RecordMode): Promise<TestPublication>;
    /** `name?key=value`; seconds as in `NetStream.play`. Resolves when it plays or is refused: see `playback.accepted`. */
    play(name: string, range?: { start?: number; length?: number }): Promise<TestPlayback>;
    /** Disconnects the client. */
    disconnect(): Promise<void>;
  }

  /** The sender of a stream; `ms`: time of the stream. Decoder configurations precede the first video and audio. */
  export interface MediaSender {
    /** A keyframe; H.264, 16 × 16 pixels, black. */
    keyframe(ms: number): void;
    /** A frame that depends on earlier frames. */
    frame(ms: number): void;
    /** An AAC frame of silence. */
    audio(ms: number): void;
  }

  /** A publication of a client. */
  export interface TestPublication extends MediaSender {
    /** It is live. */
    readonly accepted: boolean;
    /** Its public name; undefined: it is not live. */
    readonly name: string | undefined;
    /** NetStream.Publish.*, NetStream.Record.*. */
    readonly statuses: readonly Status[];
    /** Ends it. */
    unpublish(): Promise<void>;
  }

  /** A stream that a client plays. */
  export interface TestPlayback {
    /** It plays, or waits for the stream. */
    readonly accepted: boolean;
    /** The name of the stream; undefined: nothing plays. */
    readonly name: string | undefined;
    /** NetStream.Play.*. */
    readonly statuses: readonly Status[];
    /** Number of video, audio and data messages received. */
    readonly messages: number;
    /** Stops playing. */
    stop(): Promise<void>;
  }

  /** A request of a script to a web server. */
  export interface WebRequest {
    /** The complete URL. */
    readonly url: string;
    /** `GET`, `POST` … */
    readonly method: string;
    /** Names in lower case. */
    readonly headers: { readonly [name: string]: string };
    /** As text. */
    readonly body: string;
  }

  /** The response of the web server. */
  export interface WebAnswer {
    /** Default: 200. */
    readonly status?: number;
    /** Headers in addition to the length, and to the type of JSON. */
    readonly headers?: { readonly [name: string]: string };
    /** Values other than texts are sent as JSON. */
    readonly body?: unknown;
  }

  /** The result of a command. */
  export interface CommandEnd {
    /** Exit code; default: 0. */
    readonly code?: number;
    /** Its standard error. */
    readonly stderr?: string;
  }

  /** Another server, for scripts that connect to it. */
  export interface TestServer {
    /** Refuses new connections; existing connections stay. */
    isDown: boolean;
    /** The arguments of each connection, in order. */
    readonly connects: readonly any[][];
    /** The streams published there now, with the number of video, audio and data messages of each. */
    readonly streams: { readonly [name: string]: number };
    /** Publishes a stream there, for the script to play. */
    publish(name: string): MediaSender & { unpublish(): void };
    /** Closes all connections. */
    close(): void;
  }

  /** An error of a script: the record in `/api/v1/errors` of the administration API. */
  export interface ScriptFault {
    /** Name of the application. */
    readonly application: string;
    /** Missing: all instances, for example if the script does not bundle. */
    readonly instance?: string;
    /** Kind of error. */
    readonly kind:
      | 'settings'
      | 'build'
      | 'load'
      | 'handler'
      | 'rejection'
      | 'verdict'
      | 'timeout'
      | 'limit'
      | 'crash';
    /** The handler or method: `onPublish`, `client.ban`; missing: outside of a handler. */
    readonly handler?: string;
    /** The message with the class of the error: `TypeError: …`. */
    readonly message: string;
    /** That class, or the limit that was reached: `turnMs`, `memoryMb`. */
    readonly code?: string;
    /** The source file, relative to the application's folder; lines and columns count from 1. */
    readonly file?: string;
    /** Line in `file`. */
    readonly line?: number;
    /** Column in `line`. */
    readonly column?: number;
    /** The call stack, the innermost call first; calls inside the engine have no file. */
    readonly frames: readonly { function?: string; file?: string; line?: number; column?: number }[];
    /** `client.id` of the client concerned. */
    readonly client?: string;
    /** Time in ISO 8601. */
    readonly time: string;
    /** The whole record as a text for people. */
    readonly text: string;
  }

  /** `test` of `node:test`. */
  export const test: TestFunction & { skip: TestFunction; only: TestFunction; todo: TestFunction };
  /** `describe` of `node:test`: a group of tests. */
  export const describe: (name: string, body: () => void) => void;
  /** Runs once, before the tests. */
  export const before: (hook: () => unknown) => void;
  /** Runs once, after the tests. */
  export const after: (hook: () => unknown) => void;
  /** Runs before each test. */
  export const beforeEach: (hook: () => unknown) => void;
  /** Runs after each test. */
  export const afterEach: (hook: () => unknown) => void;
  type TestFunction = (name: string, body: () => unknown) => void;

  /**
   * `node:assert` with strict comparison.
   *
   * @see https://nodejs.org/api/assert.html
   */
  export const assert: {
    (value: unknown, message?: string): asserts value;
    ok(value: unknown, message?: string): asserts value;
    equal<T>(actual: unknown, expected: T, message?: string): asserts actual is T;
    notEqual(actual: unknown, expected: unknown, message?: string): void;
    deepEqual<T>(actual: unknown, expected: T, message?: string): asserts actual is T;
    notDeepEqual(actual: unknown, expected: unknown, message?: string): void;
    match(text: string, pattern: RegExp, message?: string): void;
    doesNotMatch(text: string, pattern: RegExp, message?: string): void;
    throws(call: () => unknown, expected?: RegExp | object): void;
    rejects(promise: Promise<unknown> | (() => Promise<unknown>), expected?: RegExp | object): Promise<void>;
    fail(message?: string): never;
  };
}
