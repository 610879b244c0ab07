import assert from 'node:assert/strict';
import { createHmac, webcrypto } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { TestRunner, type TestUnit } from '../../../support/runner.ts';

let runner: TestRunner;
let unit: TestUnit;
before(async () => {
  runner = await TestRunner.start();
  unit = await runner.run(`
    Client.prototype.run = function (code) { return (0, eval)('(async () => { ' + code + ' })()') };
    var bytes = function (text) { return new TextEncoder().encode(text) };
    var list = function (buffer) { return Array.from(new Uint8Array(buffer)) };
  `);
  await unit.connect().verdict;
});
after(() => runner[Symbol.asyncDispose]());

const js = (code: string) => unit.value('run', code);
async function failure(code: string): Promise<string> {
  const ret = await unit.call('run', code);
  assert.ok(ret.found && !ret.ok, code);
  return ret.description;
}
const literal = (bytes: ArrayBuffer | Uint8Array) =>
  `new Uint8Array(${JSON.stringify([...new Uint8Array(bytes)])})`;
const data = new TextEncoder().encode('data');

const SIGNATURES = [
  ['HMAC', { name: 'HMAC', hash: 'SHA-384' }, 'HMAC'],
  ['RS256', { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, 'RSASSA-PKCS1-v1_5'],
  ['PS256', { name: 'RSA-PSS', hash: 'SHA-256' }, { name: 'RSA-PSS', saltLength: 32 }],
  ['ES256', { name: 'ECDSA', namedCurve: 'P-256' }, { name: 'ECDSA', hash: 'SHA-256' }],
  ['ES384', { name: 'ECDSA', namedCurve: 'P-384' }, { name: 'ECDSA', hash: 'SHA-384' }],
  ['EdDSA', { name: 'Ed25519' }, 'Ed25519'],
] as const;

/** A key of Node's for `algorithm`, in both directions. */
async function nodeKeys(
  algorithm: object,
): Promise<{ signing: webcrypto.CryptoKey; verifying: webcrypto.CryptoKey }> {
  const rsa = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
  const made = (await webcrypto.subtle.generateKey(
    { ...rsa, ...algorithm } as unknown as webcrypto.EcKeyGenParams,
    true,
    ['sign', 'verify'],
  )) as webcrypto.CryptoKey | webcrypto.CryptoKeyPair;
  return 'privateKey' in made
    ? { signing: made.privateKey, verifying: made.publicKey }
    : { signing: made, verifying: made };
}

describe('signatures agree with Node in both directions', () => {
  for (const [title, algorithm, use] of SIGNATURES) {
    test(title, async () => {
      const { signing, verifying } = await nodeKeys(algorithm);
      const isSecret = signing.type === 'secret';
      const privateKey = await webcrypto.subtle.exportKey(isSecret ? 'raw' : 'pkcs8', signing);
      const publicKey = await webcrypto.subtle.exportKey('jwk', verifying);
      const about = JSON.stringify(algorithm);
      const signed = (await js(
        `const key = await crypto.subtle.importKey('${isSecret ? 'raw' : 'pkcs8'}', ${literal(privateKey)}, ${about}, false, ['sign']);
         return list(await crypto.subtle.sign(${JSON.stringify(use)}, key, bytes('data')))`,
      )) as number[];
      assert.equal(await webcrypto.subtle.verify(use, verifying, new Uint8Array(signed), data), true);

      const signature = await webcrypto.subtle.sign(use, signing, data);
      const results = await js(
        `const jwk = ${JSON.stringify({ ...publicKey, key_ops: ['verify'] })};
         const key = await crypto.subtle.importKey('jwk', jwk, ${about}, true, ['verify']);
         const verify = (text) => crypto.subtle.verify(${JSON.stringify(use)}, key, ${literal(signature)}, bytes(text));
         return [await verify('data'), await verify('date'), key.type, key.usages, key.algorithm.name]`,
      );
      assert.deepEqual(results, [true, false, verifying.type, ['verify'], algorithm.name]);
    });
  }
});

test('AES-GCM encrypts what Node decrypts, and nothing that was changed is decrypted', async () => {
  const raw = webcrypto.getRandomValues(new Uint8Array(32));
  const iv = webcrypto.getRandomValues(new Uint8Array(12));
  const use = `{ name: 'AES-GCM', iv: ${literal(iv)}, additionalData: bytes('more') }`;
  const imported = `const key = await crypto.subtle.importKey('raw', ${literal(raw)}, 'AES-GCM', false, ['encrypt', 'decrypt']);`;
  const sealed = (await js(
    `${imported} return list(await crypto.subtle.encrypt(${use}, key, bytes('data')))`,
  )) as number[];
  const key = await webcrypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['decrypt']);
  const algorithm = { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode('more') };
  assert.deepEqual(
    new Uint8Array(await webcrypto.subtle.decrypt(algorithm, key, new Uint8Array(sealed))),
    data,
  );
  sealed[0]! ^= 1;
  assert.match(
    await failure(
      `${imported} await crypto.subtle.decrypt(${use}, key, new Uint8Array(${JSON.stringify(sealed)}))`,
    ),
    /crypto\.subtle/,
  );
});

test('keys are made, derived and wrapped', async () => {
  const results = await js(`
    const { subtle } = crypto;
    const pair = await subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveKey']);
    const other = await subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveKey']);
    const aes = { name: 'AES-GCM', length: 256 };
    const mine = await subtle.deriveKey({ name: 'ECDH', public: other.publicKey }, pair.privateKey, aes, true, ['encrypt', 'decrypt']);
    const theirs = await subtle.deriveKey({ name: 'ECDH', public: pair.publicKey }, other.privateKey, aes, true, ['encrypt', 'decrypt']);
    const same = String(list(await subtle.exportKey('raw', mine))) === String(list(await subtle.exportKey('raw', theirs)));
    const password = await subtle.importKey('raw', bytes('password'), 'PBKDF2', false, ['deriveBits']);
    const bits = await subtle.deriveBits({ name: 'PBKDF2', salt: bytes('salt'), iterations: 1, hash: 'SHA-1' }, password, 160);
    const wrapper = await subtle.generateKey({ name: 'AES-KW', length: 128 }, false, ['wrapKey', 'unwrapKey']);
    const wrapped = await subtle.wrapKey('raw', mine, wrapper, 'AES-KW');
    const again = await subtle.unwrapKey('raw', wrapped, wrapper, 'AES-KW', 'AES-GCM', true, ['encrypt']);
    const unwrapped = String(list(await subtle.exportKey('raw', again))) === String(list(await subtle.exportKey('raw', mine)));
    return [same, list(bits), unwrapped, pair.privateKey.extractable, pair.publicKey.extractable, mine instanceof CryptoKey]`);
  // The first vector of RFC 6070.
  const expected = [...Buffer.from('0c60c80f961f0e71f3a9b524af6012062fe037a6', 'hex')];
  assert.deepEqual(results, [true, expected, true, false, true, true]);
});

test('what a key is not for is refused, and a key that may not leave does not', async () => {
  const secret = `const key = await crypto.subtle.importKey('raw', bytes('secret'), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);`;
  assert.match(
    await failure(`${secret} await crypto.subtle.verify('HMAC', key, bytes('x'), bytes('x'))`),
    /verify/,
  );
  assert.match(await failure(`${secret} await crypto.subtle.exportKey('raw', key)`), /not extractable/);
  assert.match(
    await failure(`${secret} await crypto.subtle.sign('RSA-PSS', key, bytes('x'))`),
    /crypto\.subtle/,
  );
  assert.match(
    await failure(`${secret} await crypto.subtle.sign('HMAC', { ...key }, bytes('x'))`),
    /CryptoKey/,
  );
  assert.deepEqual(await js(`${secret} return [Object.keys(key), JSON.stringify(key)]`), [[], '{}']);
  await failure(`new CryptoKey()`);
  await failure(
    `await crypto.subtle.importKey('raw', bytes(''), { name: 'HMAC', hash: 'SHA-1' }, true, ['sign'])`,
  );
  await failure(`await crypto.subtle.importKey('raw', bytes('x'), 'AES-GCM', true, ['encrypt'])`);
  await failure(
    `await crypto.subtle.importKey('raw', bytes('x'), { name: 'HMAC', hash: 'SHA-1' }, true, [])`,
  );
});

test('what costs too much is refused', async () => {
  const pbkdf2 = `await crypto.subtle.importKey('raw', bytes('x'), 'PBKDF2', false, ['deriveBits'])`;
  assert.match(
    await failure(
      `await crypto.subtle.deriveBits({ name: 'PBKDF2', salt: bytes('s'), iterations: 1e9, hash: 'SHA-1' }, ${pbkdf2}, 160)`,
    ),
    /1000000 iterations/,
  );
  const rsa = `{ name: 'RSA-PSS', modulusLength: 16384, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }`;
  assert.match(await failure(`await crypto.subtle.generateKey(${rsa}, true, ['sign'])`), /4096 bits/);
  assert.match(await failure(`await crypto.subtle.digest('MD5', bytes('x'))`), /MD5/);
  const key = `await crypto.subtle.importKey('raw', bytes('x'), { name: 'HMAC', hash: 'SHA-1' }, true, ['sign'])`;
  assert.match(await failure(`await crypto.subtle.sign('HMAC', ${key}, new Uint8Array(1048577))`), /1048576/);
});

test('an argument that cannot be written is the script’s own trouble', async () => {
  await failure(`const a = {}; a.a = a; await crypto.subtle.digest(a, bytes('x'))`);
  assert.match(
    await failure(`await crypto.subtle.digest({ get name() { throw new Error('hidden') } }, bytes('x'))`),
    /hidden/,
  );
  assert.match(await failure(`await crypto.subtle.digest('SHA-256', () => 1)`), /function/);
  assert.equal(await js('return 1'), 1);
});

test('a key that was made signs again and again as Node would with it', async () => {
  const results = await js(`
    const key = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, ['sign']);
    const once = list(await crypto.subtle.sign('HMAC', key, bytes('data')));
    const twice = list(await crypto.subtle.sign('HMAC', key, bytes('data')));
    return [list(await crypto.subtle.exportKey('raw', key)), once, twice]`);
  const [raw, once, twice] = results as [number[], number[], number[]];
  const expected = [...createHmac('sha256', Buffer.from(raw)).update('data').digest()];
  assert.deepEqual([once, twice], [expected, expected]);
});
