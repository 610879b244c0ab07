// Administrators of one virtual host: what they see and may do, and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AdministeredHost } from '../../src/admin/administered.ts';
import { ErrorRecords } from '../../src/application/accounts/error-records.ts';
import { Statistics } from '../../src/application/instance/statistics.ts';
import { LoadGovernor } from '../../src/application/live/flush.ts';
import { AdminCore, administeredHost, basic, NO_SETTINGS, PASSWORD, user } from '../support/admin.ts';
import { Core } from '../support/core.ts';

const SCOPE = { adaptor: '_defaultRoot_', vhost: 'show.example.com' };
const FAILED = 'NetConnection.Admin.CommandFailed';
const BOB = { auser: 'bob', apswd: PASSWORD };

/** Ann administers the server, bob the second of its two virtual hosts; both hosts have an application live that runs. */
async function twoHosts(own: Partial<AdministeredHost> = {}) {
  const [first, second] = [await Core.start(), await Core.start()];
  const governor = new LoadGovernor(first.clock);
  const numbersOf = (...cores: Core[]) =>
    new Statistics({ registries: cores.map(({ registry }) => registry), governor, clock: first.clock });
  let lastErrorId = 0;
  const host = (name: string, core: Core) =>
    administeredHost(core, numbersOf(core), {
      name,
      errors: new ErrorRecords({ nowMs: () => 0, nextId: () => ++lastErrorId }),
      ...own,
    });
  const hosts = [host('_defaultVHost_', first), host(SCOPE.vhost, second)];
  const statistics = numbersOf(first, second);
  const stops: string[] = [];
  const world = await AdminCore.start({
    admin: {
      users: [user('ann'), { ...user('bob'), scope: SCOPE }],
      administered: {
        software: 'Understudy/test',
        hosts,
        statistics,
        settings: NO_SETTINGS,
        limits: () => [],
        connections: () => first.sessionCount + second.sessionCount,
        stop: (why) => stops.push(why),
      },
    },
  });
  await first.publisher('camera');
  await second.publisher('stage');
  return {
    world,
    first,
    second,
    hosts,
    stops,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      for (const one of [statistics, ...hosts.map((each) => each.statistics)]) one.close();
      await first[Symbol.asyncDispose]();
      await second[Symbol.asyncDispose]();
    },
  };
}

test('his host is the only one there is', async () => {
  await using t = await twoHosts();
  const ask = (method: string, parameters = {}) => t.world.call(method, parameters, BOB);
  assert.deepEqual((await ask('getVHosts')).data, [SCOPE.vhost]);
  assert.deepEqual((await ask('getLiveStreams', { appInst: 'live' })).data, ['stage']);
  assert.equal((await ask('getLiveStreams', { appInst: 'live', vhost: '_defaultVHost_' })).code, FAILED);
  assert.equal((await ask('unloadApp', { appInst: 'live', vhost: '_defaultVHost_' })).code, FAILED);
  assert.ok(t.first.instance());
  const context = (await ask('getAdminContext')).data;
  assert.deepEqual([context.admin_type, context.vhost], ['vhost', SCOPE.vhost]);

  const json = (path: string) => t.world.json('GET', path, undefined, basic('bob'));
  assert.deepEqual(
    (await json('/instances')).value.map(({ vhost }: { vhost: string }) => vhost),
    [SCOPE.vhost],
  );
  const [stranger] = t.first.instance()!.clients.keys();
  assert.equal((await json(`/clients/${stranger}`)).status, 404);
  const [own] = t.second.instance()!.clients.keys();
  assert.equal((await json(`/clients/${own}`)).status, 200);
  for (const { errors, name } of t.hosts)
    errors.add('a', { application: 'live', kind: 'build', message: `on ${name}`, frames: [] });
  for (const path of ['/errors', '/applications/live/errors']) {
    const messages = (await json(path)).value.map(({ message }: { message: string }) => message);
    assert.deepEqual(messages, [`on ${SCOPE.vhost}`]);
  }
  assert.equal((await ask('getScriptErrors', { app: 'live', vhost: '_defaultVHost_' })).code, FAILED);
  assert.equal((await ask('unloadApp', { appInst: 'live' })).level, 'status');
  assert.equal(t.second.instance(), undefined);
  assert.deepEqual(t.world.written, [
    '(i)2672002 bob (127.0.0.1) unloaded _defaultRoot_/show.example.com/live/_definst_',
  ]);
});

test('what concerns the server is not his, whichever way he asks and whatever he shows', async () => {
  await using t = await twoHosts();
  for (const method of [
    'stopServer',
    'shutdownServer',
    'getServerStats',
    'getIOStats',
    'getAdaptors',
    'getAdmins',
    'addAdmin',
    'changePswd',
    'removeAdmin',
    'stopVHost',
    'startVHost',
    'restartVHost',
    'addVHostAlias',
    'removeVHostAlias',
  ]) {
    const { code, description } = await t.world.call(method, { name: 'eve', password: PASSWORD }, BOB);
    assert.deepEqual([code, /virtual host may not/.test(description!)], [FAILED, true], method);
  }
  const { token } = (await t.world.json('POST', '/tokens', undefined, basic('bob'))).value;
  for (const authorization of [basic('bob'), `Bearer ${token}`]) {
    for (const [method, path, body] of [
      ['GET', '/server'],
      ['POST', '/server/stop'],
      ['GET', '/users'],
      ['POST', '/users', { name: 'eve', password: PASSWORD }],
      ['PUT', '/users/ann/password', { password: PASSWORD }],
      ['DELETE', '/users/ann'],
      ['POST', `/hosts/${SCOPE.adaptor}/${SCOPE.vhost}/stop`],
      ['PUT', `/hosts/${SCOPE.adaptor}/${SCOPE.vhost}/aliases/x`],
    ] as const) {
      assert.equal((await t.world.json(method, path, body, authorization)).status, 403, `${method} ${path}`);
    }
    assert.equal((await t.world.request('GET', '/metrics', { authorization })).status, 403);
  }
  assert.deepEqual(t.stops, []);
  const users = (await t.world.json('GET', '/users')).value;
  assert.deepEqual(users, [{ name: 'ann' }, { name: 'bob', ...SCOPE }]);
  const { data } = await t.world.call('getAdmins');
  assert.deepEqual([data.server_admins, data.vhost_admins], [['ann'], ['bob']]);
});

test('a server whose only administrators are those of a host gets one of its own', async () => {
  await using world = await AdminCore.start({ admin: { users: [{ ...user('bob'), scope: SCOPE }] } });
  assert.equal(world.admin.firstAccount?.name, 'admin');
});

test('settings are his as far as they are of his host; what all of its applications have in common he may only read', async () => {
  await using t = await twoHosts();
  const ask = (method: string, scope: string, value?: string) =>
    t.world.call(method, { key: 'MaxAppIdleTime', scope, ...(value === undefined ? {} : { value }) }, BOB);
  const own = `Adaptor:${SCOPE.adaptor}/VirtualHost:${SCOPE.vhost}`;
  for (const scope of ['App:live', own, `${own}/App`, `${own}/App:live`]) {
    assert.equal((await ask('getConfig2', scope)).level, 'status', scope);
  }
  const foreign = [
    '',
    'Users',
    'Logger',
    'Admin',
    'Adaptor:_defaultRoot_',
    'VirtualHost:_defaultVHost_/App:live',
  ];
  for (const scope of foreign) {
    for (const method of ['getConfig2', 'setConfig2']) {
      const { level, description } = await ask(method, scope, '60');
      assert.deepEqual([level, /virtual host may not/.test(description!)], ['error', true], scope);
    }
  }
  assert.equal((await ask('setConfig2', 'App:live', '60')).level, 'status');
  for (const scope of ['App', own])
    assert.equal((await ask('setConfig2', scope, '60')).level, 'error', scope);
});

test('where hosts have one folder of applications, files in it are not his to change', async () => {
  await using t = await twoHosts({ sharesApplications: true });
  for (const [method, parameters] of [
    ['removeApp', { app: 'live' }],
    ['clearStreams', { appInst: 'live', path: 'show' }],
    ['setConfig2', { scope: 'App:live', key: 'MaxAppIdleTime', value: '60' }],
  ] as const) {
    const { level, description } = await t.world.call(method, parameters, BOB);
    assert.deepEqual([level, /same folder/.test(description!)], ['error', true], method);
  }
  assert.ok(t.second.instance(), 'and nothing was stopped');
  assert.equal((await t.world.call('clearStreams', { appInst: 'live', path: 'show' })).level, 'status');
});
