// The arguments of <Exec>: text, and holes for what a script gives. A hole takes a word, unless it says what else it takes.
//
//     {name}            a word: see wordProblem
//     {input:file}      a file of the application
//     {target:url}      an address on a host that <Fetch> or <NetConnection> grants
//     {size:a|b|c}      one of these
//     {n:/\d{1,3}/}     what the whole pattern matches
import { createContext, runInContext } from 'node:vm';
import { ConfigError, type ConfigPlace, formatPlace } from '../errors.ts';
import type { Value } from './element.ts';

export interface Hole {
  readonly name: string;
  /** A list: one of these. */
  readonly takes: 'word' | 'file' | 'url' | readonly string[] | RegExp;
  /** As it stands in the argument. */
  readonly text: string;
}

export type Part = string | Hole;

const HOLE = /\{([A-Za-z_]\w*)(?::(?:(file|url)|\/((?:\\.|[^\\/])*)\/|([^{}|/]*(?:\|[^{}|/]*)+)))?\}/g;
const MAX_VALUE = 1024;
/** For a pattern that the operator has written in a way that makes it slow. */
const PATTERN_MS = 20;

/** Throws a SyntaxError: a pattern is none. */
export function partsOf(argument: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const match of argument.matchAll(HOLE)) {
    const [text, name = '', kind, pattern, choices] = match;
    if (match.index > at) parts.push(argument.slice(at, match.index));
    at = match.index + text.length;
    parts.push({ name, takes: takenBy(kind, pattern, choices), text });
  }
  if (at < argument.length) parts.push(argument.slice(at));
  return parts;
}

function takenBy(
  kind: string | undefined,
  pattern: string | undefined,
  choices: string | undefined,
): Hole['takes'] {
  if (kind === 'file' || kind === 'url') return kind;
  if (pattern !== undefined) return new RegExp(`^(?:${pattern})$`, 'u');
  return choices?.split('|') ?? 'word';
}

export function isHole(part: Part): part is Hole {
  return typeof part !== 'string';
}

export const execArgument: Value<string> = {
  expected:
    'a text, in which {name}, {name:file}, {name:url}, {name:a|b} and {name:/regular expression/} are replaced by ' +
    'values from the script',
  takesEmpty: true,
  parse(value) {
    try {
      partsOf(value);
    } catch (error) {
      throw new ConfigError('ERR_CONFIG_VALUE', (error as Error).message, { cause: error });
    }
    return value;
  },
};

/**
 * Why a script may not put that there; undefined: it may, as far as can be seen without looking at the disk or asking for addresses.
 * Not for files and addresses, whose form alone says little.
 */
export function valueProblem({ takes }: Hole, value: string): string | undefined {
  const problem = textProblem(value);
  if (problem !== undefined || takes === 'file' || takes === 'url') return problem;
  if (takes === 'word') return wordProblem(value);
  if (takes instanceof RegExp) return patternProblem(takes, value);
  return takes.includes(value) ? undefined : `it is none of ${takes.join(', ')}`;
}

/** What no argument of a program can be, or should be. */
function textProblem(value: string): string | undefined {
  if (value.length > MAX_VALUE) return `it is longer than ${MAX_VALUE} characters`;
  if (/\p{Cc}/u.test(value)) return 'it has control characters';
  return value.isWellFormed() ? undefined : 'it contains half a character (a lone surrogate)';
}

/**
 * Letters, digits and signs of any script; of ASCII what programs read as part of a name. Joiners are part of words (Persian) and of
 * pictures; the rest of what cannot be seen is not.
 */
const NOT_OF_A_WORD = /[:@=,|\\<>]|(?![\u200c\u200d])[\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/u;
/** How a path outside, an option, the folder of a user or an expression begin. */
const NO_BEGINNING = /^[-+/~.]|^\p{Z}/u;

/**
 * A word is what no program takes for a path outside its folder, an address, an option or a reference to a file, wherever in an argument
 * it stands. Some take quotes away, some decode percent signs: what they see then leads nowhere else either. Encoded signs of an address
 * pass (`studio%3Acam`): a program looks for those before it decodes.
 */
export function wordProblem(value: string): string | undefined {
  if (value === '') return 'it is empty';
  const sign = NOT_OF_A_WORD.exec(value)?.[0];
  if (sign !== undefined) return `it has the character ${JSON.stringify(sign)}`;
  const plain = value.replace(/["'`]/g, '');
  for (const seen of [value, plain, decoded(value), decoded(plain)]) {
    const begin = NO_BEGINNING.exec(seen)?.[0];
    if (begin !== undefined) return `it begins with ${JSON.stringify(begin)}`;
    if (seen.includes('..') || seen.includes('\\') || /\p{Cc}/u.test(seen))
      return 'it leads out of its folder';
    if (/\/\./.test(seen)) return 'a part of it begins with a dot';
  }
  return undefined;
}

/** Of ASCII. */
function decoded(value: string): string {
  return value.replace(/%([0-7][0-9a-f])/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

function patternProblem(pattern: RegExp, value: string): string | undefined {
  try {
    const context = createContext({ pattern, value });
    const isMatch = runInContext('pattern.test(value)', context, { timeout: PATTERN_MS });
    return isMatch === true ? undefined : `it does not match ${pattern.source.slice(4, -2)}`;
  } catch {
    return `matching the pattern takes more than ${PATTERN_MS} ms`;
  }
}

/** What the operator writes into Application.xml to let such a value in. */
export function kindFor({ name }: Hole, value: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return `{${name}:url}`;
  if (value.includes('/') || value.startsWith('.')) return `{${name}:file}`;
  return `{${name}:/PATTERN/} or {${name}:ONE|OTHER}`;
}

/** Of a grant, for `refusalOf`. */
export function grantOf({ name, place }: { name: string; place?: ConfigPlace | undefined }): string {
  return `<Exec name="${name}"> in ${place ? formatPlace(place) : 'Application.xml'}`;
}

/** The sentence for the author of the script, and for the operator. `grant`: of which the hole is. */
export function refusalOf(hole: Hole, value: string, problem: string, grant: string): string {
  const given = JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  const text = `${given} for ${hole.text}: ${problem}`;
  if (hole.takes !== 'word') return `${text}; see ${grant}`;
  return `${text}. The placeholder accepts a plain name only; ${grant} accepts more with ${kindFor(hole, value)}`;
}
