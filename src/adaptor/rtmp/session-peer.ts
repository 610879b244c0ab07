import type { TunnelForm } from '../../application/admission/transport.ts';

/** Whom a session is with: facts of its transport, which the connect command cannot change. */
export interface SessionPeer {
  ip: string;
  /** The address of ours that it has connected to. */
  localIp: string;
  /** `rtmp`, `rtmps`, `rtmpt`: what scripts and logs say, unless the handshake makes it `rtmpe` or `rtmpte`. */
  protocol: string;
  /** Encrypted on its way here. A tcUrl that says rtmps makes nobody secure. */
  secure: boolean;
  /** For whom the HTTP proxies in front of a tunnel say they speak. */
  forwardedFor?: string | undefined;
  /** As in `Peer`. */
  transportBytes?: (() => number) | undefined;
  /** Of a session in a tunnel. */
  tunnel?: TunnelForm | undefined;
}
