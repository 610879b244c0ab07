import { assert, test, testApp } from 'understudy/test';

const [MAIN, BACKUP] = ['rtmp://live.example.com/app', 'rtmp://backup.example.com:1936/app'];
const TARGETS = {
  targets: [
    { url: MAIN, name: 'secret-key' },
    { url: BACKUP, name: '{stream}-copy' },
  ],
};

async function onAir() {
  const app = await testApp('restream', { files: { 'targets.json': TARGETS } });
  const [main, backup] = [app.server(MAIN), app.server(BACKUP)];
  const encoder = await app.connect();
  return { app, main, backup, publish: () => encoder.publish('show') };
}

test('what is published goes to all targets, under the names that they want', async () => {
  const { app, main, backup, publish } = await onAir();
  const show = await publish();
  await app.clock.tick(0);
  show.keyframe(0);
  await app.clock.tick(1000);
  assert.deepEqual([main.streams, backup.streams], [{ 'secret-key': 1 }, { 'show-copy': 1 }]);
  await show.unpublish();
  assert.deepEqual([main.streams, backup.streams], [{}, {}]);
});

test('a target that is down is tried again, less and less often, and the other one does not notice', async () => {
  const { app, main, backup, publish } = await onAir();
  main.isDown = true;
  await publish();
  await app.clock.tick(10_000); // at 1, 3 and 7 s
  assert.equal(app.logs.filter((line) => line.includes('NetConnection.Connect.Failed')).length, 4);
  main.isDown = false;
  await app.clock.tick(5_000);
  assert.deepEqual([main.streams, backup.streams], [{ 'secret-key': 0 }, { 'show-copy': 0 }]);
});

test('a target that throws us out gets the stream again', async () => {
  const { app, main, publish } = await onAir();
  await publish();
  await app.clock.tick(0);
  main.close();
  await app.settled();
  assert.deepEqual(main.streams, {});
  await app.clock.tick(1000);
  assert.deepEqual(main.streams, { 'secret-key': 0 });
});

test('a save of the script leaves connections as they are', async () => {
  const { app, main, publish } = await onAir();
  const show = await publish();
  await app.clock.tick(0);
  await app.reload();
  show.keyframe(0);
  await app.clock.tick(60_000);
  assert.deepEqual(main.streams, { 'secret-key': 1 });
  assert.equal(main.connects.length, 1);
});

test('a target that is taken out of the list is left at once', async () => {
  const { app, main, backup, publish } = await onAir();
  await publish();
  await app.clock.tick(0);
  await app.reload({ 'targets.json': { targets: TARGETS.targets.slice(0, 1) } });
  assert.deepEqual([main.streams, backup.streams], [{ 'secret-key': 0 }, {}]);
  assert.equal(main.connects.length, 1);
});
