// Event and EventTarget. DOM Standard §2.
import {
  append,
  expose,
  isFunction,
  isObject,
  MapConstructor,
  mapGet,
  mapSet,
  removeAt,
} from '../core/primordials.ts';
import { report } from '../core/report.ts';
import { callScript } from '../core/turn.ts';

let setTarget: (event: Event, target: EventTarget) => void;
let isStopped: (event: Event) => boolean;

export class Event {
  readonly type: string;
  readonly bubbles: boolean;
  readonly cancelable: boolean;
  readonly composed: boolean;
  readonly timeStamp = Date.now();
  #target: EventTarget | null = null;
  #isCanceled = false;
  #isStopped = false;

  constructor(type: unknown, init: { bubbles?: unknown; cancelable?: unknown; composed?: unknown } = {}) {
    this.type = `${type}`;
    this.bubbles = Boolean(init.bubbles);
    this.cancelable = Boolean(init.cancelable);
    this.composed = Boolean(init.composed);
  }

  get target(): EventTarget | null {
    return this.#target;
  }
  get currentTarget(): EventTarget | null {
    return this.#target;
  }
  get defaultPrevented(): boolean {
    return this.#isCanceled;
  }
  preventDefault(): void {
    if (this.cancelable) this.#isCanceled = true;
  }
  /** There is nowhere to propagate to. */
  stopPropagation(): void {}
  stopImmediatePropagation(): void {
    this.#isStopped = true;
  }
  composedPath(): EventTarget[] {
    return this.#target === null ? [] : [this.#target];
  }
  get [Symbol.toStringTag](): string {
    return 'Event';
  }

  static {
    setTarget = (event, target) => {
      event.#target = target;
    };
    isStopped = (event) => event.#isStopped;
  }
}
interface Listener {
  callback: unknown;
  capture: boolean;
  once: boolean;
  isRemoved: boolean;
}
interface ListenerOptions {
  capture?: unknown;
  once?: unknown;
  signal?: { readonly aborted: boolean; addEventListener: EventTarget['addEventListener'] };
}

export class EventTarget {
  readonly #listeners = new MapConstructor<string, Listener[]>();

  addEventListener(type: unknown, callback: unknown, options?: ListenerOptions | boolean): void {
    const { once, signal } = isObject(options) ? options : ({} as ListenerOptions);
    const capture = isCapture(options);
    if (!isObject(callback) || signal?.aborted === true) return;
    const list = mapGet(this.#listeners, `${type}`) ?? [];
    mapSet(this.#listeners, `${type}`, list);
    if (find(list, callback, capture) >= 0) return;
    append(list, { callback, capture, once: Boolean(once), isRemoved: false });
    signal?.addEventListener('abort', () => this.removeEventListener(type, callback, capture));
  }

  removeEventListener(type: unknown, callback: unknown, options?: ListenerOptions | boolean): void {
    const list = mapGet(this.#listeners, `${type}`) ?? [];
    const at = find(list, callback, isCapture(options));
    if (at < 0) return;
    list[at]!.isRemoved = true;
    removeAt(list, at);
  }

  /** An error in a listener is reported, and the next one is called. */
  dispatchEvent(event: Event): boolean {
    setTarget(event, this);
    const list = mapGet(this.#listeners, event.type) ?? [];
    const now: Listener[] = [];
    for (let i = 0; i < list.length; i++) append(now, list[i]!);
    for (let i = 0; i < now.length && !isStopped(event); i++) {
      const { callback, capture, once, isRemoved } = now[i]!;
      if (isRemoved) continue;
      if (once) this.removeEventListener(event.type, callback, capture);
      callListener(this, event, callback);
    }
    return !event.defaultPrevented;
  }

  get [Symbol.toStringTag](): string {
    return 'EventTarget';
  }
}

function isCapture(options: ListenerOptions | boolean | undefined): boolean {
  return Boolean(isObject(options) ? options.capture : options);
}

function find(list: Listener[], callback: unknown, capture: boolean): number {
  for (let i = 0; i < list.length; i++)
    if (list[i]!.callback === callback && list[i]!.capture === capture) return i;
  return -1;
}

export function callListener(target: EventTarget, event: Event, callback: unknown): void {
  try {
    const fn = isFunction(callback) ? callback : (callback as { handleEvent?: unknown }).handleEvent;
    if (isFunction(fn)) callScript(event.type, '', fn, isFunction(callback) ? target : callback, [event]);
  } catch (error) {
    report('handler', event.type, error);
  }
}

export function defineEvents(): void {
  expose('Event', Event);
  expose('EventTarget', EventTarget);
}
