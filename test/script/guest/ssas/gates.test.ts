import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ScriptOptions, TestRunner, type TestUnit } from '../../../support/runner.ts';

let runner: TestRunner;
before(async () => {
  runner = await TestRunner.start();
});
after(() => runner[Symbol.asyncDispose]());

const classic: ScriptOptions = { kind: 'classic' };

/** A script whose onPublish returns `expression`, with an accepted client. */
async function publishing(expression: string, options?: ScriptOptions): Promise<TestUnit> {
  const unit = await runner.run(
    `application.onPublish = function (client, stream, request) { return ${expression} }`,
    options,
  );
  await unit.connect().verdict;
  return unit;
}

async function publishVerdict(expression: string, options?: ScriptOptions) {
  const unit = await publishing(expression, options);
  const { id, op, ...verdict } = await unit.publish('secret', 'c1', { query: 'a=1', params: { a: '1' } })
    .verdict;
  return { verdict, errors: unit.of('error') };
}

async function connectVerdict(expression: string, options?: ScriptOptions) {
  const unit = await runner.run(
    `application.onConnect = function (client, ...args) { return ${expression} }`,
    options,
  );
  const asked = unit.connect('c1', 7);
  const { id, op, ...verdict } = await asked.verdict;
  return { verdict, errors: unit.of('error'), unit };
}

/** Whether the gate is still open once a later event of the same script has been answered. */
async function staysPending(expression: string, options?: ScriptOptions): Promise<boolean> {
  const unit = await runner.run(`application.onConnect = function () { return ${expression} }`, options);
  const asked = unit.connect('c1');
  const other = unit.nextId();
  unit.post({ t: 'call', id: other, client: 'nobody', name: 'x', args: [], wantsResult: true });
  await unit.command('ret', ({ id }) => id === other);
  return !asked.isAnswered;
}

const ACCEPTED = { accepted: true };
const REFUSED = { accepted: false, reason: 'refused by the application' };
const FAILED = { accepted: false, reason: 'application error' };

describe('a gate without a handler', () => {
  test('accepts at once, all three', async () => {
    const unit = await runner.run('');
    assert.equal((await unit.connect().verdict).accepted, true);
    assert.equal((await unit.publish('a').verdict).accepted, true);
    assert.equal((await unit.play('a').verdict).accepted, true);
  });
});

describe('the verdict of onPublish', () => {
  for (const [expression, verdict] of [
    ['undefined', ACCEPTED],
    ['true', ACCEPTED],
    ['Promise.resolve(true)', ACCEPTED],
    ['Promise.resolve()', ACCEPTED],
    ['false', REFUSED],
    ['Promise.resolve(false)', REFUSED],
    ["{ deny: 'wrong key' }", { accepted: false, reason: 'wrong key' }],
    ["Promise.resolve({ deny: 'late' })", { accepted: false, reason: 'late' }],
    ["{ as: 'public' }", { accepted: true, as: 'public' }],
    ["{ record: 'append' }", { accepted: true, record: 'append' }],
    ["{ as: 'public', record: 'record' }", { accepted: true, as: 'public', record: 'record' }],
    ["{ as: 'public', takeOver: true }", { accepted: true, as: 'public', takeOver: true }],
    ['{ takeOver: false }', { accepted: true, takeOver: false }],
    ['{ as: undefined }', ACCEPTED],
    ['{}', ACCEPTED],
  ] as const) {
    test(`${expression} is a decision`, async () => {
      const { verdict: found, errors } = await publishVerdict(`(${expression})`);
      assert.deepEqual(found, verdict);
      assert.deepEqual(errors, []);
    });
  }

  for (const expression of [
    'null',
    '0',
    '1',
    "''",
    "'yes'",
    '[]',
    'new Date()',
    'new Error("x")',
    "{ deny: '' }",
    '{ deny: undefined }',
    '{ deny: 5 }',
    "{ deny: 'a', as: 'b' }",
    "{ as: '' }",
    '{ as: null }',
    '{ record: true }',
    '{ takeOver: 1 }',
    "{ takeOver: 'yes' }",
    "{ deny: 'a', takeOver: true }",
    '{ allow: true }',
    '() => true',
    'Symbol.iterator',
    '10n',
    'Promise.resolve(null)',
    '{ get as() { throw new Error("no") } }',
    'new Proxy({}, { ownKeys() { throw 1 } })',
  ]) {
    test(`${expression} is none: it refuses, and the script hears of it`, async () => {
      const { verdict, errors } = await publishVerdict(`(${expression})`);
      assert.deepEqual(verdict, FAILED);
      assert.equal(errors.length, 1);
      assert.equal(errors[0]!.kind, 'verdict');
      assert.equal(errors[0]!.where, 'onPublish');
      assert.equal(errors[0]!.client, 'c1');
    });
  }

  test('what it should not have been is named', async () => {
    const { errors } = await publishVerdict('({ alow: true, reason: "typo" })');
    assert.match(errors[0]!.message, /^returned \{ alow: true, reason: "typo" \}/);
  });

  for (const expression of [
    '(() => { throw new Error("secret detail") })()',
    'Promise.reject(new Error("secret detail"))',
    '({ get then() { throw new Error("secret detail") } })',
  ]) {
    test(`${expression} refuses and tells the client nothing of it`, async () => {
      const { verdict, errors } = await publishVerdict(expression);
      assert.deepEqual(verdict, FAILED);
      assert.equal(errors.length, 1);
      assert.equal(errors[0]!.kind, 'handler');
      assert.match(errors[0]!.message, /secret detail/);
      assert.doesNotMatch(errors[0]!.stack, /understudy:guest/);
    });
  }

  test('a reason is one printable line of at most 200 characters', async () => {
    const { verdict } = await publishVerdict(`({ deny: 'a\\r\\nb\\u0000\\u009f' + 'x'.repeat(1000) })`);
    assert.ok(!verdict.accepted);
    assert.equal(verdict.reason.length, 200);
    assert.match(verdict.reason, /^abx+…$/);
  });

  test('an error in a classic handler that cannot refuse is reported, and refuses nobody', async () => {
    const handlers: [code: string, accepted: boolean][] = [
      ['function (c, s) { new File("pub.log"); }', true],
      ['function (c, s) { if (!s) return; nothing.here }', true],
      ['function (c, s) { if (!s) return false; nothing.here }', false],
      ['(c, s) => nothing.here', false],
      ['async function (c, s) { nothing.here }', false],
      ['function (c) { nothing.here }.bind(application)', false],
    ];
    for (const [code, accepted] of handlers) {
      for (const options of [classic, {}]) {
        const unit = await runner.run(`application.onPublish = ${code};`, options);
        await unit.connect('c').verdict;
        const { accepted: isLetIn } = await unit.publish('cam', 'c').verdict;
        assert.equal(isLetIn, accepted && options === classic, code);
        assert.match(unit.of('error')[0]!.message, /is not defined/);
      }
    }
  });

  test('classic scripts refuse by false and by a denial only', async () => {
    for (const expression of ['0', 'null', "''", "'no'", '[]', '{}', '{ allow: 1 }', '() => false']) {
      const { verdict, errors } = await publishVerdict(`(${expression})`, classic);
      assert.deepEqual([verdict, errors], [ACCEPTED, []], expression);
    }
    assert.deepEqual((await publishVerdict('false', classic)).verdict, REFUSED);
    assert.deepEqual((await publishVerdict("({ deny: 'no' })", classic)).verdict, {
      accepted: false,
      reason: 'no',
    });
    assert.deepEqual((await publishVerdict("({ as: 'public' })", classic)).verdict, {
      accepted: true,
      as: 'public',
    });
    // Nobody returns this by accident, and accepting it would put the secret name on air.
    assert.deepEqual((await publishVerdict('({ as: undefinedName })', classic)).verdict, FAILED);
  });
});

describe('a request', () => {
  test('says who publishes now, and when its last byte came', async () => {
    const unit = await publishing(`{ deny: [
      Object.isFrozen(request.current), request.current.client === application.clients[0],
      Math.round((Date.now() - request.current.since) / 1000), Math.round((Date.now() - request.current.lastByte) / 1000),
      request.current.since instanceof Date].join() }`);
    const current = { client: 'c1', sinceMs: 60_000, lastByteMs: 2_000 };
    const { verdict } = unit.publish('cam', 'c1', {}, current);
    assert.partialDeepStrictEqual(await verdict, { accepted: false, reason: 'true,true,60,2,true' });
  });

  test('has no client for what the server itself publishes, and nothing for a free name', async () => {
    const unit = await publishing("{ deny: String(request.current && 'client' in request.current) }");
    const { verdict } = unit.publish('cam', 'c1', {}, { sinceMs: 0, lastByteMs: 0 });
    assert.partialDeepStrictEqual(await verdict, { reason: 'true' });
    assert.partialDeepStrictEqual(await unit.publish('cam').verdict, { reason: 'undefined' });
  });

  test('is frozen, and is that of this publish', async () => {
    const { verdict } = await publishVerdict(
      `Object.isFrozen(request) && Object.isFrozen(request.params) && request.name === 'secret' &&
       request.query === 'a=1' && request.params.a === '1' && request.type === 'live'`,
    );
    assert.deepEqual(verdict, ACCEPTED);
  });

  test('of a player says from where and how long', async () => {
    const unit = await runner.run(
      `application.onPlay = (client, stream, request) => ({ deny: [stream.name, request.start, request.length, request.reset].join() })`,
    );
    await unit.connect().verdict;
    const verdict = await unit.play('film', 'c1', { start: 3, length: 9, reset: false }).verdict;
    assert.equal(!verdict.accepted && verdict.reason, 'film,3,9,false');
  });
});

describe('the verdict of onPlay', () => {
  test('may name another stream, but not record', async () => {
    const unit = await runner.run(`application.onPlay = (c, s, r) => ({ [r.name]: 'record' })`);
    await unit.connect().verdict;
    assert.deepEqual(await unit.play('as').verdict, { op: 'verdict', id: 3, accepted: true, as: 'record' });
    assert.equal((await unit.play('record').verdict).accepted, false);
  });
});

describe('the verdict of onConnect', () => {
  test('true accepts, false refuses, a denial refuses with its reason', async () => {
    assert.deepEqual((await connectVerdict('true')).verdict, ACCEPTED);
    assert.deepEqual((await connectVerdict('false')).verdict, REFUSED);
    assert.deepEqual((await connectVerdict('Promise.resolve(true)')).verdict, ACCEPTED);
    assert.deepEqual((await connectVerdict("({ deny: 'full' })")).verdict, {
      accepted: false,
      reason: 'full',
    });
  });

  for (const expression of [
    '1',
    'null',
    "'x'",
    '({})',
    "({ as: 'x' })",
    '({ record: "record" })',
    '[true]',
  ]) {
    test(`${expression} refuses in a module`, async () => {
      const { verdict, errors } = await connectVerdict(expression);
      assert.deepEqual(verdict, FAILED);
      assert.equal(errors[0]!.kind, 'verdict');
    });
  }

  test('undefined leaves the client pending, in classic scripts so does whatever FMS did not know', async () => {
    assert.equal(await staysPending('undefined'), true);
    for (const expression of ['undefined', 'null', '1', "'x'", '({})']) {
      assert.equal(await staysPending(expression, classic), true, expression);
    }
  });

  test('an async handler that ends without a decision refuses, and says how it should have been', async () => {
    const { verdict, errors } = await connectVerdict('(async () => {})()');
    assert.deepEqual(verdict, FAILED);
    assert.match(errors[0]!.message, /acceptConnection/);
  });

  test('an async handler may decide by calling, and what it resolves to does not matter then', async () => {
    const { verdict, errors } = await connectVerdict(
      '(async () => { await null; application.acceptConnection(client); return "x" })()',
    );
    assert.deepEqual(verdict, ACCEPTED);
    assert.deepEqual(errors, []);
  });

  test('a throw refuses, but not after acceptConnection', async () => {
    assert.deepEqual((await connectVerdict('nothing.here')).verdict, FAILED);
    const { verdict, errors } = await connectVerdict('(application.acceptConnection(client), nothing.here)');
    assert.deepEqual(verdict, ACCEPTED);
    assert.match(errors[0]!.message, /ReferenceError: nothing is not defined/);
  });

  test('both acceptConnection and true admit once', async () => {
    const { unit } = await connectVerdict('(application.acceptConnection(client), true)');
    await unit.connect('c2').verdict;
    assert.equal(unit.of('verdict').length, 2);
  });
});

describe('what a handler does before it decides', () => {
  test('to the stream, follows the verdict under the public name, and names its gate', async () => {
    const unit = await publishing(
      `(stream.record('append', 60, 2), client.call('hello', null, stream.name), { as: 'public' })`,
    );
    const asked = unit.publish('secret');
    await asked.verdict;
    assert.deepEqual(unit.commands.slice(2), [
      { op: 'verdict', id: asked.id, accepted: true, as: 'public' },
      { op: 'clientCall', client: 'c1', name: 'hello', args: ['secret'] },
      {
        ...{ op: 'record', mode: 'append', maxDurationS: 60, maxSizeBytes: 2048 },
        ...{ stream: 'public', gate: asked.id },
      },
    ]);
  });

  test('to the stream, is forgotten on refusal, also what comes later', async () => {
    const unit = await runner.run(`
      application.onPublish = (client, stream) => {
        stream.record();
        setTimeout(() => trace('late', stream.record()), 1);
        return false;
      }`);
    await unit.connect().verdict;
    assert.equal((await unit.publish('secret').verdict).accepted, false);
    await unit.command('log');
    assert.deepEqual(unit.logs, ['late false']);
    assert.deepEqual(unit.of('record'), []);
  });

  test('after an await, follows the verdict as well', async () => {
    const unit = await publishing(`(async () => { await null; stream.record(); return { as: 'public' } })()`);
    const asked = unit.publish('secret');
    await asked.verdict;
    const { op, stream, gate } = await unit.command('record');
    assert.deepEqual([op, stream, gate], ['record', 'public', asked.id]);
    assert.deepEqual(
      unit.commands.slice(2).map(({ op }) => op),
      ['verdict', 'record'],
    );
  });
});

describe('a gate that nobody waits for', () => {
  test('lets a late decision do nothing', async () => {
    const unit = await runner.run(`
      let decide;
      application.onConnect = (client) => { application.late = client; return new Promise((r) => { decide = r }) };
      application.onDisconnect = () => trace('disconnected');
      application.onPlay = () => { decide(true); application.acceptConnection(application.late); return true };`);
    const late = unit.connect('late');
    unit.post({ t: 'gateDropped', id: late.id });
    // Another client, who gets in through a snapshot's back door: the gate of this script is of no use for that.
    unit.post({ t: 'disconnect', client: 'late' });
    unit.post({ t: 'call', id: 90, client: 'late', name: 'x', args: [], wantsResult: true });
    await unit.command('ret');
    assert.equal(late.isAnswered, false);
    assert.deepEqual(unit.logs, []);
  });
});
