// Many publishers and next to nobody who watches: four probes make sure that what comes in would come out.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Peer } from '../peers/peer.ts';
import type { PlayReport } from '../players.ts';
import { run } from '../process.ts';
import type { Row } from '../row.ts';
import {
  type Bench,
  isDisturbed,
  isSaturated,
  meterWhile,
  putOnAir,
  reportOf,
  tryRow,
  type Workload,
  withServer,
} from '../scene.ts';

const PUBLISHERS = 200;
const PROBES = 4;
/** A GOP of every stream, and a collection of what the joins left behind. */
const SETTLE_MS = 4000;

async function ingest(bench: Bench, peer: Peer): Promise<Omit<Row, 'workload' | 'server' | 'count'>> {
  return withServer(bench, peer, async (server) => {
    await using onAir = await putOnAir(bench, server.port, 'live', PUBLISHERS);
    await sleep(SETTLE_MS);
    const load = run(bench.machine.load, [
      ...[bench.tools.rtmpload, 'play', '--port', String(server.port), '--app', 'live'],
      ...['--streams', String(PUBLISHERS), '--players', String(PROBES), '--probes', String(PROBES)],
      ...['--warm', '3', '--seconds', bench.isQuick ? '6' : '10'],
    ]);
    try {
      const cost = await meterWhile(load, server.process.pid, 60_000);
      const { latencyMs, joined } = reportOf<PlayReport>(load);
      const publisher = await onAir.end();
      const notes: string[] = [];
      if (joined < PROBES) notes.push(`only ${joined} of ${PROBES} probes got to play`);
      if (publisher.closed > 0) notes.push(`${publisher.closed} publishers disconnected`);
      if (publisher.dropped > 0)
        notes.push(`${publisher.dropped} messages that the server did not take in time`);
      if (isSaturated(cost)) notes.push('server saturated');
      return {
        figures: {
          cpuUsPerPublisher: (cost.cpu * 1e6) / PUBLISHERS,
          cpuPercent: cost.cpu * 100,
          rssMb: cost.rssBytes / 1e6,
          ...(latencyMs.all && { meanMs: latencyMs.all.mean, p99Ms: latencyMs.all.p99 }),
          lost: latencyMs.lost,
          waitPercent: cost.wait * 100,
        },
        notes,
        // 200 connections speak in the same millisecond: the threads of a server wait for each other then, and for nobody else
        isDisturbed: isDisturbed({ ...cost, wait: 0 }),
      };
    } finally {
      await load.stop();
    }
  });
}

export const ingestWorkload: Workload = {
  name: 'ingest',
  async measure(bench) {
    const rows: Row[] = [];
    for (let repeat = 0; repeat < bench.repeats; repeat++) {
      for (const peer of bench.peers) {
        const what = { workload: 'ingest', server: peer.name, count: PUBLISHERS };
        rows.push(await tryRow(bench, what, () => ingest(bench, peer)));
      }
    }
    return rows;
  },
};
