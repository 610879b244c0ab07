// What comes back from a script, checked field by field: an isolate's answer is hostile input. What is returned here
// can be acted upon as it is; everything else is a DecodeError and has no effect.

import {
  type ClientAccess,
  type InvokeResult,
  type PublishType,
  RECORD_MODES,
  type RecordMode,
  type RecordTerms,
  type Verdict,
} from '../../application/contract/script.ts';
import { DecodeError } from '../../errors.ts';
import { CONSOLE_LEVELS, type ConsoleLevel } from '../../log/application-log.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import type { PublisherSecret } from '../../protocol/rtmp/publisher-auth.ts';
import { canonicalStreamName } from '../../protocol/rtmp/stream-prefix.ts';
import {
  type Json,
  MAX_ARGS,
  MAX_KEPT_CHARACTERS,
  MAX_NAME,
  MAX_REDIRECT,
  MAX_URI,
  SCRIPT_FAULT_KINDS,
  type ScriptFaultKind,
} from '../wire/wire.ts';
import { fromWire, valueBudget } from './values.ts';

const ACCESS = ['readAccess', 'writeAccess', 'audioSampleAccess', 'videoSampleAccess'] as const;

export type Command =
  | { op: 'ready'; id: number; ok: boolean }
  | { op: 'saved'; id: number; saved: SavedState }
  | { op: 'verdict'; id: number; verdict: Verdict }
  | { op: 'ret'; id: number; result: InvokeResult }
  | { op: 'clientCall'; client: string; name: string; args: AmfValue[]; responder: number | undefined }
  | { op: 'broadcast'; name: string; args: AmfValue[] }
  | { op: 'disconnect'; client: string }
  | { op: 'access'; client: string; access: Partial<ClientAccess> }
  | { op: 'ping'; client: string }
  | {
      op: 'record';
      stream: string;
      mode: RecordMode | false;
      terms: RecordTerms;
      gate: number | undefined;
    }
  | { op: 'streamDisconnect'; stream: string; reason: string; gate: number | undefined }
  | {
      op: 'streamPlay';
      stream: string;
      source: string;
      start: number;
      length: number;
      reset: boolean;
      connection: number | undefined;
    }
  | { op: 'streamStop'; stream: string }
  | { op: 'streamReceive'; stream: string; wants: { audio?: boolean; video?: boolean } }
  | { op: 'streamBuffer'; stream: string; seconds: number }
  | { op: 'streamSend'; stream: string; name: string; args: AmfValue[]; gate: number | undefined }
  | { op: 'outConnect'; id: number; uri: string; args: AmfValue[] }
  | { op: 'outClose'; id: number }
  | {
      op: 'outPublish';
      id: number;
      connection: number;
      name: string;
      type: PublishType;
      source: string | undefined;
    }
  | { op: 'outAttach'; id: number; source: string | undefined }
  | { op: 'outUnpublish'; id: number }
  | { op: 'outForget' }
  | { op: 'shutdown' }
  | { op: 'cut' }
  | { op: 'stats' }
  | { op: 'keep'; client: string; data: string | undefined }
  | { op: 'ask'; id: number; service: string; request: Json }
  | { op: 'unask'; id: number }
  | { op: 'log'; level: ConsoleLevel; text: string }
  | ({ op: 'error' } & ReportedError);

/** What an old version gives to the new one. Opaque here: it only travels on. */
export interface SavedState {
  state: Json | undefined;
  clients: Map<string, Json>;
  /** What could not be carried over, named for the author. */
  lost: string[];
}

export interface ReportedError {
  kind: ScriptFaultKind;
  where: string;
  message: string;
  stack: string;
  client: string | undefined;
}

/** Bounds of texts, in characters. Names and ids beyond theirs are refused, texts for people are cut. */
const MAX_SERVICE_NAME = 32;
const MAX_REASON = 200;
const MAX_LOG_TEXT = 8 * 1024;
const MAX_STACK = 32 * 1024;
const MAX_LOST = 100;
/** JSON levels of what only travels on: more, written again, overflow the stack. MAX_AMF_DEPTH with its tags stays below. */
const MAX_NESTING = 400;

/** The commands of one frame in their order; each entry that is none becomes a DecodeError in its place. */
export function* parseCommands(body: string): Generator<Command | DecodeError, void, void> {
  let list: unknown;
  try {
    list = JSON.parse(body);
  } catch (error) {
    yield new DecodeError('ERR_SCRIPT_COMMAND', 'commands that are no JSON', { cause: error });
    return;
  }
  if (!Array.isArray(list)) {
    yield malformed('commands that are no list');
    return;
  }
  for (const entry of list) yield commandOrError(entry);
}

function commandOrError(entry: unknown): Command | DecodeError {
  try {
    return parseCommand(entry);
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
}

export function parseCommand(raw: unknown): Command {
  const fields = new Fields(raw, 'command');
  const op = fields.text('op', MAX_NAME);
  if (!Object.hasOwn(PARSERS, op)) throw malformed(`unknown command ${JSON.stringify(op.slice(0, 40))}`);
  return PARSERS[op as Command['op']](fields);
}

const PARSERS: { [Op in Command['op']]: (fields: Fields) => Command & { op: Op } } = {
  ready: (f) => ({ op: 'ready', id: f.id('id'), ok: f.flag('ok') }),
  saved: (f) => ({ op: 'saved', id: f.id('id'), saved: parseSaved(f) }),
  verdict: (f) => ({ op: 'verdict', id: f.id('id'), verdict: parseVerdict(f) }),
  ret: (f) => ({ op: 'ret', id: f.id('id'), result: parseResult(f) }),
  clientCall: (f) => ({
    op: 'clientCall',
    client: f.text('client', MAX_NAME),
    name: f.text('name', MAX_NAME),
    args: f.values('args'),
    responder: f.optional('responder', () => f.id('responder')),
  }),
  broadcast: (f) => ({ op: 'broadcast', name: f.text('name', MAX_NAME), args: f.values('args') }),
  disconnect: (f) => ({ op: 'disconnect', client: f.text('client', MAX_NAME) }),
  access: (f) => {
    const access: Partial<ClientAccess> = {};
    for (const name of ACCESS) {
      const folders = f.optional(name, () => f.text(name, MAX_NAME));
      if (folders !== undefined) access[name] = folders;
    }
    return { op: 'access', client: f.text('client', MAX_NAME), access };
  },
  ping: (f) => ({ op: 'ping', client: f.text('client', MAX_NAME) }),
  record: (f) => {
    const maxDurationS = f.optional('maxDurationS', () => f.amount('maxDurationS'));
    const maxSizeBytes = f.optional('maxSizeBytes', () => f.amount('maxSizeBytes'));
    const format = f.optional('format', () => f.oneOf('format', ['flv', 'mp4'] as const));
    const file = f.optional('file', () => f.text('file', MAX_NAME));
    const segmentS = f.optional('segmentS', () => f.amount('segmentS'));
    const isAligned = f.optional('isAligned', () => f.flag('isAligned'));
    const terms = {
      ...(maxDurationS === undefined ? {} : { maxDurationS }),
      ...(maxSizeBytes === undefined ? {} : { maxSizeBytes }),
      ...(format === undefined ? {} : { format }),
      ...(file === undefined ? {} : { file }),
      ...(segmentS === undefined ? {} : { segmentS }),
      ...(isAligned === undefined ? {} : { isAligned }),
    };
    return {
      op: 'record',
      stream: f.stream('stream', 'maybe empty'),
      mode: f.oneOf('mode', [...RECORD_MODES, false] as const),
      terms,
      gate: f.optional('gate', () => f.id('gate')),
    };
  },
  streamDisconnect: (f) => ({
    op: 'streamDisconnect',
    stream: f.stream('stream', 'maybe empty'),
    reason: printable(f.cutText('reason', MAX_NAME)),
    gate: f.optional('gate', () => f.id('gate')),
  }),
  streamPlay: (f) => ({
    op: 'streamPlay',
    stream: f.stream('stream'),
    source: f.name('source'),
    start: f.start('start'),
    length: f.start('length'),
    reset: f.flag('reset'),
    connection: f.optional('connection', () => f.id('connection')),
  }),
  streamStop: (f) => ({ op: 'streamStop', stream: f.stream('stream') }),
  streamReceive: (f) => {
    const audio = f.optional('audio', () => f.flag('audio'));
    const video = f.optional('video', () => f.flag('video'));
    const wants = { ...(audio === undefined ? {} : { audio }), ...(video === undefined ? {} : { video }) };
    return { op: 'streamReceive', stream: f.stream('stream'), wants };
  },
  streamBuffer: (f) => ({ op: 'streamBuffer', stream: f.stream('stream'), seconds: f.amount('seconds') }),
  streamSend: (f) => ({
    op: 'streamSend',
    stream: f.stream('stream'),
    name: f.text('name', MAX_NAME),
    args: f.values('args'),
    gate: f.optional('gate', () => f.id('gate')),
  }),
  outConnect: (f) => ({
    op: 'outConnect',
    id: f.id('id'),
    uri: f.text('uri', MAX_URI),
    args: f.values('args'),
  }),
  outClose: (f) => ({ op: 'outClose', id: f.id('id') }),
  outPublish: (f) => ({
    op: 'outPublish',
    id: f.id('id'),
    connection: f.id('connection'),
    name: f.text('name', MAX_NAME),
    type: f.oneOf('type', ['live', ...RECORD_MODES] as const),
    source: f.optional('source', () => f.stream('source', 'maybe empty')),
  }),
  outAttach: (f) => ({
    op: 'outAttach',
    id: f.id('id'),
    source: f.optional('source', () => f.stream('source', 'maybe empty')),
  }),
  outUnpublish: (f) => ({ op: 'outUnpublish', id: f.id('id') }),
  outForget: () => ({ op: 'outForget' }),
  shutdown: () => ({ op: 'shutdown' }),
  cut: () => ({ op: 'cut' }),
  stats: () => ({ op: 'stats' }),
  keep: (f) => ({
    op: 'keep',
    client: f.text('client', MAX_NAME),
    data: f.optional('data', () => f.text('data', MAX_KEPT_CHARACTERS)),
  }),
  ask: (f) => ({
    op: 'ask',
    id: f.id('id'),
    service: f.text('service', MAX_SERVICE_NAME),
    request: shallow(f.json('request'), 'a request'),
  }),
  unask: (f) => ({ op: 'unask', id: f.id('id') }),
  log: (f) => ({ op: 'log', level: f.oneOf('level', CONSOLE_LEVELS), text: f.cutText('text', MAX_LOG_TEXT) }),
  error: (f) => ({
    op: 'error',
    kind: f.oneOf('kind', SCRIPT_FAULT_KINDS),
    where: f.cutText('where', MAX_NAME),
    message: f.cutText('message', MAX_LOG_TEXT),
    stack: f.cutText('stack', MAX_STACK),
    client: f.optional('client', () => f.text('client', MAX_NAME)),
  }),
};

function parseVerdict(f: Fields): Verdict {
  if (f.flag('accepted')) {
    const as = f.optional('as', () => f.stream('as', 'maybe empty'));
    const record = f.optional('record', () => f.oneOf('record', RECORD_MODES));
    const takeOver = f.optional('takeOver', () => f.flag('takeOver'));
    const secret = f.optional('secret', () => parseSecret(new Fields(f.json('secret'), 'secret')));
    return {
      accepted: true,
      ...(as === undefined ? {} : { as }),
      ...(record === undefined ? {} : { record }),
      ...(takeOver === undefined ? {} : { takeOver }),
      ...(secret === undefined ? {} : { secret }),
    };
  }
  const reason = printable(f.cutText('reason', MAX_LOG_TEXT));
  const redirect = f.optional('redirect', () => f.text('redirect', MAX_REDIRECT));
  return {
    accepted: false,
    reason,
    ...(f.has('application') ? { application: fromWire(f.json('application')) } : {}),
    ...(redirect === undefined ? {} : { redirect }),
  };
}

function parseSecret(f: Fields): PublisherSecret {
  const kind = f.oneOf('kind', ['plain', 'adobe', 'llnw'] as const);
  if (kind === 'plain') return { kind, password: f.text('password', MAX_NAME) };
  const hash = f.text('hash', MAX_NAME);
  return kind === 'llnw' ? { kind, hash } : { kind, hash, salt: f.text('salt', MAX_NAME) };
}

function parseResult(f: Fields): InvokeResult {
  if (!f.flag('found')) return { found: false };
  if (f.flag('ok')) return { found: true, ok: true, value: fromWire(f.json('value')) };
  return { found: true, ok: false, description: f.cutText('description', MAX_NAME) };
}

function parseSaved(f: Fields): SavedState {
  const clients = new Map<string, Json>();
  for (const [id, saved] of Object.entries(f.object('clients')))
    clients.set(id, shallow(saved as Json, 'saved state'));
  const lost = f
    .list('lost', MAX_LOST)
    .map((entry) => (typeof entry === 'string' ? entry.slice(0, 200) : '?'));
  return { state: f.optional('state', () => shallow(f.json('state'), 'saved state')), clients, lost };
}

function shallow(json: Json, what: string): Json {
  if (nestsDeeper(json, MAX_NESTING)) throw malformed(`${what} nested deeper than ${MAX_NESTING} levels`);
  return json;
}

function nestsDeeper(json: Json, levels: number): boolean {
  if (typeof json !== 'object' || json === null) return false;
  return levels === 0 || Object.values(json).some((member) => nestsDeeper(member, levels - 1));
}

/** What may stand in a status object's description: one line, at most 200 characters. */
export function printable(reason: string): string {
  const line = reason.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
  return line.length <= MAX_REASON ? line.toWellFormed() : cut(line, MAX_REASON);
}

/** Not through the middle of a character. */
function cut(text: string, length: number): string {
  const head = text.slice(0, length);
  return /[\ud800-\udbff]$/.test(head) ? head.slice(0, -1) : head;
}

/** Reads own properties of one JSON object and complains by name. */
class Fields {
  readonly #raw: Record<string, unknown>;

  constructor(raw: unknown, what: string) {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
      throw malformed(`a ${what} that is no object`);
    this.#raw = raw as Record<string, unknown>;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#raw, key) && this.#raw[key] !== undefined;
  }

  #get(key: string): unknown {
    return Object.hasOwn(this.#raw, key) ? this.#raw[key] : undefined;
  }

  optional<T>(key: string, read: () => T): T | undefined {
    return this.has(key) ? read() : undefined;
  }

  json(key: string): Json {
    if (!this.has(key)) throw malformed(`${key} is missing`);
    return this.#get(key) as Json;
  }

  flag(key: string): boolean {
    const value = this.#get(key);
    if (typeof value !== 'boolean') throw malformed(`${key} is not true or false`);
    return value;
  }

  id(key: string): number {
    const value = this.#get(key);
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 0xffff_ffff) {
      throw malformed(`${key} is no whole number of 32 bits`);
    }
    return value as number;
  }

  amount(key: string): number {
    const value = this.#get(key);
    if (typeof value !== 'number' || !(value >= 0)) throw malformed(`${key} is no amount`);
    return value;
  }

  /** Seconds, or one of the numbers below 0 that mean something. */
  start(key: string): number {
    const value = this.#get(key);
    if (typeof value !== 'number' || !Number.isFinite(value)) throw malformed(`${key} is no number`);
    return value;
  }

  /** Of a stream of this instance, in the spelling that all of them have. */
  stream(key: string, emptiness?: 'maybe empty'): string {
    return canonicalStreamName(emptiness === undefined ? this.name(key) : this.text(key, MAX_NAME));
  }

  /** Of a stream, as another server may know it. */
  name(key: string): string {
    const name = this.text(key, MAX_NAME);
    if (name === '') throw malformed(`${key} is empty`);
    return name;
  }

  text(key: string, max: number): string {
    const value = this.#get(key);
    if (typeof value !== 'string') throw malformed(`${key} is no text`);
    if (value.length > max) throw malformed(`${key} is longer than ${max} characters`);
    return value;
  }

  cutText(key: string, max: number): string {
    const value = this.#get(key);
    if (typeof value !== 'string') throw malformed(`${key} is no text`);
    return value.length <= max ? value : `${cut(value, max)}…`;
  }

  oneOf<T extends string | boolean>(key: string, allowed: readonly T[]): T {
    const value = this.#get(key);
    if (!allowed.includes(value as T)) throw malformed(`${key} is not one of ${allowed.join(', ')}`);
    return value as T;
  }

  list(key: string, max: number): unknown[] {
    const value = this.#get(key);
    if (!Array.isArray(value)) throw malformed(`${key} is no list`);
    if (value.length > max) throw malformed(`${key} has more than ${max} entries`);
    return value;
  }

  object(key: string): object {
    const value = this.#get(key);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw malformed(`${key} is no object`);
    return value;
  }

  values(key: string): AmfValue[] {
    const budget = valueBudget();
    return this.list(key, MAX_ARGS).map((entry) => fromWire(entry, budget));
  }
}

function malformed(what: string): DecodeError {
  return new DecodeError('ERR_SCRIPT_COMMAND', `a script's command cannot be read: ${what}`);
}
