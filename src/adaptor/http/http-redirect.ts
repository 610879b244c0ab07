// Whole connections, passed on to a web server byte by byte. FMS: Redirect.
import { connect, type Socket } from 'node:net';
import { Quiet } from './quiet.ts';
import { relay } from './relay.ts';
import { type HttpHost, hasRoomFor, type WebServer, warnOf } from './web-server.ts';

/** To the end of either side. What `socket`, which comes from `ip`, has buffered goes first. */
export function passOn(socket: Socket, ip: string, to: WebServer, quietMs: number, host: HttpHost): void {
  if (!hasRoomFor(host, to, ip)) {
    socket.destroy();
    return;
  }
  const upstream = connect({ ...to, noDelay: true });
  const quiet = new Quiet(quietMs, host.clock, () => {
    socket.destroy();
    upstream.destroy();
  });
  upstream.once('error', (error) => warnOf(host, to, 'cannot be reached', error));
  for (const side of [socket, upstream]) {
    side.once('close', () => {
      if (socket.closed && upstream.closed) quiet.stop();
    });
  }
  relay(socket, upstream, () => quiet.heard());
}
