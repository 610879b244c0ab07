// Builds the rooms and wires them; starts bottom-up, stops top-down.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Listener, type ListenerAddress } from './adaptor/listener.ts';
import type { SessionOptions } from './adaptor/rtmp-session.ts';
import { systemClock } from './application/clock.ts';
import { LoadGovernor } from './application/flush.ts';
import { Registry } from './application/registry.ts';
import { version } from './cli/help.ts';
import type { Config } from './config/load.ts';
import { ApplicationLogs } from './log/application-log.ts';
import type { Log } from './log/log.ts';
import { FileRecorders } from './recording/recorder.ts';
import { ScriptHost } from './script/host.ts';

/** What clients are told that they talk to: the last Flash Media Server's number, for they read features from it. */
const FMS_VERSION = '5,0,17,1';
/** FMS: Client/Bandwidth, both ways. */
const BANDWIDTH_BYTES = 2_500_000;

export interface RunningServer {
  readonly listeners: readonly ListenerAddress[];
  /** onAppStop, clients told, files flushed. */
  close(): Promise<void>;
}

export async function startServer(config: Config, log: Log): Promise<RunningServer> {
  for (const warning of config.warnings) log.warn({ event: 'config' }, warning);
  const clock = systemClock;
  const applicationLogs = new ApplicationLogs(config.logsDir, (path, error) =>
    log.error({ event: 'log-file', path, err: error }, 'an application log cannot be written'),
  );
  const scripts = new ScriptHost({
    applicationsDir: config.applicationsDir,
    log,
    applicationLog: (application, instance) => applicationLogs.for(application, instance),
    server: `Understudy/${version()}`,
    hostname: config.hostname,
    limits: { memoryMb: config.script.memoryMb, turnMs: config.script.turnMs, loadMs: config.script.loadMs },
    gateDeadlineMs: config.script.gateMs,
    clock,
  });
  const governor = new LoadGovernor(clock, ({ widenedMs, sweepShare }) =>
    log.warn(
      { event: 'load', widenedMs, sweepShare },
      `under load: streams gather for ${widenedMs} ms before they are sent`,
    ),
  );
  const recorders = new FileRecorders(config.applicationsDir, log, clock);
  const registry = new Registry({
    clock,
    scripts,
    recorders,
    hasApplication: (name) => isFolder(join(config.applicationsDir, name)),
    streams: {
      clock,
      gop: config.live.gop,
      backlog: config.live.backlog,
      flush: { mode: 'frame', audioMs: config.live.audioDelayMs },
      governor,
    },
    publishTimeoutMs: config.live.publishTimeoutMs,
    idleMs: config.script.maxIdleMs,
    maxWaitingNames: config.limits.waitingNames,
  });
  const listeners: Listener[] = [];
  const close = async () => {
    for (const listener of listeners) listener.stopAccepting();
    await registry.shutdown();
    await Promise.all(listeners.map((listener) => listener.close('the server is shutting down')));
    await recorders.close();
    await scripts.close();
    await applicationLogs.close();
  };
  try {
    await scripts.start();
    const options = sessionOptions(config, log, registry);
    for (const { host, port } of config.listen.rtmp) {
      listeners.push(await Listener.open(host ?? '0.0.0.0', port, options));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { listeners: listeners.map(({ address }) => address), close };
}

function sessionOptions(config: Config, log: Log, registry: Registry): SessionOptions {
  const { limits, live } = config;
  return {
    registry,
    log,
    clock: systemClock,
    fmsVersion: FMS_VERSION,
    chunks: {
      maxMessageBytes: limits.messageBytes,
      maxHalfReceived: limits.partialMessages,
      maxHalfReceivedBytes: limits.partialBytes,
    },
    amf: { depth: limits.amfDepth, values: limits.amfValues },
    wireChunkBytes: live.chunkBytes,
    maxNetStreams: limits.netStreams,
    maxHeldBytes: limits.gateMediaBytes,
    handshakeTimeoutMs: limits.handshakeTimeoutMs,
    idleTimeoutMs: limits.idleTimeoutMs,
    bandwidthBytes: BANDWIDTH_BYTES,
    wireDumpFolder: process.env.UNDERSTUDY_WIRE_DUMP || undefined,
  };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
