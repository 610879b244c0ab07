import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LoginPolicy } from '../../../src/application/admission/login.ts';
import { membersOf } from '../../../src/protocol/amf/amf.ts';
import type { Command } from '../../../src/protocol/rtmp/command.ts';
import { adobeHash, adobeResponse } from '../../../src/protocol/rtmp/publisher-auth.ts';
import { atMost, Core, type CoreOptions, until } from '../../support/core.ts';

const POLICY: LoginPolicy = {
  mode: 'adobe',
  of: 'everybody',
  agents: ['FMLE/'],
  scope: 'live',
  secretsOf: (user, found) => found(user === 'ann' ? [{ kind: 'plain', password: 'secret' }] : []),
};

function guarded(policy: Partial<LoginPolicy> = {}, registry: CoreOptions['registry'] = {}): Promise<Core> {
  const clients = {
    ...{ wireChunkBytes: 60_000, idleTimeoutMs: undefined },
    ...{ serverToClientBytes: 2_500_000, clientToServerBytes: 2_500_000 },
    login: { ...POLICY, ...policy },
  };
  return Core.start({ registry: { ...registry, settingsFor: () => ({ clients }) } });
}

function descriptionOf(answer: Command): string {
  return String(membersOf(answer.args[0])?.description);
}

/** Connects anew, as encoders do, and resolves to the last answer. */
async function logIn(core: Core, user: string, password: string): Promise<Command> {
  const asked = await (await core.peer()).connect(`live?authmod=adobe&user=${user}`);
  assert.equal(asked.name, '_error');
  const given = new URLSearchParams(descriptionOf(asked).replace(/^.*\?/s, ''));
  const opaque = given.get('opaque')!;
  const response = adobeResponse(adobeHash(user, given.get('salt')!, password), opaque, 'cc');
  const query = `authmod=adobe&user=${user}&challenge=cc&response=${response}&opaque=${opaque}`;
  return (await core.peer()).connect(`live?${query}`);
}

test('a connect without a login is refused and closed, and starts nothing', async () => {
  await using core = await guarded();
  const peer = await core.peer();
  const answer = await peer.connect('live');
  assert.equal(answer.name, '_error');
  assert.equal(membersOf(answer.args[0])?.code, 'NetConnection.Connect.Rejected');
  assert.equal(descriptionOf(answer), '[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ');
  await peer.closed();
  assert.equal(core.instance(), undefined);
});

test('refusals with different causes in one second have a line each, and guesses have one that counts', async () => {
  await using core = await guarded();
  for (let i = 0; i < 4; i += 1) await logIn(core, 'ann', 'wrong');
  const lines = (event: string) => core.log.filter((line) => line.event === event);
  assert.deepEqual(
    lines('connect-refused').map(({ cause }) => cause),
    ['login-needed', 'login-failed'],
  );
  core.clock.advance(1_000);
  assert.deepEqual(
    lines('login-failed').map(({ reason, repeats }) => [reason, repeats]),
    [
      ['ann gave a wrong password', undefined],
      ['ann gave a wrong password', 2],
    ],
  );
});

test('with the right password a client comes in; the log says who, and who failed', async () => {
  await using core = await guarded();
  assert.equal((await logIn(core, 'ann', 'secret')).name, '_result');
  const { question } = await core.script().question('onConnect');
  assert.ok(question.gate === 'onConnect');
  assert.deepEqual([question.client.user, question.client.writeAccess], ['ann', '/']);
  assert.ok(core.log.some(({ event, user }) => event === 'connect' && user === 'ann'));
  assert.deepEqual(core.trouble, []);

  assert.match(descriptionOf(await logIn(core, 'ann', 'guess')), /\?reason=authfailed&/);
  core.clock.advance(1_000);
  assert.match(descriptionOf(await logIn(core, 'bob', 'secret')), /\?reason=authfailed&/);
  assert.deepEqual(
    core.trouble.map(({ event, reason }) => [event, reason]),
    [
      ['login-failed', 'ann gave a wrong password'],
      ['login-failed', 'bob is unknown'],
    ],
  );
});

test('a login that finds no room for an instance is refused as any connect is, when the users come from a file as well', async () => {
  const secretsOf: LoginPolicy['secretsOf'] = (user, found) => {
    void Promise.resolve().then(() => POLICY.secretsOf(user, found)); // as a file is read
  };
  for (const policy of [{ secretsOf }, {}]) {
    await using core = await guarded(policy, { instances: atMost(1) });
    const first = await logIn(core, 'ann', 'secret');
    assert.equal(first.name, '_result');
    const peer = await core.peer();
    const answer = await peer.connect('live/room?authmod=adobe&user=bob');
    assert.equal(answer.name, '_error');
    assert.match(descriptionOf(answer), /Resource limit violation\. Too many application instances\.$/);
    await peer.closed();
    assert.equal(core.log.findLast(({ event }) => event === 'connect-refused')?.cause, 'limit');
  }
});

test('a client that leaves while the users are read starts no instance', async () => {
  const asked = Promise.withResolvers<() => void>();
  const secretsOf: LoginPolicy['secretsOf'] = (user, found) =>
    asked.resolve(() => POLICY.secretsOf(user, found));
  await using core = await guarded({ secretsOf });
  const peer = await core.peer();
  peer.command('connect', 1, [], 0, { app: 'live?authmod=adobe&user=bob', tcUrl: 'rtmp://h/live' });
  const read = await asked.promise;
  peer.socket.destroy();
  await until('its end', () => core.sessionCount === 0);
  read();
  assert.equal(core.instance(), undefined);
});

test('COMPAT: a login may stand in tcUrl alone', async () => {
  await using core = await guarded();
  const peer = await core.peer();
  const answer = await peer.connect('live', { app: 'live', tcUrl: 'rtmp://h/live?authmod=adobe&user=ann' });
  assert.match(descriptionOf(answer), /\?reason=needauth&user=ann&salt=/);
});

test('where publishers log in, who has not may play and not publish, until the script says otherwise', async () => {
  await using core = await guarded({ of: 'publishers' });
  const peer = await core.peer();
  const liar = { tcUrl: 'rtmp://127.0.0.1/live?user=ann' };
  assert.equal((await peer.connect('live', liar)).name, '_result');
  const id = await peer.createStream();
  peer.command('publish', 0, ['show', 'live'], id);
  assert.equal((await peer.expectStatus('NetStream.Publish.Denied')).description, 'No write access.');
  peer.command('play', 0, ['show', -2000], id);
  await peer.expectStatus('NetStream.Play.Start');
  const { question } = await core.script().question('onConnect');
  assert.ok(question.gate === 'onConnect');
  assert.deepEqual([question.client.user, question.client.writeAccess], ['', '']);
  core.script().commands.obey({ op: 'access', client: question.client.id, writeAccess: '/' });
  peer.command('publish', 0, ['show', 'live'], id);
  await peer.expectStatus('NetStream.Publish.Start');

  const encoder = await core.peer();
  assert.equal(
    (await encoder.connect('live', { flashVer: 'FMLE/3.0 (compatible; FMSc/1.0)' })).name,
    '_error',
  );
});

describe('the script knows the user', () => {
  test('it is asked before there is a client, and what it says counts', async () => {
    await using core = await guarded();
    core.scripts.prepare = (script) => {
      script.decide = (question) =>
        question.gate === 'onAuthenticate' && question.user === 'eve'
          ? { accepted: true, secret: { kind: 'plain', password: 'apple' } }
          : { accepted: question.gate !== 'onAuthenticate', reason: 'unknown user' };
    };
    assert.equal((await logIn(core, 'eve', 'apple')).name, '_result');
    assert.match(descriptionOf(await logIn(core, 'adam', 'apple')), /authfailed/);
    assert.equal((await logIn(core, 'ann', 'secret')).name, '_result');
    const users = core.script().asked.flatMap(({ question }) => ('user' in question ? [question.user] : []));
    assert.deepEqual(users, ['eve', 'adam']);
  });

  test('an instance that was only asked is unloaded soon; while it is asked it is not', async () => {
    await using core = await guarded();
    core.scripts.prepare = (script) => {
      script.decide = () => undefined;
    };
    const peer = await core.peer();
    const answered = peer.connect('live?authmod=adobe&user=eve');
    while (!core.instance()) await new Promise((resolve) => setImmediate(resolve));
    const asked = await core.script().question('onAuthenticate');
    core.clock.advance(30_000);
    assert.equal(core.script().stops.length, 0);
    asked.answer({ accepted: false, reason: 'unknown user' });
    assert.match(descriptionOf(await answered), /\?reason=needauth&user=eve&salt=/);
    core.clock.advance(10_000);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(core.instance(), undefined);
  });

  test('one who leaves while it is asked is not waited for, and an instance that stops answers for its script', async () => {
    await using core = await guarded();
    core.scripts.prepare = (script) => {
      script.decide = () => undefined;
    };
    const [gone, here] = [await core.peer(), await core.peer()];
    gone.command('connect', 1, [], 0, { app: 'live?authmod=adobe&user=eve' });
    while (!core.instance()) await new Promise((resolve) => setImmediate(resolve));
    const asked = await core.script().question('onAuthenticate');
    gone.socket.destroy();
    while (core.sessionCount > 1) await new Promise((resolve) => setImmediate(resolve));
    asked.answer({ accepted: true, secret: { kind: 'plain', password: 'apple' } });
    const answered = here.connect('live?authmod=adobe&user=adam');
    while (core.script().asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
    await core.instance()!.stop();
    assert.match(descriptionOf(await answered), /\?reason=needauth&user=adam&salt=/);
  });
});
