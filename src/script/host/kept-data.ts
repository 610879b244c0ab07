// Copies of `client.data`, for a version that has to begin without the one before: JSON texts as the script's library made
// them, which only it reads again.

/** What fits into the event that starts a version, beside all else. */
const MAX_HANDED_OVER = 8 << 20;

export class KeptData {
  readonly #texts = new Map<string, string>();

  set(client: string, text: string | undefined): void {
    if (text === undefined) this.#texts.delete(client);
    else this.#texts.set(client, text);
  }

  delete(client: string): void {
    this.#texts.delete(client);
  }

  clear(): void {
    this.#texts.clear();
  }

  /** Gives texts out until there are too many. */
  handOver(): { of(client: string): string | undefined; readonly left: number } {
    const texts = this.#texts;
    let characters = 0;
    let left = 0;
    return {
      of(client) {
        const text = texts.get(client);
        if (text === undefined) return undefined;
        if (characters + text.length > MAX_HANDED_OVER) {
          left += 1;
          return undefined;
        }
        characters += text.length;
        return text;
      },
      get left() {
        return left;
      },
    };
  }
}
