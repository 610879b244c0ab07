// The command line → one command.
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { CodedError } from '../errors.ts';
import { rootHere } from './root.ts';

/** A command line that makes no sense. The message says why; exit code 2. */
export class UsageError extends CodedError {
  constructor(message: string) {
    super('ERR_CLI_USAGE', message);
  }
}

/** A command that cannot do what it was told. Exit code 1. */
export class CommandError extends CodedError {}

export interface StartOptions {
  root: string;
  /** Symbols of conf/fms.ini. */
  set: Record<string, string>;
  /** The application whose script may be debugged; empty: all of them; undefined: those whose settings say so. */
  inspect: string | undefined;
}
export type Command =
  | ({ command: 'start' } & StartOptions)
  /** Without `folder`: the current one. */
  | { command: 'init'; folder: string | undefined }
  | { command: 'new'; root: string; application: string }
  /** Without `application`: all of them. */
  | { command: 'check'; root: string; application: string | undefined }
  | {
      command: 'test';
      root: string;
      application: string | undefined;
      watch: boolean;
      reporter: 'spec' | 'tap';
      only: string[];
    }
  /** Without `names`: those of this machine. */
  | { command: 'cert'; root: string; names: string[] }
  | { command: 'user'; root: string; action: 'add' | 'remove'; user: string }
  | { command: 'store'; root: string; application: string; asked: StoreAction }
  | { command: 'status'; root: string; json: boolean }
  /** Without `application`: of all of them. */
  | { command: 'errors'; root: string; application: string | undefined; follow: boolean }
  /** `instance`: `live`, or `live/room`. */
  | { command: 'reload'; root: string; instance: string }
  | { command: 'disconnect'; root: string; client: string }
  | { command: 'stop'; root: string }
  | { command: 'help'; about: string | undefined }
  | { command: 'version' };

export type StoreAction =
  | { action: 'get' | 'delete'; key: string }
  /** `value`: JSON. */
  | { action: 'set'; key: string; value: string }
  | { action: 'list'; prefix: string }
  | { action: 'export'; file: string };

const HELP: ParseArgsOptionsConfig = { help: { type: 'boolean', short: 'h' } };
const ROOT: ParseArgsOptionsConfig = { root: { type: 'string' } };
const SET: ParseArgsOptionsConfig = { set: { type: 'string', multiple: true } };
const FOLLOW: ParseArgsOptionsConfig = { follow: { type: 'boolean', short: 'f' } };
const JSON_OUTPUT: ParseArgsOptionsConfig = { json: { type: 'boolean' } };
const INSPECT: ParseArgsOptionsConfig = { inspect: { type: 'string' } };
const TEST: ParseArgsOptionsConfig = {
  watch: { type: 'boolean' },
  reporter: { type: 'string' },
  only: { type: 'string', multiple: true },
};

/** Of one certificate. */
const MAX_NAMES = 100;

/** `args` without the program's name. */
export function parseCommand(args: readonly string[]): Command {
  const [command, ...rest] = args;
  if (command === undefined) throw new UsageError('a command is missing');
  if (command === '--version') return { command: 'version' };
  if (command === '--help' || command === '-h' || command === 'help')
    return { command: 'help', about: rest[0] };
  if (command === 'start') {
    const { help, root, set, inspect } = parse(
      rest.map(withValue),
      { ...HELP, ...ROOT, ...SET, ...INSPECT },
      0,
    );
    return help ? { command: 'help', about: command } : { command, root, set: parseSymbols(set), inspect };
  }
  if (command === 'init') {
    const { help, positionals } = parse(rest, HELP, 1);
    return help ? { command: 'help', about: command } : { command, folder: positionals[0] };
  }
  if (command === 'new') {
    const { help, root, positionals } = parse(rest, { ...HELP, ...ROOT }, 1);
    if (help) return { command: 'help', about: command };
    if (positionals[0] === undefined) throw new UsageError('new: the name of the application is missing');
    return { command, root, application: positionals[0] };
  }
  if (command === 'check') {
    const { help, root, positionals } = parse(rest, { ...HELP, ...ROOT }, 1);
    return help ? { command: 'help', about: command } : { command, root, application: positionals[0] };
  }
  if (command === 'test') {
    const { help, root, watch, reporter, only, positionals } = parse(rest, { ...HELP, ...ROOT, ...TEST }, 1);
    if (help) return { command: 'help', about: command };
    if (reporter !== 'spec' && reporter !== 'tap')
      throw new UsageError(`test: --reporter '${reporter}': expected spec or tap`);
    return { command, root, application: positionals[0], watch, reporter, only };
  }
  if (command === 'cert') {
    const { help, root, positionals } = parse(rest, { ...HELP, ...ROOT }, MAX_NAMES);
    return help ? { command: 'help', about: command } : { command, root, names: positionals };
  }
  if (command === 'user') {
    const { help, root, positionals } = parse(rest, { ...HELP, ...ROOT }, 2);
    if (help) return { command: 'help', about: command };
    const [action, user] = positionals;
    if (action !== 'add' && action !== 'remove') throw new UsageError("user: 'add' or 'remove' is missing");
    if (user === undefined) throw new UsageError(`user ${action}: the name of the user is missing`);
    return { command, root, action, user };
  }
  if (command === 'store') {
    const { help, root, positionals } = parse(rest, { ...HELP, ...ROOT }, 4);
    if (help) return { command: 'help', about: command };
    const [application, ...asked] = positionals;
    if (application === undefined) throw new UsageError('store: the name of the application is missing');
    return { command, root, application, asked: parseStoreAction(asked) };
  }
  if (command === 'status') {
    const { help, root, json } = parse(rest, { ...HELP, ...ROOT, ...JSON_OUTPUT }, 0);
    return help ? { command: 'help', about: command } : { command, root, json };
  }
  if (command === 'stop') {
    const { help, root } = parse(rest, { ...HELP, ...ROOT }, 0);
    return help ? { command: 'help', about: command } : { command, root };
  }
  if (command === 'errors') {
    const { help, root, follow, positionals } = parse(rest, { ...HELP, ...ROOT, ...FOLLOW }, 1);
    return help
      ? { command: 'help', about: command }
      : { command, root, follow, application: positionals[0] };
  }
  if (command === 'reload' || command === 'disconnect') {
    const { help, root, positionals } = parse(rest, { ...HELP, ...ROOT }, 1);
    if (help) return { command: 'help', about: command };
    const [name] = positionals;
    if (command === 'reload') {
      if (name === undefined) throw new UsageError('reload: the name of the application is missing');
      return { command, root, instance: name };
    }
    if (name === undefined) throw new UsageError('disconnect: the id of the client is missing');
    return { command, root, client: name };
  }
  throw new UsageError(
    command.startsWith('-') ? `unknown option '${command}'` : `unknown command '${command}'`,
  );
}

function parseStoreAction([action, first, second, ...more]: readonly string[]): StoreAction {
  const missing = (what: string) => new UsageError(`store ${action}: ${what} is missing`);
  const extra = action === 'set' ? more[0] : second;
  if (extra !== undefined) throw new UsageError(`unexpected argument '${extra}'`);
  switch (action) {
    case 'list':
      return { action, prefix: first ?? '' };
    case 'get':
    case 'delete':
      if (first === undefined) throw missing('the key');
      return { action, key: first };
    case 'set':
      if (first === undefined) throw missing('the key');
      if (second === undefined) throw missing('the value, as JSON,');
      return { action, key: first, value: second };
    case 'export':
      if (first === undefined) throw missing('the name of the new file');
      return { action, file: first };
    default:
      throw new UsageError("store: 'get', 'set', 'delete', 'list' or 'export' is missing");
  }
}

/** Node's parser knows no option whose value may be left out. */
function withValue(arg: string): string {
  return arg === '--inspect' ? '--inspect=' : arg;
}

interface Parsed {
  help: boolean;
  root: string;
  set: string[];
  inspect: string | undefined;
  follow: boolean;
  json: boolean;
  watch: boolean;
  reporter: string;
  only: string[];
  positionals: string[];
}

function parse(args: string[], options: ParseArgsOptionsConfig, maxPositionals: number): Parsed {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const extra = positionals[maxPositionals];
    if (extra !== undefined) throw new UsageError(`unexpected argument '${extra}'`);
    return {
      help: values.help === true,
      follow: values.follow === true,
      json: values.json === true,
      root: typeof values.root === 'string' ? values.root : rootHere(),
      inspect: typeof values.inspect === 'string' ? values.inspect : undefined,
      watch: values.watch === true,
      reporter: typeof values.reporter === 'string' ? values.reporter : 'spec',
      only: Array.isArray(values.only) ? values.only.map(String) : [],
      set: Array.isArray(values.set) ? values.set.map(String) : [],
      positionals,
    };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Node's text goes on with advice on positional arguments that begin with a dash; nobody wants those here
    throw new UsageError(error.message.replace(/^./, (letter) => letter.toLowerCase()).split('. ')[0]!);
  }
}

function parseSymbols(set: readonly string[]): Record<string, string> {
  const symbols: Record<string, string> = Object.create(null);
  for (const text of set) {
    const equals = text.indexOf('=');
    if (equals < 1) throw new UsageError(`--set '${text}': expected NAME=VALUE`);
    symbols[text.slice(0, equals).trim()] = text.slice(equals + 1).trim();
  }
  return symbols;
}
