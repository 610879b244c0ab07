import type { Claim, Directory, StreamPlace } from '../../src/application/contract/directory.ts';

export interface AskedClaim {
  readonly claim: Claim;
  /** As the directory: true grants it. */
  readonly answer: (isGranted: boolean) => void;
  isWithdrawn: boolean;
}

/** Answers when the test says so. */
export class SlowDirectory implements Directory {
  readonly asked: AskedClaim[] = [];
  readonly released: string[] = [];
  /** Stream → the node that has it. */
  readonly sources = new Map<string, string>();
  readonly #listeners = new Set<(stream: string) => void>();

  claim(claim: Claim, outcome: (isGranted: boolean) => void): () => void {
    const asked: AskedClaim = { claim, answer: outcome, isWithdrawn: false };
    this.asked.push(asked);
    return () => {
      asked.isWithdrawn = true;
    };
  }
  release({ stream }: StreamPlace): void {
    this.released.push(stream);
  }
  sourceOf({ stream }: StreamPlace): string | undefined {
    return this.sources.get(stream);
  }
  onChange(_instance: unknown, call: (stream: string) => void): () => void {
    this.#listeners.add(call);
    return () => this.#listeners.delete(call);
  }
  homeOf(): undefined {}

  /** That node is a stream's source from now on. */
  move(stream: string, node: string): void {
    this.sources.set(stream, node);
    for (const call of this.#listeners) call(stream);
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }
}
