// How the server starts programs. spawn() reports some causes by an event and throws others: a program that is being written, a path
// through a file, no memory. A throw out of a timer would end the server. And where it had no descriptors, it leaves no pipes.
import { ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { Duplex, Readable } from 'node:stream';

/** Its pipes stand in for those that there are not. */
export interface Stillborn {
  readonly channel: Duplex;
  readonly stderr: Readable;
  kill(): void;
  onEnd(call: (how: string) => void): void;
}

/** Never throws: what keeps it from starting is its `error`, whatever it is, and then it is closed. */
export function startProcess(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  try {
    return spawn(program, args, options);
  } catch (error) {
    const child = new ChildProcess();
    process.nextTick(() => {
      child.emit('error', error);
      child.emit('close', null, null);
    });
    return child;
  }
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
