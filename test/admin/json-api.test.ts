// The administration as JSON: what its description promises, it keeps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Schema, schemaProblem } from '../../src/admin/schema.ts';
import { AdminCore, type Answer, basic, type Loose } from '../support/admin.ts';
import { atMost, until } from '../support/core.ts';
import { video } from '../support/media.ts';

interface Operation {
  operationId: string;
  parameters: { name: string; in: string }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}
interface Description {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
}

async function description(world: AdminCore): Promise<Description> {
  const { status, headers, body } = await world.request('GET', '/api/v1/openapi.json');
  assert.equal(status, 200);
  assert.match(String(headers['content-type']), /^application\/json/);
  return JSON.parse(body) as Description;
}

test('its description names every operation once, with its parameters', async () => {
  await using world = await AdminCore.start();
  const { openapi, servers, paths } = await description(world);
  assert.equal(openapi, '3.1.0');
  assert.deepEqual(servers, [{ url: '/api/v1' }]);
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.values(item).map((operation) => ({ path, operation })),
  );
  const ids = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.length > 20);
  for (const { path, operation } of operations) {
    const inBraces = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const inPath = operation.parameters.filter((one) => one.in === 'path').map(({ name }) => name);
    assert.deepEqual(inPath, inBraces, path);
  }
});

/** In an order in which they can all succeed. */
const CONVERSATION: [operation: string, body?: Loose][] = [
  ['getServer'],
  ['listApplications'],
  ['getApplication'],
  ['listErrors'],
  ['listErrorsOfApplication'],
  ['startInstance', { name: 'live/room' }],
  ['listInstances'],
  ['getInstance'],
  ['listClients'],
  ['listStreams'],
  ['getStream'],
  ['getClient'],
  ['broadcast', { method: 'say', args: ['hello', { to: null }] }],
  ['disconnectClient'],
  ['reloadInstance'],
  ['stopInstance'],
  ['listHosts'],
  ['addAlias'],
  ['removeAlias'],
  ['addApplication', { name: 'fresh' }],
  ['listRecordings'],
  ['getRecording'],
  ['deleteRecording'],
  ['getSetting'],
  ['changeSetting', { scope: 'App:live', key: 'MaxAppIdleTime', value: '60' }],
  ['collect'],
  ['stopHost'],
  ['startHost'],
  ['removeApplication'],
  ['addUser', { name: 'bob', password: 'bob has a password' }],
  ['listUsers'],
  ['changePassword', { password: 'bob has another one' }],
  ['removeUser'],
  ['makeToken'],
  ['revokeToken'],
  ['stopServer'],
];

test('every operation answers as its description says', async () => {
  await using world = await AdminCore.start();
  world.errors.add('a', {
    ...{ application: 'live', instance: '_definst_', kind: 'handler', handler: 'onPlay', message: 'boom' },
    ...{ code: 'Error', file: 'main.ts', line: 1, column: 2, client: 'c' },
    frames: [{ function: 'f', file: 'main.ts', line: 1, column: 2 }, { function: 'Array.map' }],
  });
  const { peer, id } = await world.core.publisher('cam');
  const { peer: player } = await world.core.player('cam');
  peer.video(id, 0, video.keyframe());
  await player.expectMedia();
  const [client] = world.core.instance()!.clients.keys();
  const places: Record<string, string> = {
    application: 'live',
    instance: 'live%2F_definst_',
    stream: 'cam',
    client: client!,
    user: 'bob',
    adaptor: '_defaultRoot_',
    vhost: '_defaultVHost_',
    alias: 'another.example.com',
    recording: 'show',
  };
  const { paths } = await description(world);
  const spoken = new Set<string>();
  let authorization = basic('ann');
  for (const [id, body] of CONVERSATION) {
    const [path, method, operation] = operationOf(paths, id);
    const url = path.replace(/\{(\w+)\}/g, (_, name: string) => places[name]!);
    const { status, value } = await world.json(method.toUpperCase(), url, body, authorization);
    const response = operation.responses[status];
    assert.ok(response, `${id} answers ${status}: ${JSON.stringify(value)}`);
    assert.equal(body !== undefined, operation.requestBody !== undefined, id);
    const schema = response.content?.['application/json']?.schema;
    if (schema) assert.equal(schemaProblem(schema, value, id), undefined);
    else assert.equal(value, undefined, id);
    if (id === 'makeToken') authorization = `Bearer ${value.token}`;
    if (id === 'revokeToken') authorization = basic('ann');
    spoken.add(id);
  }
  const all = Object.values(paths).flatMap((item) =>
    Object.values(item).map(({ operationId }) => operationId),
  );
  spoken.add('listen'); // events.test.ts
  assert.deepEqual([...spoken].sort(), all.sort());
  assert.deepEqual(world.stops, ['by ann from 127.0.0.1']);
});

function operationOf(paths: Description['paths'], id: string): [path: string, method: string, Operation] {
  for (const [path, item] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(item)) {
      if (operation.operationId === id) return [path, method, operation];
    }
  }
  throw new Error(`no operation ${id}`);
}

test('a check against a schema notices what is not in it', () => {
  const schema: Schema = {
    type: 'object',
    properties: { a: { type: 'integer' }, b: { type: 'array', items: { type: 'string' } } },
    required: ['a'],
    additionalProperties: false,
  };
  assert.equal(schemaProblem(schema, { a: 1, b: ['x'] }, 'it'), undefined);
  assert.equal(schemaProblem(schema, { b: [] }, 'it'), 'it.a is missing');
  assert.equal(schemaProblem(schema, { a: 1.5 }, 'it'), 'it.a: expected an integer');
  assert.equal(schemaProblem(schema, { a: 1, b: ['x', 2] }, 'it'), 'it.b[1]: expected a string');
  assert.equal(schemaProblem(schema, { a: 1, c: 2 }, 'it'), 'it.c is not known');
  assert.equal(schemaProblem(schema, JSON.parse('{"a":1,"__proto__":2}'), 'it'), 'it.__proto__ is not known');
  assert.equal(schemaProblem(schema, [], 'it'), 'it: expected an object');
});

test('numbers are those that the Administration API gives', async () => {
  await using world = await AdminCore.start();
  await world.core.publisher('cam');
  const { value } = await world.json('GET', '/applications/live');
  const { data } = await world.call('getAppStats', { app: 'live' });
  const pairs = { bytes_in: 'bytesIn', msg_out: 'messagesOut', accepted: 'accepted', connected: 'connected' };
  for (const [ams, ours] of Object.entries(pairs)) assert.equal(Number(data[ams]), value[ours], ams);
});

test('instances are found by either name, streams by any', async () => {
  await using world = await AdminCore.start();
  await world.core.publisher('a/b c');
  for (const name of ['live', 'live%2F_definst_', '%2Flive%2F']) {
    const { status, value } = await world.json('GET', `/instances/${name}`);
    assert.deepEqual([status, value.name], [200, 'live/_definst_'], name);
  }
  assert.equal((await world.json('GET', '/instances/live/streams/a%2Fb%20c')).value.name, 'a/b c');
  assert.equal((await world.json('GET', '/instances?application=live')).value.length, 1);
  assert.equal((await world.json('GET', '/instances?application=other')).value.length, 0);
});

test('what is secret in the address of a client is masked', async () => {
  await using world = await AdminCore.start();
  const peer = await world.core.peer();
  await peer.connect('live', { tcUrl: 'rtmp://127.0.0.1/live?token=hunter2&lang=en' });
  const { value } = await world.json('GET', '/instances/live/clients');
  assert.equal(value[0].uri, 'rtmp://127.0.0.1/live?token=***&lang=en');
});

test('an account that is added can log in, with its new password after a change, and not once it is removed', async () => {
  await using world = await AdminCore.start();
  const can = async (password: string) => {
    const { status } = await world.json('GET', '/server', undefined, basic('bob', password));
    return status === 200;
  };
  assert.equal(await can('the first password'), false);
  await world.json('POST', '/users', { name: 'bob', password: 'the first password' });
  assert.ok(await can('the first password'));
  const token = (await world.json('POST', '/tokens', undefined, basic('bob', 'the first password'))).value
    .token;
  assert.equal((await world.json('GET', '/server', undefined, `Bearer ${token}`)).status, 200);
  await world.json('PUT', '/users/bob/password', { password: 'the second password' });
  assert.equal(await can('the first password'), false);
  assert.equal((await world.json('GET', '/server', undefined, `Bearer ${token}`)).status, 401);
  assert.ok(await can('the second password'));
  await world.json('DELETE', '/users/bob');
  assert.equal(await can('the second password'), false);
  assert.ok(!world.written.join('\n').includes('password is'));
});

for (const [method, path, body, status, detail] of [
  ['GET', '/nothing', undefined, 404, /nothing of that name/],
  ['GET', '/instances/nowhere', undefined, 404, /no instance "nowhere"/],
  ['GET', '/instances/%ff', undefined, 404, /nothing of that name/],
  ['GET', '/applications/..%2F..%2Fetc', undefined, 404, /no application/],
  ['POST', '/instances', { name: '../../etc' }, 404, /Invalid application name/],
  ['POST', '/instances', { name: 7 }, 400, /body.name: expected a string/],
  ['POST', '/instances', { name: 'live', extra: 1 }, 400, /body.extra is not known/],
  ['POST', '/instances', undefined, 400, /has to be application\/json/],
  ['PUT', '/instances', {}, 405, /only GET, POST/],
  ['DELETE', '/clients/none', undefined, 404, /no client "none"/],
  ['POST', '/users', { name: 'bob', password: 'short' }, 400, /8 to 256 characters/],
  ['POST', '/users', { name: '<bob>', password: 'long enough' }, 400, /a name has at most/],
  ['POST', '/users', { name: 'ann', password: 'long enough' }, 409, /already/],
  ['DELETE', '/users/ann', undefined, 409, /is defined in a Users\.xml/],
  ['DELETE', '/tokens/current', undefined, 404, /no token/],
] as const) {
  test(`${method} ${path} ${JSON.stringify(body) ?? ''} is refused with ${status}`, async () => {
    await using world = await AdminCore.start();
    const { status: got, value } = await world.json(method, path, body);
    assert.equal(got, status);
    assert.deepEqual(Object.keys(value), ['title', 'status', 'detail']);
    assert.match(value.detail, detail);
  });
}

test('a body that is not JSON is refused', async () => {
  await using world = await AdminCore.start();
  const headers = { authorization: basic('ann'), 'content-type': 'application/json' };
  const answer: Answer = await world.request('POST', '/api/v1/instances', headers, '{"name":');
  assert.equal(answer.status, 400);
});

test('HEAD is GET without the answer', async () => {
  await using world = await AdminCore.start();
  const { status, headers, body } = await world.request('HEAD', '/api/v1/server', {
    authorization: basic('ann'),
  });
  assert.deepEqual([status, body], [200, '']);
  assert.ok(Number(headers['content-length']) > 100);
});

test('a client that is disconnected hears the end, and its instance forgets it', async () => {
  await using world = await AdminCore.start();
  const peer = await world.core.peer();
  await peer.connect('live/room');
  const [client] = world.core.instance('live/room')!.clients.keys();
  assert.equal((await world.json('DELETE', `/clients/${client}`)).status, 204);
  await peer.closed();
  await until('it to be forgotten', () => world.core.instance('live/room')!.clients.size === 0);
  assert.equal((await world.json('GET', `/clients/${client}`)).status, 404);
});

test('an instance too many is a conflict', async () => {
  await using world = await AdminCore.start({ registry: { instances: atMost(1) } });
  assert.equal((await world.json('POST', '/instances', { name: 'live/1' })).status, 201);
  assert.equal((await world.json('POST', '/instances', { name: 'live/2' })).status, 409);
});
