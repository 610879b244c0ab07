import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  adobeHash,
  adobeResponse,
  llnwHash,
  llnwResponse,
  loginFailed,
  needLogin,
  needResponse,
  parseAuthQuery,
} from '../../../src/protocol/rtmp/publisher-auth.ts';

// The responses were computed outside this code base, from the description of the schemes.

test('adobe: hash and response of the vectors', () => {
  const hash = adobeHash('pub', 'Xq3s', 'secret');
  assert.equal(hash, 'nH/wwoMvUqlOwjMLFsch0w==');
  assert.equal(adobeResponse(hash, 'aB3dE5==', 'deadbeef'), 'KGpEG9SCJRZAPrNJoewV6w==');
  assert.equal(adobeResponse(hash, 'zZ9yY8==', 'deadbeef'), 'ouzJ3WEfA1oback6VS51rQ==');
});

test('llnw: hash and response of the vectors; an app without an instance means _definst_', () => {
  const hash = llnwHash('pub', 'secret');
  assert.equal(hash, '4c3de86fdb859cfc8f76c1c0827ffb6f');
  const numbers = { nonce: '0123456789abcdef', nc: '00000001', cnonce: 'deadbeef' };
  assert.equal(llnwResponse(hash, 'live', numbers), '4f1119d199416456d2253a24e0b3e20e');
  assert.equal(llnwResponse(hash, 'live/_definst_', numbers), '4f1119d199416456d2253a24e0b3e20e');
  assert.notEqual(llnwResponse(hash, 'live/studio', numbers), '4f1119d199416456d2253a24e0b3e20e');
});

test('the parameters of a login are read, base64 as it is or in percent, the user as it stands', () => {
  const none = { response: '', challenge: '', opaque: '', nonce: '', cnonce: '', nc: '' };
  assert.deepEqual(parseAuthQuery('authmod=adobe&user=ann%40home'), {
    ...none,
    mode: 'adobe',
    user: 'ann%40home',
  });
  const adobe = {
    ...none,
    mode: 'adobe',
    user: 'pub',
    challenge: 'dead',
    response: 'a+/=',
    opaque: 'aB3dE5==',
  };
  assert.deepEqual(
    parseAuthQuery('token=1&authmod=adobe&user=pub&challenge=dead&response=a+/=&opaque=aB3dE5=='),
    adobe,
  );
  assert.deepEqual(
    parseAuthQuery('authmod=adobe&user=pub&challenge=dead&response=a%2B%2F%3D&opaque=aB3dE5%3D%3D'),
    adobe,
  );
  assert.deepEqual(parseAuthQuery('authmod=llnw&user=pub&nonce=01&cnonce=02&nc=00000001&response=ff'), {
    ...none,
    mode: 'llnw',
    user: 'pub',
    response: 'ff',
    nonce: '01',
    cnonce: '02',
    nc: '00000001',
  });
});

test('a query about something else is no login; of a name that comes twice the first counts; broken percents stay', () => {
  assert.equal(parseAuthQuery(''), undefined);
  assert.equal(parseAuthQuery('token=abc'), undefined);
  assert.equal(parseAuthQuery('authmod'), undefined);
  assert.equal(parseAuthQuery('authmod=adobe&user=a&user=b')?.user, 'a');
  assert.equal(parseAuthQuery('authmod=adobe&response=%zz')?.response, '%zz');
  assert.equal(parseAuthQuery(`authmod=adobe&user=${'x'.repeat(100_000)}`)?.user.length, 256);
});

test('refusals say what encoders look for', () => {
  assert.equal(needLogin('adobe'), '[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ');
  assert.equal(
    needResponse('adobe', 'a&b', { salt: 's', challenge: 'c', opaque: 'c' }),
    '[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=a%26b&salt=s&challenge=c&opaque=c',
  );
  assert.equal(
    needResponse('llnw', 'pub', { nonce: '01' }),
    '[ AccessManager.Reject ] : [ authmod=llnw ] : ?reason=needauth&user=pub&nonce=01',
  );
  assert.equal(
    loginFailed('adobe', 'c'),
    '[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfailed&opaque=c',
  );
  assert.equal(loginFailed('llnw'), '[ AccessManager.Reject ] : [ authmod=llnw ] : ?reason=authfailed');
});
