// One publisher, N players: what each of them costs, how late and how complete it gets everything.

import { playOn, rowOf } from '../players.ts';
import type { Row } from '../row.ts';
import { type Bench, type Contender, tryRow, type Workload } from '../scene.ts';

/** node-media-server is compared at 600; beyond 1,000 it takes a minute to collapse, which only the full run shows. */
const PLAYERS = [100, 300, 600, 1000, 2000];
const QUICK_PLAYERS = [600, 1000, 2000];

function contenders({ peers, isQuick }: Bench, players: number): Contender[] {
  return peers.flatMap((peer): Contender[] => {
    const at = (label: string, application: string): Contender => ({ label, peer, application });
    if (peer.name === 'understudy') {
      const modes = isQuick ? ['frame', 'merge'] : ['frame', 'merge', 'instant'];
      const names: Record<string, string> = { frame: 'frame', merge: 'merge 100', instant: 'instant' };
      return modes.map((mode) => at(`${peer.name}, ${names[mode]}`, mode === 'frame' ? 'live' : mode));
    }
    if (isQuick && peer.name === 'node-media-server' && players !== 600) return [];
    return [at(peer.name, 'live')];
  });
}

export const fanOut: Workload = {
  name: 'fan-out',
  async measure(bench) {
    const rows: Row[] = [];
    for (const players of bench.players ?? (bench.isQuick ? QUICK_PLAYERS : PLAYERS)) {
      // Repeats go round: what the machine does besides at some minute meets all servers alike.
      for (let repeat = 0; repeat < bench.repeats; repeat++) {
        for (const contender of contenders(bench, players)) {
          const what = { workload: 'fan-out', server: contender.label, count: players };
          const play = {
            players,
            joinsPerSecond: 500,
            inFlight: 64,
            warmSeconds: 2,
            seconds: bench.isQuick ? 6 : 10,
          };
          rows.push(await tryRow(bench, what, async () => rowOf(await playOn(bench, contender, play))));
        }
      }
    }
    return rows;
  },
};
