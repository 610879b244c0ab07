// Recorded streams of a fuzzed instance: one that is whole, one that grows, some that cannot be played; all take as long as
// they like to answer.
import {
  type Place,
  type RecordedRequest,
  type RecordedStream,
  type RecordedStreams,
  type Segment,
  segmentOf,
} from '../../src/application/contract/recorded.ts';
import { StatusError } from '../../src/errors.ts';
import { MessageType } from '../../src/protocol/rtmp/message.ts';
import { buildWireMessage, type WireMessage } from '../../src/protocol/rtmp/wire-message.ts';
import { audio, video } from '../support/media.ts';
import type { Choices } from './choices.ts';
import type { Complain } from './fakes.ts';

const STEP_MS = 500;
const WHOLE_STEPS = 40;
const SEGMENT_STEPS = 7;
const KEY_STEPS = 4;
const CHUNK_BYTES = 4096;

export class FakeRecorded implements RecordedStreams {
  readonly #choices: Choices;
  readonly #complain: Complain;
  readonly #listeners = new Set<() => void>();
  /** Leases that nobody has closed yet. */
  leases = 0;
  /** Of the one that is being recorded. */
  steps = 3;
  isGrowing = true;

  constructor(choices: Choices, complain: Complain) {
    this.#choices = choices;
    this.#complain = complain;
  }

  grow(isLast: boolean): void {
    if (!this.isGrowing) return;
    this.steps += 1 + this.#choices.below(5);
    this.isGrowing = !isLast;
    for (const call of [...this.#listeners]) call();
  }

  async open({ name }: RecordedRequest): Promise<RecordedStream | undefined> {
    if (this.#choices.oneIn(3)) await turn();
    if (this.#choices.oneIn(8)) throw new StatusError('NetStream.Play.FileStructureInvalid', 'damaged');
    if (name === 'a') return this.#lease(false);
    return name === 'b' ? this.#lease(true) : undefined;
  }

  #lease(isTape: boolean): RecordedStream {
    const recorded = this;
    const count = () => (isTape ? this.steps : WHOLE_STEPS);
    let isOpen = true;
    this.leases += 1;
    const answer = async <T>(value: () => T): Promise<T> => {
      if (!isOpen) this.#complain('a recorded stream that was closed is asked');
      if (this.#choices.oneIn(3)) await turn();
      if (this.#choices.oneIn(40)) throw new StatusError('NetStream.Play.Failed', 'the disk says no');
      return value();
    };
    const place = (step: number): Place | undefined =>
      step < count()
        ? { at: step, timeMs: step * STEP_MS, headers: [message(MessageType.Video, 0, video.header())] }
        : undefined;
    return {
      path: '/a.flv',
      sizeBytes: 1000,
      hasVideo: true,
      get lengthMs() {
        return count() * STEP_MS;
      },
      get isGrowing() {
        return isTape && recorded.isGrowing;
      },
      onGrown: (call) => {
        this.#listeners.add(call);
        return () => this.#listeners.delete(call);
      },
      keyframeBefore: (ms) => answer(() => place(Math.min(keyBefore(ms / STEP_MS), keyBefore(count() - 1)))),
      keyframeFrom: (ms) => answer(() => place(Math.ceil(ms / STEP_MS / KEY_STEPS) * KEY_STEPS)),
      read: (at) => answer(() => segment(at, count())),
      close: () => {
        if (isOpen) this.leases -= 1;
        isOpen = false;
      },
    };
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function keyBefore(step: number): number {
  return Math.max(0, Math.floor(step / KEY_STEPS) * KEY_STEPS);
}

function segment(at: number, count: number): Segment | undefined {
  if (at >= count) return undefined;
  const next = Math.min(count, (Math.floor(at / SEGMENT_STEPS) + 1) * SEGMENT_STEPS);
  const messages: WireMessage[] = [];
  for (let step = at; step < next; step += 1) {
    const timeMs = step * STEP_MS;
    messages.push(
      message(MessageType.Video, timeMs, step % KEY_STEPS === 0 ? video.keyframe() : video.frame()),
      message(MessageType.Audio, timeMs, audio.frame()),
    );
  }
  return segmentOf(messages, next);
}

function message(typeId: WireMessage['typeId'], timestampMs: number, payload: Uint8Array): WireMessage {
  return buildWireMessage({ typeId, timestampMs, payload, chunkBytes: CHUNK_BYTES });
}
