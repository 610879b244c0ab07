// RTMP in HTTP requests from the client's side: single requests, and a tunnel that an RtmpPeer takes for a socket.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface PostOptions {
  agent?: Agent;
  headers?: Record<string, string>;
  secure?: boolean;
}

export async function post(
  port: number,
  path: string,
  body: Uint8Array | string = '\0',
  { secure = false, ...options }: PostOptions = {},
): Promise<Answer> {
  const settings = { host: '127.0.0.1', port, path, method: 'POST', ...options };
  const sent = secure ? secureRequest({ ...settings, rejectUnauthorized: false }) : request(settings);
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  return { status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) };
}

export async function openTunnel(port: number, options: PostOptions = {}): Promise<string> {
  const { status, body } = await post(port, '/open/1', '\0', options);
  assert.equal(status, 200);
  assert.match(String(body), /^[\w-]{16}\n$/);
  return String(body).trim();
}

/**
 * Sends what is written, and from then on always has a request at the server; what there is to send overtakes an idle on a
 * connection of its own, as Flash Player does it. The first request is alone: which of two came first, the server cannot know.
 */
export class TunnelClient extends Duplex {
  readonly id: string;
  readonly #port: number;
  readonly #options: PostOptions;
  #number = 0;
  #open = 0;
  /** Answers are taken in the order of the requests. */
  #taken: Promise<void> = Promise.resolve();
  #isOver = false;
  #isSilent = false;

  private constructor(port: number, id: string, options: PostOptions) {
    super({ allowHalfOpen: false });
    this.#port = port;
    this.id = id;
    this.#options = options;
    this.on('error', () => {});
  }

  static async open(port: number, options: PostOptions = {}): Promise<TunnelClient> {
    return new TunnelClient(port, await openTunnel(port, options), options);
  }

  /** What an RtmpPeer takes. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  /** The number of its next request. */
  get next(): number {
    return this.#number;
  }

  /** Asks for nothing any more, once the request that is at the server is answered; `turn` makes time pass there. */
  async fallSilent(turn: () => void): Promise<void> {
    this.#isSilent = true;
    while (this.#open > 0) {
      turn();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #request(verb: 'send' | 'idle' | 'close', bytes: Uint8Array | string = '\0'): Promise<void> {
    const path = `/${verb}/${this.id}/${this.#number}`;
    this.#number += 1;
    this.#open += 1;
    const answered = post(this.#port, path, bytes, this.#options);
    this.#taken = this.#taken.then(async () => {
      try {
        this.#take(await answered);
      } catch (error) {
        this.destroy(error as Error);
      }
    });
    answered.catch(() => {}); // told in its turn
    await this.#taken;
  }

  #take({ status, body }: Answer): void {
    this.#open -= 1;
    if (this.#isOver) return;
    if (status === 200) this.push(body.subarray(1));
    else {
      this.#isOver = true;
      this.push(null);
    }
    if (!this.#isOver && !this.#isSilent && this.#open === 0) void this.#request('idle');
  }

  override _read(): void {}

  override _write(bytes: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    void this.#request('send', bytes).then(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#isOver) void this.#request('close');
    this.#isOver = true;
    void this.#taken.then(() => done(error));
  }
}
