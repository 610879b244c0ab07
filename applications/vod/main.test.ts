import { assert, test, testApp } from 'understudy/test';

test('nobody publishes, and nothing is live', async () => {
  const app = await testApp('vod');
  const client = await app.connect();
  assert.equal((await client.publish('show')).statuses[0].description, 'files are put here by the operator');
  assert.equal((await client.play('show', { start: -1 })).statuses[0].description, 'nothing is live here');
});

test('a file that is not there is an error at once, and is counted', async () => {
  const app = await testApp('vod');
  const client = await app.connect();
  const film = await client.play('film', { start: 0 });
  assert.deepEqual(
    film.statuses.map(({ code }) => code),
    ['NetStream.Play.StreamNotFound'],
  );
  assert.deepEqual(await client.call('plays'), { film: 1 });
});
