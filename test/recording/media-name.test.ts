import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mediaName, streamName } from '../../src/recording/media-name.ts';

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
