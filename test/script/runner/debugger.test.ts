// Debuggers at the isolates of the runner. However one leaves, and whatever it has going on: the process goes on, and with it what
// the other scripts in it remember.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeBody, encodeBytes, encodeFrame } from '../../../src/script/wire/frames.ts';
import { FrameType, type UsageBody } from '../../../src/script/wire/wire.ts';
import { TestRunner, type TestUnit } from '../../support/runner.ts';

/** The media side of a debugger's session. */
class Session {
  readonly #runner: TestRunner;
  readonly #unit: TestUnit;
  readonly #from: number;
  #id = 0;

  constructor(runner: TestRunner, unit: TestUnit) {
    this.#runner = runner;
    this.#unit = unit;
    this.#from = runner.frames.length;
    this.#write(FrameType.Attach);
  }

  #write(type: typeof FrameType.Attach | typeof FrameType.Detach): void {
    this.#runner.channel.write(encodeFrame(type, this.#unit.id));
  }

  // biome-ignore lint/suspicious/noExplicitAny: what the protocol says is looked into by the test, field by field
  async #heard(isWanted: (message: any) => boolean, what: string): Promise<any> {
    const find = () => {
      for (const { type, unit, body } of this.#runner.frames.slice(this.#from)) {
        if (type !== FrameType.ToDebugger || unit !== this.#unit.id) continue;
        const message = JSON.parse(body.toString('utf8'));
        if (isWanted(message)) return message;
      }
    };
    await this.#runner.until(() => find() !== undefined, what);
    return find();
  }

  /** Its id. */
  ask(method: string, params: object = {}): number {
    this.#id += 1;
    const text = JSON.stringify({ id: this.#id, method, params });
    this.#runner.channel.write(encodeBytes(FrameType.ToScript, this.#unit.id, Buffer.from(text)));
    return this.#id;
  }

  async send(method: string, params: object = {}) {
    const asked = this.ask(method, params);
    return (await this.#heard(({ id }) => id === asked, method)).result;
  }

  async says(wanted: string): Promise<void> {
    await this.#heard(({ method }) => method === wanted, wanted);
  }

  /** Answered or not. Returns its id. */
  async evaluate(expression: string, awaitPromise = false): Promise<number> {
    await this.send('Runtime.enable');
    const isOfScript = ({ method, params }: { method?: string; params?: { context: { name: string } } }) =>
      method === 'Runtime.executionContextCreated' && params?.context.name === '<isolated-vm>';
    const { params } = await this.#heard(isOfScript, 'the context of the script');
    return this.ask('Runtime.evaluate', { expression, awaitPromise, contextId: params.context.id });
  }

  leave(): void {
    this.#write(FrameType.Detach);
  }
}

const SCRIPT = `let count = 0;
  Client.prototype.count = () => ++count;
  Client.prototype.buffer = (mb) => { try { return new ArrayBuffer(mb << 20).byteLength > 0; } catch { return false; } };
  Client.prototype.stop = () => { debugger; return ++count; };
  Client.prototype.loop = () => { for (;;); };
  Client.prototype.trap = () => { debugger; for (;;); };
  Client.prototype.fill = () => { const all = []; for (;;) all.push(new Array(1e4).fill(all.length)); };
  Client.prototype.hoard = () => { debugger; const all = []; for (;;) all.push(new Array(1e4).fill(all.length)); };
  Client.prototype.promise = () => { const f = () => Promise.resolve().then(f); return f(); };
  // It asks for memory while no function of the script is on the stack: \`then\` calls itself.
  Client.prototype.chain = () => {
    const { promise, resolve } = Promise.withResolvers();
    const then = promise.then.bind(promise);
    resolve(then);
    then(then);
  };`;
const LIMITS = { turnMs: 200, memoryMb: 32 };

/** What the units said last of the memory that they take, by their numbers. */
function heapsOf(runner: TestRunner): Map<number, number> {
  const heaps = new Map<number, number>();
  for (const { type, unit, body } of runner.frames) {
    if (type !== FrameType.Usage) continue;
    const { heapBytes } = decodeBody(body) as UsageBody;
    if (heapBytes !== undefined) heaps.set(unit, heapBytes);
  }
  return heaps;
}

async function running(use: (all: Awaited<ReturnType<typeof open>>) => Promise<void>): Promise<void> {
  await using runner = await TestRunner.start();
  const all = await open(runner);
  await use(all);
  // what was let go of goes in threads of its own, and some ends take the process with them
  const { beats } = runner;
  await runner.until(() => runner.beats > beats + 2, 'its heart');
  assert.equal(await all.neighbour.value('count'), 2);
  assert.equal(runner.recycle, undefined);
}

async function open(runner: TestRunner) {
  const neighbour = await runner.run(SCRIPT);
  await neighbour.connect().verdict;
  assert.equal(await neighbour.value('count'), 1);
  const inspectable = async () => {
    const unit = await runner.run(SCRIPT, { limits: LIMITS, isInspectable: true });
    await unit.connect().verdict;
    return unit;
  };
  const post = (unit: TestUnit, name: string) => {
    const id = unit.nextId();
    unit.post({ t: 'call', id, client: 'c1', name, args: [], wantsResult: true });
    return unit.command('ret', (ret) => ret.id === id);
  };
  return {
    ...{ runner, neighbour, post },
    unit: await inspectable(),
    inspectable,
    attach: (unit: TestUnit) => new Session(runner, unit),
  };
}

describe('the runner outlives a debugger', { timeout: 120_000 }, () => {
  test('that attached, said nothing and left, when the script is unloaded then', () =>
    running(async ({ unit, attach }) => {
      attach(unit).leave();
      assert.equal(await unit.value('count'), 1);
      unit.unload();
    }));

  test('that attached, looked around and left, when the script is unloaded then', () =>
    running(async ({ unit, attach }) => {
      const session = attach(unit);
      await session.send('Runtime.enable');
      await session.send('Debugger.enable');
      session.leave();
      assert.equal(await unit.value('count'), 1);
      unit.unload();
    }));

  test('that is attached while the script is unloaded', () =>
    running(async ({ unit, attach }) => {
      await attach(unit).send('Debugger.enable');
      unit.unload();
    }));

  test('that leaves, and at once the script is unloaded', () =>
    running(async ({ unit, attach }) => {
      const session = attach(unit);
      await session.send('Debugger.enable');
      session.leave();
      unit.unload();
    }));

  test('that comes and goes many times, at many versions of the script', () =>
    running(async ({ inspectable, attach }) => {
      for (let i = 0; i < 5; i += 1) {
        const unit = await inspectable();
        for (let j = 0; j < 3; j += 1) {
          const session = attach(unit);
          await session.send('Debugger.enable');
          session.leave();
        }
        const last = attach(unit);
        await last.send('Runtime.enable');
        assert.equal(await unit.value('count'), 1);
        unit.unload();
      }
    }));

  test('that leaves a script at a breakpoint: the script goes on, and can be debugged again and unloaded', () =>
    running(async ({ unit, attach, post }) => {
      const session = attach(unit);
      await session.send('Debugger.enable');
      const stopped = post(unit, 'stop');
      await session.says('Debugger.paused');
      session.leave();
      assert.deepEqual((await stopped) as object, {
        op: 'ret',
        id: (await stopped).id,
        found: true,
        ok: true,
        value: 1,
      });
      const again = attach(unit);
      await again.send('Debugger.enable');
      const stoppedAgain = post(unit, 'stop');
      await again.says('Debugger.paused');
      await again.send('Debugger.resume');
      await stoppedAgain;
      unit.unload();
    }));

  test('whose script is unloaded while it stands at a breakpoint', () =>
    running(async ({ unit, attach, post }) => {
      const session = attach(unit);
      await session.send('Debugger.enable');
      post(unit, 'stop').catch(() => {});
      await session.says('Debugger.paused');
      unit.unload();
    }));

  test('whose script is unloaded while it stands at a breakpoint that an expression has met', () =>
    running(async ({ unit, attach }) => {
      const session = attach(unit);
      await session.send('Debugger.enable');
      await session.evaluate('debugger; 1');
      await session.says('Debugger.paused');
      unit.unload();
    }));

  for (const name of ['loop', 'promise']) {
    test(`whose script is unloaded while it runs for ever: ${name}`, () =>
      running(async ({ unit, attach, post, runner }) => {
        const session = attach(unit);
        await session.send('Debugger.enable');
        post(unit, name).catch(() => {});
        const { beats } = runner;
        await runner.until(() => runner.beats > beats + 1, 'its heart'); // there is no word of a turn without limits
        unit.unload();
      }));
  }

  test('that leaves a script which then overruns its limit', () =>
    running(async ({ unit, attach, post }) => {
      const session = attach(unit);
      await session.send('Debugger.enable');
      post(unit, 'trap').catch(() => {});
      await session.says('Debugger.paused');
      session.leave();
      assert.equal((await unit.dead()).kind, 'stuck');
    }));

  test('that leaves behind an expression which runs for ever: that instance ends', () =>
    running(async ({ unit, attach }) => {
      const session = attach(unit);
      await session.evaluate('for (;;);');
      session.leave();
      const { kind, message } = await unit.dead();
      assert.equal(kind, 'stuck');
      assert.match(message, /^what the debugger has run did not end within 200 ms/);
    }));

  test('that leaves behind a promise which stays open, when the script is debugged again and unloaded then', () =>
    running(async ({ unit, attach }) => {
      const session = attach(unit);
      await session.evaluate('globalThis.never = new Promise(() => {})', true);
      await session.send('Runtime.getIsolateId');
      session.leave();
      assert.equal(await unit.value('count'), 1);
      await attach(unit).send('Runtime.enable');
      unit.unload();
    }));

  test('that is attached when the script takes more memory than it may', () =>
    running(async ({ unit, attach, post }) => {
      const session = attach(unit);
      await session.send('Runtime.enable');
      post(unit, 'fill').catch(() => {});
      assert.equal((await unit.dead()).kind, 'memory');
      session.leave();
      unit.unload();
    }));

  test('that is attached when promises of the script take more memory than they may, and none of its functions runs', () =>
    running(async ({ unit, attach, post }) => {
      const session = attach(unit);
      await session.send('Debugger.enable');
      post(unit, 'chain').catch(() => {});
      assert.equal((await unit.dead()).kind, 'memory');
    }));

  test('that leaves a script at a breakpoint, before it takes more memory than there is', () =>
    running(async ({ unit, attach, post }) => {
      const session = attach(unit);
      await session.send('Debugger.enable');
      post(unit, 'hoard').catch(() => {});
      await session.says('Debugger.paused');
      session.leave();
      assert.match((await unit.dead()).kind, /^(memory|stuck)$/);
    }));

  test('that may attach: the script has as much memory as any other', () =>
    running(async ({ unit, neighbour, runner }) => {
      assert.equal(await unit.value('buffer', 16), true);
      assert.equal(await unit.value('buffer', 64), false);
      assert.equal(await neighbour.value('buffer', 16), true);
      await runner.until(() => heapsOf(runner).size === 2, 'how much memory both take');
      for (const bytes of heapsOf(runner).values())
        assert.ok(bytes > 0 && bytes < 40 << 20, `${bytes} bytes`);
    }));
});
