// application.env of a script is not to be written anywhere.
import type { Json } from '../wire/wire.ts';

/** A shorter one is guessed anyway, and would take ordinary words away. */
const MIN_SECRET = 6;

/** `text` without the values of `env`, however deep they stand. */
export function withoutSecrets(text: string, env: Json): string {
  if (typeof env === 'string') return env.length >= MIN_SECRET ? text.replaceAll(env, '***') : text;
  if (typeof env !== 'object' || env === null) return text;
  let rest = text;
  for (const value of Object.values(env)) rest = withoutSecrets(rest, value);
  return rest;
}
