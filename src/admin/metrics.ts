// GET /metrics: the numbers as text in the exposition format of Prometheus 0.0.4. Written by hand: a client library keeps
// counters of its own, and ours are counted already; what is left of the format is what stands here.
import type { Administered } from './administered.ts';
import { MetricsPage } from './metrics-page.ts';
import type { ProcessMeter } from './process-meter.ts';
import { addScripts } from './script-metrics.ts';

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Streams with numbers of their own: names are the publishers' choice, and each costs whoever stores them. */
const MAX_STREAMS = 1_000;

export function formatMetrics(
  { statistics, hosts, connections, software, limits }: Administered,
  meter: ProcessMeter,
): string {
  const page = new MetricsPage();
  const server = statistics.server();
  const { cpuPercent, residentBytes, heapBytes, lagMs } = meter.numbers();
  const { load } = server;

  page.gauge('understudy_info', 'Name and version of the software.').add(1, { software });
  page.gauge('understudy_uptime_seconds', 'Time since the start.').add(server.upMs / 1000);
  page.gauge('understudy_connections', 'Open connections, in any state.').add(connections());
  page.gauge('understudy_cpu_ratio', 'Share of one core over the last 5 s.').add(cpuPercent / 100);
  page.gauge('understudy_resident_memory_bytes', 'Memory of the media process.').add(residentBytes);
  page.gauge('understudy_heap_used_bytes', 'JavaScript heap of the media process.').add(heapBytes);
  const lag = page.gauge('understudy_event_loop_lag_seconds', 'Delay of timers over the last 5 s.');
  lag.add(lagMs.p50 / 1000, { quantile: '0.5' });
  lag.add(lagMs.p99 / 1000, { quantile: '0.99' });
  lag.add(lagMs.max / 1000, { quantile: '1' });
  page
    .gauge(
      'understudy_flush_gather_seconds',
      'Time under load for which messages gather before a flush; 0 without load.',
    )
    .add(load.widenedMs / 1000);
  page.counter('understudy_sweeps_total', 'Flushes of a stream to all its players.').add(load.sweeps);
  page.counter('understudy_sweep_seconds_total', 'Time spent in sweeps.').add(load.sweepMs / 1000);
  page.gauge('understudy_sweep_ratio', 'Recent share of the time spent in sweeps.').add(load.sweepShare);
  page.gauge('understudy_held_bytes', 'Memory of media that slow players have not read.').add(load.heldBytes);
  page
    .counter('understudy_connects_rejected_total', 'Refused connects, with and without an application.')
    .add(server.rejected);
  const reached = page.counter(
    'understudy_limits_reached_total',
    'Requests and connections that a limit refused, closed or delayed.',
  );
  for (const { limit, count } of limits()) reached.add(count, { limit });

  const places = hosts.map(({ adaptor, name }) => ({ adaptor, vhost: name }));
  const applications = hosts.flatMap((host, i) =>
    [...host.registry.histories.keys()].map((name) => ({
      labels: { ...places[i], application: name },
      numbers: host.statistics.application(name),
    })),
  );
  const byApplication = [
    ['gauge', 'clients', 'Connected clients.', 'connected'],
    ['counter', 'connects_total', 'Connect requests.', 'connects'],
    ['counter', 'accepted_total', 'Accepted clients.', 'accepted'],
    ['counter', 'rejected_total', 'Refused clients.', 'rejected'],
    ['counter', 'received_bytes_total', 'Received from clients.', 'bytesIn'],
    ['counter', 'sent_bytes_total', 'Sent to clients.', 'bytesOut'],
    ['counter', 'received_messages_total', 'Received from clients.', 'messagesIn'],
    ['counter', 'sent_messages_total', 'Sent to clients.', 'messagesOut'],
    ['counter', 'dropped_messages_total', 'Dropped because a client was slow.', 'messagesDropped'],
    ['counter', 'instances_loaded_total', 'Instances started.', 'instancesLoaded'],
    ['counter', 'instances_unloaded_total', 'Instances stopped.', 'instancesUnloaded'],
  ] as const;
  for (const [kind, name, help, key] of byApplication) {
    const metric = page[kind](`understudy_application_${name}`, help);
    for (const { labels, numbers } of applications) metric.add(numbers[key], labels);
  }

  const outgoing = page.gauge('understudy_outgoing_connections', 'Connections of scripts to other servers.');
  const relayed = page.gauge('understudy_outgoing_streams', 'Streams that scripts publish on other servers.');
  for (const [i, { registry }] of hosts.entries()) {
    for (const { fullName, outgoing: own } of registry.instances) {
      const { connections: open, streams: sent } = own.counts;
      if (open === 0) continue;
      outgoing.add(open, { ...places[i], instance: fullName });
      relayed.add(sent, { ...places[i], instance: fullName });
    }
  }

  const streams = hosts.flatMap(({ registry, statistics: own }, i) =>
    [...registry.instances].flatMap((instance) =>
      own.streams(instance).map((numbers) => ({
        labels: { ...places[i], instance: instance.fullName, stream: numbers.name },
        numbers,
      })),
    ),
  );
  page.gauge('understudy_streams', 'Live streams.').add(streams.length);
  page
    .gauge('understudy_streams_not_listed', `Live streams not listed here: those beyond ${MAX_STREAMS}.`)
    .add(Math.max(0, streams.length - MAX_STREAMS));
  const listed = streams.slice(0, MAX_STREAMS);
  const byStream = [
    ['counter', 'received_bytes_total', 'Received from publishers.', 'bytesIn'],
    ['counter', 'received_messages_total', 'Received from publishers.', 'messagesIn'],
    ['counter', 'sent_bytes_total', 'Sent to players.', 'bytesOut'],
    ['counter', 'sent_messages_total', 'Sent to players.', 'messagesOut'],
    ['counter', 'dropped_messages_total', 'Dropped because a player was slow.', 'messagesDropped'],
    ['counter', 'flushes_total', 'Flushes; each is one write to every player.', 'flushes'],
    [
      'gauge',
      'receive_bytes_per_second',
      'Received from the publisher over the last second.',
      'bytesInPerSecond',
    ],
    ['gauge', 'queued_bytes', 'Unsent data of the slowest player.', 'queuedBytes'],
  ] as const;
  for (const [kind, name, help, key] of byStream) {
    const metric = page[kind](`understudy_stream_${name}`, help);
    for (const { labels, numbers } of listed) metric.add(numbers[key], labels);
  }
  const players = page.gauge('understudy_stream_players', 'Players.');
  for (const { labels, numbers } of listed) players.add(numbers.subscribers.length, labels);
  addScripts(page, hosts);
  return page.toString();
}
