// Targets: what another server may say to a connection that a script has made, and the addresses that scripts write.
import pino from 'pino';
import { OddMessages } from '../../src/adaptor/link/odd-messages.ts';
import { Pull } from '../../src/adaptor/outgoing/pull.ts';
import type { OutgoingStatus } from '../../src/application/contract/outgoing.ts';
import { LineLimit } from '../../src/log/line-limit.ts';
import type { AmfValue } from '../../src/protocol/amf/amf.ts';
import { AMF_LIMITS } from '../../src/protocol/amf/amf-budget.ts';
import { HANDSHAKE_RANDOM_BYTES, ServerHandshake } from '../../src/protocol/handshake/handshake.ts';
import { ChunkWriter } from '../../src/protocol/rtmp/chunk-writer.ts';
import { encodeCommand, encodeData } from '../../src/protocol/rtmp/command.ts';
import { encodeControl, LimitType, UserControlEvent } from '../../src/protocol/rtmp/control.ts';
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import { RtmpClient } from '../../src/protocol/rtmp/rtmp-client.ts';
import { parseRtmpUri } from '../../src/protocol/rtmp/rtmp-uri.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { audio, video } from '../support/media.ts';
import { check, refused, type Target } from './target.ts';

const AMF = { ...AMF_LIMITS, depth: 16, values: 1000 };
const writer = new ChunkWriter();
const command = (name: string, id: number, args: AmfValue[], streamId = 0) =>
  writer.encode(
    { ...encodeCommand({ name, transactionId: id, object: null, args }, 0), streamId, timestampMs: 0 },
    3,
  );
const message = (typeId: number, payload: Uint8Array, streamId = 0) =>
  writer.encode({ typeId, payload, streamId, timestampMs: 7 }, 4);

/** Says of each kind of message what is wrong with it. */
const oddMessages = () =>
  new OddMessages({
    log: () => pino({ enabled: false }),
    lines: new LineLimit(new ManualClock()),
    address: 'host:1935',
  });

const CONNECTED = command('_result', 1, [{ code: 'NetConnection.Connect.Success', level: 'status' }]);
/** Of the stream that publishes and the one that plays, in that order. */
const CREATED = Buffer.concat([command('_result', 4, [1]), command('_result', 5, [2])]);
const PLAYING = Buffer.concat([
  command('onStatus', 0, [{ code: 'NetStream.Publish.Start' }], 1),
  command('onStatus', 0, [{ code: 'NetStream.Play.Start' }], 2),
  message(MessageType.DataAmf0, encodeData({ name: 'onMetaData', values: [{ width: 1 }] }, 0).payload, 2),
  message(MessageType.Video, video.keyframe(), 2),
  message(MessageType.Audio, audio.frame(), 2),
]);
const CONTROLS = Buffer.concat([
  message(
    MessageType.SetPeerBandwidth,
    encodeControl({
      ...{ typeId: MessageType.SetPeerBandwidth, ackWindowBytes: 100, limitType: LimitType.Dynamic },
    }),
  ),
  ...[UserControlEvent.StreamBegin, UserControlEvent.StreamEof].map((event) =>
    message(MessageType.UserControl, encodeControl({ typeId: MessageType.UserControl, event, streamId: 2 })),
  ),
]);

const client: Target = {
  name: 'client',
  seeds: [
    Buffer.concat([CONNECTED, CREATED, PLAYING, CONTROLS]),
    Buffer.concat([
      CONNECTED,
      CONTROLS,
      CREATED,
      command('onStatus', 0, [{ code: 'NetStream.Play.Stop' }], 2),
    ]),
    Buffer.concat([CONNECTED, CREATED, command('doThis', 12, ['x']), command('_error', 5, [null])]),
    command('_error', 1, [{ code: 'NetConnection.Connect.Rejected', application: { until: 'noon' } }]),
  ],
  maxBytes: 8 << 10,
  run(input) {
    const handshake = new ServerHandshake({ random: new Uint8Array(HANDSHAKE_RANDOM_BYTES), timeMs: 0 });
    const odd = oddMessages();
    const hello: Uint8Array[] = [];
    let isOver = false;
    let answers = 0;
    const rtmp = new RtmpClient({
      ...{ uri: parseRtmpUri('rtmp://host/app')!, args: [], agent: '', chunks: {}, amf: AMF },
      ...{ random: new Uint8Array(HANDSHAKE_RANDOM_BYTES), chunkBytes: 4096 },
      out: {
        write: (bytes) => {
          if (hello.length === 0) hello.push(handshake.push(bytes).send);
        },
        command: () => {},
        control: () => {},
      },
      odd,
      onStatus: (_, isAnswer) => {
        answers += isAnswer ? 1 : 0;
      },
    });
    rtmp.start();
    rtmp.push(hello[0]!);
    const tell = () => check(!isOver, 'something came after the end of a stream');
    const end = () => {
      tell();
      isOver = true;
    };
    const events = { started: tell, take: tell, lost: tell, ended: end, failed: end };
    const pull = new Pull(
      { name: 'x', start: -1 },
      { chunkBytes: 4096, amf: AMF, odd, ignores: [] },
      events,
      () => {},
    );
    const ignored = { status: () => {}, media: () => {}, ended: () => {} };
    rtmp.open({ kind: 'publish', name: 'x', type: 'live' }, ignored);
    const play = { kind: 'play' as const, name: 'x', startMs: -1000, lengthMs: -1000, bufferMs: 100 };
    rtmp.open(play, {
      status: ({ code, level }) => pull.status({ code, level } as OutgoingStatus),
      media: (media) => pull.media(media),
      ended: () => pull.eof(),
    });
    refused(() => rtmp.push(input));
    check(answers <= 1, `${answers} answers to one connect`);
    pull.disconnected();
  },
};

const uri: Target = {
  name: 'uri',
  seeds: ['rtmp://host:1935/app/room?x=1', 'rtmps://[2001:db8::1]/app', 'rtmp:/app', 'rtmp://0x7f.1:/a'].map(
    (text) => new TextEncoder().encode(text),
  ),
  maxBytes: 300,
  run(input) {
    const parsed = parseRtmpUri(new TextDecoder().decode(input));
    if (!parsed) return;
    const { port, host, tcUrl } = parsed;
    check(port > 0 && port < 65_536, `port ${port}`);
    check(new URL(`http://${host}/`).hostname === host, `${host} has another form`);
    const again = parseRtmpUri(tcUrl);
    check(again?.tcUrl === tcUrl && again.port === port, `${tcUrl} is another one`);
  },
};

export const clientTargets: readonly Target[] = [client, uri];
