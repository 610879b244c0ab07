// A child process that the system could not start for want of descriptors: without them it has no pipes, and ends at once.
import type { ChildProcess } from 'node:child_process';
import { Duplex, Readable } from 'node:stream';

/** Its pipes stand in for those that there are not. */
export interface Stillborn {
  readonly channel: Duplex;
  readonly stderr: Readable;
  kill(): void;
  onEnd(call: (how: string) => void): void;
}

/** Undefined: it has been started. */
export function stillborn(child: ChildProcess): Stillborn | undefined {
  // the error comes later
  if ((child.stdio as typeof child.stdio | undefined) !== undefined) return undefined;
  return {
    channel: new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() }),
    stderr: Readable.from([]),
    kill() {},
    onEnd: (call) => void child.once('error', (error) => call(error.message)),
  };
}
