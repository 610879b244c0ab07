// Logins under way. What has been said on one connection is answered on the next: in between, the challenge waits here.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { LoginPolicy } from '../../application/admission/login.ts';
import { hostKey } from '../../application/pace/occupancy.ts';
import type { Clock } from '../../clock.ts';
import {
  type AuthMode,
  type AuthParameters,
  adobeHash,
  adobeResponse,
  llnwHash,
  llnwResponse,
  loginFailed,
  needLogin,
  needResponse,
  type PublisherSecret,
  parseAuthQuery,
} from '../../protocol/rtmp/publisher-auth.ts';

/** One connect of a login. */
export interface LoginAttempt {
  /** `live/studio`, without query and outer slashes. */
  app: string;
  query: string;
  /** `flashVer` of the connect command. */
  agent: string;
  ip: string;
}

export type LoginVerdict =
  | { isAdmitted: true; user: string | undefined; mayPublish: boolean }
  /** `description` is for the client; `why` for the log. */
  | { isAdmitted: false; description: string; why: string; hasFailed: boolean };

/** Looks a user up elsewhere; `answer` is called exactly once. */
export type SecretQuestion = (user: string, answer: (secret: PublisherSecret | undefined) => void) => void;

/** Encoders answer at once; people who type a password do it before the first of the connects. */
const CHALLENGE_MS = 60_000;
/**
 * Of one address: those that wait, and for the rest of their time those that were answered wrongly. So many passwords may be
 * tried in CHALLENGE_MS.
 */
const MAX_PER_ADDRESS = 32;
/** Of all addresses together; the oldest make room. */
const MAX_CHALLENGES = 16_384;

interface Challenge {
  readonly id: string;
  readonly mode: AuthMode;
  readonly scope: string;
  readonly app: string;
  readonly user: string;
  /** base64(MD5(…)) or hex(MD5(…)), by mode. Undefined: there is no such user, which only the last answer says. */
  readonly hash: string | undefined;
  readonly address: string;
  readonly expiresMs: number;
  /** Answered, wrongly. */
  isSpent: boolean;
}

export class Logins {
  readonly #clock: Clock;
  /** Oldest first, and so the first to expire. */
  readonly #challenges = new Map<string, Challenge>();
  readonly #countOf = new Map<string, number>();
  /** Makes salts: of a user always the same one, whether the user exists or not. */
  readonly #saltKey = randomBytes(32);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Challenges that wait or are spent. */
  get size(): number {
    return this.#challenges.size;
  }

  /** Calls `decided` exactly once, at once unless the users' file or `ask` takes its time. */
  judge(
    policy: LoginPolicy,
    attempt: LoginAttempt,
    ask: SecretQuestion,
    decided: (verdict: LoginVerdict) => void,
  ): void {
    const parameters = parseAuthQuery(attempt.query);
    if (!parameters && policy.of === 'publishers' && !isEncoder(attempt.agent, policy)) {
      decided({ isAdmitted: true, user: undefined, mayPublish: false });
    } else if (parameters?.mode !== policy.mode || !isUserName(parameters.user)) {
      decided(refused(needLogin(policy.mode), 'a login is needed'));
    } else if (parameters.response !== '') decided(this.#check(policy, attempt, parameters));
    else this.#begin(policy, attempt, parameters.user, ask, decided);
  }

  #begin(
    policy: LoginPolicy,
    attempt: LoginAttempt,
    user: string,
    ask: SecretQuestion,
    decided: (verdict: LoginVerdict) => void,
  ): void {
    const address = hostKey(attempt.ip);
    this.#forgetExpired();
    const full = () => (this.#countOf.get(address) ?? 0) >= MAX_PER_ADDRESS;
    const issue = (found: readonly PublisherSecret[]) =>
      decided(full() ? tooMany(policy, user) : this.#issue(policy, attempt.app, address, user, found));
    if (full()) {
      decided(tooMany(policy, user));
      return;
    }
    policy.secretsOf(user, (secrets) => {
      if (secrets.length > 0) issue(secrets);
      else ask(user, (secret) => issue(secret ? [secret] : []));
    });
  }

  #issue(
    { mode, scope }: LoginPolicy,
    app: string,
    address: string,
    user: string,
    secrets: readonly PublisherSecret[],
  ): LoginVerdict {
    const salt = secrets.find(({ kind }) => kind === 'adobe');
    const ownSalt = salt?.kind === 'adobe' ? salt.salt : this.#saltOf(user);
    // llnw: hex digits, as its clients know it; both: nothing that would have to be escaped in a query
    const id = mode === 'llnw' ? randomBytes(16).toString('hex') : randomBytes(15).toString('base64url');
    this.#keep({
      id,
      mode,
      scope,
      app,
      user,
      hash: hashFor(mode, user, ownSalt, secrets),
      address,
      expiresMs: this.#clock.now() + CHALLENGE_MS,
      isSpent: false,
    });
    const challenge: Record<string, string> =
      mode === 'adobe' ? { salt: ownSalt, challenge: id, opaque: id } : { nonce: id };
    return refused(needResponse(mode, user, challenge), `a challenge for ${user}`);
  }

  #saltOf(user: string): string {
    return createHmac('sha256', this.#saltKey).update(user).digest('base64url').slice(0, 8);
  }

  #check({ mode, scope }: LoginPolicy, { app }: LoginAttempt, parameters: AuthParameters): LoginVerdict {
    this.#forgetExpired();
    const { user, response } = parameters;
    const id = mode === 'adobe' ? parameters.opaque : parameters.nonce;
    const challenge = this.#challenges.get(id);
    if (!challenge || challenge.isSpent)
      return failed(mode, `${user} answered a challenge that this server did not send`);
    challenge.isSpent = true;
    const isForThis =
      challenge.mode === mode &&
      challenge.scope === scope &&
      challenge.app === app &&
      challenge.user === user;
    if (!isForThis) return failed(mode, `${user} answered a challenge for another connection`, id);
    // unknown users cost the same time
    const hash = challenge.hash ?? '';
    const right =
      mode === 'adobe' ? adobeResponse(hash, id, parameters.challenge) : llnwResponse(hash, app, parameters);
    if (!isEqual(response, right) || challenge.hash === undefined) {
      return failed(
        mode,
        challenge.hash === undefined ? `${user} is unknown` : `${user} gave a wrong password`,
        id,
      );
    }
    this.#forget(challenge);
    return { isAdmitted: true, user, mayPublish: true };
  }

  #keep(challenge: Challenge): void {
    if (this.#challenges.size >= MAX_CHALLENGES) this.#forget(this.#challenges.values().next().value!);
    this.#challenges.set(challenge.id, challenge);
    this.#countOf.set(challenge.address, (this.#countOf.get(challenge.address) ?? 0) + 1);
  }

  #forget({ id, address }: Challenge): void {
    this.#challenges.delete(id);
    const count = (this.#countOf.get(address) ?? 0) - 1;
    if (count > 0) this.#countOf.set(address, count);
    else this.#countOf.delete(address);
  }

  #forgetExpired(): void {
    const now = this.#clock.now();
    for (const challenge of this.#challenges.values()) {
      if (challenge.expiresMs > now) return;
      this.#forget(challenge);
    }
  }
}

function isEncoder(agent: string, { agents }: LoginPolicy): boolean {
  return agents.some((name) => agent.startsWith(name));
}

/** One that a users file may hold. */
function isUserName(user: string): boolean {
  return /^[^\s:\p{C}]{1,64}$/u.test(user);
}

function hashFor(
  mode: AuthMode,
  user: string,
  salt: string,
  secrets: readonly PublisherSecret[],
): string | undefined {
  for (const secret of secrets) {
    if (secret.kind === mode) return secret.hash;
    if (secret.kind === 'plain') {
      return mode === 'adobe' ? adobeHash(user, salt, secret.password) : llnwHash(user, secret.password);
    }
  }
  return undefined;
}

function isEqual(given: string, right: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}

function tooMany({ mode }: LoginPolicy, user: string): LoginVerdict {
  return failed(mode, `too many logins of ${user}'s address have failed or were not finished`);
}

function refused(description: string, why: string): LoginVerdict {
  return { isAdmitted: false, description, why, hasFailed: false };
}

function failed(mode: AuthMode, why: string, opaque?: string): LoginVerdict {
  return { isAdmitted: false, description: loginFailed(mode, opaque), why, hasFailed: true };
}
