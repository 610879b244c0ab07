// Payloads of audio and video messages, as small as they can be.

/** AVC, FLV 10.1 §E.4.3: frame type and codec, packet type, composition time, then one byte that tells them apart. */
export const video = {
  header: (mark = 0) => Uint8Array.of(0x17, 0, 0, 0, 0, mark),
  keyframe: (mark = 0) => Uint8Array.of(0x17, 1, 0, 0, 0, mark),
  frame: (mark = 0) => Uint8Array.of(0x27, 1, 0, 0, 0, mark),
};

/** AAC, FLV 10.1 §E.4.2. */
export const audio = {
  header: (mark = 0) => Uint8Array.of(0xaf, 0, 0x12, 0x10, mark),
  frame: (mark = 0) => Uint8Array.of(0xaf, 1, mark),
};
