// Shapes of numbers that several routes answer with.
import { integer, object } from '../schema.ts';

export const TRAFFIC = {
  bytesIn: integer(),
  bytesOut: integer(),
  messagesIn: integer(),
  messagesOut: integer(),
  messagesDropped: integer('Messages of streams that the server dropped for slow clients.'),
};

export const TOTALS = {
  ...TRAFFIC,
  bytesInPerSecond: integer('Over the last five seconds.'),
  bytesOutPerSecond: integer('Over the last five seconds.'),
  connects: integer('Connect requests since the start.'),
  accepted: integer(),
  rejected: integer(),
  disconnects: integer(),
  connected: integer('Connected clients.'),
};

export const OUTGOING = object(
  {
    connections: integer(),
    streams: integer('Streams published on other servers.'),
    bytesIn: integer(),
    bytesOut: integer(),
    bytesInPerSecond: integer('Over the last five seconds.'),
    bytesOutPerSecond: integer('Over the last five seconds.'),
  },
  'Connections of scripts to other servers. Clients and their traffic are not included.',
);
