// A guest's answer to a turn, read as hostile input: the envelope is checked here and what the runner itself carries out. The
// commands for the media side travel on as they are: they are read, and checked, there.
import {
  type DurationCounts,
  type GuestAnswer,
  HANDLER_BOUNDS_MS,
  MAX_FRAME_BYTES,
  MAX_HANDLER_NAMES,
  type RunnerCommand,
  SUBTLE_METHODS,
  type SubtleMethod,
} from '../wire/wire.ts';

const MAX_ENVELOPE_CHARACTERS = 4 << 20;
const MAX_TEXT = 200;
const MAX_STACK = 8000;

export interface ReadAnswer extends GuestAnswer {
  /** JSON arrays of ScriptCommand, unread, each fit for a frame. */
  forMedia: Buffer[];
}

/** Undefined: it is no answer. */
export function readAnswer(texts: readonly unknown[] | undefined): ReadAnswer | undefined {
  const [envelope, ...parts] = texts ?? [];
  if (typeof envelope !== 'string' || envelope.length > MAX_ENVELOPE_CHARACTERS) return undefined;
  let answer: GuestAnswer;
  try {
    answer = JSON.parse(envelope);
  } catch {
    return undefined;
  }
  if (!isEnvelope(answer)) return undefined;
  const forMedia: Buffer[] = [];
  for (const part of parts) {
    if (typeof part !== 'string' || part.length > MAX_FRAME_BYTES) return undefined;
    const bytes = Buffer.from(part);
    if (bytes.length > MAX_FRAME_BYTES / 2) return undefined;
    forMedia.push(bytes);
  }
  const { begun, done, more, where, client, dropped, droppedAt, droppedLines, random } = answer;
  const { times, failure, commands } = answer;
  return {
    ...{ begun, done, more, dropped, droppedLines, random, times, failure, forMedia },
    where: where.slice(0, MAX_TEXT),
    client: client.slice(0, MAX_TEXT),
    droppedAt: droppedAt.slice(0, MAX_STACK),
    commands: commands.filter(isRunnerCommand),
  };
}

function isEnvelope(value: unknown): value is GuestAnswer {
  if (typeof value !== 'object' || value === null) return false;
  const { begun, done, more, where, client, dropped, droppedAt, droppedLines, random } =
    value as Partial<GuestAnswer>;
  const { times, failure, commands } = value as Partial<GuestAnswer>;
  return (
    [begun, dropped, droppedLines, random].every(isCount) &&
    typeof done === 'boolean' &&
    typeof more === 'boolean' &&
    typeof where === 'string' &&
    typeof client === 'string' &&
    typeof droppedAt === 'string' &&
    isTimes(times) &&
    (failure === undefined || isFailure(failure)) &&
    Array.isArray(commands)
  );
}

function isTimes(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const entries = Object.entries(value);
  return entries.length <= MAX_HANDLER_NAMES + 1 && entries.every(([, times]) => isDurations(times));
}

function isDurations(value: unknown): value is DurationCounts {
  if (typeof value !== 'object' || value === null) return false;
  const { counts, sumMs } = value as Partial<DurationCounts>;
  const isList = Array.isArray(counts) && counts.length <= HANDLER_BOUNDS_MS.length + 1;
  return isList && counts.every(isCount) && typeof sumMs === 'number';
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

function isRunnerCommand(value: unknown): value is RunnerCommand {
  if (typeof value !== 'object' || value === null) return false;
  const { op, id, ms, repeat, method, args } = value as Record<string, unknown>;
  if (!isCount(id)) return false;
  if (op === 'timer') return typeof ms === 'number' && typeof repeat === 'boolean';
  if (op === 'subtle') return SUBTLE_METHODS.includes(method as SubtleMethod) && Array.isArray(args);
  return op === 'clear';
}
