// The numbers of scripts, for Prometheus and as plain values.
import type { Histogram, ScriptMetrics } from '../application/accounts/script-metrics.ts';
import type { AdministeredHost } from './administered.ts';
import type { MetricsPage } from './metrics-page.ts';
import { array, integer, number, object, string } from './schema.ts';

/** With numbers of their own here, of all applications: their names are the scripts' choice. */
const MAX_HANDLERS = 500;

export function addScripts(page: MetricsPage, hosts: readonly AdministeredHost[]): void {
  const scripts = hosts.flatMap(({ adaptor, name: vhost, scripts: own }) =>
    [...own.all].map(([application, metrics]) => ({ labels: { adaptor, vhost, application }, metrics })),
  );
  const single = [
    ['gauge', 'isolates', 'Loaded versions of scripts.', (m) => m.isolates],
    ['gauge', 'heap_bytes', 'Memory of the loaded versions at the last measurement.', (m) => m.heapBytes],
    ['counter', 'cpu_seconds_total', 'CPU time of scripts.', (m) => m.cpuMs / 1000],
    ['counter', 'restarts_total', 'Restarts after a crash.', (m) => m.restarts],
  ] as const satisfies [kind: string, name: string, help: string, of: (metrics: ScriptMetrics) => number][];
  for (const [kind, name, help, of] of single) {
    const metric = page[kind](`understudy_script_${name}`, help);
    for (const { labels, metrics } of scripts) metric.add(of(metrics), labels);
  }

  const reloads = page.counter(
    'understudy_script_reloads_total',
    'New versions, by result: in use (ok) or failed.',
  );
  for (const { labels, metrics } of scripts) {
    reloads.add(metrics.reloads, { ...labels, result: 'ok' });
    reloads.add(metrics.failedReloads, { ...labels, result: 'failed' });
  }
  const errors = page.counter('understudy_script_errors_total', 'Errors of scripts.');
  for (const { labels, metrics } of scripts)
    for (const [kind, count] of metrics.errors) errors.add(count, { ...labels, kind });
  const limits = page.counter('understudy_script_limits_total', 'Errors caused by a limit, by limit.');
  for (const { labels, metrics } of scripts)
    for (const [limit, count] of metrics.limits) limits.add(count, { ...labels, limit });
  const verdicts = page.counter(
    'understudy_script_verdicts_total',
    'Decisions of gates; "default": made without the script.',
  );
  for (const { labels, metrics } of scripts) {
    for (const [gate, { accepted, rejected, byDefault }] of metrics.gates) {
      verdicts.add(accepted, { ...labels, gate, verdict: 'accepted' });
      verdicts.add(rejected, { ...labels, gate, verdict: 'rejected' });
      verdicts.add(byDefault, { ...labels, gate, verdict: 'default' });
    }
  }

  const gates = page.histogram(
    'understudy_script_gate_seconds',
    'Time from the request to the decision of the script.',
  );
  for (const { labels, metrics } of scripts)
    for (const [gate, { answers }] of metrics.gates) gates.add(answers, { ...labels, gate });
  const turns = page.histogram(
    'understudy_script_turn_seconds',
    'Duration of batches of events, including the transfer to the isolate.',
  );
  for (const { labels, metrics } of scripts) turns.add(metrics.turns, labels);
  const all = scripts.flatMap(({ labels, metrics }) =>
    [...metrics.handlers].map(([handler, durations]) => ({ labels: { ...labels, handler }, durations })),
  );
  page
    .gauge('understudy_script_handlers_not_listed', `Handlers not listed here: those beyond ${MAX_HANDLERS}.`)
    .add(Math.max(0, all.length - MAX_HANDLERS));
  const handlers = page.histogram(
    'understudy_script_handler_seconds',
    'Duration of script functions, without the time they await.',
  );
  for (const { labels, durations } of all.slice(0, MAX_HANDLERS)) handlers.add(durations, labels);
}

const durations = {
  count: integer(),
  totalMs: number(),
  p50Ms: number('Upper bound of the median.'),
  p99Ms: number(),
};

export const SCRIPT = object(
  {
    isolates: integer('Loaded versions of the script.'),
    heapBytes: integer('Memory of the loaded versions at the last measurement.'),
    cpuMs: number('CPU time, in milliseconds.'),
    turns: object(durations, 'Handled batches of events.'),
    handlers: array(
      object({ name: string(), ...durations }),
      'Duration of its functions, without the time they await.',
    ),
    gates: array(
      object({
        name: string(),
        accepted: integer(),
        rejected: integer(),
        byDefault: integer('Decisions made without the script.'),
        ...durations,
      }),
    ),
    errors: array(object({ kind: string(), count: integer() })),
    limits: array(object({ name: string(), count: integer() }), 'Limits that the script has reached.'),
    reloads: integer(),
    failedReloads: integer(),
    restarts: integer(),
  },
  'Missing: there were none.',
);

/** As SCRIPT says; undefined: there is none. */
export function scriptNumbers({ scripts }: AdministeredHost, application: string) {
  const metrics = scripts.all.get(application);
  if (!metrics) return undefined;
  const { isolates, heapBytes, cpuMs, turns, reloads, failedReloads, restarts } = metrics;
  return {
    isolates,
    heapBytes,
    cpuMs: rounded(cpuMs),
    turns: summary(turns),
    handlers: [...metrics.handlers].map(([name, histogram]) => ({ name, ...summary(histogram) })),
    gates: [...metrics.gates].map(([name, { answers, ...counts }]) => ({
      name,
      ...counts,
      ...summary(answers),
    })),
    errors: [...metrics.errors].map(([kind, count]) => ({ kind, count })),
    limits: [...metrics.limits].map(([name, count]) => ({ name, count })),
    ...{ reloads, failedReloads, restarts },
  };
}

function summary(histogram: Histogram) {
  const { count, sumMs } = histogram;
  const [p50Ms, p99Ms] = [histogram.quantileMs(0.5), histogram.quantileMs(0.99)];
  return { count, totalMs: rounded(sumMs), p50Ms, p99Ms };
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
