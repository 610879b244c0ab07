// Which ports are open: families, addresses, and what is said about those that cannot be.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { type AddressInfo, connect, createServer, isIPv6, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { addressesOf } from '../../../src/adaptor/ports/addresses.ts';
import { holderOf } from '../../../src/adaptor/ports/port-holder.ts';
import { ConfigError } from '../../../src/errors.ts';
import { Core } from '../../support/core.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import { TunnelClient } from '../../support/tunnel-client.ts';

const hasIPv6 = Object.values(networkInterfaces()).some((entries) =>
  entries?.some(({ family }) => family === 'IPv6'),
);
const withoutIPv6 = hasIPv6 ? false : 'this machine has no IPv6';

const hasProc = existsSync('/proc/net/tcp');

const everywhere = { host: undefined, port: 0, secure: false };

async function dial(host: string, port: number): Promise<Socket> {
  const socket = connect(port, host);
  await once(socket, 'connect');
  return socket;
}

/** A port that somebody listens on. */
async function busyPort(host = '127.0.0.1') {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}

function places(core: Core) {
  return core.adaptor.listeners.map(({ address: { host, family, secure } }) => ({ host, family, secure }));
}

describe('families', () => {
  test('S-27: without NetworkingIPv6 a port without an address is open on IPv4 alone', async () => {
    await using core = await Core.start({ adaptor: { listen: [everywhere] } });
    assert.deepEqual(places(core), [{ host: '0.0.0.0', family: 'v4', secure: false }]);
    await assert.rejects(dial('::1', core.port), (error: NodeJS.ErrnoException) =>
      ['ECONNREFUSED', 'EADDRNOTAVAIL'].includes(error.code ?? ''),
    );
    (await dial('127.0.0.1', core.port)).destroy();
  });

  test('S-28, S-30, S-31: with it both families are served on one port, each client with its real address', {
    skip: withoutIPv6,
  }, async () => {
    await using core = await Core.start({ adaptor: { listen: [everywhere], ipv6: true } });
    assert.deepEqual(places(core), [
      { host: '0.0.0.0', family: 'v4', secure: false },
      { host: '::', family: 'v6', secure: false },
    ]);
    for (const address of ['127.0.0.1', '::1']) {
      const peer = await RtmpPeer.over(await dial(address, core.port));
      assert.equal((await peer.connect('live')).name, '_result');
      const { question } = await core.script().question('onConnect');
      assert.ok(question.gate === 'onConnect');
      assert.equal(question.client.ip, address);
      peer.socket.destroy();
    }
    const said = core.log.filter(({ event }) => event === 'listening').map(({ msg }) => msg);
    assert.deepEqual(said, [`listening on 0.0.0.0:${core.port}`, `listening on [::]:${core.port}`]);
    const connected = core.log.filter(({ event }) => event === 'connect').map(({ ip }) => ip);
    assert.deepEqual(connected, ['127.0.0.1', '::1']);
  });

  test('S-33: an address of IPv6 that is written out is served whatever the switch says', {
    skip: withoutIPv6,
  }, async () => {
    await using core = await Core.start({ adaptor: { listen: [{ ...everywhere, host: '::1' }] } });
    assert.deepEqual(places(core), [{ host: '::1', family: 'v6', secure: false }]);
    const peer = await RtmpPeer.over(await dial('::1', core.port));
    const tcUrl = `rtmp://[::1]:${core.port}/live`;
    assert.equal((await peer.connect('live', { tcUrl })).name, '_result');
    const { question } = await core.script().question('onConnect');
    assert.ok(question.gate === 'onConnect');
    assert.deepEqual([question.client.uri, question.client.ip], [tcUrl, '::1']);
    peer.socket.destroy();
  });

  test('a name stands for its addresses, of IPv4 alone unless IPv6 is switched on', async () => {
    assert.deepEqual(await addressesOf('localhost', false), ['127.0.0.1']);
    const both = await addressesOf('localhost', true);
    assert.ok(both.includes('127.0.0.1') || both.includes('::1'));
    await assert.rejects(
      addressesOf('nobody.invalid', false),
      (error: unknown) =>
        error instanceof ConfigError && /^cannot listen on nobody\.invalid: /.test(error.message),
    );
  });

  test('S-34: a zone may be the number of its interface', async () => {
    const interfaces = Object.entries(networkInterfaces());
    const local = interfaces
      .flatMap(([name, entries]) => (entries ?? []).map((entry) => ({ name, ...entry })))
      .find(({ family, address }) => family === 'IPv6' && isIPv6(address) && address.startsWith('fe80'));
    if (local)
      assert.deepEqual(await addressesOf(`${local.address}%${local.scopeid}`, true), [
        `${local.address}%${local.name}`,
      ]);
    assert.deepEqual(await addressesOf('fe80::1%eth0', true), ['fe80::1%eth0']);
    assert.deepEqual(await addressesOf('fe80::1%999999', true), ['fe80::1%999999']);
  });
});

test('S-05: an adaptor opens any number of ports, and each of them speaks RTMP, HTTP, and RTMP in HTTP', async () => {
  const listen = Array.from({ length: 3 }, () => ({ host: '127.0.0.1', port: 0, secure: false }));
  await using core = await Core.start({ adaptor: { listen } });
  const ports = core.adaptor.listeners.map(({ address }) => address.port);
  assert.equal(new Set(ports).size, 3);
  for (const port of ports) {
    const peer = await RtmpPeer.over(await dial('127.0.0.1', port));
    assert.equal((await peer.connect('live')).name, '_result');
    peer.socket.destroy();
    const answer = await fetch(`http://127.0.0.1:${port}/fcs/ident2`, { headers: { connection: 'close' } });
    assert.equal(await answer.text(), '127.0.0.1');
    await using tunnelled = await RtmpPeer.over((await TunnelClient.open(port)).asSocket);
    assert.equal((await tunnelled.connect('live')).name, '_result');
  }
});

describe('a port that cannot be bound', () => {
  test('is named with who holds it, and the others serve', async () => {
    await using busy = await busyPort();
    const listen = [everywhere, { host: '127.0.0.1', port: busy.port, secure: false }];
    await using core = await Core.start({ adaptor: { listen } });
    assert.equal(core.adaptor.listeners.length, 1);
    const own = hasProc
      ? `${basename(realpathSync(process.execPath))} (process ${process.pid})`
      : 'another process';
    assert.deepEqual(
      core.trouble.map(({ event, code, msg }) => ({ event, code, msg })),
      [
        {
          event: 'port-closed',
          code: 'ERR_CONFIG_BIND',
          msg: `port 127.0.0.1:${busy.port} is in use by ${own}`,
        },
      ],
    );
    assert.equal((await (await core.peer()).connect('live')).name, '_result');
  });

  test('ends the start when there is no other', async () => {
    await using busy = await busyPort();
    await assert.rejects(
      Core.start({ adaptor: { listen: [{ host: '127.0.0.1', port: busy.port, secure: false }] } }),
      (error: unknown) => error instanceof ConfigError && error.code === 'ERR_CONFIG_BIND',
    );
  });

  test('says that the machine has no such address', async () => {
    await assert.rejects(
      Core.start({ adaptor: { listen: [{ host: '192.0.2.1', port: 0, secure: false }] } }),
      /cannot listen on 192\.0\.2\.1:0: this machine has no address 192\.0\.2\.1/,
    );
  });

  const withoutRights = reasonNotToDropRights();
  test('says which right the process lacks', { skip: withoutRights }, async () => {
    const nobody = 65_534;
    const listener = pathToFileURL(
      join(import.meta.dirname, '..', '..', '..', 'src', 'adaptor', 'ports', 'listener.ts'),
    );
    const script = `import { Listener } from '${listener}';
      await Listener.open({ host: '127.0.0.1', port: 443 }, {}).catch(({ message }) => console.log(message));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      uid: nobody,
      gid: nobody,
      encoding: 'utf8',
    });
    assert.equal(
      stdout,
      'this process may not bind 127.0.0.1:443: ports below 1024 need the capability CAP_NET_BIND_SERVICE\n',
      stderr,
    );
  });

  test('has no holder when nobody listens on it', { skip: !hasProc && 'no /proc here' }, async () => {
    const { port, [Symbol.asyncDispose]: close } = await busyPort();
    assert.match(String(holderOf(port)), new RegExp(`\\(process ${process.pid}\\)$`));
    await close();
    assert.equal(holderOf(port), undefined);
  });
});

function reasonNotToDropRights(): string | false {
  if (process.getuid?.() !== 0) return 'only root can try it as somebody else';
  const open = '/proc/sys/net/ipv4/ip_unprivileged_port_start';
  if (!existsSync(open) || Number(readFileSync(open, 'utf8')) <= 443)
    return 'everybody may bind port 443 here';
  return false;
}
