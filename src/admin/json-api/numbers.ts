// Shapes of numbers that several routes answer with.
import { integer, object } from '../schema.ts';

export const TRAFFIC = {
  bytesIn: integer(),
  bytesOut: integer(),
  messagesIn: integer(),
  messagesOut: integer(),
  messagesDropped: integer('Messages of streams that were not sent to those who are slow.'),
};

export const TOTALS = {
  ...TRAFFIC,
  bytesInPerSecond: integer('Over the last five seconds.'),
  bytesOutPerSecond: integer('Over the last five seconds.'),
  connects: integer('Who has asked to connect since the start.'),
  accepted: integer(),
  rejected: integer(),
  disconnects: integer(),
  connected: integer('Who is here now.'),
};

export const OUTGOING = object(
  {
    connections: integer(),
    streams: integer('Published there.'),
    bytesIn: integer(),
    bytesOut: integer(),
    bytesInPerSecond: integer('Over the last five seconds.'),
    bytesOutPerSecond: integer('Over the last five seconds.'),
  },
  'What scripts have to do with other servers. Clients and their traffic are not in it.',
);
