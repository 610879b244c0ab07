// The thread that fetches for scripts: handshakes, unpacking and whatever a hostile server thinks of cost the media nothing.
import { parentPort, workerData } from 'node:worker_threads';
import { AnswerBudget } from './answer-budget.ts';
import {
  type FetchAnswer,
  FetchClient,
  FetchFailure,
  type FetchLimits,
  type FetchRequest,
  NoRoomFailure,
} from './client.ts';

export type ToWorker =
  | { op: 'fetch'; id: number; application: string; request: FetchRequest; limits: FetchLimits }
  | { op: 'abort'; id: number }
  /** The answer to that one is with the media process. */
  | { op: 'taken'; id: number };
export type FromWorker =
  /** `json`: a FetchAnswer. */
  | { id: number; ok: true; json: Uint8Array }
  | { id: number; ok: false; name: string; message: string; hadNoRoom: boolean };

/** Of all applications, and of one: twice the longest answer that MaxSize of Application.xml can ask for. */
const MAX_BYTES = 32 << 20;
const MAX_OWN_BYTES = 16 << 20;
/** A frame for a script holds no more, with what is around it. An answer of 8 MB that is no text has 11 MB. */
const MAX_JSON_BYTES = 15 << 20;

const client = new FetchClient((workerData as { userAgent: string }).userAgent);
const running = new Map<number, AbortController>();
const budget = new AnswerBudget(MAX_BYTES, MAX_OWN_BYTES);
/** By request: gives back what its answer has of the budget. */
const untaken = new Map<number, () => void>();

parentPort!.on('message', (message: ToWorker) => {
  if (message.op === 'abort') running.get(message.id)?.abort();
  else if (message.op === 'taken') giveBack(message.id);
  else void run(message);
});

function giveBack(id: number): void {
  untaken.get(id)?.();
  untaken.delete(id);
}

async function run(message: Extract<ToWorker, { op: 'fetch' }>): Promise<void> {
  const { id, application, request, limits } = message;
  const controller = new AbortController();
  running.set(id, controller);
  let bytes = 0;
  const hasRoom = (more: number) => {
    if (!budget.take(application, more)) return false;
    bytes += more;
    return true;
  };
  untaken.set(id, () => budget.giveBack(application, bytes));
  try {
    const answer = await client.fetch(request, limits, controller.signal, hasRoom);
    // made here: the media process passes it on as it is
    const json = jsonOf(answer);
    parentPort!.postMessage({ id, ok: true, json } satisfies FromWorker, [json.buffer]);
  } catch (error) {
    if (!(error instanceof FetchFailure)) throw error;
    giveBack(id);
    const { name, message: text } = error;
    const hadNoRoom = error instanceof NoRoomFailure;
    parentPort!.postMessage({ id, ok: false, name, message: text, hadNoRoom } satisfies FromWorker);
  } finally {
    running.delete(id);
  }
}

/** A control character takes six bytes in JSON, so text of many is handed over as bytes. */
function jsonOf(answer: FetchAnswer): Uint8Array<ArrayBuffer> {
  const encode = (value: FetchAnswer) => new TextEncoder().encode(JSON.stringify(value));
  const json = encode(answer);
  const { body } = answer;
  if (json.length <= MAX_JSON_BYTES || !('text' in body)) return json;
  return encode({ ...answer, body: { base64: Buffer.from(body.text).toString('base64') } });
}
