// RTMP chunks: the layout that messages have already on their way through the server, so that to join them is to copy them.
import { Buffer } from 'node:buffer';
import { rewireAll } from '../../protocol/rtmp/rewire.ts';
import { WIRE_STREAM_ID, type WireMessage } from '../../protocol/rtmp/wire-message.ts';
import type { ViewerShape, WireShape } from './shape.ts';

/** On the message stream that players get first. */
export const RTMP_CHUNKS: WireShape = {
  join: (messages) =>
    messages.length === 1 ? messages[0]!.wire : Buffer.concat(messages.map(({ wire }) => wire)),
};

export class RtmpShape implements ViewerShape {
  readonly shared: WireShape | undefined;
  readonly #streamId: number;

  /** `streamId`: message stream ID, which is in the header of each message: only players on the first one share their bytes. */
  constructor(streamId: number) {
    this.#streamId = streamId;
    this.shared = streamId === WIRE_STREAM_ID ? RTMP_CHUNKS : undefined;
  }

  rewrite(messages: readonly WireMessage[], timeOf: (message: WireMessage) => number): Buffer[] {
    return rewireAll(messages, { streamId: this.#streamId, timeOf });
  }
}
