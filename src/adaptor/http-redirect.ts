// Whole connections, passed on to a web server byte by byte. FMS: Redirect.
import { connect, type Socket } from 'node:net';
import type { Clock } from '../application/clock.ts';
import { Quiet } from './quiet.ts';
import { type WebServer, type WebServerLog, warnOf } from './web-server.ts';

/** To the end of either side. What `socket` has buffered goes first. */
export function passOn(
  socket: Socket,
  to: WebServer,
  quietMs: number,
  clock: Clock,
  webServerLog: WebServerLog,
): void {
  const upstream = connect({ ...to, noDelay: true });
  const quiet = new Quiet(quietMs, clock, () => upstream.destroy());
  quiet.listen(socket);
  quiet.listen(upstream);
  upstream.once('error', (error) => warnOf(webServerLog, to, 'cannot be reached', error));
  const end = () => {
    quiet.stop();
    socket.destroy();
    upstream.destroy();
  };
  socket.once('close', end);
  upstream.once('close', end);
  socket.pipe(upstream).pipe(socket);
}
