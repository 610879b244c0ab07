// The client's side of a conversation, without a socket: what it says is written down, what it hears is made here.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DecodeError, isUnreadable } from '../../../src/errors.ts';
import type { AmfObject, AmfValue } from '../../../src/protocol/amf/amf.ts';
import { AMF_LIMITS } from '../../../src/protocol/amf/amf-budget.ts';
import { HANDSHAKE_RANDOM_BYTES, ServerHandshake } from '../../../src/protocol/handshake/handshake.ts';
import { ChunkWriter } from '../../../src/protocol/rtmp/chunk-writer.ts';
import { encodeCommand } from '../../../src/protocol/rtmp/command.ts';
import {
  type ControlMessage,
  encodeControl,
  LimitType,
  UserControlEvent,
} from '../../../src/protocol/rtmp/control.ts';
import { MessageType, type RtmpMessage } from '../../../src/protocol/rtmp/message.ts';
import { RtmpClient } from '../../../src/protocol/rtmp/rtmp-client.ts';
import { parseRtmpUri } from '../../../src/protocol/rtmp/rtmp-uri.ts';
import { hex } from '../../support/hex.ts';

class Conversation {
  /** `name transaction args on stream`, and control messages by their type. */
  readonly said: string[] = [];
  /** What is wrong with what it has heard. */
  readonly odd: string[] = [];
  readonly statuses: [info: AmfObject, isAnswer: boolean][] = [];
  readonly client: RtmpClient;
  connectObject: AmfValue;
  readonly #handshake = new ServerHandshake({ random: new Uint8Array(HANDSHAKE_RANDOM_BYTES), timeMs: 0 });
  readonly #writer = new ChunkWriter();
  #isShaken = false;
  #answer: Uint8Array[] = [];

  constructor() {
    this.client = new RtmpClient({
      ...{ uri: parseRtmpUri('rtmp://host/app/room?k=1')!, args: ['a'], agent: 'Test/1' },
      ...{
        random: new Uint8Array(HANDSHAKE_RANDOM_BYTES),
        chunks: {},
        amf: { ...AMF_LIMITS, depth: 10, values: 100 },
      },
      chunkBytes: 4096,
      out: {
        write: (bytes) => {
          if (this.#isShaken) return;
          const { send, rest } = this.#handshake.push(bytes);
          if (send.length > 0) this.#answer.push(send);
          this.#isShaken = rest !== undefined;
        },
        command: (name, transaction, args, streamId = 0, object = null) => {
          if (name === 'connect') this.connectObject = object;
          this.said.push(`${name} ${transaction} ${JSON.stringify(args)} on ${streamId}`);
        },
        control: (message) => void this.said.push(controlText(message)),
      },
      odd: {
        passOver: (_, error) => {
          if (!isUnreadable(error)) throw error;
          this.odd.push(error.message);
        },
        read: (_, oddity) => oddity === undefined || this.odd.push(oddity),
      },
      onStatus: (info, isAnswer) => void this.statuses.push([{ ...info }, isAnswer]),
    });
    this.client.start();
    for (const bytes of this.#answer.splice(0)) this.client.push(bytes);
  }

  hear(message: Omit<RtmpMessage, 'timestampMs'>): void {
    this.client.push(this.#writer.encode({ timestampMs: 0, ...message }, 3));
  }
  control(message: ControlMessage): void {
    this.hear({ typeId: message.typeId, streamId: 0, payload: encodeControl(message) });
  }
  command(name: string, transactionId: number, args: AmfValue[], streamId = 0): void {
    this.hear({ ...encodeCommand({ name, transactionId, object: null, args }, 0), streamId });
  }
  /** What it has said since. */
  take(): string[] {
    return this.said.splice(0);
  }
}

function controlText(message: ControlMessage): string {
  const { typeId, ...rest } = message;
  return `control ${typeId} ${Object.values(rest).join(' ')}`;
}

/** Connected; what it said so far is forgotten. */
function connected(): Conversation {
  const conversation = new Conversation();
  conversation.command('_result', 1, [{ code: 'NetConnection.Connect.Success' }]);
  conversation.take();
  return conversation;
}

function listener(log: string[] = []) {
  return {
    log,
    status: ({ code }: AmfObject, id: number) => void log.push(`${code} ${id}`),
    media: ({ typeId }: RtmpMessage) => void log.push(`media ${typeId}`),
    ended: () => void log.push('ended'),
  };
}

test('it shakes hands, connects, and says how it will speak once that is accepted', () => {
  const conversation = new Conversation();
  assert.deepEqual(conversation.take(), ['connect 1 ["a"] on 0']);
  const { app, tcUrl, flashVer, fourCcList, objectEncoding } = conversation.connectObject as AmfObject;
  assert.deepEqual(
    [app, tcUrl, flashVer, fourCcList, objectEncoding],
    ['app/room?k=1', 'rtmp://host/app/room?k=1', 'Test/1', ['*'], 0],
  );
  assert.equal(conversation.client.isOpen, false);
  conversation.command('_result', 1, [{ code: 'NetConnection.Connect.Success', level: 'status' }]);
  assert.equal(conversation.client.isOpen, true);
  assert.deepEqual(conversation.take(), ['control 5 2500000', 'control 1 4096']);
  assert.deepEqual(conversation.statuses, [
    [{ code: 'NetConnection.Connect.Success', level: 'status' }, true],
  ]);
});

test('a refusal is told with its words, and one without words as a rejection', () => {
  for (const [said, code] of [
    [{ code: 'NetConnection.Connect.InvalidApp' }, 'NetConnection.Connect.InvalidApp'],
    [null, 'NetConnection.Connect.Rejected'],
  ] as const) {
    const conversation = new Conversation();
    conversation.command('_error', 1, [said]);
    assert.equal(conversation.statuses[0]?.[0].code, code);
    assert.equal(conversation.client.isOpen, false);
  }
});

test('a stream that is asked for early is published when the connection is there', () => {
  const conversation = new Conversation();
  const events = listener();
  const { close } = conversation.client.open({ kind: 'publish', name: 'show', type: 'live' }, events);
  assert.equal(conversation.take().length, 1);
  conversation.command('_result', 1, []);
  assert.deepEqual(conversation.take().slice(2), [
    ...['releaseStream 2 ["show"] on 0', 'FCPublish 3 ["show"] on 0', 'createStream 4 [] on 0'],
  ]);
  conversation.command('_error', 2, []);
  conversation.command('_result', 4, [5]);
  assert.deepEqual(conversation.take(), ['publish 5 ["show","live"] on 5']);
  conversation.command('onStatus', 0, [{ code: 'NetStream.Publish.Start' }], 5);
  close();
  close();
  assert.deepEqual(conversation.take(), ['FCUnpublish 6 ["show"] on 0', 'deleteStream 7 [5] on 0']);
  conversation.command('onStatus', 0, [{ code: 'NetStream.Unpublish.Success' }], 5);
  assert.deepEqual(events.log, ['NetStream.Publish.Start 5']);
});

test('one that was given up before the server had made it is deleted when it has', () => {
  const conversation = connected();
  const { close } = conversation.client.open({ kind: 'publish', name: 'show', type: 'live' }, listener());
  close();
  conversation.take();
  conversation.command('_result', 4, [1]);
  assert.deepEqual(conversation.take(), ['FCUnpublish 5 ["show"] on 0', 'deleteStream 6 [1] on 0']);
});

test('one that the server does not give has failed', () => {
  for (const answer of [
    ['_error', []],
    ['_result', ['x']],
    ['_result', [0]],
  ] as const) {
    const conversation = connected();
    const events = listener();
    conversation.client.open({ kind: 'publish', name: 'show', type: 'live' }, events);
    conversation.command(answer[0], 4, [...answer[1]]);
    assert.deepEqual(events.log, ['NetStream.Failed 0']);
  }
});

test('one that plays has its buffer, its media and its end, each on its own message stream', () => {
  const conversation = connected();
  const [one, two] = [listener(), listener()];
  const play = { kind: 'play' as const, startMs: -1000, lengthMs: -1000, bufferMs: 500 };
  const open = conversation.client.open({ ...play, name: 'one' }, one);
  conversation.client.open({ ...play, name: 'two' }, two);
  conversation.command('_result', 2, [1]);
  conversation.command('_result', 3, [2]);
  assert.deepEqual(conversation.take().slice(2), [
    ...['play 4 ["one",-1000,-1000,true] on 1', 'control 4 3 1 500'],
    ...['play 5 ["two",-1000,-1000,true] on 2', 'control 4 3 2 500'],
  ]);
  open.setBufferMs(2_000);
  assert.deepEqual(conversation.take(), ['control 4 3 1 2000']);
  conversation.hear({ typeId: MessageType.Video, streamId: 2, payload: Uint8Array.of(0x17, 1) });
  conversation.hear({ typeId: MessageType.Video, streamId: 9, payload: Uint8Array.of(0x17, 1) });
  conversation.command('onStatus', 0, [{ code: 'NetStream.Play.Start' }], 1);
  conversation.command('onStatus', 0, [{ code: 'NetStream.Play.Start' }], 0); // whose?
  const event = UserControlEvent.StreamEof;
  conversation.control({ typeId: MessageType.UserControl, event, streamId: 2 });
  assert.deepEqual([one.log, two.log], [['NetStream.Play.Start 1'], ['media 9', 'ended']]);
  assert.equal(conversation.statuses.at(-1)?.[0].code, 'NetStream.Play.Start');
});

test('pings are answered, bandwidth is agreed on, bytes are acknowledged', () => {
  const conversation = connected();
  const event = UserControlEvent.PingRequest;
  conversation.control({ typeId: MessageType.UserControl, event, timestampMs: 7 });
  const ackWindowBytes = 1000;
  conversation.control({
    typeId: MessageType.SetPeerBandwidth,
    ackWindowBytes,
    limitType: LimitType.Dynamic,
  });
  assert.deepEqual(conversation.take(), ['control 4 7 7', 'control 5 1000']);
  conversation.control({ typeId: MessageType.WindowAckSize, ackWindowBytes });
  conversation.take();
  conversation.hear({ typeId: MessageType.Video, streamId: 1, payload: new Uint8Array(1200) });
  assert.match(conversation.take().join(), /^control 3 \d{4}$/);
});

test('what the server wants called is not found; what it says in passing is passed over', () => {
  const conversation = connected();
  conversation.command('onBWDone', 0, []);
  conversation.command('onFCPublish', 0, [{ code: 'x' }]);
  assert.deepEqual(conversation.take(), []);
  conversation.command('doThis', 12, [1]);
  assert.match(conversation.take().join(), /^_error 12 .*NetConnection.Call.Failed/);
});

test('nonsense is a DecodeError', () => {
  const typeId = MessageType.SetChunkSize;
  assert.throws(() => connected().hear({ typeId, streamId: 0, payload: new Uint8Array(4) }), DecodeError);
  const long = connected();
  assert.throws(() => long.command('onStatus', 0, ['x'.repeat(60_000), 'x'.repeat(60_000)]), DecodeError);
});

describe('what the server says and cannot be read is passed over', () => {
  const cut = hex('02 00ff 61');
  const say = (conversation: Conversation, typeId: number, ...parts: Uint8Array[]) =>
    conversation.hear({ typeId, streamId: 0, payload: Buffer.concat(parts) });
  const command = (name: string, transactionId: number) =>
    encodeCommand({ name, transactionId, object: null, args: [] }, 0).payload;

  test('a status, a call without a transaction id, control messages', () => {
    const conversation = connected();
    const events = listener();
    conversation.client.open({ kind: 'publish', name: 'show', type: 'live' }, events);
    conversation.command('_result', 4, [1]);
    conversation.take();
    say(conversation, MessageType.CommandAmf0, hex('02 000b 6f6e46435075626c697368')); // ffmpeg's onFCPublish
    say(conversation, MessageType.CommandAmf0, command('onStatus', 0), cut);
    say(conversation, MessageType.CommandAmf0, command('onBWDone', 0), cut);
    say(conversation, MessageType.CommandAmf0);
    say(conversation, MessageType.SetPeerBandwidth, hex('002625a0'));
    say(conversation, MessageType.UserControl, hex('0000 00'));
    assert.deepEqual(conversation.take(), []);
    assert.deepEqual(conversation.odd, [
      'it has no transaction id',
      'it ends in the middle of a string',
      'it ends in the middle of a string',
      'it is empty',
      'it ends before its limit type',
      'it ends before its value does',
    ]);
    conversation.command('onStatus', 0, [{ code: 'NetStream.Publish.Start' }], 1);
    assert.deepEqual(events.log, ['NetStream.Publish.Start 1']);
  });

  test('but an answer to connect counts as one, with the little that there is of it', () => {
    for (const [name, isOpen] of [
      ['_result', true],
      ['_error', false],
    ] as const) {
      const conversation = new Conversation();
      say(conversation, MessageType.CommandAmf0, command(name, 1), cut);
      assert.equal(conversation.client.isOpen, isOpen);
      assert.equal(conversation.statuses.length, 1);
    }
  });

  test('a stream whose id cannot be read has failed, and a call is answered', () => {
    const conversation = connected();
    const events = listener();
    conversation.client.open({ kind: 'publish', name: 'show', type: 'live' }, events);
    conversation.take();
    say(conversation, MessageType.CommandAmf0, command('_result', 4), cut);
    assert.deepEqual(events.log, ['NetStream.Failed 0']);
    say(conversation, MessageType.CommandAmf0, command('doThis', 12), cut);
    assert.match(conversation.take().join(), /^_error 12 .*NetConnection.Call.Failed/);
  });
});
