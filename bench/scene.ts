// One server, what it is given to do, and what that cost: the part that all workloads share.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Machine } from './machine.ts';
import type { Patience } from './patience.ts';
import type { Peer, Running } from './peers/peer.ts';
import { run, type Sample, type Spawned, sample, stolenNs } from './process.ts';
import type { Row } from './row.ts';
import type { Tools } from './tools.ts';

export interface Bench {
  machine: Machine;
  tools: Tools;
  /** Those that are there, ours first. */
  peers: readonly Peer[];
  isQuick: boolean;
  repeats: number;
  /** Undefined: as many as the workload thinks fit. */
  players: readonly number[] | undefined;
  profileTo: string | undefined;
  patience: Patience;
  say(text: string): void;
}

/** A server in the way that it is to be measured: the application decides how ours flushes. */
export interface Contender {
  label: string;
  peer: Peer;
  application: string;
}

export interface Workload {
  name: string;
  measure(bench: Bench): Promise<Row[]>;
}

// ---- a server ----------------------------------------------------------------------------------------------------

/** Starts it in a folder of its own, and leaves nothing behind. */
export async function withServer<T>(
  bench: Bench,
  peer: Peer,
  use: (server: Running) => Promise<T>,
  place = bench.machine.server,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-bench-'));
  try {
    const server = await peer.start({ place, folder, profileTo: bench.profileTo });
    try {
      return await use(server);
    } finally {
      await server.process.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// ---- publishers --------------------------------------------------------------------------------------------------

/** What rtmpload publish says at its end. */
export interface PublisherReport {
  kbytesPerSecond: number;
  messagesPerSecond: number;
  worstDelayMs: number;
  dropped: number;
  closed: number;
}

export interface OnAir extends AsyncDisposable {
  end(): Promise<PublisherReport>;
}

/** However a run goes wrong, nothing that it started goes on for longer than this. */
const LIFETIME_SECONDS = 180;
const ON_AIR_MS = 30_000;

export async function putOnAir(bench: Bench, port: number, application: string, streams = 1): Promise<OnAir> {
  const publisher = run(bench.machine.publisher, [
    ...[bench.tools.rtmpload, 'publish', '--port', String(port), '--app', application],
    ...['--streams', String(streams), '--flv', bench.tools.clip, '--seconds', String(LIFETIME_SECONDS)],
  ]);
  await publisher.saying((line) => line === 'PUBLISHING', ON_AIR_MS);
  return {
    async end() {
      await publisher.stop();
      return reportOf<PublisherReport>(publisher);
    },
    [Symbol.asyncDispose]: () => publisher.stop(),
  };
}

export function reportOf<T>(tool: Spawned): T {
  const line = String(tool.output)
    .split('\n')
    .find((candidate) => candidate.startsWith('{'));
  if (line === undefined) throw new Error(`the load generator failed: ${tool.errors}`);
  return JSON.parse(line) as T;
}

// ---- what it cost ------------------------------------------------------------------------------------------------

export interface Cost {
  seconds: number;
  /** Of one processor, 0…1. */
  cpu: number;
  /** Runnable but not running, over all threads, 0…1 and beyond. */
  wait: number;
  /** What the machine below took from this one, of one processor. */
  stolen: number;
  rssBytes: number;
}

export interface Meter {
  end(): Cost;
}

export function startMeter(pid: number): Meter {
  const begin: Sample = sample(pid);
  const stolenBefore = stolenNs();
  return {
    end() {
      const end = sample(pid);
      const ns = end.atNs - begin.atNs;
      return {
        seconds: ns / 1e9,
        cpu: (end.runNs - begin.runNs) / ns,
        wait: (end.waitNs - begin.waitNs) / ns,
        stolen: (stolenNs() - stolenBefore) / ns,
        rssBytes: end.rssBytes,
      };
    },
  };
}

/** Meters between the two words that rtmpload says; resolves when it has ended. */
export async function meterWhile(tool: Spawned, pid: number, withinMs: number): Promise<Cost> {
  await tool.saying((line) => line === 'MEASURE_BEGIN', withinMs);
  const meter = startMeter(pid);
  await tool.saying((line) => line === 'MEASURE_END', withinMs);
  const cost = meter.end();
  await tool.exited;
  return cost;
}

/** The kernel leaves 5 % to everybody else, however far ahead a process runs. */
const SATURATED = 0.93;
export const isSaturated = (cost: Cost): boolean => cost.cpu > SATURATED;

/** Others had what the server or its publisher needed. A server at its limit waits for itself. */
export function isDisturbed(cost: Cost, publisherDelayMs = 0): boolean {
  if (cost.stolen > 0.03) return true;
  return !isSaturated(cost) && (cost.wait > 0.15 || publisherDelayMs > 150);
}

const TRIES = 3;
const PATIENT_TRIES = 6;

/** Repeats what was disturbed, a few times; that from which least was stolen stands, marked. What fails becomes a row that says so. */
export async function tryRow(
  bench: Bench,
  what: Pick<Row, 'workload' | 'server' | 'count'>,
  measure: () => Promise<Omit<Row, 'workload' | 'server' | 'count'>>,
): Promise<Row> {
  let best: { row: Row; stolen: number } | undefined;
  for (let attempt = 1; ; attempt++) {
    await bench.patience.forQuiet();
    const [sinceMs, stolenBefore] = [performance.now(), stolenNs()];
    let row: Row;
    try {
      row = { ...what, ...(await measure()) };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const note = `failed: ${why.slice(0, 300)}`.replace(/\s+/g, ' ').trim(); // it stands in a table
      row = { ...what, figures: {}, notes: [note], isDisturbed: false };
    }
    const stolen = (stolenNs() - stolenBefore) / (performance.now() - sinceMs) / 1e6;
    if (row.isDisturbed && stolen > 0.005)
      row.notes.push(`${Math.round(stolen * 100)} % of a processor stolen meanwhile`);
    say(bench, row);
    if (!best || stolen < best.stolen) best = { row, stolen };
    await sleep(300);
    if (!row.isDisturbed) return row;
    if (attempt >= (bench.patience.isLeft ? PATIENT_TRIES : TRIES)) return best.row;
  }
}

function say(bench: Bench, { workload, server, count, figures, notes, isDisturbed }: Row): void {
  const values = Object.entries(figures).map(([key, value]) => `${key} ${Number(value.toPrecision(4))}`);
  const mark = isDisturbed ? ' (disturbed)' : '';
  bench.say(`${workload} ${count}, ${server}${mark}: ${[...values, ...notes].join(', ')}`);
}
