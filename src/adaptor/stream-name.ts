// What publish and play are given as a name: `[prefix:]path[?query]`.

const MAX_NAME = 1024;

export interface StreamName {
  name: string;
  /** Without the question mark. */
  query: string;
  /** The query's fields; of a repeated one the last. */
  params: Record<string, string>;
}

/** `undefined`: not a name. Empty, too long, or with control characters in it. */
export function parseStreamName(value: unknown): StreamName | undefined {
  if (typeof value !== 'string' || value.length > MAX_NAME) return undefined;
  const mark = value.indexOf('?');
  const name = mark < 0 ? value : value.slice(0, mark);
  const query = mark < 0 ? '' : value.slice(mark + 1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: names travel into logs, statuses and scripts
  if (name === '' || /[\u0000-\u001f\u007f]/.test(value)) return undefined;
  const params: Record<string, string> = Object.create(null);
  for (const [key, field] of new URLSearchParams(query)) params[key] = field;
  return { name, query, params };
}
