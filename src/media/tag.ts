// The first bytes of audio and video messages: classic FLV tag headers (FLV 10.1 §E.4.2, §E.4.3) and those of Enhanced
// RTMP v2. Called for each message, so it allocates one small object and throws nothing: a head that makes no sense is
// `undefined`, and the message is relayed as any other.

export interface MediaTag {
  /** `avc`, `hevc`, `av1`, `aac`, `opus` …: one name whichever way it was signalled. Undefined: unknown to us. */
  readonly codec: string | undefined;
  /** Enhanced RTMP only, as it stood in the message: `hvc1`. */
  readonly fourCc: string | undefined;
  /** Decoder configuration, which every joiner needs before its first frame. */
  readonly isSequenceHeader: boolean;
  readonly isSequenceEnd: boolean;
  /** Of the first track in an Enhanced RTMP multitrack message; what is not multitrack has none. */
  readonly trackId: number | undefined;
  /** Where the codec's own bytes begin, those of the first track: a configuration record, NAL units, a frame. */
  readonly dataOffset: number;
}

export interface VideoTag extends MediaTag {
  /** Frames from which decoding can begin: sequence headers and the like are none. */
  readonly isKeyframe: boolean;
  /** Nothing refers to this frame. */
  readonly isDisposable: boolean;
  /** Client-side seeking, for the player's eyes only; there is no picture in it. */
  readonly isCommandFrame: boolean;
  /** Enhanced RTMP's metadata packet: colour information. */
  readonly isMetadata: boolean;
  /** Presentation minus decoding time. */
  readonly compositionMs: number;
}

export interface AudioTag extends MediaTag {
  /** Enhanced RTMP's channel layout, needed by joiners as a sequence header is. */
  readonly isMultichannelConfig: boolean;
}

const FrameType = { Key: 1, Inter: 2, DisposableInter: 3, GeneratedKey: 4, Command: 5 } as const;

/** FLV 10.1 §E.4.3.1. 12 and 13 were agreed on among encoders before Enhanced RTMP. */
const CLASSIC_VIDEO: Readonly<Record<number, string>> = {
  2: 'h263',
  3: 'screen',
  4: 'vp6',
  5: 'vp6a',
  6: 'screen2',
  7: 'avc',
  12: 'hevc',
  13: 'av1',
};
/** Those of them that have AVC's packet type and composition time behind the first byte. */
const FIRST_WITH_PACKET_TYPE = 7;

/** FLV 10.1 §E.4.2.1. */
const CLASSIC_AUDIO: Readonly<Record<number, string>> = {
  0: 'pcm',
  1: 'adpcm',
  2: 'mp3',
  3: 'pcm',
  4: 'nellymoser',
  5: 'nellymoser',
  6: 'nellymoser',
  7: 'g711a',
  8: 'g711u',
  10: 'aac',
  11: 'speex',
  14: 'mp3',
  15: 'native',
};
const CLASSIC_AAC = 10;
const AUDIO_EX_HEADER = 9;

/** Packet types of AVC and AAC in classic tags. */
const ClassicPacket = { SequenceHeader: 0, Frames: 1, SequenceEnd: 2 } as const;

/** Enhanced RTMP v2, "Enhanced Video" and "Enhanced Audio". Numbers 0 to 2 and 7 mean the same in both. */
const ExPacket = { SequenceStart: 0, CodedFrames: 1, SequenceEnd: 2, ModEx: 7 } as const;
const ExVideoPacket = { CodedFramesX: 3, Metadata: 4, Mpeg2TsSequenceStart: 5, Multitrack: 6 } as const;
const ExAudioPacket = { MultichannelConfig: 4, Multitrack: 5 } as const;

const Multitrack = { OneTrack: 0, ManyTracks: 1, ManyTracksManyCodecs: 2 } as const;

/** What follows the packet type nibble in both kinds of Enhanced RTMP messages, up to the first track's data. */
interface ExHead {
  /** The real one: behind ModEx, inside Multitrack. */
  readonly packetType: number;
  readonly codec: string | undefined;
  readonly fourCc: string | undefined;
  readonly trackId: number | undefined;
  readonly dataOffset: number;
}

const FOURCC_BYTES = 4;

const CODEC_OF_FOURCC: ReadonlyMap<number, { fourCc: string; codec: string }> = new Map(
  Object.entries({
    vp08: 'vp8',
    vp09: 'vp9',
    av01: 'av1',
    avc1: 'avc',
    hvc1: 'hevc',
    vvc1: 'vvc',
    mp4a: 'aac',
    Opus: 'opus',
    fLaC: 'flac',
    'ac-3': 'ac-3',
    'ec-3': 'ec-3',
    '.mp3': 'mp3',
  }).map(([fourCc, codec]) => [fourCcNumber(fourCc), { fourCc, codec }]),
);

/** As metadata carries it in `videocodecid` and `audiocodecid`. */
export function fourCcNumber(fourCc: string): number {
  let number = 0;
  for (let i = 0; i < FOURCC_BYTES; i += 1) number = number * 256 + (fourCc.charCodeAt(i) & 0xff);
  return number;
}

// classic: | frame type u4 | codec u4 |, AVC and its like then | packet type u8 | composition time i24 |
// E-RTMP:  | 1 | frame type u3 | packet type u4 | … readExHead …, AVC and its like then | composition time i24 |
export function inspectVideo(head: Uint8Array): VideoTag | undefined {
  const first = head[0];
  if (first === undefined) return undefined;
  return first & 0x80 ? inspectExVideo(head, first) : inspectClassicVideo(head, first);
}

function inspectClassicVideo(head: Uint8Array, first: number): VideoTag | undefined {
  const frameType = first >>> 4;
  const codecId = first & 0x0f;
  const codec = CLASSIC_VIDEO[codecId];
  const isCommandFrame = frameType === FrameType.Command;
  const hasPacketType = codec !== undefined && codecId >= FIRST_WITH_PACKET_TYPE && !isCommandFrame;
  const packetType = hasPacketType ? head[1] : ClassicPacket.Frames;
  if (packetType === undefined) return undefined;
  const hasFrames = packetType === ClassicPacket.Frames;
  return {
    codec,
    fourCc: undefined,
    isSequenceHeader: packetType === ClassicPacket.SequenceHeader,
    isSequenceEnd: packetType === ClassicPacket.SequenceEnd,
    trackId: undefined,
    dataOffset: hasPacketType ? 5 : 1,
    isKeyframe: hasFrames && isKey(frameType),
    isDisposable: hasFrames && frameType === FrameType.DisposableInter,
    isCommandFrame,
    isMetadata: false,
    compositionMs: hasPacketType && hasFrames ? i24(head, 2) : 0,
  };
}

function inspectExVideo(head: Uint8Array, first: number): VideoTag | undefined {
  const frameType = (first >>> 4) & 0x07;
  const at = skipModEx(head, 1, first & 0x0f);
  if (at === undefined) return undefined;
  const packet = lowNibbleBefore(head, at);
  const isMetadata = packet === ExVideoPacket.Metadata;
  if (frameType === FrameType.Command && !isMetadata) return commandFrame(at);
  const ex = readExHead(head, at, packet, packet === ExVideoPacket.Multitrack);
  if (ex === undefined) return undefined;
  const { packetType, codec, fourCc, trackId, dataOffset } = ex;
  const hasFrames = packetType === ExPacket.CodedFrames || packetType === ExVideoPacket.CodedFramesX;
  const hasComposition =
    packetType === ExPacket.CodedFrames && (codec === 'avc' || codec === 'hevc' || codec === 'vvc');
  return {
    codec,
    fourCc,
    isSequenceHeader:
      packetType === ExPacket.SequenceStart || packetType === ExVideoPacket.Mpeg2TsSequenceStart,
    isSequenceEnd: packetType === ExPacket.SequenceEnd,
    trackId,
    dataOffset: hasComposition ? dataOffset + 3 : dataOffset,
    isKeyframe: hasFrames && isKey(frameType),
    isDisposable: hasFrames && frameType === FrameType.DisposableInter,
    isCommandFrame: false,
    isMetadata: packetType === ExVideoPacket.Metadata,
    compositionMs: hasComposition ? i24(head, dataOffset) : 0,
  };
}

function commandFrame(dataOffset: number): VideoTag {
  return {
    codec: undefined,
    fourCc: undefined,
    isSequenceHeader: false,
    isSequenceEnd: false,
    trackId: undefined,
    dataOffset,
    isKeyframe: false,
    isDisposable: false,
    isCommandFrame: true,
    isMetadata: false,
    compositionMs: 0,
  };
}

// classic: | format u4 | rate u2 | 16 bits u1 | stereo u1 |, AAC then | packet type u8 |
// E-RTMP:  | 9 u4 | packet type u4 | … readExHead …
/** An empty message is silence (the sender's audio pauses), and has no tag. */
export function inspectAudio(head: Uint8Array): AudioTag | undefined {
  const first = head[0];
  if (first === undefined) return undefined;
  const format = first >>> 4;
  return format === AUDIO_EX_HEADER ? inspectExAudio(head, first) : inspectClassicAudio(head, format);
}

function inspectClassicAudio(head: Uint8Array, format: number): AudioTag | undefined {
  const isAac = format === CLASSIC_AAC;
  if (isAac && head.length < 2) return undefined;
  return {
    codec: CLASSIC_AUDIO[format],
    fourCc: undefined,
    isSequenceHeader: isAac && head[1] === ClassicPacket.SequenceHeader,
    isSequenceEnd: false,
    trackId: undefined,
    dataOffset: isAac ? 2 : 1,
    isMultichannelConfig: false,
  };
}

function inspectExAudio(head: Uint8Array, first: number): AudioTag | undefined {
  const at = skipModEx(head, 1, first & 0x0f);
  if (at === undefined) return undefined;
  const packet = lowNibbleBefore(head, at);
  const ex = readExHead(head, at, packet, packet === ExAudioPacket.Multitrack);
  if (ex === undefined) return undefined;
  const { packetType, codec, fourCc, trackId, dataOffset } = ex;
  return {
    codec,
    fourCc,
    isSequenceHeader: packetType === ExPacket.SequenceStart,
    isSequenceEnd: packetType === ExPacket.SequenceEnd,
    trackId,
    dataOffset,
    isMultichannelConfig: packetType === ExAudioPacket.MultichannelConfig,
  };
}

// | size − 1 u8 | or | ff | size − 1 u16 |, then | data | ModEx type u4 | next packet type u4 |
/** Where the head goes on behind any number of ModEx prefixes: the last one's packet type stands right before. */
function skipModEx(head: Uint8Array, start: number, firstPacketType: number): number | undefined {
  let at = start;
  let packetType = firstPacketType;
  while (packetType === ExPacket.ModEx) {
    let size = head[at]! + 1;
    at += 1;
    if (size === 256) {
      size = u16(head, at) + 1;
      at += 2;
    }
    at += size;
    const next = head[at];
    if (next === undefined) return undefined;
    packetType = next & 0x0f;
    at += 1;
  }
  return at;
}

function lowNibbleBefore(head: Uint8Array, at: number): number {
  return head[at - 1]! & 0x0f;
}

// | FourCC |, or multitrack: | type u4 | packet type u4 | [FourCC] | and for each track
// | [FourCC] | track id u8 | [size u24] | data |
function readExHead(
  head: Uint8Array,
  start: number,
  outerPacketType: number,
  isMultitrack: boolean,
): ExHead | undefined {
  let at = start;
  let packetType = outerPacketType;
  let trackId: number | undefined;
  let trackHeadBytes = 0;
  if (isMultitrack) {
    const kind = head[at]! >>> 4;
    packetType = head[at]! & 0x0f;
    at += 1;
    if (kind > Multitrack.ManyTracksManyCodecs || packetType === outerPacketType) return undefined;
    // One codec for all tracks stands before the first track's head, one of its own inside: the same place.
    trackHeadBytes = kind === Multitrack.OneTrack ? 1 : 4;
    trackId = head[at + FOURCC_BYTES];
  }
  const dataOffset = at + FOURCC_BYTES + trackHeadBytes;
  if (dataOffset > head.length) return undefined;
  const known = CODEC_OF_FOURCC.get(u16(head, at) * 0x1_0000 + u16(head, at + 2));
  return {
    packetType,
    codec: known?.codec,
    fourCc: known?.fourCc ?? String.fromCharCode(...head.subarray(at, at + FOURCC_BYTES)),
    trackId,
    dataOffset,
  };
}

/** E-RTMP v2, "Multitrack": the default track, and so the one of messages that name none. */
const DEFAULT_TRACK = 0;
const DEFAULT_TRACKS: readonly number[] = [DEFAULT_TRACK];
/** Ids are bytes; tracks of no size could otherwise make a list of millions. */
const MAX_TRACKS = 256;

/** Ids of the tracks in a video message, in its order; as far as the bytes at hand reach. */
export function videoTracks(payload: Uint8Array): readonly number[] {
  const isEx = (payload[0] ?? 0) & 0x80;
  return isEx ? exTracks(payload, ExVideoPacket.Multitrack) : DEFAULT_TRACKS;
}

/** The same of an audio message. */
export function audioTracks(payload: Uint8Array): readonly number[] {
  const isEx = (payload[0] ?? 0) >>> 4 === AUDIO_EX_HEADER;
  return isEx ? exTracks(payload, ExAudioPacket.Multitrack) : DEFAULT_TRACKS;
}

/** Whether all of a video message must be at hand for `videoTracks` to find every track; else its first bytes will do. */
export function holdsManyTracks(head: Uint8Array, tag: VideoTag): boolean {
  return tag.trackId !== undefined && exTrackKind(head) !== Multitrack.OneTrack;
}

function exTrackKind(head: Uint8Array): number {
  const at = skipModEx(head, 1, head[0]! & 0x0f);
  return (at === undefined ? 0 : (head[at] ?? 0)) >>> 4;
}

function exTracks(bytes: Uint8Array, multitrackPacket: number): readonly number[] {
  const at = skipModEx(bytes, 1, bytes[0]! & 0x0f);
  if (at === undefined || lowNibbleBefore(bytes, at) !== multitrackPacket) return DEFAULT_TRACKS;
  const kind = (bytes[at] ?? 0) >>> 4;
  const codecBytes = kind === Multitrack.ManyTracksManyCodecs ? FOURCC_BYTES : 0;
  const tracks: number[] = [];
  let idAt = at + 1 + FOURCC_BYTES; // the codec of all of them, or the first one's own
  while (idAt < bytes.length && tracks.length < MAX_TRACKS) {
    tracks.push(bytes[idAt]!);
    if (kind === Multitrack.OneTrack || idAt + 4 > bytes.length) break;
    const trackBytes = (bytes[idAt + 1]! << 16) | u16(bytes, idAt + 2);
    idAt += 4 + trackBytes + codecBytes;
  }
  return tracks.length > 0 ? tracks : DEFAULT_TRACKS;
}

/** The codec's own bytes in a message, of each of its tracks; a track that is cut off has those that are there. */
export function* trackData(
  payload: Uint8Array,
  tag: MediaTag,
): Generator<{ codec: string | undefined; data: Uint8Array }, void, undefined> {
  const kind = tag.trackId === undefined ? Multitrack.OneTrack : exTrackKind(payload);
  let { codec, dataOffset: at } = tag;
  for (let count = 0; count < MAX_TRACKS; count += 1) {
    const end =
      kind === Multitrack.OneTrack ? payload.length : at + ((payload[at - 3]! << 16) | u16(payload, at - 2));
    yield { codec, data: payload.subarray(at, end) };
    if (end >= payload.length) return;
    const hasOwnCodec = kind === Multitrack.ManyTracksManyCodecs;
    if (hasOwnCodec) codec = CODEC_OF_FOURCC.get(u16(payload, end) * 0x1_0000 + u16(payload, end + 2))?.codec;
    at = end + (hasOwnCodec ? FOURCC_BYTES : 0) + 4;
  }
}

/**
 * What a header configures: messages with one key say the same of the same tracks, and the last of them is in force. Of headers
 * with different keys that share a track the later one counts. Undefined: the message is no header.
 */
export function videoHeaderKey(tag: VideoTag | undefined, payload: Uint8Array): string | undefined {
  if (!tag?.isSequenceHeader && !tag?.isMetadata) return undefined;
  const what = tag.isMetadata ? 'colour' : 'video';
  return `${what} ${tag.trackId === undefined ? DEFAULT_TRACK : videoTracks(payload)}`;
}

/** The same of an audio message: a decoder configuration or a channel layout. */
export function audioHeaderKey(tag: AudioTag | undefined, payload: Uint8Array): string | undefined {
  if (!tag?.isSequenceHeader && !tag?.isMultichannelConfig) return undefined;
  const what = tag.isMultichannelConfig ? 'channels' : 'audio';
  return `${what} ${tag.trackId === undefined ? DEFAULT_TRACK : audioTracks(payload)}`;
}

function isKey(frameType: number): boolean {
  return frameType === FrameType.Key || frameType === FrameType.GeneratedKey;
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

/** 0 for what is cut off. */
function i24(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8)) >> 8;
}
