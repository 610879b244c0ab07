// Frames, events and commands between the media process and the script runner: the one file that both share.
//
// A frame: | length u32 BE (of what follows) | type u8 | unit u32 BE | body: UTF-8 JSON |     (frames.ts)
// A unit is one isolate: one version of the script of one application instance. A reload makes a new unit beside the old
// one; who commits or drops it is decided on the media side (host.ts). The runner only loads, delivers, and answers.

import type { Json, MessageOf, TypeOf, Values } from '../../application/contract/script-fields.ts';
import type {
  PUBLISH_TYPES,
  RECORD_MODES,
  SCRIPT_FAULT_KINDS,
} from '../../application/contract/script-limits.ts';
import type {
  CLIENT,
  CLIENT_ACCESS,
  COMMANDS,
  CURRENT_PUBLISHER,
  GATES,
  LIFE_EVENTS,
  NOTICES,
  PLAY_REQUEST,
  PUBLISH_REQUEST,
  RECORD_TERMS,
  SECRET,
} from '../../application/contract/script-table.ts';

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
  limits: RunLimits;
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
/** Of `application.limits`, what runner and library go by; scripts see all that config/schema/script-limits.ts has. */
export interface RunLimits {
  memoryMb: number;
  /** Computing without a pause: one turn, whatever it handles. */
  turnMs: number;
  /** The same for top-level code, and for onAppStart. */
  loadMs: number;
  timers: number;
  /** Lines of the log, a second; ten times as many at once. */
  logLines: number;
  readonly [name: string]: number | undefined;
}

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

export type { Json } from '../../application/contract/script-fields.ts';

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

/** Values as they are on the wire. */
export interface WireValues {
  value: WireValue;
  values: WireValue[];
  status: WireValue;
  json: Json;
}

/** Events whose values are held as `V` says: script-table.ts, a `t` for each row; a gate is one event, whichever it is. */
export type EventOf<V extends Values> =
  | MessageOf<typeof LIFE_EVENTS, 't', V>
  | MessageOf<typeof NOTICES, 't', V>
  | GateEventOf<MessageOf<typeof GATES, 'gate', V>>;
type GateEventOf<Question> = Question extends unknown ? { t: 'gate'; id: number } & Question : never;

/** Every event may carry what the next turn needs; they reach the script in order. */
export type ScriptEvent = EventOf<WireValues>;
/** Commands as a script sends them. */
export type ScriptCommand = MessageOf<typeof COMMANDS, 'op', WireValues>;

export type WireAccess = TypeOf<{ has: typeof CLIENT_ACCESS }, WireValues>;
export type WireClient = TypeOf<typeof CLIENT, WireValues>;
export type WirePublish = TypeOf<typeof PUBLISH_REQUEST, WireValues>;
export type WireCurrentPublisher = TypeOf<typeof CURRENT_PUBLISHER, WireValues>;
export type WirePlay = TypeOf<typeof PLAY_REQUEST, WireValues>;
export type WireSecret = TypeOf<typeof SECRET, WireValues>;
export type RecordMode = (typeof RECORD_MODES)[number];
export type PublishType = (typeof PUBLISH_TYPES)[number];
export type WireRecordTerms = TypeOf<{ may: typeof RECORD_TERMS }, WireValues>;
export type ScriptFaultKind = (typeof SCRIPT_FAULT_KINDS)[number];
export type WireSnapshot = (ScriptEvent & { t: 'start' })['snapshot'];

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
  limits: RunLimits;
  /** As in LoadBody. */
  heldMs?: number;
}

export const RANDOM_POOL_BYTES = 16 << 10;
/** Of one turn of a script, in number and in characters as JSON; one command can be no larger. */
export const MAX_COMMANDS = 10_000;
export const MAX_COMMAND_CHARACTERS = 2 << 20;
/** Questions to services that one version of a script may have open. */
export const MAX_ASKS = 1000;
export const MIN_TIMEOUT_MS = 1;
export const MIN_INTERVAL_MS = 4;
export const MAX_CRYPTO_BYTES = 1 << 20;
export const MAX_CRYPTO_CALLS = 64;
