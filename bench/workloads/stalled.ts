// Half of the players stop reading. When does the server let them go, what do they cost it meanwhile, and do the others
// notice? A stalled client cannot see that it was let go (its window is shut): the server's descriptors are counted.
import { playOn, rowOf } from '../players.ts';
import { openFiles, sample } from '../process.ts';
import type { Figures, Row } from '../row.ts';
import { type Bench, type Contender, tryRow, type Workload } from '../scene.ts';

const PLAYERS = 200;
const STALLED = 100;
const WATCH_EVERY_MS = 500;

interface Watch {
  afterSeconds: number;
  openFiles: number;
  rssBytes: number;
}

function watch(pid: number, seen: Watch[]): () => void {
  const began = performance.now();
  const look = () => {
    const afterSeconds = (performance.now() - began) / 1000;
    seen.push({ afterSeconds, openFiles: openFiles(pid), rssBytes: sample(pid).rssBytes });
  };
  look();
  const timer = setInterval(look, WATCH_EVERY_MS);
  return () => clearInterval(timer);
}

/** When the first and when all of the stalled ones were gone; absent: not within the run. */
export function partings(seen: readonly Watch[], stalled: number): Figures {
  const all = seen[0]?.openFiles ?? 0;
  const first = seen.find((moment) => moment.openFiles < all);
  const last = seen.find((moment) => moment.openFiles <= all - stalled);
  const end = seen.at(-1)?.openFiles ?? all;
  return {
    disconnected: Math.max(0, all - end),
    ...(first && { firstGoneSeconds: first.afterSeconds }),
    ...(last && { lastGoneSeconds: last.afterSeconds }),
  };
}

/** Ours lets go of the last one after twenty seconds at most; the kernel takes what is sent for most of that time. */
const watchedSeconds = ({ isQuick }: Bench) => (isQuick ? 26 : 45);

async function stall(
  bench: Bench,
  contender: Contender,
): Promise<Omit<Row, 'workload' | 'server' | 'count'>> {
  const seen: Watch[] = [];
  const played = await playOn(bench, contender, {
    players: PLAYERS,
    joinsPerSecond: 500,
    inFlight: 64,
    warmSeconds: 2,
    seconds: watchedSeconds(bench),
    stalled: { players: STALLED, beforeSeconds: 8 },
    onStall: (pid) => watch(pid, seen),
  });
  const before = played.report.before;
  const after = played.report.latencyMs.all;
  // Descriptors are closed on the way out, too: only what was seen while the load still ran.
  const during = seen.filter((moment) => moment.afterSeconds < watchedSeconds(bench));
  const rss = during.map((moment) => moment.rssBytes);
  return rowOf(played, {
    ...partings(during, played.report.stalled),
    stalled: played.report.stalled,
    rssGrowthMb: (Math.max(...rss) - rss[0]!) / 1e6,
    ...(before.all && { beforeP99Ms: before.all.p99, beforeMeanMs: before.all.mean }),
    ...(before.all && after && { p99OverBefore: after.p99 / before.all.p99 }),
  });
}

export const stalledPlayers: Workload = {
  name: 'stalled',
  async measure(bench) {
    const rows: Row[] = [];
    for (const peer of bench.peers) {
      if (bench.isQuick && peer.name === 'node-media-server') continue; // it lets go of nobody
      const what = { workload: 'stalled', server: peer.name, count: PLAYERS };
      rows.push(
        await tryRow(bench, what, () => stall(bench, { label: peer.name, peer, application: 'live' })),
      );
    }
    return rows;
  },
};
