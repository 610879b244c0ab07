// Rows → medians, the figures that are to be reached, Markdown.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figures, Row, Summary } from './row.ts';
import { median, range, ratio } from './statistics.ts';
import { TARGETS, type Target } from './targets.ts';

export interface Results {
  machine: Record<string, string>;
  /** Name → version. */
  servers: Record<string, string>;
  workloads: Record<string, WorkloadResults>;
}

export interface WorkloadResults {
  measuredAt: string;
  isQuick: boolean;
  rows: Row[];
}

export interface Verdict {
  target: Target;
  /** What was measured: a ratio, or the figure itself; undefined: it was not measured. */
  value: number | undefined;
  /** Undefined: not measured. */
  isMet: boolean | undefined;
}

const KEPT = join(import.meta.dirname, 'results.json');
const README = join(import.meta.dirname, 'README.md');
const BEGIN = '<!-- results: written by npm run bench -- --keep -->';
const END = '<!-- end of the results -->';

// ---- medians -----------------------------------------------------------------------------------------------------

export function summarise(rows: readonly Row[]): Summary[] {
  const groups = Map.groupBy(rows, ({ server, count }) => `${count} ${server}`);
  return [...groups.values()].map((group) => {
    // Disturbed rows count only where there are no others.
    const quiet = group.filter((row) => !row.isDisturbed && Object.keys(row.figures).length > 0);
    const used = quiet.length > 0 ? quiet : group;
    const names = [...new Set(used.flatMap((row) => Object.keys(row.figures)))];
    const valuesOf = (name: string) => used.flatMap(({ figures }) => figures[name] ?? []);
    const pick = (choose: (values: number[]) => number | undefined): Figures =>
      Object.fromEntries(
        names.flatMap((name) => {
          const value = choose(valuesOf(name));
          return value === undefined ? [] : [[name, value]];
        }),
      );
    const notes = [...new Set(used.flatMap((row) => row.notes))];
    if (quiet.length === 0 && group.some((row) => row.isDisturbed)) notes.push('disturbed by something else');
    return {
      server: group[0]!.server,
      count: group[0]!.count,
      figures: pick(median),
      lowest: pick((values) => range(values)?.min),
      highest: pick((values) => range(values)?.max),
      repeats: used.length,
      notes,
    };
  });
}

// ---- the figures to reach ----------------------------------------------------------------------------------------

export function verdicts({ workloads }: Results): Verdict[] {
  return TARGETS.map((target) => {
    const summaries = summarise(workloads[target.workload]?.rows ?? []);
    const find = (server: string) =>
      summaries.find(
        (one) => one.server === server && (target.count === undefined || one.count === target.count),
      );
    const own = find(target.server)?.figures[target.figure];
    const value = target.of === undefined ? own : ratio(own, find(target.of)?.figures[target.figure]);
    const isMet =
      value === undefined ? undefined : target.isAtLeast ? value >= target.limit : value <= target.limit;
    return { target, value, isMet };
  });
}

function formatVerdicts(all: readonly Verdict[]): string {
  const lines = all.map(({ target, value, isMet }) => {
    const said = value === undefined ? 'not measured' : `${number(value)}${unitOf(target)}`;
    const limit = `${target.isAtLeast ? '≥' : '≤'} ${number(target.limit)}${unitOf(target)}`;
    const mark = isMet === undefined ? '–' : isMet ? 'yes' : '**no**';
    return [target.what, limit, said, mark];
  });
  return table(['figure', 'to reach', 'measured', 'reached'], lines);
}

function unitOf({ of, unit }: Target): string {
  return of === undefined ? ` ${unit}`.trimEnd() : ` × ${of}`;
}

// ---- tables ------------------------------------------------------------------------------------------------------

/** Which figures of a workload stand in its table, and what they are called there. */
const COLUMNS: Record<string, [figure: string, title: string][]> = {
  floor: [
    ['usPerSend', 'µs a send'],
    ['cpuUsPerPlayer', 'CPU µs/s a player'],
  ],
  start: [
    ['startMs', 'ready after ms'],
    ['rssMb', 'RSS MB'],
    ['pssMb', 'PSS MB'],
  ],
  connects: [
    ['connectsPerSecond', 'connects/s'],
    ['cpuUsPerConnect', 'CPU µs a connect'],
    ['p50Ms', 'p50 ms'],
    ['p99Ms', 'p99 ms'],
  ],
  joins: [
    ['joinsPerSecond', 'joins/s'],
    ['firstMediaP50Ms', 'first media p50 ms'],
    ['firstMediaP99Ms', 'p99 ms'],
    ['firstPictureP50Ms', 'first picture p50 ms'],
    ['rssMb', 'RSS MB'],
  ],
  ingest: [
    ['cpuUsPerPublisher', 'CPU µs/s a publisher'],
    ['meanMs', 'latency mean ms'],
    ['p99Ms', 'p99 ms'],
    ['lost', 'lost'],
    ['rssMb', 'RSS MB'],
  ],
  stalled: [
    ['disconnected', 'let go'],
    ['lastGoneSeconds', 'all gone after s'],
    ['rssGrowthMb', 'RSS growth MB'],
    ['beforeP99Ms', 'others’ p99 before ms'],
    ['p99Ms', 'others’ p99 meanwhile ms'],
    ['lost', 'lost'],
  ],
  'fan-out': [
    ['cpuUsPerPlayer', 'CPU µs/s a player'],
    ['meanMs', 'mean ms'],
    ['videoP50Ms', 'video p50 ms'],
    ['videoP99Ms', 'video p99 ms'],
    ['audioMeanMs', 'audio mean ms'],
    ['lost', 'lost'],
    ['firstMediaP50Ms', 'first media p50 ms'],
    ['rssMb', 'RSS MB'],
  ],
  scripts: [
    ['eventsPerSecond', 'events/s'],
    ['gateP50Ms', 'gate p50 ≤ ms'],
    ['gateP99Ms', 'gate p99 ≤ ms'],
    ['byteP50Ms', 'a byte there and back p50 ms'],
    ['connectP50Ms', 'connect p50 ms'],
    ['connectP99Ms', 'connect p99 ms'],
    ['pauseMs', 'reload pause ms'],
    ['worstPauseMs', 'worst pause ms'],
    ['savedToServingMs', 'save to serving ms'],
    ['backMs', 'back after a kill ms'],
    ['mbPerInstance', 'MB an idle instance'],
    ['rssGrowthMb', 'RSS growth MB'],
  ],
};

export function formatResults(results: Results): string {
  const parts = [
    table(
      ['', ''],
      [...Object.entries(results.machine), ...Object.entries(results.servers)].map(([name, text]) => [
        name,
        text,
      ]),
    ),
    '### Figures to reach',
    formatVerdicts(verdicts(results)),
  ];
  for (const [name, workload] of Object.entries(results.workloads))
    parts.push(...formatWorkload(name, workload));
  return parts.join('\n\n');
}

function formatWorkload(name: string, { measuredAt, isQuick, rows }: WorkloadResults): string[] {
  const summaries = summarise(rows);
  const columns = (COLUMNS[name] ?? []).filter(([figure]) =>
    summaries.some(({ figures }) => figure in figures),
  );
  const header = ['server', 'count', ...columns.map(([, title]) => title), 'runs', 'notes'];
  const lines = summaries.map((one) => [
    one.server,
    one.count === 0 ? '' : String(one.count),
    ...columns.map(([figure]) => cell(one, figure)),
    String(one.repeats),
    one.notes.join('; '),
  ]);
  return [`### ${name}`, `Measured ${measuredAt} UTC${isQuick ? ', quick' : ''}.`, table(header, lines)];
}

/** The median, and the range behind it where there is more than one. */
function cell({ figures, lowest, highest, repeats }: Summary, figure: string): string {
  const value = figures[figure];
  if (value === undefined) return '';
  const low = number(lowest[figure]!);
  const high = number(highest[figure]!);
  return repeats > 1 && low !== high ? `${number(value)} (${low}–${high})` : number(value);
}

function number(value: number): string {
  if (value === 0) return '0';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

function table(header: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [row(header), row(header.map(() => '---')), ...lines.map(row)].join('\n');
}

// ---- keeping -----------------------------------------------------------------------------------------------------

/** Workloads that were measured replace those of before; the others stay as they were. */
export function keep(results: Results): void {
  const before: Partial<Results> = existsSync(KEPT) ? JSON.parse(readFileSync(KEPT, 'utf8')) : {};
  const kept: Results = { ...results, workloads: { ...before.workloads, ...results.workloads } };
  writeFileSync(KEPT, `${JSON.stringify(kept, null, 1)}\n`);
  const text = readFileSync(README, 'utf8');
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin)
    throw new Error(`bench/README.md has no place for results: ${BEGIN} … ${END}`);
  writeFileSync(
    README,
    `${text.slice(0, begin + BEGIN.length)}\n\n${formatResults(kept)}\n\n${text.slice(end)}`,
  );
}
