// Memory for what other servers answer, until the media process has it: of all scripts together, and a share of it for each
// application.

export class AnswerBudget {
  readonly #maxBytes: number;
  readonly #maxOwnBytes: number;
  readonly #ownBytes = new Map<string, number>();
  #bytes = 0;

  constructor(maxBytes: number, maxOwnBytes: number) {
    this.#maxBytes = maxBytes;
    this.#maxOwnBytes = maxOwnBytes;
  }

  /** False: there is no room for so many more, and nothing is taken. */
  take(application: string, bytes: number): boolean {
    const own = (this.#ownBytes.get(application) ?? 0) + bytes;
    if (own > this.#maxOwnBytes || this.#bytes + bytes > this.#maxBytes) return false;
    this.#bytes += bytes;
    this.#ownBytes.set(application, own);
    return true;
  }

  giveBack(application: string, bytes: number): void {
    const own = (this.#ownBytes.get(application) ?? 0) - bytes;
    this.#bytes -= bytes;
    if (own > 0) this.#ownBytes.set(application, own);
    else this.#ownBytes.delete(application);
  }
}
