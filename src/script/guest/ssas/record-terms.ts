// What a script asks of stream.record → the terms on which the media side records.
import { RECORD_FORMATS, RECORD_MODES, UNLIMITED } from '../../../application/contract/script-limits.ts';
import type { RecordMode, WireRecordTerms } from '../../wire/wire.ts';
import { formatValue } from '../core/inspect.ts';
import { isClassic } from '../core/load.ts';
import { isObject, isOneOf, join, keys } from '../core/primordials.ts';
import { log } from '../core/report.ts';

export type RecordTerms = WireRecordTerms & { mode: RecordMode | false };

const BYTES_PER_KILOBYTE = 1024;
const MAX_VALUE = 100;

/**
 * What cannot be meant is a TypeError that names it: something else than was wanted would be recorded. Undefined: the same in a
 * classic script, which was told by `false`.
 */
export function readRecordTerms(
  how: unknown,
  maxDuration: unknown,
  maxSize: unknown,
): RecordTerms | undefined {
  if (isObject(how)) return readOptions(how as Record<string, unknown>);
  try {
    return readOptions({ mode: how, maxDuration, maxSize });
  } catch (error) {
    if (!isClassic()) throw error;
    log('warn', [(error as Error).message]);
    return undefined;
  }
}

function readOptions(options: Record<string, unknown>): RecordTerms {
  const { mode, maxDuration, maxSize, format, file, segment, align, ...others } = options;
  const odd = keys(others)[0];
  if (odd !== undefined) {
    throw new TypeError(
      `stream.record: ${odd} is no option: expected mode, maxDuration, maxSize, format, file, segment or align`,
    );
  }
  return {
    mode: readMode(mode),
    maxDurationS: limit('maxDuration', maxDuration, 1),
    maxSizeBytes: limit('maxSize', maxSize, BYTES_PER_KILOBYTE),
    format: readFormat(format),
    file: readFile(file),
    segmentS: readSegment(segment),
    isAligned: readAlign(align, segment),
  };
}

function readMode(mode: unknown): RecordMode | false {
  if (mode === undefined || mode === true) return 'record';
  if (mode === false || isOneOf(RECORD_MODES, mode)) return mode;
  throw unexpected('mode', mode, `"${join(RECORD_MODES, '", "')}", true or false`);
}

function readFormat(format: unknown): RecordTerms['format'] {
  if (format === undefined || isOneOf(RECORD_FORMATS, format)) return format;
  throw unexpected('format', format, `"${join(RECORD_FORMATS, '" or "')}"`);
}

function readFile(file: unknown): string | undefined {
  if (file === undefined || (typeof file === 'string' && file !== '')) return file;
  throw unexpected('file', file, 'the name of a file');
}

function readSegment(segment: unknown): number | undefined {
  if (segment === undefined) return undefined;
  if (Number(segment) > 0) return Number(segment);
  throw unexpected('segment', segment, 'seconds, more than 0');
}

function readAlign(align: unknown, segment: unknown): boolean | undefined {
  if (align === undefined || typeof align === 'boolean') {
    if (align && segment === undefined)
      throw unexpected('align', align, 'segment as well, the seconds between two files');
    return align;
  }
  throw unexpected('align', align, 'true or false');
}

/** FMS: -1 is as much as the cap allows; 0, -2 and nothing at all are as the configuration has it. */
function limit(name: string, asked: unknown, unit: number): number | undefined {
  if (asked === undefined || asked === null) return undefined;
  const amount = Number(asked);
  if (amount === -1) return UNLIMITED;
  if (!(amount > 0 || amount <= 0)) throw unexpected(name, asked, 'a number');
  return amount > 0 ? amount * unit : undefined;
}

function unexpected(name: string, value: unknown, expected: string): TypeError {
  return new TypeError(`stream.record: ${name} = ${formatValue(value, MAX_VALUE)}: expected ${expected}`);
}
