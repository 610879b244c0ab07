// What scripts may ask the media side for and wait for: each kind of it is a service. A version of a script asks in its own
// name; when it ends, what it still waits for is given up.
import { DecodeError } from '../../errors.ts';
import { type Json, MAX_ASKS } from '../wire/wire.ts';
import type { WireText } from '../wire/wire-text.ts';

export interface AskContext {
  application: string;
  instance: string;
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal;
  /** Who asks. */
  version: Asker;
}

/** A version of a script. */
export interface Asker {
  /** False: it is being started, and should that fail, what it has done must be as if it had never been. */
  readonly isServing: boolean;
  /** Calls once it serves, or never will. */
  onDecided(call: (serves: boolean) => void): void;
}

export interface Service {
  /** `request` comes from a script: nothing about it is certain. Rejects with a ServiceError for what the script shall hear. */
  ask(request: Json, context: AskContext): Promise<Json | WireText>;
  /** What it does cannot be taken back: a version that may still be refused has to wait. */
  readonly waitsUntilServing?: true;
}

export type Services = { readonly [name: string]: Service };

/** What a script's promise is rejected with: an error of that name. */
export class ServiceError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

export type ServiceAnswer =
  | { ok: true; value: Json | WireText }
  | { ok: false; name: string; message: string };

export interface ErrandsOptions {
  services: Services;
  application: string;
  instance: string;
  answer(id: number, answer: ServiceAnswer): void;
  onBug(error: unknown, where: string): void;
}

/** The questions of one version of a script that have no answer yet. */
export class Errands implements Asker {
  readonly #options: ErrandsOptions;
  #isServing = false;
  #onDecided: ((serves: boolean) => void)[] = [];
  readonly #open = new Map<number, { name: string; controller: AbortController }>();

  #onAnswered: (() => void)[] = [];

  constructor(options: ErrandsOptions) {
    this.#options = options;
  }

  /** Without an answer; those do not count that ask services of these names. */
  openCount(except: readonly string[]): number {
    return [...this.#open.values()].filter(({ name }) => !except.includes(name)).length;
  }

  /** Resolves when the next question has its answer, or is given up. */
  answered(): Promise<void> {
    return new Promise((resolve) => this.#onAnswered.push(resolve));
  }

  #forget(id: number): void {
    this.#open.delete(id);
    for (const call of this.#onAnswered.splice(0)) call();
  }

  /** Whether that service is asked by versions that serve, and by no others. */
  waitsUntilServing(name: string): boolean {
    const { services } = this.#options;
    return Object.hasOwn(services, name) && services[name]?.waitsUntilServing === true;
  }

  get isServing(): boolean {
    return this.#isServing;
  }

  onDecided(call: (serves: boolean) => void): void {
    this.#onDecided.push(call);
  }

  /** From now on its version serves. */
  serve(): void {
    this.#isServing = true;
    this.#decide(true);
  }

  #decide(serves: boolean): void {
    for (const call of this.#onDecided.splice(0)) call(serves);
  }

  ask(id: number, name: string, request: Json): void {
    if (this.#open.has(id)) return;
    if (this.#open.size >= MAX_ASKS) {
      this.#refuse(id, `more than ${MAX_ASKS} requests at a time`);
      return;
    }
    const service = Object.hasOwn(this.#options.services, name) ? this.#options.services[name] : undefined;
    if (!service) {
      this.#refuse(id, `there is no service ${name}`);
      return;
    }
    const controller = new AbortController();
    this.#open.set(id, { name, controller });
    void this.#run(id, name, service, request, controller);
  }

  async #run(
    id: number,
    name: string,
    service: Service,
    request: Json,
    controller: AbortController,
  ): Promise<void> {
    const { application, instance, answer, onBug } = this.#options;
    let result: ServiceAnswer;
    try {
      const { signal } = controller;
      result = {
        ok: true,
        value: await service.ask(request, { application, instance, signal, version: this }),
      };
    } catch (error) {
      const isExpected = error instanceof ServiceError || error instanceof DecodeError;
      if (!isExpected && !controller.signal.aborted) onBug(error, `the service ${name}`);
      result = isExpected
        ? { ok: false, name: error.name, message: error.message }
        : { ok: false, name: 'Error', message: 'the service failed' };
    }
    // Given up, or given up and asked again.
    if (this.#open.get(id)?.controller !== controller) return;
    this.#forget(id);
    answer(id, result);
  }

  #refuse(id: number, message: string): void {
    this.#options.answer(id, { ok: false, name: 'QuotaExceededError', message });
  }

  /** The script does not wait for it any more. */
  giveUp(id: number): void {
    this.#open.get(id)?.controller.abort();
    this.#forget(id);
  }

  close(): void {
    for (const id of [...this.#open.keys()]) this.giveUp(id);
    this.#decide(false);
  }
}
