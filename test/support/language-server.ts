// TypeScript's language server, as an editor talks to it: JSON-RPC over stdin and stdout, LSP 3.17 base protocol.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { endsWithUs } from './child.ts';

const TSC = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');

interface Message {
  id?: number | string;
  method?: string;
  result?: unknown;
  error?: { message: string };
}

export interface CompletionItem {
  label: string;
  detail?: string;
  data?: unknown;
  documentation?: string | { value: string };
}

export class LanguageServer implements AsyncDisposable {
  readonly #child = endsWithUs(
    spawn(process.execPath, [TSC, '--lsp', '--stdio'], { stdio: ['pipe', 'pipe', 'ignore'] }),
  );
  readonly #ended = Promise.withResolvers<never>();
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  #received = Buffer.alloc(0);
  #lastId = 0;

  constructor() {
    this.#child.stdout.on('data', (bytes: Buffer) => this.#take(bytes));
    this.#child.on('close', (code) => this.#ended.reject(new Error(`the language server ended (${code})`)));
    this.#ended.promise.catch(() => {}); // expected at the end
  }

  async initialize(rootFolder: string): Promise<void> {
    await this.request('initialize', {
      processId: process.pid,
      rootUri: pathToFileURL(rootFolder).href,
      capabilities: {
        textDocument: { completion: { completionItem: { documentationFormat: ['plaintext'] } } },
      },
    });
    this.notify('initialized', {});
  }

  /** What could stand at the end of `text`, the content of `file` as an editor has it. */
  async completionsAtEnd(file: string, text: string): Promise<CompletionItem[]> {
    const uri = pathToFileURL(file).href;
    this.notify('textDocument/didOpen', {
      textDocument: { uri, languageId: 'typescript', version: 1, text },
    });
    const lines = text.split('\n');
    const position = { line: lines.length - 1, character: lines.at(-1)!.length };
    const result = await this.request('textDocument/completion', { textDocument: { uri }, position });
    return Array.isArray(result) ? result : (result as { items: CompletionItem[] }).items;
  }

  async request(method: string, params: unknown): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#send({ id, method, params });
    return Promise.race([answer, this.#ended.promise]);
  }

  notify(method: string, params: unknown): void {
    this.#send({ method, params });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.request('shutdown', undefined);
    this.notify('exit', undefined);
    await this.#ended.promise.catch(() => {});
  }

  #send(message: object): void {
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
    this.#child.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
    this.#child.stdin.write(body);
  }

  #take(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (;;) {
      const headEnd = this.#received.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const length = Number(
        /Content-Length: (\d+)/i.exec(this.#received.toString('latin1', 0, headEnd))?.[1],
      );
      const bodyEnd = headEnd + 4 + length;
      if (this.#received.length < bodyEnd) return;
      const message = JSON.parse(this.#received.toString('utf8', headEnd + 4, bodyEnd)) as Message;
      this.#received = this.#received.subarray(bodyEnd);
      this.#handle(message);
    }
  }

  #handle({ id, method, result, error }: Message): void {
    if (method !== undefined) {
      if (id !== undefined) this.#send({ id, result: null }); // it asks for settings and capabilities: we have none
      return;
    }
    const waiting = this.#waiting.get(Number(id));
    this.#waiting.delete(Number(id));
    if (error) waiting?.reject(new Error(error.message));
    else waiting?.resolve(result);
  }
}
