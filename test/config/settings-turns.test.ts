import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultApplicationConfig } from '../../src/config/application.ts';
import { ApplicationSettings } from '../../src/config/application-settings.ts';
import { loadConfig } from '../../src/config/load.ts';
import { SettingsTurns } from '../../src/config/settings-turns.ts';

/** A clock that jumps to the next alarm as soon as everybody waits. */
class Clock {
  ms = 0;
  #alarms: { atMs: number; ring(): void }[] = [];

  now(): number {
    return this.ms;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((ring) => {
      this.#alarms.push({ atMs: this.ms + ms, ring });
      if (this.#alarms.length === 1) setImmediate(() => this.#next());
    });
  }

  #next(): void {
    this.#alarms.sort((a, b) => a.atMs - b.atMs);
    const alarm = this.#alarms.shift();
    if (!alarm) return;
    this.ms = Math.max(this.ms, alarm.atMs);
    alarm.ring();
    if (this.#alarms.length > 0) setImmediate(() => this.#next());
  }
}

test('settings that compute for long are looked through one at a time, a fifth of the time at most, and others come in between', async () => {
  const clock = new Clock();
  const turns = new SettingsTurns(clock);
  const seen: string[] = [];
  let computedMs = 0;
  const save = async (application: string, ms: number) => {
    await turns.rest(application);
    await turns.take(application, () => {
      clock.ms += ms;
      computedMs += ms;
      seen.push(`${application} ${clock.ms}`);
    });
  };
  const flood = async (application: string) => {
    for (let i = 0; i < 5; i += 1) await save(application, 100);
  };
  await Promise.all([flood('evil'), flood('worse'), save('good', 1)]);
  assert.equal(seen.length, 11);
  assert.ok(seen.findIndex((one) => one.startsWith('good')) <= 2, seen.join());
  assert.ok(computedMs <= clock.ms / 5, `${computedMs} of ${clock.ms} ms`);
});

test('what is ordinary waits for nobody, and a mistake does not keep others out', async () => {
  const clock = new Clock();
  const turns = new SettingsTurns(clock);
  for (let i = 0; i < 100; i += 1) await turns.take('good', () => {});
  await assert.rejects(
    turns.take('bad', () => {
      throw new Error('no');
    }),
  );
  assert.equal(await turns.take('good', () => 7), 7);
  assert.equal(clock.ms, 0);
});

test('an application that is saved while its settings wait for their turn is read once, as it was saved last', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'understudy-turns-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'applications/a'), { recursive: true });
  const { defaults } = loadConfig({ root, set: {} }).adaptors[0]!.vhosts[0]!;
  let looks = 0;
  const gate = Promise.withResolvers<void>();
  class Held extends SettingsTurns {
    override rest(): Promise<void> {
      return looks === 0 ? Promise.resolve() : gate.promise;
    }
    override take<T>(application: string, work: () => T): Promise<T> {
      looks += 1;
      return super.take(application, work);
    }
  }
  const fallback = defaultApplicationConfig(defaults);
  const settings = new ApplicationSettings(defaults, fallback, () => {}, new Held(new Clock()));
  const save = (idle: number) => {
    writeFileSync(
      join(root, 'applications/a/Application.xml'),
      `<Application><MaxAppIdleTime>${idle}</MaxAppIdleTime></Application>`,
    );
    return settings.refresh('a');
  };
  await save(30);
  const saves = Array.from({ length: 50 }, (_, i) => save(31 + i));
  gate.resolve();
  await Promise.all(saves);
  assert.equal(looks, 2);
  assert.equal(settings.of('a').maxAppIdleTimeMs, 80_000);
});
