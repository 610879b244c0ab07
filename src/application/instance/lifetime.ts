// When an instance ends, and in which order: everybody leaves, the script hears of it and has its time for that, then
// onAppStop, then the script goes.

import { atMost, type Clock } from '../../clock.ts';
import type { ConnectRefusal } from '../contract/client.ts';
import { AFTERWORD_MS, FAREWELL_MS, type InstanceScript } from '../contract/script.ts';
import type { ServerStreams } from '../served/server-streams.ts';

export interface LifetimeOptions {
  clock: Clock;
  /** How long it stays without clients. */
  idleMs(): number;
  hasClients(): boolean;
  /** Somebody waits to hear of a user. */
  isAuthenticating(): boolean;
  script(): InstanceScript | undefined;
  serverStreams: ServerStreams;
  /** Resolves when the files of recordings that have ended are whole, and the script has been told. */
  filesWhole(): Promise<void>;
  /** Tells and disconnects every client; `refusal` is for those who are still waiting for their verdict. */
  dismissAll(refusal: ConnectRefusal): void;
  /** Clients came while the script said goodbye: it starts afresh for them. */
  renewScript(): void;
  /** Nothing is called after this. */
  onClosed(): void;
}

/** An instance whose clients were all refused costs memory for nothing; anybody can start one. No setting: nobody misses it. */
const UNUSED_IDLE_MS = 10_000;

const State = { Running: 'running', Stopping: 'stopping', Closed: 'closed' } as const;
type State = (typeof State)[keyof typeof State];

export class Lifetime {
  readonly #options: LifetimeOptions;
  #state: State = State.Running;
  #cancelIdle: (() => void) | undefined;
  #idleSinceMs: number | undefined;
  /** Somebody was accepted, some time. */
  #hasServed = false;
  #unloading: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: LifetimeOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#state === State.Running;
  }

  /** Resolves when it has ended; undefined: it is not ending. */
  get leaving(): Promise<void> | undefined {
    return this.#state === State.Stopping ? (this.#stopped ?? this.#unloading) : undefined;
  }

  /** Since when its last client has gone; undefined: it has some, has had none, or is ending. */
  get idleSinceMs(): number | undefined {
    return this.#options.isAuthenticating() ? undefined : this.#idleSinceMs;
  }

  /** While an idle script hears onAppStop. */
  get unloading(): Promise<void> | undefined {
    return this.#unloading;
  }

  /** Somebody was accepted. */
  noteServed(): void {
    this.#hasServed = true;
  }

  /** Somebody has come. */
  disarm(): void {
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    this.#idleSinceMs = undefined;
  }

  /** Counts from now, if nobody is here. */
  arm(): void {
    const { clock, idleMs, hasClients, isAuthenticating } = this.#options;
    if (hasClients() || isAuthenticating() || !this.isRunning) return;
    this.#cancelIdle?.();
    this.#idleSinceMs ??= clock.now();
    const waitMs = this.#hasServed ? idleMs() : Math.min(idleMs(), UNUSED_IDLE_MS);
    this.#cancelIdle = clock.after(waitMs, () => this.#beginUnload());
  }

  /** Nobody has come yet, and an operator wants it to be there: it makes room for no other. */
  awaitFirst(): void {
    this.noteServed();
    this.arm();
    this.#idleSinceMs = undefined;
  }

  /** The time may be another one. */
  rearm(): void {
    const sinceMs = this.#idleSinceMs;
    if (this.#cancelIdle) this.arm();
    this.#idleSinceMs = sinceMs;
  }

  #beginUnload(): void {
    this.disarm();
    this.#unloading = this.#unloadIdle().finally(() => {
      this.#unloading = undefined;
    });
  }

  /** Now, instead of when it has been idle for its time. True: it is gone. */
  async unloadIfIdle(): Promise<boolean> {
    const { hasClients, isAuthenticating } = this.#options;
    if (!this.isRunning || hasClients() || isAuthenticating()) return false;
    if (!this.#unloading) this.#beginUnload();
    await this.#unloading;
    return this.#state === State.Closed;
  }

  async #unloadIdle(): Promise<void> {
    const { hasClients, renewScript } = this.#options;
    await this.#farewell();
    if (hasClients()) return;
    const maySleep = await this.#askToStop('Application.GC');
    if (!this.isRunning) return;
    if (hasClients()) {
      if (maySleep) renewScript();
    } else if (maySleep) await this.#closeIdle();
    else this.arm();
  }

  /** Streams of the server may be on air without any client. */
  async #closeIdle(): Promise<void> {
    const { serverStreams } = this.#options;
    if (!serverStreams.isEmpty) {
      this.#state = State.Stopping;
      serverStreams.close();
      await this.#farewell();
    }
    this.close(appShutdown());
  }

  /**
   * Every client is told and disconnected. The script hears of it as of any other end (onUnpublish, onDisconnect, onRecord),
   * and of onAppStop when it is done with that.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    if (!this.isRunning) return;
    const { dismissAll, serverStreams } = this.#options;
    this.#state = State.Stopping;
    this.disarm();
    dismissAll(appShutdown());
    serverStreams.close();
    await this.#farewell();
    await this.#askToStop('Application.Shutdown');
    this.close(appShutdown());
  }

  /** The script deals with everything that it has been told, or its time is over. */
  async #farewell(): Promise<void> {
    const { clock, script, filesWhole } = this.#options;
    if (!script()) return;
    const untilMs = clock.now() + FAREWELL_MS;
    await atMost(clock, FAREWELL_MS, filesWhole());
    await script()?.settle(untilMs - clock.now());
  }

  /** False: the script wants to stay. */
  async #askToStop(reason: 'Application.GC' | 'Application.Shutdown'): Promise<boolean> {
    const script = this.#options.script();
    const maySleep = (await script?.stop(reason)) ?? true;
    if (maySleep) await script?.settle(AFTERWORD_MS);
    return maySleep;
  }

  /** At once. `refusal`: for those who are still waiting for their verdict. */
  close(refusal: ConnectRefusal): void {
    if (this.#state === State.Closed) return;
    this.#state = State.Closed;
    this.disarm();
    this.#options.dismissAll(refusal);
    this.#options.onClosed();
  }
}

export function appShutdown(): ConnectRefusal {
  return {
    cause: 'shutdown',
    code: 'NetConnection.Connect.AppShutdown',
    description: 'The application is shutting down.',
  };
}
