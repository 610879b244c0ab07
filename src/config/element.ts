// What a schema is made of. schema/*.ts say with it which elements and attributes a file may have; reader.ts checks and reads
// files by them, manual.ts writes the commented files in conf/ from them.

/** What a number counts once it is read: the end of its name in code. */
export type Unit = '' | 'Ms' | 'Bytes';

/** A type of value: how it reads, and how to say so. */
export interface Value<T, U extends Unit = ''> {
  /** Undefined: a value without a unit. */
  readonly unit?: U;
  /** What may stand there, unit included: ends the sentence "expected …". */
  readonly expected: string;
  /** The empty text says something; else it is as good as no element. */
  readonly takesEmpty: boolean;
  /** The text in our units (ms, bytes). Throws a ConfigError that says what is wrong with it. */
  parse(text: string): T;
}

/** An element or attribute with a value. */
export interface Leaf<T, U extends Unit = Unit> {
  readonly kind: 'leaf';
  readonly value: Value<T, U>;
  /** As it stands in the file; symbols allowed. */
  readonly default: string;
  readonly meaning: string;
  /** Nobody is told what it is. */
  readonly isSecret: boolean;
  /** What it is part of has it, or is a mistake: the default is an example. */
  readonly isRequired: boolean;
}

/** Keys: `Name` an element, `@name` an attribute, `#text` the element's own text. */
export type Members = Readonly<Record<string, Node>>;

export interface Group<M extends Members> {
  readonly kind: 'group';
  readonly members: M;
  readonly meaning: string;
  /** Another name that the element goes by. */
  readonly alias: string | undefined;
}

/** An element that may stand several times. */
export interface List<I extends Leaf<unknown> | Group<Members>> {
  readonly kind: 'list';
  readonly item: I;
  /** Where none stands there is one with its defaults. */
  readonly atLeastOne: boolean;
  /** The member that no two of them may have in common. */
  readonly key: string | undefined;
}

/** Elements of the operator's choice, any depth. */
export interface Free {
  readonly kind: 'free';
  readonly meaning: string;
}

/** Flash Media Server had it; here it changes nothing, and neither does what is in it. */
export interface Unused {
  readonly kind: 'unused';
  /** Other texts than these (in lower case) promise something that does not happen. Undefined: none does. */
  readonly harmless: readonly string[] | undefined;
}

export type Node =
  | Leaf<unknown>
  | Group<Members>
  | List<Leaf<unknown>>
  | List<Group<Members>>
  | Free
  | Unused;

/** Text leaves and objects of them: what scripts see of `Free`. */
export interface FreeValues {
  readonly [name: string]: string | FreeValues;
}

/** What reading a node gives. */
export type Read<N> =
  N extends Leaf<infer T>
    ? T
    : N extends Group<infer M>
      ? { readonly [K in keyof M as M[K] extends Unused ? never : K]: Read<M[K]> }
      : N extends List<infer I>
        ? readonly Read<I>[]
        : N extends Free
          ? FreeValues
          : never;

export function leaf<T, U extends Unit>(
  value: Value<T, U>,
  byDefault: string,
  meaning: string,
  { isSecret = false, isRequired = false }: { isSecret?: boolean; isRequired?: boolean } = {},
): Leaf<T, U> {
  return { kind: 'leaf', value, default: byDefault, meaning, isSecret, isRequired };
}

export function group<const M extends Members>(
  meaning: string,
  members: M,
  options: { alias?: string } = {},
): Group<M> {
  return { kind: 'group', members, meaning, alias: options.alias };
}

export function list<I extends Leaf<unknown> | Group<Members>>(
  item: I,
  { atLeastOne = false, key }: { atLeastOne?: boolean; key?: string } = {},
): List<I> {
  return { kind: 'list', item, atLeastOne, key };
}

export function free(meaning: string): Free {
  return { kind: 'free', meaning };
}

export function unused<const N extends string>(...names: N[]): Record<N, Unused> {
  const members = names.map((name) => [name, { kind: 'unused', harmless: undefined }]);
  return Object.fromEntries(members) as Record<N, Unused>;
}

/** Unused, and a warning if its text is none of these. */
export function unsupported(...harmless: string[]): Unused {
  return { kind: 'unused', harmless };
}
