// Which faults that the guest did not see are told to `application.onStatus`: one between two turns, and none that happens while
// one is told, or a faulty onStatus would be called for ever.

export class ToldFaults {
  /** The turn under way tells of a fault in an earlier one. */
  #isTelling = false;
  #hasOneToTell = false;

  turnBegins(): void {
    this.#isTelling = this.#hasOneToTell;
    this.#hasOneToTell = false;
  }

  /** Whether the next turn is to tell of a fault that has happened now. */
  admit(): boolean {
    if (this.#isTelling || this.#hasOneToTell) return false;
    this.#hasOneToTell = true;
    return true;
  }
}
