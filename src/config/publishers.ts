// The file of those who may publish (Application.xml, Authentication/Users). A line for each, or several, the first that
// serves the mode of the login counts:
//
//   name:plain:PASSWORD        everything behind the second colon
//   name:adobe:SALT:HASH       base64(MD5(name + SALT + password))
//   name:llnw:HASH             hex(MD5(name:live:password))
//
// Lines that begin with # and empty ones do not count. It is read again when it has changed.
import { readAuthorFile, versionOf, versionOfFile } from '../disk/author-file.ts';
import { linesOf } from '../disk/lines.ts';
import { FileError } from '../errors.ts';
import type { Saying } from './application-settings.ts';

export type PublisherEntry =
  | { readonly kind: 'plain'; readonly password: string }
  | { readonly kind: 'adobe'; readonly salt: string; readonly hash: string }
  | { readonly kind: 'llnw'; readonly hash: string };

/** Ten thousand users, with room. */
const MAX_FILE_BYTES = 4 << 20;
const MAX_LINES = 50_000;
/** Of one user: a line for each mode is three. */
const MAX_ENTRIES = 10;
/** Files whose users are remembered. The others are read for each login. */
const MAX_FILES = 1000;
const MAX_SAID = 10;
const MD5_BASE64 = /^[A-Za-z0-9+/]{22}==$/;
const MD5_HEX = /^[0-9a-f]{32}$/;

export function isPublisherName(name: string): boolean {
  return /^[^\s:\p{C}]{1,64}$/u.test(name);
}

/** A FileError: it has too many lines. What is wrong with a line names its number, never what stands in it. */
export function parsePublishers(text: string): {
  users: ReadonlyMap<string, readonly PublisherEntry[]>;
  problems: readonly string[];
} {
  const users = new Map<string, PublisherEntry[]>();
  const problems: string[] = [];
  for (const [i, line] of linesOf(text, MAX_LINES).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [name = '', kind, ...rest] = line.split(':');
    const entry = isPublisherName(name) ? parseEntry(kind, rest.join(':')) : undefined;
    if (entry) addEntry(users, name, entry);
    else problems.push(`${i + 1}: expected name:plain:PASSWORD, name:adobe:SALT:HASH or name:llnw:HASH`);
  }
  return { users, problems };
}

function addEntry(users: Map<string, PublisherEntry[]>, name: string, entry: PublisherEntry): void {
  const entries = users.get(name);
  if (!entries) users.set(name, [entry]);
  else if (entries.length < MAX_ENTRIES) entries.push(entry);
}

function parseEntry(kind: string | undefined, rest: string): PublisherEntry | undefined {
  if (kind === 'plain') return rest === '' ? undefined : { kind, password: rest };
  if (kind === 'llnw') return MD5_HEX.test(rest) ? { kind, hash: rest } : undefined;
  const [salt = '', hash = '', ...more] = rest.split(':');
  const isRight = kind === 'adobe' && /^[\w.~+/=-]{1,64}$/.test(salt) && MD5_BASE64.test(hash);
  return isRight && more.length === 0 ? { kind, salt, hash } : undefined;
}

type Users = ReadonlyMap<string, readonly PublisherEntry[]>;

interface Known {
  /** Undefined: it was not there. */
  version: string | undefined;
  users: Users;
}

/** All such files of a server. */
export class Publishers {
  readonly #files = new Map<string, Known>();
  readonly #readings = new Map<string, Promise<Users>>();
  readonly #say: (saying: Saying) => void;

  constructor(say: (saying: Saying) => void) {
    this.#say = say;
  }

  /** Of many who ask at a time one reads. */
  async of(file: string, user: string): Promise<readonly PublisherEntry[]> {
    let reading = this.#readings.get(file);
    if (!reading) {
      reading = this.#read(file).finally(() => this.#readings.delete(file));
      this.#readings.set(file, reading);
    }
    return (await reading).get(user) ?? [];
  }

  /** A file that cannot be read has nobody in it: who logs in is refused, unless the script knows better. */
  async #read(file: string): Promise<Users> {
    const known = this.#files.get(file);
    let version = await versionOfFile(file);
    if (known && known.version === version) return known.users;
    let users: Users = new Map();
    try {
      const found = await readAuthorFile(file, { maxBytes: MAX_FILE_BYTES });
      version = found && versionOf(found.stats);
      if (found) users = this.#parse(file, found.bytes.toString());
      // a server whose script knows the users needs no file
      else this.#say({ level: 'info', text: `${file}: the users cannot be read: there is no such file` });
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.#say({ level: 'error', text: `${file}: the users cannot be read: ${error.message}` });
    }
    if (this.#files.size >= MAX_FILES) this.#files.delete(this.#files.keys().next().value!);
    this.#files.set(file, { version, users });
    return users;
  }

  #parse(file: string, text: string): Users {
    const { users, problems } = parsePublishers(text);
    for (const problem of problems.slice(0, MAX_SAID)) {
      this.#say({ level: 'error', text: `${file}:${problem}; the line is ignored` });
    }
    return users;
  }
}
