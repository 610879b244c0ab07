// Which SWFs an application is for. FMS: SWFVerification.

import type { ApplicationRows } from '../../config/schema/application.ts';

/** storage/swf-library.ts */
export interface KnownSwfs<Swf> {
  /** Is there one for which this holds? Reads the folders again if that is due. */
  some(holds: (swf: Swf) => boolean): Promise<boolean>;
}

export interface SwfPolicy
  extends Pick<
    ApplicationRows['swfVerification'],
    'minGoodVersion' | 'firstHashTimeoutMs' | 'finalHashTimeoutMs'
  > {
  /** Asked in this order. */
  libraries: readonly KnownSwfs<{ readonly sizeBytes: number; readonly hash: Uint8Array }>[];
  /** Programs that are no players: `{ from: 'FMLE/0.0', to: 'FMLE/9.9' }`. */
  exceptions: readonly { from: string; to: string }[];
}

/** Does the name that a program gives itself lie between two of the same kind: `FMLE/3.0 (…)`, `WIN 9,0,124,2`? */
export function isExempt({ exceptions }: Pick<SwfPolicy, 'exceptions'>, agent: string): boolean {
  const own = programOf(agent);
  return (
    own !== undefined &&
    exceptions.some(({ from, to }) => {
      const [first, last] = [programOf(from), programOf(to)];
      if (first?.name !== own.name || last?.name !== own.name) return false;
      return compare(first.version, own.version) <= 0 && compare(own.version, last.version) <= 0;
    })
  );
}

function programOf(agent: string): { name: string; version: number[] } | undefined {
  const [, name, version] = /^([a-z]+)[/ ](\d{1,9}(?:[.,]\d{1,9}){0,5})/i.exec(agent) ?? [];
  return name && version
    ? { name: name.toLowerCase(), version: version.split(/[.,]/).map(Number) }
    : undefined;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
