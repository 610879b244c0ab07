// One target for a while: what is in its corpus, its seeds, then inputs made from the run's seed.
import { inspect } from 'node:util';
import { toHex } from '../support/hex.ts';
import { readCorpus, writeCorpus } from './corpus.ts';
import { execute, inputOf, shrink, type Target } from './target.ts';

export interface Bounds {
  seed: number;
  /** The first iteration; one other than 0 leaves corpus and seeds out. */
  from?: number;
  iterations?: number;
  seconds: number;
}

export interface Outcome {
  executions: number;
  seconds: number;
  failure: Failure | undefined;
}

export interface Failure {
  /** `seed 1, iteration 20`, `seed input 3`, or a file of the corpus. */
  where: string;
  input: Uint8Array;
  error: Error;
}

interface Trial {
  where: string;
  input: Uint8Array;
}

/** Stops at the first failure. `onTrial` hears of each input before it is tried. */
export async function fuzz(
  target: Target,
  bounds: Bounds,
  onTrial: (where: string) => void = () => {},
): Promise<Outcome> {
  const { seconds, seed, from = 0, iterations = Number.POSITIVE_INFINITY } = bounds;
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  let executions = 0;
  const attempt = async ({ where, input }: Trial): Promise<Failure | undefined> => {
    executions += 1;
    onTrial(where);
    const error = await execute(target, input);
    return error && { where, input, error };
  };
  let failure: Failure | undefined;
  if (from === 0) {
    for (const trial of fixedTrials(target)) {
      failure = await attempt(trial);
      if (failure) break;
    }
  }
  for (let i = from; !failure && i < from + iterations && elapsed() < seconds; i += 1) {
    failure = await attempt({ where: `seed ${seed}, iteration ${i}`, input: inputOf(target, seed, i) });
  }
  return { executions, seconds: elapsed(), failure };
}

function* fixedTrials(target: Target): Generator<Trial> {
  for (const { file, input } of readCorpus(target)) yield { where: `corpus ${file}`, input };
  for (const [i, input] of target.seeds.entries()) yield { where: `seed input ${i}`, input };
}

const SHRINK_SECONDS = 30;

export interface ReportOptions {
  /** Where the input is kept, unless it came from there. */
  folder?: string;
  /** Hears of each try to shorten the input. */
  onTry?: () => void;
}

/** Shortens the input, keeps it in the corpus, and says all that is needed to see it again. */
export async function report(target: Target, failure: Failure, options: ReportOptions = {}): Promise<string> {
  const { where } = failure;
  const isKept = where.startsWith('corpus ');
  const input = isKept ? failure.input : await shrink(target, failure.input, SHRINK_SECONDS, options.onTry);
  const error = (await execute(target, input)) ?? failure.error;
  const path = isKept ? undefined : writeCorpus(target, input, `${where}: ${rootOf(error)}`, options.folder);
  const lines = [
    `FAILED ${target.name}: ${where}`,
    `  ${inspect(error).replaceAll('\n', '\n  ')}`,
    `  input, ${input.length} of ${failure.input.length} bytes: ${toHex(input)}`,
  ];
  if (path !== undefined) lines.push(`  kept as ${path}`);
  return lines.join('\n');
}

function rootOf(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${rootOf(error.cause)}` : error.message;
}
