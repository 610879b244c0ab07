// fetch() of scripts, on the media side: requests checked, in their turn, and handed to a thread of their own.
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FairTurns } from '../../../application/pace/fair-turns.ts';
import { isScarcity } from '../../../errors.ts';
import type { Json } from '../../wire/wire.ts';
import { WireText } from '../../wire/wire-text.ts';
import { type AskContext, type Service, ServiceError } from '../services.ts';
import type { FetchAnswer, FetchLimits, FetchRequest, FetchSettings } from './client.ts';
import { FetchRules } from './rules.ts';
import type { FromWorker, ToWorker } from './worker.ts';

export interface FetchServiceOptions {
  settingsFor(application: string): FetchSettings;
  userAgent: string;
  onBug(error: unknown, where: string): void;
  /** Of all applications of the server. */
  turns: FairTurns;
  /** Tells applications of one host from those of another. */
  host: string;
  /** False: the process has no descriptor for a socket, and the line that says so is written. */
  hasRoom(application: string): boolean;
  /** A request waited in vain: those of that application, or of all, have all turns. */
  onNoTurn(application: string): void;
  /** An answer was refused: those of that application, or of all, take the memory for them. */
  onNoRoom(application: string): void;
  /** In place of the Web: it is asked what the rules allow. */
  standIn?: ((request: FetchRequest, signal: AbortSignal) => Promise<FetchAnswer>) | undefined;
}

const MAX_URL = 8192;
const MAX_HEADERS = 100;
const MAX_HEADER_CHARACTERS = 16 << 10;
const WORKER_HEAP_MB = 128;

interface Job {
  application: string;
  resolve(answer: WireText): void;
  reject(error: Error): void;
}

export class FetchService implements Service {
  readonly #options: FetchServiceOptions;
  readonly #jobs = new Map<number, Job>();
  /** Of instances that have any: how many run, and what waits. */
  readonly #queues = new Map<string, { running: number; waiting: (() => void)[] }>();
  #worker: Worker | undefined;
  #lastId = 0;

  constructor(options: FetchServiceOptions) {
    this.#options = options;
  }

  async ask(asked: Json, { application, instance, signal }: AskContext): Promise<Json | WireText> {
    const { maxRunning, ...limits } = this.#options.settingsFor(application);
    if (limits.hosts.length === 0) {
      throw new ServiceError(
        'TypeError',
        'fetch: no host is granted: see <Fetch> <Hosts> in Application.xml',
      );
    }
    const request = parseRequest(asked, limits.maxSizeBytes);
    const key = `${application}/${instance}`;
    const since = performance.now();
    await this.#turn(key, maxRunning, limits.timeOutMs, signal);
    const leftMs = () => Math.max(1, Math.ceil(limits.timeOutMs - (performance.now() - since)));
    let giveBack = () => {};
    try {
      giveBack = await this.#turnOfAll(application, leftMs(), signal);
      return await this.#run(application, request, { ...limits, timeOutMs: leftMs() }, signal);
    } finally {
      giveBack();
      this.#leave(key);
    }
  }

  /** Resolves when its application, and all together, have a turn for it: with what gives it back. */
  async #turnOfAll(application: string, timeoutMs: number, signal: AbortSignal): Promise<() => void> {
    const { turns, host, hasRoom, onNoTurn } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveBack = turns.take(`${host}/${application}`, resolve);
    const timeout = AbortSignal.timeout(timeoutMs);
    const either = AbortSignal.any([signal, timeout]);
    const giveUp = () => {
      if (timeout.aborted) onNoTurn(application);
      const seconds = Math.round(timeoutMs / 1000);
      reject(
        new ServiceError('TimeoutError', `fetch: no turn among all requests of scripts within ${seconds} s`),
      );
    };
    either.addEventListener('abort', giveUp);
    if (either.aborted) giveUp();
    try {
      await promise;
      if (!hasRoom(application))
        throw new ServiceError('TypeError', 'fetch failed: too many files and sockets are open');
    } catch (error) {
      giveBack();
      throw error;
    } finally {
      either.removeEventListener('abort', giveUp);
    }
    return giveBack;
  }

  /** Resolves when fewer than `maxRunning` of that instance run. */
  async #turn(key: string, maxRunning: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    let queue = this.#queues.get(key);
    if (!queue) {
      queue = { running: 0, waiting: [] };
      this.#queues.set(key, queue);
    }
    if (queue.running < maxRunning) {
      queue.running += 1;
      return;
    }
    const { waiting } = queue;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    waiting.push(resolve);
    const either = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const giveUp = () => {
      const at = waiting.indexOf(resolve);
      if (at < 0) return;
      waiting.splice(at, 1);
      const seconds = timeoutMs / 1000;
      reject(
        new ServiceError('TimeoutError', `fetch: ${maxRunning} others had not ended within ${seconds} s`),
      );
    };
    either.addEventListener('abort', giveUp);
    await promise;
    either.removeEventListener('abort', giveUp);
  }

  #leave(key: string): void {
    const queue = this.#queues.get(key)!;
    const next = queue.waiting.shift();
    if (next) next();
    else queue.running -= 1;
    if (queue.running === 0) this.#queues.delete(key);
  }

  async #run(
    application: string,
    request: FetchRequest,
    limits: FetchLimits,
    signal: AbortSignal,
  ): Promise<Json | WireText> {
    const { standIn } = this.#options;
    if (standIn) {
      const problem = new FetchRules(limits).problemWithUrl(new URL(request.url));
      if (problem) throw new ServiceError('TypeError', `fetch: ${problem}`);
      return { ...(await standIn(request, signal)) };
    }
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<WireText>();
    this.#jobs.set(id, { application, resolve, reject });
    this.#send({ op: 'fetch', id, application, request, limits });
    signal.addEventListener('abort', () => this.#send({ op: 'abort', id }), { once: true });
    return promise;
  }

  #send(message: ToWorker): void {
    this.#worker ??= this.#startWorker();
    this.#worker.postMessage(message);
  }

  #startWorker(): Worker {
    // The same file beside this one in src/ (TypeScript) and in dist/ (JavaScript).
    const file = join(import.meta.dirname, `worker${extname(import.meta.filename)}`);
    const worker = new Worker(file, {
      env: {},
      workerData: { userAgent: this.#options.userAgent },
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB },
    });
    // Nobody's work is to keep the server from ending.
    worker.unref();
    worker.on('message', (message: FromWorker) => this.#answer(message));
    let why = 'it was cut short';
    worker.on('error', (error) => {
      if (isScarcity(error)) why = `its thread cannot be started: ${error.message}`;
      else this.#options.onBug(error, 'the thread that fetches');
    });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const [id, job] of this.#jobs) {
        this.#jobs.delete(id);
        job.reject(new ServiceError('TypeError', `fetch failed: ${why}`));
      }
    });
    return worker;
  }

  #answer(message: FromWorker): void {
    const job = this.#jobs.get(message.id);
    this.#jobs.delete(message.id);
    this.#worker?.postMessage({ op: 'taken', id: message.id } satisfies ToWorker);
    if (message.ok) {
      const { buffer, byteOffset, byteLength } = message.json;
      job?.resolve(new WireText(Buffer.from(buffer, byteOffset, byteLength)));
      return;
    }
    if (job && message.hadNoRoom) this.#options.onNoRoom(job.application);
    job?.reject(new ServiceError(message.name, message.message));
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }
}

/** A script's library has made it, or somebody who got past that. */
function parseRequest(asked: Json, maxBytes: number): FetchRequest {
  const bad = (what: string) => new ServiceError('TypeError', `fetch: ${what}`);
  if (typeof asked !== 'object' || asked === null || Array.isArray(asked)) throw bad('no request');
  const { url, method, headers, text, base64, redirect } = asked;
  if (typeof url !== 'string' || url.length > MAX_URL || !URL.canParse(url)) throw bad('that is no URL');
  if (typeof method !== 'string' || !/^[A-Za-z-]{1,20}$/.test(method)) throw bad('that is no method');
  if (redirect !== 'follow' && redirect !== 'error' && redirect !== 'manual')
    throw bad('redirect: follow, error or manual');
  if (!Array.isArray(headers) || headers.length > MAX_HEADERS) throw bad(`more than ${MAX_HEADERS} headers`);
  let characters = 0;
  const pairs = headers.map((pair): [string, string] => {
    const [name, value] = Array.isArray(pair) ? pair : [];
    if (typeof name !== 'string' || typeof value !== 'string') throw bad('a header that is no text');
    characters += name.length + value.length;
    return [name, value];
  });
  if (characters > MAX_HEADER_CHARACTERS) throw bad('the headers are too long');
  const size =
    typeof text === 'string'
      ? Buffer.byteLength(text)
      : typeof base64 === 'string'
        ? (base64.length * 3) / 4
        : 0;
  if (size > maxBytes)
    throw bad(`the body is longer than ${maxBytes} bytes: see <Fetch> <MaxSize> in Application.xml`);
  const body = typeof text === 'string' ? { text } : typeof base64 === 'string' ? { base64 } : undefined;
  return { url, method, headers: pairs, body, redirect };
}
