// Positions in what the runner ran → positions in what the author wrote.
import { posix } from 'node:path';
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import type { ErrorFrame } from '../../application/accounts/error-records.ts';
import type { ScriptBuild } from '../source/build-outcome.ts';

/** Lines and columns count from 1; `file` is relative to the application's folder. */
export interface SourcePosition {
  file: string;
  line: number;
  column: number;
}

export interface MappedStack {
  frames: ErrorFrame[];
  /** Of the innermost frame that is the application's. */
  at: SourcePosition | undefined;
}

/** `app:///chat/main.ts.bundle.js:12:5`; V8 says only the line of some syntax errors. */
const POSITION = /app:\/\/\/([^\n]*?\.(?:ts|mjs|asc|js)(?:\.bundle\.js)?):(\d+)(?::(\d+))?/;
/** `    at check (app:///chat/…)`, `    at app:///chat/…`, `    at Array.forEach (<anonymous>)` */
const FRAME = /^\s*at (?:(.*?) \()?(app:\/\/\/.*?|<anonymous>)\)?$/;
/** A script may have made it up. */
const MAX_LINE = 1000;
const MAX_FRAMES = 20;
const MAX_FUNCTION = 200;

const traceMaps = new WeakMap<ScriptBuild, TraceMap>();

/** Frames of the guest library and of bundled helpers are left out. */
export function mapStack(stack: string, build: ScriptBuild): MappedStack {
  const frames: ErrorFrame[] = [];
  let at: SourcePosition | undefined;
  let outsideFrames: SourcePosition | undefined;
  for (const whole of stack.split('\n')) {
    const line = whole.slice(0, MAX_LINE);
    if (!/^\s*at /.test(line)) {
      outsideFrames ??= mappedPosition(line, build);
      continue;
    }
    const [, name, place] = FRAME.exec(line) ?? [];
    const position = place === undefined ? undefined : mappedPosition(place, build);
    if (!position && (place !== '<anonymous>' || name === undefined)) continue;
    at ??= position;
    if (frames.length < MAX_FRAMES)
      frames.push({ ...(name ? { function: name.slice(0, MAX_FUNCTION) } : {}), ...position });
  }
  return { frames, at: at ?? outsideFrames };
}

function mappedPosition(text: string, build: ScriptBuild): SourcePosition | undefined {
  const [, path, line, column] = POSITION.exec(text) ?? [];
  return path === undefined ? undefined : originalPosition(build, path, Number(line), Number(column ?? 1));
}

function originalPosition(
  build: ScriptBuild,
  path: string,
  line: number,
  column: number,
): SourcePosition | undefined {
  const prefix = `${build.application}/`;
  if (!path.startsWith(prefix)) return undefined;
  if (build.sourceMap === undefined)
    return { file: posix.normalize(path.slice(prefix.length)), line, column };
  const {
    source,
    line: sourceLine,
    column: sourceColumn,
  } = originalPositionFor(traceMapOf(build), {
    line,
    column: column - 1,
  });
  if (!source) return undefined; // or stackMap had no room for its name
  return { file: source, line: sourceLine, column: sourceColumn + 1 };
}

/** Parsed when the first error comes: most versions never have one. */
function traceMapOf(build: ScriptBuild): TraceMap {
  let map = traceMaps.get(build);
  if (!map) {
    map = new TraceMap(build.sourceMap!);
    traceMaps.set(build, map);
  }
  return map;
}
