import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { TestContext } from 'node:test';
import type { StartOptions } from '../../src/cli/args.ts';
import { NO_COLOURS } from '../../src/cli/colours.ts';
import { run } from '../../src/cli/main.ts';

/** A root folder with these files under applications/, gone after the test. */
export function rootWith(t: TestContext, applications: Record<string, string> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'understudy-cli-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(applications)) {
    const file = join(root, 'applications', path);
    mkdirSync(path.endsWith('/') ? file : dirname(file), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(file, text);
  }
  return root;
}

/** A file under applications/ as the command says it. */
export function said(root: string, path: string): string {
  return relative(process.cwd(), join(root, 'applications', path));
}

export interface Ran {
  exitCode: number;
  printed: string[];
  errors: string[];
  started: StartOptions[];
}

/** The command in this process, with a server that ends at once with exit code 7. */
export function understudy(...args: string[]): Promise<Ran> {
  return understudyReading('', ...args);
}

/** The same with that line on standard input. */
export async function understudyReading(line: string, ...args: string[]): Promise<Ran> {
  const ran: Ran = { exitCode: -1, printed: [], errors: [], started: [] };
  ran.exitCode = await run(args, {
    start: async (options) => {
      ran.started.push(options);
      return 7;
    },
    readPassword: async () => line,
    colours: NO_COLOURS,
    print: (line) => ran.printed.push(...line.split('\n')),
    printError: (line) => ran.errors.push(...line.split('\n')),
  });
  return ran;
}
