import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GopCache } from '../../../src/application/live/gop-cache.ts';
import { RTMP_CHUNKS } from '../../../src/application/live/rtmp-shape.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { wireMessage } from '../../support/fake-player.ts';
import { video } from '../../support/media.ts';

const picture = (timestampMs: number, payload: Uint8Array) =>
  wireMessage(MessageType.Video, timestampMs, payload);

test('what joiners get is put together when one comes, and once until the stream moves on', () => {
  const cache = new GopCache({ maxSizeBytes: 1 << 20, maxTimeMs: 20_000 });
  cache.add(picture(0, video.keyframe()), []);
  for (let i = 1; i < 50; i += 1) cache.add(picture(i * 40, video.frame(i)));
  assert.equal(cache.builds, 0, 'nobody has come');
  const first = cache.joined(RTMP_CHUNKS, 2000);
  for (let i = 0; i < 100; i += 1) assert.equal(cache.joined(RTMP_CHUNKS, 2000), first);
  assert.equal(cache.builds, 1);
  for (const change of [
    () => cache.add(picture(2000, video.frame(50))),
    () => cache.setHeader('avc', picture(2000, video.frame(51)), false),
    () =>
      cache.setDataFrame('onMetaData', wireMessage(MessageType.DataAmf0, 0, Uint8Array.of(2, 0, 1, 0x61))),
    () => cache.clearDataFrame('onMetaData'),
    () => cache.add(picture(2040, video.keyframe()), []),
  ]) {
    const before: number = cache.builds;
    change();
    assert.equal(cache.builds, before, 'not because it has changed');
    assert.equal(cache.joined(RTMP_CHUNKS, 2000), cache.joined(RTMP_CHUNKS, 2000));
    assert.equal(cache.builds, before + 1, String(change));
  }
});
