// What tests of applications import, `*.test.ts` beside the script; `understudy test` runs them.
//
// The script runs in its sandbox; the tests do not. They are programs of Node.js with all rights of the user who runs them.
//
// Understudy keeps this file current: `understudy start`, `new` and `check` write it anew, so do not edit it.

// What tests import of Node is there, and of no known type, so that scripts beside them, which have none of it, are checked as
// they are. Where @types/node is installed, `/// <reference types="node" />` in a test has it typed.
declare module 'node:*';

declare module 'understudy/test' {
  /**
   * Starts an application for one test: the script in its folder, run as the server runs it, but without a server. There are no
   * sockets; its clients are objects of the test, time stands still until the test moves it, and what it fetches the test
   * answers. What the script writes goes to a temporary folder.
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

  /** What is different in a test. */
  export interface TestOptions {
    /**
     * Files of the application, over those in its folder: a text, bytes, or a value that is written as JSON. Its streams/ and
     * store/ are empty otherwise.
     */
    files?: { readonly [path: string]: unknown };
    /** `application.env`, over what Application.xml says. */
    env?: { readonly [name: string]: any };
    /** What time it is when the test begins; unless it says, 2026-01-01T00:00:00Z. */
    now?: Date | string;
  }

  /** An application that runs for one test. */
  export interface TestApp {
    /** As it was given to `testApp`. */
    readonly name: string;
    /** Connects a client. Resolves with the verdict: `client.accepted`. */
    connect(options?: ConnectOptions): Promise<TestClient>;
    /** Time, of the script and of the server: deadlines, timers, `Date`. */
    readonly clock: {
      now(): Date;
      /** Goes on by so many milliseconds; what falls due on the way happens at its own time. */
      tick(ms: number): Promise<void>;
    };
    /** Resolves when the script has done what there is to do without time going on. */
    settled(): Promise<void>;
    /**
     * Answers what the script fetches. Undefined: another handler shall; what none answers fails the test. An error that it throws
     * is what `fetch` fails with. The hosts have to be granted in Application.xml, as ever.
     */
    onFetch(handler: (request: WebRequest) => WebAnswer | undefined | Promise<WebAnswer | undefined>): void;
    /** What the script has fetched, in order. */
    readonly requests: readonly WebRequest[];
    /** Says how a command of `<Exec>` ends that the script starts: none is run. Undefined: another handler shall. */
    onExec(
      handler: (
        name: string,
        args: readonly string[],
      ) => CommandEnd | undefined | Promise<CommandEnd | undefined>,
    ): void;
    /** An application of another server, at this address, for `NetConnection`. Its host has to be granted, as ever. */
    server(uri: string): TestServer;
    /** Names of the streams that are on air, in the default instance. */
    readonly streams: string[];
    /** What trace and console have said, in order. */
    readonly logs: readonly string[];
    /** The first such line, said already or later. */
    logged(pattern: RegExp): Promise<string>;
    /** What has gone wrong in the script and was not expected. At its end the test fails of it. */
    readonly errors: readonly ScriptFault[];
    /** The first error that fits as `handler: message`, or as its message outside of any handler, now or later; the test does not fail of it. */
    expectError(pattern: RegExp): Promise<ScriptFault>;
    /** Saves files, or the script as it is, and it is reloaded. Throws where it does not bundle; then the version before serves on. */
    reload(files?: TestOptions['files']): Promise<void>;
    /** Everybody is disconnected, then `onAppStop` is called. The end of the test does it as well. */
    stop(): Promise<void>;
  }

  /** Who connects; what is not said is as an encoder on this machine has it. */
  export interface ConnectOptions {
    /** What the client sends along, for `onConnect` behind the client. */
    args?: unknown[];
    /** Another instance than `_definst_`. */
    instance?: string;
    /** `client.ip` */
    ip?: string;
    /** `client.agent`: what the client calls itself. */
    agent?: string;
    /** `client.referrer`: the address of its SWF. */
    referrer?: string;
    /** `client.pageUrl`: of the page that the SWF is in. */
    pageUrl?: string;
    /** `client.uri`: where it connects to. */
    uri?: string;
    /** `client.protocol` */
    protocol?: string;
    /** As whom it has logged in. */
    user?: string;
    /** AMF0 or AMF3. */
    objectEncoding?: 0 | 3;
  }

  /** As a client is told it. */
  export interface Status {
    /** `NetStream.Play.Start` … */
    readonly code: string;
    /** For people. */
    readonly description: string;
  }

  /** A client that has connected, or was refused. */
  export interface TestClient {
    /** As the script has it in `client.id`. */
    readonly id: string;
    /** `onConnect` has let it in. */
    readonly accepted: boolean;
    /** Why it was not let in; `application` is what the script sent along, `redirect` where to go instead. */
    readonly refusal: (Status & { application: any; redirect: string | undefined }) | undefined;
    /** Why the connection has ended; undefined: it has not. */
    readonly closed: string | undefined;
    /** What it was told of its connection: NetConnection.*. */
    readonly statuses: readonly Status[];
    /** Calls a method of the script; resolves with its result, rejects with what it threw. */
    call(name: string, ...args: unknown[]): Promise<any>;
    /** Calls of the server, in order. */
    readonly received: readonly { readonly name: string; readonly args: any[] }[];
    /** The arguments of the next call of that name, come already or later. */
    next(name: string): Promise<any[]>;
    /** Answers such calls: what it returns is the result, what it throws the error. */
    on(name: string, handler: (...args: any[]) => unknown): void;
    /** `name?key=value`. Resolves when it is on air or refused: `publication.accepted`. */
    publish(name: string, type?: 'live' | RecordMode): Promise<TestPublication>;
    /** `name?key=value`; seconds as in `NetStream.play`. Resolves when it plays or is refused: `playback.accepted`. */
    play(name: string, range?: { start?: number; length?: number }): Promise<TestPlayback>;
    /** It leaves. */
    disconnect(): Promise<void>;
  }

  /** Whoever sends a stream; `ms`: time of the stream. What decoders need goes before the first picture and the first sound. */
  export interface MediaSender {
    /** A picture that players can begin with; H.264, 16 × 16 pixels, black. */
    keyframe(ms: number): void;
    /** A picture that depends on those before. */
    frame(ms: number): void;
    /** A piece of silence, AAC. */
    audio(ms: number): void;
  }

  /** What a client publishes. */
  export interface TestPublication extends MediaSender {
    /** It is on air. */
    readonly accepted: boolean;
    /** What players know it by; undefined: it is not on air. */
    readonly name: string | undefined;
    /** NetStream.Publish.*, NetStream.Record.*. */
    readonly statuses: readonly Status[];
    /** It ends. */
    unpublish(): Promise<void>;
  }

  /** What a client plays. */
  export interface TestPlayback {
    /** It plays, or waits for the stream. */
    readonly accepted: boolean;
    /** What is played; undefined: nothing is. */
    readonly name: string | undefined;
    /** NetStream.Play.*. */
    readonly statuses: readonly Status[];
    /** How many pictures, sounds and data have come. */
    readonly messages: number;
    /** The client plays it no more. */
    stop(): Promise<void>;
  }

  /** What a script has asked of a Web server. */
  export interface WebRequest {
    /** All of the address. */
    readonly url: string;
    /** `GET`, `POST` … */
    readonly method: string;
    /** Names in lower case. */
    readonly headers: { readonly [name: string]: string };
    /** As text. */
    readonly body: string;
  }

  /** What the Web server says. */
  export interface WebAnswer {
    /** 200 unless it says otherwise. */
    readonly status?: number;
    /** Besides the length, and the type of JSON. */
    readonly headers?: { readonly [name: string]: string };
    /** What is no text is sent as JSON. */
    readonly body?: unknown;
  }

  /** How a command has ended. */
  export interface CommandEnd {
    /** 0 unless it says otherwise. */
    readonly code?: number;
    /** What it has said of errors. */
    readonly stderr?: string;
  }

  /** Another server, for scripts that connect to it. */
  export interface TestServer {
    /** Nobody can connect; who is connected stays. */
    isDown: boolean;
    /** What each connection has sent along, in order. */
    readonly connects: readonly any[][];
    /** What is published there now, and how many pictures, sounds and data have come of each. */
    readonly streams: { readonly [name: string]: number };
    /** Somebody publishes there: a stream for the script to play. */
    publish(name: string): MediaSender & { unpublish(): void };
    /** Throws everybody out. */
    close(): void;
  }

  /** What has gone wrong in a script: the record that administrators find under `/api/v1/errors`. */
  export interface ScriptFault {
    /** Its name. */
    readonly application: string;
    /** Missing: all of them, as where the script does not bundle. */
    readonly instance?: string;
    /** How it went wrong. */
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
    /** The handler or method: `onPublish`, `client.ban`; missing: outside of any. */
    readonly handler?: string;
    /** With the class of what was thrown: `TypeError: …`. */
    readonly message: string;
    /** That class, or the limit that was met: `turnMs`, `memoryMb`. */
    readonly code?: string;
    /** Its place in the source, from the application's folder; lines and columns count from 1. */
    readonly file?: string;
    /** Of `file`. */
    readonly line?: number;
    /** Of `line`. */
    readonly column?: number;
    /** The calls that led there, the innermost first; one of the engine's has no file. */
    readonly frames: readonly { function?: string; file?: string; line?: number; column?: number }[];
    /** `client.id` of whom it was about. */
    readonly client?: string;
    /** When, as ISO 8601 has it. */
    readonly time: string;
    /** All of it, for people. */
    readonly text: string;
  }

  /** Node's own, `node:test`. */
  export const test: TestFunction & { skip: TestFunction; only: TestFunction; todo: TestFunction };
  /** Node's own: tests that belong together. */
  export const describe: (name: string, body: () => void) => void;
  /** Node's own: once, before the tests. */
  export const before: (hook: () => unknown) => void;
  /** Once, after them. */
  export const after: (hook: () => unknown) => void;
  /** Before each of them. */
  export const beforeEach: (hook: () => unknown) => void;
  /** After each of them. */
  export const afterEach: (hook: () => unknown) => void;
  type TestFunction = (name: string, body: () => unknown) => void;

  /**
   * Node's own, `node:assert` with strict comparison.
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
