import { assert, test, testApp } from 'understudy/test';

test('what is published is recorded, and clients are told what there is', async () => {
  const app = await testApp('record', { now: '2026-06-01T12:00:00Z' });
  const client = await app.connect();
  assert.deepEqual(await client.call('recordings'), []);
  const show = await client.publish('show');
  assert.deepEqual(
    show.statuses.map(({ code }) => code),
    ['NetStream.Publish.Start', 'NetStream.Record.Start'],
  );
  for (let ms = 0; ms <= 2000; ms += 40) show.keyframe(ms);
  await show.unpublish();
  assert.match(await app.logged(/show\.flv/), /^streams\/_definst_\/show\.flv: 2 s of avc, \d+ bytes$/);
  const [recording] = await client.call('recordings');
  assert.equal(recording.name, 'show');
  assert.equal(recording.finishedAt, '2026-06-01T12:00:00.000Z');

  await app.reload();
  assert.equal((await client.call('recordings')).length, 1);
});
