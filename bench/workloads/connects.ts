// Connects as fast as they are taken, from the first packet to the answer: with an onConnect script in its isolate, in its
// process, and without; and what peers do, who have no script to ask.
import { run } from '../process.ts';
import type { Row } from '../row.ts';
import {
  type Bench,
  type Contender,
  isSaturated,
  meterWhile,
  reportOf,
  tryRow,
  type Workload,
  withServer,
} from '../scene.ts';

const IN_FLIGHT = 32;

/** What rtmpload connects says at its end. */
interface ConnectsReport {
  accepted: number;
  refused: number;
  broken: number;
  perSecond: number;
  latencyMs: { p50: number; p99: number } | null;
}

function contenders({ peers }: Bench): Contender[] {
  return peers.flatMap((peer): Contender[] => {
    if (peer.name !== 'understudy') return [{ label: peer.name, peer, application: 'live' }];
    return [
      { label: 'understudy, no script', peer, application: 'live' },
      { label: 'understudy, onConnect script', peer, application: 'gate' },
    ];
  });
}

async function connects(
  bench: Bench,
  { peer, application }: Contender,
): Promise<Omit<Row, 'workload' | 'server' | 'count'>> {
  return withServer(bench, peer, async (server) => {
    const load = run(bench.machine.load, [
      ...[bench.tools.rtmpload, 'connects', '--port', String(server.port), '--app', application],
      ...['--inflight', String(IN_FLIGHT), '--warm', '2', '--seconds', bench.isQuick ? '4' : '8'],
    ]);
    try {
      const cost = await meterWhile(load, server.process.pid, 40_000);
      const report = reportOf<ConnectsReport>(load);
      const notes = [];
      if (report.refused > 0) notes.push(`${report.refused} refused`);
      if (report.broken > 0) notes.push(`${report.broken} broken off`);
      if (isSaturated(cost)) notes.push('server saturated, as it should be');
      return {
        figures: {
          connectsPerSecond: report.perSecond,
          ...(report.latencyMs && { p50Ms: report.latencyMs.p50, p99Ms: report.latencyMs.p99 }),
          cpuUsPerConnect: (cost.cpu * 1e6) / Math.max(1, report.perSecond),
          cpuPercent: cost.cpu * 100,
          rssMb: cost.rssBytes / 1e6,
        },
        notes,
        isDisturbed: cost.stolen > 0.03,
      };
    } finally {
      await load.stop();
    }
  });
}

export const connectStorm: Workload = {
  name: 'connects',
  async measure(bench) {
    const rows: Row[] = [];
    for (let repeat = 0; repeat < bench.repeats; repeat++) {
      for (const contender of contenders(bench)) {
        const what = { workload: 'connects', server: contender.label, count: IN_FLIGHT };
        rows.push(await tryRow(bench, what, () => connects(bench, contender)));
      }
    }
    return rows;
  },
};
