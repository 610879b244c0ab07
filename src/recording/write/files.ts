// What a recording's file is called, below the folder of its instance: `show.flv`, `day 1/show-2.mp4`, or as a script has it.
import type { RecordRequest } from '../../application/contract/recording.ts';
import { RecordingError } from '../../errors.ts';
import { momentOf } from '../../log/time.ts';
import {
  canonicalStreamName,
  MP4_EXTENSIONS,
  type StreamPrefix,
  splitPrefix,
} from '../../protocol/rtmp/stream-prefix.ts';
import { nameProblem } from '../../storage/names.ts';
import { RecordedContainer } from '../read/growing.ts';
import { streamName } from '../read/media-name.ts';

const MP4_EXTENSION = new RegExp(`(${MP4_EXTENSIONS.join('|').replaceAll('.', '\\.')})$`, 'i');
const FLV_EXTENSION = /\.flv$/i;
/** `{date}` in the name of a file. */
const FIELD = /\{([^{}]*)\}/g;
/** A name that says by itself when its file begins. */
const DATED = /\{(date|time)\}/;
/** Of names of files that are there already. */
const MAX_TRIES = 10_000;
/** What names of files cannot hold. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
const UNFIT = /[\u0000-\u001f\u007f\\/:*?"<>|\ufffd]/g;

export interface RecordingName {
  readonly container: RecordedContainer;
  /** Below the folder of the instance. */
  readonly file: string;
  /** What players ask for. */
  readonly name: string;
}

/** With the moment at which a file of that name begins. */
export interface DatedName {
  readonly called: RecordingName;
  readonly startedAt: Date;
}

/** What the further files of one recording may be called: `at(0)` is the best. */
export interface NextNames {
  readonly count: number;
  at(index: number): DatedName;
}

/**
 * With the time in it a name needs no number, unless two files begin within one second: a publisher that sends faster than time passes
 * has its files at the times that it sends.
 */
export function nextNames(
  request: RecordRequest,
  number: number,
  startedAt: Date,
  byLength: Date,
): NextNames {
  if (!DATED.test(request.file ?? '') || isNumbered(request)) {
    const at = (index: number) => ({ called: recordingName(request, number + index, startedAt), startedAt });
    return { count: MAX_TRIES, at };
  }
  const plain = [startedAt, byLength];
  const at = (index: number) => {
    const begins = plain[index] ?? startedAt;
    const suffix = Math.max(1, index - plain.length + 2);
    return { called: recordingName(request, number, begins, suffix), startedAt: begins };
  };
  return { count: plain.length + MAX_TRIES, at };
}

/**
 * An index below `count` that is free: the first one where all before it are taken. Looks at few of them, however many are taken.
 * Undefined: none was found.
 */
export function firstFree(count: number, isFree: (index: number) => boolean): number | undefined {
  let taken = -1;
  let free = 0;
  while (!isFree(free)) {
    if (free === count - 1) return undefined;
    taken = free;
    free = Math.min(count - 1, 2 * free + 1);
  }
  while (free - taken > 1) {
    const middle = Math.floor((taken + free) / 2);
    if (isFree(middle)) free = middle;
    else taken = middle;
  }
  return free;
}

function isNumbered({ file }: RecordRequest): boolean {
  return file?.includes('{n}') === true;
}

/**
 * `number`: of the files of one recording, from 1 on; `suffix`: the number at the end of its name, 1 is none. A RecordingError says
 * why it gets none.
 */
export function recordingName(
  request: RecordRequest,
  number: number,
  now: Date,
  suffix = isNumbered(request) ? 1 : number,
): RecordingName {
  const { prefix, name: plain } = splitPrefix(canonicalStreamName(request.stream));
  if (request.file === undefined && plain.includes(':')) throw notAFile(plain);
  const container = containerOf(request, prefix);
  const wanted = request.file === undefined ? plain : filled(request.file, request, plain, number, now);
  const pattern = container === RecordedContainer.Mp4 ? MP4_EXTENSION : FLV_EXTENSION;
  // a stream that is called show.FLV is not the one that is called show
  const keepsExtension = container === RecordedContainer.Mp4 || request.file !== undefined;
  const extension = (keepsExtension && pattern.exec(wanted)?.[0]) || `.${container}`;
  const stem = wanted.endsWith(extension) && keepsExtension ? wanted.slice(0, -extension.length) : wanted;
  const base = container === RecordedContainer.Flv ? withoutFlv(stem) : stem;
  const file = `${base}${suffix === 1 ? '' : `-${suffix}`}${extension}`;
  const problem = nameProblem(base) ?? nameProblem(file);
  if (problem !== undefined) {
    throw new RecordingError(
      'NetStream.Record.NoAccess',
      `A file cannot have the ${request.file === undefined ? "stream's name" : 'name that the script gave'}: ${problem}.`,
    );
  }
  return { container, file, name: streamName(file)! };
}

/** Players find show.flv.flv only where there is no show.flv. */
function withoutFlv(stem: string): string {
  return canonicalStreamName(`flv:${stem}`).replace(/^flv:/, '');
}

function containerOf({ format, file }: RecordRequest, prefix: StreamPrefix | undefined): RecordedContainer {
  if (format !== undefined) return format;
  if (file !== undefined && MP4_EXTENSION.test(file)) return RecordedContainer.Mp4;
  if (prefix === undefined || prefix === 'flv') return RecordedContainer.Flv;
  if (prefix === 'mp4') return RecordedContainer.Mp4;
  throw new RecordingError(
    'NetStream.Record.Failed',
    `${prefix}: is nothing that can be recorded to; mp4: and flv: are, and no prefix is FLV.`,
  );
}

/** Whatever file it had, a stream of another name would have the same one. */
function notAFile(name: string): RecordingError {
  return new RecordingError(
    'NetStream.Record.Failed',
    `${name} is no name of a file, because of its colon: flv: and mp4: say what kind of file a stream is recorded to, and no other ` +
      'prefix is known. A script can give the file another name.',
  );
}

/** What a field stands for cannot leave the folder, nor make another. */
function filled(template: string, request: RecordRequest, stream: string, number: number, now: Date): string {
  const { date, time } = momentOf(now, 'local');
  const values: Record<string, string> = {
    stream: escaped(stream.replace(MP4_EXTENSION, '')),
    application: request.application,
    instance: request.instance,
    client: request.client?.id ?? '',
    ip: request.client?.ip ?? '',
    date,
    time: time.replaceAll(':', '-'),
    n: String(number),
  };
  return template.replace(FIELD, (_, field: string) => {
    if (!Object.hasOwn(values, field)) {
      throw new RecordingError(
        'NetStream.Record.Failed',
        `There is no {${field}} for the name of a file; there are {${Object.keys(values).join('}, {')}}.`,
      );
    }
    return values[field]!.replace(UNFIT, '_').replace(/^\.+/, '_');
  });
}

/** So that streams whose names differ in what no file's name can hold, or in their folder, have different files. */
function escaped(stream: string): string {
  const percent = stream.replace(/%(?=[\da-f]{2})/gi, '%25').replace(/^\./, '%2E');
  return percent.replace(
    UNFIT,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
