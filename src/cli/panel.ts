// What a person at a terminal needs to know once the server is up.
import { readdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { callOf } from './call.ts';
import { here } from './here.ts';

interface Listening {
  kind: string;
  host: string;
  port: number;
  secure: boolean;
}

/** What an address needs not name. */
const RTMP_PORT = 1935;
const RTMPS_PORT = 443;

/** `root` is that of the server, for the commands that are shown. */
export function panel(listeners: readonly Listening[], applicationsDir: string, root: string): string {
  const rtmp = listeners.filter(({ kind }) => kind === 'rtmp');
  const first = rtmp.find(({ secure }) => !secure) ?? rtmp[0];
  if (!first) return '';
  const servers = new Set(rtmp.flatMap((one) => reachable(one.host).map((name) => server(name, one))));
  const application = exampleApplication(applicationsDir);
  return `
  Understudy is on air at ${[...servers].join(', ')}

${application ? howToUse(`${server(reachable(first.host)[0]!, first)}/${application}`) : howToBegin(root)}
  scripts   ${here(applicationsDir)}/<application>/main.ts: saved changes take effect at once
  Ctrl-C stops.

`;
}

function howToUse(url: string): string {
  return `\
  OBS       Settings → Stream → Service: Custom, Server: ${url}, Stream Key: show
  ffmpeg    ffmpeg -re -i clip.mp4 -c copy -f flv ${url}/show
  watch     ffplay ${url}/show`;
}

function howToBegin(root: string): string {
  return `  There is no application yet. Create one: ${callOf('new NAME', root)}`;
}

function server(host: string, { port, secure }: Listening): string {
  const usual = secure ? RTMPS_PORT : RTMP_PORT;
  return `${secure ? 'rtmps' : 'rtmp'}://${host}${port === usual ? '' : `:${port}`}`;
}

/** `live` needs no key and no token; else the first. */
function exampleApplication(applicationsDir: string): string | undefined {
  try {
    const entries = readdirSync(applicationsDir, { withFileTypes: true });
    const names = entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name);
    return names.includes('live') ? 'live' : names.sort()[0];
  } catch {
    return undefined;
  }
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
