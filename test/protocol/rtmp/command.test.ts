import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from '../../../src/errors.ts';
import type { AmfObject, AmfValue } from '../../../src/protocol/amf/amf.ts';
import { AMF_LIMITS } from '../../../src/protocol/amf/amf-budget.ts';
import {
  type Command,
  type DataMessage,
  decodeCommand,
  decodeData,
  encodeCommand,
  encodeData,
  isCommandType,
  isDataType,
  ObjectEncoding,
} from '../../../src/protocol/rtmp/command.ts';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { bare } from '../../support/amf.ts';
import { codecCases } from '../../support/codec.ts';
import { hex, toHex } from '../../support/hex.ts';
import { amf0CommandCases, amf0DataCases, amf3CommandCases, amf3DataCases } from './command.cases.ts';

/** What is cut off is refused, or read with a remark. */
function withoutOddity<T extends { oddity?: string }>(message: T): T {
  if (message.oddity !== undefined) throw new DecodeError('ERR_BYTES_SHORT', message.oddity);
  return message;
}

function commandCodec(typeId: MessageType, encoding: ObjectEncoding) {
  return {
    decode: (wire: Uint8Array) => withoutOddity(decodeCommand(typeId, wire)),
    encode(command: Command) {
      const encoded = encodeCommand(command, encoding);
      assert.equal(encoded.typeId, typeId);
      return encoded.payload;
    },
  };
}

function dataCodec(typeId: MessageType, encoding: ObjectEncoding) {
  return {
    decode: (wire: Uint8Array) => withoutOddity(decodeData(typeId, wire)),
    encode(message: DataMessage) {
      const encoded = encodeData(message, encoding);
      assert.equal(encoded.typeId, typeId);
      return encoded.payload;
    },
  };
}

codecCases(commandCodec(MessageType.CommandAmf0, ObjectEncoding.Amf0), amf0CommandCases);
codecCases(commandCodec(MessageType.CommandAmf3, ObjectEncoding.Amf3), amf3CommandCases);
codecCases(dataCodec(MessageType.DataAmf0, ObjectEncoding.Amf0), amf0DataCases);
codecCases(dataCodec(MessageType.DataAmf3, ObjectEncoding.Amf3), amf3DataCases);

const PLAY = '02 00 04 70 6c 61 79  00 00 00 00 00 00 00 00 00  05  02 00 01 61';
const play: Command = { name: 'play', transactionId: 0, object: null, args: ['a'] };

test('an AMF3 command may lack its format selector, or have it twice', () => {
  for (const selector of ['', '00', '00 00']) {
    assert.deepEqual(decodeCommand(MessageType.CommandAmf3, hex(selector + PLAY)), play);
  }
  assert.throws(() => decodeCommand(MessageType.CommandAmf3, hex(`00 00 00 ${PLAY}`)), DecodeError);
});

test('an AMF3 data message may lack its format selector', () => {
  const wire = hex('02 00 01 66 05');
  assert.deepEqual(decodeData(MessageType.DataAmf3, wire), { name: 'f', values: [null] });
});

test('an AMF0 command has no format selector: 00 begins a number there', () => {
  assert.throws(() => decodeCommand(MessageType.CommandAmf0, hex(`00 ${PLAY}`)), DecodeError);
});

test('a command may end after its transaction id', () => {
  const wire = hex('02 00 01 66  00 00 00 00 00 00 00 00 00');
  assert.deepEqual(decodeCommand(MessageType.CommandAmf0, wire), {
    name: 'f',
    transactionId: 0,
    object: null,
    args: [],
  });
});

test('a command that does not begin with a name is refused, naming what is there', () => {
  const refused = (wire: string, text: RegExp) =>
    assert.throws(
      () => decodeCommand(MessageType.CommandAmf0, hex(wire)),
      (error: unknown) =>
        error instanceof DecodeError && error.code === 'ERR_RTMP_COMMAND' && text.test(error.message),
    );
  refused('01 01', /begins with a boolean/);
  refused('05', /begins with nothing, not a name/);
  refused('03 00 00 09', /begins with an object, not a name/);
  refused('', /it is empty/);
});

test('arguments may refer to the command object', () => {
  const shared: AmfObject = bare({ app: 'live' });
  const { payload } = encodeCommand(
    { name: 'connect', transactionId: 1, object: shared, args: [shared] },
    ObjectEncoding.Amf0,
  );
  assert.equal(toHex(payload.subarray(-3)), '070000');
  const { object, args } = decodeCommand(MessageType.CommandAmf0, payload);
  assert.equal(args[0], object);
});

test('a message has one budget of values, however many arguments they are in', () => {
  const payload = (count: number) => Uint8Array.of(...hex(PLAY), ...new Uint8Array(count).fill(0x05));
  const limits = { ...AMF_LIMITS, depth: 4, values: 10 };
  assert.equal(decodeCommand(MessageType.CommandAmf0, payload(6), limits).args.length, 7);
  assert.throws(
    () => decodeCommand(MessageType.CommandAmf0, payload(7), limits),
    (error: unknown) => error instanceof DecodeError && error.code === 'ERR_AMF_VALUES',
  );
});

test('an AMF0 client gets bytes as the unsupported marker', () => {
  const { payload } = encodeData(
    { name: 'f', values: [Uint8Array.of(1)] as AmfValue[] },
    ObjectEncoding.Amf0,
  );
  assert.equal(toHex(payload), '020001660d');
});

test('types 17 and 20 are commands, 15 and 18 data', () => {
  const types = Object.values(MessageType);
  assert.deepEqual(types.filter(isCommandType), [17, 20]);
  assert.deepEqual(types.filter(isDataType), [15, 18]);
});
