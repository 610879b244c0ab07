// What one instance of a script may use up: `application.limits` there, by these names, which are those of understudy.d.ts.
import type { ApplicationRows } from './application.ts';

const SCRIPT_LIMITS = {
  memoryMb: ({ jsEngine }) => Math.floor(jsEngine.runtimeSizeBytes / (1 << 20)),
  turnMs: ({ jsEngine }) => jsEngine.maxTimeOutMs,
  loadMs: ({ jsEngine }) => jsEngine.loadTimeOutMs,
  gateMs: ({ jsEngine }) => jsEngine.gateTimeOutMs,
  timers: ({ jsEngine }) => jsEngine.maxTimers,
  queuedEvents: ({ jsEngine }) => jsEngine.maxQueuedEvents,
  queuedBytes: ({ jsEngine }) => jsEngine.maxQueuedSizeBytes,
  logLines: ({ jsEngine }) => jsEngine.maxLogRate,
  players: ({ streamManager }) => streamManager.live.maxPlayers,
  fetches: ({ jsEngine }) => jsEngine.fetch.maxRunning,
} satisfies Record<string, (rows: ApplicationRows) => number | undefined>;

/** Times in ms. Absent: no limit. */
export type ScriptLimits = {
  readonly [K in keyof typeof SCRIPT_LIMITS]: ReturnType<(typeof SCRIPT_LIMITS)[K]>;
};

export function scriptLimits(rows: ApplicationRows): ScriptLimits {
  const limits = Object.entries(SCRIPT_LIMITS).map(([name, of]) => [name, of(rows)] as const);
  return Object.fromEntries(limits.filter(([, limit]) => limit !== undefined)) as ScriptLimits;
}
