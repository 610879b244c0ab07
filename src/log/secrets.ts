// What no log may hold: passwords, tokens, signatures and keys in the addresses that clients and encoders send.

/**
 * Words; a parameter whose name holds one of them, in any case, has its value masked. They are meant to hit too much rather
 * than too little: `key` hides `streamKey`, `auth` hides `authmod` as well, `sig` and `hmac` what a signed link is worth.
 */
const ALWAYS_SECRET: readonly string[] = [
  ...['key', 'token', 'secret', 'pass', 'pwd', 'pswd', 'auth', 'cred', 'sig', 'hmac', 'hash', 'digest'],
  ...['response', 'challenge', 'opaque', 'nonce', 'ticket', 'jwt', 'session', 'otp'],
];

/** Stands for what no log may hold. */
export const MASK = '***';
/** In a text: what may be an address with a login, and a query with a parameter. */
const LOGIN = /[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/?#@:]*:[^\s/?#@]*@/gi;
const QUERY = /\?([^\s?"'`<>]*=[^\s"'`<>]*)/g;
const USER_AND_PASSWORD = /^([a-z0-9+.-]+:\/\/[^/?#@:]*):[^/?#]*@/i;

export class SecretMask {
  readonly #words: readonly string[];

  /** `words`: further ones, of the operator's choice. */
  constructor(words: readonly string[] = []) {
    this.#words = [...ALWAYS_SECRET, ...words.map((word) => word.toLowerCase())];
  }

  /** `rtmp://host/live?token=***`, `rtmp://user:***@host/live`. */
  uri(uri: string): string {
    const mark = uri.indexOf('?');
    const stem = (mark < 0 ? uri : uri.slice(0, mark)).replace(USER_AND_PASSWORD, `$1:${MASK}@`);
    return mark < 0 ? stem : `${stem}?${this.query(uri.slice(mark + 1))}`;
  }

  /** A text in which addresses and names with queries may stand. */
  text(text: string): string {
    return text
      .replace(LOGIN, (address) => this.uri(address))
      .replace(QUERY, (_, query: string) => `?${this.query(query)}`);
  }

  /** Without its question mark. COMPAT: encoders put a second question mark where an ampersand belongs. */
  query(query: string): string {
    return query.replace(/[^&;?]+/g, (part) => this.#parameter(part));
  }

  /** One without a name cannot be judged by it: it may be the secret itself. */
  #parameter(part: string): string {
    const equals = part.indexOf('=');
    if (equals < 0) return MASK;
    const name = part.slice(0, equals);
    const says = decoded(name).toLowerCase();
    return this.#words.some((word) => says.includes(word)) ? `${name}=${MASK}` : part;
  }
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
