// A line that is slower than what is sent over it: between a client and a server, and as fast as a test says.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Throttle implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  #upstream: Socket | undefined;
  #downstream: Socket | undefined;
  /** Undefined: as fast as it comes. */
  #budget: number | undefined;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** For one connection to that port of 127.0.0.1. */
  static async to(port: number): Promise<Throttle> {
    const server = createServer();
    const throttle = new Throttle(server);
    server.on('connection', (downstream) => throttle.#join(downstream, port));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return throttle;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #join(downstream: Socket, port: number): void {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#sockets.push(upstream, downstream);
    this.#upstream = upstream;
    this.#downstream = downstream;
    downstream.pipe(upstream);
    upstream.on('readable', () => this.#pass());
    upstream.on('close', () => downstream.destroy());
    for (const socket of [upstream, downstream]) socket.on('error', () => {});
  }

  /** From now on only `bytes` more, and what later calls add. */
  allow(bytes: number): void {
    this.#budget = (this.#budget ?? 0) + bytes;
    this.#pass();
  }

  /** As fast as it comes again. */
  release(): void {
    this.#budget = undefined;
    this.#pass();
  }

  #pass(): void {
    const upstream = this.#upstream;
    while (upstream && upstream.readableLength > 0 && this.#budget !== 0) {
      const chunk = upstream.read(Math.min(upstream.readableLength, this.#budget ?? Number.MAX_SAFE_INTEGER));
      if (chunk === null) return;
      if (this.#budget !== undefined) this.#budget -= chunk.length;
      this.#downstream!.write(chunk);
    }
    // So that more is read from the system.
    upstream?.read(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
