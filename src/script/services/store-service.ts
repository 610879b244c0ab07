// application.store of scripts, on the media side: requests checked, and what a version does that does not serve yet kept apart.
import type { Log } from '../../log/log.ts';
import type { StoreRequest } from '../../storage/key-values.ts';
import type { StoreBackend } from '../../storage/store-backend.ts';
import { StoreFailure } from '../../storage/stores.ts';
import type { Json } from '../wire/wire.ts';
import { type AskContext, type Asker, type Service, ServiceError } from './services.ts';

export interface StoreServiceOptions {
  /** Closed with the service. */
  stores: StoreBackend;
  log: Log;
}

/** Of one application, in characters: a disk may be slow, and scripts need not wait for their promises. */
const MAX_WAITING = 16 << 20;

export class StoreService implements Service {
  readonly #options: StoreServiceOptions;
  /** Of versions that do not serve yet, and have asked. */
  readonly #trials = new WeakMap<Asker, number>();
  #lastTrial = 0;
  /** Characters that wait for the disk, by application. */
  readonly #waiting = new Map<string, number>();
  /** Applications whose trouble has been told. */
  readonly #troubled = new Set<string>();

  constructor(options: StoreServiceOptions) {
    this.#options = options;
  }

  async ask(asked: Json, { application, version }: AskContext): Promise<Json> {
    const request = parseRequest(asked);
    const trial = version.isServing ? undefined : this.#trialOf(version, application);
    const characters = sizeOf(request);
    const waiting = (this.#waiting.get(application) ?? 0) + characters;
    if (waiting > MAX_WAITING) {
      throw new ServiceError(
        'QuotaExceededError',
        `application.store.${request.op}: too much waits for the disk`,
      );
    }
    this.#waiting.set(application, waiting);
    try {
      const answer = await this.#options.stores.ask(application, trial, request);
      this.#troubled.delete(application);
      return answer;
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      if (!error.isTrouble)
        throw new ServiceError(error.name, `application.store.${request.op}: ${error.message}`);
      this.#trouble(application, error);
      throw new ServiceError(
        'OperationError',
        'application.store cannot be reached; the log of the server says why',
      );
    } finally {
      this.#done(application, characters);
    }
  }

  #done(application: string, characters: number): void {
    const waiting = this.#waiting.get(application)! - characters;
    if (waiting > 0) this.#waiting.set(application, waiting);
    else this.#waiting.delete(application);
  }

  #trialOf(version: Asker, application: string): number {
    const known = this.#trials.get(version);
    if (known !== undefined) return known;
    this.#lastTrial += 1;
    const trial = this.#lastTrial;
    this.#trials.set(version, trial);
    version.onDecided((serves) => void this.#decide(application, trial, serves));
    return trial;
  }

  async #decide(application: string, trial: number, serves: boolean): Promise<void> {
    try {
      const lost = await this.#options.stores.decide(application, trial, serves);
      if (lost.length === 0) return;
      this.#options.log.warn(
        { event: 'store', application, keys: lost },
        `${application}: what onAppStart did to ${lost.join(', ')} in application.store was overtaken by another instance`,
      );
    } catch (error) {
      this.#trouble(application, error as Error);
    }
  }

  #trouble(application: string, error: Error): void {
    if (this.#troubled.has(application)) return;
    this.#troubled.add(application);
    this.#options.log.error(
      { event: 'store', application, err: error },
      `${application}: application.store cannot be reached: ${error.message}`,
    );
  }

  close(): Promise<void> {
    return this.#options.stores.close();
  }
}

function sizeOf(request: StoreRequest): number {
  const texts = [
    'key' in request ? request.key : request.prefix,
    'value' in request ? request.value : '',
    ...(request.op === 'swap' ? [request.expected ?? '', request.next ?? ''] : []),
  ];
  return texts.reduce((sum, { length }) => sum + length, 1);
}

/** A script's library has made it, or somebody who got past that. */
function parseRequest(asked: Json): StoreRequest {
  const fields = typeof asked === 'object' && asked !== null && !Array.isArray(asked) ? asked : {};
  const text = (name: string): string => {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (typeof value !== 'string')
      throw new ServiceError('TypeError', `application.store: ${name} is no text`);
    return value;
  };
  const optional = (name: string) => (Object.hasOwn(fields, name) ? text(name) : undefined);
  switch (fields.op) {
    case 'get':
    case 'delete':
      return { op: fields.op, key: text('key') };
    case 'set':
      return { op: 'set', key: text('key'), value: text('value') };
    case 'keys':
      return { op: 'keys', prefix: text('prefix') };
    case 'add':
      if (typeof fields.n !== 'number')
        throw new ServiceError('TypeError', 'application.store.add: no number');
      return { op: 'add', key: text('key'), n: fields.n };
    case 'swap':
      return { op: 'swap', key: text('key'), expected: optional('expected'), next: optional('next') };
    default:
      throw new ServiceError('TypeError', 'application.store: there is no such request');
  }
}
