// What is shown instead of a password: one that the server makes for programs on its own machine, and those that
// administrators ask for. Kept as hashes; a memory dump has enough other things in it.
import { createHash, randomBytes } from 'node:crypto';
import { typedId } from '../application/accounts/typed-id.ts';
import type { Clock } from '../clock.ts';

export const TOKEN_MS = 3_600_000;
/** When somebody asks for more, the oldest one is no longer good. */
const MAX_TOKENS = 200;
const TOKEN_BYTES = 32;

interface Issued {
  /** Of the account. */
  name: string;
  /** Undefined: as long as the server runs. */
  endsAt: number | undefined;
}

export class Tokens {
  readonly #clock: Clock;
  readonly #issued = new Map<string, Issued>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For an account; `isLasting`: as long as the server runs. */
  issue(name: string, isLasting = false): string {
    const token = typedId(randomBytes(TOKEN_BYTES));
    const endsAt = isLasting ? undefined : this.#clock.now() + TOKEN_MS;
    this.#issued.set(keyOf(token), { name, endsAt });
    const temporary = [...this.#issued].filter((entry) => entry[1].endsAt !== undefined);
    if (temporary.length > MAX_TOKENS) this.#issued.delete(temporary[0]![0]);
    return token;
  }

  /** Whose it is. What is compared are hashes, so the time that it takes says nothing of the token. */
  ownerOf(token: string): string | undefined {
    const key = keyOf(token);
    const issued = this.#issued.get(key);
    if (issued?.endsAt === undefined || this.#clock.now() < issued.endsAt) return issued?.name;
    this.#issued.delete(key);
    return undefined;
  }

  revoke(token: string): void {
    this.#issued.delete(keyOf(token));
  }

  revokeAllOf(name: string): void {
    for (const [key, issued] of this.#issued) if (issued.name === name) this.#issued.delete(key);
  }
}

function keyOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
