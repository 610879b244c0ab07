// A script's instance, its runner and its clock, all in the hands of a test.
import assert from 'node:assert/strict';
import { setImmediate as tick } from 'node:timers/promises';
import type { OutgoingCommands } from '../../../src/application/contract/outgoing.ts';
import type {
  ClientFacts,
  InstanceSnapshot,
  InvokeResult,
  ScriptCommands,
  Verdict,
} from '../../../src/application/contract/script.ts';
import type { ServerStreamCommands } from '../../../src/application/contract/source.ts';
import { IDS_PER_VERSION } from '../../../src/script/commands/apply.ts';
import { type Counters, InstanceScriptHost } from '../../../src/script/host/instance-script.ts';
import { StrikeBook } from '../../../src/script/journal/strikes.ts';
import { encodeScript, type ScriptBuild } from '../../../src/script/source/build-outcome.ts';
import { DEFAULT_LIMITS } from '../../../src/script/wire/wire.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { FakeRunner, type FakeUnit } from './fake-runner.ts';
import { Records } from './records.ts';

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

/** An instance that notes what its script does to it. */
export class Instance implements ScriptCommands {
  readonly done: string[] = [];
  clients: string[] = [];
  onShutdown = () => {};
  onEnd = (_client: string) => {};

  callClient(client: string, name: string, args: unknown[], responder: number | undefined): void {
    this.done.push(`call ${client} ${name} ${JSON.stringify(args)} ${responder}`);
  }
  broadcast(name: string): void {
    this.done.push(`broadcast ${name}`);
  }
  disconnectClient(client: string): void {
    this.done.push(`disconnect ${client}`);
  }
  endClient(client: string): void {
    this.done.push(`end ${client}`);
    this.onEnd(client);
  }
  setAccess(client: string, access: object): void {
    this.done.push(`access ${client} ${JSON.stringify(access)}`);
  }
  pingClient(client: string): void {
    this.done.push(`ping ${client}`);
  }
  record(stream: string, mode: unknown, limits: object, gate: number | undefined): void {
    this.done.push(`record ${stream} ${mode} ${JSON.stringify(limits)} ${gate}`);
  }
  disconnectStream(stream: string, reason: string, gate: number | undefined): void {
    this.done.push(`off ${stream} ${reason} ${gate}`);
  }
  readonly outgoing: OutgoingCommands = {
    connect: (key, uri, args) => void this.done.push(`connect ${key} ${uri} ${JSON.stringify(args)}`),
    close: (key) => void this.done.push(`close ${key}`),
    publish: (key, request) => void this.done.push(`publish ${key} ${JSON.stringify(request)}`),
    attach: (key, source) => void this.done.push(`attach ${key} ${source}`),
    unpublish: (key) => void this.done.push(`unpublish ${key}`),
    item: (connection, { name, start, length }) => ({
      ...{ name: `${connection} ${name} ${start} ${length}`, lengthMs: undefined, liveName: undefined },
      open: async () => undefined,
    }),
    closeForgotten: () => void this.done.push('close forgotten'),
    disown: (from) => {
      // of versions that have connected to nobody it is of no interest
      if (this.done.some((one) => one.startsWith('connect ')))
        this.done.push(`disown from version ${from / IDS_PER_VERSION}`);
    },
  };
  readonly serverStreams: ServerStreamCommands = {
    play: (stream, request) => void this.done.push(`play ${stream} ${JSON.stringify(request)}`),
    playItem: (stream, item) => void this.done.push(`play ${stream} ${item.name}`),
    stop: (stream) => void this.done.push(`stop ${stream}`),
    receive: (stream, wants) => void this.done.push(`receive ${stream} ${JSON.stringify(wants)}`),
    setBufferMs: (stream, ms) => void this.done.push(`buffer ${stream} ${ms}`),
    send: (stream, name, args, gate) =>
      void this.done.push(`send ${stream} ${name} ${JSON.stringify(args)} ${gate}`),
  };
  shutdown(): void {
    this.done.push('shutdown');
    this.onShutdown();
  }
  stats() {
    return {
      ...{ bytes_in: 1, bytes_out: 2, msg_in: 3, msg_out: 4, msg_dropped: 5 },
      total_connects: 6,
      total_disconnects: 7,
    };
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
    gateFailure,
    callDeadlineMs: CALL_DEADLINE_MS,
    settings: ({ script }) => ({
      script,
      isInspectable: false,
      limits: DEFAULT_LIMITS,
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
          clientId: 'c',
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
