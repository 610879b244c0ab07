// Who may administer the server, and how they show that it is they.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { typedId } from '../application/accounts/typed-id.ts';
import { AdminError } from './admin-error.ts';
import type { LoginLimits } from './login-limits.ts';
import { hashPassword, isPasswordHash, isPasswordOf, NOBODYS_HASH } from './password.ts';
import type { Scope } from './scope.ts';
import type { StoredUser } from './users-file.ts';

export interface User {
  readonly name: string;
  /** As it is, or its hash. */
  readonly password: string;
  readonly isHashed: boolean;
  /** Among those that the server keeps. */
  readonly isLocal: boolean;
  /** What he administers; undefined: the whole server. */
  readonly scope?: Scope | undefined;
  /** By the Allow and Deny of the account. */
  admits(ip: string): boolean;
}

export interface AccountsOptions {
  users: readonly User[];
  limits: LoginLimits;
  /** Keeps those that the server has made; throws what the file system says. */
  save(users: readonly StoredUser[]): void;
  /** The account has gone, or its password has changed: whatever its tokens were, they are no longer good. */
  onChange(name: string): void;
}

/** `wait`: too many wrong ones came from that address. `busy`: too many are being looked at. */
export type Login =
  | { isIn: true; user: User }
  | { isIn: false; why: 'wrong' | 'wait' | 'busy'; waitMs: number };

export interface NewAccount {
  name: string;
  password: string;
  /** Undefined: its hash has been kept. */
  problem: Error | undefined;
}

/** Of the account that the first start makes. */
const FIRST_NAME = 'admin';
const FIRST_PASSWORD_BYTES = 15;
/** What can stand in a URL, a log line and a file without thought. */
const NAME = /^[A-Za-z0-9][\w.@-]{0,63}$/;
const MIN_PASSWORD = 8;
const MAX_PASSWORD = 256;
const MAX_USERS = 100;
/** Hashing takes a thread of those that write logs and recordings: one at a time, and no long queue for it. */
const MAX_WAITING = 16;

export class Accounts {
  readonly #options: AccountsOptions;
  readonly #users = new Map<string, User>();
  /** Keyed digests of passwords that have been found right: clients of the Administration API send theirs with every call. */
  readonly #proven = new Map<string, Buffer>();
  readonly #secret = randomBytes(32);
  readonly #trying = new Map<string, Promise<boolean>>();
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(options: AccountsOptions) {
    this.#options = options;
    for (const user of options.users) if (!this.#users.has(user.name)) this.#users.set(user.name, user);
  }

  get names(): string[] {
    return [...this.#users.keys()];
  }

  scopeOf(name: string): Scope | undefined {
    return this.#users.get(name)?.scope;
  }

  /** Those of the whole server. */
  get #unscoped(): User[] {
    return [...this.#users.values()].filter(({ scope }) => scope === undefined);
  }

  has(name: string): boolean {
    return this.#users.has(name);
  }

  /** Accounts whose hash is none of ours, as Adobe Media Server 5 wrote them: their passwords must be set anew. */
  get unusable(): string[] {
    return [...this.#users.values()].flatMap(({ name, isHashed, password }) =>
      isHashed && !isPasswordHash(password) ? [name] : [],
    );
  }

  /** Accounts whose password stands in the file as it is. */
  get unhashed(): string[] {
    return [...this.#users.values()].flatMap(({ name, isHashed }) => (isHashed ? [] : [name]));
  }

  /** The account without which nobody could administer the server; undefined: there is one already. */
  async makeFirst(): Promise<NewAccount | undefined> {
    if (this.#unscoped.length > 0) return undefined;
    const password = typedId(randomBytes(FIRST_PASSWORD_BYTES));
    const problem = await this.#put(FIRST_NAME, password).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    return { name: FIRST_NAME, password, problem };
  }

  // ── who it is ──────────────────────────────────────────────────────────────────────────────────────────────────

  async login(name: string, password: string, ip: string): Promise<Login> {
    const { limits } = this.#options;
    const waitMs = limits.waitMs(ip);
    if (waitMs > 0) return { isIn: false, why: 'wait', waitMs };
    const user = this.#users.get(name);
    const digest = this.#digest(name, password);
    const proven = this.#proven.get(name);
    let isRight = proven !== undefined && timingSafeEqual(proven, digest);
    if (!isRight) {
      const key = `${ip} ${digest.toString('base64')}`;
      let trying = this.#trying.get(key);
      if (!trying) {
        if (this.#waiting >= MAX_WAITING) return { isIn: false, why: 'busy', waitMs: 1000 };
        limits.trying(ip);
        trying = this.#isRight(user, password).finally(() => this.#trying.delete(key));
        this.#trying.set(key, trying);
      }
      isRight = await trying;
    }
    // an address that is not admitted learns nothing of the password
    if (!isRight || !user?.admits(ip) || this.#users.get(name) !== user)
      return { isIn: false, why: 'wrong', waitMs: 0 };
    limits.succeeded(ip);
    this.#proven.set(name, digest);
    return { isIn: true, user };
  }

  async #isRight(user: User | undefined, password: string): Promise<boolean> {
    if (password.length > MAX_PASSWORD) return false;
    if (user && !user.isHashed)
      return timingSafeEqual(this.#digest('', user.password), this.#digest('', password));
    const hash = user?.password ?? NOBODYS_HASH;
    return (await this.#inTurn(() => isPasswordOf(hash, password))) && user !== undefined;
  }

  #digest(name: string, password: string): Buffer {
    return createHmac('sha256', this.#secret).update(`${name}\0${password}`).digest();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const done = this.#last.then(work).finally(() => {
      this.#waiting -= 1;
    });
    this.#last = done.catch(() => {});
    return done;
  }

  // ── who there is ───────────────────────────────────────────────────────────────────────────────────────────────

  async add(name: string, password: string): Promise<void> {
    if (!NAME.test(name)) {
      throw new AdminError(
        'ERR_ADMIN_ARGUMENT',
        'a name has at most 64 characters: letters, digits and . _ @ -',
      );
    }
    if (this.#users.has(name))
      throw new AdminError('ERR_ADMIN_CONFLICT', `there is an administrator ${name} already`);
    if (this.#users.size >= MAX_USERS)
      throw new AdminError('ERR_ADMIN_CONFLICT', 'there are too many administrators');
    await this.#change(name, password);
  }

  async changePassword(name: string, password: string): Promise<void> {
    this.#local(name);
    await this.#change(name, password);
  }

  remove(name: string): void {
    this.#local(name);
    if (this.#unscoped.length === 1) {
      throw new AdminError('ERR_ADMIN_CONFLICT', `${name} is the last administrator`);
    }
    const user = this.#users.get(name)!;
    this.#users.delete(name);
    try {
      this.#save();
    } catch (error) {
      this.#users.set(name, user);
      throw cannotKeep(error);
    }
    this.#forget(name);
  }

  #local(name: string): void {
    const user = this.#users.get(name);
    if (!user) throw new AdminError('ERR_ADMIN_NOT_FOUND', `there is no administrator ${name}`);
    if (!user.isLocal) {
      throw new AdminError(
        'ERR_ADMIN_CONFLICT',
        `${name} is defined in a Users.xml of conf/: edit that file`,
      );
    }
  }

  async #change(name: string, password: string): Promise<void> {
    if (password.length < MIN_PASSWORD || password.length > MAX_PASSWORD) {
      throw new AdminError(
        'ERR_ADMIN_ARGUMENT',
        `a password has from ${MIN_PASSWORD} to ${MAX_PASSWORD} characters`,
      );
    }
    const before = this.#users.get(name);
    try {
      await this.#put(name, password);
    } catch (error) {
      if (before) this.#users.set(name, before);
      else this.#users.delete(name);
      throw cannotKeep(error);
    }
    this.#forget(name);
  }

  async #put(name: string, password: string): Promise<void> {
    const hash = await this.#inTurn(() => hashPassword(password));
    const admits = this.#users.get(name)?.admits ?? (() => true);
    this.#users.set(name, { name, password: hash, isHashed: true, isLocal: true, admits });
    this.#save();
  }

  #save(): void {
    const own = [...this.#users.values()].filter(({ isLocal }) => isLocal);
    this.#options.save(own.map(({ name, password }) => ({ name, hash: password })));
  }

  #forget(name: string): void {
    this.#proven.delete(name);
    this.#options.onChange(name);
  }
}

function cannotKeep(error: unknown): AdminError {
  return new AdminError('ERR_ADMIN_FAILED', `the account cannot be stored: ${(error as Error).message}`, {
    cause: error,
  });
}
