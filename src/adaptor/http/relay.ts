// Bytes both ways between a client and a web server, whatever they mean.
import type { Duplex } from 'node:stream';

/**
 * Until both sides have said all, or one of them breaks off; then both are closed. Neither is read faster than the other takes its
 * bytes. Both need a listener for 'error'. `heard`: so many bytes have come from either side.
 */
export function relay(client: Duplex, upstream: Duplex, heard: (bytes: number) => void): void {
  passOn(client, upstream, heard);
  passOn(upstream, client, heard);
}

function passOn(from: Duplex, to: Duplex, heard: (bytes: number) => void): void {
  from.on('data', (bytes: Buffer) => heard(bytes.length));
  from.pipe(to); // its end as well
  from.once('close', () => {
    if (!from.readableEnded || to.writableFinished) to.destroy();
    else to.once('finish', () => to.destroy()); // its last bytes are on their way
  });
}
