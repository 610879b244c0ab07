// The part of JSON Schema that the API is described with, and request bodies are checked by.

export type Schema =
  | { type: 'string' | 'integer' | 'number' | 'boolean'; description?: string; enum?: readonly string[] }
  | { type: 'array'; items: Schema; description?: string }
  | ObjectSchema
  /** Any JSON. */
  | { description: string; type?: never };

export interface ObjectSchema {
  type: 'object';
  properties: Readonly<Record<string, Schema>>;
  required: readonly string[];
  additionalProperties: false;
  description?: string;
}

const described = (description: string | undefined) => (description === undefined ? {} : { description });

export const string = (description?: string): Schema => ({ type: 'string', ...described(description) });
export const integer = (description?: string): Schema => ({ type: 'integer', ...described(description) });
export const number = (description?: string): Schema => ({ type: 'number', ...described(description) });
export const boolean = (description?: string): Schema => ({ type: 'boolean', ...described(description) });
export const anything = (description: string): Schema => ({ description });
export const array = (items: Schema, description?: string): Schema => ({
  type: 'array',
  items,
  ...described(description),
});

/** Names that end in a question mark may be missing. */
export function object(properties: Readonly<Record<string, Schema>>, description?: string): ObjectSchema {
  const names = Object.keys(properties);
  return {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name.replace(/\?$/, ''), properties[name]!])),
    required: names.filter((name) => !name.endsWith('?')),
    additionalProperties: false,
    ...described(description),
  };
}

/** What is wrong with `value`, as `body.args: expected an array`; undefined: nothing. */
export function schemaProblem(schema: Schema, value: unknown, path: string): string | undefined {
  switch (schema.type) {
    case undefined:
      return undefined;
    case 'array': {
      if (!Array.isArray(value)) return `${path}: expected an array`;
      return firstOf(value.entries(), ([i, item]) => schemaProblem(schema.items, item, `${path}[${i}]`));
    }
    case 'object': {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        return `${path}: expected an object`;
      const missing = schema.required.find((name) => !Object.hasOwn(value, name));
      if (missing !== undefined) return `${path}.${missing} is missing`;
      return firstOf(Object.entries(value), ([name, member]) => {
        const property = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
        if (!property) return `${path}.${name} is not known`;
        return schemaProblem(property, member, `${path}.${name}`);
      });
    }
    case 'integer':
      return Number.isInteger(value) ? undefined : `${path}: expected an integer`;
    default: {
      const isRight = typeof value === schema.type && (schema.enum?.includes(String(value)) ?? true);
      return isRight ? undefined : `${path}: expected ${schema.enum?.join(' or ') ?? `a ${schema.type}`}`;
    }
  }
}

function firstOf<T>(items: Iterable<T>, problem: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = problem(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
