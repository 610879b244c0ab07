// A script gets into its isolate, or the reason why not.
import { randomBytes } from 'node:crypto';
import { type FailedBody, type GuestSetup, type LoadBody, RANDOM_POOL_BYTES } from '../wire/wire.ts';
import { type ReadAnswer, readAnswer } from './answer.ts';
import type { EngineFault, Outcome, ScriptIsolate } from './engine.ts';

/** Without `failure` the script has loaded, and there is an answer. */
export type Loaded =
  | { readonly failure: FailedBody; readonly answer: ReadAnswer | undefined }
  | { readonly failure: undefined; readonly answer: ReadAnswer; readonly fault: EngineFault | undefined };

/** `loadMs`: what the script may take. */
export async function loadScript(isolate: ScriptIsolate, load: LoadBody, loadMs: number): Promise<Loaded> {
  const { script, application, limits, heldMs } = load;
  const { code, ...about } = script;
  // Alone first: the engine then says where a syntax error is.
  const syntaxError = await isolate.checkSyntax(code, script.filename);
  if (syntaxError !== undefined) return { failure: { kind: 'syntax', ...syntaxError }, answer: undefined };
  const held = heldMs === undefined ? {} : { heldMs };
  const setup: GuestSetup = { script: about, application, limits, ...held };
  const outcome = await isolate.load(JSON.stringify(setup), code, randomBytes(RANDOM_POOL_BYTES), loadMs);
  const answer = readAnswer(outcome.answer);
  const failure = limitFailure(outcome, load, loadMs) ?? (await guestFailure(isolate, load, answer));
  if (failure) return { failure, answer };
  return { failure, answer: answer!, fault: outcome.fault };
}

function limitFailure({ fault }: Outcome, { limits }: LoadBody, loadMs: number): FailedBody | undefined {
  if (fault?.kind === 'timeout') {
    const message = `the script took longer than ${loadMs} ms to load`;
    return { kind: 'timeout', message, stack: fault.stack };
  }
  if (fault?.kind === 'memory') {
    return { kind: 'memory', message: `the script took more than ${limits.memoryMb} MB to load`, stack: '' };
  }
  return undefined;
}

/** As the library in the isolate tells it. */
async function guestFailure(
  isolate: ScriptIsolate,
  { script: { files, filename } }: LoadBody,
  answer: ReadAnswer | undefined,
): Promise<FailedBody | undefined> {
  if (answer === undefined) return { kind: 'throw', message: 'the script did not load', stack: '' };
  if (answer.failure === undefined) return undefined;
  const { message, stack, syntaxErrorIn } = answer.failure;
  const text =
    syntaxErrorIn !== undefined && Object.hasOwn(files, syntaxErrorIn) ? files[syntaxErrorIn] : undefined;
  if (text === undefined) return { kind: 'throw', message, stack };
  const folder = filename.slice(0, filename.lastIndexOf('/') + 1);
  const found = await isolate.checkSyntax(text, folder + syntaxErrorIn);
  return found === undefined ? { kind: 'throw', message, stack } : { kind: 'syntax', ...found };
}
