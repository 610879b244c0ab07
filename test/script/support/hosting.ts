// The whole script side with the real runner, in a folder of its own.
import assert from 'node:assert/strict';
import { type Clock, systemClock } from '../../../src/application/clock.ts';
import type { InstanceScript } from '../../../src/application/script.ts';
import { bugs } from '../../../src/log/log.ts';
import { ScriptHost } from '../../../src/script/host.ts';
import { DEFAULT_LIMITS } from '../../../src/script/wire.ts';
import { Folder } from './folder.ts';
import { Instance } from './instance.ts';
import { Records } from './records.ts';

const GATE_DEADLINE_MS = 10_000;

export async function hosting(applications: Record<string, string>, clock: Clock = systemClock) {
  const folder = await Folder.create(applications);
  const records = new Records();
  const host = new ScriptHost({
    applicationsDir: folder.path,
    log: records.log,
    applicationLog: () => records.applicationLog,
    server: 'Test',
    hostname: 'localhost',
    settingsFor: () => ({
      limits: DEFAULT_LIMITS,
      gateDeadlineMs: GATE_DEADLINE_MS,
      config: {},
      env: {},
      fetch: { hosts: [], privateAddresses: [], timeoutMs: 1000, maxBytes: 1000, maxRunning: 1 },
      exec: [],
    }),
    clock,
  });
  await host.start();
  const instances: Instance[] = [];
  return {
    folder,
    records,
    host,
    open(application: string, name = '_definst_'): { script: InstanceScript; instance: Instance } {
      const instance = new Instance();
      const script = host.open(application, name, instance);
      assert.ok(script, `${application} has no script`);
      instances.push(instance);
      return { script, instance };
    },
    async [Symbol.asyncDispose]() {
      await host.close();
      await folder[Symbol.asyncDispose]();
      assert.equal(bugs.count, 0, JSON.stringify(records.of('bug')));
    },
  };
}
