// URL, as the URL Standard §6.1 has it.
import { expose } from '../core/primordials.ts';
import { parsePart, parseUrl } from './url-parser.ts';
import {
  Escaped,
  escapeUrl,
  formatUrl,
  hostText,
  isBare,
  isSpecial,
  pathText,
  type UrlRecord,
} from './url-record.ts';
import { boundParams, replaceParams, type URLSearchParams } from './url-search-params.ts';

class URL {
  #url: UrlRecord;
  readonly #params: URLSearchParams;

  constructor(url: unknown, base?: unknown) {
    this.#url = parse(url, base) ?? invalid(url, base);
    this.#params = boundParams(this.#url.query ?? '', (query) => {
      this.#url.query = query === '' ? undefined : query;
    });
  }

  static canParse(url: unknown, base?: unknown): boolean {
    return parse(url, base) !== undefined;
  }
  static parse(url: unknown, base?: unknown): URL | null {
    return URL.canParse(url, base) ? new URL(url, base) : null;
  }

  get href(): string {
    return formatUrl(this.#url);
  }
  set href(value: unknown) {
    this.#url = parse(value, undefined) ?? invalid(value, undefined);
    replaceParams(this.#params, this.#url.query ?? '');
  }

  get origin(): string {
    const { scheme } = this.#url;
    if (scheme === 'blob') {
      const inner = parse(pathText(this.#url), undefined);
      const isWeb = inner !== undefined && (inner.scheme === 'http' || inner.scheme === 'https');
      return isWeb ? `${inner.scheme}://${hostText(inner)}` : 'null';
    }
    return isSpecial(this.#url) && scheme !== 'file' ? `${scheme}://${hostText(this.#url)}` : 'null';
  }

  get protocol(): string {
    return `${this.#url.scheme}:`;
  }
  set protocol(value: unknown) {
    parsePart(`${value}:`, this.#url, 'schemeStart');
  }

  get username(): string {
    return this.#url.username;
  }
  set username(value: unknown) {
    if (!isBare(this.#url)) this.#url.username = escapeUrl(`${value}`, Escaped.UserInfo);
  }

  get password(): string {
    return this.#url.password;
  }
  set password(value: unknown) {
    if (!isBare(this.#url)) this.#url.password = escapeUrl(`${value}`, Escaped.UserInfo);
  }

  get host(): string {
    return hostText(this.#url);
  }
  set host(value: unknown) {
    if (typeof this.#url.path !== 'string') parsePart(`${value}`, this.#url, 'host');
  }

  get hostname(): string {
    return this.#url.host ?? '';
  }
  set hostname(value: unknown) {
    if (typeof this.#url.path !== 'string') parsePart(`${value}`, this.#url, 'hostname');
  }

  get port(): string {
    return `${this.#url.port ?? ''}`;
  }
  set port(value: unknown) {
    if (isBare(this.#url)) return;
    const text = `${value}`;
    if (text === '') this.#url.port = undefined;
    else parsePart(text, this.#url, 'port');
  }

  get pathname(): string {
    return pathText(this.#url);
  }
  set pathname(value: unknown) {
    if (typeof this.#url.path === 'string') return;
    this.#url.path = [];
    parsePart(`${value}`, this.#url, 'pathStart');
  }

  get search(): string {
    const { query } = this.#url;
    return query === undefined || query === '' ? '' : `?${query}`;
  }
  set search(value: unknown) {
    const text = `${value}`;
    this.#url.query = text === '' ? undefined : '';
    if (text !== '') parsePart(text[0] === '?' ? text.slice(1) : text, this.#url, 'query');
    replaceParams(this.#params, this.#url.query ?? '');
  }

  get searchParams(): URLSearchParams {
    return this.#params;
  }

  get hash(): string {
    const { fragment } = this.#url;
    return fragment === undefined || fragment === '' ? '' : `#${fragment}`;
  }
  set hash(value: unknown) {
    const text = `${value}`;
    this.#url.fragment = text === '' ? undefined : '';
    if (text !== '') parsePart(text[0] === '#' ? text.slice(1) : text, this.#url, 'fragment');
  }

  toString(): string {
    return this.href;
  }
  toJSON(): string {
    return this.href;
  }
  get [Symbol.toStringTag](): string {
    return 'URL';
  }
}

function parse(url: unknown, base: unknown): UrlRecord | undefined {
  const text = `${url}`;
  if (base === undefined) return parseUrl(text, undefined);
  const parsedBase = parseUrl(`${base}`, undefined);
  return parsedBase && parseUrl(text, parsedBase);
}

function invalid(url: unknown, base: unknown): never {
  throw new TypeError(`Invalid URL: ${url}${base === undefined ? '' : `, base ${base}`}`);
}

export function defineUrl(): void {
  expose('URL', URL);
}
