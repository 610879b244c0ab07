// The whole script side with the real runner, in a folder of its own.
import assert from 'node:assert/strict';
import { pacedBy } from '../../../src/adaptor/link/paced-stream.ts';
import { bindError } from '../../../src/adaptor/ports/bind-error.ts';
import { ErrorRecords } from '../../../src/application/accounts/error-records.ts';
import type { InstanceScript } from '../../../src/application/contract/script.ts';
import { FairTurns } from '../../../src/application/pace/fair-turns.ts';
import { Turns } from '../../../src/application/pace/turns.ts';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { LineLimit } from '../../../src/log/line-limit.ts';
import { bugs } from '../../../src/log/log.ts';
import { SecretMask } from '../../../src/log/secrets.ts';
import { ScriptHost } from '../../../src/script/host/host.ts';
import type { ScriptSettings } from '../../../src/script/host/host-options.ts';
import { Inspector } from '../../../src/script/inspect/inspector.ts';
import { Runners } from '../../../src/script/process/runners.ts';
import { buildScript } from '../../../src/script/source/build.ts';
import { FileStores } from '../../../src/storage/store-backend.ts';
import { scriptSettings } from '../../../src/wiring/settings.ts';
import { testSettings } from '../../support/settings.ts';
import { BUILD_LIMITS } from './built.ts';
import { Folder } from './folder.ts';
import { Instance } from './instance.ts';
import { Records } from './records.ts';

/** Whom the runner becomes when root runs the tests. */
export const NOBODY = { uid: 65534, gid: 65534 };

export async function hosting(
  applications: Record<string, string>,
  clock: Clock = systemClock,
  settings: (application: string) => Partial<ScriptSettings> = () => ({}),
  launcher: readonly string[] = [],
  maxRssBytes = 1 << 30,
) {
  const folder = await Folder.create(applications);
  const records = new Records();
  const runners = new Runners({
    ...{ clock, log: records.log, maxRssBytes, applicationShare: 0.75, launcher },
    user: NOBODY,
  });
  const lines = new LineLimit(systemClock);
  const paced = pacedBy(new Turns(systemClock));
  const inspector = new Inspector({ port: 0, software: 'Test', log: records.log, lines, paced, bindError });
  let lastErrorId = 0;
  const errors = new ErrorRecords({ nowMs: () => Date.now(), nextId: () => ++lastErrorId });
  const host = new ScriptHost({
    errors,
    mask: new SecretMask(),
    applicationsDir: folder.path,
    stores: new FileStores(folder.path, (error) => assert.fail(error as Error)),
    log: records.log,
    applicationLog: () => records.applicationLog,
    server: 'Test',
    hostname: 'localhost',
    lines: new LineLimit(systemClock),
    maxWatchedFiles: 20_000,
    logBytes: 1 << 20,
    maxPrograms: 200,
    fetchTurns: new FairTurns({ max: 256, maxOfOne: 64 }),
    hostId: 'test',
    hasRoom: () => true,
    settingsRead: () => Promise.resolve(),
    settingsFor: (application) => ({
      ...scriptSettings(testSettings(), false),
      ...settings(application),
    }),
    onSettings: (application) => host.configure(application),
    clock,
    build: (request) => buildScript(request, BUILD_LIMITS),
    runners,
    inspector,
  });
  await Promise.all([runners.start(), host.start()]);
  const instances: Instance[] = [];
  return {
    folder,
    records,
    host,
    errors,
    runners,
    inspector,
    open(application: string, name = '_definst_'): { script: InstanceScript; instance: Instance } {
      const instance = new Instance();
      const script = host.open(application, name, instance);
      assert.ok(script, `${application} has no script`);
      instances.push(instance);
      return { script, instance };
    },
    async [Symbol.asyncDispose]() {
      await inspector.close();
      await host.close();
      await runners.close();
      await folder[Symbol.asyncDispose]();
      assert.equal(bugs.count, 0, JSON.stringify(records.of('bug')));
    },
  };
}
