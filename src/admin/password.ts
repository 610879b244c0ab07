// Passwords as Users.xml keeps them:
//
//   scrypt:N:r:p:salt:key        N, r and p in decimal (RFC 7914), salt and key in base64url
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** 32 MB and some 100 ms for each try. */
const COST = { N: 1 << 15, r: 8, p: 1 };
/** Of a hash that an operator puts into the file; more would stop the server for whoever tries to log in. */
const MAX_MEMORY_BYTES = 256 << 20;
const MAX_PARALLEL = 16;
const SALT_BYTES = 16;
const KEY_BYTES = 32;
const FORM = /^scrypt:(\d{1,8}):(\d{1,3}):(\d{1,2}):([\w-]{16,100}):([\w-]{43})$/;

/** No password's: so that looking for somebody who is not there takes as long. */
export const NOBODYS_HASH = `scrypt:${COST.N}:${COST.r}:${COST.p}:${'A'.repeat(22)}:${'A'.repeat(43)}`;

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt, COST);
  return `scrypt:${COST.N}:${COST.r}:${COST.p}:${salt.toString('base64url')}:${key.toString('base64url')}`;
}

/** False for a text that is no hash of ours. */
export async function isPasswordOf(hash: string, password: string): Promise<boolean> {
  const [, n, r, p, salt = '', key = ''] = FORM.exec(hash) ?? [];
  const cost = { N: Number(n), r: Number(r), p: Number(p) };
  if (!isUsable(cost)) return false;
  const expected = Buffer.from(key, 'base64url');
  return timingSafeEqual(await derive(password, Buffer.from(salt, 'base64url'), cost), expected);
}

export function isPasswordHash(text: string): boolean {
  const [, n, r, p] = FORM.exec(text) ?? [];
  return isUsable({ N: Number(n), r: Number(r), p: Number(p) });
}

function isUsable({ N, r, p }: typeof COST): boolean {
  return (
    N > 1 &&
    Number.isInteger(Math.log2(N)) &&
    r > 0 &&
    p > 0 &&
    p <= MAX_PARALLEL &&
    128 * N * r <= MAX_MEMORY_BYTES
  );
}

function derive(password: string, salt: Buffer, cost: typeof COST): Promise<Buffer> {
  const options: ScryptOptions = { ...cost, maxmem: 2 * MAX_MEMORY_BYTES };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, KEY_BYTES, options, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
