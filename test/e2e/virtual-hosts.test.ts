// Several virtual hosts and adaptors in one server: who is asked for what, and where it is written down.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { membersOf } from '../../src/protocol/amf/amf.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer } from '../support/server.ts';

const says = (text: string) =>
  `application.onConnect = () => { trace('${text}'); return { deny: '${text}' } };`;
const vhost = (inner: string) => `<VirtualHost>${inner}</VirtualHost>`;

test('applications of one name in three virtual hosts of two adaptors: the host that a client names decides', async () => {
  await using server = await startServer({
    conf: {
      '_defaultRoot_/show.example.com/Vhost.xml': vhost(
        '<AliasList><Alias name="Show.Example.ORG"/></AliasList><AppsDir>shows</AppsDir>',
      ),
      'second/Adaptor.xml':
        '<Adaptor><HostPortList><HostPort>127.0.0.1:0</HostPort></HostPortList><EnableAltVhost>true</EnableAltVhost></Adaptor>',
      'second/_defaultVHost_/Vhost.xml': vhost(
        '<AppsDir>others</AppsDir><ResourceLimits><MaxConnections>0</MaxConnections></ResourceLimits>',
      ),
      'second/side.example.com/Vhost.xml': vhost('<AppsDir>others</AppsDir>'),
    },
    applications: {
      'live/main.ts': says('the default host'),
      '../shows/live/main.ts': says('the show'),
      '../others/live/main.ts': says('the second adaptor'),
    },
  });
  const [first, second] = server.listeners.filter(({ kind }) => kind === 'rtmp').map(({ port }) => port);
  const reason = async (port: number | undefined, host: string, app = 'live') => {
    await using peer = await RtmpPeer.open(port!);
    const { args } = await peer.connect(app, { tcUrl: `rtmp://${host}/${app}` });
    return membersOf(args[0]!)?.description;
  };
  assert.equal(await reason(first, '127.0.0.1:1935'), 'the default host');
  assert.equal(await reason(first, 'nobody.example.com'), 'the default host');
  assert.equal(await reason(first, 'show.example.com'), 'the show');
  assert.equal(await reason(first, 'user:word@SHOW.example.com.:1935'), 'the show');
  assert.equal(await reason(first, 'show.example.org'), 'the show');
  assert.equal(await reason(first, 'side.example.com'), 'the default host');
  assert.equal(await reason(second, 'side.example.com'), 'the second adaptor');
  const side = (port: number | undefined) => reason(port, '127.0.0.1', 'live?_fcs_vhost=Side.Example.com');
  assert.equal(await side(second), 'the second adaptor');
  assert.equal(await side(first), 'the default host', 'that adaptor does not take it');
  assert.match(
    String(await reason(second, 'show.example.com')),
    /\(second, _defaultVHost_\).*Too many clients of this virtual host/,
  );
  await server.stop();
  const log = (...path: string[]) =>
    readFileSync(join(server.root, 'logs', ...path, 'live', '_definst_', 'application.00.log'), 'utf8');
  assert.match(log('_defaultVHost_'), /the default host/);
  assert.match(log('show.example.com'), /the show/);
  assert.match(log('second', 'side.example.com'), /the second adaptor/);
  const lines = readFileSync(join(server.root, 'logs', 'access.00.log'), 'utf8').split('\r\n');
  const fields = lines
    .find((line) => line.startsWith('#Fields:'))!
    .slice('#Fields: '.length)
    .split('\t');
  const places = lines.flatMap((line) => {
    const cells = line.split('\t');
    const cell = (name: string) => cells[fields.indexOf(name)];
    return cell('x-event') === 'connect' ? [`${cell('x-adaptor')}/${cell('x-vhost')}`] : [];
  });
  assert.deepEqual([...new Set(places)].sort(), [
    '_defaultRoot_/_defaultVHost_',
    '_defaultRoot_/show.example.com',
    'second/_defaultVHost_',
    'second/side.example.com',
  ]);
});
