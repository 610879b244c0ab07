// What requests and responses carry: text or bytes, whole. There are no streams of them here.
import { bytesOf, decodeBase64, decodeUtf8, encodeUtf8 } from '../core/bytes.ts';
import { charCodeAt, parseJson, slice, Uint8 } from '../core/primordials.ts';

/** As the media side sends it: text where the bytes are UTF-8. */
export type BodyText = { text: string } | { base64: string };

const BYTE_ORDER_MARK = 0xfeff;

export class Body {
  #content: string | Uint8Array | undefined;
  #isUsed = false;

  protected constructor(content: string | Uint8Array | undefined) {
    this.#content = content;
  }

  get bodyUsed(): boolean {
    return this.#isUsed;
  }

  async text(): Promise<string> {
    const content = this.#take();
    if (content === undefined) return '';
    const text = typeof content === 'string' ? content : textOf(content);
    return charCodeAt(text, 0) === BYTE_ORDER_MARK ? slice(text, 1) : text;
  }
  async json(): Promise<unknown> {
    return parseJson(await Body.prototype.text.call(this));
  }
  async bytes(): Promise<Uint8Array> {
    const content = this.#take();
    if (content === undefined) return new Uint8(0);
    return typeof content === 'string' ? encodeUtf8(content) : content.slice();
  }
  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await Body.prototype.bytes.call(this)).buffer as ArrayBuffer;
  }

  #take(): string | Uint8Array | undefined {
    if (this.#isUsed) throw new TypeError('the body has been read already');
    this.#isUsed = this.#content !== undefined;
    return this.#content;
  }

  /** What it carries, for a copy or for sending: not read by that. */
  static contentOf(body: Body): string | Uint8Array | undefined {
    if (body.#isUsed) throw new TypeError('the body has been read already');
    return body.#content;
  }
}

/** A script's value as a body, and the type that goes with it. */
export function extract(value: unknown): { content: string | Uint8Array | undefined; type: string } {
  if (value === undefined || value === null) return { content: undefined, type: '' };
  const bytes = bytesOf(value);
  if (bytes !== undefined) return { content: bytes.slice(), type: '' };
  const isForm = typeof value === 'object' && isSearchParams(value);
  const type = isForm ? 'application/x-www-form-urlencoded;charset=UTF-8' : 'text/plain;charset=UTF-8';
  return { content: `${value}`, type };
}

function isSearchParams(value: object): boolean {
  const { URLSearchParams } = globalThis as unknown as { URLSearchParams?: new () => object };
  return typeof URLSearchParams === 'function' && value instanceof URLSearchParams;
}

export function received(body: BodyText): string | Uint8Array {
  return 'text' in body ? body.text : (decodeBase64(body.base64) ?? new Uint8(0));
}

function textOf(bytes: Uint8Array): string {
  const { text, unfinished } = decodeUtf8(bytes);
  return unfinished > 0 ? `${text}\ufffd` : text;
}
