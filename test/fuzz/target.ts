// What the fuzzer is pointed at, and one execution of it: inputs in, nothing but the expected out.
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DecodeError } from '../../src/errors.ts';
import { bugs } from '../../src/log/log.ts';
import { Random } from '../support/random.ts';
import { mutate } from './mutate.ts';

export interface Target {
  /** Names its files in the corpus. */
  readonly name: string;
  /** Inputs that are known to go deep. */
  readonly seeds: readonly Uint8Array[];
  readonly maxBytes: number;
  /** Part of the time that a run has, against the 1 of most targets. */
  readonly weight?: number;
  /** An input from nothing; `random.bytes` unless told otherwise. */
  generate?(random: Random): Uint8Array;
  /** Throws when a property does not hold. */
  run(input: Uint8Array): void | Promise<void>;
}

/** A property that does not hold. Everything else that is thrown fails just the same. */
export class Violation extends Error {}

export function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Violation(what);
}

/** The one error that a decoder may throw; its caller is told that it did. */
export function refused(run: () => void): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof DecodeError) return true;
    throw error;
  }
}

/**
 * An execution may use so much processor time and allocate so much (garbage included): far above what the slowest honest
 * input of 64 KiB takes, far below what would stop a server.
 */
const MAX_CPU_MS = 10_000;
const MAX_ALLOCATED_BYTES = 400 << 20;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Heap and array buffers that are in use; `exactly` leaves out what nobody holds any more, and takes its time. */
export function usedBytes(exactly: boolean): number {
  // what the first finds, the second takes off the sum
  for (let i = 0; exactly && i < 2; i += 1) collectGarbage();
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** What went wrong, or undefined. */
export async function execute(target: Target, input: Uint8Array): Promise<Error | undefined> {
  let failure: Error | undefined;
  const escaped = (error: unknown) => {
    failure ??= new Violation('an exception escaped', { cause: error });
  };
  process.on('uncaughtException', escaped);
  const bugsBefore = bugs.count;
  const before = usedBytes(false);
  const cpuBefore = process.cpuUsage();
  try {
    const running = target.run(Uint8Array.from(input));
    if (running) await running;
  } catch (error) {
    failure ??= error instanceof Error ? error : new Violation(`thrown: ${error}`);
  } finally {
    process.off('uncaughtException', escaped);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const allocated = usedBytes(false) - before;
  const cpuMs = Math.round((user + system) / 1000);
  if (bugs.count > bugsBefore) failure ??= new Violation(`${bugs.count - bugsBefore} bugs were counted`);
  if (cpuMs > MAX_CPU_MS) failure ??= new Violation(`it took ${cpuMs} ms of processor time`);
  if (allocated > MAX_ALLOCATED_BYTES) failure ??= new Violation(`it allocated ${allocated >> 20} MiB`);
  return failure;
}

/** Input number `iteration` of a seed: the same on every machine, whatever came before it. */
export function inputOf(target: Target, seed: number, iteration: number): Uint8Array {
  const random = new Random(mix(seed, hashText(target.name), iteration));
  const { seeds, maxBytes } = target;
  const fresh = () =>
    target.generate?.(random) ?? random.bytes(random.below(random.oneIn(4) ? Math.min(maxBytes, 2000) : 80));
  const useSeed = seeds.length > 0 && !random.oneIn(3);
  const base = useSeed ? random.pick(seeds) : fresh();
  const isDamaged = useSeed || random.oneIn(2);
  return (isDamaged ? mutate(random, base, seeds, maxBytes) : base).subarray(0, maxBytes);
}

function hashText(text: string): number {
  let hash = 0;
  for (const char of text) hash = (Math.imul(hash, 31) + char.codePointAt(0)!) >>> 0;
  return hash;
}

function mix(...parts: number[]): number {
  let hash = 0x811c_9dc5;
  for (const part of parts) hash = Math.imul(hash ^ part, 0x0100_0193) ^ (hash >>> 13);
  return hash >>> 0;
}

/** A failing input with whatever its failure does not need taken out, as far as a few hundred tries and `seconds` get. */
export async function shrink(
  target: Target,
  input: Uint8Array,
  seconds: number,
  onTry: () => void = () => {},
): Promise<Uint8Array> {
  const end = performance.now() + seconds * 1000;
  let best = input;
  let tries = 300;
  for (let size = Math.ceil(best.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.length; ) {
      if (tries === 0 || performance.now() > end) return best;
      tries -= 1;
      onTry();
      const shorter = Uint8Array.from([...best.subarray(0, at), ...best.subarray(at + size)]);
      if (await execute(target, shorter)) best = shorter;
      else at += size;
    }
  }
  return best;
}
