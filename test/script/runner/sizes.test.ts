// What a script wants to send and is too large: the author is told what it is, how large, and how large it may be, at once and at
// the line; whoever waits for it gets an error and not silence.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TestRunner, type TestUnit } from '../../support/runner.ts';

let runner: TestRunner;
before(async () => {
  runner = await TestRunner.start();
});
after(() => runner?.[Symbol.asyncDispose]());

const SCRIPT = `
  application.onConnect = (client, how) => {
    if (how === 'details') application.rejectConnection(client, 'no', { text: 'x'.repeat(3e6) });
    if (how === 'redirect') application.redirectConnection(client, 'rtmp://' + 'h'.repeat(3000));
    return true;
  };
  application.onPublish = () => ({ as: 'n'.repeat(2000) });
  Client.prototype.big = () => 'x'.repeat(5e6);
  Client.prototype.bigLater = async () => { await undefined; return 'x'.repeat(5e6); };
  Client.prototype.bytes = () => new Uint8Array(5e6);
  Client.prototype.items = () => new Array(2e5).fill(1);
  Client.prototype.caught = function () {
    for (let i = 0; i < 3; i++)
      try { this.call('m', null, 'x'.repeat(9e5)); } catch {}
    return 'fine';
  };
  Client.prototype.sends = function (how) {
    const text = 'x'.repeat(3e6);
    if (how === 'call') this.call('m', null, text);
    if (how === 'broadcast') application.broadcastMsg('m', text);
    if (how === 'send') Stream.get('s').send('m', text);
    if (how === 'store') application.store.set('k', text);
    if (how === 'name') this.call('m'.repeat(2000));
    if (how === 'arguments') this.call('m', null, ...new Array(1001).fill(1));
    if (how === 'access') this.readAccess = '/x'.repeat(2000);
    if (how === 'stream') Stream.get('s'.repeat(2000)).play('x');
    return how;
  };`;
const LINES = SCRIPT.split('\n');

async function running(): Promise<TestUnit> {
  const unit = await runner.run(SCRIPT, { limits: { turnMs: 5000 } });
  await unit.connect().verdict;
  return unit;
}

const last = (unit: TestUnit) => unit.of('error').at(-1)!;

describe('an answer', () => {
  for (const name of ['big', 'bigLater']) {
    test(`of 5 MB is refused for its size: ${name}`, async () => {
      const unit = await running();
      const { id } = await unit.call(name);
      const says = 'its answer takes 4.8 MB as JSON, more than the 2 MB of one turn';
      assert.deepEqual(unit.of('ret').at(-1), { op: 'ret', id, found: true, ok: false, description: says });
      const { kind, where, message } = last(unit);
      assert.deepEqual(
        { kind, where, message },
        { kind: 'limit', where: `client.${name}`, message: `RangeError: ${says}` },
      );
      assert.equal(unit.of('error').length, 1);
    });
  }

  for (const [name, says] of [
    ['bytes', '5000000 bytes in one value; at most 1500000'],
    ['items', 'an array of 200000 items; one value has at most 100000'],
  ] as const) {
    test(`says what is too much in it: ${name}`, async () => {
      const unit = await running();
      const ret = await unit.call(name);
      assert.ok(ret.found && !ret.ok);
      assert.equal(ret.description, says);
    });
  }
});

describe('what a script sends', () => {
  for (const [how, says] of [
    ['call', /a call takes 2\.9 MB as JSON, more than the 2 MB of one turn/],
    ['broadcast', /a broadcast takes 2\.9 MB/],
    ['send', /what is sent to a stream takes 2\.9 MB/],
    ['store', /a request takes 2\.9 MB/],
    ['name', /name: a text of 2000 characters; at most 1024/],
    ['arguments', /1001 arguments; a call has at most 1000/],
    ['access', /readAccess: a text of 4000 characters; at most 1024/],
    ['stream', /stream: a text of 2000 characters; at most 1024/],
  ] as const) {
    test(`and is too large is an exception at its line: ${how}`, async () => {
      const unit = await running();
      await unit.call('sends', how);
      const { message, stack } = await unit.command('error');
      assert.match(message, says);
      const line =
        LINES.findIndex((text) => text.includes(`how === '${how}'`) && text.includes('3e6') === false) + 1;
      assert.match(stack, new RegExp(`main\\.ts:${line}:\\d+`));
    });
  }

  test('and is too much for one turn, and nobody notices, is told of with the place of the first that was dropped', async () => {
    const unit = await running();
    assert.equal(await unit.value('caught'), 'fine');
    const { kind, where, message, stack } = await unit.command('error');
    assert.equal(kind, 'limit');
    assert.equal(where, 'client.caught');
    assert.match(message, /^1 commands of one turn were dropped: more than 10000, or 2 MB$/);
    const line = LINES.findIndex((text) => text.includes('9e5')) + 1;
    assert.match(stack, new RegExp(`main\\.ts:${line}:\\d+`));
  });
});

describe('a gate', () => {
  for (const [how, says] of [
    ['details', /the text for the client takes 2\.9 MB/],
    ['redirect', /redirect: a text of 3007 characters; at most 2048/],
  ] as const) {
    test(`whose refusal is too large refuses, with an error at its line: ${how}`, async () => {
      const unit = await running();
      const { accepted } = await unit.connect('c2', how).verdict;
      assert.equal(accepted, false);
      const { message, stack } = await unit.command('error');
      assert.match(message, says);
      const line = LINES.findIndex((text) => text.includes(`how === '${how}'`)) + 1;
      assert.match(stack, new RegExp(`main\\.ts:${line}:\\d+`));
    });
  }

  test('whose verdict is too large refuses at once', async () => {
    const unit = await running();
    assert.equal((await unit.publish('key').verdict).accepted, false);
    const { where, message } = await unit.command('error');
    assert.equal(where, 'onPublish');
    assert.match(message, /as: a text of 2000 characters; at most 1024/);
  });
});
