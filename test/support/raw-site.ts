// A web server that says byte for byte what a test wants, and keeps what it has heard on each connection. And clients of that kind.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { ProxyLimits } from '../../src/adaptor/http/http-proxy.ts';

/** What has come so far on one connection → the whole answer, or undefined: it is not time yet. */
export type RawAnswer = (heard: string, socket: Socket) => string | undefined;

/** Of HttpProxy, as conf/ is shipped. */
export const PROXY_LIMITS: ProxyLimits = {
  maxRequests: 256,
  maxRequestsPerAddress: 64,
  maxUpgrades: 1024,
  maxUpgradesPerAddress: 64,
  minBytesPerS: 500,
};

export const HELLO = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';

export class RawSite implements AsyncDisposable {
  /** By connection, as Latin-1. */
  readonly heard: string[] = [];
  /** Said by every connection from now on. */
  answer: RawAnswer;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#serve(socket));

  private constructor(answer: RawAnswer) {
    this.answer = answer;
  }

  /** By default `hello` to each head that has come whole. */
  static async open(
    answer: RawAnswer = (heard) => (heard.endsWith('\r\n\r\n') ? HELLO : undefined),
  ): Promise<RawSite> {
    const site = new RawSite(answer);
    site.#server.listen(0, '127.0.0.1');
    await once(site.#server, 'listening');
    return site;
  }

  /** It keeps no process alive. */
  unref(): this {
    this.#server.unref();
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** For the settings of a proxy or a redirect. */
  get targets(): { port: undefined; to: { host: string; port: number } }[] {
    return [{ port: undefined, to: { host: '127.0.0.1', port: this.port } }];
  }

  #serve(socket: Socket): void {
    const at = this.heard.push('') - 1;
    let since = 0;
    this.#sockets.add(socket.setNoDelay()); // what is written is on its way, not kept until the other side has said something
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (bytes) => {
      this.heard[at] += bytes.toString('latin1');
      const answer = this.answer(this.heard[at]!.slice(since), socket);
      if (answer === undefined) return;
      since = this.heard[at]!.length;
      socket.write(answer, 'latin1');
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Says that, and resolves with all that it hears until the other side closes, or what it has heard satisfies `isEnough`. */
export async function sayRaw(
  port: number,
  text: string,
  isEnough?: (heard: string) => boolean,
): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(text, 'latin1');
  let heard = '';
  socket.on('data', (bytes) => {
    heard += bytes.toString('latin1');
    if (isEnough?.(heard)) socket.destroy();
  });
  await new Promise((resolve) => socket.once('close', resolve)); // `once` would reject with what is a usual end here
  return heard;
}
