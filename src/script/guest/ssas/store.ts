// application.store: what outlives the instance.
import { ask } from '../core/ask.ts';
import { plainJson } from '../core/outbox.ts';
import { isFiniteNumber, parseJson, stringify } from '../core/primordials.ts';

type Fields = Record<string, string | number | undefined>;

class Store {
  async get(key: unknown): Promise<unknown> {
    const text = await request({ op: 'get', key: name(key) });
    return text === null ? undefined : parseJson(text as string);
  }
  async set(key: unknown, value: unknown): Promise<void> {
    await request({ op: 'set', key: name(key), value: json(value) });
  }
  async delete(key: unknown): Promise<boolean> {
    return (await request({ op: 'delete', key: name(key) })) as boolean;
  }
  async keys(prefix: unknown = ''): Promise<string[]> {
    return (await request({ op: 'keys', prefix: name(prefix) })) as string[];
  }
  async add(key: unknown, n: unknown = 1): Promise<number> {
    if (!isFiniteNumber(n))
      throw new TypeError('application.store.add: what is to be added is no finite number');
    return (await request({ op: 'add', key: name(key), n: n as number })) as number;
  }
  async swap(key: unknown, expected: unknown, next: unknown): Promise<boolean> {
    const fields: Fields = { op: 'swap', key: name(key) };
    if (expected !== undefined) fields.expected = json(expected);
    if (next !== undefined) fields.next = json(next);
    return (await request(fields)) as boolean;
  }
}

function request(fields: Fields): Promise<unknown> {
  return ask('store', plainJson(fields as Record<string, string>)).answer;
}

function name(key: unknown): string {
  if (typeof key !== 'string') throw new TypeError('application.store: keys are strings');
  return key;
}

function json(value: unknown): string {
  const text = stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError('application.store: JSON has no form for that value');
  return text;
}

export const store = Object.freeze(new Store());
