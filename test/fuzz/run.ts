// npm run fuzz -- [--seconds N] [--seed N|random] [--target NAME] [--iterations N] [--from N]
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { fuzz, type Outcome, report } from './fuzz.ts';
import { TARGETS } from './targets.ts';
import { startWatchdog } from './watchdog.ts';

const DEFAULT_SECONDS = 30;
/** The same in every run of the tests, so that a red one is red again. */
const DEFAULT_SEED = 1935;

const values = readOptions();
const seed =
  values.seed === 'random' ? randomInt(2 ** 32) : (wholeNumber('seed', values.seed) ?? DEFAULT_SEED);
const iterations = wholeNumber('iterations', values.iterations);
const from = wholeNumber('from', values.from);
const seconds =
  wholeNumber('seconds', values.seconds) ??
  (iterations === undefined ? DEFAULT_SECONDS : Number.POSITIVE_INFINITY);
const targets = TARGETS.filter(({ name }) => values.target === undefined || values.target === name);
if (targets.length === 0)
  usage(`no target ${values.target}; there are ${TARGETS.map(({ name }) => name).join(', ')}`);

process.exitCode = await run();

async function run(): Promise<number> {
  console.log(`seed ${seed}`);
  const watchdog = startWatchdog();
  const start = performance.now();
  let weightLeft = targets.reduce((sum, { weight = 1 }) => sum + weight, 0);
  const rows: Record<string, { executions: number; seconds: string }> = {};
  let failed = 0;
  for (const target of targets) {
    const { weight = 1 } = target;
    // what one target leaves over, or overruns, is shared by those after it
    const left = seconds - (performance.now() - start) / 1000;
    const share = (left * weight) / weightLeft;
    weightLeft -= weight;
    const outcome: Outcome = await fuzz(
      target,
      {
        seed,
        seconds: share,
        ...(from === undefined ? {} : { from }),
        ...(iterations === undefined ? {} : { iterations }),
      },
      (where) => watchdog.trial(`${target.name}: ${where}`),
    );
    rows[target.name] = { executions: outcome.executions, seconds: outcome.seconds.toFixed(1) };
    if (!outcome.failure) continue;
    failed += 1;
    const { failure } = outcome;
    const onTry = () => watchdog.trial(`${target.name}: ${failure.where}, while it was shortened`);
    console.error(await report(target, failure, { onTry }));
  }
  await watchdog.stop();
  console.table(rows);
  console.log(`${targets.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        /** Of the whole run, shared among its targets. */
        seconds: { type: 'string' },
        /** A number, or `random` to explore. */
        seed: { type: 'string' },
        target: { type: 'string' },
        /** Of each target at most: with a seed, the same run on every machine. Without --seconds there is no other bound. */
        iterations: { type: 'string' },
        /** The iteration to begin with. */
        from: { type: 'string' },
      },
    }).values;
  } catch (error) {
    usage((error as Error).message);
  }
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 0xffff_ffff) usage(`--${option} ${text}: a whole number is expected`);
  return value;
}

function usage(problem: string): never {
  console.error(problem);
  process.exit(2);
}
