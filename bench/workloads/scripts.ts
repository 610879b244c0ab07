// What scripts cost and how they behave: the events they handle, the wait at a gate, saves, crashes, memory.
//
// But for the gates, which are asked by a server with players, the bench itself is the media process here: it hosts scripts in
// the runner's process as the server does, and is told all that the server is told.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readRunFile } from '../../src/admin/run-file.ts';
import type { InstanceScript, InvokeResult } from '../../src/application/contract/script.ts';
import { systemClock } from '../../src/clock.ts';
import { hosting } from '../../test/script/support/hosting.ts';
import { facts } from '../../test/script/support/instance.ts';
import { RtmpPeer } from '../../test/support/rtmp-peer.ts';
import { understudy } from '../peers/understudy.ts';
import { run, sample } from '../process.ts';
import { roundTrips } from '../round-trip.ts';
import type { Figures, Row } from '../row.ts';
import { type Bench, isDisturbed, putOnAir, startMeter, tryRow, type Workload } from '../scene.ts';
import { median, quantile } from '../statistics.ts';

const SCRIPT = `
  interface ClientData { [name: string]: any }
  let resumed = 0;
  application.onConnect = (client) => { client.data.name = 'client ' + client.id; return true };
  application.onClientResume = () => { resumed += 1 };
  Client.prototype.echo = (value) => value;`;

type Stage = Awaited<ReturnType<typeof hosting>>;
type Measured = Omit<Row, 'workload' | 'server' | 'count'>;

function connect(script: InstanceScript, id: string): Promise<unknown> {
  return new Promise((resolve) => script.ask({ gate: 'onConnect', client: facts(id), args: [] }, resolve));
}

function call(script: InstanceScript, client: string): Promise<InvokeResult> {
  return new Promise((resolve) => script.invoke(client, 'echo', [1], true, resolve));
}

/** One of the application, with that many clients. */
async function serve(stage: Stage, name: string, clients = 1): Promise<InstanceScript> {
  const { script, instance } = stage.open('bench', name);
  await script.started;
  const ids = Array.from({ length: clients }, (_, i) => `${name} ${i}`);
  await Promise.all(ids.map((id) => connect(script, id)));
  instance.clients = ids;
  return script;
}

// ---- events ------------------------------------------------------------------------------------------------------

/** Calls that wait at each isolate: two batches, so that the next is there when one is through. */
const OPEN_CALLS = 512;

async function throughput(isolates: number, seconds: number): Promise<Figures> {
  await using stage = await hosting({ 'bench/main.ts': SCRIPT });
  const scripts: InstanceScript[] = [];
  for (let i = 0; i < isolates; i += 1) scripts.push(await serve(stage, `i${i}`));
  let answered = 0;
  let isOver = false;
  for (const [i, script] of scripts.entries()) {
    const again = () => script.invoke(`i${i} 0`, 'echo', [1], true, onAnswer);
    const onAnswer = () => {
      answered += 1;
      if (!isOver) again();
    };
    for (let open = 0; open < OPEN_CALLS; open += 1) again();
  }
  await sleep(1000);
  const [before, since] = [answered, performance.now()];
  await sleep(seconds * 1000);
  const figures = { eventsPerSecond: ((answered - before) * 1000) / (performance.now() - since) };
  isOver = true;
  return figures;
}

// ---- gates -------------------------------------------------------------------------------------------------------

const PLAYERS = 500;
const CONNECTS_PER_SECOND = 100;

/** What its script has been asked, as the server itself counts it. */
interface Numbers {
  script: { gates: { name: string; p50Ms: number; p99Ms: number }[] };
}

async function gates(bench: Bench, seconds: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-bench-'));
  // On all processors: its two processes are two so that they need not wait for each other.
  const place = { cpu: undefined, priority: bench.machine.server.priority };
  const server = await understudy.start({ place, folder });
  const load = run(bench.machine.load, [
    ...[bench.tools.rtmpload, 'play', '--port', String(server.port), '--app', 'live'],
    ...['--players', String(PLAYERS), '--rate', '250', '--inflight', '64', '--probes', '16'],
    ...['--warm', '1', '--seconds', String(seconds * 1.3 + 3)],
  ]);
  try {
    await using onAir = await putOnAir(bench, server.port, 'live');
    await load.saying((line) => line === 'MEASURE_BEGIN', 60_000);
    // One that stays: the script has started when the others come.
    await using first = await RtmpPeer.open(server.port);
    await first.connect('gate');
    const meter = startMeter(server.process.pid);
    const latencies = await connects(server.port, seconds * CONNECTS_PER_SECOND);
    const cost = meter.end();
    const { url, token } = readRunFile(folder)!;
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${url}/api/v1/applications/gate`, { headers });
    const { script } = (await answer.json()) as Numbers;
    const asked = script.gates.find(({ name }) => name === 'onConnect')!;
    const floor = await roundTrips(CONNECTS_PER_SECOND, (seconds * CONNECTS_PER_SECOND) / 5);
    const { worstDelayMs } = await onAir.end();
    return {
      figures: {
        ...{ gateP50Ms: asked.p50Ms, gateP99Ms: asked.p99Ms },
        ...{ connectP50Ms: quantile(latencies, 0.5)!, connectP99Ms: quantile(latencies, 0.99)! },
        byteP50Ms: quantile(floor, 0.5)!,
        cpuPercent: cost.cpu * 100,
      },
      notes: [],
      isDisturbed: isDisturbed(cost, worstDelayMs),
    };
  } finally {
    await load.stop();
    await server.process.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One every so many ms; from the command to its answer, ms. */
async function connects(port: number, count: number): Promise<number[]> {
  const latencies: Promise<number>[] = [];
  const since = performance.now();
  for (let i = 0; i < count; i += 1) {
    latencies.push(oneConnect(port));
    await sleep(Math.max(0, since + ((i + 1) * 1000) / CONNECTS_PER_SECOND - performance.now()));
  }
  return Promise.all(latencies);
}

async function oneConnect(port: number): Promise<number> {
  await using peer = await RtmpPeer.open(port);
  const since = performance.now();
  const { name } = await peer.connect('gate');
  if (name !== '_result') throw new Error(`a connect was answered with ${name}`);
  return performance.now() - since;
}

// ---- saves and crashes -------------------------------------------------------------------------------------------

const isReload = ({ event }: { event?: string }) => event === 'script-reload';
const SETTLE_MS = 200;

/** The longest that a client's call takes while a new version takes over; the first reload is not counted. */
async function reloads(clients: number, count: number): Promise<Figures> {
  let version = 0;
  await using stage = await hosting({ 'bench/main.ts': SCRIPT }, systemClock, () => ({
    config: { version },
  }));
  const script = await serve(stage, 'room', clients);
  let longestMs = 0;
  let isOver = false;
  const calling = (async () => {
    while (!isOver) {
      const since = performance.now();
      await call(script, 'room 0');
      longestMs = Math.max(longestMs, performance.now() - since);
      await sleep(1);
    }
  })();
  const pauses: number[] = [];
  for (let i = 0; i <= count; i += 1) {
    await sleep(SETTLE_MS);
    longestMs = 0;
    version += 1;
    stage.host.configure('bench');
    await stage.records.next(isReload);
    await sleep(SETTLE_MS);
    if (i > 0) pauses.push(longestMs);
  }
  isOver = true;
  await calling;
  return { pauseMs: median(pauses)!, worstPauseMs: Math.max(...pauses) };
}

/** From the moment that the file is whole until the new version serves; the first is not counted. */
async function saves(count: number): Promise<Figures> {
  await using stage = await hosting({ 'bench/main.ts': SCRIPT });
  await serve(stage, 'room', 10);
  const times: number[] = [];
  for (let i = 0; i <= count; i += 1) {
    await sleep(SETTLE_MS);
    await stage.folder.write('bench/main.ts', `${SCRIPT}\nconst version = ${i};`);
    const since = performance.now();
    await stage.records.next(isReload);
    if (i > 0) times.push(performance.now() - since);
  }
  return { savedToServingMs: median(times)!, worstSavedMs: Math.max(...times) };
}

/** A process that has lived so long is no reason to wait before the next is started. */
const NOT_YOUNG_MS = 3200;

/** From a kill of the process until its successor has answered a client's call. */
async function crashes(count: number): Promise<Figures> {
  await using stage = await hosting({ 'bench/main.ts': SCRIPT });
  const script = await serve(stage, 'room', 10);
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    await sleep(NOT_YOUNG_MS);
    const { pid } = stage.records.of('runner').at(-1)!;
    const since = performance.now();
    process.kill(pid!, 'SIGKILL');
    let result = await call(script, 'room 0');
    while (!result.found || !result.ok) result = await call(script, 'room 0');
    times.push(performance.now() - since);
  }
  return { backMs: median(times)!, worstBackMs: Math.max(...times) };
}

// ---- memory ------------------------------------------------------------------------------------------------------

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Of this process and its runner, MB; what is garbage here is not counted. */
function memory(): number {
  collect();
  return sample(process.pid).rssBytes / 1e6;
}

const QUIET_MS = 3000;

async function idle(instances: number): Promise<Figures> {
  await using stage = await hosting({ 'bench/main.ts': SCRIPT });
  await serve(stage, 'first');
  await sleep(QUIET_MS);
  const before = memory();
  for (let i = 0; i < instances; i += 1) await serve(stage, `i${i}`);
  await sleep(QUIET_MS);
  return { mbPerInstance: (memory() - before) / instances };
}

/** V8 keeps the pages of isolates that have gone for 8 s, in case that others come. */
const POOLED_MS = 12_000;
/** So many come first, and for so long: the engines and the allocator find their size, which is that of the busiest 8 s. */
const WARM_RELOADS = 1500;
const WARM_MS = 25_000;

async function growth(count: number): Promise<Figures> {
  let version = 0;
  await using stage = await hosting({ 'bench/main.ts': SCRIPT }, systemClock, () => ({
    config: { version },
  }));
  await serve(stage, 'room', 10);
  const reload = async (times: number, ms = 0) => {
    const until = performance.now() + ms;
    for (let i = 0; i < times || performance.now() < until; i += 1) {
      version += 1;
      stage.host.configure('bench');
      await stage.records.next(isReload);
    }
    await sleep(POOLED_MS);
    return memory();
  };
  const before = await reload(WARM_RELOADS, WARM_MS);
  return { rssGrowthMb: (await reload(count)) - before };
}

// ---- the rows ----------------------------------------------------------------------------------------------------

/** What others took of the machine meanwhile. */
async function undisturbed(measure: () => Promise<Figures>): Promise<Measured> {
  const meter = startMeter(process.pid);
  const figures = await measure();
  return { figures, notes: [], isDisturbed: meter.end().stolen > 0.03 };
}

export const scripts: Workload = {
  name: 'scripts',
  async measure(bench) {
    const { isQuick } = bench;
    const seconds = isQuick ? 3 : 8;
    const all: [server: string, count: number, measure: () => Promise<Measured>][] = [
      ['one isolate', 1, () => undisturbed(() => throughput(1, seconds))],
      ['isolates', 50, () => undisturbed(() => throughput(50, seconds))],
      ['gates, connects a second', CONNECTS_PER_SECOND, () => gates(bench, isQuick ? 5 : 15)],
      ['reload, clients', 200, () => undisturbed(() => reloads(200, isQuick ? 8 : 20))],
      ['save', 0, () => undisturbed(() => saves(isQuick ? 5 : 15))],
      ['kill', 0, () => undisturbed(() => crashes(isQuick ? 2 : 5))],
      ['idle instances', 100, () => undisturbed(() => idle(100))],
      ['reloads in a row', 1000, () => undisturbed(() => growth(1000))],
    ];
    const rows: Row[] = [];
    for (let repeat = 0; repeat < bench.repeats; repeat += 1) {
      for (const [name, count, measure] of all) {
        const what = { workload: 'scripts', server: `understudy, ${name}`, count };
        rows.push(await tryRow(bench, what, measure));
      }
    }
    return rows;
  },
};
