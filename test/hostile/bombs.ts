// Memory, in every way that a script can ask for it, with time enough to reach the limit.
import type { Attack } from './stage.ts';

/** Loading has more time than a turn, and onAppStart again: what does not get there in one goes on in the next. */
function bomb(name: string, body: string): Attack {
  return {
    name,
    script: `function fill() { ${body} }\napplication.onAppStart = fill;\napplication.onConnect = fill;`,
  };
}

export const BOMBS: readonly Attack[] = [
  bomb(
    'an array of objects',
    `const all = []; for (;;) all.push({ n: all.length, text: 'v' + all.length });`,
  ),
  bomb(
    'an array of objects in a promise',
    '(async () => { await 0; const all = []; for (;;) all.push({ n: all.length }); })();',
  ),
  bomb('a string that is added to', `let s = ''; for (;;) s += 'abcdefghij' + s.length;`),
  bomb(
    'flat strings',
    `const all = []; for (;;) { all.push('abcdefghij'.repeat(1e6) + all.length); all.at(-1).charCodeAt(3); }`,
  ),
  bomb('a string spread into an array', `[...'.'.repeat(5e8)];`),
  bomb(
    'an array of a given length',
    'const all = new Array(1e8); for (let i = all.length; i--; ) all[i] = i % 10;',
  ),
  bomb('large arrays of fractions', 'const all = []; for (;;) all.push(new Array(3e7).fill(1.5));'),
  bomb('small arrays of fractions', 'const all = []; for (;;) all.push(new Array(1e5).fill(1.5));'),
  bomb(
    'arrays of a given length',
    'const all = []; for (let i = 0; ; i++) all.push(new Array(1000).fill(i));',
  ),
  bomb('arrays of a given length that nobody keeps', 'for (let i = 0; ; i++) new Array(100).fill(i);'),
  bomb('keys of an object', `const o = {}; for (let i = 0; ; i++) o['k' + i] = 'value';`),
  bomb('a map', 'const map = new Map(); for (let i = 0; ; i++) map.set(i, i);'),
  bomb('a set of strings', `const set = new Set(); for (let i = 0; ; i++) set.add('k' + i);`),
  bomb('matches', `'a'.repeat(2e8).match(/a/g);`),
  bomb('a text split', `'ab'.repeat(2e8).split('a');`),
  bomb('JSON read', `JSON.parse('[' + '[],'.repeat(1e8) + '0]');`),
  bomb('closures', 'const all = []; for (;;) { const n = all.length; all.push(() => n); }'),
  bomb('Array.from', 'Array.from({ length: 2e8 }, (_, i) => i);'),
  bomb('an array that doubles', 'let all = [1, 2, 3]; for (;;) all = all.concat(all);'),
  bomb('large typed arrays', 'const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1));'),
  bomb('small typed arrays', 'const all = []; for (;;) all.push(new Uint8Array(60).fill(1));'),
  bomb('unshift', 'const all = []; for (;;) all.unshift(1, 2, 3, 4, 5, 6, 7, 8);'),
  bomb('big integers', 'const all = []; for (;;) all.push(2n ** 20000n + BigInt(all.length));'),
  bomb(
    'functions made of text',
    `const all = []; for (let i = 0; ; i++) all.push(new Function('return ' + i));`,
  ),
  bomb(
    'regular expressions',
    `const all = []; for (let i = 0; ; i++) { const r = new RegExp('a' + i); r.test('x'); all.push(r); }`,
  ),
  bomb(
    'generators',
    'const all = []; function* make() { yield 1; } for (;;) { const g = make(); g.next(); all.push(g); }',
  ),
  bomb('promises', 'const all = []; for (;;) all.push(new Promise(() => {}));'),
  bomb('symbols as keys', `const o = {}; for (;;) o[Symbol('x')] = 1;`),
];
