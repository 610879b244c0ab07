// Messages that cannot be read, or only in part, on connections whose chunk layer is whole.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AmfValue, membersOf } from '../../../src/protocol/amf/amf.ts';
import { encodeCommand, encodeData } from '../../../src/protocol/rtmp/command.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { Core, type LogRecord, until } from '../../support/core.ts';
import { hex } from '../../support/hex.ts';
import { audio, video } from '../../support/media.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import { TunnelClient } from '../../support/tunnel-client.ts';

const lines = (core: Core): LogRecord[] => core.log.filter(({ event }) => event === 'odd-message');

function send(peer: RtmpPeer, typeId: number, payload: Uint8Array, streamId = 0): void {
  peer.send({ typeId, streamId, timestampMs: 0, payload });
}

const data = (name: string, ...values: AmfValue[]) => encodeData({ name, values }, 0).payload;
const FRAME = data('@setDataFrame', 'onMetaData');
const framed = (rest: string) => Buffer.concat([FRAME, hex(rest)]);
const number = (value: number) => {
  const bytes = Buffer.alloc(9);
  bytes.writeDoubleBE(value, 1);
  return bytes;
};

/** A publisher that sends this, then a picture; a player that is there and one that comes later. */
async function published(
  core: Core,
  typeId: number,
  payload: Uint8Array,
): Promise<{ early: RtmpPeer; late: RtmpPeer; publisher: RtmpPeer }> {
  const { peer: publisher, id } = await core.publisher('cam');
  const { peer: early } = await core.player('cam');
  send(publisher, typeId, payload, id);
  publisher.video(id, 0, video.keyframe(1));
  await early.expectMedia();
  const { peer: late } = await core.player('cam');
  await late.expectMedia();
  return { early, late, publisher };
}

/** Members of the metadata that a player has got; undefined: none. */
function metaDataOf(player: RtmpPeer): Record<string, AmfValue> | undefined {
  const heard = player.heard.find(({ data }) => data?.name === 'onMetaData')?.data;
  return heard && { ...membersOf(heard.values[0]) };
}

describe('metadata of cameras that can be understood is used, and a warning says what is odd about it', () => {
  const width = '0003 6b6579 00 4050000000000000'; // key: 64
  for (const [what, payload, text, typeId = MessageType.DataAmf0] of [
    [
      'two numbers before @setDataFrame',
      Buffer.concat([number(0), number(0), data('@setDataFrame', 'onMetaData', { key: 64 })]),
      /^a data message \(onMetaData\) of \d+ bytes is malformed; the server uses the valid part: 2 values stand before its name$/,
    ],
    [
      'a null and a text before @setDataFrame',
      Buffer.concat([hex('05 0200 0161'), data('@setDataFrame', 'onMetaData', { key: 64 })]),
      /2 values stand before its name/,
    ],
    [
      'a number before onMetaData',
      Buffer.concat([number(7), data('onMetaData', { key: 64 })]),
      /\(onMetaData\).*1 values stand before its name/,
    ],
    [
      'a number between @setDataFrame and onMetaData',
      data('@setDataFrame', 7, 'onMetaData', { key: 64 }),
      undefined,
    ],
    ['zeros behind the object', framed(`03 ${width} 000009 000000`), /zeros follow its values/],
    [
      'garbage behind the object',
      framed(`03 ${width} 000009 ffee`),
      /what follows its values cannot be read: it has the unknown AMF0 marker 255/,
    ],
    ['an object without its end', framed(`03 ${width}`), /its last object has no end/],
    ['half an end', framed(`03 ${width} 0000`), /its last object has no end/],
    [
      'an ECMA array of count 0 without its end',
      framed(`08 00000000 ${width}`),
      /its last object has no end/,
    ],
    ['an ECMA array of a wrong count without its end', framed(`08 00000009 ${width}`), /has no end/],
    [
      'AMF3 data without its leading 0',
      data('@setDataFrame', 'onMetaData', { key: 64 }),
      undefined,
      MessageType.DataAmf3,
    ],
    [
      'AMF3 data with its leading 0 and a number before its name',
      Buffer.concat([hex('00'), number(0), data('onMetaData', { key: 64 })]),
      /1 values stand before its name/,
      MessageType.DataAmf3,
    ],
  ] as [string, Uint8Array, RegExp | undefined, number?][]) {
    test(what, async () => {
      await using core = await Core.start();
      const { early, late } = await published(core, typeId, payload);
      assert.deepEqual(metaDataOf(early), { key: 64 });
      assert.deepEqual(metaDataOf(late), { key: 64 });
      const [line, ...more] = lines(core);
      assert.deepEqual(more, []);
      if (text) assert.match(String(line?.msg), text);
      else assert.equal(line, undefined);
      assert.equal(line?.level, text && 'warn');
    });
  }
});

describe('a data message that makes no sense reaches nobody; pictures go on, and a warning says why', () => {
  for (const [what, payload, text] of [
    ['an empty one', hex(''), /^a data message of 0 bytes cannot be read: it is empty$/],
    [
      'a text that is cut off',
      framed('03 0003 6b6579 02 00ff 61'),
      /^a data message \(onMetaData\) of 39 bytes cannot be read: it ends in the middle of a string$/,
    ],
    ['a number that is cut off', framed('03 0003 6b6579 00 40'), /it ends in the middle of a number$/],
    ['a name that is cut off', framed('03 0009 6b6579'), /it ends in the middle of an object$/],
    [
      'a list that is cut off',
      framed('0a 00000003 05 05'),
      /it ends in the middle of an array$|has 3 array items in 2 bytes$/,
    ],
    ['a marker that AMF0 reserves', framed('03 0001 61 0e 00'), /the unknown AMF0 marker 14 at offset 33$/],
    ['a list of 2^32 items', framed('0a ffffffff 05'), /it has 4294967295 array items in 1 bytes$/],
    ['an AMF3 vector without end', framed('11 0d bfffffff 00'), /cannot be read: it has \d+ items/],
    ['no name', number(1), /^a data message of 9 bytes cannot be read: it has no name$/],
    ['a data frame of no name', data('@setDataFrame', 7, {}), /it does not say which data frame$/],
  ] as [string, Uint8Array, RegExp][]) {
    test(what, async () => {
      await using core = await Core.start();
      const { early, late, publisher } = await published(core, MessageType.DataAmf0, payload);
      for (const player of [early, late]) {
        const names = player.heard.flatMap(({ data }) => (data ? [data.name] : []));
        assert.deepEqual(names, ['|RtmpSampleAccess', 'onStatus']);
      }
      assert.deepEqual(
        core.trouble.map(({ event, msg }) => [event, text.test(String(msg)) || msg]),
        [['odd-message', true]],
      );
      await publisher[Symbol.asyncDispose]();
      await until('its end', () =>
        core.log.some(({ event, unreadable }) => event === 'disconnect' && unreadable === 1),
      );
    });
  }
});

describe('a command', () => {
  async function connected(): Promise<{ core: Core; peer: RtmpPeer }> {
    const core = await Core.start();
    const peer = await core.peer();
    await peer.connect('live');
    return { core, peer };
  }
  const command = (name: string, id: number, ...args: AmfValue[]) =>
    encodeCommand({ name, transactionId: id, object: null, args }, 0).payload;

  test('without a transaction id wants no answer, and is obeyed', async () => {
    const { core, peer } = await connected();
    await using _ = core;
    send(peer, MessageType.CommandAmf0, hex('02 000d 72656c6561736553747265616d')); // releaseStream
    send(peer, MessageType.CommandAmf0, Buffer.concat([hex('02 0003 666f6f 05'), data('bar')]));
    await until('the call', () => core.script().invoked.length === 2);
    assert.deepEqual(
      core.script().invoked.map(({ name, args, wantsResult }) => [name, args, wantsResult]),
      [
        ['releaseStream', [], false],
        ['foo', ['bar'], false],
      ],
    );
    assert.deepEqual(
      lines(core).map(({ msg }) => msg),
      [
        'a command (releaseStream) of 16 bytes is malformed; the server uses the valid part: it has no transaction id',
      ],
    );
  });

  test('with zeros behind its values is obeyed', async () => {
    const { core, peer } = await connected();
    await using _ = core;
    send(peer, MessageType.CommandAmf0, Buffer.concat([command('createStream', 7), hex('000000')]));
    assert.deepEqual((await peer.expectAnswer(7)).args, [1]);
  });

  test('whose arguments cannot be read is answered by _error, and the connection goes on', async () => {
    const { core, peer } = await connected();
    await using _ = core;
    const cut = Buffer.concat([command('hello', 9), hex('02 00ff 61')]);
    send(peer, MessageType.CommandAmf0, cut);
    const answer = await peer.expectAnswer(9);
    assert.equal(answer.name, '_error');
    const { code, description } = membersOf(answer.args[0])!;
    assert.equal(code, 'NetConnection.Call.Failed');
    assert.equal(description, 'The call cannot be read: it ends in the middle of a string.');
    assert.deepEqual(core.script().invoked, []);
    assert.equal(typeof (await peer.createStream()), 'number');
    assert.deepEqual(
      lines(core).map(({ msg, name }) => [msg, name]),
      [
        [
          `a command (hello) of ${cut.length} bytes cannot be read: it ends in the middle of a string`,
          'hello',
        ],
      ],
    );
  });

  test('that answers a call of the script and cannot be read is an answer that failed', async () => {
    const { core, peer } = await connected();
    await using _ = core;
    const { question } = await core.script().question('onConnect');
    assert.ok(question.gate === 'onConnect');
    core
      .script()
      .commands.obey({ op: 'clientCall', client: question.client.id, name: 'ping', args: [], responder: 3 });
    await peer.expectCommand('ping');
    send(peer, MessageType.CommandAmf0, Buffer.concat([command('_result', 3), hex('02 00ff')]));
    await until('the answer', () => core.script().callResults.length === 1);
    assert.deepEqual(core.script().callResults, [{ responder: 3, ok: false, value: undefined }]);
  });

  test('that is empty, has no name or is nothing but garbage is passed over', async () => {
    const { core, peer } = await connected();
    await using _ = core;
    for (const wire of ['', '000000000000000000', 'ffffffff', '02 ffff 61', '00']) {
      send(peer, MessageType.CommandAmf0, hex(wire));
      send(peer, MessageType.CommandAmf3, hex(wire));
    }
    assert.equal(typeof (await peer.createStream()), 'number');
    assert.ok(lines(core).length > 0);
  });

  test('connect that cannot be read ends the connection, and the log says which message it was', async () => {
    await using core = await Core.start();
    const peer = await core.peer();
    const connect = Buffer.concat([data('connect'), number(1), hex('03 0003 617070 02 00ff')]);
    send(peer, MessageType.CommandAmf0, connect);
    await peer.closed();
    const told = `a command (connect) of ${connect.length} bytes cannot be read: it ends in the middle of a string`;
    assert.deepEqual(
      core.trouble.map(({ event, code, msg }) => [event, code, msg]),
      [['bad-input', 'ERR_BYTES_SHORT', `connection closed: ${told}`]],
    );
  });
});

test('control messages that cannot be read are passed over, before connect and behind it', async () => {
  await using core = await Core.start();
  const peer = await core.peer();
  const sendAll = () => {
    for (const [typeId, wire] of [
      [MessageType.SetPeerBandwidth, '002625a0'],
      [MessageType.SetPeerBandwidth, '00000001 07'],
      [MessageType.UserControl, '0003 00000001'],
      [MessageType.UserControl, '0006 0000'],
      [MessageType.UserControl, ''],
      [MessageType.WindowAckSize, '000001'],
      [MessageType.Acknowledgement, ''],
      [MessageType.Abort, '0000'],
    ] as [number, string][])
      send(peer, typeId, hex(wire));
  };
  sendAll();
  await peer.connect('live');
  sendAll();
  await peer.settle();
  assert.deepEqual(
    core.trouble.map(({ msg }) => msg),
    [
      'a Set Peer Bandwidth message of 4 bytes cannot be read: it ends before its limit type',
      'a Set Peer Bandwidth message of 5 bytes cannot be read: its limit type 7 is not 0, 1 or 2',
      'a User Control message (Set Buffer Length) of 6 bytes cannot be read: it ends before its buffer length',
      'a Window Acknowledgement Size message of 3 bytes cannot be read: it ends before its value does',
      'an Acknowledgement message of 0 bytes cannot be read: it ends before its value does',
      'an Abort message of 2 bytes cannot be read: it ends before its value does',
    ],
  );
});

test('through a tunnel it is the same', async () => {
  await using core = await Core.start();
  const { asSocket } = await TunnelClient.open(core.port);
  await using publisher = await RtmpPeer.over(asSocket);
  const id = await publisher.publish('live', 'cam');
  send(publisher, MessageType.DataAmf0, framed('0e'), id);
  send(publisher, MessageType.SetPeerBandwidth, hex('002625a0'));
  publisher.video(id, 0, video.keyframe(1));
  await publisher.settle();
  const { peer: player } = await core.player('cam');
  await player.expectMedia();
  assert.deepEqual(
    lines(core).map(({ protocol, typeId }) => [protocol, typeId]),
    [
      ['rtmpt', MessageType.DataAmf0],
      ['rtmpt', MessageType.SetPeerBandwidth],
    ],
  );
});

test('an aggregate that is cut off is its parts before that', async () => {
  await using core = await Core.start();
  const part = (typeId: number, payload: Uint8Array) => {
    const head = Buffer.alloc(11);
    head.writeUInt32BE(typeId * 2 ** 24 + payload.length, 0);
    return Buffer.concat([head, payload, Buffer.alloc(4)]);
  };
  const { peer, id } = await core.publisher('cam');
  const { peer: player } = await core.player('cam');
  const payload = Buffer.concat([
    part(MessageType.Video, video.keyframe(1)),
    part(MessageType.DataAmf0, hex('02 00ff')),
    part(MessageType.Video, video.frame(2)),
    part(MessageType.Audio, audio.frame(3)).subarray(0, 12),
  ]);
  send(peer, MessageType.Aggregate, payload, id);
  await until('its parts', () => player.heard.filter(({ media }) => media).length === 2);
  send(peer, MessageType.Aggregate, hex('16 000000 000000 00 000000'), id); // another aggregate in it
  await peer.settle();
  assert.deepEqual(
    core.trouble.map(({ msg }) => msg),
    [
      'a data message of 3 bytes cannot be read: it ends in the middle of a string',
      `an aggregate message of ${payload.length} bytes cannot be read: it ends in the middle of a part`,
      'an aggregate message of 11 bytes cannot be read: it has an aggregate in it',
    ],
  );
});

test('one kind has one line on a connection, however many there are, and the end of it has their number', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  for (let i = 0; i < 5_000; i += 1) {
    send(
      peer,
      MessageType.DataAmf0,
      framed(`03 0003 6b6579 02 00ff ${(i & 0xff).toString(16).padStart(2, '0')}`),
      id,
    );
  }
  await peer.settle();
  core.clock.advance(5_000);
  assert.equal(lines(core).length, 1);
  await peer[Symbol.asyncDispose]();
  await until('its end', () => core.log.some(({ unreadable }) => unreadable === 5_000));
});

test('many connections from one address that send it have one line a second, with their number', async () => {
  await using core = await Core.start();
  for (let i = 0; i < 5; i += 1) {
    const { peer, id } = await core.publisher(`cam${i}`);
    send(peer, MessageType.DataAmf0, framed('0e'), id);
    await peer.settle();
  }
  assert.equal(lines(core).length, 1);
  core.clock.advance(1_000);
  assert.deepEqual(
    lines(core).map(({ repeats }) => repeats),
    [undefined, 3],
  );
});

test('what a name may do to a log it does not do', async () => {
  await using core = await Core.start();
  const { peer, id } = await core.publisher('cam');
  send(peer, MessageType.DataAmf0, Buffer.concat([data(`a\n\u202e${'x'.repeat(5_000)}`), hex('0e')]), id);
  await peer.settle();
  const [line] = lines(core);
  assert.ok(JSON.stringify(line).length < 1_000);
  assert.ok(!/[\n\u202e]/.test(String(line?.msg)));
});
