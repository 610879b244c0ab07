// The script and the disk of a fuzzed instance. They do whatever the contracts in src/application allow, as the input
// decides, and hold the instance to its side of them.

import type {
  RecordEvents,
  Recorders,
  Recording,
  RecordRequest,
} from '../../src/application/contract/recording.ts';
import type {
  GateQuestion,
  InstanceScript,
  InvokeResult,
  Notice,
  OpenGate,
  ScriptCommands,
  ScriptStats,
  Scripts,
  Verdict,
} from '../../src/application/contract/script.ts';
import { RecordingError } from '../../src/errors.ts';
import type { LimitName } from '../../src/log/limits.ts';
import type { AmfValue } from '../../src/protocol/amf/amf.ts';
import type { WireMessage } from '../../src/protocol/rtmp/wire-message.ts';
import type { Choices } from './choices.ts';
import { oddValue } from './odd-value.ts';

/** Few, so that they meet. */
export const STREAM_NAMES = ['a', 'a', 'a', 'a', 'a', 'a', 'b', 'b', 'a/b', 'mp4:c'];

/** Collects breaches of contract: thrown in the middle of the server, they would be taken for its own bugs. */
export type Complain = (what: string) => void;

// ── scripts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** `plain` has no script; the script of `broken` does not load, that of `slow` when the input says so; `guarded` wants logins. */
export const APPLICATIONS = ['live', 'plain', 'broken', 'slow', 'guarded'];

export class FakeScripts implements Scripts {
  readonly opened: FakeScript[] = [];
  readonly #choices: Choices;
  readonly #complain: Complain;

  constructor(choices: Choices, complain: Complain) {
    this.#choices = choices;
    this.#complain = complain;
  }

  pardon(): void {}

  hasRoomFor(): boolean {
    return this.#choices.below(20) > 0;
  }

  open(application: string, _instance: string, commands: ScriptCommands): InstanceScript | undefined {
    if (application === 'plain') return undefined;
    const script = new FakeScript(application, commands, this.#choices, this.#complain);
    this.opened.push(script);
    return script;
  }
}

interface Gate {
  id: number;
  question: GateQuestion;
  decide: (verdict: Verdict) => void;
}

export class FakeScript implements InstanceScript {
  readonly started: Promise<void>;
  /** For `slow`. */
  readonly finishStart: () => void;
  readonly commands: ScriptCommands;
  /** Asked, and neither answered nor dropped. */
  readonly gates = new Map<number, Gate>();
  readonly calls: ((result: InvokeResult) => void)[] = [];
  readonly clients = new Set<string>();
  /** Name → who publishes it. */
  readonly live = new Map<string, string>();
  /** `client stream` → how often. */
  readonly playing = new Map<string, number>();
  maySleep = true;
  isClosed = false;
  readonly #choices: Choices;
  readonly #complain: Complain;
  readonly #acceptedPublishes = new Set<number>();
  readonly #responders = new Set<number>();
  #lastId = 0;

  constructor(application: string, commands: ScriptCommands, choices: Choices, complain: Complain) {
    this.commands = commands;
    this.#choices = choices;
    this.#complain = complain;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.started = promise;
    this.finishStart = resolve;
    promise.catch(() => {});
    if (application === 'broken') reject(new Error('it does not load'));
    else if (application !== 'slow') resolve();
  }

  ask(question: GateQuestion, answer: (verdict: Verdict) => void): OpenGate {
    if (this.isClosed) this.#complain(`${question.gate} is asked of a script that was closed`);
    this.#lastId += 1;
    const id = this.#lastId;
    const decide = (verdict: Verdict) => {
      if (!this.gates.delete(id)) return;
      if (verdict.accepted && question.gate === 'onPublish') this.#acceptedPublishes.add(id);
      if (verdict.accepted && question.gate === 'onConnect') this.clients.add(question.client.id);
      answer(verdict);
    };
    this.gates.set(id, { id, question, decide });
    const when = this.#choices.below(8);
    if (when < 3) decide(this.verdict(question));
    else if (when < 6) queueMicrotask(() => decide(this.verdict(question)));
    // else: whenever the conversation says so, or never
    return { id, drop: () => void this.gates.delete(id) };
  }

  verdict({ gate }: GateQuestion): Verdict {
    const choices = this.#choices;
    if (choices.oneIn(9)) return { accepted: false, reason: 'no', application: oddValue(choices) };
    if (gate === 'onAuthenticate') return { accepted: true, secret: { kind: 'plain', password: 'secret' } };
    if (gate === 'onConnect' || !choices.oneIn(4)) return { accepted: true };
    return {
      accepted: true,
      ...(choices.oneIn(2) ? {} : { as: choices.pick(STREAM_NAMES) }),
      ...(choices.oneIn(2) || gate === 'onPlay'
        ? {}
        : { record: choices.pick(['record', 'append'] as const) }),
    };
  }

  tell(notice: Notice): void {
    if (this.isClosed) this.#complain(`${notice.event} is told to a script that was closed`);
    switch (notice.event) {
      case 'disconnect':
        if (!this.clients.delete(notice.client)) this.#complain('a client left that was not here');
        for (const { question } of this.gates.values()) {
          const isOfClient = 'client' in question && question.client === notice.client;
          if (isOfClient) this.#complain(`a client left, its ${question.gate} was not dropped`);
        }
        break;
      case 'publish':
        this.#checkClient(notice);
        if (this.live.has(notice.stream)) this.#complain(`${notice.stream} is published twice`);
        this.live.set(notice.stream, notice.client);
        break;
      case 'unpublish':
        if (this.live.get(notice.stream) !== notice.client) this.#complain(`${notice.stream} was not live`);
        this.live.delete(notice.stream);
        break;
      case 'publishFailed':
        if (!this.#acceptedPublishes.delete(notice.gate))
          this.#complain('a publish failed that was not accepted');
        break;
      case 'play':
        this.#checkClient(notice);
        this.#count(notice, 1);
        break;
      case 'stopPlay':
        this.#count(notice, -1);
        break;
      default:
    }
  }

  #checkClient({ event, client }: { event: string; client: string }): void {
    if (!this.clients.has(client)) this.#complain(`${event} of a client that is not here`);
  }

  #count({ client, stream }: { client: string; stream: string }, by: number): void {
    const key = `${client} ${stream}`;
    const count = (this.playing.get(key) ?? 0) + by;
    if (count < 0) this.#complain(`${stream} was stopped, but not played`);
    if (count === 0) this.playing.delete(key);
    else this.playing.set(key, count);
  }

  invoke(
    _clientId: string,
    _name: string,
    _args: AmfValue[],
    _wantsResult: boolean,
    answer: (result: InvokeResult) => void,
  ): void {
    if (this.isClosed) this.#complain('a method is called on a script that was closed');
    if (this.#choices.oneIn(3)) this.calls.push(answer);
    else answer(this.result());
  }

  result(): InvokeResult {
    const choices = this.#choices;
    if (!choices.oneIn(3)) return { found: false };
    if (choices.oneIn(3)) return { found: true, ok: false, description: 'it threw' };
    return { found: true, ok: true, value: oddValue(choices) };
  }

  /** A number for the answer to a call of the client. */
  responder(): number {
    this.#lastId += 1;
    this.#responders.add(this.#lastId);
    return this.#lastId;
  }

  busyWith(): LimitName | undefined {
    // without an input every choice is 0: it would have too much to do for ever
    return !this.#choices.isOver && this.#choices.below(10) === 0 ? 'MaxQueuedSize' : undefined;
  }

  whenIdle(_clientId: string, call: () => void): () => void {
    let isWanted = true;
    queueMicrotask(() => isWanted && call());
    return () => {
      isWanted = false;
    };
  }

  callResult(responder: number): void {
    if (!this.#responders.delete(responder))
      this.#complain(`call ${responder} was not made, or is answered again`);
  }

  /** Until further notice, the instance is not to be unloaded. */
  stayAwake(): void {
    this.maySleep = false;
  }

  async settle(): Promise<void> {}

  async stop(): Promise<boolean> {
    return this.maySleep;
  }

  stats(): ScriptStats {
    return { open: 0, mostOpen: 0, answered: 0, answerMs: 0, longestAnswerMs: 0 };
  }

  close(): void {
    if (this.isClosed) this.#complain('a script is closed twice');
    this.isClosed = true;
    this.gates.clear();
    this.calls.length = 0;
  }
}

// ── the disk ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export class FakeRecorders implements Recorders {
  readonly current = new Set<FakeRecording>();
  readonly #choices: Choices;
  readonly #complain: Complain;

  constructor(choices: Choices, complain: Complain) {
    this.#choices = choices;
    this.#complain = complain;
  }

  open(_request: RecordRequest, events: RecordEvents): Recording {
    if (this.#choices.oneIn(4)) {
      const code = this.#choices.pick(['NetStream.Record.NoAccess', 'NetStream.Record.Failed']);
      throw new RecordingError(code, 'the disk says no');
    }
    const recording = new FakeRecording(events, this.current, this.#complain);
    this.current.add(recording);
    return recording;
  }
  async clear(): Promise<boolean> {
    return this.#choices.oneIn(2);
  }
  async flush(): Promise<boolean> {
    return true;
  }
}

export class FakeRecording implements Recording {
  readonly file = { path: '/recording.flv', name: 'a', place: 'a.flv', sizeBytes: 0, lengthMs: 0 };
  readonly finished = Promise.resolve();
  readonly events: RecordEvents;
  readonly #open: Set<FakeRecording>;
  readonly #complain: Complain;

  constructor(events: RecordEvents, open: Set<FakeRecording>, complain: Complain) {
    this.events = events;
    this.#open = open;
    this.#complain = complain;
  }

  take(batch: readonly WireMessage[]): void {
    if (batch.length === 0) this.#complain('a recording is given nothing');
    if (!this.#open.has(this)) this.#complain('a recording that is over is given media');
  }
  unpublished(): void {}
  async flush(): Promise<void> {}
  close(): void {
    this.#open.delete(this);
  }

  /** A limit is reached, or the disk is full. */
  end(failed: boolean): void {
    if (!this.#open.has(this)) return;
    if (failed) this.events.failed('NetStream.Record.Failed', 'the disk is full', this.file);
    else this.events.stopped();
    this.#open.delete(this);
  }
}
