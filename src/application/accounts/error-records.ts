// What has gone wrong in scripts of late: one record for every way in which they fail. Logs, administrators and the terminal
// show it alike.
import { basename, posix } from 'node:path';
import type { ConfigError } from '../../errors.ts';

/**
 * `settings`: its Application.xml cannot be used. `build`: it does not bundle. `load`: its top level or onAppStart. `verdict`: a gate that returned none. `limit`: more than it
 * may. `crash`: its isolate, or the process around it, ended.
 */
export const ERROR_KINDS = [
  'settings',
  'build',
  'load',
  'handler',
  'rejection',
  'verdict',
  'timeout',
  'limit',
  'crash',
] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

/** Lines and columns count from 1; files are relative to the application's folder. A frame of the engine has no file. */
export interface ErrorFrame {
  function?: string;
  file?: string;
  line?: number;
  column?: number;
}

export interface ErrorFacts {
  application: string;
  /** Missing: all of them, as where a script does not bundle. */
  instance?: string;
  kind: ErrorKind;
  /** `onPublish`, `client.sendMessage`, `timer`; missing: outside of any. */
  handler?: string;
  message: string;
  /** For programs: the limit that was met (`turnMs`, `memoryMb`), or the class of what was thrown (`TypeError`). */
  code?: string;
  file?: string;
  line?: number;
  column?: number;
  /** That line, where it does not bundle. */
  lineText?: string;
  /** The innermost first. */
  frames: readonly ErrorFrame[];
  /** Whom it was about, the last time. */
  client?: string;
}

/** What a repeated error has of its last time. */
export type LatestFacts = Partial<Pick<ErrorFacts, 'client' | 'file' | 'line' | 'column' | 'frames'>>;

export interface ErrorRecord extends ErrorFacts {
  /** Later ones have greater ids, whatever their application. */
  readonly id: number;
  /** Of the first time and of the last, as ISO 8601 has it. */
  readonly time: string;
  readonly lastTime: string;
  /** How often, as long as it kept coming. */
  readonly count: number;
}

/** Of an application. */
const MAX_RECORDS = 100;
/** The same again within such a time is counted; later it is news. */
const REPEAT_MS = 60_000;

export interface ErrorRecordsOptions {
  /** Of the wall clock, ms. */
  nowMs(): number;
  /** Of all records of the server. */
  nextId(): number;
}

interface Entry {
  readonly key: string;
  record: ErrorRecord;
  lastMs: number;
}

/** Of the applications of one virtual host. */
export class ErrorRecords {
  readonly #options: ErrorRecordsOptions;
  /** By application, the oldest first. */
  readonly #entries = new Map<string, Entry[]>();
  readonly #listeners = new Set<(record: ErrorRecord) => void>();

  constructor(options: ErrorRecordsOptions) {
    this.#options = options;
  }

  /**
   * Counts it if it has come of late: `key` says what is the same, `latest` what is different this time. Undefined: it is to
   * be added.
   */
  repeat(application: string, key: string, latest: LatestFacts = {}): ErrorRecord | undefined {
    const nowMs = this.#options.nowMs();
    const entry = this.#entries.get(application)?.findLast((one) => one.key === key);
    if (!entry || nowMs - entry.lastMs > REPEAT_MS) return undefined;
    entry.lastMs = nowMs;
    const { record } = entry;
    const lastTime = new Date(nowMs).toISOString();
    entry.record = { ...record, count: record.count + 1, lastTime, ...latest };
    this.#tell(entry.record);
    return entry.record;
  }

  add(key: string, facts: ErrorFacts): ErrorRecord {
    const { nowMs, nextId } = this.#options;
    const lastMs = nowMs();
    const time = new Date(lastMs).toISOString();
    const record = { id: nextId(), time, lastTime: time, count: 1, ...facts };
    const entries = this.#entries.get(facts.application) ?? [];
    this.#entries.set(facts.application, entries);
    entries.push({ key, record, lastMs });
    if (entries.length > MAX_RECORDS) entries.shift();
    this.#tell(record);
    return record;
  }

  /** Of its Application.xml. */
  settings(application: string, { place, what, message, code }: ConfigError): void {
    if (this.repeat(application, message)) return;
    const at = place && { file: basename(place.file), ...(place.line !== undefined && { line: place.line }) };
    this.add(message, {
      application,
      kind: 'settings',
      message: place ? what : message,
      code,
      ...at,
      frames: [],
    });
  }

  /** Of an application, or of all of them; the oldest first. */
  recent(application?: string): ErrorRecord[] {
    const lists =
      application === undefined ? [...this.#entries.values()] : [this.#entries.get(application) ?? []];
    return lists
      .flat()
      .map(({ record }) => record)
      .sort((a, b) => a.id - b.id);
  }

  /** Every one from now on, and each time that it comes again. Returns its own undo. */
  listen(listener: (record: ErrorRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(record: ErrorRecord): void {
    for (const listener of this.#listeners) listener(record);
  }
}

/** `chat/main.ts:3:7: onPublish: TypeError: …`, and its frames below: editors and terminals make links of it. */
export function formatError(record: ErrorFacts & { count?: number }): string {
  const { application, handler, message, frames, count = 1 } = record;
  const what = handler === undefined ? message : `${handler}: ${message}`;
  const times = count > 1 ? ` (${count} times)` : '';
  const head = `${placeOf(application, record) ?? application}: ${what}${times}`;
  return [head, ...frames.map((frame) => `    at ${formatFrame(application, frame)}`)].join('\n');
}

function formatFrame(application: string, frame: ErrorFrame): string {
  const place = placeOf(application, frame) ?? '<anonymous>';
  return frame.function === undefined ? place : `${frame.function} (${place})`;
}

function placeOf(application: string, { file, line, column }: ErrorFrame): string | undefined {
  if (file === undefined) return undefined;
  return [posix.join(application, file), line, column].filter((part) => part !== undefined).join(':');
}
