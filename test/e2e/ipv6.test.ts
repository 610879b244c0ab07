// IPv6 as the system has it, or has not: in network namespaces of the test's own, where it can be switched off.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { lacks } from '../support/debian.ts';
import { startServer, type TestServer } from '../support/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'understudy-ipv6-'));
after(() => rmSync(dir, { recursive: true, force: true }));

const REPOSITORY = join(import.meta.dirname, '..', '..');
/** Root of a namespace of users, so that nobody has to be root outside. */
const UNSHARE = ['--map-root-user', '--net'];

function withoutNamespaces(): string | false {
  const missing = lacks('unshare', 'ip');
  if (missing) return missing;
  const { status } = spawnSync('unshare', [...UNSHARE, 'true']);
  return status === 0 ? false : 'this machine allows no network namespaces';
}
const skip = withoutNamespaces();

/** What runs a command in a new namespace, once `setup` has run there. */
function inNamespace(setup: string, ...command: string[]): [string, ...string[]] {
  return ['unshare', ...UNSHARE, 'sh', '-ec', `${setup}\nexec "$0" "$@"`, ...command];
}

const server = [process.execPath, join(REPOSITORY, 'src', 'main.ts')];
const LOOPBACK = 'ip link set lo up';
const NO_IPV6 = `echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
                 echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6`;
const PAIR = `ip link add v0 index 10 type veth peer name v1 index 11
              ip link set v0 addrgenmode none
              ip link set v1 addrgenmode none
              ip address add fe80::1/64 dev v0 nodad
              ip address add fe80::2/64 dev v1 nodad
              ip link set v0 up
              ip link set v1 up`;

function rootWith(name: string, serverXml: string): string {
  const root = join(dir, name);
  mkdirSync(join(root, 'conf'), { recursive: true });
  writeFileSync(join(root, 'conf', 'Server.xml'), `<Root><Server>${serverXml}</Server></Root>`);
  return root;
}

const families = (listeners: readonly object[]) =>
  listeners.map((listener) => ('family' in listener ? listener.family : undefined));
/** Without the administration's, which is not asked here. */
const rtmpOf = ({ listeners }: TestServer) => listeners.filter(({ kind }) => kind === 'rtmp');

describe('NetworkingIPv6', { skip }, () => {
  for (const [name, element, expected] of [
    ['S-27: absent', '', ['v4']],
    ['S-27: enable="false"', '<NetworkingIPv6 enable="false"/>', ['v4']],
    ['S-28, S-29: enable="true"', '<NetworkingIPv6 enable="true" />', ['v4', 'v6']],
    ['S-29: with a closing tag', '<NetworkingIPv6 enable="true"></NetworkingIPv6>', ['v4', 'v6']],
  ] as const) {
    test(`${name}: ${expected.join(' and ')}`, async () => {
      const root = rootWith(name.replaceAll(/\W/g, ''), element);
      const command = inNamespace(LOOPBACK, ...server);
      await using running = await startServer({ root, command, set: { 'ADAPTOR.HOSTPORT': ':0' } });
      assert.deepEqual(families(rtmpOf(running)), expected);
      assert.equal(new Set(rtmpOf(running).map(({ port }) => port)).size, 1);
    });
  }

  test('S-32: on a machine without IPv6 it is warned of, and IPv4 is served', async () => {
    const root = rootWith('none', '<NetworkingIPv6 enable="true"/>');
    const command = inNamespace(`${NO_IPV6}\n${LOOPBACK}`, ...server);
    await using running = await startServer({ root, command, set: { 'ADAPTOR.HOSTPORT': ':0' } });
    assert.deepEqual(families(rtmpOf(running)), ['v4']);
    const warned = running.log.filter(({ event }) => event === 'no-ipv6');
    assert.deepEqual(
      warned.map(({ level, port }) => [level, port]),
      [['warn', rtmpOf(running)[0]!.port]],
    );
  });
});

describe('S-34: link-local addresses', { skip }, () => {
  for (const [name, zone] of [
    ['by the name of its interface', 'v0'],
    ['by its number', '10'],
  ]) {
    test(`a port is bound with a zone ${name}, and the client's address has one`, async () => {
      const script = join(REPOSITORY, 'test', 'support', 'link-local.ts');
      const [file, ...args] = inNamespace(PAIR, process.execPath, script, `fe80::1%${zone}`, 'fe80::1%v1');
      const { stdout } = await promisify(execFile)(file, args, { timeout: 30_000 });
      assert.deepEqual(JSON.parse(stdout), { ip: 'fe80::2%v0' });
    });
  }
});
