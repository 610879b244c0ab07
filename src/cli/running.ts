// `understudy reload|disconnect|stop`, and what other commands need: the running server of a root folder, by way of its administration.
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunFile, readRunFile } from '../admin/run-file.ts';
import { RunFolder } from '../wiring/run-folder.ts';
import { CommandError } from './args.ts';

/** What the server's own stop may take, and a little. */
const STOP_MS = 10_000;
const LOOK_MS = 50;
const ANSWER_MS = 15_000;

export async function reload(root: string, instance: string): Promise<string> {
  const { name } = (await (await Running.of(root)).ask('POST', `${instancePath(instance)}/reload`)) as {
    name: string;
  };
  return `restarted ${name}`;
}

export async function disconnect(root: string, client: string): Promise<string> {
  await (await Running.of(root)).ask('DELETE', `/clients/${encodeURIComponent(client)}`);
  return `disconnected ${client}`;
}

/** Waits until the server has ended. */
export async function stop(root: string): Promise<string> {
  const server = await Running.of(root);
  await server.ask('POST', '/server/stop');
  const { pid } = server;
  for (const end = performance.now() + STOP_MS; performance.now() < end; await sleep(LOOK_MS)) {
    if (!isThere(pid)) return `the server of ${resolve(root)} has ended`;
  }
  throw new CommandError(
    'ERR_CLI_RUNNING',
    `the server received the request to stop, but process ${pid} has not ended`,
  );
}

export class Running {
  readonly #root: string;
  readonly #file: RunFile;

  private constructor(root: string, file: RunFile) {
    this.#root = root;
    this.#file = file;
  }

  static async of(root: string): Promise<Running> {
    const file = readRunFile(RunFolder.of(root).adminFile);
    if (!file) throw notRunning(root);
    return new Running(root, file);
  }

  get pid(): number {
    return this.#file.pid;
  }

  async ask(method: string, path: string): Promise<unknown> {
    const response = await this.#fetch(path, { method, signal: AbortSignal.timeout(ANSWER_MS) });
    const text = await response.text();
    return text === '' ? undefined : JSON.parse(text);
  }

  /** Server-Sent Events that came after that one, and come, until the server ends it. */
  async *listen(path: string, lastEventId: number): AsyncGenerator<{ event: string; data: string }> {
    const response = await this.#fetch(path, { headers: { 'last-event-id': String(lastEventId) } });
    let text = '';
    try {
      for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
        const blocks = (text + part).split('\n\n');
        text = blocks.pop()!;
        for (const block of blocks) {
          const fields = new Map(
            block.split('\n').map((line) => line.split(/: ?(.*)/s, 2) as [string, string]),
          );
          const data = fields.get('data');
          if (data !== undefined) yield { event: fields.get('event') ?? 'message', data };
        }
      }
    } catch (error) {
      // undici's word for a connection that breaks off
      if (!(error instanceof TypeError)) throw error;
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const { url, token } = this.#file;
    let response: Response;
    try {
      response = await fetch(`${url}/api/v1${path}`, {
        ...init,
        headers: { ...init.headers, authorization: `Bearer ${token}` },
        redirect: 'error',
      });
    } catch (error) {
      if ((error as Error).name !== 'TimeoutError') throw notRunning(this.#root, error);
      const text = `the server at ${url} has not answered within ${ANSWER_MS / 1000} s`;
      throw new CommandError('ERR_CLI_RUNNING', text, { cause: error });
    }
    // another server has the port that this one had
    if (response.status === 401) throw notRunning(this.#root);
    if (response.ok) return response;
    const text = await response.text();
    throw new CommandError('ERR_CLI_RUNNING', detailOf(text) ?? `the server answers ${response.status}`);
  }
}

function notRunning(root: string, cause?: unknown): CommandError {
  const text = `no server of ${resolve(root)} is running, or its administration is switched off`;
  return new CommandError('ERR_CLI_NOT_RUNNING', text, { cause });
}

function detailOf(text: string): string | undefined {
  try {
    return String((JSON.parse(text) as { detail?: unknown }).detail);
  } catch {
    return undefined;
  }
}

export function instancePath(name: string): string {
  return `/instances/${encodeURIComponent(name)}`;
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A publisher has chosen it, and this is somebody's terminal. */
export function printable(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}
