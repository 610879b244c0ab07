// A server under test: ours or somebody else's. All of them run one process's worth of work on one processor, with the
// options that a careful user would give them, on a port of 127.0.0.1.
import { connect, createServer } from 'node:net';
import type { Place, Spawned } from '../process.ts';
import { until } from '../process.ts';

export interface Peer {
  readonly name: string;
  /** Why it cannot be measured here; undefined: it can. */
  missing(): string | undefined;
  /** Gets it, into the cache or bench/node_modules; nothing of the machine changes. */
  setup(): Promise<void>;
  version(): string;
  /** Resolves once it takes connections. `folder` is empty and its own. */
  start(how: StartOptions): Promise<Running>;
}

export interface StartOptions {
  place: Place;
  folder: string;
  /** Where a CPU profile is to be left; servers that run on Node. */
  profileTo?: string | undefined;
}

export interface Running {
  readonly process: Spawned;
  readonly port: number;
  /** From the start of the process until it took connections. */
  readonly startMs: number;
}

/** One that is free now. Another program could take it before it is used: the server would say so and end. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const START_MS = 15_000;

export async function listening(server: Spawned, port: number): Promise<void> {
  let hasEnded = false;
  void server.exited.then(() => {
    hasEnded = true;
  });
  const test = async () => {
    if (hasEnded) throw new Error(`it ended: ${server.errors} ${server.output}`);
    return isOpen(port);
  };
  await until(test, START_MS, `port ${port} is open`);
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
