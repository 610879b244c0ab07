// How the applications in one script process share its memory. What a process takes as a whole is known from its heartbeat; who takes
// it is only known from what isolates tell of their heaps, once a second and between two turns. So it is an estimate: good enough
// to refuse the next instance of an application that takes too much, and to find out whose isolates end when there is too much of it all.

/** An isolate that has told nothing yet: its heap with the library in it. What V8 keeps beside a heap: stacks, pages that are half used. */
export const EMPTY_HEAP_BYTES = 1.2 * 2 ** 20;
export const BESIDE_HEAP_BYTES = 0.8 * 2 ** 20;
/** The process without any script, and what V8 has not given back of isolates that have ended. */
const PROCESS_BYTES = 160 << 20;
/** Of the limit of a process: isolates that are loading take more for a moment. */
const FILLED = 0.95;
/** An application always has room for so much of the process, whatever the others take. */
const GUARANTEED = 0.04;
/** So much more while an idle instance makes room for the next: its isolate ends when its script has said goodbye. */
const REPLACED = 0.04;
/** Isolates end until the process takes no more than this part of its limit. */
const RELIEVED = 0.8;
/** The estimate explains the size of the process: it is no bomb that has gone off in one of the isolates. */
const EXPLAINED = 0.75;

export interface MemoryUser {
  /** As it was last told; undefined: it has told nothing. */
  readonly heapBytes: number | undefined;
}

export interface MemorySharesOptions {
  /** A process that has grown beyond it is replaced. */
  maxBytes: number;
  /** What one application may take while the others take nothing, 0 to 1. 1: nobody else is here. */
  share: number;
}

interface Application {
  /** That have been let in, whether or not their scripts are loaded. */
  instances: number;
  readonly users: Set<MemoryUser>;
  /** What its isolate had that ended last: so much another one is taken to need. */
  usualBytes: number;
}

export class MemoryShares<User extends MemoryUser> {
  readonly #options: MemorySharesOptions;
  readonly #applications = new Map<string, Application & { users: Set<User> }>();

  constructor(options: MemorySharesOptions) {
    this.#options = options;
  }

  /** An instance of that application has been let in. The returned function takes it out again, once. */
  join(application: string): () => void {
    const entry = this.#entry(application);
    entry.instances += 1;
    let isIn = true;
    return () => {
      if (isIn) entry.instances -= 1;
      isIn = false;
    };
  }

  enter(user: User, application: string): void {
    this.#entry(application).users.add(user);
  }

  leave(user: User, application: string): void {
    const entry = this.#entry(application);
    entry.users.delete(user);
    entry.usualBytes = user.heapBytes ?? entry.usualBytes;
  }

  #entry(application: string): Application & { users: Set<User> } {
    let entry = this.#applications.get(application);
    if (!entry) {
      entry = { instances: 0, users: new Set(), usualBytes: EMPTY_HEAP_BYTES };
      this.#applications.set(application, entry);
    }
    return entry;
  }

  get #filledBytes(): number {
    return this.#options.maxBytes * FILLED - PROCESS_BYTES;
  }

  /**
   * Whether one instance more of that application is within its share: at most a multiple of what all of them leave free, so that several
   * greedy ones leave room together. With a share of 75 % one of them may take three times as much as is left; two of them, three
   * sevenths each. `isReplacing`: an idle instance of the application is ending for it.
   */
  hasRoomFor(application: string, isReplacing = false): boolean {
    const entry = this.#entry(application);
    return this.#isWithin(application, perIsolate(entry), isReplacing ? REPLACED : 0);
  }

  /** The same of those that have been let in: they turn out to be larger than was thought. */
  isWithin(application: string): boolean {
    return this.#isWithin(application, 0, 0);
  }

  #isWithin(application: string, moreBytes: number, extra: number): boolean {
    const { maxBytes, share } = this.#options;
    if (maxBytes === Number.POSITIVE_INFINITY) return true;
    const filled = this.#filledBytes;
    let total = 0;
    for (const entry of this.#applications.values()) total += bytesOfAll(entry);
    const wanted = bytesOfAll(this.#entry(application)) + moreBytes - extra * filled;
    if (share >= 1) return wanted <= filled;
    const free = Math.max(0, filled - total);
    return wanted <= Math.max(filled * GUARANTEED, (share / (1 - share)) * free);
  }

  /**
   * Of a process that takes `rssBytes`: the largest isolates of the application that takes most, as many as have to end. None where
   * one application has the process to itself, or where its size comes from something else.
   */
  toEnd(rssBytes: number): { application: string; users: User[] } {
    const all = [...this.#applications]
      .filter(([, { users }]) => users.size > 0)
      .map(([application, { users }]) => ({ application, users, bytes: sum([...users].map(bytesOf)) }))
      .sort((a, b) => b.bytes - a.bytes);
    const [largest] = all;
    const total = sum(all.map(({ bytes }) => bytes));
    if (!largest || all.length < 2 || total + PROCESS_BYTES < rssBytes * EXPLAINED)
      return { application: '', users: [] };
    const ended: User[] = [];
    let leftBytes = rssBytes;
    for (const user of [...largest.users].sort((a, b) => bytesOf(b) - bytesOf(a))) {
      if (leftBytes <= this.#options.maxBytes * RELIEVED) break;
      ended.push(user);
      leftBytes -= bytesOf(user);
    }
    return { application: largest.application, users: ended };
  }
}

/** Isolates that have told nothing, and instances that have none yet, are taken to be like the others. */
function bytesOfAll(entry: Application): number {
  let known = 0;
  let bytes = 0;
  for (const user of entry.users) {
    if (user.heapBytes === undefined) continue;
    known += 1;
    bytes += bytesOf(user);
  }
  const unknown = Math.max(entry.instances, entry.users.size) - known;
  return bytes + Math.max(0, unknown) * perIsolate(entry);
}

function perIsolate({ users, usualBytes }: Application): number {
  const known = [...users].flatMap(({ heapBytes }) => heapBytes ?? []);
  return (known.length === 0 ? usualBytes : sum(known) / known.length) + BESIDE_HEAP_BYTES;
}

function bytesOf({ heapBytes = EMPTY_HEAP_BYTES }: MemoryUser): number {
  return heapBytes + BESIDE_HEAP_BYTES;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
