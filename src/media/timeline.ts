// Where on a line of time the messages of a publisher belong: that of a file, or of a stream that the server publishes itself.
//
// Only sound and pictures move the line. A timestamp is taken as it is when it makes sense: near the ones before it, or as far
// ahead as time has passed on the wall. One that makes no sense is placed where the next message is due. If those behind it
// agree with it, the publisher has a new clock, which is joined on there; if they go on as before, it was a stray. The place is
// the same in both cases, so no message waits for the verdict.

export type TimelineTrack = 'audio' | 'video';

/** Timestamps that did not fit the clock of their track. */
export interface ClockFault {
  readonly track: TimelineTrack;
  /** True: the track has a new clock. False: strays, which were put on the line. */
  readonly isLasting: boolean;
  /** By how much the first of them was off; negative: it was too early. */
  readonly offMs: number;
  /** Messages that did not fit, up to the verdict. */
  readonly messages: number;
}

/** What encoders make of the order of times within one track, and the holes that they leave in a dense one. */
const DISORDER_MS = 1_000;
/** A track with longer steps, or one that has not shown its step yet, is not dense. */
const DENSE_STEP_MS = 250;
/** The holes in such a track, and in a very thin one so many steps. */
const THIN_HOLE_MS = 10_000;
const MISSING_STEPS = 4;
/** So far one track may be behind the other. COMPAT: ffmpeg interleaves within 10 s (max_interleave_delta). */
const INTERLEAVE_MS = 10_000;
/** Timestamps that go on by another clock for so long are no strays. */
const LASTING_MS = 1_000;
/** As many strays without an end are taken for a clock as well. */
const MAX_STRAYS = 100;
/** What a network makes of the times of arrival. */
const JITTER_MS = 250;
/** The step of a track that has not shown one. */
const USUAL_STEP_MS = 20;
/** How long a delay of what arrives allows for a gap. */
const DELAY_MEMORY_MS = 30_000;

/** A clock that may take the place of a track's own. `offset` is what has to be subtracted from its timestamps. */
interface Rival {
  readonly offset: number;
  readonly sinceMs: number;
  readonly offMs: number;
  messages: number;
}

interface Track {
  readonly name: TimelineTrack;
  /** What has to be subtracted from its timestamps; undefined: it has not begun. */
  offset: number | undefined;
  rival: Rival | undefined;
  latestMs: number;
  /** On the wall, of the latest message. */
  arrivedMs: number;
  /** The line's end then. */
  endMs: number;
  /** Between its latest two messages. */
  lastStepMs: number | undefined;
  /** Of its last two steps the shorter, so that a gap is not taken for the usual one. */
  stepMs: number | undefined;
}

export class Timeline {
  readonly #onFault: (fault: ClockFault) => void;
  readonly #tracks: Readonly<Record<TimelineTrack, Track>>;
  readonly #startMs: number;
  /** Place of the latest sound or picture. */
  #endMs: number;
  #hasBegun = false;
  #liftedMs = 0;
  /** On the wall, of the latest sound or picture. */
  #arrivedMs = 0;
  /** Wall time minus line time of what arrives without delay. */
  #onTime = 0;
  /** Of the latest data message. */
  #dataMs: number;
  /** The clock that was told of last: both tracks may change to it. */
  #toldOffset: number | undefined;
  /** The strays that were told of last: a short run of them is often one of sound and of pictures. */
  #toldStray: { readonly name: TimelineTrack; readonly offMs: number; readonly endMs: number } | undefined;

  /** The first sound or picture is placed at `startMs`. */
  constructor(startMs: number, onFault: (fault: ClockFault) => void = () => {}) {
    this.#startMs = startMs;
    this.#endMs = startMs;
    this.#dataMs = startMs;
    this.#onFault = onFault;
    const track = (name: TimelineTrack): Track => ({
      ...{ name, offset: undefined, rival: undefined, latestMs: startMs },
      ...{ arrivedMs: 0, endMs: startMs, lastStepMs: undefined, stepMs: undefined },
    });
    this.#tracks = { audio: track('audio'), video: track('video') };
  }

  /** By how much the latest sound or picture stands later than its own time: no track goes back, and none before the beginning. */
  get liftedMs(): number {
    return this.#liftedMs;
  }

  /** A sound or picture has been placed. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /**
   * The place of a sound or a picture; of each track they never go back. `timestampMs`: 32 bits that wrap; `nowMs`: monotonic,
   * when it arrived.
   */
  place(name: TimelineTrack, timestampMs: number, nowMs: number): number {
    const track = this.#tracks[name];
    const before = track.latestMs;
    const isFirst = track.offset === undefined;
    const ms = this.#hasBegun
      ? this.#judge(track, timestampMs, nowMs)
      : this.#begin(track, timestampMs, nowMs);
    const placedMs = Math.max(ms, before);
    this.#liftedMs = placedMs - ms;
    const stepMs = placedMs - before;
    if (!isFirst && stepMs > 0) {
      if (track.lastStepMs !== undefined) track.stepMs = Math.min(stepMs, track.lastStepMs);
      track.lastStepMs = stepMs;
    }
    track.latestMs = placedMs;
    this.#move(Math.max(this.#endMs, placedMs), nowMs);
    track.arrivedMs = nowMs;
    track.endMs = this.#endMs;
    return placedMs;
  }

  /** The place of what does not move the line: a decoder configuration between the frames of its track. */
  placeHeader(name: TimelineTrack, timestampMs: number, nowMs: number): number {
    const { latestMs } = this.#tracks[name];
    const ms = this.#sensible(timestampMs, nowMs) ?? latestMs;
    return Math.min(Math.max(ms, latestMs), this.#endMs);
  }

  /** The same of a data message; they never go back either. */
  placeData(timestampMs: number, nowMs: number): number {
    this.#dataMs = Math.max(this.#dataMs, this.#sensible(timestampMs, nowMs) ?? this.#endMs);
    return this.#dataMs;
  }

  /** Nothing more comes: tells of strays at the end. */
  end(): void {
    for (const track of Object.values(this.#tracks)) this.#wasStray(track);
  }

  #begin(track: Track, timestampMs: number, nowMs: number): number {
    this.#hasBegun = true;
    this.#onTime = nowMs - this.#startMs;
    track.offset = timestampMs - this.#startMs;
    return this.#startMs;
  }

  #judge(track: Track, timestampMs: number, nowMs: number): number {
    const { offset, rival, latestMs, stepMs = USUAL_STEP_MS } = track;
    const own = this.#fitting(track, offset, timestampMs, nowMs);
    const other = this.#fitting(track, rival?.offset, timestampMs, nowMs);
    const dueMs = latestMs + stepMs;
    if (own !== undefined && (other === undefined || Math.abs(own - dueMs) <= Math.abs(other - dueMs))) {
      this.#wasStray(track);
      return own;
    }
    if (rival && other !== undefined) {
      rival.messages += 1;
      if (other - rival.sinceMs >= LASTING_MS) this.#change(track, rival);
      return other;
    }
    return this.#depart(track, timestampMs, nowMs);
  }

  /** It fits no clock of its track: it has that of the other one, or one that nobody knew. */
  #depart(track: Track, timestampMs: number, nowMs: number): number {
    const { offset: theirs, rival: theirRival } = this.#tracks[track.name === 'audio' ? 'video' : 'audio'];
    const shared = [theirs, theirRival?.offset].find(
      (offset) => this.#fitting(track, offset, timestampMs, nowMs) !== undefined,
    );
    const offset = shared ?? timestampMs - this.#dueMs(track, nowMs);
    const sinceMs = this.#placeBy(offset, timestampMs);
    const before = track.rival;
    const offMs = before?.offMs ?? (offset - (track.offset ?? theirs ?? offset)) | 0;
    const rival: Rival = { offset, sinceMs, offMs, messages: (before?.messages ?? 0) + 1 };
    // the first of its track has no other clock to go back to
    if (track.offset === undefined || rival.messages >= MAX_STRAYS) this.#change(track, rival);
    else track.rival = rival;
    return sinceMs;
  }

  #change(track: Track, { offset, offMs, messages }: Rival): void {
    const isKnown = Object.values(this.#tracks).some((one) => one.offset === offset);
    track.offset = offset;
    track.rival = undefined;
    if (isKnown || this.#toldOffset === offset) return;
    this.#toldOffset = offset;
    this.#onFault({ track: track.name, isLasting: true, offMs, messages });
  }

  #wasStray(track: Track): void {
    const { rival } = track;
    track.rival = undefined;
    if (!rival) return;
    const { name } = track;
    const { offMs, messages } = rival;
    const told = this.#toldStray;
    const isRecent = told && told.name !== name && this.#endMs - told.endMs < LASTING_MS;
    if (isRecent && Math.abs(offMs - told.offMs) < INTERLEAVE_MS) return;
    this.#toldStray = { name, offMs, endMs: this.#endMs };
    this.#onFault({ track: name, isLasting: false, offMs, messages });
  }

  /** Its place by that clock, if it makes sense there. */
  #fitting(track: Track, offset: number | undefined, timestampMs: number, nowMs: number): number | undefined {
    if (offset === undefined) return undefined;
    const ms = this.#placeBy(offset, timestampMs);
    const isInOrder = track.offset === undefined || ms >= track.latestMs - DISORDER_MS;
    return isInOrder && this.#isNear(ms, track, nowMs) ? ms : undefined;
  }

  #isNear(ms: number, track: Track, nowMs: number): boolean {
    return ms >= this.#endMs - INTERLEAVE_MS && ms <= this.#endMs + this.#allowedMs(track, nowMs);
  }

  /** Times of 32 bits mean those that are nearest to the line's end. */
  #placeBy(offset: number, timestampMs: number): number {
    return this.#endMs + ((timestampMs - offset - this.#endMs) | 0);
  }

  /** How far beyond the line's end a time makes sense: a gap is one if it has passed on the wall as well. */
  #allowedMs({ stepMs }: Track, nowMs: number): number {
    const isDense = stepMs !== undefined && stepMs <= DENSE_STEP_MS;
    const holeMs = isDense ? DISORDER_MS : Math.max(THIN_HOLE_MS, MISSING_STEPS * (stepMs ?? 0));
    return holeMs + Math.max(0, nowMs - this.#endMs - this.#onTime);
  }

  /** Where the next message of a track belongs, by what has passed since its last. */
  #dueMs(track: Track, nowMs: number): number {
    const hasBegun = track.offset !== undefined;
    const passedMs = nowMs - (hasBegun ? track.arrivedMs : this.#arrivedMs);
    const onWallMs = passedMs > JITTER_MS ? passedMs : 0;
    if (!hasBegun) return this.#endMs + onWallMs;
    const { latestMs, stepMs = USUAL_STEP_MS, endMs } = track;
    return latestMs + Math.max(stepMs, this.#endMs - endMs, onWallMs);
  }

  /** The place of what does not move the line by a clock of sound or pictures, if it makes sense there. */
  #sensible(timestampMs: number, nowMs: number): number | undefined {
    for (const track of Object.values(this.#tracks)) {
      for (const offset of [track.rival?.offset, track.offset]) {
        if (offset === undefined) continue;
        const ms = this.#placeBy(offset, timestampMs);
        if (this.#isNear(ms, track, nowMs)) return ms;
      }
    }
    return undefined;
  }

  /** What arrives late allows for a gap; a publisher that is late for good does so for a while. */
  #move(toMs: number, nowMs: number): void {
    const advanceMs = toMs - this.#endMs;
    this.#endMs = toMs;
    this.#arrivedMs = nowMs;
    const now = nowMs - toMs;
    if (now < this.#onTime) this.#onTime = now;
    else this.#onTime += (now - this.#onTime) * Math.min(1, advanceMs / DELAY_MEMORY_MS);
  }
}
