// The versions of an instance's script that serve side by side, and what a save does to them: the policy of reloads.
//
// A generation is a script of its own with clients of its own. As a rule there is one, and a new version takes its place
// (`migrate`, instance-script.ts). With `drain` a new version is a new generation: whoever comes from then on is its client,
// and the one before lives until its own clients have left. Streams belong to the instance and are everybody's.

import {
  AFTERWORD_MS,
  FAREWELL_MS,
  type GateQuestion,
  type InstanceCommand,
  type InstanceScript,
  type InstanceSnapshot,
  type InvokeResult,
  type Notice,
  type OpenGate,
  type ScriptCommands,
  type ScriptStats,
  type Verdict,
} from '../../application/contract/script.ts';
import { NOTICES } from '../../application/contract/script-table.ts';
import type { Clock } from '../../clock.ts';
import type { ApplicationRows } from '../../config/schema/application.ts';
import type { LimitName } from '../../log/limits.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import type { Debugger, DebuggerLine } from '../inspect/inspector.ts';
import type { Journal } from '../journal/journal.ts';
import type { ScriptBuild } from '../source/build-outcome.ts';
import type { Counters, InstanceScriptHost } from './instance-script.ts';

export interface GenerationsOptions {
  commands: ScriptCommands;
  journal: Journal;
  clock: Clock;
  reloads(): ApplicationRows['jsEngine']['reload'];
  /** `isNewest`: it may serve with any version, not only with the one that it was opened for. */
  open(commands: ScriptCommands, counters: Counters, isNewest: () => boolean): InstanceScriptHost;
  onClosed(): void;
}

/** Each is an isolate. Beyond, the clients of the oldest have to go. */
const MAX_GENERATIONS = 4;

export class Generations implements InstanceScript {
  readonly #options: GenerationsOptions;
  /** The oldest first; the last one gets who comes. */
  #generations: readonly Generation[];
  /** Becomes the last when it has started. */
  #next: { generation: Generation; build: ScriptBuild } | undefined;
  /** Told of: `off` changes nothing. */
  #ignored: ScriptBuild | undefined;
  /** To restart with, as soon as it is known to load. */
  #rehearsing: ScriptBuild | undefined;
  #isClosed = false;
  readonly #counters: Counters;

  constructor(options: GenerationsOptions) {
    this.#options = options;
    let id = 0;
    let version = 0;
    this.#counters = {
      nextId: () => ++id,
      nextVersion: () => ++version,
    };
    const first = this.#open();
    this.#generations = [first];
    for (const { facts } of options.commands.snapshot().clients) first.clients.add(facts.id);
  }

  #open(): Generation {
    const { commands, open } = this.#options;
    const clients = new Set<string>();
    const isAlone = () => this.#generations.length === 1 && this.#newest.clients === clients;
    const own = new OwnClients(commands, clients, isAlone);
    const script = open(own, this.#counters, () => this.#newest.script === script);
    return { script, clients, cancelDeadline: () => {}, isOver: false };
  }

  get #newest(): Generation {
    return this.#generations.at(-1)!;
  }
  #ownerOf(clientId: string): Generation {
    return this.#generations.find(({ clients }) => clients.has(clientId)) ?? this.#newest;
  }
  get #all(): InstanceScriptHost[] {
    const all = this.#generations.map(({ script }) => script);
    return this.#next ? [...all, this.#next.generation.script] : all;
  }

  // ── the instance's side ────────────────────────────────────────────────────────────────────────────────────────

  get started(): Promise<void> {
    return this.#newest.script.started;
  }

  ask(question: GateQuestion, answer: (verdict: Verdict) => void): OpenGate {
    if (question.gate === 'onConnect') return this.#askConnect(question, answer);
    const generation = question.gate === 'onAuthenticate' ? this.#newest : this.#ownerOf(question.client);
    return generation.script.ask(question, answer);
  }

  #askConnect(question: GateQuestion & { gate: 'onConnect' }, answer: (verdict: Verdict) => void): OpenGate {
    const { id } = question.client;
    const generation = this.#newest;
    generation.clients.add(id);
    const gate = generation.script.ask(question, (verdict) => {
      answer(verdict);
      if (!verdict.accepted) this.#left(generation, id);
      else if (generation.isOver) this.#options.commands.obey({ op: 'endClient', client: id });
    });
    return {
      id: gate.id,
      drop: () => {
        gate.drop();
        this.#left(generation, id);
      },
    };
  }

  tell(notice: Notice): void {
    if ('client' in notice) {
      const owner = this.#ownerOf(notice.client);
      owner.script.tell(notice);
      if (notice.event === 'disconnect') this.#left(owner, notice.client);
    } else if (notice.event !== 'forgotten' && NOTICES[notice.event].to === 'all') {
      for (const { script } of this.#generations) script.tell(notice);
    } else this.#newest.script.tell(notice);
  }

  invoke(
    clientId: string,
    name: string,
    args: AmfValue[],
    wantsResult: boolean,
    answer: (result: InvokeResult) => void,
  ): void {
    this.#ownerOf(clientId).script.invoke(clientId, name, args, wantsResult, answer);
  }

  busyWith(clientId: string): LimitName | undefined {
    return this.#ownerOf(clientId).script.busyWith();
  }

  whenIdle(clientId: string, call: () => void): () => void {
    return this.#ownerOf(clientId).script.whenIdle(clientId, call);
  }

  callResult(responder: number, ok: boolean, value: AmfValue): void {
    for (const { script } of this.#generations) script.callResult(responder, ok, value);
  }

  async settle(ms: number): Promise<void> {
    await Promise.all(this.#generations.map(({ script }) => script.settle(ms)));
  }

  async stop(reason: 'Application.GC' | 'Application.Shutdown'): Promise<boolean> {
    const answers = await Promise.all(this.#generations.map(({ script }) => script.stop(reason)));
    return answers.every((mayStop) => mayStop);
  }

  stats(): ScriptStats {
    const all = this.#generations.map(({ script }) => script.stats());
    const sum = { ...all[0]! };
    for (const one of all.slice(1)) {
      sum.open += one.open;
      sum.mostOpen += one.mostOpen;
      sum.answered += one.answered;
      sum.answerMs += one.answerMs;
      sum.longestAnswerMs = Math.max(sum.longestAnswerMs, one.longestAnswerMs);
    }
    return sum;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const { cancelDeadline } of this.#generations) cancelDeadline();
    for (const script of this.#all) script.close();
    this.#next = undefined;
    this.#options.onClosed();
  }

  // ── the host's side ────────────────────────────────────────────────────────────────────────────────────────────

  /** The files as they are now have been looked at. */
  begin(): void {
    this.#newest.script.begin();
  }

  /** To the newest version that serves. */
  attach(debug: Debugger): DebuggerLine | undefined {
    return this.#newest.script.attach(debug);
  }

  runnerUp(): void {
    for (const script of this.#all) script.runnerUp();
    if (this.#rehearsing) void this.#restart(this.#rehearsing);
  }

  runnerDown(how: string, culprit: number | undefined): void {
    for (const script of this.#all) script.runnerDown(how, culprit);
  }

  /** There is a new version. */
  reload(build: ScriptBuild): void {
    if (this.#isClosed) return;
    const { policy: on } = this.#options.reloads();
    const { script } = this.#newest;
    // Nothing serves that would have to be spared.
    if (!script.serving || on === 'migrate') {
      this.#dropNext();
      script.reload(build);
    } else if (on === 'drain') this.#drain(build);
    else if (on === 'restart') void this.#restart(build);
    else this.#ignore(build);
  }

  #ignore(build: ScriptBuild): void {
    const isNews = build.hash !== this.#newest.script.serving?.hash && build.hash !== this.#ignored?.hash;
    this.#ignored = build;
    if (isNews)
      this.#options.journal.info(
        'the script has changed: the new version takes over after "understudy reload"',
      );
  }

  // ── restart ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The next client finds a new instance. */
  async #restart(build: ScriptBuild): Promise<void> {
    const { script } = this.#newest;
    this.#rehearsing = build.hash === script.serving?.hash ? undefined : build;
    if (!this.#rehearsing) return;
    const result = await script.rehearse(build);
    if (this.#isClosed || this.#rehearsing !== build || result === 'interrupted') return;
    this.#rehearsing = undefined;
    if (result === 'bad') return;
    this.#options.journal.info('the application restarts with the new version of its script');
    this.#options.commands.obey({ op: 'shutdown' });
  }

  // ── drain ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #drain(build: ScriptBuild): void {
    if (this.#next?.build.hash === build.hash) return;
    this.#dropNext();
    if (build.hash === this.#newest.script.serving?.hash) return;
    const sinceMs = this.#options.clock.now();
    const generation = this.#open();
    this.#next = { generation, build };
    generation.script.started.then(
      () => this.#promote(generation, sinceMs),
      () => this.#forsake(generation),
    );
    generation.script.reload(build);
  }

  #dropNext(): void {
    const next = this.#next;
    this.#next = undefined;
    next?.generation.script.close();
  }

  #promote(generation: Generation, sinceMs: number): void {
    if (this.#next?.generation !== generation) return;
    const { clock, journal, reloads } = this.#options;
    const before = this.#newest;
    this.#next = undefined;
    this.#generations = [...this.#generations, generation];
    journal.reloaded(Math.round(clock.now() - sinceMs));
    if (before.clients.size > 0) {
      journal.info(`${before.clients.size} clients stay with the version before`);
      before.cancelDeadline = clock.after(reloads().drainTimeMs, () => this.#expire(before));
    } else this.#retire(before);
    if (this.#generations.length > MAX_GENERATIONS) this.#expire(this.#generations[0]!);
  }

  #forsake(generation: Generation): void {
    if (this.#next?.generation !== generation) return;
    this.#dropNext();
    this.#options.journal.reloadFailed();
  }

  #left(generation: Generation, clientId: string): void {
    generation.clients.delete(clientId);
    if (generation.clients.size === 0 && generation !== this.#newest) this.#retire(generation);
  }

  /** Its time is over; its clients may come again, and are the newest's then. */
  #expire(generation: Generation): void {
    generation.isOver = true;
    for (const id of [...generation.clients]) this.#options.commands.obey({ op: 'endClient', client: id });
  }

  /** Nobody is left whom it serves. */
  #retire(generation: Generation): void {
    if (this.#isClosed || !this.#generations.includes(generation)) return;
    generation.cancelDeadline();
    this.#generations = this.#generations.filter((other) => other !== generation);
    this.#options.journal.info('the clients of an older version have left, and it ends');
    void this.#end(generation.script);
  }

  async #end(script: InstanceScriptHost): Promise<void> {
    await script.settle(FAREWELL_MS);
    await script.stop('Application.GC');
    await script.settle(AFTERWORD_MS);
    script.close();
  }
}

interface Generation {
  readonly script: InstanceScriptHost;
  /** Waiting or accepted. */
  readonly clients: Set<string>;
  cancelDeadline: () => void;
  /** Who is its client shall go. */
  isOver: boolean;
}

/** What a generation may do to the instance: its own clients are all the clients there are. */
class OwnClients implements ScriptCommands {
  readonly #instance: ScriptCommands;
  readonly #clients: ReadonlySet<string>;
  readonly #isAlone: () => boolean;

  constructor(instance: ScriptCommands, clients: ReadonlySet<string>, isAlone: () => boolean) {
    this.#instance = instance;
    this.#clients = clients;
    this.#isAlone = isAlone;
  }

  obey(command: InstanceCommand): void {
    if (command.op !== 'broadcast' || this.#isAlone()) this.#instance.obey(command);
    else {
      const { name, args } = command;
      for (const client of this.#clients) this.#instance.obey({ op: 'clientCall', client, name, args });
    }
  }
  hasClient(clientId: string): boolean {
    return (this.#isAlone() || this.#clients.has(clientId)) && this.#instance.hasClient(clientId);
  }

  snapshot(): InstanceSnapshot {
    const all = this.#instance.snapshot();
    if (this.#isAlone()) return all;
    const isOwn = (id: string) => this.#clients.has(id);
    const streams = all.streams.map(({ publisher, players, ...stream }) => ({
      ...stream,
      publisher: publisher !== undefined && isOwn(publisher) ? publisher : undefined,
      players: players.filter(isOwn),
    }));
    return {
      clients: all.clients.filter(({ facts }) => isOwn(facts.id)),
      streams: streams.filter(({ publisher, players }) => publisher !== undefined || players.length > 0),
    };
  }
}
