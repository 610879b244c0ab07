// The thread of the stores: disks may take their time, the media do not wait. What has gathered meanwhile is one
// transaction for each application.
import { existsSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import {
  KeyValues,
  perform,
  type StoreAnswer,
  StoreRefusal,
  type StoreRequest,
  Trial,
} from './key-values.ts';

/** `trial`: in the name of a version that does not serve yet. */
export type ToStores =
  | { op: 'ask'; id: number; file: string; trial: number | undefined; request: StoreRequest }
  /** What has been tried is done, or forgotten. */
  | { op: 'decide'; id: number; file: string; trial: number; serves: boolean }
  /** A copy of all of it. */
  | { op: 'copy'; id: number; file: string; to: string };
type Message = ToStores | 'close';
export type FromStores =
  | { id: number; ok: true; answer: StoreAnswer }
  | { id: number; ok: false; name: string; message: string; isTrouble: boolean };

/** A file that nobody has asked for is closed. */
const IDLE_MS = 60_000;

interface Open {
  store: KeyValues;
  trials: Map<number, Trial>;
  usedMs: number;
}

const stores = new Map<string, Open>();
let waiting: ToStores[] = [];

parentPort!.on('message', (message: Message) => {
  if (message === 'close') end();
  else if (waiting.push(message) === 1) setImmediate(run);
});
setInterval(closeIdle, IDLE_MS).unref();

/** What came before is done. */
function end(): void {
  run();
  for (const file of [...stores.keys()]) close(file);
  parentPort!.close();
}

function run(): void {
  const byFile = Map.groupBy(waiting, ({ file }) => file);
  waiting = [];
  for (const [file, messages] of byFile)
    for (const answer of runAll(file, messages)) parentPort!.postMessage(answer);
}

function runAll(file: string, messages: ToStores[]): FromStores[] {
  try {
    const open = opened(file);
    const answers: FromStores[] = [];
    const work = () => {
      for (const message of messages) answers.push({ id: message.id, ...answerTo(message, open) });
    };
    if (messages.every(isReading)) work();
    else open.store.transaction(work);
    return answers;
  } catch (error) {
    // Whatever it was, nothing of it has happened; with a new look at the file the next one may succeed.
    close(file);
    const { message } = error as Error;
    return messages.map(({ id }) => ({ id, ok: false, name: 'OperationError', message, isTrouble: true }));
  }
}

function isReading(message: ToStores): boolean {
  if (message.op === 'copy') return true;
  return message.op === 'ask' && (message.request.op === 'get' || message.request.op === 'keys');
}

type Outcome =
  | { ok: true; answer: StoreAnswer }
  | { ok: false; name: string; message: string; isTrouble: boolean };

function answerTo(message: ToStores, { store, trials }: Open): Outcome {
  try {
    if (message.op === 'copy') {
      store.copyTo(message.to);
      return { ok: true, answer: null };
    }
    if (message.op === 'decide') {
      const trial = trials.get(message.trial);
      trials.delete(message.trial);
      return { ok: true, answer: message.serves && trial ? trial.apply() : [] };
    }
    const { request, trial: id } = message;
    if (id === undefined) return { ok: true, answer: perform(store, request) };
    const trial = trials.get(id) ?? new Trial(store);
    trials.set(id, trial);
    return { ok: true, answer: trial.perform(request) };
  } catch (error) {
    if (!(error instanceof StoreRefusal)) throw error;
    return { ok: false, name: error.name, message: error.message, isTrouble: false };
  }
}

function opened(file: string): Open {
  // The folder may have been deleted, and another one be in its place.
  if (!existsSync(file)) close(file);
  const usedMs = performance.now();
  const open = stores.get(file) ?? { store: new KeyValues(file), trials: new Map(), usedMs };
  open.usedMs = usedMs;
  stores.set(file, open);
  return open;
}

function close(file: string): void {
  const open = stores.get(file);
  stores.delete(file);
  open?.store[Symbol.dispose]();
}

function closeIdle(): void {
  for (const [file, { trials, usedMs }] of stores)
    if (trials.size === 0 && performance.now() - usedMs > IDLE_MS) close(file);
}
