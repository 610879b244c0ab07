// Which header fields a proxy passes on. Framing, routing and the address of the client are the proxy's own to say: no peer can
// have such a field dropped or added. Fields are name and value by turns, as in `rawHeaders`.

/** Fields of one connection: dropped whether Connection names them or not. RFC 9110 §7.6.1. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings'],
]);

/**
 * Fields that Connection must not name, because they are for all recipients (RFC 9110 §7.6.1): a sender that names one wants
 * the proxy to remove what the web server relies on. Unknown fields may be named.
 */
const END_TO_END = new RegExp(
  `^(?:${[
    'accept(?:-.*)?|access-control-.*|content-.*|if-.*|sec-.*|x-forwarded-.*|x-real-ip|forwarded|via',
    'age|allow|alt-svc|authentication-info|authorization|cache-control|cdn-.*|cookie|date|etag|expect|expires|from|host',
    'last-modified|link|location|max-forwards|origin|pragma|priority|range|referer|retry-after|server|set-cookie',
    'strict-transport-security|trace(?:parent|state)|user-agent|vary|warning|www-authenticate|x-.*-(?:ip|options)',
  ].join('|')})$`,
);

/** Said by the proxy itself. Web servers take `_` for `-` (CGI and what descends from it), so these come in two spellings. */
const OWN_IN_REQUESTS: ReadonlySet<string> = new Set([
  ...['content-length', 'transfer-encoding', 'host', 'expect', 'x-forwarded-for', 'x-forwarded-proto'],
]);

export interface Forwarded {
  readonly ip: string;
  readonly secure: boolean;
}

/**
 * Fields of a request on its way to a web server, without those that frame it. X-Forwarded-For: what the client claims comes
 * first, the address that the server has seen comes last.
 */
export function requestFields(raw: readonly string[], { ip, secure }: Forwarded): string[] {
  const kept = passedOn(raw, OWN_IN_REQUESTS);
  const claimed = valuesOf(raw, 'x-forwarded-for').filter((value) => value.trim() !== '');
  kept.push('X-Forwarded-For', [...claimed, ip].join(', '));
  kept.push('X-Forwarded-Proto', secure ? 'https' : 'http');
  return kept;
}

/** Fields of an answer on its way to the client. `hasLength`: false where an answer of that status has no Content-Length. */
export function answerFields(raw: readonly string[], hasLength: boolean): string[] {
  return passedOn(raw, hasLength ? NONE : LENGTH);
}

const NONE: ReadonlySet<string> = new Set();
const LENGTH: ReadonlySet<string> = new Set(['content-length']);

function passedOn(raw: readonly string[], own: ReadonlySet<string>): string[] {
  const named = new Set(
    valuesOf(raw, 'connection')
      .flatMap((value) => value.toLowerCase().split(','))
      .map((option) => option.trim())
      .filter((option) => !END_TO_END.test(option)),
  );
  const kept: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (HOP_BY_HOP.has(name) || named.has(name) || own.has(name.replaceAll('_', '-'))) continue;
    kept.push(raw[i]!, raw[i + 1]!);
  }
  return kept;
}

/** Of every field of that name, lower case. */
export function valuesOf(raw: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < raw.length; i += 2) if (raw[i]!.toLowerCase() === name) values.push(raw[i + 1]!);
  return values;
}

/** Any text but control characters. RFC 9110 §5.5. */
const TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;
/** The same of a reason phrase, which may hold other characters: RFC 9112 §4. */
const REASON = /^[\t\x20-\x7e\x80-\u{10ffff}]*$/u;
/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110 §15: other status codes are invalid; those of 1xx are no final answer. */
const MIN_STATUS = 200;
const MAX_STATUS = 599;

/** Why a web server's answer cannot be passed on; undefined: it can. */
export function answerProblem(status: number, reason: string, raw: readonly string[]): string | undefined {
  if (status < MIN_STATUS || status > MAX_STATUS) return `status ${status}`;
  if (!REASON.test(reason)) return 'a control character in the reason phrase';
  return fieldProblem(raw) ?? framingProblem(raw);
}

/** Why fields of a web server cannot be sent to anybody. */
export function fieldProblem(raw: readonly string[]): string | undefined {
  for (let i = 0; i < raw.length; i += 2) {
    if (!TOKEN.test(raw[i]!)) return 'a header field whose name is no token';
    if (!TEXT.test(raw[i + 1]!)) return `a control character in the header field ${raw[i]}`;
  }
  return undefined;
}

function framingProblem(raw: readonly string[]): string | undefined {
  if (valuesOf(raw, 'content-length').some((value) => !/^\d{1,15}$/.test(value.trim())))
    return 'a Content-Length that is no length';
  const codings = valuesOf(raw, 'transfer-encoding').join(',').toLowerCase();
  if (!/^\s*(?:chunked|identity)?\s*$/.test(codings)) return 'a transfer coding besides chunked';
  return undefined;
}
