// What an application instance and the script that decides for it say to each other. The script itself runs in another
// process; script/host/host.ts stands behind these interfaces, and the instance never knows.
import type { LimitName } from '../../log/limits.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import type { ForgottenConnections, OutgoingStatus } from './outgoing.ts';
import type { Json, MessageOf, TypeOf, Values } from './script-fields.ts';
import { PUBLISH_TYPES, type RECORD_MODES } from './script-limits.ts';
import type {
  CLIENT,
  CLIENT_ACCESS,
  CLIENT_STATS,
  CURRENT_PUBLISHER,
  GATES,
  HOST_ONLY_COMMANDS,
  INSTANCE_COMMANDS,
  INSTANCE_SNAPSHOT,
  INSTANCE_STATS,
  INVOKE_RESULT,
  NOTICES,
  PLAY_REQUEST,
  PUBLISH_REQUEST,
  RECORD_FAULT,
  RECORD_LIMITS,
  RECORD_TERMS,
  RECORDED_FILE,
  VERDICT,
} from './script-table.ts';

/** Values inside the media process. */
export interface AmfValues extends Values {
  value: AmfValue;
  values: AmfValue[];
  status: OutgoingStatus;
  json: Json;
}
type Of<S> = TypeOf<S, AmfValues>;

export type GateName = keyof typeof GATES;
export type ClientAccess = Of<{ has: typeof CLIENT_ACCESS }>;
export type ClientFacts = Of<typeof CLIENT>;
export type ClientStats = Of<typeof CLIENT_STATS>;
export type InstanceStats = Of<typeof INSTANCE_STATS>;
export type PublishRequest = Of<typeof PUBLISH_REQUEST>;
export type CurrentPublisher = Of<typeof CURRENT_PUBLISHER>;
export type PlayRequest = Of<typeof PLAY_REQUEST>;
export type RecordedFile = Of<typeof RECORDED_FILE>;
export type RecordFault = Of<typeof RECORD_FAULT>;
export type RecordLimits = Of<{ may: typeof RECORD_LIMITS }>;
export type RecordTerms = Of<{ may: typeof RECORD_TERMS }>;
export type InstanceSnapshot = Of<typeof INSTANCE_SNAPSHOT>;
export type RecordMode = (typeof RECORD_MODES)[number];
export type PublishType = (typeof PUBLISH_TYPES)[number];

export type GateQuestion = MessageOf<typeof GATES, 'gate', AmfValues>;
/** A refusal's `reason` is one line of at most 200 printable characters. */
export type Verdict = Of<typeof VERDICT>;
export type InvokeResult = Of<typeof INVOKE_RESULT>;

/** What a script is told. */
export type ScriptNotice = MessageOf<typeof NOTICES, 'event', AmfValues>;
export type Notice =
  | ScriptNotice
  /** For the log: connections to other servers that no version of the script has taken over. */
  | { event: 'forgotten'; connections: readonly ForgottenConnections[] };

/** What a script, or the host for it, does to its instance. */
export type InstanceCommand = MessageOf<
  typeof INSTANCE_COMMANDS & typeof HOST_ONLY_COMMANDS,
  'op',
  AmfValues
>;

/** In any case. Undefined: it is none of them. */
export function publishTypeOf(given: unknown): PublishType | undefined {
  if (typeof given !== 'string') return undefined;
  const lower = given.toLowerCase();
  return PUBLISH_TYPES.find((type) => type.toLowerCase() === lower);
}

/** How busy a script is. What counts are gates and calls: what it owes an answer. */
export interface ScriptStats {
  /** Asked and not answered yet; the most that there ever were. */
  open: number;
  mostOpen: number;
  answered: number;
  /** From the question to the answer, all together; the longest. */
  answerMs: number;
  longestAnswerMs: number;
}

/** The script of one instance. Callbacks, not promises: a verdict and the commands behind it act in their order. */
export interface InstanceScript {
  /** Resolves after `onAppStart`; rejects with a ScriptError when no version of the script can be started. */
  readonly started: Promise<void>;
  /**
   * Asks a gate; `answer` is called exactly once unless the returned handle is dropped first. Errors, deadline (10 s) and
   * runner loss come as refusals.
   */
  ask(question: GateQuestion, answer: (verdict: Verdict) => void): OpenGate;
  tell(notice: Notice): void;
  /** A remote method or FMLE command. `answer` is called exactly once, also when `wantsResult` is false. */
  invoke(
    clientId: string,
    name: string,
    args: AmfValue[],
    wantsResult: boolean,
    answer: (result: InvokeResult) => void,
  ): void;
  /**
   * Undefined: there is room for what that client calls and answers. Otherwise so much waits for the script that more of it should
   * wait with the client: which limit says so. `whenIdle` calls back, once, when that may have changed; it returns its undo.
   */
  busyWith(clientId: string): LimitName | undefined;
  whenIdle(clientId: string, call: () => void): () => void;
  /** The far end's answer to a `client.call` that had a responder (`CallClient.responder`). */
  callResult(responder: number, ok: boolean, value: AmfValue): void;
  /**
   * Resolves when the handlers of all notices so far have ended, their promises included, and what the script has asked
   * for has been answered; after `ms` at the latest.
   */
  settle(ms: number): Promise<void>;
  /** Runs `onAppStop`. `false`: the script asks to stay (FMS: vetoes an idle unload, not a shutdown). */
  stop(reason: 'Application.GC' | 'Application.Shutdown'): Promise<boolean>;
  stats(): ScriptStats;
  /** Ends the script at once; nothing is called any more. */
  close(): void;
}

/** How long the handlers of what ends with an instance may take (onUnpublish, onDisconnect, onRecord), files of recordings included. */
export const FAREWELL_MS = 5_000;
/** How long an instance waits for what its onAppStop has asked for without waiting itself. */
export const AFTERWORD_MS = 1_000;

export interface OpenGate {
  /** Names the question in notices and commands. */
  readonly id: number;
  /** The asker has gone: a late verdict is a no-op. */
  drop(): void;
}

/** What a script may do to its instance. Implemented by AppInstance. */
export interface ScriptCommands {
  obey(command: InstanceCommand): void;
  /** Accepted, and here. */
  hasClient(clientId: string): boolean;
  /** Who is here now, for a script that starts anew (reload, crash of the runner). */
  snapshot(): InstanceSnapshot;
}

/** Opens scripts. Implemented by script/host/host.ts. */
export interface Scripts {
  /** `undefined`: that application's folder never held a main script, the defaults serve it. */
  open(application: string, instance: string, commands: ScriptCommands): InstanceScript | undefined;
  /**
   * False: the scripts of that application take their share of the memory for scripts already. `isReplacing`: one of its
   * instances is about to end for the next.
   */
  hasRoomFor(application: string, isReplacing: boolean): boolean;
  /**
   * An operator has it started anew: what its script has done before is not held against it any more, and the newest version
   * is not held back.
   */
  pardon(application: string): void;
}
