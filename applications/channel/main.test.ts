import { assert, test, testApp } from 'understudy/test';

test('whoever publishes studio is what the channel shows, and only that is published', async () => {
  const app = await testApp('channel', { files: { 'playlist.json': { items: [] } } });
  const client = await app.connect();
  const viewer = await client.play('channel', { start: -1 });
  assert.equal((await client.publish('show')).statuses[0].description, 'only studio is published here');
  const studio = await client.publish('studio');
  studio.keyframe(0);
  studio.frame(40);
  await app.settled();
  assert.deepEqual(app.streams, ['channel', 'studio']);
  assert.equal(viewer.messages, 2);
});

test('an item that is not there is said once in a while, and not all the time', async () => {
  const items = [{ name: 'gone' }, { name: 'mp4:gone.mp4', start: 3 }];
  const app = await testApp('channel', { files: { 'playlist.json': { items } } });
  await app.connect();
  await app.clock.tick(60_000);
  assert.ok(app.logs.length > 4 && app.logs.length < 40, app.logs.join('\n'));
});
