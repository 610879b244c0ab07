// fetch, Request and Response: the parts of the Fetch Standard that make sense without streams, caches and origins.
import type { Json } from '../../wire/wire.ts';
import { ask, giveUp } from '../core/ask.ts';
import { encodeBase64 } from '../core/bytes.ts';
import { namedError } from '../core/errors.ts';
import { JsonText, plainJson } from '../core/outbox.ts';
import { append, define, expose, isFunction, isObject, quote } from '../core/primordials.ts';
import { Body, type BodyText, extract, received } from './body.ts';
import { Headers } from './headers.ts';

interface Init {
  method?: unknown;
  headers?: unknown;
  body?: unknown;
  redirect?: unknown;
  signal?: unknown;
}

/** An AbortSignal, as far as it is used here. */
interface Signal {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

const NO_BODY = ['GET', 'HEAD'];
const STANDARD_METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];

class Request extends Body {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly redirect: string;
  readonly signal: Signal | undefined;

  constructor(input: unknown, init: Init = {}) {
    const from = input instanceof Request ? input : undefined;
    const { content, type } = extract(init.body);
    super(content === undefined && from !== undefined ? Body.contentOf(from) : content);
    this.url = from?.url ?? `${input}`;
    this.method = methodOf(init.method ?? from?.method ?? 'GET');
    this.headers = new Headers(init.headers ?? from?.headers);
    if (type !== '' && !this.headers.has('content-type')) this.headers.set('content-type', type);
    this.redirect = `${init.redirect ?? from?.redirect ?? 'follow'}`;
    this.signal = signalOf(init.signal === undefined ? from?.signal : init.signal);
    if (content !== undefined && NO_BODY.includes(this.method)) {
      throw new TypeError(`a ${this.method} request has no body`);
    }
  }
  clone(): Request {
    return new Request(this);
  }
  get [Symbol.toStringTag](): string {
    return 'Request';
  }
}

interface ResponseInit {
  status?: unknown;
  statusText?: unknown;
  headers?: unknown;
}

class Response extends Body {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  readonly url: string = '';
  readonly redirected: boolean = false;

  constructor(body?: unknown, init: ResponseInit = {}) {
    const { content, type } = extract(body);
    super(content);
    const status = init.status === undefined ? 200 : Number(init.status);
    if (!(status >= 200 && status <= 599))
      throw new RangeError(`a response cannot have the status ${status}`);
    this.status = status;
    this.statusText = init.statusText === undefined ? '' : `${init.statusText}`;
    this.headers = new Headers(init.headers);
    if (type !== '' && !this.headers.has('content-type')) this.headers.set('content-type', type);
  }
  get ok(): boolean {
    return this.status >= 200 && this.status <= 299;
  }
  clone(): Response {
    const copy = new Response(Body.contentOf(this), this);
    define(copy, 'url', this.url);
    define(copy, 'redirected', this.redirected);
    return copy;
  }
  static json(value: unknown, init: ResponseInit = {}): Response {
    const response = new Response(JSON.stringify(value), init);
    if (!new Headers(init.headers).has('content-type'))
      response.headers.set('content-type', 'application/json');
    return response;
  }
  get [Symbol.toStringTag](): string {
    return 'Response';
  }
}

interface Answer {
  url: string;
  redirected: boolean;
  status: number;
  statusText: string;
  headers: [name: string, value: string][];
  body: BodyText;
}

async function fetch(input: unknown, init?: Init): Promise<Response> {
  const request = new Request(input, init);
  const { signal } = request;
  if (signal?.aborted) throw reasonOf(signal);
  const asked = ask('fetch', requestJson(request));
  const abort = () => giveUp(asked.id, reasonOf(signal!));
  signal?.addEventListener('abort', abort);
  try {
    return responseOf((await asked.answer) as unknown as Answer);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

function requestJson(request: Request): JsonText {
  const { url, method, redirect } = request;
  const pairs: Json[] = [];
  for (const [name, value] of request.headers) append(pairs, [name, value]);
  const content = Body.contentOf(request);
  let body = '';
  if (typeof content === 'string') body = `,"text":${quote(content)}`;
  else if (content !== undefined) body = `,"base64":"${encodeBase64(content)}"`;
  const about = `"url":${quote(url)},"method":${quote(method)},"redirect":${quote(redirect)}`;
  return new JsonText(`{${about},"headers":${plainJson(pairs).json}${body}}`);
}

function responseOf({ url, redirected, status, statusText, headers, body }: Answer): Response {
  const response = new Response(received(body), { status, statusText });
  response.headers.delete('content-type');
  for (let i = 0; i < headers.length; i++) response.headers.append(headers[i]![0], headers[i]![1]);
  define(response, 'url', url);
  define(response, 'redirected', redirected);
  return response;
}

function methodOf(method: unknown): string {
  const upper = `${method}`.toUpperCase();
  return STANDARD_METHODS.includes(upper) ? upper : `${method}`;
}

function signalOf(value: unknown): Signal | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value) || !isFunction((value as { addEventListener?: unknown }).addEventListener)) {
    throw new TypeError('fetch: signal is no AbortSignal');
  }
  return value as Signal;
}

function reasonOf(signal: Signal): unknown {
  return signal.reason ?? namedError('AbortError', 'the request was aborted');
}

export function defineFetch(): void {
  expose('fetch', fetch);
  expose('Request', Request);
  expose('Response', Response);
}
