// Where groups of pictures begin in a stream of several video tracks (Enhanced RTMP v2, "Multitrack"): the one rule of the live
// cache, of slow players that come back, of recordings and their segments, and of the index of a file.
//
// A group begins at a keyframe of the lead track, which is the one with the lowest id, 0 or none before all others. Encoders send
// the tracks of one picture one behind the other in any order, so what belongs to the group begins at the earliest picture of that
// keyframe's timestamp.
import { type VideoTag, videoTracks } from './tag.ts';

/** A lead track without a picture for so long has ended: the next keyframe of another one takes its place. */
const LEAD_GONE_MS = 10_000;

export class GroupStarts {
  #lead = Number.POSITIVE_INFINITY;
  /** Of the lead track's latest picture. */
  #leadMs = 0;
  /** Of the latest group. */
  #groupMs = Number.NaN;
  #asideMs = 0;
  /**
   * Place of the earliest picture behind the lead track's latest that has the timestamp of the picture taken last. A keyframe of
   * the lead track with that timestamp takes it into its group. Undefined: the picture taken last is the lead track's own.
   */
  asideAt: number | undefined;

  /**
   * Takes the video messages of a stream or file one after the other. `payload`: as much of it as is at hand, all of it where the
   * keyframes of many tracks may stand in one message. `at`: a place of the caller's. Returns the place at which a group of
   * pictures begins, this one or one before it; undefined: this message begins none.
   */
  take(tag: VideoTag, payload: Uint8Array, timestampMs: number, at: number): number | undefined {
    if (tag.isSequenceHeader || tag.isMetadata || tag.isCommandFrame) return undefined;
    const track = tag.trackId === undefined ? 0 : Math.min(...videoTracks(payload));
    if (tag.isSequenceEnd) {
      if (track === this.#lead) this.reset();
      return undefined;
    }
    const isTogether = this.asideAt !== undefined && timestampMs === this.#asideMs;
    if (tag.isKeyframe && this.#mayLead(track, timestampMs)) {
      const goesOn = timestampMs === this.#groupMs; // the first group of all: its tracks come to light one by one
      this.#lead = track;
      if (goesOn) {
        this.#leadMs = timestampMs;
        return undefined;
      }
    }
    if (track > this.#lead) {
      this.#asideMs = timestampMs;
      if (!isTogether) this.asideAt = at;
      return undefined;
    }
    const beginAt = isTogether ? this.asideAt : at;
    this.asideAt = undefined;
    this.#leadMs = timestampMs;
    if (!tag.isKeyframe) return undefined;
    this.#groupMs = timestampMs;
    return beginAt;
  }

  #mayLead(track: number, timestampMs: number): boolean {
    return track < this.#lead || ((timestampMs - this.#leadMs) | 0) > LEAD_GONE_MS;
  }

  /** Whether pictures of the lead track, or of all there are so far, need that decoder configuration. */
  areConfiguredBy(payload: Uint8Array): boolean {
    return Math.min(...videoTracks(payload)) <= this.#lead;
  }

  /** Another publisher, another source. */
  reset(): void {
    this.#lead = Number.POSITIVE_INFINITY;
    this.#groupMs = Number.NaN;
    this.asideAt = undefined;
  }
}
