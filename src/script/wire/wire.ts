// Frames, events and commands between the media process and the script runner: the one file that both share.
//
// A frame: | length u32 BE (of what follows) | type u8 | unit u32 BE | body: UTF-8 JSON |     (frames.ts)
// A unit is one isolate: one version of the script of one application instance. A reload makes a new unit beside the old
// one; who commits or drops it is decided on the media side (host.ts). The runner only loads, delivers, and answers.

/** Frames to the runner, 1…; frames from the runner, 64…. */
export const FrameType = {
  /** First frame: `InitBody`. Unit 0. */
  Init: 1,
  /** `LoadBody`: make an isolate, load the script. Answered by Loaded or Failed. */
  Load: 2,
  /** | count u16 BE | JSON array of so many `ScriptEvent` |: the runner passes the text on unparsed. `encodeEvents`. */
  Events: 3,
  /** Empty body: dispose of the isolate. Not answered. */
  Unload: 4,
  /** | bytes u32 BE |: so much more of the unit's Commands has been dealt with. */
  Taken: 5,
  /** Empty body: a debugger wants to talk to the unit. One at a time. */
  Attach: 6,
  /** A message of the DevTools protocol, UTF-8 JSON, from the debugger. It is passed on unread. */
  ToScript: 7,
  /** Empty body: the debugger has left. Not answered. */
  Detach: 8,
  /** `TickBody`. Of a unit whose time is held: it moves on to its next timer, or as far as is said. Answered by Ticked. */
  Tick: 9,
  /** `HelloBody`. Unit 0: the runner is up. */
  Hello: 64,
  /** `LoadedBody`: the script's top-level code has run. Commands it made follow in a Commands frame. */
  Loaded: 65,
  /** `FailedBody`: it did not load. The unit is gone. */
  Failed: 66,
  /** A JSON array of `ScriptCommand`, as the guest made it: the runner passes the text on unread. */
  Commands: 67,
  /** `DeadBody`: the unit ended itself: memory, time, strikes. It is gone. */
  Dead: 68,
  /** `BeatBody`. Unit 0, every 250 ms. */
  Beat: 69,
  /** Empty body: a turn of this unit begins. Of those that have not ended at a crash, the oldest is the likely culprit. */
  Turn: 70,
  /** `RecycleBody`: the isolate of this unit is stuck for good; the process has to be replaced. */
  Recycle: 71,
  /** Empty body: the turn of this unit is over. */
  TurnEnd: 72,
  /** A message of the DevTools protocol to the debugger. */
  ToDebugger: 73,
  /** `DetachedBody`: the debugger is to leave. */
  Detached: 74,
  /** `UsageBody`: what the unit has used since the last one. At most one a second, and none while it does nothing. */
  Usage: 75,
  /** `TickedBody`: the unit has come so far, and has nothing to do. */
  Ticked: 76,
  /** | bytes u32 BE |: so much more of the bodies of the unit's Events has been dealt with. */
  EventsTaken: 77,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** A frame from the runner that claims more is a broken or hostile runner. */
export const MAX_FRAME_BYTES = 16 << 20;
/** Of a frame to the runner: the largest script, with each character of it escaped, and its source map. */
export const MAX_LOAD_FRAME_BYTES = 128 << 20;
/** Events of one frame, and of one turn: what the turn's time limit has to be enough for. */
export const MAX_BATCH_EVENTS = 256;
/** Of one event; what a peer sends that becomes longer is refused. */
export const MAX_EVENT_BYTES = 8 << 20;
export const HEARTBEAT_MS = 250;
/** A unit takes no turn while more than this of its Commands has not been dealt with. */
export const MAX_UNTAKEN_BYTES = 256 << 10;

export interface InitBody {
  /** The guest library, one classic script. */
  guest: string;
  /** What a process of root's becomes before it does anything. */
  user?: { uid: number; gid: number };
}
export interface HelloBody {
  pid: number;
  node: string;
}
export interface LoadBody {
  /** `live/_definst_` */
  instance: string;
  script: ScriptText;
  limits: ScriptLimits;
  application: ApplicationFacts;
  /** Debuggers may attach. */
  isInspectable: boolean;
  /** Its time stands at this (ms since 1970) and moves by Tick alone, for tests. Absent: it has the machine's. */
  heldMs?: number;
}
/** What is to be run. */
export interface ScriptText {
  /** `module`: an esbuild bundle, an IIFE. `classic`: main.asc or main.js as it is, sloppy mode. */
  kind: 'module' | 'classic';
  code: string;
  /** Stack frames carry it: `app:///chat/main.ts.bundle.js`, `app:///chat/main.asc`. */
  filename: string;
  /** Modules: what the main script exports under the name of a handler, where nobody looks. */
  exported?: readonly string[];
  /** Classic scripts: what `load()` may reach, path relative to the main script's folder → text. */
  files: Record<string, string>;
}
/** Of one instance. Scripts see them as `application.limits`. */
export interface ScriptLimits {
  memoryMb: number;
  /** Computing without a pause: one turn, whatever it handles. */
  turnMs: number;
  /** The same for top-level code, and for onAppStart. */
  loadMs: number;
  /** Until a gate is answered, waiting included. */
  gateMs: number;
  timers: number;
  /** Events that wait for their turn, and their size as JSON. */
  queuedEvents: number;
  queuedBytes: number;
  /** Lines of the log, a second; ten times as many at once. */
  logLines: number;
  /** Requests of fetch at a time. */
  fetches: number;
}
export const DEFAULT_LIMITS: ScriptLimits = {
  memoryMb: 64,
  turnMs: 250,
  loadMs: 2000,
  gateMs: 10_000,
  timers: 1000,
  queuedEvents: 10_000,
  queuedBytes: 4 << 20,
  logLines: 200,
  fetches: 16,
};

/** Own data of the `application` object. */
export interface ApplicationFacts {
  /** `live/_definst_` */
  name: string;
  server: string;
  hostname: string;
  config: Json;
  /** Secrets: they are not to be written anywhere. */
  env: Json;
}
export interface LoadedBody {
  /** Of its isolate; missing: it is not known. */
  heapBytes?: number;
}
export interface FailedBody {
  kind: 'syntax' | 'throw' | 'timeout' | 'memory' | 'stuck';
  message: string;
  stack: string;
}
export interface DeadBody {
  kind: 'memory' | 'stuck' | 'timeouts' | 'malformed' | 'catastrophic';
  message: string;
}
export interface BeatBody {
  rssBytes: number;
  units: number;
}
export interface RecycleBody {
  message: string;
}
export interface DetachedBody {
  message: string;
}
export interface UsageBody {
  cpuMs: number;
  /** Now; missing: nobody has looked. */
  heapBytes?: number;
  /** By TURN_BOUNDS_MS. */
  turns: DurationCounts;
  /** Script functions that the server has called, without what their promises wait for. By HANDLER_BOUNDS_MS. */
  handlers: Record<string, DurationCounts>;
}
/** How many durations there were up to each bound and above the one before; the last: above all of them. Zeros at the end may be missing. */
export interface DurationCounts {
  counts: number[];
  sumMs: number;
}
export const TURN_BOUNDS_MS: readonly number[] = [
  ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000],
];
/** Inside an isolate the clock knows whole milliseconds only. */
export const HANDLER_BOUNDS_MS: readonly number[] = [
  ...[1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000],
];
/** Of one unit; what others take is counted as `other`: scripts make names up, and so do those who call their methods. */
export const MAX_HANDLER_NAMES = 50;
export const OTHER_HANDLERS = 'other';
/** Both in ms since 1970. */
export interface TickBody {
  untilMs: number;
}
export interface TickedBody {
  nowMs: number;
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * AMF values as JSON. null, booleans, finite numbers, strings, arrays and objects are themselves; everything else, and an
 * object with a key `$`, is an object with `$` as its tag:
 *   { $: 'undefined' }                        { $: 'number', v: 'NaN' | 'Infinity' | '-Infinity' | '-0' }
 *   { $: 'date', v: ms | null }               { $: 'bytes', v: base64 }
 *   { $: 'object', v: [[key, value]…] }       an object with a key `$` or `__proto__`
 *   { $: 'typed', class: name, v: value }     v: an object as above
 *   { $: 'ecma', v: value }                   an associative array; an Array with named properties in scripts
 *   { $: 'xml', v: text }                     { $: 'map', v: [[key, value]…] }   a Dictionary; a Map in scripts
 *   { $: 'def', id, v: value }                a value met again later (shared or cyclic), in the same value or list…
 *   { $: 'ref', id }                          …and where it is met again
 */
export type WireValue = Json;

/** Every event may carry what the next turn needs; they reach the script in order. */
export type ScriptEvent =
  /** Once, first. Answered by `ready` when onAppStart's promise has settled. */
  | { t: 'start'; id: number; why: 'start' | 'reload' | 'restored'; state?: Json; snapshot: WireSnapshot }
  /** Old version: give away what the new one shall have. Answered by `saved`. */
  | { t: 'save'; id: number }
  | { t: 'gate'; id: number; gate: 'onAuthenticate'; user: string }
  | { t: 'gate'; id: number; gate: 'onConnect'; client: WireClient; args: WireValue[] }
  | { t: 'gate'; id: number; gate: 'onPublish'; client: string; request: WirePublish }
  | { t: 'gate'; id: number; gate: 'onPlay'; client: string; request: WirePlay }
  /** Nobody waits for that gate any more. `expired`: its deadline passed (the client stays known only if it was accepted). */
  | { t: 'gateDropped'; id: number }
  | { t: 'disconnect'; client: string }
  | { t: 'publish'; client: string; stream: string; query: string; gate?: number }
  | { t: 'publishFailed'; gate: number }
  | { t: 'unpublish'; client: string; stream: string }
  | { t: 'play'; client: string; stream: string }
  | { t: 'stopPlay'; client: string; stream: string }
  | { t: 'recorded'; stream: string; file: Json }
  | { t: 'recordFailed'; stream: string; error: Json }
  /** Of a connection to another server, or a stream there, by the id that its command had. `isOver`: the last of it. */
  | { t: 'outgoing'; id: number; info: WireValue; isOver: boolean }
  /** `stream`: which it is about. */
  | { t: 'status'; info: WireValue; stream?: string }
  | { t: 'clientStats'; client: string; stats: Json }
  | { t: 'instanceStats'; stats: Json }
  /** A remote method. Answered by `ret`. */
  | { t: 'call'; id: number; client: string; name: string; args: WireValue[]; wantsResult: boolean }
  /** The answer to a `clientCall` with that responder. */
  | { t: 'callResult'; responder: number; ok: boolean; value: WireValue }
  /** The answer to an `ask`. */
  | { t: 'answer'; id: number; ok: true; value: Json }
  | { t: 'answer'; id: number; ok: false; name: string; message: string }
  /** Answered by `ret` once the handlers of all events before have ended, their promises included. */
  | { t: 'settle'; id: number }
  /** onAppStop. Answered by `ret` with the handler's return value. */
  | { t: 'stop'; id: number; code: 'Application.GC' | 'Application.Shutdown' };

export interface WireAccess {
  readAccess: string;
  writeAccess: string;
  audioSampleAccess: string;
  videoSampleAccess: string;
}
export interface WireClient extends WireAccess {
  id: string;
  ip: string;
  agent: string;
  referrer: string;
  pageUrl: string;
  uri: string;
  protocol: string;
  secure: boolean;
  virtualKey: string;
  user: string;
  objectEncoding: 0 | 3;
}
/** What onAuthenticate knows of a user: protocol/rtmp/publisher-auth.ts. */
export type WireSecret =
  | { kind: 'plain'; password: string }
  | { kind: 'adobe'; salt: string; hash: string }
  | { kind: 'llnw'; hash: string };
export interface WirePublish {
  name: string;
  query: string;
  params: Record<string, string>;
  type: 'live' | 'record' | 'append' | 'appendWithGap';
  /** Who publishes it now. Without `client` it is the server itself. Times are ms before the question. */
  current?: { client?: string; sinceMs: number; lastByteMs: number };
}
export interface WirePlay {
  name: string;
  query: string;
  params: Record<string, string>;
  start: number;
  length: number;
  reset: boolean;
}
export interface WireSnapshot {
  /** `saved`: what the old version's `save` gave for that client; `data`: what was kept of one that could not save. */
  clients: { facts: WireClient; stats: Json; saved?: Json; data?: string }[];
  /** `source`: what the server plays into it. */
  streams: { name: string; query: string; publisher?: string; source?: string; players: string[] }[];
}

export type ScriptCommand =
  /** onAppStart is through. Only after `ok: true` does the media side commit this unit. */
  | { op: 'ready'; id: number; ok: boolean }
  | { op: 'saved'; id: number; state?: Json; clients: Record<string, Json>; lost: string[] }
  | {
      op: 'verdict';
      id: number;
      accepted: true;
      as?: string;
      record?: 'record' | 'append' | 'appendWithGap';
      takeOver?: boolean;
      secret?: WireSecret;
    }
  | { op: 'verdict'; id: number; accepted: false; reason: string; application?: WireValue; redirect?: string }
  | { op: 'ret'; id: number; found: false }
  | { op: 'ret'; id: number; found: true; ok: true; value: WireValue }
  | { op: 'ret'; id: number; found: true; ok: false; description: string }
  | { op: 'clientCall'; client: string; name: string; args: WireValue[]; responder?: number }
  | { op: 'broadcast'; name: string; args: WireValue[] }
  | { op: 'disconnect'; client: string }
  | ({ op: 'access'; client: string } & Partial<WireAccess>)
  | { op: 'ping'; client: string }
  | {
      op: 'record';
      stream: string;
      mode: 'record' | 'append' | 'appendWithGap' | false;
      maxDurationS?: number;
      maxSizeBytes?: number;
      format?: 'flv' | 'mp4';
      file?: string;
      segmentS?: number;
      isAligned?: boolean;
      gate?: number;
    }
  | { op: 'streamDisconnect'; stream: string; reason: string; gate?: number }
  /** Units: seconds. `connection`: of the server that has the source; absent: this one. */
  | {
      op: 'streamPlay';
      stream: string;
      source: string;
      start: number;
      length: number;
      reset: boolean;
      connection?: number;
    }
  | { op: 'streamStop'; stream: string }
  | { op: 'streamReceive'; stream: string; audio?: boolean; video?: boolean }
  | { op: 'streamBuffer'; stream: string; seconds: number }
  | { op: 'streamSend'; stream: string; name: string; args: WireValue[]; gate?: number }
  /** NetConnection and NetStream of scripts. Ids are of both together. What comes of them: `outgoing`. */
  | { op: 'outConnect'; id: number; uri: string; args: WireValue[] }
  | { op: 'outClose'; id: number }
  | {
      op: 'outPublish';
      id: number;
      connection: number;
      name: string;
      type: 'live' | 'record' | 'append' | 'appendWithGap';
      source?: string;
    }
  | { op: 'outAttach'; id: number; source?: string }
  | { op: 'outUnpublish'; id: number }
  /** Ends what versions before have left and this one has not taken over. */
  | { op: 'outForget' }
  | { op: 'shutdown' }
  /** Of the runner: a turn was cut in the middle of its promises. What was to settle in it never will. */
  | { op: 'cut' }
  /** Answered by `instanceStats`. */
  | { op: 'stats' }
  /** `client.data` as JSON of a WireValue, at the end of the turn that changed it; without `data` there is nothing to keep. */
  | { op: 'keep'; client: string; data?: string }
  /** Something of a service (services.ts). Answered by `answer`, unless an `unask` says that nobody waits for it any more. */
  | { op: 'ask'; id: number; service: string; request: Json }
  | { op: 'unask'; id: number }
  | { op: 'log'; level: 'debug' | 'info' | 'warn' | 'error'; text: string }
  /** An exception, rejection or misuse in the script. `where`: handler or method; `event`: what it was doing. */
  | { op: 'error'; kind: ScriptFaultKind; where: string; message: string; stack: string; client?: string };

export const SCRIPT_FAULT_KINDS = ['load', 'handler', 'rejection', 'verdict', 'timeout', 'limit'] as const;
export type ScriptFaultKind = (typeof SCRIPT_FAULT_KINDS)[number];

// Between the runner and the guest library inside an isolate; nothing below leaves the runner.

/** The guest library's own stack frames carry it; what is reported leaves them out. */
export const GUEST_FILENAME = 'understudy:guest.js';

/** Events that the runner adds to those of the media side. */
export type RunnerEvent =
  | { t: 'timer'; id: number }
  /** Held time has moved. */
  | { t: 'time'; ms: number }
  /** The answer to a `subtle`. */
  | { t: 'reply'; id: number; ok: true; value: Json }
  | { t: 'reply'; id: number; ok: false; name: string; message: string }
  /** A fault that only the runner could see; the guest tells `application.onStatus`. */
  | { t: 'fault'; message: string; stack: string }
  /** First of its turn: the turn before was cut in the middle of its promises. */
  | { t: 'cut' };

/** Commands that the runner carries out itself. */
export type RunnerCommand =
  | { op: 'timer'; id: number; ms: number; repeat: boolean }
  | { op: 'clear'; id: number }
  /**
   * A method of crypto.subtle. Its arguments, and what it gives, are plain JSON but for
   *   { $: 'bytes', v: base64 }
   *   { $: 'key', v: KeyMaterial } to the runner; { $: 'key', type, algorithm, usages, material: KeyMaterial } from it
   */
  | { op: 'subtle'; id: number; method: SubtleMethod; args: Json[] };

export const SUBTLE_METHODS = [
  'digest',
  'importKey',
  'exportKey',
  'generateKey',
  'sign',
  'verify',
  'encrypt',
  'decrypt',
  'deriveBits',
  'deriveKey',
  'wrapKey',
  'unwrapKey',
] as const;
export type SubtleMethod = (typeof SUBTLE_METHODS)[number];

/** What a key is made from again. `data`: base64. */
export type KeyMaterial = {
  format: 'raw' | 'spki' | 'pkcs8';
  data: string;
  algorithm: Json;
  usages: string[];
};

/** What the guest hands over after a turn, as JSON text; the commands for the media side follow it as texts of their own. */
export interface GuestAnswer {
  /** How many events of the batch were begun; `done`: the last of them has returned. */
  begun: number;
  done: boolean;
  /** The guest holds events that can run now (they came before onAppStart was through): another turn, please. */
  more: boolean;
  /** What ran last, for blame: `onConnect`, `client.sendMessage`, `timer`; `''` before the first event. */
  where: string;
  client: string;
  /** Commands that did not fit into this turn. */
  dropped: number;
  /** Stack of the first of them; empty: there is none, or it is unknown. */
  droppedAt: string;
  /** Lines for the log that were too many. */
  droppedLines: number;
  /** What handlers have taken in this turn, by their names. */
  times: Record<string, DurationCounts>;
  /** Random bytes left in the guest's pool. */
  random: number;
  /** After `load`: it failed. `syntaxErrorIn`: a file that was to be loaded and does not parse. */
  failure?: { message: string; stack: string; syntaxErrorIn?: string };
  /** What the runner does itself. */
  commands: RunnerCommand[];
}

/** What `load` of the guest is told, as JSON text. */
export interface GuestSetup {
  script: Omit<ScriptText, 'code'>;
  application: ApplicationFacts;
  limits: ScriptLimits;
  /** As in LoadBody. */
  heldMs?: number;
}

/** What scripts are asked and told, as properties of `application`. */
export const HANDLERS = [
  ...['onAppStart', 'onAppStop', 'onAuthenticate', 'onBeforeReload', 'onClientResume'],
  ...['onConnect', 'onConnectAccept', 'onConnectReject', 'onDisconnect', 'onPublish', 'onUnpublish'],
  ...['onPlay', 'onStop', 'onRecord', 'onRecordError', 'onStatus'],
];
export const RANDOM_POOL_BYTES = 16 << 10;
/** Of one turn of a script, in number and in characters as JSON; one command can be no larger. */
export const MAX_COMMANDS = 10_000;
export const MAX_COMMAND_CHARACTERS = 2 << 20;
/** Characters of texts in commands: names and paths, URIs, where a client is sent to instead. More is refused. */
export const MAX_NAME = 1024;
/** Security/MaxUrlLength of Flash Media Server. */
export const MAX_URI = 32 * 1024;
export const MAX_REDIRECT = 2048;
/** Arguments of one call. */
export const MAX_ARGS = 1000;
/** What the host keeps of one client's `data`. */
export const MAX_KEPT_CHARACTERS = 16 << 10;
/** Questions to services that one version of a script may have open. */
export const MAX_ASKS = 1000;
export const MIN_TIMEOUT_MS = 1;
export const MIN_INTERVAL_MS = 4;
export const MAX_CRYPTO_BYTES = 1 << 20;
export const MAX_CRYPTO_CALLS = 64;
