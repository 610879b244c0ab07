// The URL parser: the state machine of the URL Standard §4.4, its states by their names there.
import { append } from '../core/primordials.ts';
import { isDriveLetter, parseHost, startsWithDriveLetter } from './url-host.ts';
import {
  defaultPort,
  Escaped,
  emptyRecord,
  escapeUrl,
  hasCredentials,
  isDigit,
  isLetter,
  isSpecial,
  isSpecialScheme,
  type UrlRecord,
} from './url-record.ts';

export type State =
  | 'schemeStart'
  | 'scheme'
  | 'noScheme'
  | 'specialRelativeOrAuthority'
  | 'pathOrAuthority'
  | 'relative'
  | 'relativeSlash'
  | 'specialAuthoritySlashes'
  | 'specialAuthorityIgnoreSlashes'
  | 'authority'
  | 'host'
  | 'hostname'
  | 'port'
  | 'file'
  | 'fileSlash'
  | 'fileHost'
  | 'pathStart'
  | 'path'
  | 'opaquePath'
  | 'query'
  | 'fragment';

/** `stop`: done, the rest does not count. */
type Step = 'fail' | 'stop' | undefined;

/** Undefined when it is no URL. */
export function parseUrl(text: string, base: UrlRecord | undefined): UrlRecord | undefined {
  const url = emptyRecord();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: controls and blanks around it do not count
  const trimmed = text.replace(/^[\u0000-\u0020]+/, '').replace(/[\u0000-\u0020]+$/, '');
  return new Parser(trimmed, url, base, undefined).run() ? url : undefined;
}

/** One part of a URL anew, `from` that state on; it stays as it was when `text` does not fit. */
export function parsePart(text: string, url: UrlRecord, from: State): void {
  new Parser(text, url, undefined, from).run();
}

class Parser {
  readonly #url: UrlRecord;
  readonly #base: UrlRecord | undefined;
  /** Set: only a part of the URL is being parsed. */
  readonly #override: State | undefined;
  readonly #chars: string[] = [];
  #state: State;
  #at = 0;
  #buffer = '';
  #hasAt = false;
  #hasPassword = false;
  #isInBrackets = false;

  constructor(text: string, url: UrlRecord, base: UrlRecord | undefined, override: State | undefined) {
    this.#url = url;
    this.#base = base;
    this.#override = override;
    this.#state = override ?? 'schemeStart';
    for (const char of text.toWellFormed().replace(/[\t\n\r]/g, '')) append(this.#chars, char);
  }

  run(): boolean {
    for (; ; this.#at++) {
      const step = this[this.#state](this.#chars[this.#at]);
      if (step !== undefined) return step === 'stop';
      if (this.#at >= this.#chars.length) return true;
    }
  }

  #go(state: State): undefined {
    this.#state = state;
  }
  /** To a state that sees the same character again. */
  #back(state: State): undefined {
    this.#state = state;
    this.#at -= 1;
  }
  #rest(): string {
    let text = '';
    for (let i = this.#at + 1; i < this.#chars.length; i++) text += this.#chars[i];
    return text;
  }
  #isSlash(char: string | undefined): boolean {
    return char === '/' || (char === '\\' && isSpecial(this.#url));
  }
  /** The end of authority and host. */
  #isBeyond(char: string | undefined): boolean {
    return char === undefined || char === '?' || char === '#' || this.#isSlash(char);
  }
  #startQuery(): undefined {
    this.#url.query = '';
    this.#state = 'query';
  }
  #startFragment(): undefined {
    this.#url.fragment = '';
    this.#state = 'fragment';
  }
  #shorten(): void {
    const { path, scheme } = this.#url;
    if (typeof path === 'string' || path.length === 0) return;
    const isDrive = scheme === 'file' && path.length === 1 && /^[a-z]:$/i.test(path[0]!);
    if (!isDrive) path.length -= 1;
  }
  #copyAuthority(base: UrlRecord): void {
    const { username, password, host, port } = base;
    Object.assign(this.#url, { username, password, host, port });
  }
  #copyPath(base: UrlRecord): void {
    this.#url.path = typeof base.path === 'string' ? base.path : [...base.path];
    this.#url.query = base.query;
  }

  schemeStart(char: string | undefined): Step {
    if (isLetter(char)) {
      this.#buffer += char!.toLowerCase();
      return this.#go('scheme');
    }
    return this.#override === undefined ? this.#back('noScheme') : 'fail';
  }

  scheme(char: string | undefined): Step {
    if (isLetter(char) || isDigit(char) || (char !== undefined && '+-.'.includes(char))) {
      this.#buffer += char!.toLowerCase();
      return undefined;
    }
    if (char === ':') return this.#override === undefined ? this.#afterScheme() : this.#changeScheme();
    if (this.#override !== undefined) return 'fail';
    this.#buffer = '';
    this.#at = -1;
    return this.#go('noScheme');
  }

  #changeScheme(): Step {
    const url = this.#url;
    const scheme = this.#buffer;
    if (isSpecial(url) !== isSpecialScheme(scheme)) return 'stop';
    if (scheme === 'file' && (hasCredentials(url) || url.port !== undefined)) return 'stop';
    if (url.scheme === 'file' && (url.host === undefined || url.host === '')) return 'stop';
    url.scheme = scheme;
    if (url.port === defaultPort(scheme)) url.port = undefined;
    return 'stop';
  }

  #afterScheme(): Step {
    const url = this.#url;
    url.scheme = this.#buffer;
    this.#buffer = '';
    if (url.scheme === 'file') return this.#go('file');
    if (isSpecial(url)) {
      const isRelative = this.#base?.scheme === url.scheme;
      return this.#go(isRelative ? 'specialRelativeOrAuthority' : 'specialAuthoritySlashes');
    }
    if (this.#chars[this.#at + 1] === '/') {
      this.#at += 1;
      return this.#go('pathOrAuthority');
    }
    url.path = '';
    return this.#go('opaquePath');
  }

  noScheme(char: string | undefined): Step {
    const base = this.#base;
    if (base === undefined) return 'fail';
    if (typeof base.path === 'string') {
      if (char !== '#') return 'fail';
      this.#url.scheme = base.scheme;
      this.#copyPath(base);
      return this.#startFragment();
    }
    return this.#back(base.scheme === 'file' ? 'file' : 'relative');
  }

  specialRelativeOrAuthority(char: string | undefined): Step {
    if (char !== '/' || this.#chars[this.#at + 1] !== '/') return this.#back('relative');
    this.#at += 1;
    return this.#go('specialAuthorityIgnoreSlashes');
  }

  pathOrAuthority(char: string | undefined): Step {
    return char === '/' ? this.#go('authority') : this.#back('path');
  }

  relative(char: string | undefined): Step {
    const base = this.#base!;
    this.#url.scheme = base.scheme;
    if (this.#isSlash(char)) return this.#go('relativeSlash');
    this.#copyAuthority(base);
    this.#copyPath(base);
    if (char === '?') return this.#startQuery();
    if (char === '#') return this.#startFragment();
    if (char === undefined) return undefined;
    this.#url.query = undefined;
    this.#shorten();
    return this.#back('path');
  }

  relativeSlash(char: string | undefined): Step {
    if (this.#isSlash(char)) {
      return this.#go(isSpecial(this.#url) ? 'specialAuthorityIgnoreSlashes' : 'authority');
    }
    this.#copyAuthority(this.#base!);
    return this.#back('path');
  }

  specialAuthoritySlashes(char: string | undefined): Step {
    if (char !== '/' || this.#chars[this.#at + 1] !== '/') return this.#back('specialAuthorityIgnoreSlashes');
    this.#at += 1;
    return this.#go('specialAuthorityIgnoreSlashes');
  }

  specialAuthorityIgnoreSlashes(char: string | undefined): Step {
    return char === '/' || char === '\\' ? undefined : this.#back('authority');
  }

  authority(char: string | undefined): Step {
    if (char === '@') {
      this.#takeCredentials(`${this.#hasAt ? '%40' : ''}${this.#buffer}`);
      this.#hasAt = true;
      this.#buffer = '';
      return undefined;
    }
    if (!this.#isBeyond(char)) {
      this.#buffer += char;
      return undefined;
    }
    if (this.#hasAt && this.#buffer === '') return 'fail';
    this.#at -= [...this.#buffer].length + 1;
    this.#buffer = '';
    return this.#go('host');
  }

  #takeCredentials(text: string): void {
    const colon = this.#hasPassword ? -1 : text.indexOf(':');
    const name = this.#hasPassword ? '' : text.slice(0, colon < 0 ? text.length : colon);
    const password = this.#hasPassword ? text : colon < 0 ? '' : text.slice(colon + 1);
    if (colon >= 0) this.#hasPassword = true;
    this.#url.username += escapeUrl(name, Escaped.UserInfo);
    this.#url.password += escapeUrl(password, Escaped.UserInfo);
  }

  host(char: string | undefined): Step {
    const url = this.#url;
    if (this.#override !== undefined && url.scheme === 'file') return this.#back('fileHost');
    if (char === ':' && !this.#isInBrackets) {
      if (this.#buffer === '' || this.#override === 'hostname') return 'fail';
      return this.#takeHost('port') ? undefined : 'fail';
    }
    if (this.#isBeyond(char)) {
      this.#at -= 1;
      if (this.#buffer === '') {
        if (isSpecial(url)) return 'fail';
        if (this.#override !== undefined && (hasCredentials(url) || url.port !== undefined)) return 'fail';
      }
      if (!this.#takeHost('pathStart')) return 'fail';
      return this.#override === undefined ? undefined : 'stop';
    }
    if (char === '[') this.#isInBrackets = true;
    if (char === ']') this.#isInBrackets = false;
    this.#buffer += char;
    return undefined;
  }
  hostname(char: string | undefined): Step {
    return this.host(char);
  }

  #takeHost(next: State): boolean {
    const host = parseHost(this.#buffer, !isSpecial(this.#url));
    if (host === undefined) return false;
    this.#url.host = host;
    this.#buffer = '';
    this.#state = next;
    return true;
  }

  port(char: string | undefined): Step {
    if (isDigit(char)) {
      this.#buffer += char;
      return undefined;
    }
    if (!this.#isBeyond(char) && this.#override === undefined) return 'fail';
    if (this.#buffer !== '') {
      const port = Number(this.#buffer);
      if (port > 65_535) return 'fail';
      this.#url.port = port === defaultPort(this.#url.scheme) ? undefined : port;
      this.#buffer = '';
      if (this.#override !== undefined) return 'stop';
    }
    return this.#override === undefined ? this.#back('pathStart') : 'fail';
  }

  file(char: string | undefined): Step {
    const url = this.#url;
    url.scheme = 'file';
    url.host = '';
    if (char === '/' || char === '\\') return this.#go('fileSlash');
    const base = this.#base;
    if (base?.scheme !== 'file') return this.#back('path');
    url.host = base.host;
    this.#copyPath(base);
    if (char === '?') return this.#startQuery();
    if (char === '#') return this.#startFragment();
    if (char === undefined) return undefined;
    url.query = undefined;
    if (startsWithDriveLetter(char + this.#rest())) url.path = [];
    else this.#shorten();
    return this.#back('path');
  }

  fileSlash(char: string | undefined): Step {
    if (char === '/' || char === '\\') return this.#go('fileHost');
    const base = this.#base;
    if (base?.scheme === 'file') {
      this.#url.host = base.host;
      const drive = typeof base.path === 'string' ? undefined : base.path[0];
      if (
        !startsWithDriveLetter((char ?? '') + this.#rest()) &&
        drive !== undefined &&
        /^[a-z]:$/i.test(drive)
      )
        append(this.#url.path as string[], drive);
    }
    return this.#back('path');
  }

  fileHost(char: string | undefined): Step {
    if (char !== undefined && !'/\\?#'.includes(char)) {
      this.#buffer += char;
      return undefined;
    }
    if (this.#override === undefined && isDriveLetter(this.#buffer)) return this.#back('path');
    const host = this.#buffer === '' ? '' : parseHost(this.#buffer, false);
    if (host === undefined) return 'fail';
    this.#url.host = host === 'localhost' ? '' : host;
    if (this.#override !== undefined) return 'stop';
    this.#buffer = '';
    return this.#back('pathStart');
  }

  pathStart(char: string | undefined): Step {
    if (isSpecial(this.#url)) return this.#isSlash(char) ? this.#go('path') : this.#back('path');
    if (this.#override === undefined && char === '?') return this.#startQuery();
    if (this.#override === undefined && char === '#') return this.#startFragment();
    if (char !== undefined) return char === '/' ? this.#go('path') : this.#back('path');
    if (this.#override !== undefined && this.#url.host === undefined) append(this.#url.path as string[], '');
    return undefined;
  }

  path(char: string | undefined): Step {
    const isEnd = this.#override === undefined && (char === '?' || char === '#');
    if (char !== undefined && !this.#isSlash(char) && !isEnd) {
      this.#buffer += escapeUrl(char, Escaped.Path);
      return undefined;
    }
    this.#takeSegment(!this.#isSlash(char));
    if (char === '?') return this.#startQuery();
    if (char === '#') return this.#startFragment();
    return undefined;
  }

  /** `isLast`: no slash follows. */
  #takeSegment(isLast: boolean): void {
    const segment = this.#buffer;
    this.#buffer = '';
    const path = this.#url.path as string[];
    const plain = segment.replace(/%2e/gi, '.');
    if (plain === '..') {
      this.#shorten();
      if (isLast) append(path, '');
    } else if (plain === '.') {
      if (isLast) append(path, '');
    } else {
      const isDrive = this.#url.scheme === 'file' && path.length === 0 && isDriveLetter(segment);
      append(path, isDrive ? `${segment[0]}:` : segment);
    }
  }

  opaquePath(char: string | undefined): Step {
    if (char === '?') return this.#startQuery();
    if (char === '#') return this.#startFragment();
    if (char === undefined) return undefined;
    const next = this.#chars[this.#at + 1];
    const isBlankAtEnd = char === ' ' && (next === '?' || next === '#');
    this.#url.path += isBlankAtEnd ? '%20' : escapeUrl(char, Escaped.Control);
    return undefined;
  }

  query(char: string | undefined): Step {
    if (char !== undefined && (char !== '#' || this.#override !== undefined)) {
      this.#buffer += char;
      return undefined;
    }
    this.#url.query += escapeUrl(this.#buffer, isSpecial(this.#url) ? Escaped.SpecialQuery : Escaped.Query);
    this.#buffer = '';
    return char === '#' ? this.#startFragment() : undefined;
  }

  fragment(char: string | undefined): Step {
    if (char !== undefined) this.#url.fragment += escapeUrl(char, Escaped.Fragment);
    return undefined;
  }
}
