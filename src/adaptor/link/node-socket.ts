// What Node keeps under a socket and does not document: `_handle`. Nobody else touches it. Each member is looked for, and where a
// version of Node lacks it, the caller does without.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** libuv's side of a socket (Node's lib/net.js and src/stream_base.cc), as far as it is used here. */
interface Handle {
  /** Negative or undefined: closed, or a system without descriptors (Windows). */
  readonly fd: number;
  /** Bytes that were given to the system and that it has not taken. */
  readonly writeQueueSize: number;
  reading: boolean;
  readStop(): void;
  useUserBuffer(buffer: Uint8Array): void;
}

/** Null: the socket is closed. Undefined: no socket of Node's, a tunnel for example. */
type Owner = { _handle?: Partial<Handle> | null };

function handleOf(socket: Duplex): Partial<Handle> {
  return (socket as Owner)._handle ?? {};
}

/** The file descriptor of an open, plain TCP or unix connection. TLS and tunnels have none: what is written there is not sent as it is. */
export function descriptorOf(socket: Duplex): number | undefined {
  if (!(socket instanceof Socket) || 'encrypted' in socket) return undefined;
  const { fd } = handleOf(socket);
  return fd !== undefined && fd >= 0 ? fd : undefined;
}

/** Bytes behind `writableLength` that the system has not taken: they show partial writes. 0 where Node does not let us see it. */
export function systemQueueBytes(socket: Duplex): number {
  return handleOf(socket).writeQueueSize ?? 0;
}

/**
 * A socket that takes the place of `raw` and reads into `buffer`, which the next read overwrites. `raw` must have nothing buffered.
 * Undefined if this Node cannot do that.
 */
export function moveToBuffer(raw: Socket, buffer: Uint8Array): Socket | undefined {
  const owner = raw as Owner;
  const handle = owner._handle;
  if (!handle || !canUseBuffer(handle)) return undefined;
  handle.readStop();
  handle.reading = false; // so that the new owner starts it anew, into its buffer
  const socket = new Socket({
    handle,
    allowHalfOpen: raw.allowHalfOpen,
    onread: {
      buffer,
      callback: (length: number, filled: Uint8Array) => socket.emit('data', filled.subarray(0, length)),
    },
  } as unknown as ConstructorParameters<typeof Socket>[0]);
  owner._handle = null; // or both would close it
  return socket;
}

function canUseBuffer(handle: Partial<Handle>): handle is Handle {
  return (
    typeof handle.useUserBuffer === 'function' &&
    typeof handle.readStop === 'function' &&
    typeof handle.reading === 'boolean'
  );
}
