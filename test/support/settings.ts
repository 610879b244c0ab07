// The settings of an application as the schema has them by default, for tests: with what the test says of them.
import { type ApplicationConfig, defaultApplicationConfig } from '../../src/config/application.ts';
import { loadSymbols } from '../../src/config/symbols.ts';

/** Some of an object's members, at any depth. A list, and a value that may be undefined, counts as a whole. */
export type Patch<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Patch<T[K]> }
    : T;

/** Nothing is there: no file of ours says a thing. */
const ROOT = '/nowhere';

const DEFAULTS = defaultApplicationConfig({
  root: ROOT,
  appsDir: `${ROOT}/applications`,
  symbols: loadSymbols({ root: ROOT, set: {}, environment: {} }, []),
  path: `${ROOT}/conf/Application.xml`,
  file: undefined,
  clientIdleMs: undefined,
  virtual: [],
});

export function testSettings(patch: Patch<ApplicationConfig> = {}): ApplicationConfig {
  return patched<ApplicationConfig>(DEFAULTS, patch);
}

export function patched<T extends object>(value: T, patch: Patch<T>): T {
  const entries = Object.entries(patch).map(([name, inner]) => {
    const before = value[name as keyof T];
    return [name, isObject(before) && isObject(inner) ? patched(before, inner) : inner];
  });
  return { ...value, ...Object.fromEntries(entries) };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
