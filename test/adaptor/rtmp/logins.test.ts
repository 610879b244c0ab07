import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type LoginAttempt,
  Logins,
  type LoginVerdict,
  type SecretQuestion,
} from '../../../src/adaptor/rtmp/logins.ts';
import type { LoginPolicy } from '../../../src/application/admission/login.ts';
import {
  adobeHash,
  adobeResponse,
  llnwHash,
  llnwResponse,
} from '../../../src/protocol/rtmp/publisher-auth.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const POLICY: LoginPolicy = {
  mode: 'adobe',
  of: 'everybody',
  agents: ['FMLE/'],
  scope: 'host/live',
  secretsOf: (user, found) => found(user === 'ann' ? [{ kind: 'plain', password: 'secret' }] : []),
};
const LLNW: LoginPolicy = { ...POLICY, mode: 'llnw' };
const ATTEMPT: LoginAttempt = { app: 'live', query: '', agent: 'FMLE/3.0', ip: '192.0.2.1' };
const nobody: SecretQuestion = (_user, answer) => answer(undefined);

function judge(
  logins: Logins,
  query: string,
  {
    policy = POLICY,
    ask = nobody,
    ...attempt
  }: Partial<LoginAttempt & { policy: LoginPolicy; ask: SecretQuestion }> = {},
): LoginVerdict {
  const verdicts: LoginVerdict[] = [];
  logins.judge(policy, { ...ATTEMPT, ...attempt, query }, ask, (verdict) => verdicts.push(verdict));
  assert.equal(verdicts.length, 1);
  return verdicts[0]!;
}

/** The parameters of the challenge that a user gets. */
function challenge(logins: Logins, user: string, options: Parameters<typeof judge>[2] = {}): URLSearchParams {
  const verdict = judge(logins, `authmod=${options.policy?.mode ?? 'adobe'}&user=${user}`, options);
  assert.ok(!verdict.isAdmitted);
  assert.match(verdict.description, /\?reason=needauth&/);
  return new URLSearchParams(verdict.description.replace(/^.*\?/s, ''));
}

function answer(given: URLSearchParams, user: string, password: string): string {
  const opaque = given.get('opaque')!;
  const response = adobeResponse(adobeHash(user, given.get('salt')!, password), opaque, 'cc');
  return `authmod=adobe&user=${user}&challenge=cc&response=${response}&opaque=${opaque}`;
}

function reasonOf(verdict: LoginVerdict): string | undefined {
  assert.ok(!verdict.isAdmitted);
  return /reason=(\w+)/.exec(verdict.description)?.[1];
}

describe('adobe', () => {
  test('without a login, with one of another kind, or without a user the client is told that it needs one', () => {
    const logins = new Logins(new ManualClock());
    for (const query of [
      '',
      'token=1',
      'authmod=llnw&user=ann',
      'authmod=adobe',
      'authmod=adobe&user=',
      'authmod=adobe&user=a:b',
    ]) {
      const verdict = judge(logins, query);
      assert.ok(!verdict.isAdmitted, query);
      assert.equal(
        verdict.description,
        '[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ',
      );
      assert.equal(verdict.hasFailed, false);
    }
    assert.equal(logins.size, 0);
  });

  test('the right answer to a challenge lets a user in, once', () => {
    const logins = new Logins(new ManualClock());
    const reply = answer(challenge(logins, 'ann'), 'ann', 'secret');
    assert.deepEqual(judge(logins, reply), { isAdmitted: true, user: 'ann', mayPublish: true });
    assert.equal(logins.size, 0);
    assert.equal(reasonOf(judge(logins, reply)), 'authfailed', 'a replay');
  });

  test('a wrong password fails, and the challenge is worth nothing afterwards', () => {
    const logins = new Logins(new ManualClock());
    const given = challenge(logins, 'ann');
    const verdict = judge(logins, answer(given, 'ann', 'guess'));
    assert.ok(!verdict.isAdmitted && verdict.hasFailed);
    assert.equal(
      verdict.description,
      `[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfailed&opaque=${given.get('opaque')}`,
    );
    assert.equal(reasonOf(judge(logins, answer(given, 'ann', 'secret'))), 'authfailed');
  });

  test('a user that there is not gets the same challenge and the same answer as one with a wrong password', () => {
    const logins = new Logins(new ManualClock());
    const [known, unknown] = ['ann', 'bob'].map((user) => [challenge(logins, user), challenge(logins, user)]);
    for (const [first, second] of [known!, unknown!]) {
      assert.equal(first!.get('salt'), second!.get('salt'), 'a salt stays');
      assert.match(first!.get('salt')!, /^[\w-]{8}$/);
      assert.notEqual(first!.get('opaque'), second!.get('opaque'));
    }
    const shape = (verdict: LoginVerdict) =>
      !verdict.isAdmitted && verdict.description.replace(/opaque=.*/, '');
    const wrong = judge(logins, answer(known![0]!, 'ann', 'guess'));
    assert.equal(shape(judge(logins, answer(unknown![0]!, 'bob', ''))), shape(wrong));
    assert.equal(shape(judge(logins, answer(unknown![1]!, 'bob', 'secret'))), shape(wrong));
  });

  test('a challenge is for one user, one application and one scope', () => {
    const logins = new Logins(new ManualClock());
    const reply = () => answer(challenge(logins, 'ann'), 'ann', 'secret');
    assert.equal(reasonOf(judge(logins, reply(), { app: 'other' })), 'authfailed');
    assert.equal(
      reasonOf(judge(logins, reply(), { policy: { ...POLICY, scope: 'elsewhere/live' } })),
      'authfailed',
    );
    assert.equal(reasonOf(judge(logins, reply().replace('user=ann', 'user=bob'))), 'authfailed');
    assert.equal(judge(logins, reply()).isAdmitted, true);
  });

  test('a challenge waits for a minute', () => {
    const clock = new ManualClock();
    const logins = new Logins(clock);
    const [early, late] = [challenge(logins, 'ann'), challenge(logins, 'ann')];
    clock.advance(59_999);
    assert.equal(judge(logins, answer(early, 'ann', 'secret')).isAdmitted, true);
    clock.advance(1);
    assert.equal(reasonOf(judge(logins, answer(late, 'ann', 'secret'))), 'authfailed');
    assert.equal(logins.size, 0);
  });

  test('a hash from the file serves with the salt that it was made with', () => {
    const logins = new Logins(new ManualClock());
    const hash = adobeHash('ann', 'Xq3s', 'secret');
    const policy: LoginPolicy = {
      ...POLICY,
      secretsOf: (_user, found) => found([{ kind: 'adobe', salt: 'Xq3s', hash }]),
    };
    const given = challenge(logins, 'ann', { policy });
    assert.equal(given.get('salt'), 'Xq3s');
    assert.equal(judge(logins, answer(given, 'ann', 'secret'), { policy }).isAdmitted, true);
  });

  test('a hash for the other mode alone serves nobody', () => {
    const logins = new Logins(new ManualClock());
    const hash = llnwHash('ann', 'secret');
    const policy: LoginPolicy = { ...POLICY, secretsOf: (_user, found) => found([{ kind: 'llnw', hash }]) };
    const given = challenge(logins, 'ann', { policy });
    assert.equal(reasonOf(judge(logins, answer(given, 'ann', 'secret'), { policy })), 'authfailed');
  });
});

test('llnw: the right answer lets a user in, once; with another nonce or password it does not', () => {
  const logins = new Logins(new ManualClock());
  const options = { policy: LLNW, app: 'live/studio' };
  const reply = (nonce: string, password: string) => {
    const numbers = { nonce, nc: '00000001', cnonce: 'cc' };
    const response = llnwResponse(llnwHash('ann', password), 'live/studio', numbers);
    return `authmod=llnw&user=ann&nonce=${nonce}&cnonce=cc&nc=00000001&response=${response}`;
  };
  const nonce = () => challenge(logins, 'ann', options).get('nonce')!;
  assert.equal(reasonOf(judge(logins, reply(nonce(), 'guess'), options)), 'authfailed');
  assert.equal(reasonOf(judge(logins, reply('0'.repeat(32), 'secret'), options)), 'authfailed');
  const right = reply(nonce(), 'secret');
  assert.equal(judge(logins, right, options).isAdmitted, true);
  assert.equal(reasonOf(judge(logins, right, options)), 'authfailed', 'a replay');
});

test('where publishers have to log in, others come in and may not publish; encoders are asked', () => {
  const logins = new Logins(new ManualClock());
  const policy: LoginPolicy = { ...POLICY, of: 'publishers' };
  const player = { policy, agent: 'LNX 9,0,124,2' };
  assert.deepEqual(judge(logins, '', player), { isAdmitted: true, user: undefined, mayPublish: false });
  assert.equal(judge(logins, '', { policy }).isAdmitted, false);
  const given = challenge(logins, 'ann', player);
  assert.deepEqual(judge(logins, answer(given, 'ann', 'secret'), player), {
    isAdmitted: true,
    user: 'ann',
    mayPublish: true,
  });
});

test('whom the file does not name is looked up elsewhere, now or later', async () => {
  const logins = new Logins(new ManualClock());
  const asked: string[] = [];
  const ask: SecretQuestion = (user, found) => {
    asked.push(user);
    queueMicrotask(() => found(user === 'eve' ? { kind: 'plain', password: 'apple' } : undefined));
  };
  const later = (query: string) =>
    new Promise<LoginVerdict>((resolve) => logins.judge(POLICY, { ...ATTEMPT, query }, ask, resolve));
  const verdict = await later('authmod=adobe&user=eve');
  assert.ok(!verdict.isAdmitted);
  const given = new URLSearchParams(verdict.description.replace(/^.*\?/s, ''));
  assert.equal((await later(answer(given, 'eve', 'apple'))).isAdmitted, true);
  assert.equal((await later('authmod=adobe&user=ann')).isAdmitted, false);
  assert.deepEqual(asked, ['eve'], 'once for each login, and not for whom the file names');
});

describe('a flood of challenges', () => {
  test('one address may have 32 in a minute, answered wrongly or not at all; right answers do not count', () => {
    const clock = new ManualClock();
    const logins = new Logins(clock);
    for (let i = 0; i < 100; i += 1) judge(logins, answer(challenge(logins, 'ann'), 'ann', 'secret'));
    for (let i = 0; i < 16; i += 1) challenge(logins, 'ann');
    for (let i = 0; i < 16; i += 1) judge(logins, answer(challenge(logins, 'ann'), 'ann', `guess ${i}`));
    const verdict = judge(logins, 'authmod=adobe&user=ann');
    assert.equal(reasonOf(verdict), 'authfailed');
    assert.equal(judge(logins, 'authmod=adobe&user=ann', { ip: '192.0.2.2' }).isAdmitted, false);
    challenge(logins, 'ann', { ip: '192.0.2.2' });
    clock.advance(60_000);
    challenge(logins, 'ann');
  });

  test('a network of IPv6 counts as one address', () => {
    const logins = new Logins(new ManualClock());
    for (let i = 0; i < 32; i += 1) challenge(logins, 'ann', { ip: `2001:db8::${i}` });
    assert.equal(reasonOf(judge(logins, 'authmod=adobe&user=ann', { ip: '2001:db8::ffff:1' })), 'authfailed');
    challenge(logins, 'ann', { ip: '2001:db8:0:1::1' });
  });

  test('of many addresses the oldest make room', () => {
    const logins = new Logins(new ManualClock());
    const first = challenge(logins, 'ann');
    for (let i = 0; i < 16_384; i += 1) challenge(logins, 'ann', { ip: `10.0.${i >> 8}.${i & 255}` });
    assert.equal(logins.size, 16_384);
    assert.equal(reasonOf(judge(logins, answer(first, 'ann', 'secret'))), 'authfailed');
  });

  test('while the script is asked, no more get in than there is room for', () => {
    const logins = new Logins(new ManualClock());
    const waiting: ((secret: undefined) => void)[] = [];
    const verdicts: LoginVerdict[] = [];
    for (let i = 0; i < 40; i += 1) {
      const attempt = { ...ATTEMPT, query: 'authmod=adobe&user=eve' };
      logins.judge(
        POLICY,
        attempt,
        (_user, found) => waiting.push(found),
        (verdict) => verdicts.push(verdict),
      );
    }
    for (const found of waiting) found(undefined);
    assert.equal(logins.size, 32);
    assert.equal(verdicts.filter((verdict) => reasonOf(verdict) === 'authfailed').length, 8);
  });
});
