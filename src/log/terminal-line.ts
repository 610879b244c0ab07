// A record of the server's log as a person at a terminal reads it: `[live] client connected  client=h3kE ip=127.0.0.1`.
import { visible, visibleLines } from './visible.ts';

/** Said in the message or its label, or for programs only. */
const LEFT_OUT = new Set([
  ...['level', 'time', 'msg', 'event', 'id', 'kind', 'where', 'handler', 'message', 'code', 'file', 'line'],
  ...['column', 'lineText', 'frames', 'count', 'listeners', 'application', 'instance', 'pid', 'err'],
]);

/** Of a port the message has the address, of a certificate its names and its last day. */
const OF_PORTS = ['adaptor', 'host', 'port', 'family', 'secure'];
const LEFT_OUT_OF: Readonly<Record<string, readonly string[]>> = {
  listening: OF_PORTS,
  inspector: OF_PORTS,
  'port-closed': OF_PORTS,
  certificate: ['names', 'validTo'],
};

const DEFAULT_INSTANCE = '_definst_';

/** `dim` sets what is less important back. */
export function terminalLine(
  record: Readonly<Record<string, unknown>>,
  dim: (text: string) => string,
): string {
  const { msg = '', err } = record;
  const text = visibleLines(String(msg));
  const label = labelOf(record);
  const isSaid = label === undefined || (record.event !== 'script-log' && isNamedIn(text, label));
  const facts = factsOf(record, text);
  return [
    isSaid ? '' : `[${label}] `,
    text,
    facts === '' ? '' : `  ${dim(facts)}`,
    err === undefined ? '' : `\n    ${visibleLines(stackOf(err))}`,
  ].join('');
}

/** By a message of the server's: what a script says may begin like that by chance. */
function isNamedIn(text: string, label: string): boolean {
  return text.startsWith(`${label}:`) || text.startsWith(`${label}/`) || text.includes(`/${label}/`);
}

/** `live`, `live/room`; undefined: the line is of no application. Some instances have their application's name in front. */
function labelOf({ application, instance }: Readonly<Record<string, unknown>>): string | undefined {
  const [app, inst] = [application, instance].map((part) => (typeof part === 'string' ? part : ''));
  const parts = inst!.startsWith(`${app}/`) ? [inst] : [app, inst].filter((part) => part !== '');
  if (parts.length === 0) return undefined;
  const name = visible(parts.join('/'));
  return name.endsWith(`/${DEFAULT_INSTANCE}`) ? name.slice(0, -DEFAULT_INSTANCE.length - 1) : name;
}

/** `text`: the message. What it says word for word, as the reason of a refusal, is not repeated. */
function factsOf(record: Readonly<Record<string, unknown>>, text: string): string {
  const leftOut = LEFT_OUT_OF[String(record.event)] ?? [];
  const isSaid = (value: unknown) =>
    typeof value === 'string' && /\s/.test(value) && text.includes(visible(value));
  return Object.entries(record)
    .filter(
      ([name, value]) =>
        value !== undefined && !LEFT_OUT.has(name) && !leftOut.includes(name) && !isSaid(value),
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
