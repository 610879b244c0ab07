// The server as a whole.

import { integer, number, object, string } from '../schema.ts';
import { OUTGOING, TOTALS } from './numbers.ts';
import type { Route } from './route.ts';

const server = object({
  ...TOTALS,
  software: string(),
  pid: integer(),
  upMs: integer(),
  connections: integer('Open connections, in any state.'),
  instances: integer(),
  streams: integer('Live streams.'),
  players: integer(),
  outgoing: OUTGOING,
  load: object({
    widenedMs: integer(
      'Time for which messages gather before a flush, in milliseconds; 0: as configured by the applications.',
    ),
    sweepShare: number('Share of the time spent in flushes.'),
    heldBytes: integer('Memory of media that slow players have not read.'),
    sweeps: integer('Flushes of a stream to all its players.'),
    sweepMs: number('Time spent in them.'),
  }),
  process: object({
    cpuPercent: number('Of one core.'),
    residentBytes: integer(),
    heapBytes: integer(),
    lagMs: object({ mean: number(), p50: number(), p99: number(), max: number() }, 'Delay of timers.'),
  }),
});

export const SERVER_ROUTES: readonly Route[] = [
  {
    id: 'getServer',
    method: 'GET',
    path: '/server',
    summary: 'The server as a whole',
    audience: 'server',
    status: 200,
    result: server,
    answer: (_call, { administered, meter }) => ({
      ...administered.statistics.server(),
      software: administered.software,
      pid: process.pid,
      connections: administered.connections(),
      process: meter.numbers(),
    }),
  },
  {
    id: 'stopServer',
    method: 'POST',
    path: '/server/stop',
    summary: 'Stops the server in order',
    audience: 'server',
    status: 202,
    answer: ({ caller }, { commands }) => commands.stop(caller),
  },
  {
    id: 'collect',
    method: 'POST',
    path: '/server/collect',
    summary: 'Unloads instances without clients at once, regardless of their idle time',
    audience: 'host',
    status: 200,
    result: object({ instances: integer() }),
    answer: async ({ caller }, { commands }) => ({ instances: await commands.collect(caller) }),
  },
];
