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
  streams: integer('On air.'),
  players: integer(),
  outgoing: OUTGOING,
  load: object({
    widenedMs: integer('How long messages gather before a flush; 0: as the applications say.'),
    sweepShare: number('Share of the time that goes into flushes.'),
    heldBytes: integer('Memory that slow players keep from being freed.'),
    sweeps: integer('Flushes of a stream to all its players.'),
    sweepMs: number('Time that went into them.'),
  }),
  process: object({
    cpuPercent: number('Of one core.'),
    residentBytes: integer(),
    heapBytes: integer(),
    lagMs: object({ mean: number(), p50: number(), p99: number(), max: number() }, 'How late timers are.'),
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
    summary: 'Unloads instances without clients, without waiting for their time',
    audience: 'host',
    status: 200,
    result: object({ instances: integer() }),
    answer: async ({ caller }, { commands }) => ({ instances: await commands.collect(caller) }),
  },
];
