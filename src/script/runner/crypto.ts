// The work of crypto.subtle, done by Node's own.
import { webcrypto } from 'node:crypto';
import {
  HASH_NAMES,
  MAX_CRYPTO_BYTES,
  MAX_CRYPTO_CALLS,
  type RunnerCommand,
  type RunnerEvent,
} from '../wire.ts';

type CryptoCommand = Extract<RunnerCommand, { hash: unknown }>;

const MAX_BASE64 = Math.ceil(MAX_CRYPTO_BYTES / 3) * 4;
const { subtle } = webcrypto;

export class CryptoService {
  readonly #reply: (event: RunnerEvent) => void;
  #pending = 0;

  constructor(reply: (event: RunnerEvent) => void) {
    this.#reply = reply;
  }

  /** Always answers, later. */
  run(command: CryptoCommand): void {
    if (this.#pending >= MAX_CRYPTO_CALLS || !isValid(command)) {
      this.#reply({ t: 'reply', id: command.id, ok: false, message: 'crypto.subtle: the call is refused' });
      return;
    }
    this.#pending += 1;
    compute(command)
      .then((value): RunnerEvent => ({ t: 'reply', id: command.id, ok: true, value }))
      .catch((error): RunnerEvent => ({ t: 'reply', id: command.id, ok: false, message: String(error) }))
      .then((event) => {
        this.#pending -= 1;
        this.#reply(event);
      });
  }
}

function isValid(command: CryptoCommand): boolean {
  const texts: unknown[] = [command.data];
  if (command.op !== 'digest') texts.push(command.key);
  if (command.op === 'verify') texts.push(command.signature);
  return (
    HASH_NAMES.includes(command.hash) &&
    texts.every((text) => typeof text === 'string' && text.length <= MAX_BASE64)
  );
}

async function compute(command: CryptoCommand): Promise<string | boolean> {
  const data = Buffer.from(command.data, 'base64');
  if (command.op === 'digest') return base64(await subtle.digest(command.hash, data));
  const algorithm = { name: 'HMAC', hash: command.hash };
  const key = await subtle.importKey('raw', Buffer.from(command.key, 'base64'), algorithm, false, [
    command.op,
  ]);
  if (command.op === 'sign') return base64(await subtle.sign('HMAC', key, data));
  return subtle.verify('HMAC', key, Buffer.from(command.signature, 'base64'), data);
}

function base64(bytes: ArrayBuffer): string {
  return Buffer.from(bytes).toString('base64');
}
