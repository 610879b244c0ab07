import type { Clock } from '../application/clock.ts';
import { UnitEnd } from './unit.ts';

/** Rejects with a UnitEnd when it takes longer. */
export async function within<T>(clock: Clock, ms: number, late: string, promise: Promise<T>): Promise<T> {
  const { promise: deadline, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(ms, () => reject(new UnitEnd('failed', late, 'startMs')));
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    cancel();
  }
}
