// When a stream's messages leave: at each picture, or gathered for a while. Each flush costs every player a write, so under
// load all streams of the process gather for longer; that keeps the server on its feet where one write per picture would
// bring it down.
import type { Clock } from '../../clock.ts';
import type { ApplicationRows } from '../../config/schema/application.ts';

/**
 * Flush of Application.xml. `frame`: at each video message; audio waits for the next one, at most `audioDelayMs`. `merge`: whatever
 * came within `mergeDelayMs`; fewer writes, so more players, a little later. `instant`: as soon as the bytes at hand are read, for
 * small audiences that count milliseconds.
 */
export type FlushPolicy = ApplicationRows['streamManager']['live']['flush'];

/** Gathering times under load; 0 is the policy's own. */
const WIDENED_MS = [0, 50, 100, 200, 350];
/** What the policy's own is taken for when a way back to it is looked for: pictures come 30 times a second. */
const OWN_MS = 33;
/** How often the load is looked at. */
const WINDOW_MS = 250;
/** Share of the time spent in sweeps (one write to every player of a stream) at which to gather for longer, if it lasts… */
const WIDEN_ABOVE = 0.5;
const WINDOWS_ABOVE = 2;
/** …and below which it would have to be at the next shorter gathering time, with all its writes, to gather for less. */
const NARROW_BELOW = 0.45;
const NARROW_AFTER_MS = 5_000;
/** Who has to widen again so soon was wrong to narrow, and waits twice as long the next time. */
const REGRET_MS = 10_000;
const MAX_NARROW_AFTER_MS = 80_000;

/** What joiners of all streams together are sent at once: more of them at a time wait for the next tick. */
const BURST_BYTES = 8 << 20;
export const BURST_TICK_MS = 10;

export interface LoadState {
  /** Gathering time in force, ms; 0: each stream's own policy. */
  widenedMs: number;
  /** Share of the last window that went into sweeps, 0…1. */
  sweepShare: number;
  /** What slow players keep from being freed. */
  heldBytes: number;
  /** Sweeps since the start, and the time that went into them. */
  sweeps: number;
  sweepMs: number;
}

/** The load of all streams of the process, and what they do about it. */
export class LoadGovernor {
  readonly #clock: Clock;
  readonly #onChange: (state: LoadState) => void;
  #level = 0;
  #windowBegan: number;
  #windowSweepMs = 0;
  #sweepShare = 0;
  #sweeps = 0;
  #sweepMs = 0;
  #windowsAbove = 0;
  #calmSince: number | undefined;
  #narrowAfterMs = NARROW_AFTER_MS;
  #narrowedAt: number | undefined;
  readonly #maxHeldBytes: number;
  /** Stream → bytes. Its players share their buffers, so it is what the slowest of them has queued. */
  readonly #held = new Map<object, number>();
  #heldBytes = 0;
  #burstBegan = Number.NEGATIVE_INFINITY;
  #burstBytes = 0;

  /**
   * `onChange` hears of each change of the gathering time. `maxHeldBytes`: what slow players of all streams together may keep
   * from being freed; one stream's share is bounded by its backlog limits, this is for many of them at once.
   */
  constructor(
    clock: Clock,
    onChange: (state: LoadState) => void = () => {},
    maxHeldBytes = Number.POSITIVE_INFINITY,
  ) {
    this.#clock = clock;
    this.#onChange = onChange;
    this.#maxHeldBytes = maxHeldBytes;
    this.#windowBegan = clock.now();
  }

  get state(): LoadState {
    const isStale = this.#clock.now() - this.#windowBegan > 4 * WINDOW_MS; // nothing is on air
    return {
      widenedMs: WIDENED_MS[this.#level]!,
      sweepShare: isStale ? 0 : this.#sweepShare,
      heldBytes: this.#heldBytes,
      sweeps: this.#sweeps,
      sweepMs: this.#sweepMs,
    };
  }

  /** What went into sweeps since the start. */
  get sweepMs(): number {
    return this.#sweepMs;
  }

  /** What a stream of this policy has to do now; 0: flush at each picture. */
  gatherMs(policy: FlushPolicy): number {
    const widenedMs = WIDENED_MS[this.#level]!;
    return policy.mode === 'merge' ? Math.max(policy.mergeDelayMs, widenedMs) : widenedMs;
  }

  /** A sweep took that long. */
  swept(beganMs: number, endedMs: number): void {
    this.#sweeps += 1;
    this.#sweepMs += endedMs - beganMs;
    this.#windowSweepMs += endedMs - beganMs;
    const windowMs = endedMs - this.#windowBegan;
    if (windowMs < WINDOW_MS) return;
    this.#sweepShare = Math.min(1, this.#windowSweepMs / windowMs);
    this.#windowBegan = endedMs;
    this.#windowSweepMs = 0;
    this.#judge(endedMs);
  }

  #judge(now: number): void {
    if (this.#sweepShare > WIDEN_ABOVE) {
      this.#calmSince = undefined;
      this.#windowsAbove += 1;
      if (this.#windowsAbove >= WINDOWS_ABOVE && this.#level < WIDENED_MS.length - 1) this.#widen(now);
      return;
    }
    this.#windowsAbove = 0;
    if (this.#level === 0 || this.#shareIfNarrowed >= NARROW_BELOW) {
      this.#calmSince = undefined;
      return;
    }
    this.#calmSince ??= now;
    if (now - this.#calmSince < this.#narrowAfterMs) return;
    this.#calmSince = now;
    this.#narrowedAt = now;
    this.#change(this.#level - 1);
  }

  #widen(now: number): void {
    const isRegret = this.#narrowedAt !== undefined && now - this.#narrowedAt < REGRET_MS;
    this.#narrowAfterMs = isRegret ? Math.min(this.#narrowAfterMs * 2, MAX_NARROW_AFTER_MS) : NARROW_AFTER_MS;
    this.#windowsAbove = 0;
    this.#change(this.#level + 1);
  }

  /** A sweep costs the same however much it carries; what changes is how often there is one. */
  get #shareIfNarrowed(): number {
    const shorterMs = WIDENED_MS[this.#level - 1]! || OWN_MS;
    return this.#sweepShare * (WIDENED_MS[this.#level]! / shorterMs);
  }

  #change(level: number): void {
    this.#level = level;
    this.#onChange(this.state);
  }

  /** Whether a joiner may be sent so much at once now; if so it is counted. The first of a tick always may. */
  admitsBurst(bytes: number): boolean {
    const now = this.#clock.now();
    if (now - this.#burstBegan >= BURST_TICK_MS) {
      this.#burstBegan = now;
      this.#burstBytes = 0;
    }
    if (this.#burstBytes > 0 && this.#burstBytes + bytes > BURST_BYTES) return false;
    this.#burstBytes += bytes;
    return true;
  }

  /** What the slowest player of `stream` has queued; 0: nobody is slow. */
  held(stream: object, bytes: number): void {
    const before = this.#held.get(stream) ?? 0;
    if (before === bytes) return;
    this.#heldBytes += bytes - before;
    if (bytes === 0) this.#held.delete(stream);
    else this.#held.set(stream, bytes);
  }

  /** Too much is held: who is beyond the soft limit is not waited for any more. */
  get isTight(): boolean {
    return this.#heldBytes > this.#maxHeldBytes;
  }
}
