// What a person at a terminal needs to know once the server is up.
import { networkInterfaces } from 'node:os';
import { here } from './here.ts';

interface Listening {
  kind: string;
  host: string;
  port: number;
}

export function panel(listeners: readonly Listening[], applicationsDir: string): string {
  const rtmp = listeners.find(({ kind }) => kind === 'rtmp');
  if (!rtmp) return '';
  const port = rtmp.port === 1935 ? '' : `:${rtmp.port}`;
  const addresses = listeners.flatMap(({ host, port }) =>
    reachable(host).map((name) => `rtmp://${name}:${port}`),
  );
  const host = reachable(rtmp.host)[0];
  const url = `rtmp://${host}${port}/live`;
  return `
  Understudy is on air.

  Addresses   ${addresses.join('\n              ')}
  OBS         Settings → Stream → Service: Custom, Server: ${url}, Stream Key: show
  ffmpeg      ffmpeg -re -i clip.mp4 -c copy -f flv ${url}/show
  watch       ffplay ${url}/show
  scripts     ${here(applicationsDir)}/<application>/main.ts: saved is reloaded

  Ctrl-C stops.

`;
}

/** What to type for an address that was bound. */
function reachable(host: string): string[] {
  if (host !== '0.0.0.0' && host !== '::') return [host.includes(':') ? `[${host}]` : host];
  const others = Object.values(networkInterfaces())
    .flat()
    .filter((address) => address && !address.internal && address.family === 'IPv4')
    .map((address) => address!.address);
  return ['localhost', ...others];
}
