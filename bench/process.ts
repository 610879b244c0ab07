// Processes that are started, pinned, sampled and ended. What a process cost is what the scheduler says of its threads: to
// the nanosecond, and including what the kernel does for it on loopback, which is the receiver's side of every packet too.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endsWithUs, Tail } from '../test/support/child.ts';

/** Where a process runs and how far ahead of others; without the right to say so, it runs as everything else does. */
export interface Place {
  cpu: number | undefined;
  /** SCHED_RR, 1…99: so that what else the machine does has to wait. */
  priority: number | undefined;
}

export interface Spawned {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly output: Tail;
  readonly errors: Tail;
  readonly exited: Promise<number | null>;
  /** Resolves with the first line that says so; rejects if the process ends before, or does not say it in time. */
  saying(test: (line: string) => boolean, withinMs: number): Promise<string>;
  /** Asks it to end, and makes it. */
  stop(): Promise<void>;
}

const STOP_MS = 6_000;

export function run(
  place: Place,
  [file, ...args]: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Spawned {
  const words = [...placing(place), file!, ...args];
  const child = endsWithUs(
    spawn(words[0]!, words.slice(1), { ...options, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  const output = new Tail(65_536);
  const errors = new Tail();
  const lines: string[] = [];
  const watchers = new Set<() => void>();
  let rest = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output.add(text);
    if (watchers.size === 0 && lines.length > 1000) return; // a chatty server, and nobody listens any more
    const parts = (rest + text).split('\n');
    rest = parts.pop()!;
    lines.push(...parts);
    for (const watcher of watchers) watcher();
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => errors.add(text));
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      errors.add(String(error));
      resolve(null);
    });
    child.once('close', resolve);
  });

  const saying = async (test: (line: string) => boolean, withinMs: number): Promise<string> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const look = () => {
      const line = lines.find(test);
      if (line !== undefined) resolve(line);
    };
    const fail = (why: string) =>
      reject(new Error(`${basename(file!)} ${why}: ${errors} ${String(output).slice(-500)}`));
    const timer = setTimeout(() => fail('is late'), withinMs);
    void exited.then(() => {
      look();
      fail('ended');
    });
    watchers.add(look);
    look();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      watchers.delete(look);
    }
  };

  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(timer);
  };
  return { child, pid: child.pid ?? 0, output, errors, exited, saying, stop };
}

/** taskset and chrt replace themselves by what they start: the pid is the server's own. */
function placing({ cpu, priority }: Place): string[] {
  return [
    ...(priority === undefined ? [] : ['chrt', '--rr', String(priority)]),
    ...(cpu === undefined ? [] : ['taskset', '-c', String(cpu)]),
  ];
}

/** Whether this user may run things ahead of others. */
export function mayUseRealtime(): boolean {
  return succeeds('chrt', '--rr', '10', 'true');
}
export function mayPin(): boolean {
  return succeeds('taskset', '-c', '0', 'true');
}

export function succeeds(file: string, ...args: string[]): boolean {
  try {
    execFileSync(file, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The bench's own samples come in time; what it starts (reset on fork) is placed by itself. */
export function runAhead(): void {
  execFileSync('chrt', ['--reset-on-fork', '--rr', '--pid', '20', String(process.pid)], { stdio: 'ignore' });
}

// ---- samples -----------------------------------------------------------------------------------------------------

export interface Sample {
  atNs: number;
  /** Time that all threads of the process and its children ran. */
  runNs: number;
  /** Time that they could have run and did not: others had the processor, or each other. */
  waitNs: number;
  rssBytes: number;
}

/** esbuild's service stops by itself half a minute after the last build, and is not counted. */
const NOT_COUNTED = 'esbuild';
const PAGE_BYTES = 4096;

export function sample(pid: number): Sample {
  const sum: Sample = { atNs: Number(process.hrtime.bigint()), runNs: 0, waitNs: 0, rssBytes: 0 };
  for (const member of family(pid)) {
    for (const thread of list(`/proc/${member}/task`)) {
      const [run = 0, wait = 0] = numbers(`/proc/${member}/task/${thread}/schedstat`);
      sum.runNs += run;
      sum.waitNs += wait;
    }
    sum.rssBytes += (numbers(`/proc/${member}/statm`)[1] ?? 0) * PAGE_BYTES;
  }
  return sum;
}

/** Pages that processes share counted once. */
export function proportionalBytes(pid: number): number {
  let bytes = 0;
  for (const member of family(pid)) {
    const found = /^Pss:\s+(\d+) kB/m.exec(text(`/proc/${member}/smaps_rollup`));
    bytes += Number(found?.[1] ?? 0) * 1024;
  }
  return bytes;
}

export function openFiles(pid: number): number {
  return list(`/proc/${pid}/fd`).length;
}

/** The process and its descendants. */
function family(pid: number): number[] {
  const found = [pid];
  for (let i = 0; i < found.length; i++) {
    for (const thread of list(`/proc/${found[i]}/task`)) {
      const children = text(`/proc/${found[i]}/task/${thread}/children`);
      found.push(...children.split(' ').filter(Boolean).map(Number));
    }
  }
  return found.filter((member) => text(`/proc/${member}/comm`).trim() !== NOT_COUNTED);
}

/** Time that the machine under this one had for others, ns since boot, all processors. */
export function stolenNs(): number {
  const ticks = /^cpu +(?:\d+ ){7}(\d+)/m.exec(text('/proc/stat'))?.[1] ?? '0';
  return Number(ticks) * 1e7;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it ended meanwhile
  }
}
function text(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
function numbers(file: string): number[] {
  return text(file).trim().split(' ').map(Number);
}

/** Tries until it is so. */
export async function until(
  test: () => boolean | Promise<boolean>,
  withinMs: number,
  what: string,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await test())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    await sleep(5);
  }
}
