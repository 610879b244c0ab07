// One read buffer for all connections of the process. Node allocates 64 kB for each read of a socket unless the socket was
// made with a buffer of its own, which net.Server cannot do; so an accepted socket's handle is given to a second socket that
// has one (../link/node-socket.ts). That is a fifth of what many publishers cost. Not for TLS, which reads elsewhere.
import type { Socket } from 'node:net';
import { moveToBuffer } from '../link/node-socket.ts';

const BUFFER_BYTES = 64 << 10;
let shared: Buffer | undefined;

/** Sockets that have got it, so far. None at all: this Node does not have what it takes. */
export const sharedReads = { sockets: 0 };

/**
 * A socket that takes the place of `raw`, whose bytes come as 'data' like any other's, but are overwritten by the next read:
 * a listener takes what it needs before it returns. `raw` itself if this Node has no such thing. To be called where nothing
 * that `raw` has read waits in it.
 */
export function withSharedBuffer(raw: Socket): Socket {
  if (raw.readableLength > 0 || raw.writableLength > 0) return raw;
  shared ??= Buffer.allocUnsafeSlow(BUFFER_BYTES);
  const socket = moveToBuffer(raw, shared);
  if (!socket) return raw;
  sharedReads.sockets += 1;
  socket.once('close', () => raw.destroy()); // the server goes on counting the one that it has accepted
  return socket;
}
