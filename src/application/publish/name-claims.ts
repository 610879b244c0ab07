// The names of streams that this node has, or asks for, in one instance. The directory (contract/directory.ts) may take its time
// to answer and knows nodes alone; which client of this node has a name, name-check.ts decides behind it.
import type { Directory, InstancePlace } from '../contract/directory.ts';

export interface NameClaimsOptions extends InstancePlace {
  directory: Directory;
  /** Another node has the name of a stream that this node had. */
  onLost(stream: string, node: string): void;
}

/** A name has one question to the directory at a time. Claims of the same name wait for its answer, in their order. */
interface Name {
  /** Uses of the name that the directory has granted and nobody has given back. */
  uses: number;
  /** Withdraws the question that is under way. */
  withdraw: (() => void) | undefined;
  readonly waiting: Waiting[];
}

interface Waiting {
  readonly takesOver: boolean;
  readonly outcome: (isGranted: boolean) => void;
}

export class NameClaims {
  readonly #options: NameClaimsOptions;
  readonly #names = new Map<string, Name>();
  readonly #forgetChanges: () => void;

  constructor(options: NameClaimsOptions) {
    this.#options = options;
    const { application, instance, directory } = options;
    this.#forgetChanges = directory.onChange({ application, instance }, (stream) => this.#changed(stream));
  }

  /**
   * Calls `outcome` once, before it returns or later. Several users of this node may be granted one name: they settle among
   * themselves who has it. The returned function withdraws the claim, or ends the use that was granted; it may be called twice.
   */
  claim(stream: string, takesOver: boolean, outcome: (isGranted: boolean) => void): () => void {
    const name = this.#names.get(stream) ?? { uses: 0, withdraw: undefined, waiting: [] };
    this.#names.set(stream, name);
    let use: 'waits' | 'granted' | 'over' = 'waits';
    const waiting: Waiting = {
      takesOver,
      outcome: (isGranted) => {
        use = isGranted ? 'granted' : 'over';
        outcome(isGranted);
      },
    };
    name.waiting.push(waiting);
    this.#ask(stream, name);
    return () => {
      if (use === 'granted') this.#endUse(stream, name);
      else if (use === 'waits') this.#leave(stream, name, waiting);
      use = 'over';
    };
  }

  /** Grants or asks for the first claim that waits. */
  #ask(stream: string, name: Name): void {
    if (name.withdraw) return; // its answer is for the first that waits
    if (name.uses > 0) {
      for (let next = name.waiting.shift(); next; next = name.waiting.shift()) this.#grant(name, next);
      return;
    }
    const [first] = name.waiting;
    if (!first) {
      if (this.#names.get(stream) === name) this.#names.delete(stream);
      return;
    }
    const { application, instance, directory } = this.#options;
    let isAnswered = false;
    name.withdraw = () => {};
    const withdraw = directory.claim(
      { application, instance, stream, takesOver: first.takesOver },
      (isGranted) => {
        isAnswered = true;
        name.withdraw = undefined;
        name.waiting.shift();
        if (isGranted) this.#grant(name, first);
        else first.outcome(false);
        this.#ask(stream, name);
      },
    );
    if (!isAnswered) name.withdraw = withdraw;
  }

  #grant(name: Name, { outcome }: Waiting): void {
    name.uses += 1;
    outcome(true);
  }

  #leave(stream: string, name: Name, waiting: Waiting): void {
    const at = name.waiting.indexOf(waiting);
    name.waiting.splice(at, 1);
    if (at > 0) return;
    name.withdraw?.();
    name.withdraw = undefined;
    this.#ask(stream, name);
  }

  #endUse(stream: string, name: Name): void {
    name.uses -= 1;
    if (name.uses > 0 || this.#names.get(stream) !== name) return; // it is used, or lost
    const { application, instance, directory } = this.#options;
    directory.release({ application, instance, stream });
    this.#ask(stream, name);
  }

  #changed(stream: string): void {
    const { application, instance, directory, onLost } = this.#options;
    const name = this.#names.get(stream);
    const node = directory.sourceOf({ application, instance, stream });
    if (node === undefined || !name || name.uses === 0) return;
    this.#names.delete(stream);
    onLost(stream, node);
  }

  /** Nothing of the directory is heard any more. */
  close(): void {
    this.#forgetChanges();
  }
}
