import assert from 'node:assert/strict';
import { type Duplex, duplexPair, PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import type { RunnerProcess } from '../../../src/script/process/runner-process.ts';
import {
  BACK_OFF_MS,
  type RunnerDeath,
  Supervisor,
  YOUNG_MS,
} from '../../../src/script/process/supervisor.ts';
import { encodeFrame, type Frame, FrameReader } from '../../../src/script/wire/frames.ts';
import { FrameType, HEARTBEAT_MS } from '../../../src/script/wire/wire.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { Records } from '../support/records.ts';

const MAX_RSS_BYTES = 1 << 30;

class FakeProcess implements RunnerProcess {
  readonly pid: number;
  readonly channel: Duplex;
  readonly stderr = new PassThrough();
  readonly far: Duplex;
  readonly received: Frame[] = [];
  isKilled = false;
  #onEnd = (_how: string) => {};

  constructor(pid: number) {
    this.pid = pid;
    [this.channel, this.far] = duplexPair();
    const reader = new FrameReader();
    this.far.on('data', (bytes) => this.received.push(...reader.push(bytes)));
  }

  beNice(): void {}

  kill(): void {
    this.isKilled = true;
    this.end('SIGKILL');
  }

  onEnd(call: (how: string) => void): void {
    this.#onEnd = call;
  }

  end(how: string): void {
    this.#onEnd(how);
  }

  hello(): void {
    this.far.write(encodeFrame(FrameType.Hello, 0, { pid: this.pid, node: 'v24' }));
  }
  beat(rssBytes = 1): void {
    this.far.write(encodeFrame(FrameType.Beat, 0, { rssBytes, units: 0 }));
  }
  turn(unit: number): void {
    this.far.write(encodeFrame(FrameType.Turn, unit));
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 4; i += 1) await tick();
}

function setUp(ended: (rssBytes: number) => number = () => 0) {
  const clock = new ManualClock();
  const processes: FakeProcess[] = [];
  const deaths: RunnerDeath[] = [];
  const frames: Frame[] = [];
  const records = new Records();
  let ups = 0;
  const supervisor = new Supervisor({
    spawn: () => {
      processes.push(new FakeProcess(100 + processes.length));
      return processes.at(-1)!;
    },
    init: { guest: 'the guest' },
    maxRssBytes: MAX_RSS_BYTES,
    relieve: (rssBytes) => ({ application: 'greedy', ended: ended(rssBytes) }),
    scope: 'shared',
    clock,
    log: records.log,
    onDrained() {},
    onUp: () => {
      ups += 1;
    },
    onFrame: (frame) => frames.push({ ...frame, body: Buffer.from(frame.body) }),
    onDown: (death) => deaths.push(death),
  });
  return {
    ...{ clock, processes, deaths, frames, records, supervisor },
    ups: () => ups,
    /** The newest process says hello. */
    async greet() {
      processes.at(-1)!.hello();
      await settle();
    },
  };
}

async function running(ended?: (rssBytes: number) => number) {
  const set = setUp(ended);
  const started = set.supervisor.start();
  await set.greet();
  await started;
  return { ...set, first: set.processes[0]! };
}

describe('the supervisor', () => {
  test('hands the guest over, and is up when the runner says hello', async () => {
    const { first, supervisor, records, ups } = await running();
    assert.equal(first.received[0]!.type, FrameType.Init);
    assert.deepEqual(JSON.parse(first.received[0]!.body.toString()), { guest: 'the guest' });
    assert.equal(supervisor.isUp, true);
    assert.equal(ups(), 1);
    assert.equal(records.of('runner')[0]!.pid, 100);
  });

  test('says so when the very first runner cannot be started', async () => {
    const { supervisor, processes } = setUp();
    const started = supervisor.start();
    processes[0]!.end('exit code 1');
    await assert.rejects(started, /cannot be started: exit code 1/);
  });

  test('of one application tries again when its very first runner cannot be started', async () => {
    const { supervisor, processes, clock, ups, greet } = setUp();
    supervisor.keepUp();
    processes[0]!.end('spawn EMFILE');
    clock.advance(BACK_OFF_MS[0]!);
    processes[1]!.end('spawn EMFILE');
    clock.advance(BACK_OFF_MS[1]!);
    await greet();
    assert.equal(processes.length, 3);
    assert.equal(ups(), 1);
    assert.equal(supervisor.isUp, true);
  });

  test('passes the frames of units on and keeps its own to itself', async () => {
    const { first, frames } = await running();
    first.beat();
    first.turn(3);
    first.far.write(encodeFrame(FrameType.Loaded, 3, {}));
    await settle();
    assert.deepEqual(
      frames.map(({ type, unit }) => [type, unit]),
      [[FrameType.Loaded, 3]],
    );
  });

  test('ends a runner whose heart stands still for two seconds, and starts the next', async () => {
    const { first, clock, deaths, processes, supervisor, greet } = await running();
    for (let i = 0; i < 20; i += 1) {
      clock.advance(HEARTBEAT_MS);
      first.beat();
      await settle();
    }
    assert.equal(first.isKilled, false);
    first.turn(7);
    await settle();
    clock.advance(2000);
    assert.equal(first.isKilled, false);
    clock.advance(HEARTBEAT_MS);
    assert.equal(first.isKilled, true);
    assert.deepEqual(deaths, [{ how: 'no sign of life for 2 s', suspects: [7] }]);
    assert.equal(supervisor.isUp, false);
    clock.advance(0);
    assert.equal(processes.length, 2);
    await greet();
    assert.equal(supervisor.isUp, true);
  });

  test('replaces a runner that asks for it', async () => {
    const { first, deaths } = await running();
    first.turn(3);
    first.far.write(encodeFrame(FrameType.Recycle, 2, { message: 'an isolate is stuck' }));
    await settle();
    assert.equal(first.isKilled, true);
    assert.deepEqual(deaths, [{ how: 'an isolate is stuck', suspects: [2] }]);
  });

  test('replaces a runner that has grown too large, and blames a long turn for it, but no short one', async () => {
    for (const [turnMs, suspects] of [
      [40, []],
      [60, [3]],
    ] as const) {
      const { first, clock, deaths } = await running();
      first.beat(MAX_RSS_BYTES);
      first.turn(3);
      await settle();
      clock.advance(turnMs);
      first.turn(4);
      await settle();
      for (let i = 0; i < 5; i += 1) first.beat(MAX_RSS_BYTES + (1 << 20));
      await settle();
      assert.equal(first.isKilled, false, 'isolates may yet say who takes it');
      first.beat(MAX_RSS_BYTES + (1 << 20));
      await settle();
      assert.equal(first.isKilled, true);
      assert.deepEqual(deaths, [{ how: 'it takes 1025 MB, more than 1024', suspects }]);
    }
  });

  test('lets a runner be large that comes back to that size by itself, and says so once', async () => {
    const { first, clock, deaths, processes, greet, records } = await running();
    first.beat(2 * MAX_RSS_BYTES);
    await settle();
    assert.equal(deaths.length, 1);
    clock.advance(0);
    await greet();
    for (let i = 0; i < 3; i += 1) {
      processes[1]!.beat(2 * MAX_RSS_BYTES);
      await settle();
    }
    assert.equal(processes[1]!.isKilled, false);
    assert.equal(records.all.filter(({ msg }) => /is large/.test(msg)).length, 1);
  });

  test('keeps a large runner whose isolates make room, weighs it again two seconds later, and blames no turn', async () => {
    const relieved: number[] = [];
    const { first, clock, records } = await running((rssBytes) => {
      relieved.push(rssBytes);
      return relieved.length < 3 ? 5 : 0;
    });
    first.turn(3);
    await settle();
    clock.advance(60);
    for (let i = 0; i < 10; i += 1) first.beat(2 * MAX_RSS_BYTES);
    await settle();
    assert.equal(relieved.length, 2, 'of ten heartbeats the first and the ninth count');
    assert.equal(first.isKilled, false);
    assert.match(records.all.at(-1)!.msg, /greedy takes most of it, and its 5 largest isolates end/);
    for (let i = 0; i < 10; i += 1) first.beat(2 * MAX_RSS_BYTES);
    await settle();
    assert.equal(first.isKilled, true, 'nothing more can be ended');
  });

  test('ends a runner that talks nonsense', async () => {
    const { first, deaths } = await running();
    first.far.write(Buffer.from('ffffffff00', 'hex'));
    first.far.write(Buffer.alloc(20));
    await settle();
    assert.equal(first.isKilled, true);
    assert.match(deaths[0]!.how, /a frame of/);
  });

  test('suspects the units in a turn of a crash, and nobody when somebody else has killed it', async () => {
    for (const [how, suspects] of [
      ['SIGTRAP', [5, 6]],
      ['SIGABRT', [5, 6]],
      ['SIGKILL', []],
      ['exit code 1', []],
    ] as const) {
      const { first, deaths } = await running();
      first.turn(4);
      first.turn(5);
      first.turn(6);
      first.far.write(encodeFrame(FrameType.TurnEnd, 4)); // 5 has been at it for longest
      await settle();
      first.end(how);
      assert.deepEqual(deaths, [{ how, suspects }]);
    }
  });

  test('waits longer and longer while runners die young, and forgets it when one has lived', async () => {
    const { clock, processes, greet } = await running();
    for (const [i, wait] of [...BACK_OFF_MS, BACK_OFF_MS.at(-1)!].entries()) {
      processes.at(-1)!.end('SIGABRT');
      if (wait > 0) clock.advance(wait - 1);
      assert.equal(processes.length, i + 1);
      clock.advance(1);
      assert.equal(processes.length, i + 2);
      await greet();
    }
    for (let ms = 0; ms < YOUNG_MS; ms += HEARTBEAT_MS) {
      clock.advance(HEARTBEAT_MS);
      processes.at(-1)!.beat();
      await settle();
    }
    const count = processes.length;
    processes.at(-1)!.end('SIGABRT');
    clock.advance(0);
    assert.equal(processes.length, count + 1);
  });

  test('does not wait when a script is to blame', async () => {
    const { clock, processes, greet } = await running();
    for (let i = 1; i < 8; i += 1) {
      processes.at(-1)!.turn(i);
      await settle();
      processes.at(-1)!.end('SIGABRT');
      clock.advance(0);
      assert.equal(processes.length, i + 1);
      await greet();
    }
  });

  test('sends nothing to a runner that is not up', async () => {
    const { clock, first, processes, supervisor, greet } = await running();
    first.end('SIGABRT');
    supervisor.send(encodeFrame(FrameType.Unload, 1));
    clock.advance(0);
    supervisor.send(encodeFrame(FrameType.Unload, 2));
    await greet();
    supervisor.send(encodeFrame(FrameType.Unload, 3));
    await settle();
    assert.deepEqual(
      processes[1]!.received.map(({ type, unit }) => [type, unit]),
      [
        [FrameType.Init, 0],
        [FrameType.Unload, 3],
      ],
    );
  });

  test('logs what the runner writes to stderr, line by line', async () => {
    const { first, records } = await running();
    first.stderr.write('one\ntw');
    first.stderr.write('o\n');
    await settle();
    assert.deepEqual(
      records.of('runner-stderr').map(({ msg }) => msg),
      ['one', 'two'],
    );
  });

  test('ends the runner when it is closed, and starts none any more', async () => {
    const { first, supervisor, clock, processes, deaths } = await running();
    await supervisor.close();
    assert.equal(first.isKilled, true);
    clock.advance(60_000);
    assert.equal(processes.length, 1);
    assert.deepEqual(deaths, []);
  });

  test('can be closed while it waits to start the next', async () => {
    const { first, supervisor, clock, processes } = await running();
    first.end('SIGABRT');
    await supervisor.close();
    clock.advance(60_000);
    assert.equal(processes.length, 1);
  });
});
