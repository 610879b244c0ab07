// What the parts of a URL are made of, and how they are written. URL Standard §1.3, §4.1, §4.5.
import { encodeUtf8 } from '../core/bytes.ts';
import { charCodeAt, create, fromCharCode } from '../core/primordials.ts';

export interface UrlRecord {
  scheme: string;
  username: string;
  password: string;
  /** As it is written; undefined: there is none, which is not the same as an empty one. */
  host: string | undefined;
  /** Undefined: the scheme's own. */
  port: number | undefined;
  /** A string: opaque, as in `mailto:a@b`. */
  path: string[] | string;
  query: string | undefined;
  fragment: string | undefined;
}

export function emptyRecord(): UrlRecord {
  return {
    scheme: '',
    username: '',
    password: '',
    host: undefined,
    port: undefined,
    path: [],
    query: undefined,
    fragment: undefined,
  };
}

/** Special schemes and their ports. */
const PORTS: Record<string, number | undefined> = create(null);
PORTS.ftp = 21;
PORTS.file = 0;
PORTS.http = PORTS.ws = 80;
PORTS.https = PORTS.wss = 443;

export function isSpecial({ scheme }: UrlRecord): boolean {
  return isSpecialScheme(scheme);
}
export function isSpecialScheme(scheme: string): boolean {
  return PORTS[scheme] !== undefined;
}
export function defaultPort(scheme: string): number | undefined {
  return PORTS[scheme];
}

export function hasCredentials({ username, password }: UrlRecord): boolean {
  return username !== '' || password !== '';
}

/** Neither credentials nor a port make sense. */
export function isBare({ host, scheme }: UrlRecord): boolean {
  return host === undefined || host === '' || scheme === 'file';
}

export function pathText({ path }: UrlRecord): string {
  if (typeof path === 'string') return path;
  let text = '';
  for (let i = 0; i < path.length; i++) text += `/${path[i]}`;
  return text;
}

export function hostText({ host, port }: UrlRecord): string {
  return `${host ?? ''}${port === undefined ? '' : `:${port}`}`;
}

export function formatUrl(url: UrlRecord): string {
  let text = `${url.scheme}:`;
  if (url.host !== undefined) {
    text += '//';
    if (hasCredentials(url)) text += `${url.username}${url.password === '' ? '' : `:${url.password}`}@`;
    text += hostText(url);
  } else if (typeof url.path !== 'string' && url.path.length > 1 && url.path[0] === '') text += '/.';
  text += pathText(url);
  if (url.query !== undefined) text += `?${url.query}`;
  return url.fragment === undefined ? text : `${text}#${url.fragment}`;
}

/** Characters that are escaped, beyond the controls and whatever is not ASCII. */
export const Escaped = {
  Control: '',
  Fragment: ' "<>`',
  Query: ' "#<>',
  SpecialQuery: ' "#<>\'',
  Path: ' "#<>?^`{}',
  UserInfo: ' "#<>?^`{}/:;=@[\\]|',
} as const;

const HEX = '0123456789ABCDEF';

export function escapeUrl(text: string, escaped: string): string {
  let out = '';
  const bytes = encodeUtf8(text);
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    const char = fromCharCode(byte);
    if (byte <= 0x1f || byte > 0x7e || escaped.includes(char)) out += `%${HEX[byte >> 4]}${HEX[byte & 15]}`;
    else out += char;
  }
  return out;
}

export function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= '0' && char <= '9';
}
export function isLetter(char: string | undefined): boolean {
  if (char === undefined) return false;
  const code = charCodeAt(char, 0) | 32;
  return char.length === 1 && code >= 97 && code <= 122;
}
