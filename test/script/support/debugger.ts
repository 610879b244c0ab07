// A debugger: speaks the DevTools protocol with an instance through its WebSocket.
import assert from 'node:assert/strict';

type Json = Record<string, unknown>;
// biome-ignore lint/suspicious/noExplicitAny: what the protocol answers is looked into by the test, field by field
type Answer = any;

export interface ListedTarget {
  title: string;
  url: string;
  webSocketDebuggerUrl: string;
}

export async function listTargets(port: number): Promise<ListedTarget[]> {
  return (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as ListedTarget[];
}

export class TestDebugger implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, (message: Answer) => void>();
  /** Events that nobody has asked for yet. */
  readonly #events: { method: string; params: Answer }[] = [];
  readonly #waiting = new Set<() => void>();
  readonly closed: Promise<CloseEvent>;
  #id = 0;

  private constructor(url: string) {
    this.#socket = new WebSocket(url);
    this.closed = new Promise((resolve) => this.#socket.addEventListener('close', resolve));
    this.#socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data));
      if (message.id === undefined) this.#events.push(message);
      else this.#answers.get(message.id)?.(message);
      for (const look of [...this.#waiting]) look();
    });
  }

  static async attach(url: string): Promise<TestDebugger> {
    const debug = new TestDebugger(url);
    await new Promise<void>((resolve, reject) => {
      debug.#socket.addEventListener('open', () => resolve());
      debug.#socket.addEventListener('error', () => reject(new Error(`refused: ${url}`)));
    });
    return debug;
  }

  async send(method: string, params: Json = {}): Promise<Answer> {
    this.#id += 1;
    const id = this.#id;
    const answered = new Promise<Answer>((resolve) => this.#answers.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await answered;
    assert.equal(error, undefined, `${method}: ${JSON.stringify(error)}`);
    return result;
  }

  /** The next one that has not been asked for. */
  next(method: string, isWanted: (params: Answer) => boolean = () => true): Promise<Answer> {
    return new Promise((resolve) => {
      const look = () => {
        const at = this.#events.findIndex((event) => event.method === method && isWanted(event.params));
        if (at < 0) return;
        this.#waiting.delete(look);
        resolve(this.#events.splice(at, 1)[0]!.params);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Without a word, as when the program is killed. */
  leave(): Promise<CloseEvent> {
    this.#socket.close();
    return this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }
}
