// The Web as a test has it: what a script fetches is answered by the test, and nothing leaves the machine.
import type { FetchAnswer, FetchBody, FetchRequest } from '../script/services/fetch/client.ts';
import { ServiceError } from '../script/services/services.ts';

/** What a script has asked for. */
export interface WebRequest {
  readonly url: string;
  readonly method: string;
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: string };
  /** As text. */
  readonly body: string;
}

export interface WebAnswer {
  /** 200 unless it says otherwise. */
  readonly status?: number;
  readonly headers?: { readonly [name: string]: string };
  /** What is no text is sent as JSON. */
  readonly body?: unknown;
}

/** Undefined: that is not its to answer. An error that it throws is what `fetch` fails with. */
export type WebHandler = (request: WebRequest) => WebAnswer | undefined | Promise<WebAnswer | undefined>;

const MAX_REDIRECTS = 20;

export class Web {
  readonly #handlers: WebHandler[] = [];
  readonly #onUnanswered: (error: Error) => void;
  /** Everything that was asked for. */
  readonly requests: WebRequest[] = [];

  /** `onUnanswered`: a script has asked for what no handler answers. */
  constructor(onUnanswered: (error: Error) => void) {
    this.#onUnanswered = onUnanswered;
  }

  /** The one that was added last is asked first. */
  answer(handler: WebHandler): void {
    this.#handlers.unshift(handler);
  }

  fetch(asked: FetchRequest, signal: AbortSignal): Promise<FetchAnswer> {
    const { promise, reject } = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => reject(new ServiceError('AbortError', 'fetch: aborted')));
    return Promise.race([this.#follow(asked), promise]);
  }

  async #follow(asked: FetchRequest): Promise<FetchAnswer> {
    let { url, method, body } = asked;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const answer = await this.#ask({ url, method, headers: headersOf(asked), body: textOf(body) });
      const { status = 200, headers = {} } = answer;
      const location = Object.entries(headers).find(([name]) => name.toLowerCase() === 'location')?.[1];
      const isRedirect = status >= 300 && status < 400 && location !== undefined;
      if (!isRedirect || asked.redirect === 'manual') return answered(url, redirects > 0, answer);
      if (asked.redirect === 'error')
        throw new ServiceError('TypeError', 'fetch failed: unexpected redirect');
      url = new URL(location, url).href;
      if (status !== 307 && status !== 308 && method !== 'HEAD') [method, body] = ['GET', undefined];
    }
    throw new ServiceError('TypeError', 'fetch failed: redirect count exceeded');
  }

  async #ask(request: WebRequest): Promise<WebAnswer> {
    this.requests.push(request);
    for (const handler of this.#handlers) {
      const answer = await this.#given(handler, request);
      if (answer) return answer;
    }
    const text = `${request.method} ${request.url}: the test answers no such request (app.onFetch)`;
    this.#onUnanswered(new Error(text));
    throw new ServiceError('TypeError', `fetch failed: ${text}`);
  }

  async #given(handler: WebHandler, request: WebRequest): Promise<WebAnswer | undefined> {
    try {
      return await handler(request);
    } catch (error) {
      throw new ServiceError('TypeError', `fetch failed: ${error instanceof Error ? error.message : error}`);
    }
  }
}

function headersOf({ headers }: FetchRequest): { [name: string]: string } {
  return Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
}

function textOf(body: FetchBody | undefined): string {
  if (!body) return '';
  return 'text' in body ? body.text : Buffer.from(body.base64, 'base64').toString();
}

function answered(url: string, redirected: boolean, answer: WebAnswer): FetchAnswer {
  const { status = 200, headers = {}, body = '' } = answer;
  const isText = typeof body === 'string';
  const all = new Headers({
    'content-type': isText ? 'text/plain;charset=utf-8' : 'application/json',
    ...headers,
  });
  return {
    ...{ url, redirected, status, statusText: '', headers: [...all] },
    body: { text: isText ? body : JSON.stringify(body) },
  };
}
