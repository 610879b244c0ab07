// Settings by path: read with everything that layers, symbols and defaults say, and changed without touching the rest.
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setValue } from '../../src/config/edit.ts';
import { loadConfig } from '../../src/config/load.ts';
import { Settings, type SettingsFile } from '../../src/config/settings.ts';
import { ConfigError } from '../../src/errors.ts';
import { rootWith } from './support.ts';

const HOST = { adaptor: '_defaultRoot_', vhost: '_defaultVHost_' };
const LIVE: SettingsFile = { kind: 'application', ...HOST, application: 'live' };
const ALL: SettingsFile = { kind: 'application', ...HOST, application: undefined };
const OWN = 'applications/live/Application.xml';

function settingsOf(t: TestContext, files: Record<string, string>) {
  const root = rootWith(t, files);
  const settings = new Settings(loadConfig({ root, set: {}, environment: {} }));
  const read = (file: SettingsFile, path: string) => settings.read(file, path.split('/'));
  const write = (file: SettingsFile, path: string, value: string) =>
    settings.write(file, path.split('/'), value);
  const text = (path = OWN) => readFileSync(join(root, path), 'utf8');
  return { root, read, write, text };
}

function refuses(run: () => unknown, why: RegExp): void {
  assert.throws(run, (error) => error instanceof ConfigError && why.test(error.message));
}

test('a setting is what its file says, else what the file above says, else its default', (t) => {
  const { read } = settingsOf(t, {
    'conf/fms.ini': 'IDLE = 77\nADAPTOR.HOSTPORT = :1936',
    'conf/_defaultRoot_/_defaultVHost_/Application.xml':
      '<Application><MaxAppIdleTime>${IDLE}</MaxAppIdleTime><ScriptEngine><MaxTimers>5</MaxTimers></ScriptEngine></Application>',
    [OWN]: '<Application><Client><OutChunkSize>4096</OutChunkSize></Client></Application>',
  });
  assert.equal(read(LIVE, 'Client/OutChunkSize'), '4096');
  assert.equal(read(ALL, 'Client/OutChunkSize'), '60000');
  assert.equal(read(LIVE, 'MaxAppIdleTime'), '77');
  assert.equal(read(LIVE, 'JSEngine/MaxTimers'), '5');
  assert.equal(read(LIVE, 'ScriptEngine/MaxTimers'), '5');
  assert.equal(
    read({ kind: 'adaptor', adaptor: '_defaultRoot_' }, 'HostPortList/HostPort').toString(),
    '[object Object]',
  );
  assert.deepEqual(read({ kind: 'adaptor', adaptor: '_defaultRoot_' }, 'HostPortList'), {
    HostPort: [{ name: '', text: ':1936' }],
  });
  assert.equal(read({ kind: 'server' }, 'Server/NetworkingIPv6/@enable'), 'false');
  assert.deepEqual(read({ kind: 'server' }, 'Server/NetworkingIPv6'), { enable: 'false' });
});

test('one of a list is chosen by its name', (t) => {
  const { read } = settingsOf(t, {
    'conf/_defaultRoot_/Adaptor.xml':
      '<Adaptor><HostPortList><HostPort name="a">:0</HostPort><HostPort name="b">:7000</HostPort></HostPortList></Adaptor>',
  });
  assert.equal(read({ kind: 'adaptor', adaptor: '_defaultRoot_' }, 'HostPortList/HostPort:b'), ':7000');
  refuses(() => read({ kind: 'adaptor', adaptor: '_defaultRoot_' }, 'HostPortList/HostPort:c'), /HostPort:c/);
});

test('secrets are never said, alone or in what is around them', (t) => {
  const { read } = settingsOf(t, {
    'conf/Users.xml':
      '<Root><UserList><User name="ann"><Password>hunter2</Password></User></UserList></Root>',
    'conf/_defaultRoot_/Adaptor.xml':
      '<Adaptor><SSL><SSLServerCtx><SSLPassPhrase>hunter2</SSLPassPhrase></SSLServerCtx></SSL></Adaptor>',
    [OWN]: `<Application><JSEngine>
      <Environment><KEY>hunter2</KEY></Environment>
      <ApplicationObject><config><deep><api>hunter2</api></deep></config></ApplicationObject>
      <Exec name="push"><Program>ffmpeg</Program><Argument>rtmp://elsewhere/live/hunter2</Argument></Exec>
    </JSEngine></Application>`,
  });
  const adaptor: SettingsFile = { kind: 'adaptor', adaptor: '_defaultRoot_' };
  assert.equal(read(adaptor, 'SSL/SSLServerCtx/SSLPassPhrase'), '***');
  assert.equal(read({ kind: 'users' }, 'UserList/User:ann/Password'), '***');
  assert.deepEqual(read(LIVE, 'JSEngine/Environment'), { KEY: '***' });
  const all = JSON.stringify([
    read({ kind: 'users' }, 'UserList'),
    read(adaptor, 'SSL'),
    read(LIVE, 'JSEngine'),
  ]);
  assert.ok(!all.includes('hunter2'), all);
  assert.match(all, /"api":"\*\*\*"/);
});

test('what is not there, and what is there and not used, are told apart', (t) => {
  const { read } = settingsOf(t, {});
  refuses(() => read({ kind: 'server' }, 'Server/Nothing'), /conf\/Server\.xml has no Server\/Nothing/);
  refuses(() => read({ kind: 'server' }, 'Server/Localhost/x'), /has no effect/);
  refuses(() => read({ kind: 'server' }, 'Server/CrossDomainPath/deeper'), /has no/);
  refuses(() => read({ kind: 'server' }, '__proto__/x'), /has no/);
  refuses(() => read({ kind: 'adaptor', adaptor: 'no' }, 'SSL'), /no adaptor "no"/);
});

test('a change writes that value alone, and makes the file where there is none', (t) => {
  const own = `<?xml version="1.0"?>
<!-- <MaxAppIdleTime>1</MaxAppIdleTime> -->
<Application>
  <!-- mine -->
  <MaxAppIdleTime>60</MaxAppIdleTime>
  <Client><OutChunkSize>4096</OutChunkSize></Client>
</Application>
`;
  const { root, read, write, text } = settingsOf(t, {
    [OWN]: own,
    'applications/bare/main.ts': '',
    'conf/_defaultRoot_/_defaultVHost_/Application.xml': '<Application/>',
  });
  write(LIVE, 'MaxAppIdleTime', '90');
  assert.equal(text(), own.replace('>60<', '>90<'));
  write(LIVE, 'StreamManager/Live/PublishTimeout', '500');
  assert.equal(read(LIVE, 'StreamManager/Live/PublishTimeout'), '500');
  write(LIVE, 'AutoCloseIdleClients/@enable', 'false');
  assert.equal(read(LIVE, 'AutoCloseIdleClients/@enable'), 'false');
  assert.match(text(), /<!-- mine -->/);
  const bare: SettingsFile = { kind: 'application', ...HOST, application: 'bare' };
  write(bare, 'Client/Backlog/SoftSize', '256');
  assert.equal(read(bare, 'Client/Backlog/SoftSize'), '256');
  assert.equal(statSync(join(root, 'applications/bare/Application.xml')).mode & 0o777, 0o644);
  write(ALL, 'MaxAppIdleTime', '30');
  assert.equal(read(bare, 'MaxAppIdleTime'), '30');
});

test('an element keeps the name that its file gives it', (t) => {
  const { read, write, text } = settingsOf(t, {
    [OWN]: '<Application><ScriptEngine><MaxTimers>5</MaxTimers></ScriptEngine></Application>',
  });
  write(LIVE, 'JSEngine/MaxTimers', '7');
  assert.equal(read(LIVE, 'JSEngine/MaxTimers'), '7');
  assert.match(text(), /<ScriptEngine><MaxTimers>7</);
});

test('a change that may not be, or would be a mistake, leaves the file as it is', (t) => {
  const own = '<Application><MaxAppIdleTime>60</MaxAppIdleTime></Application>';
  const { write, text } = settingsOf(t, {
    [OWN]: own,
    'applications/broken/Application.xml': '<Application><Nothing/></Application>',
    'conf/_defaultRoot_/_defaultVHost_/Application.xml':
      '<Application><Client override="no"><OutChunkSize>4096</OutChunkSize></Client></Application>',
  });
  refuses(
    () => write(LIVE, 'MaxAppIdleTime', 'soon'),
    /MaxAppIdleTime = soon: expected a whole number of seconds/,
  );
  refuses(() => write(LIVE, 'MaxAppIdleTime', '1</MaxAppIdleTime>'), /expected/);
  refuses(() => write(LIVE, 'Client/OutChunkSize', '8192'), /override="no"/);
  refuses(() => write(LIVE, 'Client', '8192'), /no single value/);
  for (const path of [
    'JSEngine/Fetch/Hosts',
    'StreamManager/StorageDir',
    'Authentication/Mode',
    'JSEngine/GateFailure',
  ]) {
    refuses(() => write(LIVE, path, 'open'), /cannot be changed by command/);
  }
  refuses(() => write({ kind: 'server' }, 'Server/NetworkingIPv6/@enable', 'true'), /in conf\/Server\.xml/);
  const broken: SettingsFile = { kind: 'application', ...HOST, application: 'broken' };
  refuses(() => write(broken, 'MaxAppIdleTime', '60'), /<Nothing> is unknown/);
  const nowhere: SettingsFile = { kind: 'application', ...HOST, application: 'nowhere' };
  refuses(() => write(nowhere, 'MaxAppIdleTime', '60'), /cannot be written/);
  assert.equal(text(), own);
});

test('a value finds its place in whatever form the file has', () => {
  const set = (xml: string, path: string[], value = 'v') => setValue(xml, 'A', path, value);
  assert.equal(set('<A/>', ['B']), '<A>\n  <B>v</B>\n</A>');
  assert.equal(set('<A><B/></A>', ['B']), '<A><B>v</B></A>');
  assert.equal(set('<A><B c=">" /></A>', ['B']), '<A><B c=">">v</B></A>');
  assert.equal(set('<A><B c=">">w</B></A>', ['B', '@c'], '"<&'), '<A><B c="&quot;&lt;&amp;">w</B></A>');
  assert.equal(set('<A><B /></A>', ['B', '@c']), '<A><B c="v"/></A>');
  assert.equal(set('<A>\n  <B>\n  </B>\n</A>', ['B', 'C']), '<A>\n  <B>\n    <C>v</C>\n  </B>\n</A>');
  assert.equal(set('<A><B>1</B><B>2</B></A>', ['B']), '<A><B>1</B><B>v</B></A>');
  assert.equal(set('<A><!-- </A> --></A>', ['B', '@c']), '<A><!-- </A> -->\n  <B c="v"/>\n</A>');
});
