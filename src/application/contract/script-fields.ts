// The vocabulary of script-table.ts: what a field of a message may hold, and the TypeScript types that follow from it. Types alone:
// commands/field-reader.ts checks what arrives, wire/message-text.ts writes what leaves.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type Field =
  /**
   * `id`: a whole number of 32 bits. `key`: the same, counted by each version of a script from 1; inside the media process it has
   * the number of the version with it (commands/apply.ts), so that no two things of an instance share one.
   * `amount`: 0 or more. `number`: any finite number.
   */
  | { readonly is: 'id' | 'key' | 'flag' | 'amount' | 'number' }
  /** Characters. What is longer is refused; with `cuts` it is cut, with `isLine` it becomes one printable line of at most `max`. */
  | { readonly is: 'text'; readonly max: number; readonly cuts?: true; readonly isLine?: true }
  /** The name of a stream of this instance, in its canonical spelling. */
  | { readonly is: 'stream'; readonly mayBeEmpty?: true }
  /** The name of a stream as another server may know it; never empty. */
  | { readonly is: 'name' }
  | { readonly is: 'oneOf'; readonly of: readonly (string | boolean | number)[] }
  /** A value of a script or a client; a list of them, which may share objects; a status object with such members. */
  | { readonly is: 'value' | 'values' | 'status' }
  /** JSON that the media process passes on unread; the same by name. */
  | { readonly is: 'json' | 'jsonByName' }
  | { readonly is: 'textByName' }
  /** More than `max` are refused. */
  | { readonly is: 'texts'; readonly max: number }
  | { readonly is: 'object'; readonly of: Shape }
  | { readonly is: 'list'; readonly of: Shape };

export type Fields = { readonly [name: string]: Field };

/** The fields of a message or of an object in it. */
export interface Shape {
  readonly has?: Fields;
  /** Fields that may be absent. */
  readonly may?: Fields;
  /** The field that tells the cases apart: each has its value, `when`, and fields of its own. */
  readonly by?: string;
  readonly cases?: readonly (Shape & { readonly when: string | boolean })[];
}

/** How values of scripts and clients are held: as JSON on the wire, decoded inside the media process. */
export interface Values {
  value: unknown;
  values: unknown;
  status: unknown;
  json: unknown;
}

export type TypeOfField<F, V extends Values> = F extends { is: 'id' | 'key' | 'amount' | 'number' }
  ? number
  : F extends { is: 'flag' }
    ? boolean
    : F extends { is: 'text' | 'stream' | 'name' }
      ? string
      : F extends { is: 'oneOf'; of: readonly (infer T)[] }
        ? T
        : F extends { is: infer K extends keyof Values }
          ? V[K]
          : F extends { is: 'jsonByName' }
            ? Record<string, Json>
            : F extends { is: 'textByName' }
              ? Record<string, string>
              : F extends { is: 'texts' }
                ? string[]
                : F extends { is: 'object'; of: infer S }
                  ? TypeOf<S, V>
                  : F extends { is: 'list'; of: infer S }
                    ? TypeOf<S, V>[]
                    : never;

type Has<S, V extends Values> = S extends { has: infer F }
  ? { -readonly [K in keyof F]: TypeOfField<F[K], V> }
  : unknown;
type May<S, V extends Values> = S extends { may: infer F }
  ? { -readonly [K in keyof F]?: TypeOfField<F[K], V> | undefined }
  : unknown;
type Case<C, By extends string, V extends Values> = C extends { when: infer W }
  ? { [K in By]: W } & Parts<C, V>
  : never;
type Cases<S, V extends Values> = S extends {
  by: infer By extends string;
  cases: readonly (infer C)[];
}
  ? Case<C, By, V>
  : unknown;
type Parts<S, V extends Values> = Has<S, V> & May<S, V> & Cases<S, V>;
type Flat<T> = T extends unknown ? { [K in keyof T]: T[K] } : never;

/** What an object of that shape is in TypeScript. */
export type TypeOf<S, V extends Values> = Flat<Parts<S, V>>;

/** The messages of a table: each row's name in the field `Tag`, and the row's fields. */
export type MessageOf<Table, Tag extends string, V extends Values> = {
  [Name in keyof Table]: Flat<{ [T in Tag]: Name } & Parts<Table[Name], V>>;
}[keyof Table];
