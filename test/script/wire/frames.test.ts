import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DecodeError } from '../../../src/errors.ts';
import {
  decodeBody,
  decodeEvents,
  encodeFrame,
  type Frame,
  FrameReader,
} from '../../../src/script/wire/frames.ts';
import { FrameType, type ScriptEvent } from '../../../src/script/wire/wire.ts';
import { encodeEvents } from '../../support/event-frames.ts';
import { hex } from '../../support/hex.ts';

function read(bytes: Uint8Array, chunkBytes: number): Frame[] {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    for (const frame of reader.push(Buffer.from(bytes.subarray(at, at + chunkBytes)))) {
      frames.push({ ...frame, body: Buffer.from(frame.body) });
    }
  }
  return frames;
}

const disconnect = (client: string): ScriptEvent => ({ t: 'disconnect', client });

describe('a frame', () => {
  test('is its length, type, unit and JSON', () => {
    const wire = hex(`00 00 00 0a   # length: what follows
                      43            # Commands
                      00 00 01 02   # unit 258
                      5b 7b 7d 5d   # [{}]`);
    wire[3] = 9;
    assert.deepEqual(
      new Uint8Array(encodeFrame(FrameType.Commands, 258, [{}] as never)),
      new Uint8Array(wire),
    );
  });

  test('without a body has none', () => {
    const frame = encodeFrame(FrameType.Unload, 7);
    assert.deepEqual(new Uint8Array(frame), new Uint8Array(hex('00 00 00 05  04  00 00 00 07')));
    assert.equal(decodeBody(read(frame, 100)[0]!.body), undefined);
  });

  test('comes out whole however the bytes come', () => {
    const bytes = Buffer.concat([
      encodeFrame(FrameType.Turn, 1),
      encodeFrame(FrameType.Commands, 2, [{ op: 'log', level: 'info', text: 'äöü' }]),
      ...encodeEvents(3, [disconnect('a')], () => {}),
      encodeFrame(FrameType.Loaded, 4, {}),
    ]);
    const whole = read(bytes, bytes.length);
    assert.deepEqual(
      whole.map(({ type, unit }) => [type, unit]),
      [
        [70, 1],
        [67, 2],
        [3, 3],
        [65, 4],
      ],
    );
    assert.deepEqual(decodeBody(whole[1]!.body), [{ op: 'log', level: 'info', text: 'äöü' }]);
    for (const chunkBytes of [1, 2, 5, 9, 10, 13]) assert.deepEqual(read(bytes, chunkBytes), whole);
  });

  test('longer than the cap, or shorter than its header, ends the reading', () => {
    for (const length of ['00 00 00 04', '01 00 00 01', 'ff ff ff ff']) {
      const reader = new FrameReader();
      assert.throws(() => [...reader.push(Buffer.from(hex(`${length} 43 00 00 00 00`)))], DecodeError);
    }
  });

  test('whose body is no JSON is a DecodeError', () => {
    assert.throws(() => decodeBody(Buffer.from('{')), DecodeError);
    assert.throws(() => decodeEvents(Buffer.from([1])), DecodeError);
  });
});
