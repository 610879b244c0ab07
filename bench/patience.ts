// Virtual machines share processors. While the machine below is busy with others, nothing that is measured here means anything,
// and it may be so for hours: whoever is patient waits for its pauses.
import { spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { stolenNs } from './process.ts';

/** Of what all processors could have done. */
const QUIET = 0.02;
const SPIN_SECONDS = 0.7;
const PAUSE_MS = 7000;

export interface Patience {
  /** Resolves when the machine below leaves this one alone, or when there is no patience left. */
  forQuiet(): Promise<void>;
  /** What was disturbed may be tried again, however often it was. */
  readonly isLeft: boolean;
}

export function patience(minutes: number, say: (text: string) => void): Patience {
  const untilMs = performance.now() + minutes * 60_000;
  const isLeft = () => performance.now() < untilMs;
  return {
    get isLeft() {
      return isLeft();
    },
    async forQuiet() {
      if (!isLeft()) return;
      const sinceMs = performance.now();
      // Twice: one of its pauses is longer than a moment.
      while (isLeft() && ((await stolenShare()) > QUIET || (await stolenShare()) > QUIET))
        await sleep(PAUSE_MS);
      const waited = Math.round((performance.now() - sinceMs) / 1000);
      if (waited > 5) say(`waited ${waited} s for a quiet machine`);
    },
  };
}

/** Only who wants to run can be robbed: all processors are kept busy for a moment. */
async function stolenShare(): Promise<number> {
  const [sinceMs, before] = [performance.now(), stolenNs()];
  await Promise.all(cpus().map(spin));
  return (stolenNs() - before) / ((performance.now() - sinceMs) * 1e6 * cpus().length);
}

function spin(): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn('timeout', [String(SPIN_SECONDS), 'sh', '-c', 'while :; do :; done'], {
      stdio: 'ignore',
    });
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
}
