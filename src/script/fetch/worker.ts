// The thread that fetches for scripts: handshakes, unpacking and whatever a hostile server thinks of cost the media nothing.
import { parentPort, workerData } from 'node:worker_threads';
import {
  type FetchAnswer,
  FetchClient,
  FetchFailure,
  type FetchLimits,
  type FetchRequest,
} from './client.ts';

export type ToWorker =
  | { op: 'fetch'; id: number; request: FetchRequest; limits: FetchLimits }
  | { op: 'abort'; id: number };
export type FromWorker =
  | { id: number; ok: true; answer: FetchAnswer }
  | { id: number; ok: false; name: string; message: string };

const client = new FetchClient((workerData as { userAgent: string }).userAgent);
const running = new Map<number, AbortController>();

parentPort!.on('message', (message: ToWorker) => {
  if (message.op === 'abort') running.get(message.id)?.abort();
  else void run(message);
});

async function run({ id, request, limits }: Extract<ToWorker, { op: 'fetch' }>): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  let result: FromWorker;
  try {
    result = { id, ok: true, answer: await client.fetch(request, limits, controller.signal) };
  } catch (error) {
    if (!(error instanceof FetchFailure)) throw error;
    result = { id, ok: false, name: error.name, message: error.message };
  } finally {
    running.delete(id);
  }
  parentPort!.postMessage(result);
}
