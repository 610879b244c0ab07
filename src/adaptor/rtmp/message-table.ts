// What a client may say, by message type: a row for each says when it is served and by what.
import type { Log } from '../../log/log.ts';
import { type ControlMessage, decodeControl, UserControlEvent } from '../../protocol/rtmp/control.ts';
import { MessageType, type RtmpMessage } from '../../protocol/rtmp/message.ts';
import type { Outbox } from '../link/outbox.ts';

/** A session, as far as messages have to do with it. */
export interface MessageHost {
  readonly outbox: Outbox;
  readonly log: Log;
  /** Undefined: the client has not opened it. */
  stream(id: number): { media(message: RtmpMessage): void; setBuffer(bufferMs: number): void } | undefined;
  command(message: RtmpMessage): void;
  /** It counts against the rate of commands. */
  spent(cost: number): void;
  /** The messages inside are served next. */
  putParts(aggregate: RtmpMessage): void;
  /** `sentMs`: what our ping had said. */
  pong(sentMs: number): void;
  swfAnswered(proof: Uint8Array): void;
  setAckWindow(bytes: number): void;
}

export interface MessageRow {
  /** Between the handshake and the connect command. */
  readonly beforeConnect: 'serve' | 'ignore';
  /** From the connect command until the client has been accepted and its SWF verified. */
  readonly untilAccepted: 'serve' | 'hold';
  /** A script that has too much to do lets it wait, and what comes behind it (script-pause.ts). */
  readonly waitsForScript?: true;
  /** May throw what decoders do: then the message is passed over. */
  serve(host: MessageHost, message: RtmpMessage): void;
}

/** RTMP 1.0 §5.4. */
function control<M extends ControlMessage>(
  typeId: M['typeId'],
  obey: (host: MessageHost, message: M) => void,
): MessageRow {
  return {
    beforeConnect: 'serve',
    untilAccepted: 'serve',
    serve: (host, { payload }) => {
      const message = decodeControl(typeId, payload);
      if (message) obey(host, message as M);
    },
  };
}

type UserControl = Extract<ControlMessage, { typeId: typeof MessageType.UserControl }>;
type EventOf<E> = UserControl & { readonly event: E };

/** An event that is missing here means nothing to a server. RTMP 1.0 §7.1.7. */
const USER_CONTROL: {
  readonly [E in UserControl['event']]?: (host: MessageHost, message: EventOf<E>) => void;
} = {
  [UserControlEvent.PingRequest]: ({ outbox }, message) =>
    outbox.control({ ...message, event: UserControlEvent.PingResponse }),
  [UserControlEvent.PingResponse]: (host, { timestampMs }) => host.pong(timestampMs),
  [UserControlEvent.SetBufferLength]: (host, { streamId, bufferMs }) =>
    host.stream(streamId)?.setBuffer(bufferMs),
  [UserControlEvent.SwfVerifyResponse]: (host, { proof }) => host.swfAnswered(proof),
};

/** The chunk layer has obeyed it, or there is nothing to obey: here it only has to be readable. */
const obeyed = () => {};

const media: MessageRow = {
  beforeConnect: 'ignore',
  untilAccepted: 'hold',
  serve: (host, message) => host.stream(message.streamId)?.media(message),
};

const command: MessageRow = {
  beforeConnect: 'serve',
  untilAccepted: 'hold',
  waitsForScript: true,
  serve: (host, message) => host.command(message),
};

const TABLE: { readonly [T in MessageType]?: MessageRow } = {
  [MessageType.SetChunkSize]: control(MessageType.SetChunkSize, obeyed),
  [MessageType.Abort]: control(MessageType.Abort, obeyed),
  [MessageType.Acknowledgement]: control(MessageType.Acknowledgement, obeyed),
  [MessageType.UserControl]: control<UserControl>(MessageType.UserControl, (host, message) => {
    host.spent(1);
    const obey = USER_CONTROL[message.event] as
      | ((host: MessageHost, message: UserControl) => void)
      | undefined;
    obey?.(host, message);
  }),
  [MessageType.WindowAckSize]: control<Extract<ControlMessage, { typeId: typeof MessageType.WindowAckSize }>>(
    MessageType.WindowAckSize,
    (host, { ackWindowBytes }) => {
      if (ackWindowBytes > 0) host.setAckWindow(ackWindowBytes);
    },
  ),
  [MessageType.SetPeerBandwidth]: control(MessageType.SetPeerBandwidth, obeyed),
  [MessageType.Audio]: media,
  [MessageType.Video]: media,
  [MessageType.DataAmf3]: media,
  [MessageType.DataAmf0]: media,
  [MessageType.CommandAmf3]: command,
  [MessageType.CommandAmf0]: command,
  [MessageType.Aggregate]: {
    beforeConnect: 'serve',
    untilAccepted: 'hold',
    serve: (host, message) => host.putParts(message),
  },
};

/** Types that have no row. */
const other: MessageRow = {
  beforeConnect: 'serve',
  untilAccepted: 'hold',
  serve: ({ log }, { typeId }) =>
    log.debug({ event: 'ignored-message', typeId }, 'message of a type that means nothing here'),
};

/** By type id, which is one byte: every message of every client asks. */
const ROWS: readonly MessageRow[] = Array.from(
  { length: 256 },
  (_, typeId) => TABLE[typeId as MessageType] ?? other,
);

export function rowOf(typeId: number): MessageRow {
  return ROWS[typeId] ?? other;
}
