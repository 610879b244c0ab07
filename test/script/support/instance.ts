// A script's instance, its runner and its clock, all in the hands of a test.
import assert from 'node:assert/strict';
import { setImmediate as tick } from 'node:timers/promises';
import type {
  ClientFacts,
  InstanceCommand,
  InstanceSnapshot,
  InvokeResult,
  ScriptCommands,
  Verdict,
} from '../../../src/application/contract/script.ts';
import { IDS_PER_VERSION } from '../../../src/script/commands/keys.ts';
import { type Counters, InstanceScriptHost } from '../../../src/script/host/instance-script.ts';
import { StrikeBook } from '../../../src/script/journal/strikes.ts';
import { encodeScript, type ScriptBuild } from '../../../src/script/source/build-outcome.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { testSettings } from '../../support/settings.ts';
import { FakeRunner, type FakeUnit } from './fake-runner.ts';
import { Records } from './records.ts';

const { limits: LIMITS } = testSettings();

export const GATE_DEADLINE_MS = 10_000;
export const CALL_DEADLINE_MS = 600_000;

export function version(code: string): ScriptBuild {
  const script = { kind: 'classic' as const, code, filename: 'app:///live/main.asc', files: {} };
  return {
    application: 'live',
    mainScript: 'main.asc',
    unused: [],
    script: encodeScript(script),
    sourceMap: undefined,
    hash: code,
  };
}

export function facts(id: string): ClientFacts {
  const text = { agent: '', referrer: '', pageUrl: '', uri: '', protocol: 'rtmp', virtualKey: '', user: '' };
  return {
    id,
    ip: '127.0.0.1',
    ...text,
    secure: false,
    objectEncoding: 0,
    readAccess: '/',
    writeAccess: '/',
    audioSampleAccess: '',
    videoSampleAccess: '',
  };
}
const stats = { bytes_in: 0, bytes_out: 0, msg_in: 0, msg_out: 0, msg_dropped: 0, ping_rtt: 0 };

const json = JSON.stringify;

function lineOf(command: InstanceCommand): string {
  switch (command.op) {
    case 'clientCall':
      return `call ${command.client} ${command.name} ${json(command.args)} ${command.responder}`;
    case 'broadcast':
      return `broadcast ${command.name}`;
    case 'disconnect':
      return `disconnect ${command.client}`;
    case 'endClient':
      return `end ${command.client}`;
    case 'access': {
      const { op: _op, client, ...access } = command;
      return `access ${client} ${json(access)}`;
    }
    case 'ping':
      return `ping ${command.client}`;
    case 'record': {
      const { op: _op, stream, mode, gate, ...terms } = command;
      return `record ${stream} ${mode} ${json(terms)} ${gate}`;
    }
    case 'streamDisconnect':
      return `off ${command.stream} ${command.reason} ${command.gate}`;
    case 'streamPlay': {
      const { stream, source: name, start, length, reset, connection } = command;
      if (connection !== undefined) return `play ${stream} ${connection} ${name} ${start} ${length}`;
      return `play ${stream} ${json({ name, start, length, reset })}`;
    }
    case 'streamStop':
      return `stop ${command.stream}`;
    case 'streamReceive': {
      const { op: _op, stream, ...wants } = command;
      return `receive ${stream} ${json(wants)}`;
    }
    case 'streamBuffer':
      return `buffer ${command.stream} ${command.seconds * 1000}`;
    case 'streamSend':
      return `send ${command.stream} ${command.name} ${json(command.args)} ${command.gate}`;
    case 'outConnect':
      return `connect ${command.id} ${command.uri} ${json(command.args)}`;
    case 'outClose':
      return `close ${command.id}`;
    case 'outPublish': {
      const { id, connection, name, type, source } = command;
      return `publish ${id} ${json({ connection, name, type, source })}`;
    }
    case 'outAttach':
      return `attach ${command.id} ${command.source}`;
    case 'outUnpublish':
      return `unpublish ${command.id}`;
    case 'outForget':
      return 'close forgotten';
    case 'outDisown':
      return `disown from version ${command.from / IDS_PER_VERSION}`;
    default:
      return command.op;
  }
}

/** An instance that notes what its script does to it. */
export class Instance implements ScriptCommands {
  readonly done: string[] = [];
  clients: string[] = [];
  onShutdown = () => {};
  onEnd = (_client: string) => {};

  obey(command: InstanceCommand): void {
    const line = lineOf(command);
    // of versions that have connected to nobody it is of no interest
    if (command.op !== 'outDisown' || this.done.some((one) => one.startsWith('connect ')))
      this.done.push(line);
    if (command.op === 'endClient') this.onEnd(command.client);
    if (command.op === 'shutdown') this.onShutdown();
  }
  hasClient(id: string): boolean {
    return this.clients.includes(id);
  }
  snapshot(): InstanceSnapshot {
    return {
      clients: this.clients.map((id) => ({ facts: facts(id), stats })),
      streams: [
        { name: 'show', query: '', publisher: undefined, source: undefined, players: [...this.clients] },
      ],
    };
  }
}

export function counters(): Counters {
  let id = 0;
  let version = 0;
  return { nextId: () => ++id, nextVersion: () => ++version };
}

interface Setting {
  build?: ScriptBuild | undefined;
  isUp?: boolean;
  gateFailure?: 'closed' | 'open';
  prepare?(runner: FakeRunner): void;
}

export function setUp({ build = version('a'), isUp = true, gateFailure = 'closed', prepare }: Setting = {}) {
  const clock = new ManualClock();
  const runner = new FakeRunner();
  runner.isUp = isUp;
  prepare?.(runner);
  const instance = new Instance();
  const records = new Records();
  const known: { good: ScriptBuild | undefined; proven: ScriptBuild | undefined } = {
    good: build,
    proven: undefined,
  };
  const rejected: string[] = [];
  const quarantines: string[] = [];
  const script = new InstanceScriptHost({
    name: 'live/_definst_',
    commands: instance,
    journal: records.journal(clock),
    metrics: records.metrics,
    strikes: new StrikeBook(clock, (why) => quarantines.push(why)).of('_definst_'),
    clock,
    counters: counters(),
    gateDeadlineMs: GATE_DEADLINE_MS,
    limits: LIMITS,
    gateFailure,
    callDeadlineMs: CALL_DEADLINE_MS,
    settings: ({ script }) => ({
      script,
      isInspectable: false,
      limits: LIMITS,
      application: { name: 'live/_definst_', server: 'S', hostname: 'h', config: {}, env: {} },
    }),
    candidates: () => [known.good, known.proven].filter((candidate) => candidate !== undefined),
    isRunnerUp: () => runner.isUp,
    onFull() {},
    hasRoom: () => true,
    mayLoad: async () => () => {},
    openUnit: (options) => runner.openUnit(options),
    onRefused: (refused) => rejected.push(refused.hash),
    onServing: (served) => {
      known.proven = served;
    },
    onBug: (error) => assert.fail(error as Error),
    onUnpublish() {},
  });
  script.begin();
  const verdicts: Verdict[] = [];
  const results: InvokeResult[] = [];
  return {
    ...{ clock, runner, instance, records, script, known, verdicts, results, rejected, quarantines },
    ask: (name = 'key') =>
      script.ask(
        {
          gate: 'onPublish',
          client: 'c',
          request: { name, query: '', params: {}, type: 'live' },
        },
        (verdict) => verdicts.push(verdict),
      ),
    call: (name: string) => script.invoke('c', name, [1], true, (result) => results.push(result)),
    reload: async (build: ScriptBuild) => {
      known.good = build;
      script.reload(build);
      await settle();
    },
    crash: async (culprit?: FakeUnit) => {
      runner.isUp = false;
      script.runnerDown('SIGTRAP', culprit?.unit.id);
      await settle();
    },
    recover: async () => {
      runner.isUp = true;
      script.runnerUp();
      await settle();
    },
  };
}

/** Frames go out once a tick, and promises take their turns. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 6; i += 1) await tick();
}

/** A script that serves. */
export async function serving(setting?: Setting) {
  const set = setUp(setting);
  await set.script.started;
  return { ...set, first: set.runner.units[0]! };
}
