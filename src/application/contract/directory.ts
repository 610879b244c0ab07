// Which node has what, where several servers work as one: which node is the source of a stream, and which is home to an
// instance. An instance asks it for each name that it puts on the air. Media, gates and statistics never go through it.

export interface InstancePlace {
  readonly application: string;
  readonly instance: string;
}

/** A stream by its public name. */
export interface StreamPlace extends InstancePlace {
  readonly stream: string;
}

export interface Claim extends StreamPlace {
  /** The script lets the newcomer have a name that is in use: its holder on another node has to give it up. */
  readonly takesOver: boolean;
}

export interface Directory {
  /**
   * Asks for a stream's name for this node. Calls `outcome` once, before it returns or later: true: this node has the name until
   * `release`; false: another node has it and its publisher is alive. An implementation has a timeout of its own, so every
   * claim has an outcome. The returned function withdraws the claim: `outcome` is not called any more, and a name that is
   * granted all the same is given back.
   */
  claim(claim: Claim, outcome: (isGranted: boolean) => void): () => void;
  /** This node gives the name back. */
  release(stream: StreamPlace): void;
  /** The node that has the stream on the air. Undefined: this node, or none. */
  sourceOf(stream: StreamPlace): string | undefined;
  /** Calls with a stream's name whenever its source has changed by the doing of another node. Returns its undo. */
  onChange(instance: InstancePlace, call: (stream: string) => void): () => void;
  /** The node that runs the instance's script and decides about its names. Undefined: this node. */
  homeOf(instance: InstancePlace): string | undefined;
}

/** One server: it has every name that it asks for, at once. */
export class Alone implements Directory {
  claim(_claim: Claim, outcome: (isGranted: boolean) => void): () => void {
    outcome(true);
    return () => {};
  }
  release(): void {}
  sourceOf(): undefined {}
  onChange(): () => void {
    return () => {};
  }
  homeOf(): undefined {}
}
