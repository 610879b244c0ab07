import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Note } from '../../src/config/note.ts';
import { loadSymbols, substitute } from '../../src/config/symbols.ts';
import { rootWith } from './support.ts';

const NOTHING = { set: {}, environment: {} };

test('symbols are the settings, ROOT, CONF, and whatever the operator added', (t) => {
  const root = rootWith(t, { 'conf/fms.ini': 'AUTH.URL = http://127.0.0.1/check\n__proto__ = harmless\n' });
  const { values } = loadSymbols({ ...NOTHING, root, set: { MY_NAME: 'x' } }, []);
  assert.equal(values['AUTH.URL'], 'http://127.0.0.1/check');
  assert.equal(values.MY_NAME, 'x');
  assert.equal(values['ADAPTOR.HOSTPORT'], ':1935');
  assert.equal(values.ROOT, root);
  assert.equal(values.CONF, join(root, 'conf'));
  assert.equal(Object.hasOwn(values, '__proto__'), true);
});

test('fms.ini, then <Symbols>, then the files of <KeyValueFile>: each beats the one before, --set beats all', (t) => {
  const root = rootWith(t, {
    'conf/fms.ini': 'A = ini\nB = ini\nC = ini\nD = ini\n',
    'conf/substitution.xml':
      '<Root><Symbols><B>map</B><C>map</C><D>map</D></Symbols>' +
      '<KeyValueFile>one.txt</KeyValueFile><KeyValueFile>${CONF}/two.txt</KeyValueFile></Root>',
    'conf/one.txt': '# of that form too\nC = one\nE = one\n',
    'conf/two.txt': 'E = two\n',
  });
  const { values } = loadSymbols({ ...NOTHING, root, set: { D: 'set' } }, []);
  assert.deepEqual(
    ['A', 'B', 'C', 'D', 'E'].map((name) => values[name]),
    ['ini', 'map', 'one', 'set', 'two'],
  );
});

test('a definition may use what was defined before it, and what --set says', (t) => {
  const root = rootWith(t, { 'conf/fms.ini': 'MEDIA = ${ROOT}/media\nVOD = ${MEDIA}/vod ${HOST}\n' });
  const { values } = loadSymbols({ ...NOTHING, root, set: { HOST: 'h' } }, []);
  assert.equal(values.VOD, `${root}/media/vod h`);
});

test('a symbol that is defined by what is defined later, by itself or by nothing is none, and is warned about', (t) => {
  const ini = 'A = secret ${A}\nB = ${LATER}\nLATER = 1\nC = 1\nC = ${%TOKEN%}\nADAPTOR.HOSTPORT = ${B}\n';
  const root = rootWith(t, { 'conf/fms.ini': ini });
  const notes: Note[] = [];
  const symbols = loadSymbols({ ...NOTHING, root }, notes);
  const later = 'conf/fms.ini:2: there is no symbol LATER before it';
  const reasons = {
    A: 'conf/fms.ini:1: there is no symbol A before it',
    B: later,
    C: 'conf/fms.ini:5: the server was started without an environment variable TOKEN',
    'ADAPTOR.HOSTPORT': `conf/fms.ini:6: there is no symbol B: ${later}`,
  };
  assert.deepEqual(
    notes,
    Object.values(reasons).map((text) => ({ level: 'warn', text })),
  );
  for (const [name, reason] of Object.entries(reasons)) {
    assert.equal(symbols.get(name), undefined);
    assert.equal(symbols.whyNot(name), `there is no symbol ${name}: ${reason}`);
    assert.equal(symbols.forApplications.whyNot(name), `there is no symbol ${name}: ${reason}`);
    assert.equal(Object.hasOwn(symbols.values, name), false);
  }
});

test('why there is no such symbol, and what to do', (t) => {
  const symbols = loadSymbols({ ...NOTHING, root: rootWith(t) }, []);
  const ini = 'in conf/fms.ini';
  assert.equal(symbols.whyNot('TOKEN'), `there is no symbol TOKEN: expected TOKEN = … ${ini}`);
  assert.equal(symbols.whyNot('%TOKEN%'), 'the server was started without an environment variable TOKEN');
  assert.equal(symbols.whyNot(''), '${} names no symbol');
  const { forApplications } = symbols;
  assert.equal(forApplications.whyNot('TOKEN'), symbols.whyNot('TOKEN'));
  assert.equal(
    forApplications.whyNot('%TOKEN%'),
    `only files in conf/ may refer to environment variables: expected \${TOKEN} here, and TOKEN = \${%TOKEN%} ${ini}`,
  );
  assert.equal(
    forApplications.whyNot('SERVER.ADMIN_PASSWORD'),
    'only files in conf/ may refer to SERVER.ADMIN_PASSWORD: expected a symbol of another name',
  );
});

test('percent signs name environment variables', (t) => {
  const symbols = loadSymbols({ root: rootWith(t), set: {}, environment: { DISK: '/mnt' } }, []);
  const missing: string[] = [];
  const text = substitute('${%DISK%}/a ${%NOT_THERE%} $ ${} {x} ${ROOT', symbols, (name) =>
    missing.push(name),
  );
  assert.equal(text, '/mnt/a ${%NOT_THERE%} $ ${} {x} ${ROOT');
  assert.deepEqual(missing, ['%NOT_THERE%', '']);
});

test('what a symbol stands for is not looked at again', (t) => {
  const symbols = loadSymbols({ ...NOTHING, root: rootWith(t), set: { A: '${ROOT} $&' } }, []);
  assert.equal(substitute('<${A}>', symbols, assert.fail), '<${ROOT} $&>');
});

test("applications' files see neither the environment nor the administrator's account", (t) => {
  const root = rootWith(t, { 'conf/fms.ini': 'SERVER.ADMIN_PASSWORD = hidden\nAUTH.URL = u\n' });
  const { forApplications } = loadSymbols({ root, set: {}, environment: { TOKEN: 'hidden' } }, []);
  const missing: string[] = [];
  const text = '${AUTH.URL} ${SERVER.ADMIN_PASSWORD} ${%TOKEN%}';
  assert.equal(
    substitute(text, forApplications, (name) => missing.push(name)),
    'u ${SERVER.ADMIN_PASSWORD} ${%TOKEN%}',
  );
  assert.deepEqual(missing, ['SERVER.ADMIN_PASSWORD', '%TOKEN%']);
});

for (const [files, message] of [
  [{ 'conf/substitution.xml': '<Symbols/>' }, 'conf/substitution.xml:1: <Symbols>: expected <Root>'],
  [
    { 'conf/substitution.xml': '<Root>\n<A>1</A></Root>' },
    'conf/substitution.xml:2: <A>: expected <Symbols> or <KeyValueFile>',
  ],
  [
    { 'conf/substitution.xml': '<Root>\n<KeyValueFile>/nowhere/a.txt</KeyValueFile></Root>' },
    'conf/substitution.xml:2: there is no file /nowhere/a.txt',
  ],
  [{ 'conf/fms.ini': 'A\n' }, 'conf/fms.ini:1: "A": expected NAME = value'],
] as const) {
  test(`refused, with its place: ${message}`, (t) => {
    const root = rootWith(t, files);
    assert.throws(() => loadSymbols({ ...NOTHING, root }, []), { name: 'ConfigError', message });
  });
}
