// After a crash: an FLV file gets its index and duration, and what was left of its last tag goes.
import { closeSync, writeSync } from 'node:fs';
import {
  DURATION_OFFSET,
  encodeDuration,
  encodeFlvHeader,
  encodeIndexedMetaData,
  type FlvKeyframe,
} from '../../media/flv.ts';
import { GroupStarts } from '../../media/group-starts.ts';
import { holdsManyTracks, inspectVideo } from '../../media/tag.ts';
import { MessageType } from '../../protocol/rtmp/message.ts';
import type { FinishedFile } from './finisher.ts';
import { cutFlv, FLV_BEGIN_BYTES, FLV_FLAGS_OFFSET, readFoundFlv, signedMs, tagsFrom } from './flv-scan.ts';
import { openToChange } from './open-file.ts';

/** Undefined: it is empty. */
export function repairFlv(path: string): FinishedFile | undefined {
  const fd = openToChange(path);
  try {
    const found = readFoundFlv(fd, cutFlv(fd));
    if (!found) return undefined;
    const { end, metaData } = found;
    const keyframes: FlvKeyframe[] = [];
    const groups = new GroupStarts();
    let lengthMs = 0;
    let hasAudio = false;
    let hasVideo = false;
    for (const { at, head, peek, payload } of tagsFrom(fd, FLV_BEGIN_BYTES, end)) {
      const isVideo = head.typeId === MessageType.Video;
      const timeMs = signedMs(head);
      hasVideo ||= isVideo;
      hasAudio ||= head.typeId === MessageType.Audio;
      if (isVideo || head.typeId === MessageType.Audio) lengthMs = Math.max(lengthMs, timeMs);
      const tag = isVideo ? inspectVideo(peek) : undefined;
      const seen = tag?.isKeyframe && holdsManyTracks(peek, tag) ? payload() : peek;
      const beginAt = tag && groups.take(tag, seen, timeMs, at);
      if (beginAt !== undefined) keyframes.push({ timeMs, at: beginAt });
    }
    const index = metaData?.isIndexed
      ? encodeIndexedMetaData(metaData.entries, lengthMs / 1000, keyframes, metaData.bytes)
      : undefined;
    if (metaData && index) writeSync(fd, index, 0, undefined, metaData.at);
    else if (metaData) writeSync(fd, encodeDuration(lengthMs), 0, undefined, metaData.at + DURATION_OFFSET);
    const flags = encodeFlvHeader({ hasAudio, hasVideo })[FLV_FLAGS_OFFSET]!;
    writeSync(fd, Uint8Array.of(flags), 0, undefined, FLV_FLAGS_OFFSET);
    return { sizeBytes: end, lengthMs };
  } finally {
    closeSync(fd);
  }
}
