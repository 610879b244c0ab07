import type { Clock } from '../../clock.ts';
import type { UnitEnd } from '../process/unit.ts';

/** Rejects with `late` when it takes longer. */
export async function within<T>(clock: Clock, ms: number, late: UnitEnd, promise: Promise<T>): Promise<T> {
  const { promise: deadline, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(ms, () => reject(late));
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    cancel();
  }
}
