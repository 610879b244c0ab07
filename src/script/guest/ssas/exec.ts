// application.exec: jobs that the media side runs.
import type { Json } from '../../wire/wire.ts';
import { ask } from '../core/ask.ts';
import { JsonText, plainJson } from '../core/outbox.ts';
import {
  append,
  define,
  freeze,
  hasOwn,
  isObject,
  keys,
  PromiseConstructor,
  promiseThen,
  quote,
} from '../core/primordials.ts';
import { isStream, type Stream } from './stream.ts';

interface JobEnd {
  code: number | null;
  signal: string | null;
  stderr: string;
}

/** What `exec` and `jobs` give. */
class Job {
  declare readonly name: string;
  declare readonly exited: Promise<JobEnd>;
  readonly #id: Promise<number>;

  constructor(name: string, id: Promise<number>) {
    this.#id = id;
    define(this, 'name', name);
    const exited = ended(id);
    // Whoever does not look at how it ends need not handle that it did not begin.
    promiseThen(exited, ignore, ignore);
    define(this, 'exited', exited);
  }

  kill(): void {
    promiseThen(
      this.#id,
      (id) => {
        promiseThen(ask('exec', new JsonText(`{"kill":${id}}`)).answer, ignore, ignore);
      },
      ignore,
    );
  }
}

function ignore(): void {}

async function ended(id: Promise<number>): Promise<JobEnd> {
  const { answer } = ask('exec', new JsonText(`{"wait":${await id}}`));
  return freeze((await answer) as unknown as JobEnd);
}

async function begun(request: string): Promise<number> {
  const { job } = (await ask('exec', new JsonText(request)).answer) as { job: number };
  return job;
}

/** `values` fill the holes in the command's arguments; `until`: a stream, or its name, with whose end the job ends. */
export function exec(name: unknown, values?: unknown, options?: { until?: unknown }): Job {
  const odd = keys(options ?? {});
  for (let i = 0; i < odd.length; i++) {
    if (odd[i] !== 'until') throw new TypeError(`exec: ${odd[i]} is no option: expected until`);
  }
  const until = options?.until;
  const stream = isObject(until) && isStream(until) ? (until as Stream).name : until;
  const end = stream === undefined ? '' : `,"until":${quote(`${stream}`)}`;
  const job = new Job(`${name}`, begun(`{"run":${quote(`${name}`)},"values":${holes(values).json}${end}}`));
  return job;
}

/** Those of this instance that have not ended, whichever version of the script began them. */
export async function jobs(): Promise<Job[]> {
  const list = (await ask('exec', new JsonText('{"list":true}')).answer) as { job: number; name: string }[];
  const all: Job[] = [];
  for (let i = 0; i < list.length; i++) {
    append(all, new Job(list[i]!.name, PromiseConstructor.resolve(list[i]!.job)));
  }
  return all;
}

function holes(values: unknown): JsonText {
  const given: { [name: string]: Json } = {};
  const names = isObject(values) ? keys(values) : [];
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    if (hasOwn(given, name) || name === '__proto__') continue;
    given[name] = `${(values as Record<string, unknown>)[name]}`;
  }
  return plainJson(given);
}
