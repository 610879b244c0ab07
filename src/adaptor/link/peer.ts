/** Who is at the other end of a connection, and how it has come. */
export interface Peer {
  /** Its IPv4 or IPv6 address, also behind a proxy that tells us. A link-local one with its zone: `fe80::1%eth0`. */
  readonly ip: string;
  /** The address of ours that it has connected to. */
  readonly localIp: string;
  /** Encrypted up to us, or up to the proxy that tells us so. */
  readonly secure: boolean;
  /** Bytes that have come in below TLS: half a record is a sign of life as well. Undefined: there is no TLS here. */
  readonly transportBytes?: (() => number) | undefined;
}
