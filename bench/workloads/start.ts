// From the start of the process until it takes connections, and what it holds when nobody is there.
import { setTimeout as sleep } from 'node:timers/promises';
import { proportionalBytes, sample } from '../process.ts';
import type { Row } from '../row.ts';
import { tryRow, type Workload, withServer } from '../scene.ts';

const IDLE_MS = 3000;

export const start: Workload = {
  name: 'start',
  async measure(bench) {
    const rows: Row[] = [];
    // On all processors, as a server starts in real life; ahead of others still.
    const place = { cpu: undefined, priority: bench.machine.server.priority };
    for (let repeat = 0; repeat < Math.max(3, bench.repeats); repeat++) {
      for (const peer of bench.peers) {
        const what = { workload: 'start', server: peer.name, count: 0 };
        const idle = () =>
          withServer(
            bench,
            peer,
            async ({ process, startMs }) => {
              await sleep(IDLE_MS);
              const rssMb = sample(process.pid).rssBytes / 1e6;
              return {
                figures: { startMs, rssMb, pssMb: proportionalBytes(process.pid) / 1e6 },
                notes: [],
                isDisturbed: false,
              };
            },
            place,
          );
        rows.push(await tryRow(bench, what, idle));
      }
    }
    return rows;
  },
};
