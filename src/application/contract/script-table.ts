// Everything that the media process and a script say to each other: one row for each gate, notice and command. The types of both
// sides, the check of what a script sends, the text of what it is told, and the forwarding between the two follow from these rows:
// CONTRIBUTING.md, "A new notice, a new command". The guest library has its types alone; what it needs at run time is in
// script-limits.ts, and what is derived for it is written into its bundle (script/source/guest-bundle.ts).
import type { Field, Fields, Shape } from './script-fields.ts';
import {
  LOG_LEVELS,
  MAX_KEPT_CHARACTERS,
  MAX_LOG_TEXT,
  MAX_LOST,
  MAX_NAME,
  MAX_REASON,
  MAX_REDIRECT,
  MAX_SERVICE_NAME,
  MAX_STACK,
  MAX_URI,
  PUBLISH_TYPES,
  RECORD_FORMATS,
  RECORD_MODES,
  SCRIPT_FAULT_KINDS,
} from './script-limits.ts';

const ID = { is: 'id' } as const;
const KEY = { is: 'key' } as const;
const FLAG = { is: 'flag' } as const;
const AMOUNT = { is: 'amount' } as const;
const NUMBER = { is: 'number' } as const;
const VALUE = { is: 'value' } as const;
const VALUES = { is: 'values' } as const;
const JSON_VALUE = { is: 'json' } as const;
const TEXT = { is: 'text', max: MAX_NAME } as const;
const STREAM = { is: 'stream' } as const;
/** The script may have done something to a stream that has no name yet. */
const STREAM_OR_NONE = { is: 'stream', mayBeEmpty: true } as const;

// ── what both sides know of clients, streams and files ─────────────────────────────────────────────────────────────

/** What a client may do with streams: `;`-separated folders of their names; `/` is everything. */
export const CLIENT_ACCESS = {
  /** Play them. */
  readAccess: TEXT,
  /** Publish them. */
  writeAccess: TEXT,
  /** Read their audio and video samples: Flash Player asks for |RtmpSampleAccess. */
  audioSampleAccess: TEXT,
  videoSampleAccess: TEXT,
} as const satisfies Fields;

/** What a script reads from a client and cannot change; texts are never absent: scripts call string methods at once. */
export const CLIENT_IDENTITY = {
  id: TEXT,
  ip: TEXT,
  /** `flashVer` of the connect command. */
  agent: TEXT,
  /** `swfUrl` of the connect command. */
  referrer: TEXT,
  pageUrl: TEXT,
  /** `tcUrl` as the client gave it. */
  uri: TEXT,
  protocol: TEXT,
  secure: FLAG,
  virtualKey: TEXT,
  /** The user name that it has logged in with; empty: no login was required. */
  user: TEXT,
  objectEncoding: { is: 'oneOf', of: [0, 3] },
} as const satisfies Fields;

/** A client as its script first sees it. */
export const CLIENT = { has: { ...CLIENT_IDENTITY, ...CLIENT_ACCESS } } as const satisfies Shape;

/** Bytes and messages since connect; `ping_rtt` in ms. */
export const CLIENT_STATS = {
  has: {
    bytes_in: NUMBER,
    bytes_out: NUMBER,
    msg_in: NUMBER,
    msg_out: NUMBER,
    msg_dropped: NUMBER,
    ping_rtt: NUMBER,
  },
} as const satisfies Shape;

/** Since the instance was started. */
export const INSTANCE_STATS = {
  has: {
    bytes_in: NUMBER,
    bytes_out: NUMBER,
    msg_in: NUMBER,
    msg_out: NUMBER,
    msg_dropped: NUMBER,
    total_connects: NUMBER,
    total_disconnects: NUMBER,
  },
} as const satisfies Shape;

/** What a publisher asks for. `name` is without the query. */
export const PUBLISH_REQUEST = {
  has: {
    name: TEXT,
    query: TEXT,
    params: { is: 'textByName' },
    type: { is: 'oneOf', of: PUBLISH_TYPES },
  },
} as const satisfies Shape;

/** The publisher of a name that another client asks to publish. Times are ms before the question. */
export const CURRENT_PUBLISHER = {
  has: { sinceMs: NUMBER, lastByteMs: NUMBER },
  /** Absent: the server itself, at a script's command. */
  may: { client: TEXT },
} as const satisfies Shape;

/** What a player asks for. `start` and `length` in seconds as in `NetStream.play` (-2, -1, or from 0 on). */
export const PLAY_REQUEST = {
  has: { name: TEXT, query: TEXT, params: { is: 'textByName' }, start: NUMBER, length: NUMBER, reset: FLAG },
} as const satisfies Shape;

/** A whole file. Units: seconds, bytes. */
export const RECORDED_FILE = {
  has: {
    /** What players ask for: `show`, `mp4:show.f4v`. */
    name: TEXT,
    /** Within the application's folder: `streams/_definst_/show.flv`; absolute if it lies elsewhere. */
    path: TEXT,
    duration: NUMBER,
    bytes: NUMBER,
    codecs: { is: 'texts', max: 10 },
    reason: TEXT,
  },
} as const satisfies Shape;

export const RECORD_FAULT = {
  /** `code`: NetStream.Record.Failed or .NoAccess. */
  has: { code: TEXT, description: TEXT },
  /** As above; absent: there was no file. */
  may: { path: TEXT },
} as const satisfies Shape;

/** Units: seconds, bytes; absent: as the configuration says; UNLIMITED: as much as it allows. */
export const RECORD_LIMITS = { maxDurationS: AMOUNT, maxSizeBytes: AMOUNT } as const satisfies Fields;

export const RECORD_TERMS = {
  ...RECORD_LIMITS,
  /** Absent: as the stream's prefix, or the name of the file, says. */
  format: { is: 'oneOf', of: RECORD_FORMATS },
  /** The name of the file, below the folder of the instance, with fields as `{date}`; absent: the stream's. */
  file: TEXT,
  /** A new file is begun at the first keyframe behind so many seconds. */
  segmentS: AMOUNT,
  /** The next file is begun when the wall clock passes a multiple of them. */
  isAligned: FLAG,
} as const satisfies Fields;

/** What onAuthenticate knows of a user: protocol/rtmp/publisher-auth.ts. */
export const SECRET = {
  by: 'kind',
  cases: [
    { when: 'plain', has: { password: TEXT } },
    { when: 'adobe', has: { salt: TEXT, hash: TEXT } },
    { when: 'llnw', has: { hash: TEXT } },
  ],
} as const satisfies Shape;

/** Clients and streams of an instance, for a version of the script that starts. */
const SNAPSHOT_STREAM = {
  has: { name: TEXT, query: TEXT, players: { is: 'texts', max: Number.POSITIVE_INFINITY } },
  /** `source`: what the server plays into it. */
  may: { publisher: TEXT, source: TEXT },
} as const satisfies Shape;
const SNAPSHOT_CLIENT = {
  has: { facts: { is: 'object', of: CLIENT }, stats: { is: 'object', of: CLIENT_STATS } },
} as const satisfies Shape;
export const INSTANCE_SNAPSHOT = {
  has: { clients: { is: 'list', of: SNAPSHOT_CLIENT }, streams: { is: 'list', of: SNAPSHOT_STREAM } },
} as const satisfies Shape;

// ── to the script ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Questions that may refuse. Each is a handler of `application`. Answered by the command `verdict`. */
export const GATES = {
  onAuthenticate: { has: { user: TEXT } },
  onConnect: { has: { client: { is: 'object', of: CLIENT }, args: VALUES } },
  onPublish: {
    has: { client: TEXT, request: { is: 'object', of: PUBLISH_REQUEST } },
    /** Absent: the name is free. */
    may: { current: { is: 'object', of: CURRENT_PUBLISHER } },
  },
  onPlay: { has: { client: TEXT, request: { is: 'object', of: PLAY_REQUEST } } },
} as const satisfies Record<string, Shape>;

export interface NoticeRow extends Shape {
  /**
   * The version of the script that is told: the one that the client of the notice belongs to, the newest, each that serves. What has a
   * `key` is for the version that counted it, whichever this says.
   */
  readonly to: 'owner' | 'newest' | 'all';
  /** The handler of `application` that hears of it. */
  readonly handler?: string;
  /** Dropped when too much waits for the script. */
  readonly isNews?: true;
}

/** What happened. Told in order, never answered. */
export const NOTICES = {
  /** A client that had been accepted has left. */
  disconnect: { to: 'owner', handler: 'onDisconnect', has: { client: TEXT } },
  /** A publish took effect under `stream`, its public name. `gate`: the question that admitted it, if one was asked. */
  publish: { to: 'owner', has: { client: TEXT, stream: TEXT, query: TEXT }, may: { gate: ID } },
  /** The question was answered yes, but the publish failed after all (name taken, client gone). */
  publishFailed: { to: 'all', has: { gate: ID } },
  unpublish: { to: 'owner', handler: 'onUnpublish', has: { client: TEXT, stream: TEXT } },
  play: { to: 'owner', has: { client: TEXT, stream: TEXT } },
  stopPlay: { to: 'owner', handler: 'onStop', has: { client: TEXT, stream: TEXT } },
  /** A player pauses a stream, or goes on with it. */
  pause: {
    to: 'owner',
    handler: 'onPause',
    isNews: true,
    has: { client: TEXT, stream: TEXT, isPaused: FLAG },
  },
  /** A file is whole, some time after its recording has ended. */
  recorded: {
    to: 'newest',
    handler: 'onRecord',
    has: { stream: TEXT, file: { is: 'object', of: RECORDED_FILE } },
  },
  /** A recording could not be begun, or ended because nothing more could be written. */
  recordFailed: {
    to: 'newest',
    handler: 'onRecordError',
    has: { stream: TEXT, error: { is: 'object', of: RECORD_FAULT } },
  },
  /** Status of a connection to another server, or of a stream there, by the key of its command. `isOver`: the last one. */
  outgoing: { to: 'all', has: { id: KEY, info: { is: 'status' }, isOver: FLAG } },
  /** For `onStatus` of that stream, or of the application. */
  status: {
    to: 'newest',
    handler: 'onStatus',
    isNews: true,
    has: {
      info: {
        is: 'object',
        of: { has: { code: TEXT, level: TEXT }, may: { description: TEXT, details: TEXT } },
      },
    },
    may: { stream: TEXT },
  },
  /** For `client.getStats()`, after a ping or on request. */
  clientStats: {
    to: 'owner',
    isNews: true,
    has: { client: TEXT, stats: { is: 'object', of: CLIENT_STATS } },
  },
  /** For `application.getStats()`, on request. */
  instanceStats: { to: 'all', isNews: true, has: { stats: { is: 'object', of: INSTANCE_STATS } } },
} as const satisfies Record<string, NoticeRow>;

/** The rest of what a script is sent: its life, calls of clients, answers. */
export const LIFE_EVENTS = {
  /** Once, first. Answered by `ready` when onAppStart's promise has settled. */
  start: {
    has: {
      id: ID,
      why: { is: 'oneOf', of: ['start', 'reload', 'restored'] },
      snapshot: {
        is: 'object',
        of: {
          has: {
            clients: {
              is: 'list',
              of: {
                ...SNAPSHOT_CLIENT,
                /** `saved`: what the old version's `save` gave for that client; `data`: what was kept of one that could not save. */
                may: { saved: JSON_VALUE, data: TEXT },
              },
            },
            streams: { is: 'list', of: SNAPSHOT_STREAM },
          },
        },
      },
    },
    may: { state: JSON_VALUE },
  },
  /** To an old version: give away what the new one shall have. Answered by `saved`. */
  save: { has: { id: ID } },
  /** The answer to that gate is not wanted any more. */
  gateDropped: { has: { id: ID } },
  /** A remote method. Answered by `ret`. */
  call: { has: { id: ID, client: TEXT, name: TEXT, args: VALUES, wantsResult: FLAG } },
  /** The answer to a `clientCall` with that responder. */
  callResult: { has: { responder: KEY, ok: FLAG, value: VALUE } },
  /** The answer to an `ask`. */
  answer: {
    has: { id: ID },
    by: 'ok',
    cases: [
      { when: true, has: { value: JSON_VALUE } },
      { when: false, has: { name: TEXT, message: TEXT } },
    ],
  },
  /** Answered by `ret` once the handlers of all events before have ended, their promises included. */
  settle: { has: { id: ID } },
  /** onAppStop. Answered by `ret` with the handler's return value. */
  stop: { has: { id: ID, code: { is: 'oneOf', of: ['Application.GC', 'Application.Shutdown'] } } },
} as const satisfies Record<string, Shape>;

// ── from the script ────────────────────────────────────────────────────────────────────────────────────────────────

/** The answer to a gate. */
export const VERDICT = {
  by: 'accepted',
  cases: [
    {
      when: true,
      may: {
        /** Public name (onPublish) or the stream really played (onPlay). */
        as: STREAM_OR_NONE,
        /** onPublish. */
        record: { is: 'oneOf', of: RECORD_MODES },
        /** onPublish: the publisher that has the name loses it, alive or not. */
        takeOver: FLAG,
        /** onAuthenticate: what the script knows of the user. */
        secret: { is: 'object', of: SECRET },
      },
    },
    {
      when: false,
      has: { reason: { is: 'text', max: MAX_REASON, isLine: true } },
      may: {
        /** onConnect: reaches the client as `info.application`. */
        application: VALUE,
        /** onConnect: `redirectConnection`; reaches the client as `info.ex` = { code: 302, redirect }. */
        redirect: { is: 'text', max: MAX_REDIRECT },
      },
    },
  ],
} as const satisfies Shape;

/** The outcome of a remote method. `found: false`: the script has none of that name, the server's default applies. */
export const INVOKE_RESULT = {
  by: 'found',
  cases: [
    { when: false },
    {
      when: true,
      by: 'ok',
      cases: [
        { when: true, has: { value: VALUE } },
        { when: false, has: { description: { is: 'text', max: MAX_NAME, cuts: true } } },
      ],
    },
  ],
} as const satisfies Shape;

/** What an old version gives to the new one. The media process only passes it on. */
export const SAVED_STATE = {
  has: {
    clients: { is: 'jsonByName' },
    /** What could not be carried over, named for the author. */
    lost: { is: 'texts', max: MAX_LOST },
  },
  may: { state: JSON_VALUE },
} as const satisfies Shape;

/** Commands that the script host of the media process deals with: answers, reports, questions to services. */
export const HOST_COMMANDS = {
  /** onAppStart is through. Only after `ok: true` does the media side commit this unit. */
  ready: { has: { id: ID, ok: FLAG } },
  saved: { has: { id: ID, ...SAVED_STATE.has }, may: SAVED_STATE.may },
  verdict: { has: { id: ID }, ...VERDICT },
  ret: { has: { id: ID }, ...INVOKE_RESULT },
  /** Of the runner: a turn was cut in the middle of its promises. What was to settle in it never will. */
  cut: {},
  /** `client.data` as JSON of a WireValue, at the end of the turn that changed it; without `data` there is nothing to keep. */
  keep: { has: { client: TEXT }, may: { data: { is: 'text', max: MAX_KEPT_CHARACTERS } } },
  /** A request to a service (services.ts). Answered by `answer`, unless an `unask` takes it back. */
  ask: { has: { id: ID, service: { is: 'text', max: MAX_SERVICE_NAME }, request: JSON_VALUE } },
  unask: { has: { id: ID } },
  log: {
    has: { level: { is: 'oneOf', of: LOG_LEVELS }, text: { is: 'text', max: MAX_LOG_TEXT, cuts: true } },
  },
  /** An exception, rejection or misuse in the script. `where`: handler or method. */
  error: {
    has: {
      kind: { is: 'oneOf', of: SCRIPT_FAULT_KINDS },
      where: { is: 'text', max: MAX_NAME, cuts: true },
      message: { is: 'text', max: MAX_LOG_TEXT, cuts: true },
      stack: { is: 'text', max: MAX_STACK, cuts: true },
    },
    may: { client: TEXT },
  },
} as const satisfies Record<string, Shape>;

export interface CommandRow extends Shape {
  /** What makes it, in the typings for authors: `Client.call`. */
  readonly by?: never;
  readonly members: readonly string[];
}

/**
 * What a script does to its instance. Unknown clients and streams are ignored: they may just have left. `gate`: the command was made
 * while that publish was being decided, and is forgotten if it is refused.
 */
export const INSTANCE_COMMANDS = {
  /** `responder`: the answer is handed to `InstanceScript.callResult`. */
  clientCall: {
    members: ['Client.call'],
    has: { client: TEXT, name: TEXT, args: VALUES },
    may: { responder: KEY },
  },
  broadcast: { members: ['Application.broadcastMsg'], has: { name: TEXT, args: VALUES } },
  disconnect: { members: ['Application.disconnect'], has: { client: TEXT } },
  access: {
    members: [
      ...['Client.readAccess', 'Client.writeAccess'],
      ...['Client.audioSampleAccess', 'Client.videoSampleAccess'],
    ],
    has: { client: TEXT },
    may: CLIENT_ACCESS,
  },
  /** Answered by `clientStats`, now and after the ping. */
  ping: { members: ['Client.ping', 'Client.getStats'], has: { client: TEXT } },
  record: {
    members: ['Stream.record'],
    has: { stream: STREAM_OR_NONE, mode: { is: 'oneOf', of: [...RECORD_MODES, false] } },
    may: { ...RECORD_TERMS, gate: ID },
  },
  /** Takes the publisher off that stream. */
  streamDisconnect: {
    members: ['Stream.disconnect'],
    has: { stream: STREAM_OR_NONE, reason: { is: 'text', max: MAX_REASON, isLine: true } },
    may: { gate: ID },
  },
  /** Units: seconds. `connection`: of the server that has the source; absent: this one. */
  streamPlay: {
    members: ['Stream.play'],
    has: { stream: STREAM, source: { is: 'name' }, start: NUMBER, length: NUMBER, reset: FLAG },
    may: { connection: KEY },
  },
  streamStop: { members: ['Stream.play'], has: { stream: STREAM } },
  streamReceive: {
    members: ['Stream.receiveAudio', 'Stream.receiveVideo'],
    has: { stream: STREAM },
    may: { audio: FLAG, video: FLAG },
  },
  streamBuffer: { members: ['Stream.setBufferTime'], has: { stream: STREAM, seconds: AMOUNT } },
  /** A data message to all players; `@setDataFrame` and `@clearDataFrame` as from a publisher. */
  streamSend: {
    members: ['Stream.send'],
    has: { stream: STREAM, name: TEXT, args: VALUES },
    may: { gate: ID },
  },
  /** NetConnection and NetStream of scripts, which share one count of keys. What becomes of them: `outgoing`. */
  outConnect: {
    members: ['NetConnection.connect'],
    has: { id: KEY, uri: { is: 'text', max: MAX_URI }, args: VALUES },
  },
  outClose: { members: ['NetConnection.close'], has: { id: KEY } },
  /** `source`: a stream of this instance; absent: none yet. */
  outPublish: {
    members: ['NetStream.publish'],
    has: { id: KEY, connection: KEY, name: TEXT, type: { is: 'oneOf', of: PUBLISH_TYPES } },
    may: { source: STREAM_OR_NONE },
  },
  /** Another source for what is published, or none. */
  outAttach: { members: ['NetStream.attach'], has: { id: KEY }, may: { source: STREAM_OR_NONE } },
  outUnpublish: { members: ['NetStream.publish', 'NetStream.close'], has: { id: KEY } },
  /** Ends what versions before have left and this one has not taken over. */
  outForget: { members: ['NetConnection.closeForgotten'] },
  shutdown: { members: ['Application.shutdown'] },
  /** Answered by `instanceStats`. */
  stats: { members: ['Application.getStats'] },
} as const satisfies Record<string, CommandRow>;

/** Everything that a script may send. */
export const COMMANDS = { ...HOST_COMMANDS, ...INSTANCE_COMMANDS };

/** What the script host does to an instance by itself; no script can send these. */
export const HOST_ONLY_COMMANDS = {
  /** The version of the script that served it ends: it is told NetConnection.Connect.AppShutdown, and closed. */
  endClient: { has: { client: TEXT } },
  /** Connections whose keys are `from` and more, but less than `to`, are of a version that has ended: the next may take them over. */
  outDisown: { has: { from: NUMBER, to: NUMBER } },
} as const satisfies Record<string, Shape>;

/** Handlers of `application` that no gate and no notice calls: the life of a version, and what follows a verdict. */
const OTHER_HANDLERS_OF_SCRIPTS = [
  ...['onAppStart', 'onAppStop', 'onBeforeReload', 'onClientResume'],
  ...['onConnectAccept', 'onConnectReject'],
];

/** What scripts are asked and told, as properties of `application`. */
export const HANDLERS: readonly string[] = [
  ...OTHER_HANDLERS_OF_SCRIPTS,
  ...Object.keys(GATES),
  ...Object.values(NOTICES as Record<string, NoticeRow>).flatMap(({ handler }) => handler ?? []),
];

/** The fields of a shape, those of its cases too. */
export function fieldsOf(shape: Shape): [name: string, field: Field][] {
  return [
    ...Object.entries(shape.has ?? {}),
    ...Object.entries(shape.may ?? {}),
    ...(shape.cases ?? []).flatMap(fieldsOf),
  ];
}

/** By the names of fields of commands: how long a text may be, if more is refused. */
export function textLimits(): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const [name, field] of Object.values(COMMANDS as Record<string, Shape>).flatMap(fieldsOf)) {
    if (field.is === 'text' && !field.cuts && !field.isLine) limits[name] = field.max;
    else if (field.is === 'stream' || field.is === 'name') limits[name] = MAX_NAME;
  }
  return limits;
}
