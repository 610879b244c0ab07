// What we mean to reach: ratios to the peers in the same run where there is one to compare with.

export interface Target {
  what: string;
  workload: string;
  server: string;
  /** Of players, publishers …; undefined: whichever there is. */
  count?: number;
  figure: string;
  /** The server that it is compared with; undefined: the figure itself counts. */
  of?: string;
  limit: number;
  unit: string;
  isAtLeast?: true;
}

const FRAME = 'understudy, frame';
const MERGE = 'understudy, merge 100';

export const TARGETS: readonly Target[] = [
  {
    what: '`frame`: CPU per player at 1,000',
    workload: 'fan-out',
    server: FRAME,
    count: 1000,
    figure: 'cpuUsPerPlayer',
    of: 'nginx-rtmp',
    limit: 0.8,
    unit: '',
  },
  {
    what: '`frame`: video latency p50 at 1,000',
    workload: 'fan-out',
    server: FRAME,
    count: 1000,
    figure: 'videoP50Ms',
    of: 'nginx-rtmp',
    limit: 1.5,
    unit: '',
  },
  {
    what: '`merge 100`: CPU per player at 1,000',
    workload: 'fan-out',
    server: MERGE,
    count: 1000,
    figure: 'cpuUsPerPlayer',
    of: 'nginx-rtmp',
    limit: 0.27,
    unit: '',
  },
  {
    what: '`merge 100`: mean latency at 1,000',
    workload: 'fan-out',
    server: MERGE,
    count: 1000,
    figure: 'meanMs',
    limit: 70,
    unit: 'ms',
  },
  {
    what: '2,000 players: CPU per player',
    workload: 'fan-out',
    server: FRAME,
    count: 2000,
    figure: 'cpuUsPerPlayer',
    of: 'nginx-rtmp',
    limit: 0.9,
    unit: '',
  },
  {
    what: '2,000 players: messages lost',
    workload: 'fan-out',
    server: FRAME,
    count: 2000,
    figure: 'lost',
    limit: 0,
    unit: '',
  },
  {
    what: '600 players: CPU against node-media-server',
    workload: 'fan-out',
    server: FRAME,
    count: 600,
    figure: 'cpuUsPerPlayer',
    of: 'node-media-server',
    limit: 0.5,
    unit: '',
  },
  {
    what: 'ingest, 200 publishers: CPU per publisher',
    workload: 'ingest',
    server: 'understudy',
    figure: 'cpuUsPerPublisher',
    of: 'nginx-rtmp',
    limit: 2,
    unit: '',
  },
  {
    what: 'ingest, 200 publishers: RSS',
    workload: 'ingest',
    server: 'understudy',
    figure: 'rssMb',
    limit: 300,
    unit: 'MB',
  },
  {
    what: 'joins with a GOP cache',
    workload: 'joins',
    server: 'understudy',
    figure: 'joinsPerSecond',
    limit: 1500,
    unit: '/s',
    isAtLeast: true,
  },
  {
    what: 'first media at 500 joins/s, p50',
    workload: 'fan-out',
    server: FRAME,
    count: 1000,
    figure: 'firstMediaP50Ms',
    limit: 20,
    unit: 'ms',
  },
  {
    what: 'stalled players: all gone after',
    workload: 'stalled',
    server: 'understudy',
    figure: 'lastGoneSeconds',
    limit: 20,
    unit: 's',
  },
  {
    what: 'stalled players: RSS growth',
    workload: 'stalled',
    server: 'understudy',
    figure: 'rssGrowthMb',
    limit: 32,
    unit: 'MB',
  },
  {
    what: 'stalled players: others’ p99 against before',
    workload: 'stalled',
    server: 'understudy',
    figure: 'p99OverBefore',
    limit: 1.25,
    unit: '× before',
  },
  {
    what: 'start to ready',
    workload: 'start',
    server: 'understudy',
    figure: 'startMs',
    limit: 1500,
    unit: 'ms',
  },
  {
    what: 'memory when idle, both processes (pages that they share counted once)',
    workload: 'start',
    server: 'understudy',
    figure: 'pssMb',
    limit: 130,
    unit: 'MB',
  },
];
