// Frames of scripts on their way into the media process. A script may say a great deal in one turn, and what it says may be
// work for many clients; so they are read in slices, one unit after another, and the sockets get their turn in between.
import type { Clock } from '../../clock.ts';
import type { Frame } from '../wire/frames.ts';

/** What scripts may take of one round of the event loop. */
const SLICE_MS = 4;
/** What one of them may take of that before the next one is looked at. */
const UNIT_SLICE_MS = 1;

export interface Reader {
  /** Acts upon a frame; what it yields are places to pause. */
  receive(type: number, body: Buffer): Iterator<void>;
}

interface Post {
  /** The frame being read. */
  current: Iterator<void> | undefined;
  waiting: Frame[];
}

export class Inbox {
  readonly #clock: Clock;
  /** Only readers that have something to read, next one first. */
  readonly #posts = new Map<Reader, Post>();
  #isReading = false;
  /** Of this round of the event loop; undefined before its first frame. */
  #sliceEndMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(reader: Reader, frame: Frame): void {
    const post = this.#posts.get(reader);
    if (post) post.waiting.push(frame);
    else this.#posts.set(reader, { current: undefined, waiting: [frame] });
    if (this.#isReading) return;
    if (this.#sliceEndMs === undefined) this.#beginSlice();
    this.#read();
  }

  /** What it has not read goes unread. */
  drop(reader: Reader): void {
    this.#posts.delete(reader);
  }

  #beginSlice(): void {
    this.#sliceEndMs = this.#clock.now() + SLICE_MS;
    this.#clock.soon(() => {
      this.#sliceEndMs = undefined;
      if (this.#posts.size === 0) return;
      this.#beginSlice();
      this.#read();
    });
  }

  #read(): void {
    this.#isReading = true;
    try {
      for (const [reader, post] of this.#posts) {
        const now = this.#clock.now();
        if (now >= this.#sliceEndMs!) break;
        const isDone = this.#readPost(reader, post, Math.min(now + UNIT_SLICE_MS, this.#sliceEndMs!));
        if (this.#posts.get(reader) !== post) continue;
        this.#posts.delete(reader);
        if (!isDone) this.#posts.set(reader, post); // behind the others; this loop will come to it again
      }
    } finally {
      this.#isReading = false;
    }
  }

  /** False: there is more, or will be. */
  #readPost(reader: Reader, post: Post, untilMs: number): boolean {
    for (;;) {
      if (!post.current) {
        const frame = post.waiting.shift();
        if (!frame) return true;
        post.current = reader.receive(frame.type, frame.body);
      }
      if (post.current.next().done === true) post.current = undefined;
      if (this.#clock.now() >= untilMs) return post.current === undefined && post.waiting.length === 0;
    }
  }
}
