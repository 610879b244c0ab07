import type { TunnelForm } from '../../application/admission/transport.ts';
import type { Peer } from './peer.ts';

/** Whom a session is with: facts of its transport, which the connect command cannot change. */
export interface SessionPeer extends Peer {
  /** `rtmp`, `rtmps`, `rtmpt`: what scripts and logs say, unless the handshake makes it `rtmpe` or `rtmpte`. */
  readonly protocol: string;
  /** For whom the HTTP proxies in front of a tunnel say they speak. */
  readonly forwardedFor?: string | undefined;
  /** Of a session in a tunnel. */
  readonly tunnel?: TunnelForm | undefined;
}
