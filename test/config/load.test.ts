import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';

/** A root folder with that conf/fms.ini, gone after the test. */
function rootWith(t: TestContext, ini?: string): string {
  const root = mkdtempSync(join(tmpdir(), 'understudy-config-'));
  t.after(() => rmSync(root, { recursive: true }));
  if (ini !== undefined) {
    mkdirSync(join(root, 'conf'));
    writeFileSync(join(root, 'conf', 'fms.ini'), ini);
  }
  return root;
}

test('a root without conf/ has the defaults, in ms and bytes', (t) => {
  const root = rootWith(t);
  const config = loadConfig({ root, set: {} });
  assert.equal(config.root, root);
  assert.equal(config.applicationsDir, join(root, 'applications'));
  assert.equal(config.logsDir, join(root, 'logs'));
  assert.equal(config.hostname, hostname());
  assert.deepEqual(config.listen.rtmp, [{ host: undefined, port: 1935, secure: false }]);
  assert.deepEqual(config.listen.admin, [{ host: '127.0.0.1', port: 1111, secure: false }]);
  assert.equal(config.limits.messageBytes, 8 << 20);
  assert.equal(config.limits.partialBytes, 16 << 20);
  assert.equal(config.limits.handshakeTimeoutMs, 10_000);
  assert.equal(config.live.publishTimeoutMs, 2000);
  assert.equal(config.script.gateMs, 10_000);
  assert.deepEqual(config.warnings, []);
});

test('conf/fms.ini beats the defaults, --set beats conf/fms.ini', (t) => {
  const root = rootWith(
    t,
    'LIMITS.NETSTREAMS = 3\nLIMITS.AMF_DEPTH = 9\nVHOST.APPSDIR = /srv/apps\nSERVER.DOMAIN = tv.example\n',
  );
  const config = loadConfig({ root, set: { 'LIMITS.AMF_DEPTH': '10', 'ADAPTOR.HOSTPORT': '127.0.0.1:0' } });
  assert.equal(config.limits.netStreams, 3);
  assert.equal(config.limits.amfDepth, 10);
  assert.equal(config.applicationsDir, '/srv/apps');
  assert.equal(config.hostname, 'tv.example');
  assert.deepEqual(config.listen.rtmp, [{ host: '127.0.0.1', port: 0, secure: false }]);
});

test('nothing, 0 and -1 switch off what can be off', (t) => {
  const set = { 'SERVER.ADMINSERVER_HOSTPORT': '', 'LIMITS.IDLE_TIMEOUT': '0', 'LIVE.PUBLISH_TIMEOUT': '-1' };
  const config = loadConfig({ root: rootWith(t), set });
  assert.deepEqual(config.listen.admin, []);
  assert.equal(config.limits.idleTimeoutMs, undefined);
  assert.equal(config.live.publishTimeoutMs, undefined);
});

test('symbols are the settings, ROOT, CONF, and whatever the operator added', (t) => {
  const root = rootWith(t, 'AUTH.URL = http://127.0.0.1/check\n__proto__ = harmless\n');
  const { symbols, warnings } = loadConfig({ root, set: { MY_NAME: 'x' } });
  assert.equal(symbols['AUTH.URL'], 'http://127.0.0.1/check');
  assert.equal(symbols.MY_NAME, 'x');
  assert.equal(symbols['ADAPTOR.HOSTPORT'], ':1935');
  assert.equal(symbols.ROOT, root);
  assert.equal(symbols.CONF, join(root, 'conf'));
  assert.equal(Object.hasOwn(symbols, '__proto__'), true);
  assert.deepEqual(warnings, []);
});

test('an unknown name in a family of settings is kept and warned about with its place', (t) => {
  const { symbols, warnings } = loadConfig({ root: rootWith(t, '\nLIMITS.AMF_DEPHT = 3\n'), set: {} });
  assert.equal(symbols['LIMITS.AMF_DEPHT'], '3');
  assert.deepEqual(warnings, [
    'conf/fms.ini:2: LIMITS.AMF_DEPHT = 3: there is no setting LIMITS.AMF_DEPHT; it changes nothing',
  ]);
});

test('the config is frozen to its leaves', (t) => {
  const config = loadConfig({ root: rootWith(t), set: {} });
  assert.throws(() => Object.assign(config.live.gop, { maxBytes: 1 }), TypeError);
  assert.throws(() => Object.assign(config.listen.rtmp[0]!, { port: 1 }), TypeError);
});

for (const [line, expected] of [
  ['LIMITS.AMF_DEPTH = banana', 'expected a whole number from 8 to 512'],
  ['LIMITS.AMF_DEPTH = 7', 'expected a whole number from 8 to 512'],
  ['LIMITS.AMF_DEPTH = 64.5', 'expected a whole number from 8 to 512'],
  ['LIMITS.AMF_DEPTH = 0x40', 'expected a whole number from 8 to 512'],
  ['LIMITS.AMF_DEPTH =', 'expected a whole number from 8 to 512'],
  ['LIMITS.MESSAGE_SIZE = 16384', 'expected a whole number of kilobytes (1024 bytes) from 64 to 16383'],
  ['LIMITS.IDLE_TIMEOUT = -1', 'expected a whole number of seconds from 1 to 86400, or 0: never'],
  ['ADAPTOR.HOSTPORT = :1935,-443', 'expected no TLS port: TLS is not there yet'],
  ['LOGGER.LEVEL = loud', 'expected trace, debug, info, warn or error'],
  ['ADAPTOR.HOSTPORT = :99999', '"99999" is not a port: expected 0 to 65535, "-" before it for TLS'],
] as const) {
  test(`a bad value says file, line and what was expected: ${line}`, (t) => {
    assert.throws(() => loadConfig({ root: rootWith(t, `# comment\n${line}\n`), set: {} }), {
      name: 'ConfigError',
      message: `conf/fms.ini:2: ${line.endsWith('=') ? `${line} ` : line}: ${expected}`,
    });
  });
}

test('a bad --set says so', (t) => {
  assert.throws(() => loadConfig({ root: rootWith(t), set: { 'SCRIPT.MEMORY': '1' } }), {
    code: 'ERR_CONFIG_VALUE',
    message: '--set SCRIPT.MEMORY=1: expected a whole number from 8 to 4096',
  });
});

test('a root that is not there is refused', (t) => {
  const root = join(rootWith(t), 'nowhere');
  assert.throws(() => loadConfig({ root, set: {} }), { code: 'ERR_CONFIG_READ' });
});

test('a conf/fms.ini that cannot be read is an error, not the defaults', (t) => {
  const root = rootWith(t);
  mkdirSync(join(root, 'conf', 'fms.ini'), { recursive: true });
  assert.throws(() => loadConfig({ root, set: {} }), { code: 'ERR_CONFIG_READ', message: /conf\/fms\.ini/ });
});
