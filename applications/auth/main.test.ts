import { assert, test, testApp } from 'understudy/test';

const KEYS = { streamKeys: { 'd1f0-secret': 'cam1' }, linkSecret: 'of the web site' };
const withKeys = () => testApp('auth', { files: { 'keys.json': KEYS }, now: '2026-06-01T12:00:00Z' });

// printf '%s' 'play:cam1:1780315260' | openssl dgst -sha256 -hmac 'of the web site'
const UNTIL_12_01 =
  'expires=1780315260&token=f9231c55090a72e6786766e7980866671dc6c5b9d4889ed2f5e293461accc4bf';

test('a stream key publishes under the public name, which is all that players see', async () => {
  const app = await withKeys();
  const encoder = await app.connect();
  const camera = await encoder.publish('d1f0-secret');
  assert.equal(camera.name, 'cam1');
  assert.deepEqual(app.streams, ['cam1']);
});

test('another key is refused', async () => {
  const app = await withKeys();
  const encoder = await app.connect();
  const camera = await encoder.publish('cam1');
  assert.deepEqual(camera.statuses, [
    { code: 'NetStream.Publish.Denied', description: 'unknown stream key' },
  ]);
  assert.deepEqual(app.logs, ['127.0.0.1 may not publish']);
});

test('a signed link plays until it expires', async () => {
  const app = await withKeys();
  const viewer = await app.connect();
  assert.equal((await viewer.play(`cam1?${UNTIL_12_01}`)).accepted, true);
  await app.clock.tick(59_000);
  assert.equal((await viewer.play(`cam1?${UNTIL_12_01}`)).accepted, true);
  await app.clock.tick(1_000);
  assert.equal((await viewer.play(`cam1?${UNTIL_12_01}`)).accepted, false);
});

test('a link is good for one stream, and only as it was signed', async () => {
  const app = await withKeys();
  const viewer = await app.connect();
  for (const link of [`cam2?${UNTIL_12_01}`, `cam1?${UNTIL_12_01.replace('260', '261')}`, 'cam1']) {
    assert.equal((await viewer.play(link)).accepted, false, link);
  }
});

test('as long as keys.json is empty, nobody may do anything', async () => {
  const app = await testApp('auth');
  const client = await app.connect();
  assert.equal((await client.publish('cam1')).accepted, false);
  assert.equal((await client.play(`cam1?${UNTIL_12_01}`)).accepted, false);
  assert.equal(app.logs.length, 3);
});
