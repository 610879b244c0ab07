import assert from 'node:assert/strict';
import { duplexPair, PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import { type BuildOutcome, BuildResult } from '../../../src/script/source/build-outcome.ts';
import { Builder, QUICK_MS } from '../../../src/script/source/builder.ts';
import {
  BuilderFrame,
  type BuildOrder,
  decodeOutcome,
  encodeOutcome,
} from '../../../src/script/source/builder-wire.ts';
import { decodeBody, encodeBytes, FrameReader } from '../../../src/script/wire/frames.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { BUILD_LIMITS } from '../support/built.ts';
import { version } from '../support/instance.ts';
import { Records } from '../support/records.ts';

const MAX_MS = 20_000;
const MAX_RSS = 100;

/** A builder without a process: what it has been asked, and what a test has it say. */
class FakeBuilder {
  readonly asked: BuildOrder[] = [];
  readonly pids: readonly number[];
  isKilled = false;
  /** It takes a while to end. */
  lingers = false;
  readonly #far;
  readonly process;
  #onEnd = (_how: string) => {};

  constructor(pid: number) {
    this.pids = [pid];
    const [near, far] = duplexPair();
    this.#far = far;
    const reader = new FrameReader();
    far.on('data', (bytes: Buffer) => {
      for (const { body } of reader.push(bytes)) this.asked.push(decodeBody(body) as BuildOrder);
    });
    this.process = {
      channel: near,
      stderr: new PassThrough(),
      kill: () => {
        this.isKilled = true;
        if (!this.lingers) this.end('SIGKILL');
      },
      onEnd: (call: (how: string) => void) => {
        this.#onEnd = call;
      },
    };
  }

  hello(): void {
    this.#far.write(encodeBytes(BuilderFrame.Hello, 0, Buffer.from(JSON.stringify({ pids: this.pids }))));
  }

  answer(outcome: BuildOutcome): void {
    this.#far.write(encodeOutcome(outcome));
  }

  end(how: string): void {
    const call = this.#onEnd;
    this.#onEnd = () => {};
    call(how);
  }
}

function setUp() {
  const clock = new ManualClock();
  const builders: FakeBuilder[] = [];
  const rss = new Map<number, number>();
  const records = new Records();
  const builder = new Builder({
    ...BUILD_LIMITS,
    ...{ clock, log: records.log, maxRssBytes: MAX_RSS, maxMs: MAX_MS },
    spawn: () => {
      const fake = new FakeBuilder(builders.length + 1);
      builders.push(fake);
      return fake.process;
    },
    residentBytes: ([pid]) => rss.get(pid!) ?? 0,
  });
  const ends = new Map<string, BuildOutcome>();
  const build = (application: string) => {
    const request = { folder: `/apps/${application}`, application, libraries: [] };
    void builder.build(request).then((outcome) => ends.set(application, outcome));
  };
  return { clock, builders, builder, build, ends, rss, records };
}

/** What streams and promises have waiting, is over. */
const settled = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

const good = (code: string): BuildOutcome => ({ result: BuildResult.Built, build: version(code) });

function messageOf(outcome: BuildOutcome | undefined): string {
  assert.ok(outcome?.result === BuildResult.Broken, JSON.stringify(outcome));
  return outcome.faults[0]!.message;
}

describe('the builder', () => {
  test('is asked for one script after the other, by whoever comes first', async () => {
    const { builders, build, ends } = setUp();
    for (const name of ['a', 'b', 'c']) build(name);
    const [process] = builders;
    process!.hello();
    await settled();
    assert.deepEqual(
      process!.asked.map(({ request }) => request.application),
      ['a'],
    );
    process!.answer(good('a'));
    await settled();
    assert.ok(ends.has('a'));
    process!.answer(good('b'));
    process!.answer(good('c'));
    await settled();
    assert.deepEqual(
      process!.asked.map(({ request }) => request.application),
      ['a', 'b', 'c'],
    );
    assert.equal(builders.length, 1);
  });

  test('that is killed by somebody else builds the same again, once, in a new process', async () => {
    const { builders, build, ends, records } = setUp();
    build('a');
    builders[0]!.hello();
    await settled();
    builders[0]!.end('SIGKILL');
    builders[1]!.hello();
    await settled();
    builders[1]!.answer(good('a'));
    await settled();
    assert.equal(ends.get('a')!.result, BuildResult.Built);
    assert.equal(records.of('builder-ended').length, 1);
  });

  test('that ends twice over one script says that it cannot be built, and builds the next', async () => {
    const { builders, build, ends } = setUp();
    build('a');
    build('b');
    for (const i of [0, 1]) {
      builders[i]!.hello();
      await settled();
      builders[i]!.end('exit code 1');
    }
    await settled();
    assert.match(messageOf(ends.get('a')), /ended 2 times while it built this script: exit code 1/);
    builders[2]!.hello();
    await settled();
    builders[2]!.answer(good('b'));
    await settled();
    assert.equal(ends.get('b')!.result, BuildResult.Built);
  });

  test('that takes more memory than it may is ended, and the script is a mistake by the name of the limit', async () => {
    const { builders, build, ends, clock, rss } = setUp();
    build('a');
    builders[0]!.hello();
    await settled();
    rss.set(1, MAX_RSS + 1);
    clock.advance(100);
    await settled();
    assert.ok(builders[0]!.isKilled);
    assert.match(messageOf(ends.get('a')), /too much memory.*MaxBuildSize/);
    const outcome = ends.get('a')!;
    assert.ok(outcome.result === BuildResult.Broken && outcome.isCostly);
    assert.equal(outcome.faults[0]!.limit, 'MaxBuildSize');
  });

  test('says the same at once of a script that esbuild has no stack for', async () => {
    const { builders, build, ends } = setUp();
    build('a');
    builders[0]!.hello();
    builders[0]!.process.stderr.write('runtime: goroutine stack exceeds 1000000000-byte limit\n');
    await settled();
    builders[0]!.end('SIGKILL');
    await settled();
    assert.match(messageOf(ends.get('a')), /nested too deep/);
    assert.equal(builders.length, 1);
  });

  test('keeps nobody waiting for six that are stuck for longer than a moment each, and never twice', async () => {
    const { builders, build, ends, clock } = setUp();
    const stuck = ['1', '2', '3', '4', '5', '6'];
    for (const name of stuck) build(name);
    build('seventh');
    const hello = async () => {
      for (const one of builders) if (one.asked.length === 0) one.hello();
      await settled();
    };
    for (let i = 0; i < stuck.length; i += 1) {
      await hello();
      clock.advance(QUICK_MS);
    }
    await hello();
    builders.find(({ asked }) => asked[0]?.request.application === 'seventh')!.answer(good('seventh'));
    await settled();
    assert.equal(ends.get('seventh')!.result, BuildResult.Built);
    assert.equal(clock.now(), stuck.length * QUICK_MS);
    // the stuck ones have all of their time, one after the other, each once
    for (let i = 0; i < stuck.length; i += 1) {
      await hello();
      clock.advance(MAX_MS);
    }
    await settled();
    for (const name of stuck) assert.match(messageOf(ends.get(name)), /more than 20 s \(MaxBuildTime/);
  });

  test('lets a slow script go to the slow ones at once the next time, until it is quick again', async () => {
    const { builders, build, ends, clock } = setUp();
    const slowly = async (process: FakeBuilder, ms: number) => {
      process.hello();
      await settled();
      clock.advance(ms);
      process.answer(good('a'));
      await settled();
    };
    build('a');
    builders[0]!.hello();
    await settled();
    clock.advance(QUICK_MS);
    assert.ok(builders[0]!.isKilled);
    await slowly(builders[1]!, 2 * QUICK_MS);
    assert.ok(ends.delete('a'));
    build('a');
    build('quick');
    await settled();
    assert.equal(builders[1]!.asked.length, 2); // the slow lane's, which is warm
    assert.equal(builders.length, 3); // one for the quick
    builders[1]!.answer(good('a'));
    builders[2]!.hello();
    await settled();
    builders[2]!.answer(good('quick'));
    await settled();
    build('a');
    await settled();
    assert.deepEqual(builders[2]!.asked.at(-1)!.request.application, 'a');
  });

  test('has no process when nothing has been built for a while, and another for the next', async () => {
    const { builders, build, clock, ends } = setUp();
    build('a');
    builders[0]!.hello();
    await settled();
    builders[0]!.answer(good('a'));
    await settled();
    clock.advance(24 * 3600_000);
    assert.ok(builders[0]!.isKilled);
    assert.equal(clock.pending, 0);
    build('b');
    builders[1]!.hello();
    await settled();
    builders[1]!.answer(good('b'));
    await settled();
    assert.equal(ends.get('b')!.result, BuildResult.Built);
  });

  test('that ends because it had nothing to do is not given what comes meanwhile, and nobody complains', async () => {
    const { builders, build, clock, ends, records } = setUp();
    build('a');
    builders[0]!.hello();
    await settled();
    builders[0]!.answer(good('a'));
    await settled();
    builders[0]!.lingers = true;
    clock.advance(24 * 3600_000);
    build('b');
    await settled();
    builders[0]!.end('SIGKILL');
    builders[1]!.hello();
    await settled();
    builders[1]!.answer(good('b'));
    await settled();
    assert.equal(ends.get('b')!.result, BuildResult.Built);
    assert.deepEqual(
      builders.map(({ asked }) => asked.map(({ request }) => request.application)),
      [['a'], ['b']],
    );
    assert.deepEqual(records.of('builder-ended'), []);
  });

  test('that never says hello is replaced', async () => {
    const { builders, build, clock } = setUp();
    build('a');
    clock.advance(60_000);
    assert.ok(builders[0]!.isKilled);
    assert.equal(builders.length, 2);
  });

  test('ends with the server, and leaves nobody waiting', async () => {
    const { builders, build, builder, ends } = setUp();
    build('a');
    build('b');
    await builder.close();
    await settled();
    assert.ok(builders[0]!.isKilled);
    for (const name of ['a', 'b']) assert.match(messageOf(ends.get(name)), /the server is closing/);
  });
});

test('an outcome comes over as it was, its script and its map byte for byte', () => {
  const build = {
    ...version('größe "\\n'),
    sourceMap: '{}',
    inlineMap: Buffer.from('map'),
    usesShared: true,
  };
  const reader = new FrameReader();
  for (const outcome of [
    { result: BuildResult.Built, build },
    { result: BuildResult.Built, build: { ...build, inlineMap: undefined } },
    { result: BuildResult.Broken, faults: [{ message: 'größe' }], isCostly: true },
    { result: BuildResult.NoFolder },
  ] satisfies BuildOutcome[]) {
    const [frame] = [...reader.push(encodeOutcome(outcome))];
    const decoded = decodeOutcome(frame!.body);
    assert.deepEqual(JSON.parse(JSON.stringify(decoded)), JSON.parse(JSON.stringify(outcome)));
  }
});
