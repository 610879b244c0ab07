// Server.xml's limits of connections, as protocol/ takes them.
import type { Config } from '../config/config.ts';
import type { AmfLimits } from '../protocol/amf/amf-budget.ts';
import type { ChunkReaderOptions } from '../protocol/rtmp/chunk-reader.ts';

type ConnectionLimits = Config['server']['limits'];

export function amfLimits(limits: ConnectionLimits): AmfLimits {
  const { amfDepth: depth, amfValues: values, amfBytes: bytes, amfExpansion: expansion } = limits;
  return { depth, values, bytes, expansion };
}

export function chunkLimits(limits: ConnectionLimits): ChunkReaderOptions {
  return {
    maxMessageBytes: limits.messageBytes,
    maxValueBytes: limits.amfBytes,
    maxHalfReceived: limits.partialMessages,
    maxHalfReceivedBytes: limits.partialBytes,
  };
}
