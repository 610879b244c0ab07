// What the machine itself takes for one send() to each of 1,000 sockets, at the sizes of our flushes: no server can cost
// less per player than this times its sends a second.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Row } from '../row.ts';
import { tryRow, type Workload } from '../scene.ts';

const execute = promisify(execFile);
const SOCKETS = 1000;
/** How each policy cuts the clip (about 267 kB and 73 messages a second, 30 pictures): bytes a send, sends a second. */
const POLICIES = [
  { policy: 'a send per message', bytes: 3_650, perSecond: 73 },
  { policy: 'a send per frame', bytes: 8_900, perSecond: 30 },
  { policy: 'a send per 100 ms', bytes: 26_700, perSecond: 10 },
];

export const floor: Workload = {
  name: 'floor',
  async measure(bench) {
    const { server, load } = bench.machine;
    const rows: Row[] = [];
    for (const { policy, bytes, perSecond } of POLICIES) {
      const what = { workload: 'floor', server: policy, count: SOCKETS };
      const seconds = bench.isQuick ? 3 : 6;
      const measure = async () => {
        const numbers = [
          SOCKETS,
          bytes,
          seconds * perSecond,
          Math.round(1e6 / perSecond),
          server.cpu ?? 0,
          load.cpu ?? 1,
        ];
        const command = [bench.tools.sendcost, ...numbers.map(String)];
        const ahead = server.priority === undefined ? [] : ['chrt', '--rr', String(server.priority)];
        const [file, ...args] = [...ahead, ...command];
        const { stdout } = await execute(file!, args);
        const { usPerSend } = JSON.parse(stdout) as { usPerSend: number };
        return {
          figures: { usPerSend, cpuUsPerPlayer: usPerSend * perSecond },
          notes: [],
          isDisturbed: false,
        };
      };
      rows.push(await tryRow(bench, what, measure));
    }
    return rows;
  },
};
