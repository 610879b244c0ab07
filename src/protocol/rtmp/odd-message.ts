// What a log says of a message that cannot be read, or only in part: its type, its name and its length in words.
import { commandHead, dataHead, isCommandType, isDataType } from './command.ts';
import { UserControlEvent } from './control.ts';
import { MessageType, type RtmpMessage } from './message.ts';

/** Hears of the odd messages of one connection. */
export interface OddListener {
  /** `error` is what reading the message has thrown. One that is not about this message alone is thrown again. */
  passOver(message: RtmpMessage, error: unknown): void;
  /** The message was read, with something wrong with it; undefined: with nothing. */
  read(message: RtmpMessage, oddity: string | undefined): void;
}

export interface MessageWords {
  /** `a data message` */
  readonly kind: string;
  /** Of a command its own name, of a data message that of its handler, as far as they can be read. */
  readonly name: string | undefined;
}

/** Characters of a name, which is the peer's. */
const MAX_NAME = 100;

const KINDS: Readonly<Record<number, string>> = {
  [MessageType.SetChunkSize]: 'a Set Chunk Size message',
  [MessageType.Abort]: 'an Abort message',
  [MessageType.Acknowledgement]: 'an Acknowledgement message',
  [MessageType.UserControl]: 'a User Control message',
  [MessageType.WindowAckSize]: 'a Window Acknowledgement Size message',
  [MessageType.SetPeerBandwidth]: 'a Set Peer Bandwidth message',
  [MessageType.Audio]: 'an audio message',
  [MessageType.Video]: 'a video message',
  [MessageType.Aggregate]: 'an aggregate message',
};

/** `SetBufferLength` → `Set Buffer Length`, by number. */
const EVENT_NAMES = new Map<number, string>(
  Object.entries(UserControlEvent).map(([name, event]) => [event, name.replace(/(?<=[a-z])(?=[A-Z])/g, ' ')]),
);

export function wordsOf({ typeId, payload }: RtmpMessage): MessageWords {
  if (isCommandType(typeId)) return { kind: 'a command', name: cut(commandHead(typeId, payload).name) };
  if (isDataType(typeId)) return { kind: 'a data message', name: cut(dataHead(typeId, payload)) };
  const isEvent = typeId === MessageType.UserControl && payload.length >= 2;
  return {
    kind: KINDS[typeId] ?? `a message of type ${typeId}`,
    name: isEvent ? EVENT_NAMES.get(payload[0]! * 256 + payload[1]!) : undefined,
  };
}

/** `a data message (onMetaData) of 51 bytes` */
export function describeMessage({ kind, name }: MessageWords, { payload }: RtmpMessage): string {
  const { length } = payload;
  return `${kind}${name === undefined ? '' : ` (${name})`} of ${length} byte${length === 1 ? '' : 's'}`;
}

function cut(name: string | undefined): string | undefined {
  return name?.slice(0, MAX_NAME);
}
