// Positions in what the runner ran → positions in what the author wrote.
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import type { ScriptBuild } from './build.ts';

/** Lines and columns count from 1; `file` is relative to the application's folder. */
export interface SourcePosition {
  file: string;
  line: number;
  column: number;
}

export interface MappedStack {
  stack: string;
  /** Of the innermost frame that is the application's. */
  at: SourcePosition | undefined;
}

/** `app:///chat/main.ts.bundle.js:12:5`; V8 says only the line of some syntax errors. */
const POSITION = /app:\/\/\/([^\n]*?\.(?:ts|mjs|asc|js)(?:\.bundle\.js)?):(\d+)(?::(\d+))?/g;
const FRAME = /^\s*at /;

const traceMaps = new WeakMap<ScriptBuild, TraceMap>();

/** Frames of the guest library and of bundled helpers are left out. */
export function mapStack(stack: string, build: ScriptBuild): MappedStack {
  let at: SourcePosition | undefined;
  let outsideFrames: SourcePosition | undefined;
  const lines: string[] = [];
  for (const line of stack.split('\n')) {
    const isFrame = FRAME.test(line);
    if (isFrame && !line.includes('app:///')) {
      if (line.includes('<anonymous>)')) lines.push(line); // Array.forEach and its like
      continue;
    }
    let unmapped = false;
    const mapped = line.replace(
      POSITION,
      (_, path: string, lineNumber: string, column: string | undefined) => {
        const position = originalPosition(build, path, Number(lineNumber), Number(column ?? 1));
        if (!position) {
          unmapped = true;
          return '';
        }
        if (isFrame) at ??= position;
        else outsideFrames ??= position;
        return `${build.application}/${position.file}:${position.line}:${position.column}`;
      },
    );
    if (!unmapped) lines.push(mapped);
    else if (!isFrame) lines.push(line);
  }
  return { stack: lines.join('\n'), at: at ?? outsideFrames };
}

function originalPosition(
  build: ScriptBuild,
  path: string,
  line: number,
  column: number,
): SourcePosition | undefined {
  const prefix = `${build.application}/`;
  if (!path.startsWith(prefix)) return undefined;
  if (build.sourceMap === undefined) return { file: path.slice(prefix.length), line, column };
  const {
    source,
    line: sourceLine,
    column: sourceColumn,
  } = originalPositionFor(traceMapOf(build), {
    line,
    column: column - 1,
  });
  if (source === null) return undefined;
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
