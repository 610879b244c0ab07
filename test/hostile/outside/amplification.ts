// Messages that are small, or as large as they may be, and cost more than their bytes once they are decoded.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { MessageType } from '../../../src/protocol/rtmp/message.ts';
import { hex } from '../../support/hex.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import type { LogRecord, TestServer } from '../../support/server.ts';
import type { OutsideAttack, Siege } from '../stage.ts';

const MEGABYTE = 1 << 20;
/** Below MaxDataSize. */
const MOST = 4 * MEGABYTE - 1024;
/** Of MaxDataValues, with room for the message around them. */
const VALUES = 99_000;
const OBJECTS = 24_500;

type Part = string | Uint8Array;
const bytes = (...parts: Part[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? hex(part) : part)));
const fill = (length: number, byte: number): Buffer => Buffer.alloc(length, byte);
/** One after the other. */
const times = (count: number, part: Part): Buffer => {
  const one = bytes(part);
  return Buffer.alloc(one.length * count, one);
};
const each = (count: number, part: (i: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => part(i)));

const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
const u32 = (value: number): Buffer => Buffer.of(value >> 24, value >> 16, value >> 8, value);
/** | value·2+1 U29 |, in four bytes */
const u29 = (value: number): Buffer => {
  const n = value * 2 + 1;
  return Buffer.of((n >> 22) | 0x80, ((n >> 15) & 0x7f) | 0x80, ((n >> 8) & 0x7f) | 0x80, n & 0xff);
};
/** AMF0: a name, or a string without its marker. */
const name = (text: string): Buffer => bytes(u16(text.length), Buffer.from(text));
/** AMF3: a string without its marker. */
const text3 = (text: Buffer): Buffer => bytes(u29(text.length), text);
const list0 = (count: number, items: Part): Buffer => bytes('0a', u32(count), items);
/** AMF3 inside AMF0. */
const list3 = (count: number, ...items: Part[]): Buffer => bytes('11 09', u29(count), '01', ...items);

/** What references stand for: a few bytes each. */
const REFERENCES: Record<string, Part> = {
  'a string of 1 MB, referred to 2,000 times': list3(
    2_001,
    '06',
    text3(fill(MEGABYTE, 97)),
    times(2_000, '06 00'),
  ),
  'a string of 10 kB, referred to 90,000 times': list3(
    90_001,
    '06',
    text3(fill(10_000, 97)),
    times(90_000, '06 00'),
  ),
  'objects of a class whose name has 1 MB, 40,000 of them': list3(
    40_001,
    '0a 03',
    text3(fill(MEGABYTE, 97)),
    times(40_000, '0a 01'),
  ),
  'sealed members of 1 kB each, in 10,000 instances': list3(
    10_001,
    '0a 85 03 01', // 40 of them
    each(40, () => text3(fill(1_000, 97))),
    times(40, '01'),
    times(10_000, bytes('0a 01', times(40, '01'))),
  ),
  'the name of a member of 100 kB, in 20,000 objects': list3(
    20_001,
    '0a 0b 01',
    text3(fill(100_000, 97)),
    '01 01',
    times(20_000, '0a 01 00 01 01'),
  ),
  'bytes of 1 MB, referred to 20,000 times': list3(
    20_001,
    '0c',
    text3(fill(MEGABYTE, 7)),
    times(20_000, '0c 02'),
  ),
  'XML of 1 MB, referred to 20,000 times': list3(
    20_001,
    '0b',
    text3(fill(MEGABYTE, 97)),
    times(20_000, '0b 02'),
  ),
  'an object of 100 kB as 20,000 arguments of AMF0': bytes(
    '03',
    name('a'),
    '0c',
    u32(100_000),
    fill(100_000, 97),
    '00 00 09',
    times(20_000, '07 00 00'),
  ),
  'lists of lists of lists, each twice the one before': list3(
    31,
    bytes('09', u29(1), '01 06', text3(fill(1_000, 97))),
    each(30, (i) => bytes('09', u29(2), '01', times(2, bytes('09', Buffer.of((i + 1) << 1))))),
  ),
};

/** As large as the limits let them be. */
const LARGE: Record<string, Part> = {
  'a string of control characters': bytes('0c', u32(MOST), fill(MOST, 1)),
  'a string that is no UTF-8': bytes('0c', u32(MOST), fill(MOST, 0xff)),
  'a string of quotes': bytes('0c', u32(MOST), fill(MOST, 34)),
  bytes: bytes('11 0c', u29(MOST), fill(MOST, 7)),
  'small values': list0(VALUES, times(VALUES, '05')),
  'arguments without end': times(VALUES, '06'),
  'special numbers': list0(VALUES, times(VALUES, '00 7ff8000000000000')),
  'empty objects': list0(OBJECTS, times(OBJECTS, '03 000009')),
  'associative arrays that announce four thousand million entries': list0(
    OBJECTS,
    times(OBJECTS, '08 ffffffff 000009'),
  ),
  dates: list0(OBJECTS, times(OBJECTS, '0b 4270000000000000 0000')),
  'documents of XML': list0(OBJECTS, times(OBJECTS, '0f 00000001 61')),
  'switches to AMF3 and back': list0(VALUES / 2, times(VALUES / 2, '11 01')),
  'an object of many long names': bytes(
    '03',
    each(OBJECTS, (i) => bytes(name(`${'name'.repeat(30)}${i}`), '05')),
    '00 00 09',
  ),
  'an object of many numbers as names': bytes(
    '03',
    each(OBJECTS, (i) => bytes(name(`${(OBJECTS - i) * 2 ** 17}`), '05')),
    '00 00 09',
  ),
  'nesting to the last level': list0(400, times(400, bytes(times(60, '0a 00000001'), '05'))),
  'a vector of doubles': bytes('11 0f', u29(VALUES), '00', fill(VALUES * 8, 5)),
  'a dictionary': bytes('11 11', u29(VALUES / 3), '00', times(VALUES / 3, '01 01')),
};

const HEAD = bytes('02', name('method'), '00 4000000000000000 05');

function call(...values: Part[]): Buffer {
  return bytes(HEAD, ...values);
}

/** The command of connect, with more arguments than the script expects. */
function connect(app: string, ...values: Part[]): Buffer {
  const object = bytes('03', name('app'), '02', name(app), '00 00 09');
  return bytes('02', name('connect'), '00 3ff0000000000000', object, ...values);
}

function send(
  peer: RtmpPeer,
  payload: Uint8Array,
  typeId: number = MessageType.CommandAmf0,
  streamId = 0,
): void {
  peer.send({ typeId, streamId, timestampMs: 0, payload });
}

/** Resolves when the server has answered the call or has closed the connection. */
async function answered(peer: RtmpPeer): Promise<string> {
  const answer = peer.expect('an answer', ({ command }) => command?.transactionId === 2);
  const closed = once(peer.socket, 'close').then(() => undefined);
  const heard = await Promise.race([answer.catch(() => undefined), closed]);
  return heard?.command?.name ?? 'closed';
}

const isLimit = ({ limit }: LogRecord): boolean => typeof limit === 'string';

/** Closed because of a limit, and the log says so. Before `connect` a message may be shorter than later. */
async function refuses(server: TestServer, attack: (peer: RtmpPeer) => Promise<void>): Promise<void> {
  const lines = server.log.filter(isLimit).length;
  await using peer = await RtmpPeer.open(server.port);
  await attack(peer);
  await peer.closed();
  if (lines === 0) await server.waitForLog(isLimit); // later ones may be counted in a line to come
}

const REFUSED: OutsideAttack[] = Object.entries(REFERENCES).flatMap(([title, values]) => [
  {
    name: `connect with ${title}`,
    run: ({ server }) => refuses(server, async (peer) => send(peer, connect('calls', values))),
  },
  {
    name: `a call with ${title}`,
    run: ({ server }) =>
      refuses(server, async (peer) => {
        await peer.connect('calls');
        send(peer, call(values));
      }),
  },
  {
    name: `data for players: ${title}`,
    run: ({ server }) =>
      refuses(server, async (peer) => {
        const id = await peer.publish('live', 'other');
        send(peer, bytes('02', name('onTextData'), values), MessageType.DataAmf0, id);
      }),
  },
]);

/** Each has an application of its own: a script that takes too long for its turns is not started again for a while. */
const applicationOf = (index: number): string => `calls${index}`;

const ANSWERED: OutsideAttack[] = Object.entries(LARGE).flatMap(([title, values], index) => [
  {
    name: `calls with the most of: ${title}`,
    async run({ server }) {
      for (let i = 0; i < 3; i += 1) {
        await using peer = await RtmpPeer.open(server.port);
        const { name: fate } = await peer.connect(applicationOf(index));
        if (i === 0) assert.equal(fate, '_result');
        send(peer, call(values));
        await answered(peer);
      }
    },
  },
  {
    name: `data for players with the most of: ${title}`,
    async run({ server }) {
      await using peer = await RtmpPeer.open(server.port);
      const id = await peer.publish('live', 'other');
      for (let i = 0; i < 3; i += 1) {
        send(
          peer,
          bytes('02', name('@setDataFrame'), '02', name('onMetaData'), values),
          MessageType.DataAmf0,
          id,
        );
      }
      send(peer, bytes('02', name('nobody'), '00 4000000000000000 05'));
      await answered(peer);
    },
  },
]);

/** Small messages at full rate, each of which costs as much as it may. */
const FLOODS: Record<string, { payload: Buffer; count: number }> = {
  'texts of 300 bytes, referred to 50 times': {
    payload: call(list3(51, '06', text3(fill(300, 97)), times(50, '06 00'))),
    count: 3_000,
  },
  'calls that cannot be read, with a long name': {
    payload: bytes('02', u16(60_000), fill(60_000, 97), '00 4000000000000000 05 ff'),
    count: 200,
  },
  'calls that cannot be read, behind many values': {
    payload: call(list0(20_000, times(20_000, '05')), 'ff'),
    count: 100,
  },
  'calls of a method with a long name': {
    payload: bytes('0c', u32(200_000), fill(200_000, 97), '00 4000000000000000 05'),
    count: 100,
  },
};

const FLOODING: OutsideAttack[] = Object.entries(FLOODS).map(([title, { payload, count }]) => ({
  name: `without a pause, ${title}`,
  async run({ server }) {
    await using peer = await RtmpPeer.open(server.port);
    await peer.connect('calls');
    for (let i = 0; i < count && !peer.isClosed; i += 1) {
      send(peer, payload);
      if (peer.socket.writableNeedDrain)
        await Promise.race([once(peer.socket, 'drain'), once(peer.socket, 'close')]);
    }
    send(peer, bytes('02', name('last'), '00 4008000000000000 05'));
    await Promise.race([peer.expectAnswer(3).catch(() => {}), peer.closed()]);
  },
}));

/** Of another kind than the values of a message. */
const OTHERS: OutsideAttack[] = [
  {
    name: 'facts of connect that have a megabyte each',
    async run({ server }) {
      const long = 'x'.repeat(900_000);
      const facts = { tcUrl: `rtmp://h/${long}`, swfUrl: long, pageUrl: long, flashVer: long };
      await refuses(server, async (peer) => {
        await assert.rejects(peer.connect('calls', facts));
      });
    },
  },
  {
    name: 'an aggregate of data messages that have little values each',
    async run({ server }) {
      await using peer = await RtmpPeer.open(server.port);
      const id = await peer.publish('live', 'other');
      const data = bytes('02', name('onTextData'), times(2_000, '05'));
      const part = bytes('12', u32(data.length).subarray(1), '000000 00 000000', data, u32(data.length + 11));
      send(peer, times(1_000, part), MessageType.Aggregate, id);
      await peer.settle(); // its parts are messages by themselves, which take turns
    },
  },
];

const SCRIPT = `application.onConnect = function (client) {
  client.method = function () { return arguments.length; };
  return true;
};`;

export const SIEGE: Siege = {
  title: 'messages that are more than their bytes',
  server: {
    applications: Object.fromEntries(
      ['calls', ...Object.keys(LARGE).map((_, index) => applicationOf(index))].map((name) => [
        `${name}/main.asc`,
        SCRIPT,
      ]),
    ),
  },
  attacks: [...REFUSED, ...ANSWERED, ...FLOODING, ...OTHERS],
};
