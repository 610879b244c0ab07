// One fetch of a script, from its request to the last byte of its answer.
import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent, type Dispatcher, fetch } from 'undici';
import type { HostGrant } from '../../../config/host-rules.ts';
import type { ApplicationRows } from '../../../config/schema/application.ts';
import { FetchRules } from './rules.ts';

/** Of one request. */
export type FetchLimits = Omit<FetchSettings, 'maxRunning'>;
/** Fetch of Application.xml. */
export type FetchSettings = ApplicationRows['jsEngine']['fetch'];

export interface FetchRequest {
  url: string;
  method: string;
  headers: [name: string, value: string][];
  body: FetchBody | undefined;
  redirect: 'follow' | 'error' | 'manual';
}

/** Text where it is UTF-8: the script's side has no other way than its own to make text of bytes. */
export type FetchBody = { text: string } | { base64: string };

export interface FetchAnswer {
  url: string;
  redirected: boolean;
  status: number;
  statusText: string;
  headers: [name: string, value: string][];
  body: FetchBody;
}

/** What the script's promise is rejected with. */
export class FetchFailure extends Error {
  constructor(name: 'TypeError' | 'TimeoutError' | 'AbortError', message: string) {
    super(message);
    this.name = name;
  }
}

/** Other answers have the memory that there is. */
export class NoRoomFailure extends FetchFailure {
  constructor() {
    super(
      'TypeError',
      'fetch: answers to other requests take all the memory for them: ask for less at a time',
    );
  }
}

/** Of the connection, or of the request's form: ours to say. */
const OWN_HEADERS = new Set([
  ...['connection', 'content-length', 'expect', 'host', 'keep-alive', 'te', 'trailer', 'transfer-encoding'],
  ...['upgrade', 'proxy-connection', 'proxy-authorization'],
]);
/** Pools of connections, one for each set of rules; the one that has not been used for longest goes. */
const MAX_AGENTS = 32;
/** How long a connection waits for another request, whatever the server says, and servers that one pool has connections to. */
const IDLE_MS = 4_000;
const MAX_ORIGINS = 256;

export class FetchClient {
  readonly #userAgent: string;
  readonly #agents = new Map<string, Dispatcher>();

  constructor(userAgent: string) {
    this.#userAgent = userAgent;
  }

  /** Rejects with a FetchFailure. `hasRoom` takes memory for so many more bytes of the answer, or refuses it. */
  async fetch(
    request: FetchRequest,
    limits: FetchLimits,
    signal: AbortSignal,
    hasRoom: (bytes: number) => boolean = () => true,
  ): Promise<FetchAnswer> {
    const timeout = AbortSignal.timeout(limits.timeOutMs);
    try {
      return await this.#fetch(request, limits, AbortSignal.any([signal, timeout]), hasRoom);
    } catch (error) {
      if (error instanceof FetchFailure) throw error;
      if (timeout.aborted) {
        throw new FetchFailure('TimeoutError', `fetch: no answer within ${limits.timeOutMs / 1000} s`);
      }
      if (signal.aborted) throw new FetchFailure('AbortError', 'fetch: the request was aborted');
      throw new FetchFailure('TypeError', `fetch failed: ${reasonOf(error)}`);
    }
  }

  async #fetch(
    { url, method, headers, body, redirect }: FetchRequest,
    { maxSizeBytes: maxBytes, ...limits }: FetchLimits,
    signal: AbortSignal,
    hasRoom: (bytes: number) => boolean,
  ): Promise<FetchAnswer> {
    const kept = headers.filter(([name]) => !OWN_HEADERS.has(name.toLowerCase()));
    if (!kept.some(([name]) => name.toLowerCase() === 'user-agent'))
      kept.push(['user-agent', this.#userAgent]);
    const response = await fetch(url, {
      method,
      headers: kept,
      redirect,
      signal,
      dispatcher: this.#agent(limits),
      ...(body && { body: 'text' in body ? body.text : Buffer.from(body.base64, 'base64') }),
    });
    const { status, statusText, redirected } = response;
    const bytes = await readBody(response.body, maxBytes, hasRoom);
    return {
      ...{ url: response.url, redirected, status, statusText },
      headers: [...response.headers],
      body: bodyOf(bytes),
    };
  }

  #agent({ hosts, privateAddresses }: HostGrant): Dispatcher {
    const key = JSON.stringify([hosts, privateAddresses]);
    const agent = this.#agents.get(key) ?? makeAgent(new FetchRules({ hosts, privateAddresses }));
    this.#agents.delete(key);
    this.#agents.set(key, agent);
    const [oldest] = this.#agents;
    if (oldest && this.#agents.size > MAX_AGENTS) {
      this.#agents.delete(oldest[0]);
      void oldest[1].close();
    }
    return agent;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.destroy()));
  }
}

/** Every request passes here, those that follow a redirection too; and every name's addresses before they are connected to. */
function makeAgent(rules: FetchRules): Dispatcher {
  const agent = new Agent({
    connect: { lookup: checkedLookup(rules) },
    allowH2: false,
    keepAliveMaxTimeout: IDLE_MS,
    maxOrigins: MAX_ORIGINS,
  });
  return agent.compose((dispatch) => (options, handler) => {
    const problem = rules.problemWithUrl(new URL(String(options.origin)));
    if (problem !== undefined) throw new FetchFailure('TypeError', `fetch: ${problem}`);
    return dispatch(options, handler);
  });
}

function checkedLookup(rules: FetchRules): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) {
        callback(error, '', 0);
        return;
      }
      const permitted = rules.permitted(addresses);
      if (typeof permitted === 'string') {
        callback(new FetchFailure('TypeError', `fetch: ${hostname}: ${permitted}`), '', 0);
      } else if (options.all) callback(null, permitted);
      else callback(null, permitted[0].address, permitted[0].family);
    });
  };
}

async function readBody(
  body: AsyncIterable<Uint8Array> | null,
  maxBytes: number,
  hasRoom: (bytes: number) => boolean,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > maxBytes) {
      throw new FetchFailure(
        'TypeError',
        `fetch: the answer is longer than ${maxBytes} bytes: see <Fetch> <MaxSize> in Application.xml`,
      );
    }
    if (!hasRoom(chunk.length)) throw new NoRoomFailure();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function bodyOf(bytes: Buffer): FetchBody {
  try {
    return { text: utf8.decode(bytes) };
  } catch {
    return { base64: bytes.toString('base64') };
  }
}

/** What undici wraps: the reason is the innermost. */
function reasonOf(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  if (reason instanceof AggregateError && reason.errors[0] instanceof Error) reason = reason.errors[0];
  if (!(reason instanceof Error)) return 'unknown reason';
  return reason instanceof FetchFailure
    ? reason.message.replace(/^fetch: /, '')
    : reason.message || reason.name;
}
