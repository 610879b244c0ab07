// Commands of the operator as a test has them: none is run, the test says how they end.
import type { JobEnd } from '../script/services/exec.ts';

export interface CommandEnd {
  /** 0 unless it says otherwise. */
  readonly code?: number;
  readonly stderr?: string;
}

/** `args`: with what the script has put into their holes. Undefined: that is not its to answer. */
export type CommandHandler = (
  name: string,
  args: readonly string[],
) => CommandEnd | undefined | Promise<CommandEnd | undefined>;

export class Jobs {
  readonly #handlers: CommandHandler[] = [];
  readonly #onUnanswered: (error: Error) => void;

  /** `onUnanswered`: a script starts what no handler answers. */
  constructor(onUnanswered: (error: Error) => void) {
    this.#onUnanswered = onUnanswered;
  }

  /** The one that was added last is asked first. */
  answer(handler: CommandHandler): void {
    this.#handlers.unshift(handler);
  }

  async run(name: string, args: readonly string[]): Promise<JobEnd> {
    for (const handler of this.#handlers) {
      const end = await handler(name, args);
      if (end) return { code: end.code ?? 0, signal: null, stderr: end.stderr ?? '' };
    }
    const error = new Error(`${[name, ...args].join(' ')}: the test runs no such command (app.onExec)`);
    this.#onUnanswered(error);
    return { code: null, signal: null, stderr: error.message };
  }
}
