// FMS's own scripts, .asc and .js: text that runs as it is, and the texts that its load() may ask for.

import { isUtf8 } from 'node:buffer';
import { realpath } from 'node:fs/promises';
import { join, posix, sep } from 'node:path';
import { listAuthorFolder, readAuthorFile } from '../../disk/author-file.ts';
import { FileError } from '../../errors.ts';
import { SHARED_FOLDER } from '../../storage/names.ts';
import { Unbuildable } from './build-fault.ts';
import { build, isBuildFailure } from './esbuild.ts';

const MAX_FOLDER_DEPTH = 16;
/** Of one folder; scripts do not lie among so many files. */
const MAX_ENTRIES = 10_000;
/** What the server itself writes, and what nobody loads by name. */
const SKIPPED_FOLDERS = new Set(['node_modules', 'streams', 'sharedobjects']);

/** Scripts were saved on machines of the year 2003: UTF-8 with or without a byte order mark, else Latin-1. */
export function decodeText(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) return Buffer.from(bytes).toString('latin1');
  const text = Buffer.from(bytes).toString('utf8');
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

export class TooLargeError extends Error {}

export interface ClassicElsewhere {
  /** Of the main script. */
  code: string;
  libraries: readonly string[];
  /** Real path of the folder that applications share. */
  shared: string | undefined;
  /** Of all texts together. */
  maxBytes: number;
}

/**
 * Every .asc and .js of the application's folder, by its path from the main script's folder (`lib/chat.asc`,
 * `../shared.asc`), so that load() needs no disk; then those of the libraries by their paths in them, the first of a name. Of
 * what applications share (`../_lib/chat.asc`) only what one of these texts names: a save there is to reload nobody else.
 * Links out of the folders are left out.
 */
export async function readClassicFiles(
  folder: string,
  mainScript: string,
  { code, libraries, shared, maxBytes }: ClassicElsewhere,
): Promise<{ files: Record<string, string>; usesShared: boolean }> {
  const files: Record<string, string> = {};
  const base = posix.dirname(mainScript);
  let bytesLeft = maxBytes;
  const read = async (from: string, nameOf: (path: string) => string, wants = (_path: string) => true) => {
    for (const path of await listScripts(from, '', 0)) {
      if (!wants(path)) continue;
      const name = nameOf(path);
      const real = await realpath(join(from, path)).catch(() => undefined);
      if (real === undefined || !real.startsWith(from + sep) || files[name] !== undefined) continue;
      const bytes = await readText(real, from, bytesLeft);
      if (bytes === undefined) continue;
      bytesLeft -= bytes.byteLength;
      files[name] = decodeText(bytes);
    }
  };
  await read(folder, (path) => posix.relative(base, path));
  for (const library of libraries) {
    const real = await realpath(library).catch(() => undefined);
    if (real !== undefined) await read(real, (path) => path);
  }
  if (shared === undefined) return { files, usesShared: false };
  const before = Object.keys(files).length;
  // What is named may name another.
  for (let known = -1; known < Object.keys(files).length; ) {
    known = Object.keys(files).length;
    const names = namesOfShared([code, ...Object.values(files)]);
    const nameOf = (path: string) => posix.relative(base, `../${SHARED_FOLDER}/${path}`);
    await read(shared, nameOf, (path) => names.has(path.toLowerCase()));
  }
  return { files, usesShared: Object.keys(files).length > before };
}

/** Undefined: it cannot be read, and load() will not find it. */
async function readText(path: string, folder: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    return (await readAuthorFile(path, { maxBytes, within: [folder] }))?.bytes;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (error.code === 'ERR_FILE_SIZE') throw new TooLargeError();
    return undefined;
  }
}

const OF_SHARED = new RegExp(`${SHARED_FOLDER}[\\\\/]+([^'"\`\\n]+?\\.(?:asc|js))`, 'gi');

/** In lower case, as load() takes them. */
function namesOfShared(texts: readonly string[]): Set<string> {
  const names = texts.flatMap((text) => [...text.matchAll(OF_SHARED)].map(([, name = '']) => name));
  return new Set(names.map((name) => posix.normalize(name.replaceAll('\\', '/')).toLowerCase()));
}

async function listScripts(folder: string, below: string, depth: number): Promise<string[]> {
  const found: string[] = [];
  const entries = await listAuthorFolder(join(folder, below), MAX_ENTRIES).catch((error: FileError) => {
    if (error.code !== 'ERR_FILE_SIZE') return undefined;
    throw new Unbuildable({ file: below || '.', message: error.message });
  });
  for (const entry of (entries ?? []).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = posix.join(below, entry.name);
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) {
      if (depth < MAX_FOLDER_DEPTH && !SKIPPED_FOLDERS.has(entry.name)) {
        found.push(...(await listScripts(folder, path, depth + 1)));
      }
    } else if (/\.(asc|js)$/i.test(entry.name)) found.push(path);
  }
  return found;
}

/**
 * Where a classic script says `import` or `export` at top level, which only a module may; `undefined` where it does
 * not. Broken syntax is not judged here: what runs the script knows better, E4X and all.
 */
export async function findModuleSyntax(
  code: string,
): Promise<{ line: number; column: number; lineText: string } | undefined> {
  if (!/\b(import|export)\b/.test(code)) return undefined;
  try {
    const { metafile } = await build({
      stdin: { contents: code, loader: 'js', sourcefile: 'main.js' },
      absWorkingDir: '/',
      outfile: 'main.js',
      write: false,
      metafile: true,
      logLevel: 'silent',
      tsconfigRaw: '{}',
    });
    if (Object.values(metafile.inputs)[0]?.format !== 'esm') return undefined;
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    if (!String(error).includes('ECMAScript module')) return undefined; // esbuild's words for `with` beside an import
  }
  const lines = code.split(/\r\n|[\n\r\u2028\u2029]/);
  for (const [i, lineText] of lines.entries()) {
    const column = lineText.search(/^\s*(import\b(?!\s*\()|export\b)/);
    if (column >= 0) return { line: i + 1, column: lineText.search(/\S/) + 1, lineText };
  }
  return undefined;
}
