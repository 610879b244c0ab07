// Targets: what comes back from the scripts' process. An isolate's answer is hostile input.
import { CodedError, DecodeError } from '../../src/errors.ts';
import { encodeAmf0 } from '../../src/protocol/amf/amf0.ts';
import { parseCommands } from '../../src/script/commands/commands.ts';
import { fromWire } from '../../src/script/commands/values.ts';
import { decodeBody, decodeEvents, encodeFrame, FrameReader } from '../../src/script/wire/frames.ts';
import { FrameType } from '../../src/script/wire/wire.ts';
import { toWire } from '../../src/script/wire/wire-text.ts';
import { encodeEvents } from '../support/event-frames.ts';
import { toHex } from '../support/hex.ts';
import { Choices } from './choices.ts';
import { check, refused, type Target } from './target.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** JSON whose objects have the members that the formats give a meaning to, more often than not in the wrong place. */
function hostileJson(choices: Choices, depth: number, keys: readonly string[]): unknown {
  const kind = choices.below(depth === 0 ? 8 : 16);
  switch (kind) {
    case 0:
      return null;
    case 1:
      return choices.oneIn(2);
    case 2:
      return choices.pick([0, -1, 0.5, 1, 2, 3, 0xffff_ffff, 0x1_0000_0000, 1e308, -0]);
    case 3:
      return choices.below(8);
    case 4:
      return choices.pick(TEXTS);
    case 5:
      return choices.pick(TAGS);
    case 6:
      return 'x'.repeat(choices.u16());
    case 7:
      return choices.pick(OPS);
    case 8:
    case 9:
      return Array.from({ length: choices.below(4) }, () => hostileJson(choices, depth - 1, keys));
    case 10:
      return Array.from({ length: choices.below(3) }, () => [
        hostileJson(choices, depth - 1, keys),
        hostileJson(choices, depth - 1, keys),
      ]);
    default: {
      const object: Record<string, unknown> = Object.create(null);
      if (kind > 12) object.$ = choices.pick(TAGS);
      for (let i = choices.below(5); i > 0; i -= 1) {
        object[choices.pick(keys)] = hostileJson(choices, depth - 1, keys);
      }
      return object;
    }
  }
}

const TEXTS = [
  '',
  'a',
  '\u0000',
  '\ud800',
  '__proto__',
  'constructor',
  'AP8Q',
  'NaN',
  '-0',
  'record',
  'a\nb\u2028',
];
const TAGS = [
  ...['undefined', 'number', 'date', 'bytes', 'object', 'typed', 'ecma', 'xml', 'map', 'def', 'ref'],
  'toString',
];
const VALUE_KEYS = ['$', 'v', 'id', 'class', 'a', '0', '1', '__proto__', 'toJSON', 'length'];
const OPS = [
  ...['ready', 'saved', 'verdict', 'ret', 'clientCall', 'broadcast', 'disconnect', 'access', 'ping'],
  ...['record', 'streamDisconnect', 'shutdown', 'log', 'error', 'hasOwnProperty', '__proto__'],
];
const COMMAND_KEYS = [
  ...['id', 'ok', 'found', 'value', 'accepted', 'reason', 'as', 'record', 'application', 'redirect', 'state'],
  ...[
    'clients',
    'lost',
    'client',
    'name',
    'args',
    'responder',
    'readAccess',
    'writeAccess',
    'stream',
    'mode',
  ],
  ...[
    'maxDurationS',
    'maxSizeBytes',
    'gate',
    'level',
    'text',
    'kind',
    'where',
    'message',
    'stack',
    '__proto__',
  ],
  ...['description', 'op', '$', 'v'],
];

const values: Target = {
  name: 'script-values',
  seeds: [],
  maxBytes: 2000,
  generate: (random) => random.bytes(random.below(200)),
  run(input) {
    const json = JSON.parse(JSON.stringify(hostileJson(new Choices(input), 6, VALUE_KEYS)));
    refused(() => {
      const value = fromWire(json);
      toWire(value); // it may be handed to another script
      try {
        encodeAmf0(value, { avmPlus: true }); // and to a client
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
      }
    });
  },
};

function checkCommands(body: string): void {
  for (const parsed of parseCommands(body)) {
    if (parsed instanceof DecodeError) continue;
    check(OPS.includes(parsed.op), `a command ${parsed.op}`);
    // it travels back to the new version of the script
    if (parsed.op === 'saved') JSON.stringify([parsed.state, parsed.clients]);
  }
}

/** As values that are JSON, but anything else. */
const commands: Target = {
  name: 'script-commands',
  seeds: [],
  maxBytes: 2000,
  generate: (random) => random.bytes(random.below(300)),
  run(input) {
    const choices = new Choices(input);
    const list: unknown[] = [];
    while (!choices.isOver && list.length < 20) {
      const entry = hostileJson(choices, 4, COMMAND_KEYS);
      if (typeof entry === 'object' && entry !== null && !choices.oneIn(8)) {
        Object.defineProperty(entry, 'op', { value: choices.pick(OPS), enumerable: true });
      }
      list.push(entry);
    }
    checkCommands(JSON.stringify(list));
  },
};

/** As text. */
const commandText: Target = {
  name: 'script-command-text',
  seeds: [
    '[{"op":"verdict","id":1,"accepted":true,"as":"a","record":"append"},{"op":"shutdown"}]',
    '[{"op":"verdict","id":1,"accepted":false,"reason":"no","application":{"$":"undefined"},"redirect":"r"}]',
    '[{"op":"saved","id":2,"state":{"a":[[[]]]},"clients":{"a":1,"__proto__":{}},"lost":["x"]}]',
    '[{"op":"ret","id":4,"found":true,"ok":true,"value":{"$":"def","id":1,"v":[{"$":"ref","id":1}]}}]',
    '[{"op":"clientCall","client":"c","name":"n","args":[{"$":"map","v":[[1,2]]}],"responder":9}]',
    '[{"op":"record","stream":"s","mode":"record","maxDurationS":1e400,"gate":3}]',
    '[{"op":"error","kind":"handler","where":"w","message":"m","stack":"s","client":"c"}]',
    `[{"op":"saved","id":2,"state":${'['.repeat(9000)}${']'.repeat(9000)},"clients":{},"lost":[]}]`,
  ].map(utf8),
  maxBytes: 40_000,
  run: (input) => checkCommands(textOf(input)),
};

const MAX_FRAME = 4000;

const frames: Target = {
  name: 'script-frames',
  seeds: [
    encodeFrame(FrameType.Hello, 0, { pid: 1, node: 'v24.0.0' }),
    encodeFrame(FrameType.Commands, 7, [{ op: 'shutdown' }]),
    encodeFrame(FrameType.Loaded, 0xffff_ffff, {}),
    ...encodeEvents(3, [{ t: 'disconnect', client: 'a' }], () => {}),
    Buffer.concat([encodeFrame(FrameType.Loaded, 1, {}), encodeFrame(FrameType.Turn, 1)]),
  ],
  maxBytes: 10_000,
  run(input) {
    const whole = readFrames(input, Math.max(1, input.length));
    check(readFrames(input, 1) === whole, 'byte by byte it differs');
    check(readFrames(input, 11) === whole, 'in pieces of 11 it differs');
  },
};

function readFrames(input: Uint8Array, piece: number): string {
  const reader = new FrameReader(MAX_FRAME);
  const seen: string[] = [];
  const wasRefused = refused(() => {
    for (let at = 0; at < input.length; at += piece) {
      for (const { type, unit, body } of reader.push(Buffer.from(input.subarray(at, at + piece)))) {
        seen.push(`${type} ${unit} ${toHex(body)}`);
        refused(() => void decodeBody(body));
        refused(() => void decodeEvents(body));
      }
    }
  });
  return `${seen.join('\n')} ${wasRefused}`;
}

export const scriptTargets: readonly Target[] = [values, commands, commandText, frames];
