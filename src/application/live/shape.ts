// The bytes in which viewers get a stream: RTMP chunks, tags of a container … A viewer names its shape; whatever many viewers of one
// shape need is made once, and all of them are given the same buffer.
import { Buffer } from 'node:buffer';
import type { WireMessage } from '../../protocol/rtmp/wire-message.ts';

/** A layout of messages that viewers share. One object for each layout: viewers that name the same object share buffers. */
export interface WireShape {
  /** The messages, of which there is at least one, behind each other and at their own times. */
  join(messages: readonly WireMessage[]): Buffer;
}

/** What one viewer gets. */
export interface ViewerShape {
  /** The layout that this viewer shares with others. Undefined: its bytes differ from everybody else's. */
  readonly shared: WireShape | undefined;
  /** The messages at times of the viewer's own, in pieces that follow each other; only for this viewer. `timeOf`: ms. */
  rewrite(messages: readonly WireMessage[], timeOf: (message: WireMessage) => number): readonly Buffer[];
}

const NOTHING = Buffer.alloc(0);

/** A row of messages in each shape that a viewer asks for, made when the first viewer asks. */
export class Shaped {
  readonly messages: readonly WireMessage[];
  /** Nearly all viewers of a stream have the same shape: this one costs a comparison, others a look-up. */
  #first: WireShape | undefined;
  #bytes: Buffer = NOTHING;
  #others: Map<WireShape, Buffer> | undefined;

  constructor(messages: readonly WireMessage[]) {
    this.messages = messages;
  }

  as(shape: WireShape): Buffer {
    if (shape === this.#first) return this.#bytes;
    return this.#make(shape);
  }

  #make(shape: WireShape): Buffer {
    if (this.messages.length === 0) return NOTHING;
    if (!this.#first) {
      this.#first = shape;
      this.#bytes = shape.join(this.messages);
      return this.#bytes;
    }
    this.#others ??= new Map();
    let bytes = this.#others.get(shape);
    if (!bytes) {
      bytes = shape.join(this.messages);
      this.#others.set(shape, bytes);
    }
    return bytes;
  }
}
