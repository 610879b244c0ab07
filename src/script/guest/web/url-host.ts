// Hosts: domains, IPv4 and IPv6 addresses. URL Standard §3.5.
import { decodeUtf8, encodeUtf8 } from '../core/bytes.ts';
import { append, fromCharCode, max, Uint8 } from '../core/primordials.ts';
import { Escaped, escapeUrl } from './url-record.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what no host has
const FORBIDDEN = /[\u0000\t\n\r #/:<>?@[\\\]^|]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same
const FORBIDDEN_IN_DOMAINS = /[\u0000-\u001f %\u007f]/;
/** Characters that mean nothing in a name: soft hyphen, joiners of no width, variation selectors. UTS 46. */
const IGNORED = /\u00ad|\u034f|[\u180b-\u180d]|\u200b|\u2060|\u2064|[\ufe00-\ufe0f]|\ufeff/g;
/** Not yet characters, for private use, or in place of one that could not be read. */
const NO_LETTERS = /[\p{Cn}\p{Co}\ufffd]/u;
const FULL_STOPS = /[\u3002\uff0e\uff61]/g;

/** As it is written in the URL; undefined when it is none. `isOpaque`: of a scheme whose hosts are not looked up. */
export function parseHost(text: string, isOpaque: boolean): string | undefined {
  if (text[0] === '[') return text.endsWith(']') ? parseIpv6(text.slice(1, -1)) : undefined;
  if (isOpaque) return FORBIDDEN.test(text) ? undefined : escapeUrl(text, Escaped.Control);
  const ascii = domainToAscii(unescapeBytes(text));
  if (ascii === undefined || ascii === '' || FORBIDDEN.test(ascii) || FORBIDDEN_IN_DOMAINS.test(ascii))
    return undefined;
  return endsInNumber(ascii) ? parseIpv4(ascii) : ascii;
}

function unescapeBytes(text: string): string {
  if (!text.includes('%')) return text;
  const bytes = encodeUtf8(text);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const hex = bytes[i] === 37 ? fromCharCode(bytes[i + 1] ?? 0, bytes[i + 2] ?? 0) : '';
    const isEscape = /^[0-9a-f]{2}$/i.test(hex);
    bytes[length++] = isEscape ? Number.parseInt(hex, 16) : bytes[i]!;
    if (isEscape) i += 2;
  }
  const { text: decoded, unfinished } = decodeUtf8(bytes.subarray(0, length));
  return unfinished > 0 ? `${decoded}\ufffd` : decoded;
}

/** UTS 46 as far as the engine's own tables go: lower case, compatibility forms, Punycode. */
function domainToAscii(domain: string): string | undefined {
  let mapped = '';
  // One by one: a capital sigma at the end of a word has another small one.
  for (const char of domain.replace(IGNORED, '').replace(FULL_STOPS, '.')) mapped += char.toLowerCase();
  if (NO_LETTERS.test(mapped)) return undefined;
  const labels = mapped.normalize('NFKC').toLowerCase().split('.');
  for (let i = 0; i < labels.length; i++) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII
    if (!/^[\u0000-\u007f]*$/.test(labels[i]!)) labels[i] = `xn--${encodePunycode(labels[i]!)}`;
  }
  return labels.join('.');
}

/** RFC 3492 §6.3, with its constants: base 36, tmin 1, tmax 26, skew 38, damp 700. */
function encodePunycode(label: string): string {
  const points: number[] = [];
  let out = '';
  for (const char of label) {
    append(points, char.codePointAt(0)!);
    if (char < '\u0080') out += char;
  }
  const basic = out.length;
  let handled = basic;
  if (basic > 0) out += '-';
  let next = 128;
  let delta = 0;
  let bias = 72;
  while (handled < points.length) {
    let lowest = 0x11_0000;
    for (let i = 0; i < points.length; i++)
      if (points[i]! >= next && points[i]! < lowest) lowest = points[i]!;
    delta += (lowest - next) * (handled + 1);
    next = lowest;
    for (let i = 0; i < points.length; i++) {
      if (points[i]! < next) delta += 1;
      if (points[i] !== next) continue;
      out += variableLength(delta, bias);
      bias = adapted(delta, handled + 1, handled === basic);
      delta = 0;
      handled += 1;
    }
    delta += 1;
    next += 1;
  }
  return out;
}

function variableLength(delta: number, bias: number): string {
  let out = '';
  let rest = delta;
  for (let k = 36; ; k += 36) {
    const threshold = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
    if (rest < threshold) return out + rest.toString(36).replace(/^./, basicDigit);
    out += basicDigit((threshold + ((rest - threshold) % (36 - threshold))).toString(36));
    rest = Math.floor((rest - threshold) / (36 - threshold));
  }
}

/** Punycode's digits are a…z and then 0…9; those of numbers are the other way round. */
function basicDigit(digit: string): string {
  return 'abcdefghijklmnopqrstuvwxyz0123456789'[Number.parseInt(digit, 36)]!;
}

function adapted(delta: number, count: number, isFirst: boolean): number {
  let rest = isFirst ? Math.floor(delta / 700) : delta >> 1;
  rest += Math.floor(rest / count);
  let k = 0;
  for (; rest > 455; k += 36) rest = Math.floor(rest / 35);
  return k + Math.floor((36 * rest) / (rest + 38));
}

function endsInNumber(domain: string): boolean {
  const parts = domain.split('.');
  if (parts.at(-1) === '' && parts.length > 1) parts.length -= 1;
  const last = parts.at(-1)!;
  return /^[0-9]+$/.test(last) || /^0x[0-9a-f]*$/i.test(last);
}

function parseIpv4(text: string): string | undefined {
  const parts = text.split('.');
  if (parts.at(-1) === '' && parts.length > 1) parts.length -= 1;
  if (parts.length > 4) return undefined;
  let address = 0;
  for (let i = 0; i < parts.length; i++) {
    const number = ipv4Number(parts[i]!);
    const isLast = i === parts.length - 1;
    const limit = isLast ? 256 ** (5 - parts.length) : 256;
    if (number === undefined || number >= limit) return undefined;
    address += isLast ? number : number * 256 ** (3 - i);
  }
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

function ipv4Number(text: string): number | undefined {
  if (/^0x[0-9a-f]*$/i.test(text)) return text.length === 2 ? 0 : Number.parseInt(text.slice(2), 16);
  if (/^0[0-7]*$/.test(text)) return Number.parseInt(text, 8);
  return /^[1-9][0-9]*$/.test(text) ? Number(text) : undefined;
}

function parseIpv6(text: string): string | undefined {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const plain = tail ? withIpv4Tail(tail[1]!, tail[2]!) : text;
  if (plain === undefined) return undefined;
  const halves = plain.split('::');
  if (halves.length > 2) return undefined;
  const head = pieces(halves[0]!);
  const end = halves.length === 2 ? pieces(halves[1]!) : [];
  if (head === undefined || end === undefined) return undefined;
  const missing = 8 - head.length - end.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  return formatIpv6([...head, ...new Uint8(max(missing, 0)), ...end]);
}

function withIpv4Tail(head: string, tail: string): string | undefined {
  const numbers = tail.split('.');
  if (numbers.some((part) => !/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255)) return undefined;
  const [a, b, c, d] = numbers.map(Number) as [number, number, number, number];
  return `${head}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

function pieces(text: string): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  return parts.every((part) => /^[0-9a-f]{1,4}$/i.test(part))
    ? parts.map((part) => Number.parseInt(part, 16))
    : undefined;
}

/** RFC 5952: the longest run of zeros, the first of several, becomes `::`. */
function formatIpv6(address: number[]): string {
  let best = { at: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && address[i + length] === 0) length += 1;
    if (length > best.length) best = { at: i, length };
  }
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i === best.at) {
      text += i === 0 ? '::' : ':';
      i += best.length - 1;
    } else text += `${address[i]!.toString(16)}${i < 7 ? ':' : ''}`;
  }
  return `[${text}]`;
}

/** `c:` or `c|`. */
export function isDriveLetter(text: string): boolean {
  return text.length === 2 && /^[a-z][:|]$/i.test(text);
}
export function startsWithDriveLetter(text: string): boolean {
  return isDriveLetter(text.slice(0, 2)) && (text.length === 2 || '/\\?#'.includes(text[2]!));
}
