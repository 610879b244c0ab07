// `/` of the port of the administration: what is here, for whoever opens it in a browser or asks with curl. It needs no login and
// says nothing that depends on the server.
import { type Reply, type Request, text } from './port.ts';

const TITLE = 'Understudy: administration';

const PLACES: readonly (readonly [path: string, meaning: string])[] = [
  ['/api/v1/RESOURCE', 'applications, clients, streams, recordings and settings as JSON'],
  ['/api/v1/openapi.json', 'the description of that API (OpenAPI); needs no login'],
  ['/api/v1/events', 'errors of scripts and other events as they happen (server-sent events)'],
  [
    '/admin/METHOD?auser=NAME&apswd=PASSWORD',
    "Flash Media Server's commands as XML, for example /admin/getApps",
  ],
  ['/metrics', 'metrics for Prometheus'],
];

const LOGIN =
  'Log in with an account of conf/Users.xml (HTTP Basic), or use the commands of the terminal: understudy status, understudy --help.';

export function index({ headers }: Request): Reply {
  if (!String(headers.accept ?? '').includes('text/html')) {
    const width = Math.max(...PLACES.map(([path]) => path.length));
    const lines = PLACES.map(([path, meaning]) => `  ${path.padEnd(width)}  ${meaning}`);
    return text(200, [TITLE, '', ...lines, '', LOGIN].join('\n'));
  }
  const rows = PLACES.map(([path, meaning]) => `<dt>${placeOf(path)}</dt><dd>${meaning}</dd>`);
  const body = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${TITLE}</title><h1>${TITLE}</h1><dl>${rows.join('')}</dl><p>${LOGIN}</p></html>\n`;
  return { status: 200, type: 'text/html; charset=utf-8', body };
}

/** A link, unless the reader has to fill it in. */
function placeOf(path: string): string {
  const shown = path.replaceAll('&', '&amp;');
  return /[A-Z]/.test(path) ? `<code>${shown}</code>` : `<a href="${path}"><code>${shown}</code></a>`;
}
