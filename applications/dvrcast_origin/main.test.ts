import { assert, test, testApp } from 'understudy/test';

/** An encoder that has announced a show, and is on air with it. */
async function onAir() {
  const app = await testApp('dvrcast_origin', { now: '2026-06-01T20:00:00Z' });
  const encoder = await app.connect();
  await encoder.call('FCPublish', 'show');
  assert.equal((await encoder.next('onFCPublish'))[0].code, 'NetStream.Publish.Start');
  const show = await encoder.publish('show');
  await app.clock.tick(0);
  return { app, encoder, show, viewer: await app.connect() };
}

test('a show is recorded from when the encoder says so, and players are told how much of it there is', async () => {
  const { app, encoder, show, viewer } = await onAir();
  const before = await viewer.call('DVRGetStreamInfo', 'show');
  assert.equal(before.code, 'NetStream.DVRStreamInfo.Retry');
  const set = await encoder.call('DVRSetStreamInfo', { streamName: 'show' });
  assert.equal(set.code, 'NetStream.DVRStreamInfo.Success');
  assert.equal(show.statuses.at(-1)?.code, 'NetStream.Record.Start');
  await app.clock.tick(9000);
  const { code, data } = await viewer.call('DVRGetStreamInfo', 'show');
  assert.equal(code, 'NetStream.DVRStreamInfo.Success');
  assert.deepEqual([data.isRec, data.currLen], [true, 9]);
  assert.deepEqual(data.callTime, app.clock.now());
});

test('recording begins and ends at the times that were set', async () => {
  const { app, encoder, viewer } = await onAir();
  const at = (seconds: number) => new Date(app.clock.now().getTime() + seconds * 1000);
  const info = { streamName: 'show', callTime: at(0), startRec: at(6), stopRec: at(12) };
  await encoder.call('DVRSetStreamInfo', info);
  assert.equal((await viewer.call('DVRGetStreamInfo', 'show')).code, 'NetStream.DVRStreamInfo.Retry');
  await app.clock.tick(9000);
  assert.equal((await viewer.call('DVRGetStreamInfo', 'show')).data.currLen, 3);
  await app.clock.tick(9000);
  const { data } = await viewer.call('DVRGetStreamInfo', 'show');
  assert.deepEqual([data.isRec, data.currLen], [false, 6]);
});

test('only who publishes it says what becomes of a show', async () => {
  const { viewer } = await onAir();
  const { code } = await viewer.call('DVRSetStreamInfo', { streamName: 'show' });
  assert.equal(code, 'NetStream.DVRStreamInfo.Failed');
});

test('players may not go back further than the encoder allows', async () => {
  const { app, encoder, viewer } = await onAir();
  await encoder.call('DVRSetStreamInfo', { streamName: 'show', endOffset: 60 });
  await app.clock.tick(120_000);
  assert.equal((await viewer.play('show', { start: 10 })).statuses[0].description, 'it begins at 60.0 s');
});

test('what has been recorded outlives a new version of the script', async () => {
  const { app, encoder, viewer } = await onAir();
  await encoder.call('DVRSetStreamInfo', { streamName: 'show' });
  await app.clock.tick(3000);
  await app.reload();
  await app.clock.tick(3000);
  assert.equal((await viewer.call('DVRGetStreamInfo', 'show')).data.currLen, 6);
});
