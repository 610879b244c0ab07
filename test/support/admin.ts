// The administration of a core: its accounts, its port, and clients of its three ways in.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseXml, XmlElement, XmlText } from '@rgrove/parse-xml';
import { pacedBy } from '../../src/adaptor/link/paced-stream.ts';
import { bindError } from '../../src/adaptor/ports/bind-error.ts';
import type { User } from '../../src/admin/accounts.ts';
import { Admin, type AdminOptions } from '../../src/admin/admin.ts';
import type { Administered, AdministeredHost } from '../../src/admin/administered.ts';
import { ErrorRecords } from '../../src/application/accounts/error-records.ts';
import { ScriptMetricsBook } from '../../src/application/accounts/script-metrics.ts';
import type { RecordedStream } from '../../src/application/contract/recorded.ts';
import { Statistics } from '../../src/application/instance/statistics.ts';
import { LoadGovernor } from '../../src/application/live/flush.ts';
import { Turns } from '../../src/application/pace/turns.ts';
import { SecretMask } from '../../src/log/secrets.ts';
import { RunFolder } from '../../src/wiring/run-folder.ts';
import { Core, type CoreOptions, keepingLog, type LogRecord, TURN_CLOCK } from './core.ts';

export const PASSWORD = 'correct horse battery';

// biome-ignore lint/suspicious/noExplicitAny: tests look into it and say what they expect
export type Loose = any;

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export interface AdminCoreOptions extends CoreOptions {
  admin?: Partial<AdminOptions>;
}

/** A user whose password is not hashed, so that tests need not wait for that. */
export function user(name: string, password = PASSWORD, admits = (_ip: string) => true): User {
  return { name, password, isHashed: false, isLocal: false, admits };
}

/** conf/ is somebody else's subject: each setting says its own name, and what is written is forgotten. */
export const NO_SETTINGS: Administered['settings'] = {
  read: (file, path) => `${file.kind} ${path.join('/')}`,
  write() {},
};

/** A virtual host with a recording `show` in each of its instances, called `stage` as well. */
export function administeredHost(
  { registry }: Core,
  statistics: Statistics,
  own: Partial<AdministeredHost> = {},
): AdministeredHost {
  const recordings = new Set(['show']);
  const aliases = ['stage'];
  return {
    adaptor: '_defaultRoot_',
    name: '_defaultVHost_',
    registry,
    statistics,
    applications: () => ['live'],
    problemOf: () => undefined,
    refresh: async () => {},
    addApplication() {},
    errors: new ErrorRecords({ nowMs: () => 0, nextId: () => 1 }),
    scripts: noScripts(),
    removeApplication: () => '',
    sharesApplications: false,
    recorded: {
      names: async () => [...recordings],
      cacheStats: { bytes: 5, segments: 1, hits: 2, reads: 1 },
      open: async ({ name }) => (recordings.has(name) ? RECORDED : undefined),
    },
    recorders: { clear: async ({ stream }) => recordings.delete(stream) },
    aliases,
    addAlias: (alias) => !aliases.includes(alias) && aliases.push(alias) > 0,
    removeAlias: (alias) => alias !== 'stage' && aliases.splice(aliases.indexOf(alias) >>> 0, 1).length > 0,
    stopServing: () => registry.suspend(),
    startServing: () => registry.resume(),
    ...own,
  };
}

const RECORDED: RecordedStream = {
  path: '/show.flv',
  sizeBytes: 5_000,
  lengthMs: 2_500,
  hasVideo: true,
  isGrowing: false,
  onGrown: () => () => {},
  keyframeBefore: async () => undefined,
  keyframeFrom: async () => undefined,
  read: async () => undefined,
  close() {},
};

/** Turns up to 1 and 2 ms, handlers up to 5. */
export function noScripts(): ScriptMetricsBook {
  return new ScriptMetricsBook({ turnMs: [1, 2], handlerMs: [5] });
}

export class AdminCore implements AsyncDisposable {
  readonly core: Core;
  readonly admin: Admin;
  readonly statistics: Statistics;
  /** Of scripts. */
  readonly errors: ErrorRecords;
  readonly scripts: ScriptMetricsBook;
  /** A folder of its own, gone at the end. */
  readonly root: string;
  /** The admin log. */
  readonly written: readonly string[];
  /** The server's own. */
  readonly log: readonly LogRecord[];
  /** Whose wishes to stop were heard. */
  readonly stops: readonly string[];
  /** Applications that were to be made. */
  readonly added: readonly string[];
  /** And to be put aside. */
  readonly removed: readonly string[];

  get runFile(): string {
    return RunFolder.of(this.root).adminFile;
  }

  private constructor(
    parts: Pick<
      AdminCore,
      | 'core'
      | 'root'
      | 'statistics'
      | 'errors'
      | 'scripts'
      | 'admin'
      | 'written'
      | 'log'
      | 'stops'
      | 'added'
      | 'removed'
    >,
  ) {
    this.core = parts.core;
    this.root = parts.root;
    this.statistics = parts.statistics;
    this.errors = parts.errors;
    this.scripts = parts.scripts;
    this.admin = parts.admin;
    this.written = parts.written;
    this.log = parts.log;
    this.stops = parts.stops;
    this.added = parts.added;
    this.removed = parts.removed;
  }

  static async start({ admin: options, ...rest }: AdminCoreOptions = {}): Promise<AdminCore> {
    const core = await Core.start(rest);
    const { registry, clock } = core;
    const root = mkdtempSync(join(tmpdir(), 'understudy-admin-'));
    const governor = new LoadGovernor(clock);
    const statistics = new Statistics({ registries: [registry], governor, clock });
    let lastErrorId = 0;
    const errors = new ErrorRecords({ nowMs: () => clock.now(), nextId: () => ++lastErrorId });
    const scripts = noScripts();
    const written: string[] = [];
    const stops: string[] = [];
    const added: string[] = [];
    const removed: string[] = [];
    const { log, records } = keepingLog();
    const admin = await Admin.open({
      bindError,
      administered: {
        software: 'Understudy/test',
        hosts: [
          administeredHost(core, statistics, {
            errors,
            scripts,
            applications: () => ['live', 'other'],
            addApplication: (name) => added.push(name),
            removeApplication: (name) => {
              removed.push(name);
              return `/removed/${name}`;
            },
          }),
        ],
        statistics,
        settings: NO_SETTINGS,
        limits: () => core.lines.limitCounts(),
        connections: () => core.sessionCount,
        stop: (why) => stops.push(why),
      },
      listen: [{ host: '127.0.0.1', port: 0 }],
      admits: () => true,
      users: [user('ann')],
      loginLimits: { maxFailures: 3, recoveryMs: 30_000, lockoutFailures: 300 },
      usersFile: join(root, 'conf', 'Users.local.xml'),
      mayCall: () => true,
      isElemStyle: false,
      runFile: RunFolder.of(root).adminFile,
      clock,
      nowMs: () => Date.UTC(2026, 6, 23, 8, 25, 52) + clock.now(),
      log,
      lines: core.lines,
      hostNames: [],
      paced: pacedBy(new Turns(TURN_CLOCK)),
      write: (status, text) => written.push(`${status} ${text}`),
      mask: new SecretMask(),
      ...options,
    });
    return new AdminCore({
      core,
      root,
      statistics,
      errors,
      scripts,
      admin,
      written,
      stops,
      added,
      removed,
      log: records,
    });
  }

  get port(): number {
    const [address] = this.admin.addresses;
    assert.ok(address, 'no port of the administration is open');
    return address.port;
  }

  /** As it is written, unlike fetch, which tidies up what it is given. */
  request(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body: string | Uint8Array = '',
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { port } = this;
      const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          resolve({ status: response.statusCode!, headers: response.headers, body: text });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** `/admin/METHOD`, as a client of Adobe Media Server asks. */
  async call(
    method: string,
    parameters: Record<string, string> = {},
    login: Record<string, string> = { auser: 'ann', apswd: PASSWORD },
  ): Promise<AmsResult> {
    const query = new URLSearchParams({ ...login, ...parameters });
    const { status, headers, body } = await this.request('GET', `/admin/${method}?${query}`);
    assert.equal(status, 200, body);
    assert.match(String(headers['content-type']), /^text\/xml/);
    return readAmsResult(body);
  }

  /** `/api/v1`; answers its JSON with its status. */
  async json(
    method: string,
    path: string,
    body?: unknown,
    authorization = basic('ann'),
  ): Promise<{ status: number; value: Loose }> {
    const { status, body: text } = await this.request(
      method,
      `/api/v1${path}`,
      { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body === undefined ? '' : JSON.stringify(body),
    );
    return { status, value: text === '' ? undefined : JSON.parse(text) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admin.close();
    this.statistics.close();
    rmSync(this.root, { recursive: true, force: true });
    await this.core[Symbol.asyncDispose]();
  }
}

export function basic(name: string, password = PASSWORD): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
}

/** What a client of Adobe Media Server makes of an answer: XML → object, elements `_0`, `_1`… → list. */
export interface AmsResult {
  level: string;
  code: string;
  timestamp: string;
  description?: string;
  data?: Loose;
}

export function readAmsResult(xml: string): AmsResult {
  const { root } = parseXml(xml);
  assert.equal(root?.name, 'result');
  return plain(root) as AmsResult;
}

function plain(element: XmlElement): unknown {
  const children = element.children.filter((node) => node instanceof XmlElement);
  if (children.length === 0) {
    return element.children.map((node) => (node instanceof XmlText ? node.text : '')).join('');
  }
  const isList = children.every(({ name }) => /^_\d+$/.test(name));
  if (isList) return children.map(plain);
  return Object.fromEntries(children.map((child) => [child.attributes.name ?? child.name, plain(child)]));
}
