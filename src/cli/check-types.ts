// The compiler, as a command: TypeScript 7 offers no stable way to call it from a program.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { assertRegularAt, isAbsent } from '../disk/regular-file.ts';
import { FileError } from '../errors.ts';
import { CommandError } from './args.ts';
import { TYPES_DIR } from './author-files.ts';
import type { Fault } from './fault.ts';
import { oddFilesIn } from './odd-files.ts';

/** The compiler waits for a pipe that it takes for a file, for ever. The largest folders take it some ten seconds. */
const MAX_MS = 120_000;

/** Type errors of a module script and what it imports, by the application's own tsconfig.json or, without one, by the default. */
export async function checkTypes(folder: string): Promise<Fault[]> {
  const odd = oddFilesIn(folder);
  if (odd.length > 0) return odd;
  const own = join(folder, 'tsconfig.json');
  try {
    assertRegularAt(own);
  } catch (error) {
    if (isAbsent(error)) return await checkByDefault(folder);
    if (error instanceof FileError) return [{ file: own, message: error.message }];
    throw error;
  }
  return await runCompiler(own, folder);
}

async function checkByDefault(folder: string): Promise<Fault[]> {
  const temporary = mkdtempSync(join(tmpdir(), 'understudy-check-'));
  try {
    const settings = join(temporary, 'tsconfig.json');
    writeFileSync(settings, JSON.stringify(defaultSettings(folder)));
    return await runCompiler(settings, folder);
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

function defaultSettings(folder: string): object {
  return {
    extends: join(TYPES_DIR, 'tsconfig.base.json'),
    include: ['ts', 'mjs'].map((extension) => join(folder, '**', `*.${extension}`)),
    exclude: [join(folder, 'node_modules')],
  };
}

async function runCompiler(settings: string, cwd: string): Promise<Fault[]> {
  const { code, output, isLate } = await run(
    [compiler(), '--project', settings, '--noEmit', '--pretty', 'false'],
    cwd,
  );
  if (isLate) {
    const message = `the TypeScript compiler took more than ${MAX_MS / 1000} s: is one of the files a named pipe?`;
    return [{ file: cwd, message }];
  }
  const faults = parseOutput(output, cwd);
  if (code !== 0 && faults.length === 0) {
    throw new CommandError(
      'ERR_CLI_COMPILER',
      `the TypeScript compiler failed (exit code ${code}): ${output.trim()}`,
    );
  }
  return faults;
}

function compiler(): string {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
  return join(dirname(manifest), 'bin', 'tsc');
}

interface Run {
  code: number | null;
  output: string;
  isLate: boolean;
}

function run(args: string[], cwd: string): Promise<Run> {
  const { promise, resolve: done, reject } = Promise.withResolvers<Run>();
  const child = spawn(process.execPath, args, {
    ...{ cwd, stdio: ['ignore', 'pipe', 'pipe'] },
    ...{ timeout: MAX_MS, killSignal: 'SIGKILL' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  child.on('error', reject);
  child.on('close', (code) => done({ code, output, isLate: child.killed }));
  return promise;
}

/** What the compiler says of names of Node and of web pages: its advice is for programs that have those. */
const ADVICE =
  / Do you need to (?:install type definitions for node|change your target library\?.* include 'dom').*$/;

function withoutAdvice(file: string, message: string): string {
  const instead = file.endsWith('.test.ts')
    ? ' Import it from a module of Node.'
    : ' Scripts have no APIs of Node or of web pages; applications/understudy.d.ts lists everything they have.';
  return message.replace(ADVICE, instead);
}

/** `main.ts(3,7): error TS2322: …`, or `error TS18003: …`; indented lines go on with the message before. */
function parseOutput(output: string, cwd: string): Fault[] {
  const faults: Fault[] = [];
  for (const text of output.split(/\r?\n/)) {
    const placed = /^(.+?)\((\d+),(\d+)\): (?:error )?(.*)$/.exec(text);
    if (placed) {
      const [, file = '', line, column, message = ''] = placed;
      const at = { file: resolve(cwd, file), line: Number(line), column: Number(column) };
      faults.push({ ...at, message: withoutAdvice(file, message) });
    } else if (text.startsWith('error ')) faults.push({ message: text.slice('error '.length) });
    else if (text.startsWith(' ') && faults.length > 0) faults.at(-1)!.message += `\n${text}`;
  }
  return faults;
}
