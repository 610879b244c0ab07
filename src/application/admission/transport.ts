// By which ways clients may come to an application.

/**
 * RTMP in HTTP: everybody's, nobody's, that by HTTP/1.1, that whose connections stay open. FMS: HTTPTunnel/Enable of
 * Adaptor.xml, AllowHTTPTunnel of Application.xml.
 */
export type TunnelAdmission = 'true' | 'false' | 'http1.1only' | 'keepalive';

/** How the requests of a tunnel come. */
export interface TunnelForm {
  readonly isHttp11: boolean;
  readonly staysOpen: boolean;
}

export interface TransportRules {
  readonly tunnels: TunnelAdmission;
  /** Names as scripts and logs have them, in lower case. FMS: DisallowedProtocols. */
  readonly disallowed: readonly string[];
}

export function admitsTunnel(admits: TunnelAdmission, { isHttp11, staysOpen }: TunnelForm): boolean {
  switch (admits) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'http1.1only':
      return isHttp11;
    case 'keepalive':
      return staysOpen;
  }
}

/** Why a connection may not come in; undefined: it may. `tunnel`: undefined when it is none. */
export function transportProblem(
  rules: TransportRules,
  protocol: string,
  tunnel: TunnelForm | undefined,
): string | undefined {
  if (rules.disallowed.includes(protocol)) return `This application is not served by ${protocol}.`;
  if (tunnel && !admitsTunnel(rules.tunnels, tunnel)) return 'This application takes no such tunnel.';
  return undefined;
}
