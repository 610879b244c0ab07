// Asking the media side for what takes time: its services.
import { type Json, MAX_ASKS } from '../../wire/wire.ts';
import { type JsonText, put } from './outbox.ts';
import { type Answer, Questions } from './questions.ts';

const questions = new Questions(MAX_ASKS, 'requests to the server');

export interface Asked {
  readonly id: number;
  /** Rejected with an error that the service names. */
  readonly answer: Promise<Json>;
}

export function ask(service: string, request: JsonText): Asked {
  const answer = questions.ask((id) => put({ op: 'ask', id, service, request }));
  return { id: questions.lastId, answer };
}

/** Rejects the promise with `error`, and tells the service; nothing if it has been settled. */
export function giveUp(id: number, error: unknown): void {
  if (questions.giveUp(id, error)) put({ op: 'unask', id });
}

export function answerAsked(answer: Answer): void {
  questions.answer(answer);
}
