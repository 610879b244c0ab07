import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ACCESS_EVENTS, ACCESS_FIELDS, type AccessEvent } from '../../src/log/access-fields.ts';
import { AccessLog, type AccessLogOptions } from '../../src/log/access-log.ts';
import { SecretMask } from '../../src/log/secrets.ts';
import { FMS_FORMAT } from '../../src/log/w3c.ts';
import { Desk } from './support.ts';

const EVERY_EVENT = Object.keys(ACCESS_EVENTS) as AccessEvent[];

class AccessDesk extends Desk {
  open(options: Partial<AccessLogOptions> = {}): AccessLog {
    const rotation = { maxBytes: 1 << 20, schedule: undefined, history: 5, rename: true };
    const file = { directory: this.folder, fileName: 'access.[NN].log', rotation, zone: 'local' } as const;
    return this.keep(
      new AccessLog(
        {
          file,
          format: FMS_FORMAT,
          events: EVERY_EVENT,
          fields: ACCESS_FIELDS,
          mask: new SecretMask(),
          software: 'Understudy/1.2.3',
          ...options,
        },
        { time: this.time, onProblem: this.onProblem, load: () => ({ cpuPercent: 7, memoryPercent: 42 }) },
      ),
    );
  }

  /** The lines, without those at the head of the file. */
  lines(): string[] {
    return this.read('access.00.log')
      .split('\r\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
  }
}

test('the fields are the 58 of Flash Media Server, in its order', () => {
  assert.equal(ACCESS_FIELDS.length, 58);
  assert.equal(new Set(ACCESS_FIELDS).size, 58);
  assert.deepEqual(
    [ACCESS_FIELDS[0], ACCESS_FIELDS[15], ACCESS_FIELDS[27], ACCESS_FIELDS[57]],
    ['x-event', 'x-status', 'x-sname', 'x-forwarded-for'],
  );
});

test('a line has every field; what the event does not know is a dash', async () => {
  await using desk = new AccessDesk();
  const log = desk.open();
  log.write('connect', { 'x-app': 'live', 'c-ip': '192.0.2.7', 'x-status': 200, 'cs-bytes': 0 });
  await log.close();
  const cells = desk.lines()[0]!.split('\t');
  assert.equal(cells.length, 58);
  const known = Object.fromEntries(
    ACCESS_FIELDS.map((field, i) => [field, cells[i]]).filter(([, cell]) => cell !== '-'),
  );
  assert.match(known.tz!, /^[+-]\d\d:\d\d$/);
  delete known.tz;
  assert.deepEqual(known, {
    'x-event': 'connect',
    'x-category': 'session',
    date: '2026-02-03',
    time: '04:05:06',
    'x-pid': String(process.pid),
    'x-cpu-load': '7',
    'x-mem-load': '42',
    'x-app': 'live',
    'x-status': '200',
    'c-ip': '192.0.2.7',
    'cs-bytes': '0',
  });
});

test('the header names the columns that were chosen, and the lines have them in that order', async () => {
  await using desk = new AccessDesk();
  const log = desk.open({
    fields: ['x-sname', 'x-event', 'x-status'],
    format: { ...FMS_FORMAT, delimiter: ' ' },
  });
  log.write('publish', { 'x-sname': 'my cam', 'x-status': 200, 'c-ip': '192.0.2.7' });
  await log.close();
  const lines = desk.read('access.00.log').split('\r\n');
  assert.equal(lines[4], '#Fields: x-sname x-event x-status');
  assert.equal(lines[5], 'my%20cam publish 200');
});

test('S-31: IPv6 addresses stand as they are, with their zone and without brackets', async () => {
  await using desk = new AccessDesk();
  const log = desk.open({ fields: ['c-ip', 's-ip', 's-uri'] });
  log.write('connect', {
    'c-ip': 'fe80::1%eth0',
    's-ip': '2001:db8::1',
    's-uri': 'rtmp://[2001:db8::1]/live',
  });
  log.write('connect', { 'c-ip': '192.0.2.7', 's-ip': '192.0.2.1' });
  await log.close();
  assert.deepEqual(desk.lines(), [
    'fe80::1%eth0\t2001:db8::1\trtmp://%5B2001:db8::1%5D/live',
    '192.0.2.7\t192.0.2.1\t-',
  ]);
});

test('no secret of an address or of a query reaches a line', async () => {
  await using desk = new AccessDesk();
  const log = desk.open();
  const uri = 'rtmp://bob:hunter2@host/live?token=hunter2&a=1';
  const query = 'token=hunter2&a=1';
  log.write('publish', {
    's-uri': uri,
    'cs-uri-stem': uri,
    'cs-uri-query': query,
    'c-referrer': uri,
    'x-page-url': uri,
    'x-sname-query': query,
    'x-suri': uri,
    'x-suri-stem': uri,
    'x-suri-query': query,
    'x-trans-sname-query': query,
  });
  await log.close();
  assert.doesNotMatch(desk.lines()[0]!, /hunter2/);
  assert.equal(desk.lines()[0]!.split('token=***&a=1').length - 1, 10);
});

test('events that were not asked for are not written', async () => {
  await using desk = new AccessDesk();
  const log = desk.open({ events: ['connect', 'disconnect'], fields: ['x-event'] });
  for (const event of EVERY_EVENT) log.write(event, {});
  await log.close();
  assert.deepEqual(desk.lines(), ['connect', 'disconnect']);
});

test('each event has its category', async () => {
  await using desk = new AccessDesk();
  const log = desk.open({ fields: ['x-event', 'x-category'] });
  for (const event of EVERY_EVENT) log.write(event, {});
  await log.close();
  const categories = Object.fromEntries(desk.lines().map((line) => line.split('\t')));
  assert.equal(Object.keys(categories).length, EVERY_EVENT.length);
  assert.equal(categories.recordstop, 'stream');
  assert.equal(categories['connect-pending'], 'session');
  assert.equal(categories['play-continue'], 'stream');
  assert.equal(categories['vhost-start'], 'vhost');
  assert.equal(categories['app-stop'], 'application');
});
