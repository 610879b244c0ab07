// The file of those who may publish (Application.xml, Authentication/Users). A line for each, or several, the first that
// serves the mode of the login counts:
//
//   name:plain:PASSWORD        everything behind the second colon
//   name:adobe:SALT:HASH       base64(MD5(name + SALT + password))
//   name:llnw:HASH             hex(MD5(name:live:password))
//
// Lines that begin with # and empty ones do not count. It is read again when it has changed.
import { readFileSync, statSync } from 'node:fs';
import type { Saying } from './application-settings.ts';

export type PublisherEntry =
  | { readonly kind: 'plain'; readonly password: string }
  | { readonly kind: 'adobe'; readonly salt: string; readonly hash: string }
  | { readonly kind: 'llnw'; readonly hash: string };

/** Some ten thousand users. */
const MAX_FILE_BYTES = 4 << 20;
const MD5_BASE64 = /^[A-Za-z0-9+/]{22}==$/;
const MD5_HEX = /^[0-9a-f]{32}$/;

export function isPublisherName(name: string): boolean {
  return /^[^\s:\p{C}]{1,64}$/u.test(name);
}

/** What is wrong with a line names its number, never what stands in it. */
export function parsePublishers(text: string): {
  users: ReadonlyMap<string, readonly PublisherEntry[]>;
  problems: readonly string[];
} {
  const users = new Map<string, PublisherEntry[]>();
  const problems: string[] = [];
  for (const [i, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [name = '', kind, ...rest] = line.split(':');
    const entry = isPublisherName(name) ? parseEntry(kind, rest.join(':')) : undefined;
    if (entry) users.set(name, [...(users.get(name) ?? []), entry]);
    else problems.push(`${i + 1}: expected name:plain:PASSWORD, name:adobe:SALT:HASH or name:llnw:HASH`);
  }
  return { users, problems };
}

function parseEntry(kind: string | undefined, rest: string): PublisherEntry | undefined {
  if (kind === 'plain') return rest === '' ? undefined : { kind, password: rest };
  if (kind === 'llnw') return MD5_HEX.test(rest) ? { kind, hash: rest } : undefined;
  const [salt = '', hash = '', ...more] = rest.split(':');
  const isRight = kind === 'adobe' && /^[\w.~+/=-]{1,64}$/.test(salt) && MD5_BASE64.test(hash);
  return isRight && more.length === 0 ? { kind, salt, hash } : undefined;
}

interface Known {
  /** Size and time of change. */
  version: string;
  users: ReadonlyMap<string, readonly PublisherEntry[]>;
}

/** All such files of a server. */
export class Publishers {
  readonly #files = new Map<string, Known>();
  readonly #say: (saying: Saying) => void;

  constructor(say: (saying: Saying) => void) {
    this.#say = say;
  }

  of(file: string, user: string): readonly PublisherEntry[] {
    return this.#read(file).get(user) ?? [];
  }

  /** A file that cannot be read has nobody in it: who logs in is refused, unless the script knows better. */
  #read(file: string): Known['users'] {
    const known = this.#files.get(file);
    let version = 'unreadable';
    let users: Known['users'] = new Map();
    try {
      const { size, mtimeMs } = statSync(file);
      version = `${size} ${mtimeMs}`;
      if (known?.version === version) return known.users;
      if (size > MAX_FILE_BYTES) throw new Error(`it has more than ${MAX_FILE_BYTES} bytes`);
      const parsed = parsePublishers(readFileSync(file, 'utf8'));
      users = parsed.users;
      for (const problem of parsed.problems.slice(0, 10)) {
        this.#say({ level: 'error', text: `${file}:${problem}; the line is ignored` });
      }
    } catch (error) {
      // a server whose script knows the users needs no file
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      const text = `${file}: the users cannot be read: ${(error as Error).message}`;
      if (known?.version !== version) this.#say({ level: isMissing ? 'info' : 'error', text });
    }
    this.#files.set(file, { version, users });
    return users;
  }
}
