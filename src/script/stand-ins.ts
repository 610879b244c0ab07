// What tests put in the place of the world around scripts (testing/).
import type { Outgoing } from '../application/outgoing.ts';
import type { FetchAnswer, FetchRequest } from './fetch/client.ts';
import type { Unit } from './unit.ts';
import type { Json } from './wire.ts';

export interface StandIns {
  /** The time of scripts, ms since 1970. It is held: whoever stands in moves it, `Unit.tick`. */
  nowMs(): number;
  /** A version of a script, about to be loaded. */
  opened(unit: Unit): void;
  /** The Web. Rejects with a ServiceError. */
  fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchAnswer>;
  /** Other servers. */
  readonly outgoing: Outgoing;
  /** `application.env`, over that of Application.xml. */
  readonly env: { readonly [name: string]: Json };
}
