// One slow player, judged at each flush by what its socket still has queued.

import type { ApplicationRows } from '../../config/schema/application.ts';

/** Backlog of Application.xml. A stall counts from when more than the soft limit was queued. */
export type BacklogLimits = ApplicationRows['client']['backlog'];

export interface QueuedSocket {
  /** Handed over and not yet sent. */
  readonly queuedBytes: number;
  /** Another value whenever bytes have left, partial writes included. */
  readonly progress: number;
}

export type BacklogVerdict = 'write' | 'skip' | 'close';

export class Backlog {
  readonly #limits: BacklogLimits;
  #progress = 0;
  #stuckSince: number | undefined;

  constructor(limits: BacklogLimits) {
    this.#limits = limits;
  }

  /**
   * `burstBytes`: what a joiner was given at once, which does not make it slow. `bitrate`: bytes per second. `isTight`: slow
   * players hold too much memory, all together.
   */
  judge(
    socket: QueuedSocket,
    burstBytes: number,
    { bitrate, now, isTight }: { bitrate: number; now: number; isTight: boolean },
  ): BacklogVerdict {
    const { queuedBytes } = socket;
    if (queuedBytes === 0) {
      this.#stuckSince = undefined;
      return 'write';
    }
    const soft =
      Math.max(this.#limits.softSizeBytes, (bitrate / 1000) * this.#limits.softTimeMs) + burstBytes;
    const isSlow = queuedBytes > soft;
    // Who has once been over the limit is watched until it moves: the limit comes and goes with the bitrate.
    if (!isSlow && this.#stuckSince === undefined) return 'write';
    if (isSlow && (isTight || queuedBytes > Math.max(this.#limits.hardSizeBytes, soft * 2))) return 'close';
    const { progress } = socket; // costs more than the rest, and few come here
    if (this.#stuckSince === undefined || progress !== this.#progress) {
      this.#progress = progress;
      this.#stuckSince = isSlow ? now : undefined;
    } else if (now - this.#stuckSince >= this.#limits.stallTimeMs) return 'close';
    return isSlow ? 'skip' : 'write';
  }
}
