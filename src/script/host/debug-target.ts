// A script as debuggers see it: listed by the inspector while a version serves that may be debugged, and never late while one is attached.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { HeldClock } from '../inspect/held-clock.ts';
import type { Debugger, DebuggerLine, Inspector } from '../inspect/inspector.ts';
import type { ScriptBuild } from '../source/build-outcome.ts';
import type { CatalogEntry } from '../source/catalog.ts';

export interface DebugTargetOptions {
  inspector: Inspector;
  /** `live/_definst_` */
  name: string;
  /** Of the application. */
  folder: string;
  entry: Pick<CatalogEntry, 'good'>;
  /** The deadlines of the script. They do not expire while a debugger is attached. */
  deadlines: HeldClock;
  /** To the version that serves; undefined: none does, or it has a debugger. */
  attach(debug: Debugger): DebuggerLine | undefined;
}

export class DebugTarget {
  readonly #options: DebugTargetOptions;
  /** Versions that debuggers may attach to. */
  readonly #inspectable = new WeakSet<ScriptBuild>();
  #hide: (() => void) | undefined;

  constructor(options: DebugTargetOptions) {
    this.#options = options;
  }

  /** That version is loaded so that a debugger may attach to it. */
  allow(build: ScriptBuild): void {
    this.#inspectable.add(build);
  }

  /** That version serves. */
  serves(build: ScriptBuild): void {
    if (this.#inspectable.has(build)) this.#hide ??= this.#show();
    else this.close();
  }

  close(): void {
    this.#hide?.();
    this.#hide = undefined;
  }

  #show(): () => void {
    const { inspector, name, folder, entry } = this.#options;
    const url = pathToFileURL(join(folder, entry.good?.mainScript ?? '')).href;
    return inspector.add({ name, url, attach: (debug) => this.#attach(debug) });
  }

  #attach(debug: Debugger): DebuggerLine | undefined {
    const release = this.#options.deadlines.hold();
    const ended = (why: string) => {
      release();
      debug.ended(why);
    };
    const line = this.#options.attach({ said: (message) => debug.said(message), ended });
    if (!line) release();
    return (
      line && {
        send: (message) => line.send(message),
        detach() {
          release();
          line.detach();
        },
      }
    );
  }
}
