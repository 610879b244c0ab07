// Where the groups of pictures of a live stream begin, and what of a group came before that was known.
import { GroupStarts } from '../../media/group-starts.ts';
import { holdsManyTracks, inspectVideo } from '../../media/tag.ts';
import { memoryBytes, type WireMessage } from '../../protocol/rtmp/wire-message.ts';

/** Kept until the lead track's keyframe comes; a group that has more before it begins with that. */
const MAX_ASIDE_BYTES = 4 << 20;

export class LiveGroups {
  readonly #starts = new GroupStarts();
  #count = 0;
  /** Everything from the further track's picture on with which a group may begin. */
  #aside: WireMessage[] = [];
  #asideBytes = 0;

  /**
   * Takes a picture. Returns what belongs to the group of pictures that begins with it and came before it; undefined: none
   * begins.
   */
  take(message: WireMessage, tag = inspectVideo(message.head)): readonly WireMessage[] | undefined {
    if (!tag) return undefined;
    const at = this.#count++;
    const { head } = message;
    const seen = tag.isKeyframe && holdsManyTracks(head, tag) ? message.payload : head;
    const beginAt = this.#starts.take(tag, seen, message.timestampMs, at);
    const { asideAt } = this.#starts;
    const aside = this.#aside;
    if (asideAt === undefined || asideAt === at) this.#forget();
    this.takeOther(message);
    if (beginAt === undefined) return undefined;
    return beginAt < at ? aside : [];
  }

  /** Takes what is no picture. */
  takeOther(message: WireMessage): void {
    if (this.#starts.asideAt === undefined) return;
    this.#asideBytes += memoryBytes(message);
    if (this.#asideBytes <= MAX_ASIDE_BYTES) this.#aside.push(message);
    else this.#aside = [];
  }

  /** Whether the pictures of the lead track need that decoder configuration. */
  areConfiguredBy(payload: Uint8Array): boolean {
    return this.#starts.areConfiguredBy(payload);
  }

  #forget(): void {
    if (this.#asideBytes === 0) return;
    this.#aside = [];
    this.#asideBytes = 0;
  }

  reset(): void {
    this.#starts.reset();
    this.#forget();
  }
}
