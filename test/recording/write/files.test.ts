import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordRequest } from '../../../src/application/contract/recording.ts';
import { RecordingError } from '../../../src/errors.ts';
import { firstFree, recordingName } from '../../../src/recording/write/files.ts';

const NOW = new Date(2026, 1, 3, 4, 5, 6);

function named(request: Partial<RecordRequest>, number = 1) {
  const whole = {
    application: 'live',
    instance: 'rooms/7',
    stream: 'show',
    mode: 'record',
    limits: {},
    ...request,
  };
  const { file, name } = recordingName(whole as RecordRequest, number, NOW);
  return `${file} ${name}`;
}

test('the prefix of a stream, or the format, chooses the container, and the file has its extension', () => {
  assert.equal(named({}), 'show.flv show');
  assert.equal(named({ stream: 'flv:a/show' }), 'a/show.flv a/show');
  assert.equal(named({ stream: 'mp4:show' }), 'show.mp4 mp4:show.mp4');
  assert.equal(named({ stream: 'mp4:show.f4v' }), 'show.f4v mp4:show.f4v');
  assert.equal(named({ stream: 'mp4:show.txt' }), 'show.txt.mp4 mp4:show.txt.mp4');
  assert.equal(named({ format: 'mp4' }), 'show.mp4 mp4:show.mp4');
  assert.equal(named({ stream: 'mp4:show.f4v', format: 'flv' }), 'show.f4v.flv show.f4v');
  assert.equal(named({ file: 'b.m4v' }), 'b.m4v mp4:b.m4v');
  assert.equal(named({ file: 'b.flv' }), 'b.flv b');
});

test('a colon that is no known prefix belongs to the name, and no two such names have one file', () => {
  for (const stream of [
    'studio:cam',
    'lab:cam',
    'mp4:studio:cam',
    'FLV:lab:cam',
    'raw:cam',
    'f4v:cam',
    ':cam',
  ]) {
    for (const format of [undefined, 'flv', 'mp4'] as const) {
      assert.throws(() => named({ stream, ...(format ? { format } : {}) }), {
        code: 'NetStream.Record.Failed',
        message: /is no name of a file, because of its colon/,
      });
    }
  }
  const streams = [
    'cam',
    'studio:cam',
    'lab:cam',
    'studio%3Acam',
    'studio%3acam',
    'studio%253Acam',
    'studio_cam',
  ];
  const files = streams.map((stream) => named({ stream, file: '{stream}.flv' }));
  assert.deepEqual(files[1], 'studio%3Acam.flv studio%3Acam');
  assert.equal(new Set(files).size, streams.length, String(files));
  assert.equal(
    named({ stream: 'mp4:studio:cam', file: '{stream}.mp4' }),
    'studio%3Acam.mp4 mp4:studio%3Acam.mp4',
  );
});

test('a prefix is the same in upper case', () => {
  assert.equal(named({ stream: 'MP4:show' }), 'show.mp4 mp4:show.mp4');
  assert.equal(named({ stream: 'Flv:show' }), 'show.flv show');
});

test('further files of a recording are numbered', () => {
  assert.equal(named({}, 2), 'show-2.flv show-2');
  assert.equal(named({ stream: 'mp4:show.f4v' }, 3), 'show-3.f4v mp4:show-3.f4v');
  assert.equal(named({ file: 'part {n}' }, 3), 'part 3.flv part 3');
});

test('fields in names stand for what they say, and cannot leave the folder', () => {
  const client = { id: 'AB', ip: '::1' };
  assert.equal(
    named({ stream: 'mp4:show.f4v', file: '{stream} {date} {time}.mp4', client }),
    'show 2026-02-03 04-05-06.mp4 mp4:show 2026-02-03 04-05-06.mp4',
  );
  assert.equal(
    named({ file: '{application}/{instance}/{client} {ip}', client }),
    'live/rooms_7/AB __1.flv live/rooms_7/AB __1',
  );
  assert.equal(named({ stream: 'a/b', file: '{stream}' }), 'a%2Fb.flv a%2Fb');
  assert.throws(() => named({ file: '{nonsense}' }), /There is no \{nonsense\}.*\{stream\}, \{application\}/);
});

for (const file of ['../x', '/etc/x', 'a/../../x', '.x', 'a\\b', 'C:x', '{date}/..', '']) {
  test(`a script cannot record to ${JSON.stringify(file)}`, () => {
    assert.throws(() => named({ file }), RecordingError);
  });
}

test('a name that nobody has is found by looking at few of them, however many are taken', () => {
  for (const taken of [0, 1, 2, 3, 10, 5_000, 9_999]) {
    let looks = 0;
    const found = firstFree(10_000, (index) => {
      looks += 1;
      return index >= taken;
    });
    assert.equal(found, taken);
    assert.ok(looks <= 30, `${looks} looks`);
  }
  assert.equal(
    firstFree(10_000, () => false),
    undefined,
  );
});
