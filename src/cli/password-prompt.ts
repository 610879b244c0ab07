// A password from a terminal, typed twice and not shown.
import type { ReadStream } from 'node:tty';
import { CommandError } from './args.ts';

/** The part of a terminal's input that this needs. */
export type SecretInput = Pick<ReadStream, 'setRawMode' | 'setEncoding' | 'on' | 'off' | 'resume' | 'pause'>;

const BACKSPACE: readonly string[] = ['\u007f', '\b'];
const ENTER: readonly string[] = ['\r', '\n'];
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
/** Takes back the whole line. */
const CTRL_U = '\u0015';

/** Nobody types more. */
const MAX_CHARACTERS = 1024;

/** A CommandError if the two differ or Ctrl-C is typed. `prompt` writes without an end of line. */
export async function promptPassword(input: SecretInput, prompt: (text: string) => void): Promise<string> {
  input.setEncoding('utf8');
  input.setRawMode(true); // the terminal echoes nothing and leaves editing to us
  try {
    const typed = new TypedLines(input);
    const ask = async (question: string) => {
      prompt(question);
      // Ctrl-C too ends the line
      return await typed.next().finally(() => prompt('\n'));
    };
    const first = await ask('Password: ');
    if (first === '') return first;
    const second = await ask('Once more: ');
    typed.end();
    if (first !== second)
      throw new CommandError('ERR_CLI_PASSWORD', 'the two passwords differ; nothing has been changed');
    return first;
  } finally {
    input.setRawMode(false);
    input.pause();
  }
}

/** Lines from single key presses; what is pasted may hold several. */
class TypedLines {
  readonly #input: SecretInput;
  readonly #lines: string[] = [];
  #line = '';
  #waiting: { resolve(line: string): void; reject(error: Error): void } | undefined;
  #error: Error | undefined;
  readonly #onData = (keys: string) => this.#take(keys);
  readonly #onEnd = () => this.#finish();

  constructor(input: SecretInput) {
    this.#input = input;
    input.on('data', this.#onData);
    input.on('end', this.#onEnd);
    input.resume();
  }

  next(): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#waiting = { resolve, reject };
    this.#deliver();
    return promise;
  }

  end(): void {
    this.#input.off('data', this.#onData);
    this.#input.off('end', this.#onEnd);
  }

  #take(keys: string): void {
    for (const key of keys) {
      if (ENTER.includes(key)) this.#finish();
      else if (key === CTRL_D) this.#finish();
      else if (key === CTRL_C)
        this.#error ??= new CommandError(
          'ERR_CLI_PASSWORD',
          'no password was given; nothing has been changed',
        );
      else if (key === CTRL_U) this.#line = '';
      else if (BACKSPACE.includes(key)) this.#line = [...this.#line].slice(0, -1).join('');
      else if (key >= ' ' && this.#line.length < MAX_CHARACTERS) this.#line += key;
    }
    this.#deliver();
  }

  #finish(): void {
    this.#lines.push(this.#line);
    this.#line = '';
    this.#deliver();
  }

  #deliver(): void {
    if (!this.#waiting) return;
    if (this.#error) {
      this.end();
      this.#waiting.reject(this.#error);
    } else if (this.#lines.length > 0) this.#waiting.resolve(this.#lines.shift()!);
    else return;
    this.#waiting = undefined;
  }
}
