// How often a script may have a living publisher taken over: two encoders with one stream key that both reconnect would take
// the name from each other without end.

/** The latest take-over at a script's word in the history of a name, kept by whoever holds the name. */
export interface TakeOver {
  readonly atMs: number;
  /** This one included; each doubles the time for which the holder is safe from the next. */
  readonly inARow: number;
}

const MAX_SAFE_MS = 3_600_000;

/** How long the holder is still safe; 0: a script may have it taken over. `intervalMs`: Live/TakeOverInterval. */
export function safeForMs(latest: TakeOver | undefined, intervalMs: number, nowMs: number): number {
  return latest ? Math.max(0, latest.atMs + safeMs(latest, intervalMs) - nowMs) : 0;
}

/** The one that happens now. Those that follow each other sooner than twice the time of safety are in a row. */
export function nextTakeOver(latest: TakeOver | undefined, intervalMs: number, nowMs: number): TakeOver {
  const isInARow = latest !== undefined && nowMs - latest.atMs < 2 * safeMs(latest, intervalMs);
  return { atMs: nowMs, inARow: isInARow ? latest.inARow + 1 : 1 };
}

function safeMs({ inARow }: TakeOver, intervalMs: number): number {
  return Math.min(intervalMs * 2 ** (inARow - 1), MAX_SAFE_MS);
}
