// Virtual machines share processors. While the machine below is busy with others, nothing that is measured here means anything,
// and it may be so for hours: whoever is patient waits for its pauses.
import { spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { stolenNs } from './process.ts';

/** Of what all processors could have done. */
const QUIET = 0.02;
const SPIN_SECONDS = 0.7;
const REST_MS = 2000;

export interface Patience {
  /** Resolves when the machine below leaves this one alone, or when there is no patience left. */
  forQuiet(): Promise<void>;
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
      // First without a load of ours: who probes all the time is a neighbour himself.
      while (isLeft() && ((await stolenShare(rest)) > QUIET || (await stolenShare(spin)) > QUIET))
        await rest();
      const waited = Math.round((performance.now() - sinceMs) / 1000);
      if (waited > 5) say(`waited ${waited} s for a quiet machine`);
    },
  };
}

const rest = () => sleep(REST_MS);

async function stolenShare(during: () => Promise<unknown>): Promise<number> {
  const [sinceMs, before] = [performance.now(), stolenNs()];
  await during();
  return (stolenNs() - before) / ((performance.now() - sinceMs) * 1e6 * cpus().length);
}

/** Only who wants to run can be robbed: all processors are kept busy for a moment. */
const spin = () => Promise.all(cpus().map(spinOne));

function spinOne(): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn('timeout', [String(SPIN_SECONDS), 'sh', '-c', 'while :; do :; done'], {
      stdio: 'ignore',
    });
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
}
