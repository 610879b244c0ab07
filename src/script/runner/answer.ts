// A guest's answer to a turn, read as hostile input: the envelope is checked here and what the runner itself carries out; the
// fields of the other commands are the media side's to check.
import {
  type GuestAnswer,
  type RunnerCommand,
  type ScriptCommand,
  SUBTLE_METHODS,
  type SubtleMethod,
} from '../wire.ts';

/** Base64 and escapes included, far more than the guest's own limits let through. */
const MAX_ANSWER_CHARACTERS = 12 << 20;
const MAX_TEXT = 200;

export type ReadAnswer = Omit<GuestAnswer, 'commands'> & {
  forRunner: RunnerCommand[];
  forMedia: ScriptCommand[];
};

/** Undefined: it is no answer. */
export function readAnswer(text: string | undefined): ReadAnswer | undefined {
  if (text === undefined || text.length > MAX_ANSWER_CHARACTERS) return undefined;
  let answer: GuestAnswer;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isEnvelope(answer)) return undefined;
  const { begun, done, more, where, client, dropped, random, failure } = answer;
  const forRunner: RunnerCommand[] = [];
  const forMedia: ScriptCommand[] = [];
  for (const command of answer.commands as unknown[]) {
    if (isRunnerCommand(command)) forRunner.push(command);
    else if (hasOp(command)) forMedia.push(command as ScriptCommand);
  }
  return {
    ...{ begun, done, more, dropped, random, failure, forRunner, forMedia },
    where: where.slice(0, MAX_TEXT),
    client: client.slice(0, MAX_TEXT),
  };
}

function isEnvelope(value: unknown): value is GuestAnswer {
  if (typeof value !== 'object' || value === null) return false;
  const { begun, done, more, where, client, dropped, random, failure, commands } =
    value as Partial<GuestAnswer>;
  return (
    isCount(begun) &&
    isCount(dropped) &&
    isCount(random) &&
    typeof done === 'boolean' &&
    typeof more === 'boolean' &&
    typeof where === 'string' &&
    typeof client === 'string' &&
    (failure === undefined || isFailure(failure)) &&
    Array.isArray(commands)
  );
}

function isFailure(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { message, stack, syntaxErrorIn } = value as NonNullable<GuestAnswer['failure']>;
  const isPath = syntaxErrorIn === undefined || typeof syntaxErrorIn === 'string';
  return typeof message === 'string' && typeof stack === 'string' && isPath;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function hasOp(value: unknown): value is { op: string } {
  return typeof value === 'object' && value !== null && typeof (value as { op?: unknown }).op === 'string';
}

function isRunnerCommand(value: unknown): value is RunnerCommand {
  if (!hasOp(value)) return false;
  const { op, id, ms, repeat, method, args } = value as Record<string, unknown>;
  if (!isCount(id)) return false;
  if (op === 'timer') return typeof ms === 'number' && typeof repeat === 'boolean';
  if (op === 'subtle') return SUBTLE_METHODS.includes(method as SubtleMethod) && Array.isArray(args);
  return op === 'clear';
}
