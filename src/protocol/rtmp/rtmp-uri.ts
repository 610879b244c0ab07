// Where a client goes, as scripts and encoders write it: rtmp://host[:port]/application[/instance][?query], rtmps://…, and
// rtmp:/application, which is on the same server.

export interface RtmpUri {
  readonly scheme: 'rtmp' | 'rtmps';
  /** As URLs write it: in lower case, an IPv6 address in brackets. */
  readonly host: string;
  readonly port: number;
  /** None was named, or the one that would have been meant. */
  readonly hasDefaultPort: boolean;
  /** Application, instance and query. */
  readonly app: string;
  /** What is called so in the connect command. */
  readonly tcUrl: string;
}

export const DEFAULT_PORTS = { rtmp: 1935, rtmps: 443 } as const;

/** Application.xml of Flash Media Server, Security/MaxUrlLength. */
const MAX_CHARACTERS = 32 << 10;

/** Undefined: it is none. A name and a password have no place in it. */
export function parseRtmpUri(text: string): RtmpUri | undefined {
  if (text.length > MAX_CHARACTERS || /[\s\p{Cc}]/u.test(text)) return undefined;
  const [, scheme = '', authority, path = ''] = /^(rtmps?):(?:\/\/([^/?#]*))?(.*)$/i.exec(text) ?? [];
  const kind = scheme.toLowerCase();
  if (kind !== 'rtmp' && kind !== 'rtmps') return undefined;
  const [, host = '', port] = /^(\[[^\]@]*\]|[^:@[\]]+)(?::(\d{1,5}))?$/.exec(authority ?? 'localhost') ?? [];
  const canonical = canonicalHost(host);
  const number = port === undefined ? DEFAULT_PORTS[kind] : Number(port);
  const app = path.replace(/^\/+/, '').replace(/\/+$/, '');
  if (canonical === undefined || number < 1 || number > 65_535 || path.includes('#')) return undefined;
  return {
    scheme: kind,
    host: canonical,
    port: number,
    hasDefaultPort: number === DEFAULT_PORTS[kind],
    app,
    tcUrl: `${kind}://${canonical}${port === undefined ? '' : `:${port}`}/${app}`,
  };
}

/** Addresses in forms that only some programs understand (0x7f.1) become plain ones: nothing shall be granted under a false name. */
function canonicalHost(host: string): string | undefined {
  return host !== '' && URL.canParse(`http://${host}/`) ? new URL(`http://${host}/`).hostname : undefined;
}
