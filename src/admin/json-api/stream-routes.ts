// The streams of an instance as JSON: who publishes and plays them, what they consist of, what comes and goes in a second.
import type { StreamNumbers } from '../../application/instance/statistics.ts';
import type { Rate } from '../../application/live/rates.ts';
import type { VideoTrackInfo } from '../../application/live/stream-info.ts';
import { notFound } from '../commands.ts';
import { array, boolean, integer, number, object, string } from '../schema.ts';
import { TRAFFIC } from './numbers.ts';
import { HOST, instanceOf, type Route } from './route.ts';

export const NET_STREAM = object({
  id: integer(),
  type: { type: 'string', enum: ['publishing', 'playing live', 'playing recorded'] },
  'stream?': string('Missing: no stream of that name is live.'),
  clientId: string(),
  upMs: integer(),
});

const RATE = {
  oneSecond: number('Over the last whole second.'),
  tenSeconds: number('Over the last ten seconds, or since the start if that is shorter.'),
};
const bytesPerSecond = (what?: string) => object(RATE, what);
const track = {
  id: integer('Track of Enhanced RTMP; 0 for media without a track.'),
  codec: string(
    'avc, hevc, av1, aac, opus…; "unknown", or the FourCC of a codec that the server does not know.',
  ),
  'profile?': string('High, Main 10, LC…'),
};
const stream = object({
  ...TRAFFIC,
  name: string(),
  publisher: NET_STREAM,
  publisherAgent: string(),
  publisherIp: string('Empty: the server itself publishes it.'),
  'item?': string('The item that the server plays, if the server publishes the stream.'),
  subscribers: array(NET_STREAM),
  isRecorded: boolean(),
  video: array(
    object({
      ...track,
      'level?': string('3.1'),
      'width?': integer(),
      'height?': integer(),
      frameRate: object(RATE, 'Received frames.'),
      'keyframeIntervalMs?': integer('Time between the two latest keyframes, by their timestamps.'),
    }),
    'Its tracks, from their decoder configurations, else from onMetaData.',
  ),
  audio: array(object({ ...track, 'sampleRate?': integer('Hz.'), 'channels?': integer() })),
  rates: object(
    {
      audio: bytesPerSecond(),
      video: bytesPerSecond(),
      data: bytesPerSecond(),
      in: bytesPerSecond('Audio, video and data together.'),
      out: bytesPerSecond('Sent to players and to other servers.'),
    },
    'Bytes per second.',
  ),
  bytesInPerSecond: integer('Over the last second.'),
  queuedBytes: integer('Unsent data of the slowest player.'),
  flushes: integer(),
  writes: integer(),
  skipped: integer('Flushes that a player missed.'),
  deferred: integer('New players that had to wait in a queue.'),
});

export const STREAM_ROUTES: readonly Route[] = [
  {
    id: 'listStreams',
    method: 'GET',
    path: '/instances/{instance}/streams',
    summary: 'Its live streams',
    audience: 'host',
    query: HOST,
    status: 200,
    result: array(stream),
    answer: (call, context) => context.administered.statistics.streams(instanceOf(call, context)).map(shown),
  },
  {
    id: 'getStream',
    method: 'GET',
    path: '/instances/{instance}/streams/{stream}',
    summary: 'One of its streams',
    audience: 'host',
    query: HOST,
    status: 200,
    result: stream,
    answer: (call, context) => {
      const name = call.path.stream!;
      const found = context.administered.statistics.stream(instanceOf(call, context), name);
      if (!found) throw notFound(`no stream ${JSON.stringify(name)} is live`);
      return shown(found);
    },
  },
];

function shown({ video, rates, ...rest }: StreamNumbers) {
  return {
    ...rest,
    video: video.map(({ frameRate, ...one }: VideoTrackInfo) => ({ ...one, frameRate: rounded(frameRate) })),
    rates: {
      audio: rounded(rates.audio),
      video: rounded(rates.video),
      data: rounded(rates.data),
      in: rounded(rates.in),
      out: rounded(rates.out),
    },
  };
}

/** To hundredths: more is noise. */
function rounded({ oneSecond, tenSeconds }: Rate): Rate {
  return { oneSecond: Math.round(oneSecond * 100) / 100, tenSeconds: Math.round(tenSeconds * 100) / 100 };
}
