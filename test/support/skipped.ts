// What a test run says last: which tests were skipped, why, and how they are not skipped the next time.
import { installationOf, packagesIn } from './debian.ts';

export interface Skipped {
  /** From the folder of the run. */
  file: string;
  name: string;
  reason: string;
}

/** `lines` are those of skipped-reporter.ts. Nothing when nothing was skipped. */
export function summaryOfSkipped(lines: string): string {
  const all = lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Skipped);
  if (all.length === 0) return '';
  const packages = new Set(all.flatMap(({ reason }) => packagesIn(reason)));
  return [
    `skipped (${all.length}):`,
    ...all.map(({ file, name, reason }) => `  ${file}: ${name}${reason === '' ? '' : `: ${reason}`}`),
    ...(packages.size > 0
      ? ['To run what needs these programs:', `  ${installationOf([...packages].sort())}`]
      : []),
    '',
  ].join('\n');
}
