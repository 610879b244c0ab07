// Aggregate messages (type 22): several audio, video and data messages in one, laid out as FLV tags. RTMP 1.0 §7.1.6.
import { DecodeError } from '../../errors.ts';
import { ByteReader } from '../bytes.ts';
import { MessageType, type RtmpMessage } from './message.ts';

/**
 * | type u8 | size u24 | timestamp u24 | timestamp high u8 | stream id u24 | `size` bytes | back pointer u32 |, repeated.
 * The parts' timestamps are shifted so that the first one is the aggregate's; its stream id overrides theirs.
 */
export function* decodeAggregate(message: RtmpMessage): Generator<RtmpMessage, void, undefined> {
  const reader = new ByteReader(message.payload).at('in the middle of a part');
  let firstMs: number | undefined;
  while (reader.remaining > 0) {
    const typeId = reader.u8();
    // nobody sends them, and their depth would have no end
    if (typeId === MessageType.Aggregate) {
      throw new DecodeError('ERR_RTMP_AGGREGATE', 'it has an aggregate in it');
    }
    const length = reader.u24();
    const partMs = (reader.u24() | (reader.u8() << 24)) >>> 0;
    reader.u24();
    const payload = reader.take(length);
    if (reader.remaining > 0 && reader.remaining < 4) {
      throw new DecodeError(
        'ERR_RTMP_AGGREGATE',
        `it has ${reader.remaining} bytes where a back pointer has 4`,
      );
    }
    if (reader.remaining > 0) reader.u32(); // COMPAT: some senders leave the last back pointer out; its value is never used
    firstMs ??= partMs;
    yield {
      typeId,
      streamId: message.streamId,
      timestampMs: (message.timestampMs + partMs - firstMs) >>> 0,
      payload,
    };
  }
}
