// What a request has to be before any route sees it. Two programs that read the same bytes as different requests are how one
// client's bytes become another's request; so what RFC 9112 leaves open, or has a server refuse, is refused here in one place.
// Node's parser refuses the rest before: Content-Length twice or beside Transfer-Encoding, folded lines, a bare line feed.
import type { IncomingMessage } from 'node:http';
import { valuesOf } from './http-fields.ts';

export interface RequestProblem {
  readonly status: number;
  readonly text: string;
}

/** RFC 9110 §7.2; names with an underscore are none, and there are such. */
const HOST = /^(?:\[[0-9a-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/i;
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/is;

/**
 * Undefined: there is none. A target in absolute form becomes one in origin form, and its authority the Host of the request, as
 * RFC 9112 §3.2.2 asks.
 */
export function normalize(request: IncomingMessage): RequestProblem | undefined {
  const { httpVersion, rawHeaders } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return problem(505, 'HTTP Version Not Supported');
  const hosts = valuesOf(rawHeaders, 'host');
  // RFC 9112 §3.2
  if (hosts.length > 1 || (hosts.length === 0 && httpVersion === '1.1')) return problem(400, 'Bad Request');
  if (!HOST.test(hosts[0] ?? '')) return problem(400, 'Bad Request');
  const codings = valuesOf(rawHeaders, 'transfer-encoding');
  if (codings.length > 0) {
    // RFC 9112 §6.1: a message of HTTP/1.0 with a transfer coding has faulty framing
    if (httpVersion === '1.0' || codings.length > 1) return problem(400, 'Bad Request');
    if (codings[0]!.trim().toLowerCase() !== 'chunked') return problem(501, 'Not Implemented');
  }
  // RFC 9110 §10.1.1
  const { expect } = request.headers;
  if (expect !== undefined && expect.toLowerCase() !== '100-continue')
    return problem(417, 'Expectation Failed');
  return normalizeTarget(request);
}

function normalizeTarget(request: IncomingMessage): RequestProblem | undefined {
  const { url = '', method } = request;
  if (!/^[\x21-\x7e\x80-\xff]+$/.test(url)) return problem(400, 'Bad Request');
  if (url.startsWith('/') || (url === '*' && method === 'OPTIONS')) return undefined;
  const [, authority = '', rest = ''] = ABSOLUTE.exec(url) ?? [];
  // RFC 9110 §4.2.4: a user name in it is an error
  if (authority === '' || authority.includes('@') || !HOST.test(authority))
    return problem(400, 'Bad Request');
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  request.headers.host = authority;
  const at = request.rawHeaders.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'host');
  if (at < 0) request.rawHeaders.push('Host', authority);
  else request.rawHeaders[at + 1] = authority;
  return undefined;
}

function problem(status: number, text: string): RequestProblem {
  return { status, text };
}
