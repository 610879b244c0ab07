import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsOf, tokenize } from './source.ts';

function specifiers(source: string): (string | undefined)[] {
  return importsOf(tokenize(source)).map((found) => found.specifier);
}

test('every form of import is seen', () => {
  const source = `
    import './effect.ts';
    import one from './default.ts';
    import one, { two as three, type Four } from "./named.ts";
    import * as five from './star.ts';
    import type {
      Six,
    } from './type.ts';
    import data from './data.json' with { type: 'json' };
    export { seven } from './export.ts';
    export type { Eight } from './export-type.ts';
    export * from './export-star.ts';
    let nine: import('./import-type.ts').Nine;
    await import('./dynamic.ts');
    const ten = require('./require.cjs');
  `;
  assert.deepEqual(specifiers(source), [
    './effect.ts',
    './default.ts',
    './named.ts',
    './star.ts',
    './type.ts',
    './data.json',
    './export.ts',
    './export-type.ts',
    './export-star.ts',
    './import-type.ts',
    './dynamic.ts',
    './require.cjs',
  ]);
});

test('only statements that are types as a whole are type-only', () => {
  const source = `import type { A } from './a.ts'; import { type B } from './b.ts'; export type { C } from './c.ts';`;
  assert.deepEqual(
    importsOf(tokenize(source)).map((found) => found.typeOnly),
    [true, false, true],
  );
});

test('imports in comments, strings, templates and regular expressions are text', () => {
  const source = [
    `// import './a.ts'`,
    `/* import './b.ts'`,
    `   import './c.ts' */`,
    `const d = "import './d.ts'";`,
    'const e = `',
    `import './e.ts'`,
    `\${{ f: \`\${1}\` }.f /* } */}`,
    `import './g.ts'`,
    '`;',
    `const h = /[/'"]import '.h.ts'/.test(d) ? 4 / 2 / 1 : 0;`,
    `import './real.ts';`,
  ].join('\n');
  assert.deepEqual(importsOf(tokenize(source)), [{ specifier: './real.ts', typeOnly: false, line: 11 }]);
});

test('an import that is computed has no specifier, and members named import are not imports', () => {
  assert.deepEqual(specifiers(`import(name); a.import('x'); import.meta.url; a.require('y');`), [undefined]);
});

test('declarations that are exported here are not imports', () => {
  assert.deepEqual(
    specifiers(`export const from = 'x'; export { a, b }; export function f() { g(from, 'y'); }`),
    [],
  );
});
