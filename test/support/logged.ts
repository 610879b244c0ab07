// A core with an access log, and its lines.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Journal } from '../../src/application/accounts/journal.ts';
import {
  ACCESS_EVENTS,
  ACCESS_FIELDS,
  type AccessEvent,
  type AccessField,
} from '../../src/log/access-fields.ts';
import { AccessLog } from '../../src/log/access-log.ts';
import { SecretMask } from '../../src/log/secrets.ts';
import { systemTime } from '../../src/log/time.ts';
import { FMS_FORMAT } from '../../src/log/w3c.ts';
import { Core, type CoreOptions, until } from './core.ts';
import { ManualClock } from './manual-clock.ts';

export type Line = Record<AccessField, string>;

export class Logged implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'understudy-access-'));
  readonly clock = new ManualClock();
  readonly #log: AccessLog;
  readonly #journal: Journal;
  core!: Core;

  private constructor() {
    const rotation = { maxBytes: 1 << 30, schedule: undefined, history: 1, rename: true };
    this.#log = new AccessLog(
      {
        file: { directory: this.folder, fileName: 'access.[NN].log', rotation, zone: 'utc' },
        format: FMS_FORMAT,
        events: Object.keys(ACCESS_EVENTS) as AccessEvent[],
        fields: ACCESS_FIELDS,
        mask: new SecretMask(),
        software: 'Understudy',
      },
      {
        time: systemTime,
        onProblem: (_path, error) => assert.fail(error),
        load: () => ({ cpuPercent: 0, memoryPercent: 0 }),
      },
    );
    this.#journal = new Journal({
      clock: this.clock,
      adaptor: '_defaultRoot_',
      vhost: '_defaultVHost_',
      write: (event, values) => this.#log.write(event, values),
      checkpoints: { checkMs: 60_000, lineMs: 3_600_000 },
    });
  }

  static async start(options: CoreOptions = {}): Promise<Logged> {
    const logged = new Logged();
    const registry = { journal: logged.#journal, ...options.registry };
    logged.core = await Core.start({ clock: logged.clock, ...options, registry });
    return logged;
  }

  async text(): Promise<string> {
    await this.#log.close();
    return readFileSync(join(this.folder, 'access.00.log'), 'utf8');
  }

  async lines(...events: AccessEvent[]): Promise<Line[]> {
    const lines = (await this.text()).split('\r\n').filter((line) => line !== '' && !line.startsWith('#'));
    const all = lines.map((line) => {
      const cells = line.split('\t');
      assert.equal(cells.length, ACCESS_FIELDS.length, line);
      return Object.fromEntries(ACCESS_FIELDS.map((field, i) => [field, cells[i]])) as Line;
    });
    const wanted: readonly string[] = events;
    return events.length === 0 ? all : all.filter((line) => wanted.includes(line['x-event']));
  }

  /** `event field field…` of every line. */
  async summary(...fields: AccessField[]): Promise<string[]> {
    return (await this.lines()).map((line) =>
      [line['x-event'], ...fields.map((field) => line[field])].join(' '),
    );
  }

  /** Until the server has seen everybody go. */
  async left(): Promise<void> {
    await until('the end of all sessions', () => this.core.sessionCount === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.core[Symbol.asyncDispose]();
    this.#journal.close();
    await this.#log.close();
    rmSync(this.folder, { recursive: true });
  }
}
