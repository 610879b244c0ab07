// Requests that ask for another protocol on their connection, such as WebSocket (RFC 9110 §7.8), on their way to a web server.
import type { IncomingMessage } from 'node:http';
import { answerFields, fieldProblem, valuesOf } from './http-fields.ts';

/** RFC 9110 §7.8: `websocket`, `foo/2`. A list, from which a web server might choose, is not passed on. */
const PROTOCOL = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:\/[!#$%&'*+.^_`|~0-9A-Za-z-]+)?$/;

/**
 * HTTP in another form (h2c, HTTP/2.0), and TLS (RFC 2817) with HTTP inside: more requests would follow that nobody checks, without the
 * proxy's X-Forwarded-For.
 */
const MORE_REQUESTS = /^(?:h2c?|h3|https?|tls)(?:\/|$)/i;

/** The protocol that a request asks for. Undefined: none, or one that is not passed on; the request is then one like any other. */
export function wantedProtocol({ httpVersion, rawHeaders }: IncomingMessage): string | undefined {
  const [protocol = '', ...more] = valuesOf(rawHeaders, 'upgrade').map((value) => value.trim());
  if (more.length > 0 || !PROTOCOL.test(protocol) || MORE_REQUESTS.test(protocol)) return undefined;
  if (httpVersion !== '1.1' || !hasUpgradeOption(rawHeaders)) return undefined;
  // where a body ends and the other protocol begins, two programs may see differently
  const isBodiless =
    valuesOf(rawHeaders, 'transfer-encoding').length === 0 &&
    valuesOf(rawHeaders, 'content-length').every((value) => /^\s*0+\s*$/.test(value));
  return isBodiless ? protocol : undefined;
}

/** Why a web server's 101 cannot be passed on; undefined: it can. */
export function upgradeProblem(wanted: string, status: number, raw: readonly string[]): string | undefined {
  if (status !== 101) return `an upgrade with status ${status}`;
  const chosen = valuesOf(raw, 'upgrade').map((value) => value.trim().toLowerCase());
  if (chosen.length !== 1 || chosen[0] !== wanted.toLowerCase() || !hasUpgradeOption(raw))
    return `an upgrade to ${JSON.stringify(chosen.join(', ').slice(0, 80))}, not ${JSON.stringify(wanted)}`;
  return fieldProblem(raw);
}

/** The head of the 101 that a client gets: its framing is ours, the other fields are the web server's, checked by `upgradeProblem`. */
export function upgradeHead(protocol: string, raw: readonly string[]): string {
  const fields = ['Connection', 'Upgrade', 'Upgrade', protocol, ...answerFields(raw, false)];
  let head = 'HTTP/1.1 101 Switching Protocols\r\n';
  for (let i = 0; i < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return `${head}\r\n`;
}

function hasUpgradeOption(raw: readonly string[]): boolean {
  return valuesOf(raw, 'connection')
    .flatMap((value) => value.split(','))
    .some((option) => option.trim().toLowerCase() === 'upgrade');
}
