// How encoders log in: Flash Media Live Encoder's `authmod=adobe`, and Limelight's `authmod=llnw`. A login is a
// conversation of refused connects, each on a connection of its own; what the client has to say is in the query of `app`,
// what the server has to say in the description of the refusal:
//
//   live                                                             code=403 need auth; authmod=adobe
//   live?authmod=adobe&user=U                                        ?reason=needauth&user=U&salt=S&challenge=C&opaque=O
//   live?authmod=adobe&user=U&challenge=CC&response=R&opaque=O       accepted, or ?reason=authfailed
//
//   live?authmod=llnw&user=U                                         ?reason=needauth&user=U&nonce=N
//   live?authmod=llnw&user=U&nonce=N&cnonce=CN&nc=NC&response=R      accepted, or ?reason=authfailed
//
// Nothing of it is signed, and MD5 is all that there is: it keeps passwords off a plain wire, no more.
import type { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';

export const AUTH_MODES = ['adobe', 'llnw'] as const;
export type AuthMode = (typeof AUTH_MODES)[number];

/** What a server knows of a user: the password, or as much of it as one mode needs. */
export type PublisherSecret =
  | { readonly kind: 'plain'; readonly password: string }
  /** `hash`: base64(MD5(user + salt + password)). */
  | { readonly kind: 'adobe'; readonly salt: string; readonly hash: string }
  /** `hash`: hex(MD5(user:live:password)). */
  | { readonly kind: 'llnw'; readonly hash: string };

/** The parameters of a login. Those that are not there are empty. */
export interface AuthParameters {
  mode: string;
  user: string;
  response: string;
  /** adobe: the client's own. */
  challenge: string;
  opaque: string;
  /** llnw */
  nonce: string;
  cnonce: string;
  nc: string;
}

/** Longer ones are no login; what is kept for a while must be small. */
const MAX_PARAMETER = 256;

/** Undefined: the query is about something else. */
export function parseAuthQuery(query: string): AuthParameters | undefined {
  const found = new Map<string, string>();
  for (const part of query.split(/[&?]/)) {
    const equals = part.indexOf('=');
    const name = part.slice(0, Math.max(0, equals));
    if (equals > 0 && !found.has(name)) found.set(name, part.slice(equals + 1, equals + 1 + MAX_PARAMETER));
  }
  const mode = found.get('authmod');
  if (mode === undefined) return undefined;
  // COMPAT(librtmp 2.4): base64 as it is, `+`, `/` and `=` included; others write them in percent
  const text = (name: string) => percentDecoded(found.get(name) ?? '');
  return {
    mode,
    // COMPAT(ffmpeg, librtmp): what they hash is the name as it stands in the address, never decoded
    user: found.get('user') ?? '',
    response: text('response'),
    challenge: text('challenge'),
    opaque: text('opaque'),
    nonce: text('nonce'),
    cnonce: text('cnonce'),
    nc: text('nc'),
  };
}

function percentDecoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

export function adobeHash(user: string, salt: string, password: string): string {
  return md5(`${user}${salt}${password}`).toString('base64');
}

/** `challenge`: what the client was given as `opaque`. `clientChallenge`: what it made up. */
export function adobeResponse(hash: string, challenge: string, clientChallenge: string): string {
  return md5(`${hash}${challenge}${clientChallenge}`).toString('base64');
}

export function llnwHash(user: string, password: string): string {
  return md5(`${user}:live:${password}`).toString('hex');
}

/** `app`: without query, with the slashes inside it. */
export function llnwResponse(
  hash: string,
  app: string,
  { nonce, nc, cnonce }: Pick<AuthParameters, 'nonce' | 'nc' | 'cnonce'>,
): string {
  const method = md5(`publish:/${app}${app.includes('/') ? '' : '/_definst_'}`).toString('hex');
  return md5(`${hash}:${nonce}:${nc}:${cnonce}:auth:${method}`).toString('hex');
}

function md5(text: string): Buffer {
  return createHash('md5').update(text, 'utf8').digest();
}

// Encoders look for these very words. Spaces included.

export function needLogin(mode: AuthMode): string {
  return `[ AccessManager.Reject ] : [ code=403 need auth; authmod=${mode} ] : `;
}

export function needResponse(mode: AuthMode, user: string, challenge: Record<string, string>): string {
  const parameters = Object.entries({ user: encodeURIComponent(user.toWellFormed()), ...challenge });
  return reject(
    mode,
    ['reason=needauth', ...parameters.map(([name, value]) => `${name}=${value}`)].join('&'),
  );
}

/** Also for a user that there is not: who asks shall not learn it. */
export function loginFailed(mode: AuthMode, opaque?: string): string {
  return reject(mode, opaque === undefined ? 'reason=authfailed' : `reason=authfailed&opaque=${opaque}`);
}

function reject(mode: AuthMode, query: string): string {
  return `[ AccessManager.Reject ] : [ authmod=${mode} ] : ?${query}`;
}
