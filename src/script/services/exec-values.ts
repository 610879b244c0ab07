// What scripts put into the holes of a command's arguments (config/exec-argument.ts): files and addresses are looked at here.
import { lookup } from 'node:dns/promises';
import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import {
  type Hole,
  isHole,
  partsOf,
  refusalOf,
  valueProblem,
  wordProblem,
} from '../../config/exec-argument.ts';
import { type HostGrant, HostRules } from '../../config/host-rules.ts';
import type { Json } from '../wire/wire.ts';

export interface ValueRules {
  /** Of the application: its own first, and those that the configuration maps to its streams. */
  readonly folders: readonly string[];
  readonly fetch: HostGrant;
  readonly connections: HostGrant;
  /** Undefined: names are not looked up. */
  readonly addressesOf: ((host: string) => Promise<readonly { readonly address: string }[]>) | undefined;
}

export const addressesOf = (host: string) => lookup(host, { all: true });

export class ValueRefused extends Error {}

/** `values` in their holes. Rejects with a ValueRefused. `grant`: for its message. */
export async function filled(
  args: readonly string[],
  values: Json | undefined,
  rules: ValueRules,
  grant: string,
): Promise<string[]> {
  const given = typeof values === 'object' && values !== null && !Array.isArray(values) ? values : {};
  return await Promise.all(
    args.map(async (argument) => {
      const parts = partsOf(argument);
      const texts = await Promise.all(
        parts.map(async (part) => {
          if (!isHole(part)) return part;
          const value = Object.hasOwn(given, part.name) ? given[part.name] : undefined;
          if (typeof value !== 'string' && typeof value !== 'number')
            throw new ValueRefused(`a text for {${part.name}} is missing`);
          return await taken(part, `${value}`, parts.length === 1, rules, grant);
        }),
      );
      return texts.join('');
    }),
  );
}

async function taken(
  hole: Hole,
  value: string,
  isAlone: boolean,
  rules: ValueRules,
  grant: string,
): Promise<string> {
  const refuse = (problem: string) => new ValueRefused(refusalOf(hole, value, problem, grant));
  const problem = valueProblem(hole, value);
  if (problem !== undefined) throw refuse(problem);
  if (hole.takes === 'file') return await fileOf(value, isAlone, rules.folders, refuse);
  if (hole.takes === 'url') {
    const found = await urlProblem(value, rules);
    if (found !== undefined) throw refuse(found);
  }
  return value;
}

/** An absolute path, without links: no program takes it for an option or for an address. */
async function fileOf(
  value: string,
  isAlone: boolean,
  folders: readonly string[],
  refuse: (problem: string) => Error,
): Promise<string> {
  const [own = ''] = folders;
  const path = await realpath(isAbsolute(value) ? value : resolve(own, value)).catch(() => undefined);
  const roots = await Promise.all(folders.map((folder) => realpath(folder).catch(() => undefined)));
  const root = roots.find(
    (one) => one !== undefined && path?.startsWith(one.endsWith(sep) ? one : one + sep),
  );
  // one answer for what is not there and for what is elsewhere: a script learns nothing about other folders
  if (path === undefined || root === undefined) throw refuse('the application has no such file');
  const elements = relative(root, path).split(sep);
  if (elements.some((element) => element.startsWith('.')) || isSettings(elements))
    throw refuse('that file is none of the script’s');
  if (!(await stat(path)).isFile()) throw refuse('it is no regular file');
  if (!isAlone && wordProblem(elements.join('/')) !== undefined)
    throw refuse('it shares its argument with other text, so its path must be plain words');
  return path;
}

/** They may hold keys. */
function isSettings(elements: readonly string[]): boolean {
  return elements.length === 1 && elements[0]!.toLowerCase() === 'application.xml';
}

const URL_FORM =
  /^(rtmps?|https?):\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?([/?][A-Za-z0-9._~%+$!*()@:;/?&=-]*)?$/i;
const USUAL_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443, rtmp: 1935, rtmps: 443 };

/** The grants of fetch() and NetConnection hold for the programs of the operator as well. A program asks for the address once more. */
export async function urlProblem(
  value: string,
  { fetch, connections, addressesOf: find }: Omit<ValueRules, 'folders'>,
): Promise<string | undefined> {
  const [, scheme = '', authority = '', digits] = URL_FORM.exec(value) ?? [];
  const kind = scheme.toLowerCase();
  const usual = USUAL_PORTS[kind];
  if (usual === undefined || !URL.canParse(`http://${authority}/`))
    return 'it is no plain address: http, https, rtmp or rtmps, a host and a path, without a user';
  const host = new URL(`http://${authority}/`).hostname;
  const isWeb = kind === 'http' || kind === 'https';
  const rules = isWeb ? new HostRules(fetch, 'Fetch') : new HostRules(connections, 'NetConnection');
  const port = digits === undefined ? usual : Number(digits);
  if (port < 1 || port > 65_535) return 'it has no port that there is';
  const problem = rules.problemWith({ host, port, hasDefaultPort: port === usual });
  // an address that is granted as one is what the program connects to
  if (problem !== undefined || host.startsWith('[') || /^\d+(\.\d+){3}$/.test(host)) return problem;
  if (!find) return undefined;
  const addresses = await find(host).catch(() => []);
  if (addresses.length === 0) return `${host} has no address`;
  // it may choose any of them
  return addresses.map(({ address }) => rules.problemWithAddress(address)).find((one) => one !== undefined);
}
