// Which tests a change concerns most: those that import what was changed, directly or by way of others.
import { posix } from 'node:path';
import { importsOf, tokenize } from './source.ts';

/**
 * The test files that reach a changed file by imports, those with the shortest way first. `sources` is path → text of all files;
 * paths have slashes and begin at the same folder.
 */
export function nearestTests(sources: ReadonlyMap<string, string>, changed: readonly string[]): string[] {
  const importers = new Map<string, string[]>();
  for (const [path, text] of sources) {
    for (const { specifier } of importsOf(tokenize(text))) {
      if (!specifier?.startsWith('.')) continue;
      const target = posix.join(posix.dirname(path), specifier);
      importers.set(target, [...(importers.get(target) ?? []), path]);
    }
  }
  // in the order in which a walk against the imports comes by them
  const seen = new Set(changed.filter((path) => sources.has(path)));
  for (const path of seen) for (const importer of importers.get(path) ?? []) seen.add(importer);
  return [...seen].filter((path) => path.endsWith('.test.ts'));
}
