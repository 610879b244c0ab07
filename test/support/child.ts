import type { ChildProcess } from 'node:child_process';

const running = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A child process that outlives no test run, also one that ends by an assertion. */
export function endsWithUs<T extends ChildProcess>(child: T): T {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** The end of what a stream said: enough to explain a failure, bounded for a chatty process. */
export class Tail {
  readonly #maxCharacters: number;
  #text = '';

  constructor(maxCharacters = 16_384) {
    this.#maxCharacters = maxCharacters;
  }

  add(text: string): void {
    this.#text = (this.#text + text).slice(-this.#maxCharacters);
  }

  toString(): string {
    return this.#text;
  }
}
