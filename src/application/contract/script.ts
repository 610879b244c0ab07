// What an application instance and the script that decides for it say to each other. The script itself runs in another
// process; script/host/host.ts stands behind these interfaces, and the instance never knows.
import type { LimitName } from '../../log/limits.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import type { PublisherSecret } from '../../protocol/rtmp/publisher-auth.ts';
import type { ForgottenConnections, OutgoingCommands, OutgoingStatus } from './outgoing.ts';
import type { ServerStreamCommands } from './source.ts';

/** The events that are asked and may refuse; all others are told. */
export const GATES = ['onAuthenticate', 'onConnect', 'onPublish', 'onPlay'] as const;
export type GateName = (typeof GATES)[number];

/** What a client may do with streams: `;`-separated folders of their names, `/` is everything. */
export interface ClientAccess {
  /** Play them. */
  readAccess: string;
  /** Publish them. */
  writeAccess: string;
  /** Look into their sound and pictures: Flash Player asks for |RtmpSampleAccess. */
  audioSampleAccess: string;
  videoSampleAccess: string;
}

/** A client as its script first sees it; ssas-style names, strings never absent (scripts call string methods at once). */
export interface ClientFacts extends ClientAccess {
  id: string;
  ip: string;
  /** `flashVer` of the connect command. */
  agent: string;
  /** `swfUrl` of the connect command. */
  referrer: string;
  pageUrl: string;
  /** `tcUrl` as the client gave it. */
  uri: string;
  protocol: string;
  secure: boolean;
  virtualKey: string;
  /** As whom it has logged in; empty: nobody asked. */
  user: string;
  objectEncoding: 0 | 3;
}

/** What a publisher asks for. `name` is without the query; frozen in the script. */
export interface PublishRequest {
  name: string;
  query: string;
  params: Record<string, string>;
  type: PublishType;
}

/** Who publishes what somebody else asks to publish, when the script is asked. Times are ms before that. */
export interface CurrentPublisher {
  /** Undefined: the server itself, at a script's word. */
  clientId: string | undefined;
  sinceMs: number;
  lastByteMs: number;
}

/** What a player asks for. `start` and `length` in seconds as in `NetStream.play` (-2, -1, or from 0 on). */
export interface PlayRequest {
  name: string;
  query: string;
  params: Record<string, string>;
  start: number;
  length: number;
  reset: boolean;
}

export type GateQuestion =
  | { gate: 'onAuthenticate'; user: string }
  | { gate: 'onConnect'; client: ClientFacts; args: AmfValue[] }
  | {
      gate: 'onPublish';
      clientId: string;
      request: PublishRequest;
      /** Undefined: the name is free. */
      current?: CurrentPublisher | undefined;
    }
  | { gate: 'onPlay'; clientId: string; request: PlayRequest };

/** The answer to a gate. A refusal's `reason` is already cut to 200 printable characters. */
export type Verdict =
  | {
      accepted: true;
      /** Public name (onPublish) or the stream really played (onPlay). */
      as?: string;
      record?: RecordMode;
      /** onPublish: whoever has the name loses it, alive or not. */
      takeOver?: boolean;
      /** onAuthenticate: what the script knows of the user. */
      secret?: PublisherSecret;
    }
  | {
      accepted: false;
      reason: string;
      /** onConnect: reaches the client as `info.application`. */
      application?: AmfValue;
      /** onConnect: `redirectConnection`; reaches the client as `info.ex` = { code: 302, redirect }. */
      redirect?: string;
    };

/** `appendWithGap`: with the time between, as the clock on the wall has it. */
export const RECORD_MODES = ['record', 'append', 'appendWithGap'] as const;
export type RecordMode = (typeof RECORD_MODES)[number];
export type PublishType = 'live' | RecordMode;

/** In any case. Undefined: it is none of them. */
export function publishTypeOf(given: unknown): PublishType | undefined {
  if (typeof given !== 'string') return undefined;
  const lower = given.toLowerCase();
  return (['live', ...RECORD_MODES] as const).find((type) => type.toLowerCase() === lower);
}

/** What happened. Told in order, never answered. */
export type Notice =
  /** A client that had been accepted has left. */
  | { event: 'disconnect'; clientId: string }
  /** A publish took effect under `stream`, its public name. `gate` is the question that admitted it, if one was asked. */
  | { event: 'publish'; clientId: string; stream: string; query: string; gate?: number }
  /** The question was answered yes, but the publish failed after all (name taken, client gone). */
  | { event: 'publishFailed'; gate: number }
  | { event: 'unpublish'; clientId: string; stream: string }
  | { event: 'play'; clientId: string; stream: string }
  | { event: 'stop'; clientId: string; stream: string }
  /** A file is whole, some time after its recording has ended. */
  | { event: 'recorded'; stream: string; file: RecordedFile }
  /** A recording could not be begun, or ended because nothing more could be written. */
  | { event: 'recordFailed'; stream: string; error: RecordFault }
  /** Of a connection to another server, or a stream there, by the key that the script's command gave it. `isOver`: the last of it. */
  | { event: 'outgoing'; key: number; info: OutgoingStatus; isOver: boolean }
  /** Connections to other servers that no version of the script has taken over: for the log. */
  | { event: 'forgotten'; connections: readonly ForgottenConnections[] }
  /** For `onStatus` of that stream, or of the application. */
  | {
      event: 'status';
      info: { code: string; level: string; description?: string; details?: string };
      stream?: string;
    }
  /** Fresh numbers for `client.getStats()`, after a ping or on request. */
  | { event: 'clientStats'; clientId: string; stats: ClientStats }
  /** The same for `application.getStats()`, on request. */
  | { event: 'instanceStats'; stats: InstanceStats };

/** A whole file as scripts are told of it; units: seconds, bytes. */
export interface RecordedFile {
  /** What players ask for: `show`, `mp4:show.f4v`. */
  name: string;
  /** Within the application's folder: `streams/_definst_/show.flv`; absolute if it lies elsewhere. */
  path: string;
  duration: number;
  bytes: number;
  codecs: readonly string[];
  reason: string;
}

export interface RecordFault {
  /** NetStream.Record.Failed or .NoAccess. */
  code: string;
  description: string;
  /** As above; absent: it never got one. */
  path?: string;
}

/** Numbers as `Client.getStats` has them; bytes and messages since connect, `ping_rtt` in ms. */
export interface ClientStats {
  bytes_in: number;
  bytes_out: number;
  msg_in: number;
  msg_out: number;
  msg_dropped: number;
  ping_rtt: number;
}

/** Numbers as `application.getStats` has them, since the instance was started. */
export interface InstanceStats {
  bytes_in: number;
  bytes_out: number;
  msg_in: number;
  msg_out: number;
  msg_dropped: number;
  total_connects: number;
  total_disconnects: number;
}

/** The outcome of a remote method. `found: false`: the script has none of that name, the server's default applies. */
export type InvokeResult =
  | { found: false }
  | { found: true; ok: true; value: AmfValue }
  | { found: true; ok: false; description: string };

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

/** What a script may do to its instance. Implemented by AppInstance; unknown clients and streams are ignored (they may just have left). */
export interface ScriptCommands {
  callClient(clientId: string, name: string, args: AmfValue[], responder: number | undefined): void;
  broadcast(name: string, args: AmfValue[]): void;
  disconnectClient(clientId: string): void;
  /** The script that served it goes: it is told NetConnection.Connect.AppShutdown, and closed. */
  endClient(clientId: string): void;
  setAccess(clientId: string, access: Partial<ClientAccess>): void;
  pingClient(clientId: string): void;
  /** `gate`: made while that publish was being decided; forgotten if it was refused. */
  record(stream: string, mode: RecordMode | false, terms: RecordTerms, gate: number | undefined): void;
  /** Takes the publisher off that stream. */
  disconnectStream(stream: string, reason: string, gate: number | undefined): void;
  readonly outgoing: OutgoingCommands;
  readonly serverStreams: ServerStreamCommands;
  shutdown(): void;
  stats(): InstanceStats;
  /** Accepted, and here. */
  hasClient(clientId: string): boolean;
  /** Who is here now, for a script that starts anew (reload, crash of the runner). */
  snapshot(): InstanceSnapshot;
}

/** Units: seconds, bytes; absent is as the configuration has it, UNLIMITED as long and as large as it allows. */
export interface RecordLimits {
  maxDurationS?: number;
  maxSizeBytes?: number;
}
export const UNLIMITED = Number.MAX_SAFE_INTEGER;

export interface RecordTerms extends RecordLimits {
  /** Absent: as the stream's prefix, or the name of the file, says. */
  format?: 'flv' | 'mp4';
  /** The name of the file, below the folder of the instance, with fields as `{date}`; absent: the stream's. */
  file?: string;
  /** A new file is begun at the first keyframe behind so many seconds. */
  segmentS?: number;
  /** The next file is begun when the clock on the wall passes a multiple of them. */
  isAligned?: boolean;
}

export interface InstanceSnapshot {
  clients: { facts: ClientFacts; stats: ClientStats }[];
  streams: {
    name: string;
    query: string;
    publisher: string | undefined;
    /** What the server plays into it. */
    source: string | undefined;
    players: string[];
  }[];
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
