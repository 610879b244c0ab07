// Targets: everything that turns bytes of a peer, a file or a configuration into values.

import { ProxyHeaderReader } from '../../src/adaptor/ports/proxy-protocol.ts';
import { parseStreamName } from '../../src/adaptor/rtmp/stream-name.ts';
import { AddressList } from '../../src/config/address-rules.ts';
import { parseHostPort } from '../../src/config/hostport.ts';
import { parseIni } from '../../src/config/ini.ts';
import { CodedError, ConfigError } from '../../src/errors.ts';
import { decodeAacConfiguration } from '../../src/media/codecs/aac.ts';
import { decodeAvcConfiguration, decodeSpsDimensions } from '../../src/media/codecs/avc.ts';
import { decodeHevcConfiguration } from '../../src/media/codecs/hevc.ts';
import { audioDetails, soundDetails, videoDetails } from '../../src/media/details.ts';
import { decodeOnMetaData, encodeFlvTag, FlvReader, type FlvTag } from '../../src/media/flv.ts';
import { messageFault } from '../../src/media/media-fault.ts';
import { inspectAudio, inspectVideo, trackData } from '../../src/media/tag.ts';
import type { AmfValue } from '../../src/protocol/amf/amf.ts';
import { AMF_LIMITS, FREE_EXPANSION_BYTES } from '../../src/protocol/amf/amf-budget.ts';
import { decodeAmf0, encodeAmf0 } from '../../src/protocol/amf/amf0.ts';
import { decodeAmf3, encodeAmf3 } from '../../src/protocol/amf/amf3.ts';
import { decodeAggregate } from '../../src/protocol/rtmp/aggregate.ts';
import { decodeCommand, decodeData } from '../../src/protocol/rtmp/command.ts';
import { decodeControl, encodeControl, isControlType } from '../../src/protocol/rtmp/control.ts';
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import { fromWire } from '../../src/script/commands/values.ts';
import { toWire } from '../../src/script/wire/wire-text.ts';
import { nameProblem, pathInside } from '../../src/storage/names.ts';
import { amf0Cases } from '../protocol/amf/amf0.cases.ts';
import { amf3Cases } from '../protocol/amf/amf3.cases.ts';
import {
  amf0CommandCases,
  amf0DataCases,
  amf3CommandCases,
  amf3DataCases,
} from '../protocol/rtmp/command.cases.ts';
import { controlCases } from '../protocol/rtmp/control.cases.ts';
import { randomAmf } from '../support/amf.ts';
import { seedsOf } from '../support/codec.ts';
import { hex, toHex } from '../support/hex.ts';
import { AVC_CONFIGURATION, HEVC_CONFIGURATION } from '../support/media.ts';
import type { Random } from '../support/random.ts';
import { check, refused, type Target } from './target.ts';

const LONG = 64 << 10;

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const after =
  (...first: number[]) =>
  (bytes: Uint8Array) =>
    Uint8Array.of(...first, ...bytes);

/**
 * What was read can be written in either format, or is too large for it; what a format cannot say is lost once and then
 * no more. Scripts are given it in their form.
 */
function travels(value: AmfValue, readBytes: number): void {
  staysInProportion(value, readBytes);
  for (const [encode, decode] of [
    [encodeAmf0, decodeAmf0],
    [encodeAmf3, decodeAmf3],
  ] as const) {
    const wire = written(encode, value);
    if (wire === undefined) continue;
    const again = encode(decode(wire));
    const third = encode(decode(again));
    check(toHex(third) === toHex(again), `written again, it differs: ${toHex(again).slice(0, 200)}`);
  }
  const json = written(forScripts, value);
  if (json !== undefined) refused(() => fromWire(JSON.parse(`${json}`)));
}

/** Of a value of one byte that has a tag for scripts, and of a byte in a text. */
const MOST_OF_A_VALUE = 48;
const MOST_OF_A_BYTE = 6;

/** What it takes for players and for scripts: its values, and what its references may stand for. */
function staysInProportion(value: AmfValue, readBytes: number): void {
  const expanded = Math.max(FREE_EXPANSION_BYTES, AMF_LIMITS.expansion * readBytes);
  const most = readBytes * MOST_OF_A_VALUE + expanded * MOST_OF_A_BYTE;
  for (const [form, size] of [
    ['AMF0', written(encodeAmf0, value)?.length],
    ['a script', written(forScripts, value)?.length],
  ] as const) {
    check((size ?? 0) <= most, `${readBytes} bytes are ${size} in ${form}`);
  }
}

const forScripts = (value: AmfValue): Uint8Array => toWire(value).json;

function written(encode: (value: AmfValue) => Uint8Array, value: AmfValue): Uint8Array | undefined {
  try {
    return encode(value);
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}

/** One text, and references to it. */
function repeated(random: Random): Uint8Array {
  const text = 'x'.repeat(1 + random.below(4_000));
  return encodeAmf3(Array.from({ length: 1 + random.below(8_000) }, () => text));
}

function amfTarget(name: string, decode: (bytes: Uint8Array) => AmfValue, amf3: boolean): Target {
  return {
    name,
    seeds: seedsOf(amf3 ? amf3Cases : amf0Cases),
    maxBytes: LONG,
    generate: (random) => {
      if (amf3 && random.oneIn(8)) return repeated(random);
      return random.oneIn(3)
        ? random.bytes(random.below(60)).map((byte) => (random.oneIn(2) ? byte : byte % 0x12))
        : (amf3 ? encodeAmf3 : encodeAmf0)(randomAmf(random, { amf3 }));
    },
    run(input) {
      let value: AmfValue;
      if (!refused(() => (value = decode(input)))) travels(value, input.length);
    },
  };
}

/** The first byte says which type of message the rest is. */
const command: Target = {
  name: 'command',
  seeds: [
    ...seedsOf(amf0CommandCases).map(after(MessageType.CommandAmf0)),
    ...seedsOf(amf3CommandCases).map(after(MessageType.CommandAmf3)),
    ...seedsOf(amf0DataCases).map(after(MessageType.DataAmf0)),
    ...seedsOf(amf3DataCases).map(after(MessageType.DataAmf3)),
  ],
  maxBytes: LONG,
  run(input) {
    const typeId = input[0] ?? 0;
    const payload = input.subarray(1);
    refused(() => {
      const { name, transactionId } = decodeCommand(typeId, payload);
      check(typeof name === 'string' && typeof transactionId === 'number', 'a command without name or id');
    });
    refused(() => check(typeof decodeData(typeId, payload).name === 'string', 'data without a name'));
  },
};

const control: Target = {
  name: 'control',
  seeds: controlCases.map(({ wire, value }) => after(value?.typeId ?? MessageType.UserControl)(wire)),
  maxBytes: 200,
  run(input) {
    const typeId = (input[0] ?? 0) % 8;
    if (!isControlType(typeId)) return;
    refused(() => {
      const message = decodeControl(typeId, input.subarray(1));
      if (message === undefined) return;
      const wire = encodeControl(message);
      check(toHex(wire) === toHex(input.subarray(1, 1 + wire.length)), 'written again, it differs');
    });
  },
};

const aggregate: Target = {
  name: 'aggregate',
  seeds: [
    hex(`08 000003 000010 00 000000 af01aa 0000000e
         09 000006 000020 00 000000 1701000000aa 00000011
         12 000005 000021 00 000000 0200026869 00000010`),
    hex('08 000001 ffffff ff 000000 aa'),
    hex('16 000010 000000 00 000000  08 000001 000000 00 000000 aa 0000000c  0000001b'),
  ],
  maxBytes: LONG,
  run(input) {
    refused(() => {
      let bytes = 0;
      const message = { typeId: MessageType.Aggregate, streamId: 1, timestampMs: 1000, payload: input };
      for (const part of decodeAggregate(message)) {
        bytes += part.payload.length;
        check(part.timestampMs === part.timestampMs >>> 0, `timestamp ${part.timestampMs}`);
      }
      check(bytes <= input.length, 'its parts are larger than it');
    });
  },
};

const tag: Target = {
  name: 'tag',
  seeds: [
    ...['1700000000', '1701000000', '2701000028', '5701', 'af00', 'af01', '2f', '00'],
    ...['8068766331', '9168766331000000', '93617631 31', 'a04f707573', '904f707573'],
    ...[`1700000000${toHex(AVC_CONFIGURATION)}`, 'af001210', `9068766331${toHex(HEVC_CONFIGURATION)}`],
    ...['9668766331', '96006176633100', '9610687663310000000501', '97000050', '9700ff0000'],
  ].map(hex),
  maxBytes: 400,
  run(input) {
    for (const found of [inspectVideo(input), inspectAudio(input)]) {
      if (!found) continue;
      // a head that is cut off says where the data would begin
      const isPosition = Number.isInteger(found.dataOffset) && found.dataOffset > 0;
      check(isPosition && found.dataOffset <= input.length + 8, `data at ${found.dataOffset}`);
      for (const { data } of trackData(input, found))
        check(data.length <= input.length, 'more data than bytes');
    }
    for (const typeId of [MessageType.Video, MessageType.Audio]) messageFault(typeId, input);
  },
};

const flvSeed = hex(`464c56 01 05 00000009  00000000
  12 00001e 000000 00 000000  02 000a 6f6e4d65746144617461  08 00000001 0001 61 01 01  000009  0000  00000029
  09 000006 000021 00 000000  17 01 000000 aa  00000011
  08 000003 ffffff 7f 000000  af 01 bb  0000000e
  08 000000 000001 80 000000  0000000b`);

const flv: Target = {
  name: 'flv',
  seeds: [flvSeed, flvSeed.subarray(0, 13), hex('464c56 01 01 00000010 01020304050607 00000000 08 000001')],
  maxBytes: LONG,
  run(input) {
    const whole = readFlv(input, input.length);
    for (const piece of [1, 7]) {
      const split = readFlv(input, piece);
      check(split.join() === whole.join(), `read in pieces of ${piece}, it differs: ${split} / ${whole}`);
    }
  },
};

/** What the bytes say, comparable; a refusal is the end of it. */
function readFlv(input: Uint8Array, piece: number): string[] {
  const reader = new FlvReader();
  const seen: string[] = [];
  const wasRefused = refused(() => {
    for (let at = 0; at < input.length; at += piece) {
      for (const found of reader.push(input.subarray(at, at + piece))) seen.push(describeTag(found));
    }
  });
  if (wasRefused) seen.push('refused');
  return seen;
}

function describeTag(found: FlvTag): string {
  refused(() => void decodeOnMetaData(found.payload));
  return toHex(encodeFlvTag(found));
}

const avc: Target = {
  name: 'avc',
  seeds: [
    '01640028ffe1001b67640028acd940780227e5c044000003000400000300c83c60c65801000668ebe3cb22c0',
    '0142c01effe100196742c01ed900a02ff97011000003000100000300320f162e4801000568cb83cb20',
    '01640028ffe1001a67640028acd94078044fde0220000003002000000643e2c5b2c001000668fba3cb22c0',
    '017a0015ffe1001a677a0015bcd941b1fe4f011000000300100000030320f162d96001000668ebe3cb22c0',
  ].map(hex),
  maxBytes: LONG,
  run(input) {
    refused(() => {
      const { width, height } = decodeAvcConfiguration(input);
      check(width > 0 && height > 0 && width <= 0xffff && height <= 0xffff, `${width} × ${height}`);
    });
    refused(() => void decodeSpsDimensions(input));
  },
};

const hevc: Target = {
  name: 'hevc',
  seeds: [
    HEVC_CONFIGURATION,
    hex(`01016000000090000000000078f000fcfdf8f800000f03200001001840010c01ffff016000000300900000030000030078959809
      210001002b420101016000000300900000030000030078a003c08010e596566924caf010100000030010000003019080
      22000100074401c172b46240`),
  ],
  maxBytes: LONG,
  run(input) {
    refused(() => {
      const { width, height } = decodeHevcConfiguration(input);
      check(width > 0 && height > 0 && width <= 0xffff && height <= 0xffff, `${width} × ${height}`);
    });
  },
};

const aac: Target = {
  name: 'aac',
  seeds: [
    '1210',
    '118856e500',
    '138856e500',
    '139056e5a0',
    '2b920800',
    'eb09880000',
    'f94e40',
    '17803e8010',
  ].map(hex),
  maxBytes: 100,
  run(input) {
    refused(() => {
      const { sampleRate, outputSampleRate } = decodeAacConfiguration(input);
      check(sampleRate >= 0 && outputSampleRate >= 0, `${sampleRate} / ${outputSampleRate} Hz`);
    });
  },
};

const details: Target = {
  name: 'details',
  seeds: [
    'hevc 01016000000090000000000078f000fcfdf8f800000f03200001001840010c01ffff016000000300900000030000030078959409210001002c420101016000000300900000030000030078a003c0801107cb965654a4c2f01010000003001000000301908022000100064401c073c189',
    'av1 81050c000a0b0000002d4cffb3dfbf9804',
    'vp9 01000000000b820202020000',
    'opus 4f707573486561640102380180bb0000000000',
    'flac 664c614300000022120012000004a30005080ac442f0000022745d105ceb212ad5d36e4f5608def3d8b7',
  ].map((seed) => hex(seed.split(' ')[1]!)),
  maxBytes: LONG,
  run(input) {
    for (const codec of ['avc', 'hevc', 'av1', 'vp8', 'vp9']) {
      const { width = 1, height = 1 } = videoDetails(codec, input) ?? {};
      check(
        width > 0 && height > 0 && width <= 0x1_0000 && height <= 0x1_0000,
        `${codec}: ${width} × ${height}`,
      );
    }
    for (const codec of ['aac', 'opus', 'flac']) audioDetails(codec, input);
    for (const codec of ['mp3', 'pcm', 'nellymoser']) soundDetails(codec, input, 1);
  },
};

const streamName: Target = {
  name: 'stream-name',
  seeds: ['cam1', 'cam1?key=abc&t=1', 'mp4:a/b.f4v', 'a?b?c=%ff%00', '?', 'x?__proto__=1&constructor=2'].map(
    utf8,
  ),
  maxBytes: 3000,
  run(input) {
    const parsed = parseStreamName(textOf(input));
    if (parsed === undefined) return;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    check(parsed.name !== '' && !/[\u0000-\u001f?]/.test(parsed.name), `name ${JSON.stringify(parsed.name)}`);
    check(Object.getPrototypeOf(parsed.params) === null, 'params with a prototype');
    check(
      Object.values(parsed.params).every((value) => typeof value === 'string'),
      'a param is no text',
    );
  },
};

const names: Target = {
  name: 'names',
  seeds: ['cam1', 'a/b/c', '../x', 'a/..', '.hidden', 'con', 'a.', 'C:x', 'ä/🎬', 'a//b', '/a', 'a\\b'].map(
    utf8,
  ),
  maxBytes: 3000,
  run(input) {
    const name = textOf(input);
    if (nameProblem(name) !== undefined) return;
    // throws when the name leaves its folder
    const path = pathInside('/srv/streams', name);
    check(path === `/srv/streams/${name}`, `${JSON.stringify(name)} becomes ${path}`);
  },
};

/** Texts that people write: a value, or a ConfigError. */
function configTarget(name: string, seeds: string[], parse: (text: string) => void): Target {
  return {
    name,
    seeds: seeds.map(utf8),
    maxBytes: 8 << 10,
    run(input) {
      try {
        parse(textOf(input));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
      }
    },
  };
}

const ini = configTarget(
  'ini',
  ['# a\r\nA.B = "x "\nC=;=#\n', '\ufeffA=1\r\rB', '=', '"', 'A="', 'A = "a"b"\n#'],
  (text) => {
    for (const [name, { line }] of parseIni(text, 'fms.ini')) check(name !== '' && line > 0, `line ${line}`);
  },
);

const hostPort = configTarget(
  'hostport',
  [
    '127.0.0.1:1935,80',
    ':1935,-443',
    '[::1]:1935',
    '[fe80::a%eth0]:0',
    'localhost:',
    'a.b-c.example',
    '1.2.3',
  ],
  (text) => {
    for (const { port } of parseHostPort(text, 1935)) check(port >= 0 && port <= 0xffff, `port ${port}`);
  },
);

const addressList = configTarget(
  'address-list',
  [
    'all',
    '10.60, 192.168.1.7,10.0.0.0/8',
    '[2001:db8::]/32',
    '[fe80::1%eth0]',
    '.example.com',
    '10.*.*',
    '256.1',
  ],
  (text) => {
    const list = AddressList.parse(text);
    list.has('10.60.1.2');
    list.has('fe80::1%eth0');
    list.hasName('www.example.com');
  },
);

/** In one piece and byte by byte it is the same header, and refused in the same way. */
const proxyHeader: Target = {
  name: 'proxy-header',
  seeds: [
    utf8('PROXY TCP4 203.0.113.7 198.51.100.1 50000 443\r\nrest'),
    utf8('PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n'),
    hex(`0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 11 00 0c cb 00 71 07 c6 33 64 01 c3 50 01 bb 03`),
    hex(`0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 21 00 2c 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 07
         20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 c3 50 01 bb 20 00 05 01 00 00 00 00 03`),
  ],
  maxBytes: 5000,
  run(input) {
    const whole = readProxyHeader([input]);
    const bytes = readProxyHeader([...input].map((byte) => Uint8Array.of(byte)));
    check(whole === bytes, `in one piece ${whole}, byte by byte ${bytes}`);
  },
};

/** What was read as text; `refused`; or `unfinished`. */
function readProxyHeader(pieces: readonly Uint8Array[]): string {
  const reader = new ProxyHeaderReader();
  let read = 'unfinished';
  const isRefused = refused(() => {
    for (const piece of pieces) {
      const header = reader.push(piece)?.header;
      if (header === undefined) continue;
      read = JSON.stringify(header);
      break;
    }
  });
  return isRefused ? 'refused' : read;
}

export const decoderTargets: readonly Target[] = [
  amfTarget('amf0', decodeAmf0, false),
  amfTarget('amf3', decodeAmf3, true),
  command,
  control,
  aggregate,
  tag,
  flv,
  avc,
  hevc,
  aac,
  details,
  streamName,
  names,
  ini,
  hostPort,
  addressList,
  proxyHeader,
];
