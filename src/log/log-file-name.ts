// The names of the files of one log: `access.[NN].log`, `access.[YYYY][MM][DD].[NN].log`. FMS: Logger.xml, FileName.
import { type LogZone, partsOf } from './time.ts';

/** YYYY, M or MM, D or DD; any count of N is the number with at least that many digits. */
const TOKENS = /YYYY|MM?|DD?|N+/g;
const BRACKETS = /\[((?:YYYY|MM?|DD?|N+)+)\]/g;

export interface LogFileId {
  /** `20260203`; 0 for what the name does not say. Later days are greater. */
  day: number;
  number: number;
}

type Part = { text: string } | { token: string };

export class LogFileName {
  readonly isNumbered: boolean;
  readonly #parts: readonly Part[];
  readonly #known: RegExp;

  constructor(pattern: string) {
    this.#parts = split(pattern);
    this.isNumbered = this.#parts.some((part) => 'token' in part && part.token.startsWith('N'));
    const source = this.#parts.map((part) =>
      'text' in part ? part.text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&') : digits(part.token),
    );
    this.#known = new RegExp(`^${source.join('')}$`);
  }

  /** The file of that day with that number. */
  format(at: Date, number: number, zone: LogZone): string {
    const { year, month, day } = partsOf(at, zone);
    const values: Record<string, number> = { Y: year, M: month, D: day, N: number };
    return this.#parts
      .map((part) =>
        'text' in part ? part.text : String(values[part.token[0]!]).padStart(part.token.length, '0'),
      )
      .join('');
  }

  /** Which file of this log that is; undefined: none. */
  parse(name: string): LogFileId | undefined {
    const found = this.#known.exec(name);
    if (!found) return undefined;
    const values: Record<string, number> = { Y: 0, M: 0, D: 0, N: 0 };
    const tokens = this.#parts.filter((part) => 'token' in part);
    for (const [i, { token }] of tokens.entries()) values[token[0]!] = Number(found[i + 1]);
    return { day: values.Y! * 10_000 + values.M! * 100 + values.D!, number: values.N! };
  }
}

function split(pattern: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const brackets of pattern.matchAll(BRACKETS)) {
    if (brackets.index > end) parts.push({ text: pattern.slice(end, brackets.index) });
    for (const [token] of brackets[1]!.matchAll(TOKENS)) parts.push({ token });
    end = brackets.index + brackets[0].length;
  }
  if (end < pattern.length) parts.push({ text: pattern.slice(end) });
  return parts;
}

function digits(token: string): string {
  if (token === 'YYYY') return '(\\d{4})';
  return token.startsWith('N') ? `(\\d{${token.length},9})` : `(\\d{${token.length},2})`;
}
