// A server in memory for one conversation: registry, sessions, a clock that stands still, and what must hold of them.

import pino from 'pino';
import { InputBudget } from '../../src/adaptor/rtmp/input-budget.ts';
import { Logins } from '../../src/adaptor/rtmp/logins.ts';
import type { SessionOptions } from '../../src/adaptor/rtmp/session-options.ts';
import type { ClientSettings } from '../../src/application/instance/instance-settings.ts';
import { Registry } from '../../src/application/instance/registry.ts';
import { LoadGovernor } from '../../src/application/live/flush.ts';
import { Turns } from '../../src/application/pace/turns.ts';
import { systemClock } from '../../src/clock.ts';
import { LineLimit } from '../../src/log/line-limit.ts';
import { bugs } from '../../src/log/log.ts';
import { AMF_LIMITS } from '../../src/protocol/amf/amf-budget.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { testSettings } from '../support/settings.ts';
import type { Choices } from './choices.ts';
import { FakeRecorded } from './fake-recorded.ts';
import { APPLICATIONS, FakeRecorders, FakeScripts } from './fakes.ts';
import { FuzzPeer } from './fuzz-peer.ts';
import { check, usedBytes, Violation } from './target.ts';

/** Small, so that short conversations reach them. */
const LIMITS = {
  chunks: { maxMessageBytes: 256 << 10, maxHalfReceived: 8, maxHalfReceivedBytes: 512 << 10 },
  amf: { ...AMF_LIMITS, values: 10_000 },
  live: {
    accumulatedIFrames: { maxSizeBytes: 64 << 10, maxTimeMs: 20_000 },
    keyframeWaitMs: 500,
    maxWaitingStreams: 8,
  },
  backlog: { softSizeBytes: 32 << 10, softTimeMs: 1000, hardSizeBytes: 128 << 10, stallTimeMs: 5000 },
  maxNetStreams: 4,
  maxHeldBytes: 32 << 10,
  maxEarlyBytes: 16 << 10,
  input: { maxBytes: 512 << 10, maxBytesPerAddress: 128 << 10, isShared: () => false, finishMs: 2_000 },
};
const CLIENTS: ClientSettings = {
  wireChunkBytes: 4096,
  idleTimeoutMs: 60_000,
  serverToClientBytes: 100_000,
  clientToServerBytes: 100_000,
};
const GUARDED: ClientSettings = {
  ...CLIENTS,
  login: {
    mode: 'adobe',
    of: 'everybody',
    agents: [],
    scope: 'guarded',
    secretsOf: (user, found) => found(user === 'ann' ? [{ kind: 'plain', password: 'secret' }] : []),
  },
};
/** What a flood may leave in memory: one read of 64 KiB can be that many empty messages of some 250 bytes each. */
const MAX_HELD_BYTES = 24 << 20;
/** What may wait for a peer that does not read: 4 MiB of answers, and media up to its own limit. */
const MAX_QUEUED_BYTES = 6 << 20;
const FLUSH_MS = 100;
const CLOSE_GRACE_MS = 3_000;
/** A client may be over the rate of its commands for so long. */
const COMMAND_WAIT_MS = 30_000;
const SECOND_MS = 1_000;
const IDLE_MS = 60_000;
const MAX_PEERS = 5;

export class World {
  readonly clock = new ManualClock();
  readonly peers: FuzzPeer[] = [];
  readonly scripts: FakeScripts;
  readonly recorders: FakeRecorders;
  readonly recorded: FakeRecorded;
  readonly registry: Registry;
  readonly choices: Choices;
  readonly input: InputBudget;
  readonly #options: SessionOptions;
  readonly #complaints: string[] = [];
  readonly #bugsBefore = bugs.count;
  #lastBug: string | undefined;

  constructor(choices: Choices) {
    const complain = (what: string) => void this.#complaints.push(what);
    this.choices = choices;
    this.scripts = new FakeScripts(choices, complain);
    this.recorders = new FakeRecorders(choices, complain);
    this.recorded = new FakeRecorded(choices, complain);
    const { clock } = this;
    this.input = new InputBudget(LIMITS.input, clock);
    this.registry = new Registry({
      clock,
      scripts: this.scripts,
      recorders: this.recorders,
      recorded: this.recorded,
      onBug: (error) => complain(`a server-side stream broke: ${error}`),
      hasApplication: (name) => APPLICATIONS.includes(name),
      media: { clock, governor: new LoadGovernor(clock) },
      ...testSettings({
        maxAppIdleTimeMs: IDLE_MS,
        streamManager: { live: LIMITS.live },
        client: { backlog: LIMITS.backlog },
      }),
      turns: new Turns({ now: () => 0, soon: systemClock.soon }),
      settingsFor: (application) => (application === 'guarded' ? { clients: GUARDED } : {}),
    });
    this.#options = {
      registryOf: () => this.registry,
      logins: new Logins(clock),
      resolver: { reverse: async () => [], addressesOf: async () => [] },
      log: pino({ level: 'debug', base: null }, { write: (line) => this.#logged(line) }),
      lines: new LineLimit(clock),
      clock,
      fmsVersion: '5,0,17,1',
      chunks: LIMITS.chunks,
      amf: LIMITS.amf,
      ...CLIENTS,
      rtmpe: true,
      altVhost: false,
      maxNetStreams: LIMITS.maxNetStreams,
      maxConnectText: 32 << 10,
      maxOpenCalls: 3_000,
      maxOpenCallBytes: 16 << 20,
      maxCommandRate: 1000,
      maxCommandWaitMs: COMMAND_WAIT_MS,
      turns: new Turns({ now: () => 0, soon: systemClock.soon }),
      maxUnreadBytes: 4 << 20,
      closeGraceMs: 2_000,
      maxHeldBytes: LIMITS.maxHeldBytes,
      maxEarlyBytes: LIMITS.maxEarlyBytes,
      input: this.input,
      handshakeTimeoutMs: 10_000,
    };
  }

  #logged(line: string): void {
    if (!line.includes('"kind":"bug"')) return;
    const { err } = JSON.parse(line) as { err: { stack: string } };
    this.#lastBug = err.stack;
  }

  /** Undefined: there are enough. */
  open(): FuzzPeer | undefined {
    const open = this.peers.filter(({ isHere }) => isHere);
    if (open.length >= MAX_PEERS || this.peers.length >= MAX_PEERS * 4) return undefined;
    const peer = new FuzzPeer(this.choices, this.#options);
    this.peers.push(peer);
    return peer;
  }

  /** Mostly who came last, of those that are still here. */
  somebody(): FuzzPeer {
    const here = this.peers.filter(({ isHere }) => isHere);
    if (here.length === 0) return this.peers.at(-1)!;
    return this.choices.oneIn(3) ? this.choices.pick(here) : here.at(-1)!;
  }

  /** Lets callbacks, ticks and promises run until nothing is left of them. */
  async settle(): Promise<void> {
    for (let i = 0; i < 2; i += 1) await new Promise((resolve) => setImmediate(resolve));
    this.#check();
  }

  advance(ms: number): void {
    this.clock.advance(ms);
    for (const { session } of this.peers) session.check(this.clock.now());
  }

  #check(): void {
    if (bugs.count > this.#bugsBefore) throw new Violation(`a bug was logged: ${this.#lastBug}`);
    check(this.#complaints.length === 0, this.#complaints.join('; '));
    for (const peer of this.peers) {
      peer.hear();
      const { writableLength } = peer.socket;
      check(writableLength <= MAX_QUEUED_BYTES, `${writableLength} bytes wait for one who does not read`);
    }
  }

  /** Runs `flood`, after which no more than the limits allow may still be held. */
  async measure(flood: () => void): Promise<void> {
    const before = usedBytes(true);
    flood();
    await this.settle();
    this.advance(FLUSH_MS); // what gathers for the next flush does not stay
    await this.settle();
    if (usedBytes(false) - before <= MAX_HELD_BYTES) return;
    const held = usedBytes(true) - before;
    check(held <= MAX_HELD_BYTES, `${held >> 20} MiB are held after a flood`);
  }

  /** Everybody leaves, in this way or that; then nothing may be left. */
  async end(): Promise<void> {
    for (const peer of this.peers) {
      peer.socket.unstall();
      if (this.choices.oneIn(3)) peer.socket.reset();
      else peer.socket.hangUp();
      if (this.choices.oneIn(2)) await this.settle();
    }
    await this.settle();
    this.advance(CLOSE_GRACE_MS);
    await this.settle();
    // gates and starts have deadlines; a session whose socket rests meanwhile sees only then that its peer has left
    for (const script of this.scripts.opened) {
      script.finishStart();
      script.maySleep = true;
      for (const gate of [...script.gates.values()])
        gate.decide({ accepted: false, reason: 'no answer in time' });
    }
    await this.settle();
    for (const { gates } of this.scripts.opened) {
      for (const gate of [...gates.values()]) gate.decide({ accepted: false, reason: 'no answer in time' });
    }
    await this.settle();
    // the same is true of one that is over the rate of its commands
    for (
      let ms = 0;
      ms < COMMAND_WAIT_MS && this.peers.some(({ socket }) => !socket.closed);
      ms += SECOND_MS
    ) {
      this.advance(SECOND_MS);
      await this.settle();
    }
    this.advance(CLOSE_GRACE_MS);
    await this.settle();
    this.#checkEmpty();
    this.advance(IDLE_MS);
    await this.settle();
    const running = [...this.registry.instances].map(({ fullName }) => fullName);
    check(running.length === 0, `${running} still runs without clients`);
    check(this.clock.pending === 0, `${this.clock.pending} timers are left`);
    check(
      this.scripts.opened.every(({ isClosed }) => isClosed),
      'a script was left open',
    );
  }

  #checkEmpty(): void {
    for (const [i, { socket }] of this.peers.entries())
      check(socket.closed, `the socket of peer ${i} is open`);
    for (const instance of this.registry.instances) {
      check(instance.clients.size === 0, `${instance.clients.size} clients are left in ${instance.fullName}`);
      const names = [...instance.streams.values()].map(({ stream }) => stream.name);
      check(names.length === 0, `streams are left in ${instance.fullName}: ${names}`);
    }
    for (const { gates, clients, live, playing } of this.scripts.opened) {
      check(gates.size === 0, 'a gate was neither answered nor dropped');
      check(clients.size === 0, 'the script was not told that a client has left');
      check(live.size === 0, `the script was not told that ${[...live.keys()]} ended`);
      check(playing.size === 0, `the script was not told that ${[...playing.keys()]} was stopped`);
    }
    check(this.input.heldBytes === 0, `${this.input.heldBytes} bytes of input count as held`);
    check(this.input.hostCount === 0 && this.input.waitingCount === 0, 'the input of a connection counts');
    check(this.recorders.current.size === 0, 'a recording was left open');
    check(this.recorded.leases === 0, `${this.recorded.leases} recorded streams were left open`);
  }
}
