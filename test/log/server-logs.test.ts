import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ACCESS_FIELDS } from '../../src/log/access-fields.ts';
import { SecretMask } from '../../src/log/secrets.ts';
import { ServerLogs, type ServerLogsOptions } from '../../src/log/server-logs.ts';
import { FMS_FORMAT } from '../../src/log/w3c.ts';
import { Desk } from './support.ts';

class ServerDesk extends Desk {
  open(isPerVhost: boolean): ServerLogs {
    const rotation = { maxBytes: 1 << 20, schedule: undefined, history: 5, rename: true };
    const file = (name: string) =>
      ({ directory: this.folder, fileName: `${name}.[NN].log`, rotation, zone: 'utc' }) as const;
    const access = {
      file: file('access'),
      format: FMS_FORMAT,
      fields: ACCESS_FIELDS,
      mask: new SecretMask(),
    };
    const options: ServerLogsOptions = {
      software: 'Understudy/1.2.3',
      lineEnd: '\n',
      access: { ...access, events: ['connect', 'server-start'], isPerVhost },
      application: undefined,
      master: undefined,
      edge: file('edge'),
      admin: undefined,
    };
    return this.keep(new ServerLogs(options, this.onProblem));
  }

  vhosts(...path: string[]): string[] {
    const text = readFileSync(this.path(...path, 'access.00.log'), 'utf8');
    const at = ACCESS_FIELDS.indexOf('x-vhost');
    const lines = text.split('\r\n').filter((line) => line !== '' && !line.startsWith('#'));
    return lines.map((line) => line.split('\t')[at]!);
  }
}

test('one access log for all virtual hosts', async () => {
  await using desk = new ServerDesk();
  const logs = desk.open(false);
  for (const host of ['a', 'b']) logs.accessOf(host)?.write('connect', { 'x-vhost': host });
  await logs.close();
  assert.deepEqual(desk.vhosts(), ['a', 'b']);
});

test('one for each virtual host, and one for the server; hosts of one name share theirs', async () => {
  await using desk = new ServerDesk();
  const logs = desk.open(true);
  logs.access?.write('server-start', {});
  for (const host of ['a', 'b', 'a']) logs.accessOf(host)?.write('connect', { 'x-vhost': host });
  logs.reopen();
  await logs.close();
  assert.deepEqual([desk.vhosts(), desk.vhosts('a'), desk.vhosts('b')], [['-'], ['a', 'a'], ['b']]);
});

test('what is switched off writes no file', async () => {
  await using desk = new ServerDesk();
  const logs = desk.open(false);
  logs.master.write('(i)2580001', 'x');
  logs.admin.write('(i)2670001', 'x');
  logs.applications.for('_defaultVHost_', 'live', '_definst_').trace('x');
  logs.edge.write('(i)2630001', 'x');
  logs.reopen();
  await logs.close();
  assert.deepEqual(Object.keys(desk.files()), ['edge.00.log']);
});
