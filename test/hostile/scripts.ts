// What one script can try against the engine, the library around it, and the process: time, memory, other people's objects.
import type { Attack } from './stage.ts';

function atConnect(name: string, body: string): Attack {
  return { name, script: `application.onConnect = function (client) { ${body} };` };
}

function atConnectAsync(name: string, body: string): Attack {
  return { name, script: `application.onConnect = async function (client) { ${body} };` };
}

function honest(name: string, body: string): Attack {
  return { ...atConnectAsync(name, body), isHonest: true };
}

function atLoad(name: string, script: string): Attack {
  return { name, script };
}

/** An error, every property of which is a loop. */
const SLOW_ERROR = `const error = new Error('x');
  for (const name of ['message', 'stack', 'name']) Object.defineProperty(error, name, { get() { for (;;); } });`;
const SLOW_PROXY = `new Proxy(function () {}, {
  get() { for (;;); }, ownKeys() { for (;;); }, getPrototypeOf() { for (;;); }, getOwnPropertyDescriptor() { for (;;); } })`;

export const SCRIPTS: readonly Attack[] = [
  // Loops
  atConnect('a loop in a handler', 'for (;;);'),
  atLoad('a loop while loading', 'for (;;);'),
  atConnect('a loop in a microtask', 'Promise.resolve().then(() => { for (;;); });'),
  atConnect('microtasks without end', 'const next = () => Promise.resolve().then(next); next();'),
  atConnectAsync(
    'a loop behind the answer of a service',
    `await crypto.subtle.digest('SHA-1', new Uint8Array(1)); for (;;);`,
  ),
  atConnect(
    'a loop that catches its own end',
    'for (;;) { try { for (;;); } catch {} finally { for (;;); } }',
  ),
  atConnect('a regular expression that backtracks', `/^(a+)+$/.test('a'.repeat(40) + 'b');`),
  atConnect(
    'a comparator without an order',
    'const all = Array.from({ length: 1e6 }, (_, i) => i); for (;;) all.sort(() => Math.random() - 0.5);',
  ),
  atConnect(
    'numbers in Arabic, for ever',
    `for (;;) new Intl.NumberFormat('ar-EG', { style: 'currency', currency: 'USD' }).format(1e20);`,
  ),
  // What the engine cannot interrupt
  atConnect(
    'a search through four thousand million holes',
    'const all = []; all.length = 2 ** 32 - 2; all.indexOf(1); all.includes(1);',
  ),
  atConnect('holes joined', `const all = []; all.length = 2 ** 32 - 2; all.join('');`),
  atConnect('a number of a million digits squared', 'let n = 2n ** (2n ** 20n); for (;;) n = n * n;'),
  atConnect('a huge number as text', '(1n << (1n << 27n)).toString().length;'),
  atConnect('JSON of twenty million arrays', `JSON.parse('[' + '[],'.repeat(2e7) + '0]');`),
  atConnect(
    'a shared object of a million paths as JSON',
    'let o = {}; for (let i = 0; i < 26; i++) o = { a: o, b: o }; JSON.stringify(o);',
  ),
  // The stack
  atConnect(
    'a recursion that catches its own end',
    'const again = () => { try { again(); } catch { again(); } }; again();',
  ),
  atConnect(
    'JSON nested a hundred thousand deep',
    'let o = []; for (let i = 0; i < 1e5; i++) o = [o]; JSON.stringify(o);',
  ),
  atConnect(
    'a million brackets for the parser',
    `try { new Function('('.repeat(1e6))(); } catch {} try { eval('['.repeat(1e5)); } catch {}`,
  ),
  atConnect(
    'a regular expression that is large when compiled',
    `new RegExp('(?:a{1,1000}){1,1000}'.repeat(30)).test('a'.repeat(1000));`,
  ),
  // Memory, quickly
  atConnect(
    'an array that grows',
    `const all = []; for (;;) all.push({ n: all.length, text: 'v' + all.length });`,
  ),
  atConnect('a string that doubles', `let s = 'x'; for (;;) { s += s; s.charCodeAt(s.length - 1); }`),
  atConnect(
    'flat strings that are kept',
    `const all = []; for (;;) { all.push('abcdefghij'.repeat(1e6) + all.length); all.at(-1).charCodeAt(3); }`,
  ),
  atConnect('a string spread into an array', `[...'.'.repeat(4e8)];`),
  atConnect(
    'an array of a hundred million filled from behind',
    'const n = 1e8, all = new Array(n); for (let i = n; i--; ) all[i] = i % 10;',
  ),
  atConnect('arrays filled with fractions', 'const all = []; for (;;) all.push(new Array(3e7).fill(1.5));'),
  atConnect('a map', 'const map = new Map(); for (let i = 0; ; i++) map.set(i, i);'),
  atConnect('matches of a long text', `'a'.repeat(2e7).match(/a/g);`),
  atConnect('a long text split', `'ab'.repeat(2e7).split('a');`),
  atConnect('typed arrays', 'const all = []; for (;;) all.push(new Uint8Array(4 << 20).fill(1));'),
  atConnect(
    'typed arrays, the end of memory caught',
    'const all = []; for (;;) { try { all.push(new Uint8Array(1 << 20).fill(1)); } catch {} }',
  ),
  atConnect(
    'buffers that grow afterwards',
    `const all = []; for (;;) { const b = new ArrayBuffer(1, { maxByteLength: 1 << 30 });
     try { b.resize(1 << 26); new Uint8Array(b).fill(1); } catch {} all.push(b); }`,
  ),
  atConnect(
    'a buffer that may become two gigabytes',
    'const b = new ArrayBuffer(1, { maxByteLength: 2 ** 31 }); b.resize(2 ** 31); new Uint8Array(b).fill(1);',
  ),
  atConnect(
    'the buffer constructor behind ours',
    'const B = new Uint8Array(8).buffer.constructor; const b = new B(1, { maxByteLength: 2 ** 31 }); b.resize(2 ** 31); new Uint8Array(b).fill(1);',
  ),
  atConnect('weak references', 'for (;;) new WeakRef({});'),
  // What is read outside of any time limit
  atConnect('a proxy as an answer', `return ${SLOW_PROXY};`),
  atConnect('a getter in an answer', 'return { get x() { for (;;); } };'),
  atConnect('a toJSON that is large', `return { toJSON() { return 'x'.repeat(4e7); } };`),
  atConnect('a thenable as an answer', 'return { then() { for (;;); } };'),
  atLoad('an error that cannot be read, thrown while loading', `${SLOW_ERROR} throw error;`),
  atLoad('a proxy thrown while loading', `throw ${SLOW_PROXY};`),
  atConnect('an error that cannot be read, left as a rejection', `${SLOW_ERROR} Promise.reject(error);`),
  atConnect('a proxy left as a rejection', `Promise.reject(${SLOW_PROXY});`),
  atConnect(
    'an error whose cause is a proxy',
    `const e = new AggregateError([new Proxy({}, {})], 'm', { cause: ${SLOW_PROXY} }); Promise.reject(e); throw e;`,
  ),
  atLoad(
    'a stack that is never ready',
    `Error.prepareStackTrace = () => { for (;;); }; application.onConnect = () => { throw new Error('x'); };`,
  ),
  // Other people's objects
  atLoad(
    'primitives of the language patched',
    `Array.prototype.push = Map.prototype.get = JSON.stringify = JSON.parse = () => { for (;;); };
     Object.prototype.toJSON = () => 'evil'; Object.prototype.then = () => {};
     Object.defineProperty(Object.prototype, 't', { get: () => 'stop' });
     application.onConnect = () => { trace('x'); return { a: 1 }; };`,
  ),
  atLoad(
    'arrays that never end',
    'Array.prototype[Symbol.iterator] = function* () { for (;;) yield 1; }; application.onConnect = (client) => client.call("m", null, 1);',
  ),
  atConnect(
    '__proto__ as a key',
    `return JSON.parse('{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}');`,
  ),
  atLoad(
    'commands that are forged',
    `Object.prototype.toJSON = () => ({ op: 'shutdown', commands: [{ op: 'shutdown' }] }); application.onConnect = () => trace('x');`,
  ),
  atLoad('the end of the wrapper', `}catch(e){} throw ${SLOW_PROXY}; try{`),
  // The way out
  honest(
    'an import',
    `for (const name of ['fs', 'node:fs', './x.js']) { try { await import(name); return false; } catch {} } return true;`,
  ),
  honest(
    'constructors of functions',
    `return typeof (function () {}).constructor.constructor('return typeof process + typeof require')() === 'string'
       && Function('return typeof process + typeof require')() === 'undefinedundefined';`,
  ),
  honest(
    'every door that Node might have left open',
    `const doors = [
       () => globalThis.process, () => globalThis.require, () => globalThis.module, () => globalThis.ivm,
       () => Function('return process')(), () => trace.constructor('return process')(),
       () => crypto.subtle.digest.constructor('return process')(),
       () => application.acceptConnection.constructor.constructor('return globalThis.process')(),
       () => eval('require')('node:child_process'), () => (0, eval)('import.meta'),
     ];
     return doors.every((open) => { try { return open() === undefined; } catch { return true; } });`,
  ),
  honest(
    'every global called',
    `for (const key of Reflect.ownKeys(globalThis)) { if (key === 'eval') continue; try { globalThis[key](); } catch {} try { new globalThis[key](); } catch {} } return true;`,
  ),
  honest(
    'what was taken away',
    'return [typeof FinalizationRegistry, typeof WebAssembly, typeof SharedArrayBuffer, typeof Atomics].every((type) => type === "undefined");',
  ),
  // Floods
  atConnect('log lines without end', `for (;;) trace('x'.repeat(8000));`),
  atConnect(
    'large objects in the log',
    'let o = {}; for (let i = 0; i < 18; i++) o = { a: o, b: o }; for (;;) console.log(o);',
  ),
  atConnect('more timers than there may be', 'for (let i = 0; i < 9000; i++) setInterval(() => {}, 0);'),
];
