// What the chunk layer carries: whole messages. RTMP 1.0 §4 and §7.1.

/** Message type ids. RTMP 1.0 §5.4 and §7.1. */
export const MessageType = {
  SetChunkSize: 1,
  Abort: 2,
  Acknowledgement: 3,
  UserControl: 4,
  WindowAckSize: 5,
  SetPeerBandwidth: 6,
  Audio: 8,
  Video: 9,
  DataAmf3: 15,
  SharedObjectAmf3: 16,
  CommandAmf3: 17,
  DataAmf0: 18,
  SharedObjectAmf0: 19,
  CommandAmf0: 20,
  Aggregate: 22,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** Audio, video, or an aggregate: not values. */
export function isMediaType(typeId: number): boolean {
  return typeId === MessageType.Audio || typeId === MessageType.Video || typeId === MessageType.Aggregate;
}

/** One message of either direction. */
export interface RtmpMessage {
  /** A MessageType, or whatever else a peer has sent. */
  readonly typeId: number;
  readonly streamId: number;
  /** Unsigned 32 bits, absolute; wraps after 49.7 days. */
  readonly timestampMs: number;
  readonly payload: Uint8Array;
}
