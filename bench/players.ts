// Players on one stream of one server: the fan-out, the joins and the stalled players look at different sides of this.
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './process.ts';
import type { Figures, Row } from './row.ts';
import {
  type Bench,
  type Contender,
  type Cost,
  isDisturbed,
  isSaturated,
  meterWhile,
  type PublisherReport,
  putOnAir,
  reportOf,
  withServer,
} from './scene.ts';

export interface Latency {
  mean: number;
  p50: number;
  p99: number;
  max: number;
}
export interface LatencyWindow {
  all: Latency | null;
  video: Latency | null;
  audio: Latency | null;
  received: number;
  lost: number;
}
interface Spread {
  min: number;
  p50: number;
  p99: number;
  max: number;
}

/** What rtmpload play says at its end. */
export interface PlayReport {
  players: number;
  joined: number;
  failed: number;
  closed: number;
  stalled: number;
  joinSeconds: number;
  loadCpu: number;
  probeMessagesPerSecond: number;
  firstMediaMs: Spread | null;
  firstPictureMs: Spread | null;
  playerKbytesPerSecond: Spread | null;
  before: LatencyWindow;
  latencyMs: LatencyWindow;
}

export interface Play {
  players: number;
  /** 0: as fast as they are taken, `inFlight` at a time. */
  joinsPerSecond: number;
  inFlight: number;
  warmSeconds: number;
  seconds: number;
  stalled?: { players: number; beforeSeconds: number };
  /** Told when the stalled ones stop reading. Returns what is to be done at the end. */
  onStall?: (pid: number) => () => void;
}

export interface Played {
  report: PlayReport;
  publisher: PublisherReport;
  cost: Cost;
}

/** A publisher is on air for as long as a GOP before the first player comes, so that all caches are what they will be. */
const HEAD_START_MS = 2500;
/** Of a stalled player: small, so that the server and not the kernel gets to feel it soon. */
const STALLED_RECEIVE_BUFFER = 16_384;

export function playOn(bench: Bench, { peer, application }: Contender, play: Play): Promise<Played> {
  return withServer(bench, peer, async (server) => {
    await using onAir = await putOnAir(bench, server.port, application);
    await sleep(HEAD_START_MS);
    const { stalled } = play;
    const load = run(bench.machine.load, [
      ...[bench.tools.rtmpload, 'play', '--port', String(server.port), '--app', application],
      ...['--players', String(play.players), '--rate', String(play.joinsPerSecond)],
      ...['--inflight', String(play.inFlight), '--probes', String(Math.min(16, play.players))],
      ...['--warm', String(play.warmSeconds), '--seconds', String(play.seconds)],
      ...(stalled
        ? [
            ...['--stalled', String(stalled.players), '--before', String(stalled.beforeSeconds)],
            ...['--stalled-rcvbuf', String(STALLED_RECEIVE_BUFFER)],
          ]
        : []),
    ]);
    let afterStall: (() => void) | undefined;
    try {
      const withinMs = 1000 * (60 + play.seconds + (stalled?.beforeSeconds ?? 0));
      const begun = load.saying((line) => line === 'STALL_BEGIN', withinMs);
      begun.then(() => (afterStall = play.onStall?.(server.process.pid))).catch(() => {}); // nobody stalls
      const cost = await meterWhile(load, server.process.pid, withinMs);
      return { report: reportOf<PlayReport>(load), publisher: await onAir.end(), cost };
    } finally {
      afterStall?.();
      await load.stop();
    }
  });
}

/** What every row with players has. */
export function figuresOf({ report, cost }: Played): Figures {
  const { latencyMs, firstMediaMs, firstPictureMs } = report;
  return {
    cpuUsPerPlayer: (cost.cpu * 1e6) / Math.max(1, report.joined),
    cpuPercent: cost.cpu * 100,
    ...(latencyMs.all && {
      meanMs: latencyMs.all.mean,
      p50Ms: latencyMs.all.p50,
      p99Ms: latencyMs.all.p99,
    }),
    ...(latencyMs.video && {
      videoMeanMs: latencyMs.video.mean,
      videoP50Ms: latencyMs.video.p50,
      videoP99Ms: latencyMs.video.p99,
    }),
    ...(latencyMs.audio && {
      audioMeanMs: latencyMs.audio.mean,
      audioP50Ms: latencyMs.audio.p50,
      audioP99Ms: latencyMs.audio.p99,
    }),
    lost: latencyMs.lost,
    messagesPerSecond: report.probeMessagesPerSecond,
    rssMb: cost.rssBytes / 1e6,
    joined: report.joined,
    joinsPerSecond: report.joined / report.joinSeconds,
    ...(firstMediaMs && { firstMediaP50Ms: firstMediaMs.p50, firstMediaP99Ms: firstMediaMs.p99 }),
    ...(firstPictureMs && { firstPictureP50Ms: firstPictureMs.p50 }),
    waitPercent: cost.wait * 100,
    loadCpuPercent: report.loadCpu * 100,
  };
}

/** The measured row, with what a reader has to know about it. */
export function rowOf(played: Played, extra: Figures = {}): Omit<Row, 'workload' | 'server' | 'count'> {
  const { report, publisher, cost } = played;
  const notes: string[] = [];
  const expected = publisher.messagesPerSecond;
  if (report.joined < report.players) notes.push(`only ${report.joined} of ${report.players} got to play`);
  if (report.closed > 0) notes.push(`${report.closed} healthy players disconnected`);
  if (report.probeMessagesPerSecond < 0.97 * expected) {
    notes.push(
      `fell behind: ${report.probeMessagesPerSecond.toFixed(0)} of ${expected.toFixed(0)} messages/s`,
    );
  }
  if (publisher.closed > 0) notes.push('the publisher was disconnected');
  if (isSaturated(cost)) notes.push('server saturated');
  if (report.loadCpu > 0.85) notes.push(`load generator at ${(report.loadCpu * 100).toFixed(0)} %`);
  return {
    figures: { ...figuresOf(played), ...extra },
    notes,
    isDisturbed: isDisturbed(cost, publisher.worstDelayMs),
  };
}
