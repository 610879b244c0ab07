// What came of sound and pictures while one file was recorded, and which of it nobody can decode from that file.
import { inspectAudio, inspectVideo } from '../../media/tag.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import type { Item } from './container-file.ts';

/** Frames of these are nothing without the configuration that comes before them. */
const CONFIGURED: ReadonlySet<string> = new Set(['aac', 'avc', 'hevc', 'vvc', 'av1', 'flac']);
/** Of an Enhanced RTMP stream; there can be 256 of each kind. */
const MAX_TRACKS = 64;

interface Track {
  readonly kind: 'audio' | 'video';
  codec: string;
  isConfigured: boolean;
  hasFrames: boolean;
  hasKeyframe: boolean;
}

/** A track of which frames came, and nothing that can be decoded is in the file. */
export interface LostTrack {
  /** `audio`, `video 1`. */
  readonly track: string;
  readonly codec: string;
  /** `its decoder configuration never came` */
  readonly why: string;
}

export class Content {
  readonly #tracks = new Map<string, Track>();

  /** Whatever comes, whether the file takes it or not. */
  note(item: Item): void {
    if (item.kind === 'metadata' || item.kind === 'data') return;
    const isVideo = item.typeId === MessageType.Video;
    const tag = isVideo ? inspectVideo(item.payload) : inspectAudio(item.payload);
    if (!tag?.codec || tag.isSequenceEnd) return;
    const kind = isVideo ? 'video' : 'audio';
    const track = this.#trackOf(tag.trackId === undefined ? kind : `${kind} ${tag.trackId}`, kind, tag.codec);
    if (!track) return;
    track.codec = tag.codec;
    if (item.kind === 'header') track.isConfigured ||= tag.isSequenceHeader;
    else track.hasFrames = true;
    track.hasKeyframe ||= item.kind === 'sound' || ('isKeyframe' in tag && tag.isKeyframe);
  }

  #trackOf(key: string, kind: Track['kind'], codec: string): Track | undefined {
    const known = this.#tracks.get(key);
    if (known || this.#tracks.size >= MAX_TRACKS) return known;
    const track = { kind, codec, isConfigured: false, hasFrames: false, hasKeyframe: false };
    this.#tracks.set(key, track);
    return track;
  }

  /** `codecs`: those of which the file has something. */
  lost(codecs: readonly string[]): LostTrack[] {
    return [...this.#tracks].flatMap(([track, { codec, isConfigured, hasFrames, hasKeyframe }]) => {
      const isLost = !codecs.includes(codec) || (CONFIGURED.has(codec) && !isConfigured);
      if (!hasFrames || !isLost) return [];
      const why = hasKeyframe ? 'its decoder configuration never came' : 'no keyframe came';
      return [{ track, codec, why }];
    });
  }
}
