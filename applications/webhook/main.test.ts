import { assert, test, testApp } from 'understudy/test';

/** The application, and a Web server that answers calls of a kind so. */
async function asking(answers: { [call: string]: { status: number; headers?: { location: string } } }) {
  const app = await testApp('webhook');
  app.onFetch(({ url, body }) => {
    assert.equal(url, 'http://127.0.0.1:8080/rtmp');
    return answers[new URLSearchParams(body).get('call') ?? ''] ?? { status: 204 };
  });
  const forms = () => app.requests.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
  return { app, forms };
}

test('the Web server is told who wants what, and lets them', async () => {
  const { app, forms } = await asking({});
  const client = await app.connect({ ip: '192.0.2.7', agent: 'OBS' });
  assert.equal(client.accepted, true);
  const show = await client.publish('show?user=ann&call=connect');
  assert.equal(show.name, 'show');
  const [connect, publish] = forms();
  assert.deepEqual(
    [connect.call, connect.app, connect.addr, connect.flashver],
    ['connect', 'webhook', '192.0.2.7', 'OBS'],
  );
  // what the encoder says of itself cannot take the place of what we say
  assert.deepEqual([publish.call, publish.name, publish.user], ['publish', 'show', 'ann']);
});

test('any other status refuses, and so does no answer', async () => {
  const { app } = await asking({ publish: { status: 403 } });
  const client = await app.connect();
  assert.deepEqual((await client.publish('show')).statuses, [
    { code: 'NetStream.Publish.Denied', description: 'the callback answered 403' },
  ]);
  app.onFetch(() => {
    throw new Error('connection refused');
  });
  assert.equal((await client.play('show')).accepted, false);
  assert.equal((await app.connect()).accepted, false);
  await app.expectError(/onPlay: .*connection refused/);
  await app.expectError(/onConnect: .*connection refused/);
});

test('a redirect publishes and plays under the name that it gives', async () => {
  const elsewhere = { status: 302, headers: { location: 'secret-7f3a' } };
  const { app } = await asking({ publish: elsewhere, play: elsewhere });
  const client = await app.connect();
  assert.equal((await client.publish('show')).name, 'secret-7f3a');
  assert.equal((await client.play('show')).name, 'secret-7f3a');
});

test('a redirect sends a connecting client to another server', async () => {
  const { app } = await asking({ connect: { status: 302, headers: { location: 'rtmp://other/live' } } });
  assert.equal((await app.connect()).refusal?.redirect, 'rtmp://other/live');
});

test('the end of a stream, and of playing one, is told', async () => {
  const { app, forms } = await asking({});
  const client = await app.connect();
  const show = await client.publish('show');
  const viewer = await app.connect();
  await viewer.play('show');
  await viewer.disconnect();
  await show.unpublish();
  const ends = forms().filter(({ call }) => call === 'done');
  assert.deepEqual(
    ends.map(({ name, clientid }) => [name, clientid]),
    [
      ['show', viewer.id],
      ['show', client.id],
    ],
  );
});
