// docs/metrics.md: names, types and labels of metrics are an API.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AdminCore, basic } from '../support/admin.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
const ROW = /^\| `(understudy_\w+)` \| (gauge|counter|histogram) \| ([\w, ]*) ?\| .+ \|$/gm;

/** Name → type, and labels in their order. */
const documented = new Map(
  [...PAGE.matchAll(ROW)].map(([, name, type, labels]) => [
    name!,
    { type: type!, labels: labels!.trim() === '' ? [] : labels!.trim().split(', ') },
  ]),
);

/** Of a page on which as many metrics as possible have a value. */
async function published(): Promise<{ types: Map<string, string>; labels: Map<string, string[]> }> {
  await using world = await AdminCore.start();
  await world.core.publisher('cam');
  const script = world.scripts.of('live');
  script.isolate().used({
    ...{ cpuMs: 1, heapBytes: 1, turns: { counts: [1], sumMs: 1 } },
    handlers: new Map([['onConnect', { counts: [1], sumMs: 1 }]]),
  });
  script.verdict('onConnect', true, 1);
  script.error('timeout');
  script.limit('turnMs');
  const { body } = await world.request('GET', '/metrics', { authorization: basic('ann') });
  const types = new Map([...body.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => [name!, type!]));
  const labels = new Map<string, string[]>();
  for (const [, sample, pairs = ''] of body.matchAll(/^(understudy_\w+)(?:\{(.*)\})? \S+$/gm)) {
    const family = sample!.replace(/_(bucket|sum|count)$/, '');
    const name = types.get(family) === 'histogram' ? family : sample!;
    labels.set(
      name,
      [...pairs.matchAll(/(\w+)="/g)].map(([, label]) => label!).filter((label) => label !== 'le'),
    );
  }
  return { types, labels };
}

test('docs/metrics.md lists the metrics that the server has, with their types and labels', async () => {
  const { types, labels } = await published();
  assert.deepEqual(
    new Map([...documented].map(([name, { type }]) => [name, type])),
    types,
    'names and types: docs/metrics.md has a row for each metric',
  );
  assert.ok(labels.size >= types.size - 2, `too few metrics had a value: ${[...labels.keys()]}`);
  for (const [name, found] of labels) assert.deepEqual(documented.get(name)!.labels, found, name);
});

test('docs/metrics.md writes expressions with metrics that exist', () => {
  for (const [name] of PAGE.matchAll(/understudy_\w+/g)) {
    assert.ok(documented.has(name.replace(/_bucket$/, '')), name);
  }
});
