// What a method of /admin/… is called with.
import { AdminError } from '../admin-error.ts';

/** Of a query or a form. Their case does not matter: manuals and clients do not agree on it. */
export class Parameters {
  readonly #values: readonly (readonly [name: string, value: string])[];

  constructor(query: Iterable<[string, string]>) {
    this.#values = [...query].map(([name, value]) => [name.toLowerCase(), value] as const);
  }

  get(name: string): string | undefined {
    return this.#values.find(([one]) => one === name.toLowerCase())?.[1];
  }

  all(name: string): string[] {
    return this.#values.filter(([one]) => one === name.toLowerCase()).map(([, value]) => value);
  }

  /** The first of these that is there and not empty. */
  need(...names: string[]): string {
    for (const name of names) {
      const value = this.get(name);
      if (value) return value;
    }
    throw new AdminError('ERR_ADMIN_ARGUMENT', `the parameter ${names[0]} is missing`);
  }
}
