// What publish and play are given as a name: `[prefix:]path[?query]`.
import type { RefusalCause } from '../../application/contract/refusal.ts';

const MAX_NAME = 1024;

export interface StreamName {
  name: string;
  /** Without the question mark. */
  query: string;
  /** The query's fields; of a repeated one the last. */
  params: Record<string, string>;
}

/** Why a value is no name. */
export interface NameProblem {
  cause: RefusalCause;
  /** For the client and the log. */
  description: string;
  /** What there is of it. */
  name: string;
  query: string;
}

/** `undefined`: not a name. Empty, too long, or with control characters in it. */
export function parseStreamName(value: unknown): StreamName | undefined {
  const read = readStreamName(value);
  return 'cause' in read ? undefined : read;
}

export function readStreamName(value: unknown): StreamName | NameProblem {
  if (value === undefined || value === null) return problem('name-missing', 'it is missing');
  if (typeof value !== 'string') return problem('name-missing', 'it is no text');
  const mark = value.indexOf('?');
  const name = mark < 0 ? value : value.slice(0, mark);
  const query = mark < 0 ? '' : value.slice(mark + 1);
  if (value.length > MAX_NAME) {
    return problem('name-too-long', `it has ${value.length} characters, ${MAX_NAME} are the limit`, name);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: names travel into logs, statuses and scripts
  if (/[\u0000-\u001f\u007f]/.test(value)) {
    return problem('name-control-character', 'it has a control character in it', name);
  }
  if (value === '') return problem('name-empty', 'it is empty');
  if (name === '') {
    return problem('name-query-alone', 'there is nothing before its question mark', '', query);
  }
  const params: Record<string, string> = Object.create(null);
  for (const [key, field] of new URLSearchParams(query)) params[key] = field;
  return { name, query, params };
}

function problem(cause: RefusalCause, why: string, name = '', query = ''): NameProblem {
  return { cause, description: `That is not a stream name: ${why}.`, name, query };
}
