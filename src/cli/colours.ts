// Colour for people at a terminal, and nothing but text for everybody else.

export interface Colours {
  red(text: string): string;
}

export const NO_COLOURS: Colours = { red: (text) => text };
const ANSI: Colours = { red: (text) => `\u001b[31m${text}\u001b[39m` };

/** Pipes and files get none, nor a terminal that says so: no-color.org, TERM=dumb. */
export function coloursOf(output: { isTTY?: boolean }, env: NodeJS.ProcessEnv): Colours {
  const { NO_COLOR = '', TERM } = env;
  return output.isTTY === true && NO_COLOR === '' && TERM !== 'dumb' ? ANSI : NO_COLOURS;
}
