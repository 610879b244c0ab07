// Runs the script, and what classic scripts `load()`.
//
// The text goes through an indirect eval and not through the engine's own script runner: what it throws is caught and flattened
// inside the isolate, under the time limit. The runner would otherwise have to read a thrown object whose getters may not end.
// (A wrapper with try and catch around the text would make its functions block-scoped.)
import type { GuestSetup } from '../../wire/wire.ts';
import {
  create,
  defineProperty,
  exec,
  expose,
  getOwnPropertyDescriptor,
  indexOf,
  keys,
  lastIndexOf,
  slice,
  toLowerCase,
} from './primordials.ts';
import { flatten, log } from './report.ts';

export interface LoadFailure {
  message: string;
  stack: string;
  /** A loaded file that could not be parsed: the engine tells a script no line, but the runner can find it. */
  syntaxErrorIn?: string;
}

// biome-ignore lint/security/noGlobalEval: this is where scripts run, and there is nothing here to protect from them
const globalEval = eval;

let isModule = false;
/** As FMS had them: main.asc and main.js. */
export function isClassic(): boolean {
  return !isModule;
}
/** `app:///chat/`: what load() is relative to. */
let folder = '';
/** Path → text, and the same by the path in lower case → path. No prototypes. */
let files: Record<string, string> = create(null);
let pathsByLowerCase: Record<string, string> = create(null);
/** Asked for while the main script ran; run after it, in order. Undefined: at once. */
let queue: string[] | undefined;
/** The file that is being parsed and run. */
let running = '';

export function runScript(code: string, script: GuestSetup['script']): LoadFailure | undefined {
  isModule = script.kind === 'module';
  folder = slice(script.filename, 0, lastIndexOf(script.filename, '/') + 1);
  indexFiles(script.files);
  queue = [];
  try {
    evaluate(code, script.filename);
    for (let i = 0; i < queue.length; i++) runFile(queue[i]!);
    return undefined;
  } catch (error) {
    const isSyntaxError = running !== '' && error instanceof SyntaxError;
    const { message, stack } = flatten(error);
    return { message, stack, syntaxErrorIn: isSyntaxError ? running : undefined };
  } finally {
    queue = undefined;
  }
}

function indexFiles(given: Record<string, string>): void {
  files = create(null);
  pathsByLowerCase = create(null);
  const paths = keys(given);
  for (let i = 0; i < paths.length; i++) {
    const text = getOwnPropertyDescriptor(given, paths[i]!)!.value;
    defineProperty(files, paths[i]!, { value: text });
    defineProperty(pathsByLowerCase, toLowerCase(paths[i]!), { value: paths[i], configurable: true });
  }
}

function evaluate(code: string, url: string): void {
  globalEval(`${code}\n//# sourceURL=${url}`);
}

function runFile(path: string): void {
  const before = running;
  running = path;
  evaluate(files[path]!, folder + path);
  running = before;
}

function load(name: unknown): void {
  const path = findFile(`${name}`);
  if (queue === undefined) runFile(path);
  else queue[queue.length] = path;
}

function findFile(name: string): string {
  if (isModule) throw new Error(`load("${name}"): load is for classic scripts; a module imports`);
  const wanted = normalize(name);
  if (wanted === undefined) throw new Error(`load("${name}"): the path leaves the application's folder`);
  if (files[wanted] !== undefined) return wanted;
  const found = pathsByLowerCase[toLowerCase(wanted)];
  if (found === undefined) throw new Error(`load("${name}"): there is no such file`);
  log('warn', [`load("${name}"): the file is called ${found}; names should agree in upper and lower case`]);
  return found;
}

/** Without `./` and doubled slashes; undefined for what leads out of the folder, but to what applications share. */
function normalize(name: string): string | undefined {
  if (indexOf(name, ':') >= 0 || name[0] === '/' || name[0] === '\\') return undefined;
  // SHARED_FOLDER of storage/names.ts, which is not within reach here.
  const isShared = exec(/^(?:\.[\\/]+)*(?:\.\.[\\/]+)+_lib[\\/](?!.*\.\.(?:[\\/]|$))/i, name) !== null;
  const parts = name.split(/[\\/]/);
  let path = '';
  for (let i = 0; i < parts.length; i++) {
    if (parts[i] === '..' && !isShared) return undefined;
    if (parts[i] === '' || parts[i] === '.') continue;
    path += path === '' ? parts[i] : `/${parts[i]}`;
  }
  return path;
}

export function defineLoad(): void {
  expose('load', load);
}
