import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mediaName, streamName } from '../../../src/recording/read/media-name.ts';

test('the name of a file’s stream is one that plays that file; other files have none', () => {
  for (const file of ['show.flv', 'a/b.flv', 'film.mp4', 'film.f4v', 'song.mp3', 'old.FLV', 'a.b.flv']) {
    const name = streamName(file);
    assert.ok(name, file);
    const files = mediaName(name)!.files.map((one) => one.toLowerCase());
    assert.ok(files.includes(file.toLowerCase()), `${file} → ${name} → ${files}`);
  }
  for (const file of ['notes.txt', 'show', '.hidden.flv', 'a/../b.flv', 'show.flv.tmp']) {
    assert.equal(streamName(file), undefined, file);
  }
});

test('a colon that is no known prefix belongs to the name, and no file is called so', () => {
  for (const name of ['studio:cam', 'mp4:studio:cam', 'raw:cam', 'f4v:cam', 'flv:mp4:cam', ':cam', 'cam:']) {
    assert.equal(mediaName(name), undefined, name);
  }
  assert.deepEqual(mediaName('MP4:film.f4v'), mediaName('mp4:film.f4v'));
});
