// npm run bench: this server beside others, in one run, on one machine. bench/README.md says what is measured and how.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { thisMachine } from './machine.ts';
import { patience } from './patience.ts';
import { nginxRtmp } from './peers/nginx-rtmp.ts';
import { nodeMediaServer } from './peers/node-media-server.ts';
import type { Peer } from './peers/peer.ts';
import { understudy } from './peers/understudy.ts';
import { runAhead } from './process.ts';
import { formatResults, keep, type Results, verdicts } from './report.ts';
import type { Bench, Workload } from './scene.ts';
import { CACHE, makeTools } from './tools.ts';
import { connectStorm } from './workloads/connects.ts';
import { fanOut } from './workloads/fan-out.ts';
import { floor } from './workloads/floor.ts';
import { ingestWorkload } from './workloads/ingest.ts';
import { joins } from './workloads/joins.ts';
import { scripts } from './workloads/scripts.ts';
import { stalledPlayers } from './workloads/stalled.ts';
import { start } from './workloads/start.ts';

const WORKLOADS: readonly Workload[] = [
  floor,
  start,
  connectStorm,
  joins,
  ingestWorkload,
  stalledPlayers,
  fanOut,
  scripts,
];
const OTHERS: readonly Peer[] = [nginxRtmp, nodeMediaServer];

const HELP = `npm run bench -- [OPTION]…
  --quick          10 minutes at most: fewer sizes, shorter windows, everything once
  --only NAME      ${WORKLOADS.map(({ name }) => name).join(', ')}; may be given several times
  --players N      of the fan-out, only so many; may be given several times
  --alone          without peers
  --setup          gets the peers and makes the tools, and ends
  --repeat N       how often each row is measured (3; with --quick 1); the report shows the median
  --patience M     for so many minutes in all: rows wait until other machines leave this one alone, and what they
                   disturbed is repeated more often
  --keep           puts what was measured into bench/results.json and the table into bench/README.md
  --profile DIR    our server and node-media-server leave CPU profiles there; the figures are worth nothing then

Exit status: 0; 1: something could not be measured; 2: a figure that is to be reached was not.`;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    players: { type: 'string', multiple: true },
    alone: { type: 'boolean', default: false },
    setup: { type: 'boolean', default: false },
    repeat: { type: 'string' },
    patience: { type: 'string', default: '0' },
    keep: { type: 'boolean', default: false },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  if (process.platform !== 'linux') return fail('the benchmark reads /proc: it needs Linux');
  const unknown = options.only?.find((name) => !WORKLOADS.some((workload) => workload.name === name));
  if (unknown !== undefined) return fail(`there is no workload ${unknown}\n\n${HELP}`);
  const repeats = Number(options.repeat ?? (options.quick ? 1 : 3));
  if (!Number.isInteger(repeats) || repeats < 1 || repeats > 20) return fail('--repeat takes 1 to 20');
  const minutes = Number(options.patience);
  if (!(minutes >= 0 && minutes <= 600)) return fail('--patience takes 0 to 600 minutes');

  const others = options.alone ? [] : OTHERS;
  const peers = [understudy, ...others];
  for (const peer of peers) {
    if (peer.missing() === undefined) continue;
    console.log(`getting ${peer.name} …`);
    await peer.setup().catch((error) => console.error(error instanceof Error ? error.message : error));
  }
  const missing = peers.filter((peer) => peer.missing() !== undefined);
  for (const peer of missing) console.error(`${peer.name} is missing: ${peer.missing()}`);
  if (missing.length > 0)
    return fail('without them there is nothing to compare; --alone measures without peers');
  const tools = await makeTools();
  if (options.setup) return 0;

  const machine = thisMachine();
  if (machine.server.priority !== undefined) runAhead();
  const say = (text: string) => console.log(text);
  const bench: Bench = {
    machine,
    tools,
    peers,
    isQuick: options.quick,
    players: options.players?.map(Number),
    repeats,
    profileTo: options.profile,
    patience: patience(minutes, say),
    say,
  };
  const results: Results = {
    machine: machine.description,
    servers: Object.fromEntries(peers.map((peer) => [peer.name, peer.version()])),
    workloads: {},
  };
  for (const workload of WORKLOADS) {
    if (options.only && !options.only.includes(workload.name)) continue;
    const measuredAt = new Date().toISOString().slice(0, 16);
    const rows = await workload.measure(bench);
    results.workloads[workload.name] = { measuredAt, isQuick: options.quick, rows };
    if (options.keep) keep(results); // a long run may be ended by hand
  }
  return finish(results);
}

function finish(results: Results): number {
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(join(CACHE, 'results.json'), JSON.stringify(results, null, 1));
  console.log(`\n${formatResults(results)}\nall rows: ${join(CACHE, 'results.json')}`);
  const rows = Object.values(results.workloads).flatMap((workload) => workload.rows);
  if (rows.some((row) => Object.keys(row.figures).length === 0)) return 1;
  return verdicts(results).some((verdict) => verdict.isMet === false) ? 2 : 0;
}

function fail(why: string): number {
  console.error(why);
  return 1;
}
