// The numbers of scripts, for Prometheus and for administrators.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdminCore, basic } from '../support/admin.ts';

const PLACE = 'adaptor="_defaultRoot_",vhost="_defaultVHost_",application="live"';

function fill({ scripts }: AdminCore): void {
  const live = scripts.of('live');
  const isolate = live.isolate();
  live.isolate().gone();
  const turns = { counts: [3, 0, 1], sumMs: 6.5 };
  isolate.used({
    ...{ cpuMs: 250, heapBytes: 4096, turns },
    handlers: new Map([
      ['onConnect', { counts: [2], sumMs: 3 }],
      ['client.say "hi"\n', { counts: [0, 1], sumMs: 7 }],
    ]),
  });
  live.verdict('onConnect', true, 0.5);
  live.verdict('onConnect', false, 1.5);
  live.defaultVerdict('onPlay');
  live.error('timeout');
  live.limit('turnMs');
  live.reloads += 1;
  live.failedReloads += 2;
  live.restarts += 3;
}

test('Prometheus has them by application and handler, times as histograms', async () => {
  await using world = await AdminCore.start();
  fill(world);
  const { body } = await world.request('GET', '/metrics', { authorization: basic('ann') });
  const lines = body.split('\n');
  for (const line of [
    `understudy_script_isolates{${PLACE}} 1`,
    `understudy_script_heap_bytes{${PLACE}} 4096`,
    `understudy_script_cpu_seconds_total{${PLACE}} 0.25`,
    `understudy_script_restarts_total{${PLACE}} 3`,
    `understudy_script_reloads_total{${PLACE},result="ok"} 1`,
    `understudy_script_reloads_total{${PLACE},result="failed"} 2`,
    `understudy_script_errors_total{${PLACE},kind="timeout"} 1`,
    `understudy_script_limits_total{${PLACE},limit="turnMs"} 1`,
    `understudy_script_verdicts_total{${PLACE},gate="onConnect",verdict="accepted"} 1`,
    `understudy_script_verdicts_total{${PLACE},gate="onConnect",verdict="rejected"} 1`,
    `understudy_script_verdicts_total{${PLACE},gate="onPlay",verdict="default"} 1`,
    '# TYPE understudy_script_gate_seconds histogram',
    `understudy_script_gate_seconds_bucket{${PLACE},gate="onConnect",le="0.001"} 1`,
    `understudy_script_gate_seconds_bucket{${PLACE},gate="onConnect",le="0.002"} 2`,
    `understudy_script_gate_seconds_bucket{${PLACE},gate="onConnect",le="+Inf"} 2`,
    `understudy_script_gate_seconds_sum{${PLACE},gate="onConnect"} 0.002`,
    `understudy_script_gate_seconds_count{${PLACE},gate="onConnect"} 2`,
    `understudy_script_turn_seconds_bucket{${PLACE},le="0.001"} 3`,
    `understudy_script_turn_seconds_bucket{${PLACE},le="0.002"} 3`,
    `understudy_script_turn_seconds_bucket{${PLACE},le="+Inf"} 4`,
    `understudy_script_handler_seconds_count{${PLACE},handler="onConnect"} 2`,
    `understudy_script_handler_seconds_sum{${PLACE},handler="client.say \\"hi\\"\\n"} 0.007`,
  ]) {
    assert.ok(lines.includes(line), `${line} is not among\n${body}`);
  }
});

test('however many handlers scripts name, those with numbers are bounded', async () => {
  await using world = await AdminCore.start();
  for (let app = 0; app < 20; app += 1) {
    const isolate = world.scripts.of(`app${app}`).isolate();
    const durations = { counts: [1], sumMs: 1 };
    for (let i = 0; i < 200; i += 1) {
      const handlers = new Map([[`client.m${i}`, durations]]);
      isolate.used({ cpuMs: 0, heapBytes: 0, turns: durations, handlers });
    }
  }
  const { body } = await world.request('GET', '/metrics', { authorization: basic('ann') });
  assert.equal(body.match(/^understudy_script_handler_seconds_count\{/gm)!.length, 500);
  assert.match(body, /^understudy_script_handlers_not_listed 520$/m);
  assert.equal(world.scripts.of('app7').handlers.get('other')!.count, 150);
});

test('the application has them, as JSON and in the answer to getAppStats', async () => {
  await using world = await AdminCore.start();
  fill(world);
  const { script } = (await world.json('GET', '/applications/live')).value;
  assert.deepEqual(script, {
    ...{ isolates: 1, heapBytes: 4096, cpuMs: 250, reloads: 1, failedReloads: 2, restarts: 3 },
    turns: { count: 4, totalMs: 6.5, p50Ms: 1, p99Ms: 2 },
    handlers: [
      { name: 'onConnect', count: 2, totalMs: 3, p50Ms: 5, p99Ms: 5 },
      { name: 'client.say "hi"\n', count: 1, totalMs: 7, p50Ms: 5, p99Ms: 5 },
    ],
    gates: [
      { name: 'onConnect', accepted: 1, rejected: 1, byDefault: 0, count: 2, totalMs: 2, p50Ms: 1, p99Ms: 2 },
      { name: 'onPlay', accepted: 0, rejected: 0, byDefault: 1, count: 0, totalMs: 0, p50Ms: 0, p99Ms: 0 },
    ],
    errors: [{ kind: 'timeout', count: 1 }],
    limits: [{ name: 'turnMs', count: 1 }],
  });
  const { data } = await world.call('getAppStats', { app: 'live' });
  assert.deepEqual([data.script.isolates, data.script.gates[0].accepted], ['1', '1']);
  assert.equal((await world.json('GET', '/applications/other')).value.script, undefined);
});
