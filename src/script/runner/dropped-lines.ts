// Lines that a script has logged and the guest has dropped, told once a second at most.
import type { ScriptCommand } from '../wire/wire.ts';

const DELAY_MS = 1000;

export class DroppedLines {
  readonly #say: (command: ScriptCommand) => void;
  #timer: NodeJS.Timeout | undefined;
  #count = 0;

  constructor(say: (command: ScriptCommand) => void) {
    this.#say = say;
  }

  add(count: number): void {
    if (count === 0) return;
    this.#count += count;
    this.#timer ??= setTimeout(() => this.flush(), DELAY_MS);
  }

  /** Tells of them now, if there are any. */
  flush(): void {
    this.close();
    if (this.#count === 0) return;
    const text = `${this.#count} lines dropped: the script logs too much`;
    this.#count = 0;
    this.#say({ op: 'log', level: 'warn', text });
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
