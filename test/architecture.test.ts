// The building (src/README.md), held: who may import whom, what the pure rooms may touch, how big a file may grow.
// Changing the architecture means changing this file, in the open.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix } from 'node:path';
import { describe, test } from 'node:test';
import { type Import, importsOf, isMember, isPunctuation, type Token, tokenize } from './support/source.ts';

/** Besides itself and the files that every room may import. */
const MAY_IMPORT: Record<string, string[]> = {
  protocol: [],
  disk: [],
  media: ['protocol'],
  config: ['disk'],
  log: [],
  storage: ['disk'],
  application: ['protocol', 'media', 'config', 'log', 'storage'],
  adaptor: ['protocol', 'disk', 'media', 'config', 'log', 'application'],
  recording: ['protocol', 'disk', 'media', 'config', 'log', 'storage', 'application'],
  // runner/ and guest/: less, see below
  script: ['protocol', 'disk', 'config', 'log', 'storage', 'application'],
  admin: ['config', 'log', 'application'],
};

/** What every room may import, though a pure room uses no clock. */
const FOR_ALL = ['errors.ts', 'clock.ts'];

/**
 * The rooms inside a room, and the files beside them: what each may import of its own room besides itself. None knows one that is
 * not in its row, and the rows make no circle. `MAX_ARROWS` says how many pairs there may be.
 */
const INSIDE: Record<string, Record<string, string[]>> = {
  protocol: {
    'bytes.ts': [],
    amf: ['bytes.ts'],
    handshake: ['bytes.ts'],
    rtmp: ['bytes.ts', 'amf', 'handshake'],
  },
  media: {
    'tag.ts': [],
    'flv.ts': [],
    'timeline.ts': [],
    codecs: [],
    mp4: ['codecs'],
    'details.ts': ['codecs'],
    'group-starts.ts': ['tag.ts'],
    'media-fault.ts': ['tag.ts', 'mp4'],
  },
  application: {
    pace: [],
    live: ['pace'],
    contract: ['live'],
    admission: ['pace'],
    accounts: ['contract', 'live'],
    publish: ['contract', 'live', 'admission', 'accounts'],
    play: ['contract', 'live', 'pace', 'admission', 'accounts', 'publish'],
    served: ['contract', 'live', 'publish'],
    instance: ['contract', 'live', 'pace', 'admission', 'accounts', 'publish', 'play', 'served'],
  },
  adaptor: {
    native: [],
    link: ['native'],
    outgoing: ['link'],
    http: ['link'],
    rtmp: ['link'],
    tunnel: ['link', 'http'],
    ports: ['link'],
    'adaptor.ts': ['link', 'http', 'rtmp', 'tunnel', 'ports'],
  },
  recording: { read: [], finish: ['read'], write: ['read', 'finish'] },
  script: {
    wire: [],
    child: [],
    inspect: [],
    commands: ['wire'],
    source: ['wire', 'child'],
    journal: ['source'],
    services: ['wire', 'child'],
    process: ['wire', 'child', 'source', 'commands', 'services', 'inspect'],
    host: ['wire', 'source', 'commands', 'journal', 'services', 'process', 'inspect'],
    runner: ['wire'],
    guest: ['wire'],
  },
  'script/guest': { core: [], web: ['core'], ssas: ['core', 'web'], 'main.ts': ['core', 'web', 'ssas'] },
};

/** An arrow is a pair of boxes, of which one imports the other; a box is a direct child of the room, be it a file or a folder. */
const MAX_ARROWS: Record<string, number> = { script: 21, application: 26, adaptor: 12 };

/** The composition: sees every room. */
const TOP = ['main.ts', 'server.ts', 'virtual-host.ts', 'wiring', 'cli', 'testing'];

const PURE_ROOMS = ['protocol', 'media'];
const PURE_ROOMS_MAY_USE = ['node:crypto', 'node:buffer'];
/** Logging, waiting, clocks, chance: a pure room is handed their results. */
const IMPURE_WORDS = new Set([
  ...['console', 'process', 'performance', 'fetch', 'queueMicrotask', 'async', 'await', 'Promise'],
  ...[
    'setTimeout',
    'setInterval',
    'setImmediate',
    'randomBytes',
    'randomFillSync',
    'randomInt',
    'randomUUID',
  ],
]);

/** The scripts' process and the isolates inside it. Neither is part of the media process; all share wire.ts. */
const RUNNER = 'script/runner/';
const GUEST = 'script/guest/';
const WIRE = 'script/wire/wire.ts';
/** Declares gates, notices and commands for all sides; its numbers and words, which the guest library needs as well. */
const TABLE = 'application/contract/script-table.ts';
const LIMITS = 'application/contract/script-limits.ts';
/** What a stream is called is one fact on both sides. */
const STREAM_NAMES = 'protocol/rtmp/stream-prefix.ts';
/** The bytes of the pipe between the two processes. */
const FRAMES = 'script/wire/frames.ts';
/** Read as text and given to script authors: not a part of this program. */
const TYPINGS = 'script/types/';
const ISOLATED_VM_IMPORTER = 'script/runner/engine.ts';

/** The one user of `_handle`, which Node may change at will. */
const SOCKET_HANDLES = 'adaptor/link/node-socket.ts';

const MAX_LINES = 600;

/** Error codes in src/ that are Node's own. */
const NODES_CODES = new Set(['ERR_WORKER_INIT_FAILED']);

const SRC = join(import.meta.dirname, '..', 'src');

interface SourceFile {
  /** From src/, with slashes: `protocol/bytes.ts`. */
  path: string;
  /** `protocol`; for a file directly under src/ its own name. */
  room: string;
  lines: number;
  tokens: Token[];
  imports: Import[];
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter(
    (path) => /\.[cm]?[jt]s$/.test(path) && !path.startsWith(TYPINGS) && !path.startsWith('admin/console/'),
  )
  .sort()
  .map((path) => readSource(path));

function readSource(path: string): SourceFile {
  const text = readFileSync(join(SRC, path), 'utf8');
  const tokens = tokenize(text);
  return {
    path,
    room: path.split('/')[0]!,
    lines: text.split('\n').length,
    tokens,
    imports: importsOf(tokens),
  };
}

/** What a relative import names, from src/; undefined for packages and Node's modules. */
function targetOf(file: SourceFile, { specifier }: Import): string | undefined {
  return specifier?.startsWith('.') ? posix.join(posix.dirname(file.path), specifier) : undefined;
}

/** Fails with every finding, one a line. */
function assertNone(findings: Iterable<string>): void {
  const list = [...findings];
  assert.equal(list.length, 0, `\n  ${list.join('\n  ')}`);
}

const everyImport = files.flatMap((file) =>
  file.imports.map((found) => ({
    file,
    found,
    target: targetOf(file, found),
    at: `src/${file.path}:${found.line}`,
  })),
);

describe('the building', () => {
  test('every file stands in a room of the table', () => {
    const known = new Set([...Object.keys(MAY_IMPORT), ...TOP, ...FOR_ALL]);
    assertNone(files.filter(({ room }) => !known.has(room)).map(({ path }) => `src/${path} is in no room`));
  });

  test('imports between rooms go down, as the table says', () => {
    assertNone(wrongWays());
    function* wrongWays(): Generator<string> {
      for (const { file, target, at } of everyImport) {
        if (target === undefined || TOP.includes(file.room)) continue;
        if (FOR_ALL.includes(target) && !PURE_ROOMS.includes(file.room)) continue;
        if (target === 'errors.ts') continue;
        const room = target.split('/')[0]!;
        if (FOR_ALL.includes(file.room)) yield `${at}: ${file.room} imports nothing, not ${target}`;
        else if (room !== file.room && !MAY_IMPORT[file.room]?.includes(room)) {
          yield `${at}: ${file.room} may not import ${target}`;
        }
      }
    }
  });

  for (const [room, rows] of Object.entries(INSIDE)) {
    test(`inside ${room}/, each box imports what its row says, and no more`, () => {
      const arrows = arrowsIn(room);
      assertNone(wrong());
      function* wrong(): Generator<string> {
        const there = new Set(files.map(({ path }) => boxOf(path, room)).filter((box) => box !== undefined));
        for (const box of there) if (!rows[box]) yield `src/${room}/${box} has no row`;
        for (const [box, row] of Object.entries(rows)) {
          if (!there.has(box)) yield `${room}/${box} has a row, and is not there`;
          for (const other of row) {
            if (!arrows.has(`${box} → ${other}`)) yield `${room}/${box} does not import ${other} any more`;
          }
        }
        for (const [arrow, at] of arrows) {
          const [from, to] = arrow.split(' → ') as [string, string];
          if (rows[from] && !rows[from].includes(to)) yield `${at}: ${room}/${from} may not import ${to}`;
        }
        yield* circlesAmong(rows);
      }
    });
  }

  test('the script process and the guest library share only wire.ts and script-limits.ts with the media process', () => {
    assertNone(leaks());
    function* leaks(): Generator<string> {
      for (const { file, found, target, at } of everyImport) {
        if (target === undefined) continue;
        for (const side of [RUNNER, GUEST]) {
          const inside = file.path.startsWith(side);
          const isShared =
            target === WIRE ||
            (target === LIMITS && side === GUEST) ||
            (target === TABLE && side === RUNNER) ||
            (target === FRAMES && side === RUNNER) ||
            (target === STREAM_NAMES && side === GUEST);
          if (inside && !target.startsWith(side) && !isShared) {
            yield `${at}: ${side} may import ${WIRE}, ${LIMITS} and itself, not ${target}`;
          }
          if (!inside && target.startsWith(side)) yield `${at}: only ${side} imports ${target}`;
        }
        if ([WIRE, LIMITS].includes(file.path) && !found.typeOnly) {
          yield `${at}: ${file.path} is bundled into the guest library; only types of ${target}`;
        }
      }
    }
  });

  test('rooms have few arrows inside', () => {
    assertNone(
      Object.entries(MAX_ARROWS).flatMap(([room, most]) => {
        const arrows = arrowsIn(room).size;
        return arrows > most ? [`${room}/ has ${arrows} arrows, more than ${most}`] : [];
      }),
    );
  });

  test('every room inside a room has a README of at most ten lines', () => {
    assertNone(missing());
    function* missing(): Generator<string> {
      for (const [room, rows] of Object.entries(INSIDE)) {
        for (const box of Object.keys(rows).filter((name) => !name.endsWith('.ts'))) {
          const path = join(SRC, room, box, 'README.md');
          const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n').length : 0;
          if (lines === 0 || lines > 10) yield `src/${room}/${box}/README.md has ${lines} lines`;
        }
      }
    }
  });

  // Types count: files that cannot be understood without each other are one file, or lack an interface between them.
  test('no files import each other in a circle', () => {
    assertNone(circles());
  });

  test(`no file is longer than ${MAX_LINES} lines`, () => {
    const long = files.filter(({ lines }) => lines > MAX_LINES);
    assertNone(long.map(({ path, lines }) => `src/${path}: ${lines} lines; split it by subject`));
  });
});

describe('imports', () => {
  test('name their file: relative, with its extension', () => {
    assertNone(unnamed());
    function* unnamed(): Generator<string> {
      for (const { file, found, target, at } of everyImport) {
        if (found.specifier === undefined) yield `${at}: a computed import cannot be held against the table`;
        else if (target === undefined) continue;
        else if (target.startsWith('..')) yield `${at}: ${found.specifier} leaves src/`;
        else if (target.endsWith('.json')) continue;
        else if (!files.some(({ path }) => path === target)) yield `${at}: no source file ${found.specifier}`;
        else if (!file.path.startsWith(GUEST) && !target.endsWith('.ts'))
          yield `${at}: ${target} is not a .ts file`;
      }
    }
  });

  test('come from src/, from Node as node:…, or from a dependency that users get too', () => {
    const manifest = JSON.parse(readFileSync(join(SRC, '..', 'package.json'), 'utf8'));
    const dependencies = Object.keys(manifest.dependencies);
    assertNone(strangers());
    function* strangers(): Generator<string> {
      for (const { found, target, at } of everyImport) {
        if (found.specifier === undefined || target !== undefined) continue;
        const name = found.specifier.split('/', found.specifier.startsWith('@') ? 2 : 1).join('/');
        if (found.specifier.startsWith('node:')) continue;
        if (builtinModules.includes(name)) yield `${at}: write node:${found.specifier}`;
        else if (!dependencies.includes(name)) yield `${at}: ${name} is not in "dependencies"`;
      }
    }
  });

  test(`of isolated-vm are in ${ISOLATED_VM_IMPORTER} alone`, () => {
    assertNone(
      everyImport
        .filter(({ file, found }) => found.specifier === 'isolated-vm' && file.path !== ISOLATED_VM_IMPORTER)
        .map(({ at }) => `${at}: goes through ${ISOLATED_VM_IMPORTER}`),
    );
  });
});

describe('what Node does not document', () => {
  test(`under a socket is touched by ${SOCKET_HANDLES} alone`, () => {
    assertNone(
      files
        .filter(({ path }) => path !== SOCKET_HANDLES)
        .flatMap(({ path, tokens }) =>
          tokens
            .filter(({ text }) => text === '_handle')
            .map(({ line }) => `src/${path}:${line}: _handle goes through ${SOCKET_HANDLES}`),
        ),
    );
  });
});

describe('the pure rooms', () => {
  test(`use no module but ${PURE_ROOMS_MAY_USE.join(' and ')}`, () => {
    assertNone(
      everyImport
        .filter(({ file, target }) => PURE_ROOMS.includes(file.room) && target === undefined)
        .filter(({ found }) => !PURE_ROOMS_MAY_USE.includes(found.specifier ?? ''))
        .map(({ at, found }) => `${at}: ${found.specifier}`),
    );
  });

  test('do not log, wait, look at a clock or roll dice', () => {
    assertNone(impurities());
    function* impurities(): Generator<string> {
      for (const { path, room, tokens } of files) {
        if (!PURE_ROOMS.includes(room)) continue;
        for (const [i, token] of tokens.entries()) {
          if (isImpure(tokens, i)) yield `src/${path}:${token.line}: ${token.text}`;
        }
      }
    }
  });
});

/** Words count where they are values, not as the name of a member or of a property. */
function isImpure(tokens: readonly Token[], i: number): boolean {
  const { kind, text } = tokens[i]!;
  if (kind !== 'word' || isMember(tokens, i)) return false;
  const member = isPunctuation(tokens[i + 1], '.') ? tokens[i + 2]?.text : undefined;
  if (text === 'Date') return member === 'now' || isNow(tokens, i);
  if (text === 'Math') return member === 'random';
  return IMPURE_WORDS.has(text) && !isPunctuation(tokens[i + 1], ':');
}

/** `new Date()` reads the clock, `new Date(ms)` does not. */
function isNow(tokens: readonly Token[], i: number): boolean {
  if (tokens[i - 1]?.text !== 'new') return false;
  return !isPunctuation(tokens[i + 1], '(') || isPunctuation(tokens[i + 2], ')');
}

/** The direct child of a room that a file is in, or is; undefined for files elsewhere. */
function boxOf(path: string, room: string): string | undefined {
  return path.startsWith(`${room}/`) ? path.slice(room.length + 1).split('/')[0] : undefined;
}

/** `live → pace` → the first place where it is. */
function arrowsIn(room: string): Map<string, string> {
  const arrows = new Map<string, string>();
  for (const { file, target, at } of everyImport) {
    const from = boxOf(file.path, room);
    const to = target === undefined ? undefined : boxOf(target, room);
    if (from === undefined || to === undefined || from === to) continue;
    const arrow = `${from} → ${to}`;
    if (!arrows.has(arrow)) arrows.set(arrow, at);
  }
  return arrows;
}

/** Rows whose boxes come back to where they began. */
function* circlesAmong(rows: Record<string, string[]>): Generator<string> {
  for (const box of Object.keys(rows)) {
    const seen = new Set<string>();
    const open = [...rows[box]!];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next === box) yield `${box} leads back to itself`;
      if (seen.has(next)) continue;
      seen.add(next);
      open.push(...(rows[next] ?? []));
    }
  }
}

/** Each circle of imports once, as `a.ts → b.ts → a.ts`, found depth first. */
function* circles(): Generator<string> {
  const targets = new Map(
    files.map((file) => [file.path, new Set(file.imports.map((i) => targetOf(file, i)))]),
  );
  const done = new Set<string>();
  for (const { path } of files) yield* visit(path, []);

  function* visit(path: string, trail: string[]): Generator<string> {
    const start = trail.indexOf(path);
    if (start >= 0) yield [...trail.slice(start), path].join(' → ');
    if (start >= 0 || done.has(path)) return;
    for (const target of targets.get(path) ?? []) {
      if (target !== undefined) yield* visit(target, [...trail, path]);
    }
    done.add(path);
  }
}

describe('files that authors and tenants can write', () => {
  const READERS = new Set(['readFile', 'readFileSync', 'createReadStream', 'open', 'openSync', 'openAsBlob']);
  /** What these read, and why that is no file of an author. */
  const OTHERS = new Map([
    ['disk/', 'the door itself'],
    ['cli/', 'a command reads for the person who calls it, and waits for nobody else'],
    ['testing/', 'as cli/'],
    ['log/log-file.ts', 'logs/, which is the server’s'],
    ['recording/finish/open-file.ts', 'opens for writing, by the rules of disk/regular-file.ts'],
    ['recording/write/running-files.ts', 'run/, which is the server’s'],
    ['wiring/descriptors.ts', '/dev/null'],
    ['adaptor/ports/port-holder.ts', '/proc'],
    ['script/source/builder-process.ts', '/proc'],
    ['script/child/privileges.ts', '/proc'],
    ['wiring/privileges.ts', '/etc/passwd'],
    ['wiring/run-folder.ts', 'run/, which is the server’s'],
    ['admin/run-file.ts', 'run/, which is the server’s'],
    ['script/source/resolve.ts', 'a method of that name'],
  ]);

  test('are read by disk/ alone', () => {
    assertNone(strays());
    function* strays(): Generator<string> {
      for (const { path, tokens, imports } of files) {
        if (
          [...OTHERS.keys()].some(
            (other) => path === other || (other.endsWith('/') && path.startsWith(other)),
          )
        )
          continue;
        if (!imports.some(({ specifier }) => /^node:fs(\/promises)?$/.test(specifier ?? ''))) continue;
        for (const [i, { kind, text, line }] of tokens.entries()) {
          const isCall = kind === 'word' && READERS.has(text) && isPunctuation(tokens[i + 1], '(');
          if (isCall && !isMember(tokens, i) && !['async', 'static'].includes(tokens[i - 1]?.text ?? ''))
            yield `src/${path}:${line}: ${text} of a file that may be a pipe: read it by disk/author-file.ts`;
        }
      }
    }
  });
});

describe('error codes', () => {
  test('in src/ and in src/README.md are the same', () => {
    const readme = readFileSync(join(SRC, 'README.md'), 'utf8');
    const listed = new Set([...readme.matchAll(/^\| `(ERR_[A-Z0-9_]+)` \|/gm)].map((match) => match[1]!));
    const used = new Map<string, string>();
    for (const { path, tokens } of files) {
      for (const { kind, text, line } of tokens) {
        if (kind === 'string' && /^ERR_[A-Z0-9_]+$/.test(text) && !NODES_CODES.has(text))
          used.set(text, `src/${path}:${line}`);
      }
    }
    assertNone([
      ...[...used].filter(([code]) => !listed.has(code)).map(([code, at]) => `${code} (${at}) is not listed`),
      ...[...listed].filter((code) => !used.has(code)).map((code) => `${code} is listed and nowhere used`),
    ]);
  });
});
