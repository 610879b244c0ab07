// What calls of crypto.subtle may cost: they run in threads that all applications share, and nothing interrupts them.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { CryptoTurns } from '../../../src/script/runner/crypto-turns.ts';
import { type SubtleCommand, SubtleService } from '../../../src/script/runner/subtle.ts';
import type { Json, RunnerEvent, SubtleMethod } from '../../../src/script/wire/wire.ts';

type Reply = Extract<RunnerEvent, { t: 'reply' }>;

function service(): { ask(method: SubtleMethod, args: Json[]): Promise<Reply>; service: SubtleService } {
  const waiting = new Map<number, (reply: Reply) => void>();
  let lastId = 0;
  const made = new SubtleService({
    application: 'live',
    turns: new CryptoTurns(),
    reply: (event) => {
      const reply = event as Reply;
      waiting.get(reply.id)?.(reply);
    },
  });
  return {
    service: made,
    ask: (method, args) =>
      new Promise((resolve) => {
        lastId += 1;
        waiting.set(lastId, resolve);
        made.run({ op: 'subtle', id: lastId, method, args } satisfies SubtleCommand);
      }),
  };
}

const bytes = (data: Uint8Array): Json => ({ $: 'bytes', v: Buffer.from(data).toString('base64') });
const salt = bytes(new Uint8Array(16));

async function passwordKey(ask: ReturnType<typeof service>['ask'], usage: string): Promise<Json> {
  const reply = await ask('importKey', ['raw', bytes(new Uint8Array(8)), 'PBKDF2', false, [usage]]);
  assert.ok(reply.ok, JSON.stringify(reply));
  return { $: 'key', v: (reply.value as { [name: string]: Json }).material! };
}

describe('PBKDF2', () => {
  const algorithm = { name: 'PBKDF2', hash: 'SHA-256', salt, iterations: 1_000_000 };

  test('a million iterations for each of 256 blocks are refused', async () => {
    const { ask } = service();
    const reply = await ask('deriveBits', [algorithm, await passwordKey(ask, 'deriveBits'), 65_536]);
    assert.ok(!reply.ok);
    assert.match(reply.message, /iterations times blocks/);
  });

  test('the same for a key whose length nobody would want', async () => {
    const { ask } = service();
    const wanted = { name: 'HMAC', hash: 'SHA-256', length: 1 << 19 };
    const key = await passwordKey(ask, 'deriveKey');
    const reply = await ask('deriveKey', [algorithm, key, wanted, true, ['sign']]);
    assert.ok(!reply.ok);
    assert.match(reply.message, /iterations times blocks/);
  });

  test('what programs ask for works: 600,000 iterations for 256 bits, and an AES key', async () => {
    const { ask } = service();
    const usual = { ...algorithm, iterations: 600_000 };
    const bits = await ask('deriveBits', [usual, await passwordKey(ask, 'deriveBits'), 256]);
    assert.ok(bits.ok, JSON.stringify(bits));
    const key = await ask('deriveKey', [
      { ...usual, iterations: 1000 },
      await passwordKey(ask, 'deriveKey'),
      { name: 'AES-GCM', length: 256 },
      true,
      ['encrypt'],
    ]);
    assert.ok(key.ok, JSON.stringify(key));
  });
});

describe('RSA keys that a script brings along', () => {
  const spki = (modulusLength: number) =>
    generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'der', type: 'spki' });
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };

  test('one of 2048 bits is taken', async () => {
    const reply = await service().ask('importKey', ['spki', bytes(spki(2048)), algorithm, true, ['verify']]);
    assert.ok(reply.ok, JSON.stringify(reply));
  });

  test('one of 16,384 bits is refused', async () => {
    const n = Buffer.alloc(2048, 0xff).toString('base64url');
    const jwk = { kty: 'RSA', n, e: 'AQAB' };
    const reply = await service().ask('importKey', ['jwk', jwk, algorithm, true, ['verify']]);
    assert.ok(!reply.ok);
    assert.match(reply.message, /at most 8192 bits/);
  });
});

test('a service that is closed answers nothing, and is idle', async () => {
  const { ask, service: made } = service();
  let isAnswered = false;
  void ask('digest', ['SHA-256', bytes(new Uint8Array(8))]).then(() => {
    isAnswered = true;
  });
  made.close();
  assert.equal(made.isIdle, true);
  await service().ask('digest', ['SHA-256', bytes(new Uint8Array(8))]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isAnswered, false);
});
