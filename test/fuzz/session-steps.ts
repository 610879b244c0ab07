// What may happen next in a fuzzed conversation.
import { TRANSITIONS } from '../../src/application/play/playlist.ts';
import type { AmfValue } from '../../src/protocol/amf/amf.ts';
import { DigestScheme } from '../../src/protocol/handshake/handshake-digest.ts';
import { encodeCommand, encodeData } from '../../src/protocol/rtmp/command.ts';
import { encodeControl, UserControlEvent } from '../../src/protocol/rtmp/control.ts';
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import { audio, video } from '../support/media.ts';
import type { Choices } from './choices.ts';
import { STREAM_NAMES } from './fakes.ts';
import { flood } from './flood.ts';
import type { FuzzPeer } from './fuzz-peer.ts';
import { oddValue } from './odd-value.ts';
import type { World } from './world.ts';

export type Step = (world: World, peer: FuzzPeer, choices: Choices) => void | Promise<void>;

const ODD_NAMES = [
  '',
  '?',
  'a?k=v',
  '../../etc',
  'n'.repeat(1500),
  'a\u0000b',
  '/',
  'con',
  '__proto__',
  '\ud800',
];
const ODD_APPLICATIONS = [
  ...['live/room', 'slow', 'broken', 'none', '', '../live', 'guarded'],
  ...['guarded?authmod=adobe&user=ann', 'guarded/room?authmod=adobe&user=who'],
  'guarded?authmod=adobe&user=ann&opaque=0&challenge=1&response=2',
];
const TIMES = [0, 20, 40, 0xff_ffff, 0x100_0000, 0xffff_ffff];
const VIDEO = [
  ...[video.header(), video.header(1), video.keyframe(), video.keyframe(1), video.frame(), video.frame()],
  ...[new Uint8Array(0), Uint8Array.of(0x17), Uint8Array.of(0x80, 1, 2), Uint8Array.of(0x90, 0x68, 0x76)],
  ...[Uint8Array.of(0x96, 0, 0x61, 0x76, 0x63, 0x31), new Uint8Array(9000).fill(0x27)],
  ...[Uint8Array.of(0x17, 0, 0, 0, 0), video.header().subarray(0, 12)],
];
const AUDIO = [audio.header(), audio.frame(), new Uint8Array(0), Uint8Array.of(0x90), new Uint8Array(5000)];
const REMOTE_NAMES = [
  ...[
    'releaseStream',
    'FCPublish',
    'FCUnpublish',
    'FCSubscribe',
    'FCUnsubscribe',
    'getStreamLength',
    '_checkbw',
  ],
  ...['checkBandwidth', 'initStream', '_result', '_error', 'onStatus', 'connect', 'close', 'sendMessage'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', 'x'.repeat(3000), 'onBWDone'],
];

function streamName(choices: Choices): AmfValue {
  const kind = choices.below(12);
  if (kind < 10) return choices.pick(STREAM_NAMES);
  return kind === 10 ? choices.pick(ODD_NAMES) : oddValue(choices);
}

/** Mostly the first one. */
function streamId(choices: Choices): number {
  return choices.pick([1, 1, 1, 1, 1, 2, 3, 0, 5, 0xffff_ffff]);
}

/** Absent more often than not. */
function oddArgs(choices: Choices): AmfValue[] {
  return Array.from({ length: choices.pick([0, 0, 0, 0, 1, 2, 3]) }, () => oddValue(choices));
}

const HANDSHAKES: ((peer: FuzzPeer, choices: Choices) => void)[] = [
  ...Array<(peer: FuzzPeer) => void>(20).fill((peer) => peer.shakeHands(undefined)),
  (peer) => peer.shakeHands(DigestScheme.First),
  (peer) => peer.shakeHands(DigestScheme.Second),
  (peer) => peer.garbage(Buffer.from('GET / HTTP/1.1\r\n\r\n')),
  (peer, choices) => peer.garbage(new Uint8Array(1 + choices.u16()).fill(3)),
];

/** Mostly one who has come as far as a message stream. */
export function open(world: World, choices: Choices): FuzzPeer {
  const peer = world.open();
  if (peer === undefined) return world.somebody();
  choices.pick(HANDSHAKES)(peer, choices);
  if (choices.oneIn(16)) return peer;
  connect(peer, choices);
  for (let i = choices.below(4) === 3 ? 2 : 1; i > 0; i -= 1) peer.command('createStream', []);
  return peer;
}

function connect(peer: FuzzPeer, choices: Choices): void {
  const app = choices.pick([
    ...Array<string>(24).fill('live'),
    ...Array<string>(8).fill('plain'),
    ...ODD_APPLICATIONS,
  ]);
  const object: Record<string, AmfValue> = { app, tcUrl: `rtmp://127.0.0.1/${app}`, flashVer: 'FMLE/3.0' };
  if (choices.oneIn(4)) object.objectEncoding = peer.objectEncoding = 3;
  if (choices.oneIn(4)) object.fourCcList = ['*'];
  if (choices.oneIn(12)) object[choices.pick(Object.keys(object))] = oddValue(choices);
  // the answer comes as the client asked for it, its own commands before that are AMF0
  const encoding = peer.objectEncoding;
  peer.objectEncoding = 0;
  peer.command('connect', oddArgs(choices), 0, choices.oneIn(25) ? oddValue(choices) : object);
  peer.objectEncoding = encoding;
}

function publish(peer: FuzzPeer, choices: Choices): void {
  const type = choices.pick<AmfValue>(['live', 'live', 'live', 'record', 'append', 'x', undefined, null]);
  peer.command('publish', [streamName(choices), type, ...oddArgs(choices)], streamId(choices));
}

function play(peer: FuzzPeer, choices: Choices): void {
  const rest = choices.oneIn(3) ? oddArgs(choices) : [choices.pick([-2000, -2, -1, -1000, 0, 5])];
  peer.command('play', [streamName(choices), ...rest], streamId(choices));
}

function play2(peer: FuzzPeer, choices: Choices): void {
  const transition = choices.pick<AmfValue>([...TRANSITIONS, 'switch', 'swap', 'x']);
  const options: Record<string, AmfValue> = { streamName: streamName(choices), transition };
  if (choices.oneIn(2)) options.start = choices.pick([-2000, -1000, 0, 3000]);
  if (choices.oneIn(3)) options.offset = choices.below(20);
  if (choices.oneIn(3)) options.oldStreamName = streamName(choices);
  if (choices.oneIn(10)) options[choices.pick(Object.keys(options))] = oddValue(choices);
  peer.command('play2', [options], streamId(choices));
}

function setBuffer(peer: FuzzPeer, choices: Choices): void {
  const bufferMs = choices.pick([0, 100, 5_000, 0xffff_ffff]);
  const payload = encodeControl({
    typeId: MessageType.UserControl,
    event: UserControlEvent.SetBufferLength,
    streamId: streamId(choices),
    bufferMs,
  });
  peer.message({ typeId: MessageType.UserControl, streamId: 0, timestampMs: 0, payload });
}

function sendVideo(peer: FuzzPeer, choices: Choices): void {
  const payload = choices.pick(VIDEO);
  peer.message({ typeId: 9, streamId: streamId(choices), timestampMs: choices.pick(TIMES), payload });
}

function sendAudio(peer: FuzzPeer, choices: Choices): void {
  const payload = choices.pick(AUDIO);
  peer.message({ typeId: 8, streamId: streamId(choices), timestampMs: choices.pick(TIMES), payload });
}

function sendAggregate(peer: FuzzPeer, choices: Choices): void {
  const parts: Uint8Array[] = [];
  for (let i = choices.below(4); i >= 0; i -= 1) {
    const payload = choices.pick([...VIDEO.slice(0, 6), ...AUDIO.slice(0, 2)]);
    const claimed = choices.oneIn(10) ? choices.u16() : payload.length;
    const typeId = choices.pick([9, 9, 8, 8, 18, 22, 20, 0]);
    const head = Buffer.alloc(11);
    head.writeUIntBE(typeId * 2 ** 24 + claimed, 0, 4);
    parts.push(head, payload, Buffer.alloc(4));
  }
  const payload = Buffer.concat(parts);
  peer.message({ typeId: MessageType.Aggregate, streamId: streamId(choices), timestampMs: 0, payload });
}

const DATA_NAMES = [
  '@setDataFrame',
  '@setDataFrame',
  '@clearDataFrame',
  'onMetaData',
  '|RtmpSampleAccess',
  'onCue',
];

function sendData(peer: FuzzPeer, choices: Choices): void {
  const values = [choices.oneIn(3) ? oddValue(choices) : 'onMetaData', ...oddArgs(choices)];
  peer.data(choices.pick(DATA_NAMES), values, streamId(choices), choices.pick(TIMES));
}

function sendControl(peer: FuzzPeer, choices: Choices): void {
  const typeId = choices.pick([1, 2, 3, 4, 4, 5, 6]);
  const value = choices.pick([0, 1, 2, 6, 128, 4096, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]);
  const payload = Buffer.alloc(typeId === 6 ? 5 : typeId === 4 ? 10 : 4);
  if (typeId === MessageType.UserControl) payload.writeUInt16BE(choices.below(40), 0);
  payload.writeUInt32BE(value, typeId === MessageType.UserControl ? 2 : 0);
  peer.message(
    { typeId, streamId: 0, timestampMs: 0, payload: payload.subarray(0, choices.oneIn(9) ? 3 : 10) },
    2,
  );
  if (typeId === MessageType.SetChunkSize && value > 0 && value < 0x8000_0000)
    peer.encoder.chunkBytes = value;
}

function pong(peer: FuzzPeer): void {
  const payload = encodeControl({
    typeId: MessageType.UserControl,
    event: UserControlEvent.PingResponse,
    timestampMs: 0,
  });
  peer.message({ typeId: MessageType.UserControl, streamId: 0, timestampMs: 0, payload }, 2);
}

function scriptCommand(world: World, choices: Choices): void {
  const script = world.scripts.opened.findLast(({ isClosed }) => !isClosed);
  if (!script) return;
  const { commands } = script;
  const client = [...script.clients, 'nobody'][choices.below(script.clients.size + 1)]!;
  const stream = choices.pick(STREAM_NAMES);
  const gate = choices.pick([undefined, undefined, [...script.gates.keys()][0], 1]);
  const responder = choices.oneIn(3) ? script.responder() : undefined;
  [
    () => commands.obey({ op: 'clientCall', client, name: 'hello', args: oddArgs(choices), responder }),
    () => commands.obey({ op: 'broadcast', name: 'all', args: oddArgs(choices) }),
    () => commands.obey({ op: 'disconnect', client }),
    () =>
      commands.obey({
        op: 'access',
        client,
        readAccess: choices.pick(['', '/', 'a', 'b;c']),
        writeAccess: '/a',
      }),
    () => commands.obey({ op: 'ping', client }),
    () =>
      commands.obey({ op: 'record', stream, mode: choices.pick(['record', 'append', false] as const), gate }),
    () => commands.obey({ op: 'streamDisconnect', stream, reason: 'off you go', gate }),
    () => JSON.stringify(commands.snapshot()),
    () => choices.oneIn(4) && commands.obey({ op: 'shutdown' }),
  ][choices.below(9)]!();
}

function answerLater(world: World, choices: Choices): void {
  for (const script of world.scripts.opened) {
    const gates = [...script.gates.values()];
    if (gates.length > 0) {
      const gate = choices.pick(gates);
      gate.decide(script.verdict(gate.question));
    }
    script.calls.splice(choices.below(script.calls.length + 1), 1)[0]?.(script.result());
  }
}

/** A message of which the first chunk comes, and the rest later or never. */
function sendHalf(peer: FuzzPeer, choices: Choices): void {
  const payload = new Uint8Array(choices.pick([200, 1000, 20_000]));
  const typeId = choices.pick([8, 9, 18, 20]);
  peer.half({ typeId, streamId: 1, timestampMs: 0, payload }, choices.pick([3, 10, 64]));
}

function callOdd(peer: FuzzPeer, choices: Choices): void {
  const id = choices.pick([0, 1, -1, 0.5, Number.NaN, 1e300]);
  peer.commandAs(id, choices.pick(REMOTE_NAMES), oddArgs(choices), streamId(choices), oddValue(choices));
}

/** A command or data message with something before its name, behind its values, or without its end. */
function sendTorn(peer: FuzzPeer, choices: Choices): void {
  const isData = choices.oneIn(2);
  const values = [choices.pick(['onMetaData', 'onCue', 7]), { key: 1, list: [1, 'a'] }];
  const whole = isData
    ? encodeData({ name: choices.pick(DATA_NAMES), values }, choices.oneIn(4) ? 3 : 0).payload
    : encodeCommand({ name: 'anything', transactionId: 0, object: null, args: values }, 0).payload;
  const before = choices.pick([[], [], [], [0], [5, 5], [0, 0, 0, 0, 0, 0, 0, 0, 0]]);
  const behind = choices.pick([[], [], [0, 0, 0], [0xff], [2, 0, 9, 97]]);
  const end = choices.oneIn(2) ? whole.length : choices.below(whole.length + 1);
  const payload = Buffer.concat([Uint8Array.from(before), whole.subarray(0, end), Uint8Array.from(behind)]);
  const typeId = choices.pick(isData ? [18, 18, 15, 22] : [20, 20, 17]);
  peer.torn({ typeId, streamId: streamId(choices), timestampMs: choices.pick(TIMES), payload });
}

/** Many that nobody can read. */
function floodTorn(peer: FuzzPeer, choices: Choices): void {
  peer.setChunkSize(4096);
  const payload = choices.pick([new Uint8Array(0), Uint8Array.of(2), new Uint8Array(1000).fill(9)]);
  const typeId = choices.pick([18, 20, 22, 4]);
  for (let i = 0; i < 20_000 && !peer.isBlocked; i += 1) {
    peer.message({ typeId, streamId: 1, timestampMs: 0, payload });
  }
}

const WAITS = [10, 40, 41, 41, 1000, 2000, 2000, 5000, 11_000];

/**
 * How many of 256 step numbers mean what. Those that are left over mean nothing: a new kind of step goes to the end, so
 * that the corpus goes on saying what it said.
 */
const TABLE: readonly [count: number, step: Step][] = [
  [6, (world, _, choices) => void open(world, choices)],
  [
    14, // somebody who publishes, as far as this world lets him
    (world, _, choices) => publish(open(world, choices), choices),
  ],
  [
    14, // and somebody who plays
    (world, _, choices) => play(open(world, choices), choices),
  ],
  [14, (_world, peer, choices) => publish(peer, choices)],
  [14, (_world, peer, choices) => play(peer, choices)],
  [1, (_world, peer, choices) => connect(peer, choices)],
  [6, (_world, peer) => peer.command('createStream', [])],
  [5, (_world, peer, choices) => peer.command('deleteStream', [streamId(choices)])],
  [2, (_world, peer, choices) => peer.command('deleteStream', oddArgs(choices))],
  [5, (_world, peer, choices) => peer.command('closeStream', [], streamId(choices))],
  [5, (_world, peer, choices) => peer.command('pause', [choices.oneIn(2), 0], streamId(choices))],
  [2, (_world, peer, choices) => peer.command('pause', oddArgs(choices), streamId(choices))],
  [4, (_world, peer, choices) => peer.command('seek', [oddValue(choices)], streamId(choices))],
  [3, (_world, peer, choices) => peer.command('receiveAudio', [choices.oneIn(2)], streamId(choices))],
  [3, (_world, peer, choices) => peer.command('receiveVideo', [choices.oneIn(2)], streamId(choices))],
  [24, (_world, peer, choices) => sendVideo(peer, choices)],
  [12, (_world, peer, choices) => sendAudio(peer, choices)],
  [4, (_world, peer, choices) => sendAggregate(peer, choices)],
  [10, (_world, peer, choices) => sendData(peer, choices)],
  [8, (_world, peer, choices) => peer.command(choices.pick(REMOTE_NAMES), [streamName(choices)])],
  [3, (_world, peer, choices) => callOdd(peer, choices)],
  [4, (_world, peer, choices) => sendControl(peer, choices)],
  [4, (_world, peer) => pong(peer)],
  [1, (_world, peer, choices) => peer.garbage(choices.bytes(choices.below(40)))],
  [2, (_world, peer, choices) => sendHalf(peer, choices)],
  [4, (_world, peer) => peer.raw(Buffer.concat(peer.unsent.splice(0)))],
  [4, (_world, peer) => peer.socket.hangUp()],
  [2, (_world, peer) => peer.socket.reset()],
  [3, (_world, peer) => peer.socket.stall()],
  [3, (_world, peer) => peer.socket.unstall()],
  [8, (world, _, choices) => world.advance(choices.pick(WAITS))],
  [1, (world) => world.advance(61_000)],
  [10, (world, _, choices) => scriptCommand(world, choices)],
  [16, (world, _, choices) => answerLater(world, choices)],
  [1, (world) => world.scripts.opened.at(-1)?.finishStart()],
  [1, (world) => world.scripts.opened.at(-1)?.stayAwake()],
  [3, (world, _, choices) => [...world.recorders.current].at(-1)?.end(choices.oneIn(2))],
  [1, (world) => void world.registry.shutdown()],
  [2, (world, peer, choices) => (choices.oneIn(4) ? world.measure(() => flood(peer, choices)) : undefined)],
  [6, (_world, peer, choices) => peer.command('seek', [choices.below(30_000)], streamId(choices))],
  [6, (_world, peer, choices) => play2(peer, choices)],
  [4, (_world, peer, choices) => setBuffer(peer, choices)],
  [4, (world, _, choices) => world.recorded.grow(choices.oneIn(6))],
  [5, (_world, peer, choices) => sendTorn(peer, choices)],
  [
    1,
    (world, peer, choices) => (choices.oneIn(4) ? world.measure(() => floodTorn(peer, choices)) : undefined),
  ],
];

/** By step number. */
export const STEPS: readonly Step[] = TABLE.flatMap(([count, step]) => Array<Step>(count).fill(step));
