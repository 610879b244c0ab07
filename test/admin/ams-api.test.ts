// The Administration API as its clients know it from Flash Media Server and its successor: GET, XML, `code`, `data`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdminCore, basic, PASSWORD, readAmsResult } from '../support/admin.ts';
import { until } from '../support/core.ts';
import { video } from '../support/media.ts';

const SUCCESS = 'NetConnection.Call.Success';
const FAILED = 'NetConnection.Admin.CommandFailed';

/** A client of Adobe Media Server in Node does just this for its overview of a server. */
test('a monitoring client finds applications, streams, players and users', async () => {
  await using world = await AdminCore.start();
  const { core } = world;
  const { peer, id } = await core.publisher('cam');
  const { peer: player } = await core.player('cam');
  peer.video(id, 0, video.keyframe());
  await player.expectMedia();
  core.clock.advance(4_000);

  const apps = await world.call('getApps');
  assert.equal(apps.code, SUCCESS);
  assert.equal(apps.level, 'status');
  assert.deepEqual(apps.data, { total_apps: '2', _0: 'live', _1: 'other' });

  const stats = await world.call('getAppStats', { app: 'live' });
  assert.equal(stats.code, SUCCESS);
  assert.ok(stats.data.cores, 'it looks for cores to see whether the application runs');
  assert.deepEqual(stats.data.cores, [{ pid: String(process.pid), core_id: '0' }]);
  assert.deepEqual([stats.data.connected, stats.data.accepted, stats.data.total_connects], ['2', '2', '2']);
  assert.equal(stats.data.up_time, '4');
  assert.ok(!Number.isNaN(Date.parse(stats.data.launch_time)));
  assert.ok(!(await world.call('getAppStats', { app: 'other' })).data.cores);

  assert.deepEqual((await world.call('getActiveInstances')).data, ['live/_definst_']);
  const instance = await world.call('getInstanceStats', { appInst: 'live/_definst_' });
  assert.equal(instance.data.script.total_processed, '4');
  assert.deepEqual((await world.call('getScriptStats', { appInst: 'live' })).data, instance.data.script);

  const streams = await world.call('getLiveStreams', { appInst: 'live/_definst_' });
  assert.deepEqual(streams.data, ['cam']);
  const stream = await world.call('getLiveStreamStats', { appInst: 'live/_definst_', stream: 'cam' });
  const users = await world.call('getUsers', { appInst: 'live/_definst_' });
  const { publisher, subscribers } = stream.data;
  assert.deepEqual(users.data, [publisher.client, subscribers[0].client]);
  assert.deepEqual(
    [publisher.name, publisher.type, publisher.client_type],
    ['cam', 'publishing', 'LNX 9,0,124,2'],
  );
  assert.equal(Date.parse(publisher.publish_time), Date.UTC(2026, 6, 23, 8, 25, 52));

  const user = await world.call('getUserStats', { appInst: 'live/_definst_', userId: subscribers[0].client });
  assert.equal(user.data.protocol, 'rtmp');
  assert.ok(Number(user.data.bytes_out) > 0);
  assert.equal(user.data.msg_queue.total_queues, '1');
  const netStreams = await world.call('getNetStreams', { appInst: 'live/_definst_' });
  assert.deepEqual(netStreams.data, [publisher.stream_id, user.data.stream_ids[0]]);
  const all = await world.call('getNetStreamStats', { appInst: 'live/_definst_', streamids: '-1' });
  assert.deepEqual(
    all.data.map(({ type, name, client }: Record<string, string>) => [type, name, client]),
    [
      ['publishing', 'cam', publisher.client],
      ['playing live', 'cam', subscribers[0].client],
    ],
  );
  const one = await world.call('getNetStreamStats', {
    appInst: 'live',
    streamids: `[${netStreams.data[1]}]`,
  });
  assert.deepEqual(one.data, [all.data[1]]);

  const server = await world.call('getServerStats');
  assert.equal(server.data.uptime, '4');
  assert.equal(server.data.io.connected, '2');
  assert.deepEqual((await world.call('getIOStats')).data, server.data.io);
});

test('the server, its adaptors and hosts, and who one is', async () => {
  await using world = await AdminCore.start();
  assert.equal((await world.call('ping')).code, SUCCESS);
  assert.deepEqual((await world.call('getAdaptors')).data, ['_defaultRoot_']);
  for (const method of ['getVHosts', 'getActiveVHosts']) {
    assert.deepEqual((await world.call(method)).data, ['_defaultVHost_']);
    assert.deepEqual((await world.call(method, { adaptor: '_defaultRoot_' })).data, ['_defaultVHost_']);
    assert.equal((await world.call(method, { adaptor: 'other' })).code, FAILED);
  }
  assert.equal((await world.call('getVHostStats')).data.total_apps, '2');
  assert.equal((await world.call('getAdminContext')).data.admin_type, 'server');
  const license = (await world.call('getLicenseInfo')).data;
  assert.deepEqual([license.name, license.version, license.max_connections], ['Understudy', 'test', '-1']);
  assert.deepEqual((await world.call('getAdmins')).data.server_admins, ['ann']);
});

test('startApp, reloadApp and unloadApp act, and each is in the admin log once', async () => {
  await using world = await AdminCore.start();
  const { core } = world;
  assert.equal((await world.call('startApp', { appInst: 'live/room' })).code, SUCCESS);
  const first = core.instance('live/room');
  assert.ok(first);
  assert.equal((await world.call('startApp', { appInst: 'live/room' })).code, SUCCESS);
  assert.equal(core.instance('live/room'), first);

  const peer = await core.peer();
  await peer.connect('live/room');
  assert.equal((await world.call('reloadApp', { appInst: 'live/room' })).code, SUCCESS);
  await peer.expectStatus('NetConnection.Connect.AppShutdown');
  await peer.closed();
  assert.deepEqual(core.scripts.opened[0]!.stops, ['Application.Shutdown']);
  const second = core.instance('live/room');
  assert.ok(second && second !== first);

  await (await core.peer()).connect('live');
  assert.equal((await world.call('unloadApp', { appInst: 'live' })).code, SUCCESS);
  assert.equal((await world.call('getActiveInstances')).data, '');
  assert.equal((await world.call('unloadApp', { appInst: 'live' })).code, FAILED);
  assert.deepEqual(world.written, [
    '(i)2672001 ann (127.0.0.1) started live/room',
    '(i)2672001 ann (127.0.0.1) started live/room',
    '(i)2672003 ann (127.0.0.1) reloaded live/room',
    '(i)2672002 ann (127.0.0.1) unloaded live/room',
    '(i)2672002 ann (127.0.0.1) unloaded live/_definst_',
  ]);
});

test('addApp makes an application of a name that there is not yet and that a folder may have', async () => {
  await using world = await AdminCore.start();
  assert.equal((await world.call('addApp', { app: 'fresh' })).code, SUCCESS);
  for (const app of ['live', '../fresh', 'a/b', '.hidden', 'node_modules', '']) {
    assert.equal((await world.call('addApp', { app })).code, FAILED, app);
  }
  assert.deepEqual(world.added, ['fresh']);
  assert.deepEqual(world.written, ['(i)2672008 ann (127.0.0.1) added the application fresh']);
});

test('an instance that an administrator has started waits for clients as long as an idle one', async () => {
  await using world = await AdminCore.start();
  await world.call('startApp', { appInst: 'live' });
  world.core.clock.advance(59_999);
  assert.ok(world.core.instance());
  world.core.clock.advance(1);
  await until('it to be unloaded', () => world.core.instance() === undefined);
});

test('disconnectUser closes the connection, and the script hears of it', async () => {
  await using world = await AdminCore.start();
  const { core } = world;
  const { peer } = await core.publisher('cam');
  const [userId] = (await world.call('getUsers', { appInst: 'live' })).data;
  assert.equal((await world.call('disconnectUser', { appInst: 'live', userId })).code, SUCCESS);
  await peer.closed();
  assert.deepEqual(core.script().told('disconnect').length, 1);
  const again = await world.call('disconnectUser', { appInst: 'live', userId });
  assert.equal(again.code, FAILED);
  assert.match(again.description!, /no client/);
});

test('broadcastMsg calls a method of all clients in its scope', async () => {
  await using world = await AdminCore.start();
  const peers = [await world.core.peer(), await world.core.peer()];
  await peers[0]!.connect('live');
  await peers[1]!.connect('live/room');
  const query = new URLSearchParams({ auser: 'ann', apswd: PASSWORD, scope: 'live', method: 'say' });
  for (const arg of ['"5"', '5', '{"a":[true,null]}', 'plain words']) query.append('arg', arg);
  const answer = readAmsResult((await world.request('GET', `/admin/broadcastMsg?${query}`)).body);
  assert.deepEqual(answer.data, { clients: '2' });
  for (const peer of peers) {
    const { args } = await peer.expectCommand('say');
    assert.deepEqual(JSON.parse(JSON.stringify(args)), ['5', 5, { a: [true, null] }, 'plain words']);
  }
  const one = await world.call('broadcastMsg', { scope: 'live/room', method: 'whisper' });
  assert.deepEqual(one.data, { clients: '1' });
  await peers[1]!.expectCommand('whisper');
  assert.equal((await world.call('broadcastMsg', { scope: 'nowhere', method: 'say' })).code, FAILED);
});

test('an argument that cannot be sent by RTMP harms nobody', async () => {
  await using world = await AdminCore.start();
  const peer = await world.core.peer();
  await peer.connect('live');
  const body = new URLSearchParams({
    scope: '',
    method: 'say',
    arg: `${'['.repeat(9_000)}${']'.repeat(9_000)}`,
  });
  const { status, body: xml } = await world.request(
    'POST',
    '/admin/broadcastMsg',
    { authorization: basic('ann'), 'content-type': 'application/x-www-form-urlencoded' },
    body.toString(),
  );
  assert.equal(status, 200);
  assert.equal(readAmsResult(xml).level, 'status');
  await peer.settle();
});

test('stopServer asks once; a restart is for whoever has started it', async () => {
  await using world = await AdminCore.start();
  assert.equal((await world.call('stopServer', { mode: 'restart' })).code, FAILED);
  assert.equal((await world.call('shutdownServer')).code, SUCCESS);
  assert.deepEqual(world.stops, ['by ann from 127.0.0.1']);
});

test('a method that there is not, or that lacks a parameter, or whose subject is not there, fails', async () => {
  await using world = await AdminCore.start();
  for (const [method, parameters, why] of [
    ['getapps', {}, /no method "getapps"/],
    ['toString', {}, /no method "toString"/],
    ['__proto__', {}, /no method/],
    ['', {}, /no method ""/],
    ['getAppStats', {}, /parameter app is missing/],
    ['getAppStats', { app: 'nowhere' }, /no application "nowhere"/],
    ['getAppStats', { app: '../conf' }, /no application/],
    ['startApp', { appInst: '../../etc' }, /Invalid application name/],
    ['startApp', { appInst: 'nowhere' }, /is not defined/],
    ['reloadApp', { appInst: 'live/..' }, /Invalid application name/],
    ['getUsers', { appInst: 'live' }, /no instance "live" is running/],
  ] as const) {
    const { level, code, description } = await world.call(method, parameters);
    assert.deepEqual([level, code], ['error', FAILED], method);
    assert.match(description!, why);
  }
  assert.equal([...world.core.registry.instances].length, 0);
});

test('parameters may come as a form', async () => {
  await using world = await AdminCore.start();
  const { body } = await world.request(
    'POST',
    '/admin/getAppStats',
    { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    new URLSearchParams({ AUser: 'ann', apswd: PASSWORD, APP: 'live' }).toString(),
  );
  assert.equal(readAmsResult(body).code, SUCCESS);
  assert.equal((await world.request('PUT', '/admin/ping')).status, 405);
});

test('HTTPCommands say which methods there are', async () => {
  await using world = await AdminCore.start({ admin: { mayCall: (method) => method === 'ping' } });
  assert.equal((await world.call('ping')).code, SUCCESS);
  assert.equal((await world.call('getApps')).code, FAILED);
});

test('with AdminElem the items of a list are elements of that name', async () => {
  await using world = await AdminCore.start({ admin: { isElemStyle: true } });
  const query = `auser=ann&apswd=${encodeURIComponent(PASSWORD)}`;
  const { body } = await world.request('GET', `/admin/getApps?${query}`);
  assert.match(body, /<total_apps>2<\/total_apps><elem name="0">live<\/elem><elem name="1">other<\/elem>/);
});

test('names that publishers choose cannot become elements', async () => {
  await using world = await AdminCore.start();
  await world.core.publisher("a&b'c]]\u{1f3a5}");
  const { data } = await world.call('getLiveStreams', { appInst: 'live' });
  assert.deepEqual(data, ["a&b'c]]\u{1f3a5}"]);
  const login = await world.call(
    'ping',
    {},
    { auser: '</description><code>NetConnection.Call.Success', apswd: 'x' },
  );
  assert.equal(login.code, 'NetConnection.Connect.Rejected');
  assert.match(login.description!, /^Administrator login failed for user <\/description><code>NetConn/);
});

test('recordings of an instance, running or not: names, length and size; clearStreams deletes one', async () => {
  await using world = await AdminCore.start();
  const of = (method: string, parameters = {}) => world.call(method, { appInst: 'live', ...parameters });
  assert.deepEqual((await of('getRecordedStreams')).data, ['show']);
  assert.deepEqual((await of('getRecordedStreamStats', { stream: 'show' })).data, {
    name: 'show',
    length: '2.5',
    size: '5000',
    is_recording: 'false',
  });
  assert.match(
    (await of('getRecordedStreamStats', { stream: 'other' })).description!,
    /no recording "other"/,
  );
  assert.equal((await of('clearStreams', { path: 'show' })).code, SUCCESS);
  assert.equal((await of('getRecordedStreams')).data, '');
  assert.equal((await of('clearStreams', { path: 'show' })).code, FAILED);
  assert.equal((await world.call('getRecordedStreams', { appInst: 'nowhere' })).code, FAILED);
  assert.equal((await world.call('getRecordedStreams', { appInst: 'live/..' })).code, FAILED);
  assert.deepEqual((await world.call('getFLVCacheStats')).data, {
    size: '5',
    objects: '1',
    hits: '2',
    misses: '1',
  });
  assert.deepEqual(world.written, [
    '(i)2672014 ann (127.0.0.1) deleted the recording show of live/_definst_',
  ]);
});

test('a virtual host that has been stopped lets nobody in until it is started', async () => {
  await using world = await AdminCore.start();
  const { core } = world;
  const guest = await core.peer();
  await guest.connect('live');
  assert.equal((await world.call('stopVHost', { vhost: '_defaultVHost_' })).code, SUCCESS);
  await guest.expectStatus('NetConnection.Connect.AppShutdown');
  assert.equal((await world.call('getActiveVHosts')).data, '');
  assert.deepEqual((await world.call('getVHosts')).data, ['_defaultVHost_']);
  const late = await core.peer();
  const refused = await late.connect('live');
  assert.equal(refused.name, '_error');
  assert.match((await world.call('startApp', { appInst: 'live' })).description!, /has been stopped/);
  assert.equal((await world.call('startVHost', { vhost: '_defaultVHost_' })).code, SUCCESS);
  assert.deepEqual((await world.call('getActiveVHosts')).data, ['_defaultVHost_']);
  assert.equal((await (await core.peer()).connect('live')).name, '_result');
  assert.equal((await world.call('restartVHost')).code, SUCCESS);
  assert.equal(core.instance(), undefined);
  assert.equal((await (await core.peer()).connect('live')).name, '_result');
  assert.equal((await world.call('stopVHost', { vhost: 'nowhere' })).code, FAILED);
});

test('aliases come and go; those of Vhost.xml, and those that are to stay, are the operator’s', async () => {
  await using world = await AdminCore.start();
  const alias = (method: string, name: string, more = {}) => world.call(method, { alias: name, ...more });
  assert.equal((await alias('addVHostAlias', 'two.example.com')).code, SUCCESS);
  assert.match((await alias('addVHostAlias', 'two.example.com')).description!, /already/);
  assert.match((await alias('addVHostAlias', 'no host')).description!, /cannot be called/);
  assert.match((await alias('addVHostAlias', 'x', { persist: 'true' })).description!, /Vhost\.xml/);
  assert.equal((await alias('removeVHostAlias', 'two.example.com')).code, SUCCESS);
  assert.match((await alias('removeVHostAlias', 'stage')).description!, /stands in Vhost\.xml/);
  assert.match((await alias('removeVHostAlias', 'nobody')).description!, /no alias "nobody"/);
});

test('removeApp stops an application before its folder is put aside', async () => {
  await using world = await AdminCore.start();
  const peer = await world.core.peer();
  await peer.connect('live/room');
  const { code, data } = await world.call('removeApp', { app: 'live' });
  assert.deepEqual([code, data], [SUCCESS, { moved_to: '/removed/live' }]);
  await peer.expectStatus('NetConnection.Connect.AppShutdown');
  assert.deepEqual(world.removed, ['live']);
  assert.equal((await world.call('removeApp', { app: 'nowhere' })).code, FAILED);
  assert.equal((await world.call('removeApp', { app: 'live/room' })).code, FAILED);
});

test('gc unloads what has no clients, unless its script has something against it', async () => {
  await using world = await AdminCore.start();
  const { core } = world;
  for (const appInst of ['live/a', 'live/b']) await world.call('startApp', { appInst });
  const peer = await core.peer();
  await peer.connect('live/c');
  core.scripts.opened[0]!.maySleep = false;
  assert.deepEqual((await world.call('gc')).data, { instances: '1' });
  assert.deepEqual(
    [...core.registry.instances].map(({ name }) => name),
    ['a', 'c'],
  );
  assert.deepEqual(core.scripts.opened[1]!.stops, ['Application.GC']);
});

test('scope and key name a setting in every way that Flash Media Server’s manuals have', async () => {
  await using world = await AdminCore.start();
  const get = async (parameters: Record<string, string>) => (await world.call('getConfig2', parameters)).data;
  assert.equal(await get({ key: 'Admin/Security/MaxUrlLength' }), 'server Server/Security/MaxUrlLength');
  assert.equal(await get({ key: 'Server/Mask' }), 'server Server/Mask');
  assert.equal(await get({ key: 'HostPortList', scope: 'Adaptor:_defaultRoot_' }), 'adaptor HostPortList');
  const host = 'Adaptor:_defaultRoot_/VirtualHost:_defaultVHost_';
  assert.equal(await get({ key: `Admin/${host}/Allow` }), 'vhost Allow');
  assert.equal(
    await get({ key: 'Client/OutChunkSize', scope: `${host}/App:live` }),
    'application Client/OutChunkSize',
  );
  assert.equal(await get({ key: 'UserList', scope: 'Users' }), 'users UserList');
  assert.match(
    (await world.call('getConfig', { key: 'App:../x/A' })).description!,
    /no application is called/,
  );
  assert.match(
    (await world.call('setConfig2', { key: 'A', scope: 'App:live' })).description!,
    /value is missing/,
  );
});

test('what Flash Media Server had and this server has not is named, not unknown', async () => {
  await using world = await AdminCore.start();
  const why = async (method: string) => (await world.call(method)).description!;
  assert.match(await why('getGroupStats'), /RTMFP/);
  assert.match(await why('startServer'), /is running/);
  assert.match(await why('approveDebugSession'), /understudy help start/);
  const scoped = await world.call('addAdmin', { name: 'eve', password: PASSWORD, scope: 'VirtualHost:x' });
  assert.equal(scoped.code, FAILED, 'who was to administer one host does not get the whole server');
});
