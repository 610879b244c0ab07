// What the files say, by the names that code has for it. A name in code is made from the one in the file, so nothing restates it:
// `PublishTimeout` in milliseconds is `publishTimeoutMs`, `MaxSize` in kilobytes `maxSizeBytes`, `JSEngine` `jsEngine`, `@enable`
// `enable`, and the text of an element that has attributes too `text`.
import type { Free, FreeValues, Group, Leaf, List, Members, Node, Read, Unit, Unused } from './element.ts';

/** The settings of a schema's element, each under its name in code. Times in ms, sizes in bytes. */
export type Named<N> =
  N extends Leaf<infer T, infer _>
    ? T
    : N extends Group<infer M>
      ? { readonly [K in keyof M as M[K] extends Unused ? never : NameOf<K, M[K]>]: Named<M[K]> }
      : N extends List<infer I>
        ? readonly Named<I>[]
        : N extends Free
          ? FreeValues
          : never;

type NameOf<K, N> = K extends string ? `${Camel<Bare<K>>}${UnitOf<N>}` : never;
type UnitOf<N> = N extends Leaf<infer _, infer U> ? (Unit extends U ? '' : U) : '';
type Bare<K extends string> = K extends `@${infer Name}` | `#${infer Name}` ? Name : K;

/** `JSEngine` → `jsEngine`: of the capitals that it begins with, the last one begins a word if a small letter follows. */
type Camel<S extends string> = S extends `${infer A}${infer Rest}` ? `${Lowercase<A>}${Word<Rest>}` : S;
type Word<S extends string> = S extends `${infer A}${infer B}${infer Rest}`
  ? IsCapital<A> extends true
    ? IsCapital<B> extends true
      ? `${Lowercase<A>}${Word<`${B}${Rest}`>}`
      : S
    : S
  : Lowercase<S>;
type IsCapital<C extends string> = C extends Lowercase<C> ? false : true;

/** `values`: as they were read by `schema`. */
export function named<M extends Members>(schema: Group<M>, values: Read<Group<M>>): Named<Group<M>> {
  return namedNode(schema, values) as Named<Group<M>>;
}

export function nameInCode(key: string, node: Node): string {
  const name = key
    .replace(/^[@#]/, '')
    .replace(/^[A-Z]+(?![a-z])|^[A-Z]/, (capitals) => capitals.toLowerCase());
  return node.kind === 'leaf' ? `${name}${node.value.unit ?? ''}` : name;
}

function namedNode(node: Node, value: unknown): unknown {
  switch (node.kind) {
    case 'group': {
      const values = value as Record<string, unknown>;
      const members = Object.entries(node.members).filter(([, member]) => member.kind !== 'unused');
      return Object.fromEntries(
        members.map(([key, member]) => [nameInCode(key, member), namedNode(member, values[key])]),
      );
    }
    case 'list':
      return (value as unknown[]).map((item) => namedNode(node.item, item));
    default:
      return value;
  }
}
