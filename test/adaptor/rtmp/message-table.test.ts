import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import pino from 'pino';
import type { Outbox } from '../../../src/adaptor/link/outbox.ts';
import { type MessageHost, rowOf } from '../../../src/adaptor/rtmp/message-table.ts';
import { DecodeError } from '../../../src/errors.ts';
import { decodeControl, encodeControl, UserControlEvent } from '../../../src/protocol/rtmp/control.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';

/** What the handlers have had done, in order. */
function recordingHost(): { host: MessageHost; done: unknown[][] } {
  const done: unknown[][] = [];
  const note =
    (what: string) =>
    (...facts: unknown[]): void => {
      done.push([what, ...facts]);
    };
  const outbox = { control: note('control') } as unknown as Outbox;
  const stream = { media: note('media'), setBuffer: note('buffer') };
  const host: MessageHost = {
    outbox,
    log: pino({ enabled: false }),
    stream: (id) => (id === 1 ? stream : undefined),
    command: note('command'),
    spent: note('spent'),
    putParts: note('parts'),
    pong: note('pong'),
    swfAnswered: note('swf'),
    setAckWindow: note('window'),
  };
  return { host, done };
}

const message = (typeId: number, payload: Uint8Array = new Uint8Array(0), streamId = 1) => ({
  ...{ typeId, streamId, timestampMs: 0, payload },
});

describe('the table of messages', () => {
  test('serves control messages at any time and holds all others until the client is accepted', () => {
    for (let typeId = 0; typeId < 256; typeId++) {
      const isControl = typeId >= MessageType.SetChunkSize && typeId <= MessageType.SetPeerBandwidth;
      assert.equal(rowOf(typeId).untilAccepted, isControl ? 'serve' : 'hold', `type ${typeId}`);
    }
  });

  test('ignores media before the connect command, and nothing that could be one', () => {
    const ignored = Object.values(MessageType).filter((typeId) => rowOf(typeId).beforeConnect === 'ignore');
    const { Audio, Video, DataAmf3, DataAmf0 } = MessageType;
    assert.deepEqual(ignored, [Audio, Video, DataAmf3, DataAmf0]);
  });

  test('lets commands alone wait for a script', () => {
    const waiting = Object.values(MessageType).filter((typeId) => rowOf(typeId).waitsForScript);
    assert.deepEqual(waiting, [MessageType.CommandAmf3, MessageType.CommandAmf0]);
  });

  test('gives media to the stream that it is for, and drops it where there is none', () => {
    const { host, done } = recordingHost();
    const video = message(MessageType.Video);
    rowOf(MessageType.Video).serve(host, video);
    rowOf(MessageType.Video).serve(host, message(MessageType.Video, video.payload, 2));
    assert.deepEqual(done, [['media', video]]);
  });

  test('answers a ping with what it said, and counts it as a command', () => {
    const { host, done } = recordingHost();
    const { UserControl: typeId } = MessageType;
    const ping = { typeId, event: UserControlEvent.PingRequest, timestampMs: 77 } as const;
    rowOf(typeId).serve(host, message(typeId, encodeControl(ping)));
    assert.deepEqual(done, [
      ['spent', 1],
      ['control', { ...ping, event: UserControlEvent.PingResponse }],
    ]);
  });

  test('passes over an event that means nothing to a server', () => {
    const { host, done } = recordingHost();
    const { UserControl: typeId } = MessageType;
    const begin = encodeControl({ typeId, event: UserControlEvent.StreamBegin, streamId: 1 });
    rowOf(typeId).serve(host, message(typeId, begin));
    assert.deepEqual(done, [['spent', 1]]);
    const strange = Uint8Array.of(0x7f, 0xff);
    assert.equal(decodeControl(typeId, strange), undefined);
    rowOf(typeId).serve(host, message(typeId, strange));
    assert.deepEqual(done, [['spent', 1]], 'nor is one that nobody knows counted');
  });

  test('takes a new window unless it is 0', () => {
    const { host, done } = recordingHost();
    const { WindowAckSize: typeId } = MessageType;
    for (const ackWindowBytes of [0, 5000]) {
      rowOf(typeId).serve(host, message(typeId, encodeControl({ typeId, ackWindowBytes })));
    }
    assert.deepEqual(done, [['window', 5000]]);
  });

  test('says that a control message cannot be read, also where there is nothing to obey', () => {
    const { host } = recordingHost();
    for (let typeId = 1; typeId <= MessageType.SetPeerBandwidth; typeId++) {
      assert.throws(() => rowOf(typeId).serve(host, message(typeId)), DecodeError, `type ${typeId}`);
    }
  });

  test('does nothing for types without a row', () => {
    const { host, done } = recordingHost();
    for (const typeId of [0, 7, 14, 21, 23, 255]) rowOf(typeId).serve(host, message(typeId));
    assert.deepEqual(done, []);
  });
});
