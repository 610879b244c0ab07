// One read buffer for all connections of the process. Node allocates 64 kB for each read of a socket unless the socket was
// made with a buffer of its own, which net.Server cannot do; so an accepted socket's handle is given to a second socket that
// has one. That is a fifth of what many publishers cost. Not for TLS, which reads elsewhere.
import { Socket } from 'node:net';

const BUFFER_BYTES = 64 << 10;
let shared: Buffer | undefined;

/** Sockets that have got it, so far. None at all: this Node does not have what it takes. */
export const sharedReads = { sockets: 0 };

/** What there is under a socket, as far as it is needed here. No part of Node's documented interface, hence looked for. */
interface Handle {
  reading: boolean;
  readStop(): void;
  useUserBuffer(buffer: Uint8Array): void;
}

/**
 * A socket that takes the place of `raw`, whose bytes come as 'data' like any other's, but are overwritten by the next read:
 * a listener takes what it needs before it returns. `raw` itself if this Node has no such thing. To be called where nothing
 * that `raw` has read waits in it.
 */
export function withSharedBuffer(raw: Socket): Socket {
  const owner = raw as unknown as { _handle: Partial<Handle> | null };
  const handle = owner._handle;
  if (!handle || !canShare(handle) || raw.readableLength > 0 || raw.writableLength > 0) return raw;
  shared ??= Buffer.allocUnsafeSlow(BUFFER_BYTES);
  handle.readStop();
  handle.reading = false; // so that the new owner starts it anew, into its buffer
  const socket = new Socket({
    handle,
    allowHalfOpen: raw.allowHalfOpen,
    onread: {
      buffer: shared,
      callback: (length: number, buffer: Uint8Array) => socket.emit('data', buffer.subarray(0, length)),
    },
  } as unknown as ConstructorParameters<typeof Socket>[0]);
  sharedReads.sockets += 1;
  owner._handle = null; // or both would close it
  socket.once('close', () => raw.destroy()); // the server goes on counting the one that it has accepted
  return socket;
}

function canShare(handle: Partial<Handle>): handle is Handle {
  return (
    typeof handle.useUserBuffer === 'function' &&
    typeof handle.readStop === 'function' &&
    typeof handle.reading === 'boolean'
  );
}
