// A storm: everybody comes at once, a bounded number at a time. What counts is how fast they are served, and how long each
// waits; the servers that keep the last GOP send half a megabyte to each of them.
import { playOn, rowOf } from '../players.ts';
import type { Row } from '../row.ts';
import { tryRow, type Workload } from '../scene.ts';

const PLAYERS = 1500;
const PLAY = { players: PLAYERS, joinsPerSecond: 0, inFlight: 200, warmSeconds: 1, seconds: 2 };

export const joins: Workload = {
  name: 'joins',
  async measure(bench) {
    const rows: Row[] = [];
    for (let repeat = 0; repeat < bench.repeats; repeat++) {
      for (const peer of bench.peers) {
        const what = { workload: 'joins', server: peer.name, count: PLAYERS };
        const contender = { label: peer.name, peer, application: 'live' };
        rows.push(await tryRow(bench, what, async () => rowOf(await playOn(bench, contender, PLAY))));
      }
    }
    return rows;
  },
};
