// A record of the server's log as a person at a terminal reads it: `[live] client connected  client=h3kE ip=127.0.0.1`.
import { visible, visibleLines } from './visible.ts';

/** Said in the message or its label, or for programs only. */
const LEFT_OUT = new Set([
  ...['level', 'time', 'msg', 'event', 'id', 'kind', 'where', 'handler', 'message', 'code', 'file', 'line'],
  ...['column', 'lineText', 'frames', 'count', 'listeners', 'application', 'instance', 'pid', 'err'],
]);

/** Of `event: 'listening'` and the like: the message has the address. */
const LEFT_OUT_OF_PORTS = new Set(['adaptor', 'host', 'port', 'family', 'secure']);
const PORT_EVENTS: readonly unknown[] = ['listening', 'inspector', 'port-closed'];

const DEFAULT_INSTANCE = '_definst_';

/** `dim` sets what is less important back. */
export function terminalLine(
  record: Readonly<Record<string, unknown>>,
  dim: (text: string) => string,
): string {
  const { msg = '', err } = record;
  const text = visibleLines(String(msg));
  const label = labelOf(record);
  const isSaid = label === undefined || text.startsWith(`${label}:`) || text.includes(`/${label}/`);
  const facts = factsOf(record);
  return [
    isSaid ? '' : `[${label}] `,
    text,
    facts === '' ? '' : `  ${dim(facts)}`,
    err === undefined ? '' : `\n    ${visibleLines(stackOf(err))}`,
  ].join('');
}

/** `live`, `live/room`; undefined: the line is of no application. */
function labelOf({ application, instance }: Readonly<Record<string, unknown>>): string | undefined {
  const parts = [application, instance].filter((part) => typeof part === 'string' && part !== '');
  if (parts.length === 0) return undefined;
  const name = visible(parts.join('/'));
  return name.endsWith(`/${DEFAULT_INSTANCE}`) ? name.slice(0, -DEFAULT_INSTANCE.length - 1) : name;
}

function factsOf(record: Readonly<Record<string, unknown>>): string {
  const isOfPort = PORT_EVENTS.includes(record.event);
  return Object.entries(record)
    .filter(
      ([name, value]) =>
        value !== undefined && !LEFT_OUT.has(name) && !(isOfPort && LEFT_OUT_OF_PORTS.has(name)),
    )
    .map(([name, value]) => `${name}=${factOf(value)}`)
    .join(' ');
}

function factOf(value: unknown): string {
  if (Array.isArray(value) && value.every((one) => typeof one !== 'object')) return quoted(value.join(','));
  return quoted(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

/** As it is, unless it could be taken for more than one fact. */
function quoted(text: string): string {
  const shown = visible(text);
  return shown === '' || /[\s"=]/.test(shown) ? JSON.stringify(shown) : shown;
}

function stackOf(err: unknown): string {
  if (typeof err !== 'object' || err === null) return String(err);
  const { stack, message } = err as { stack?: unknown; message?: unknown };
  return String(stack ?? message ?? JSON.stringify(err));
}
