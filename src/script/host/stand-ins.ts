// What tests put in the place of the world around scripts (testing/).
import type {
  OutgoingConnection,
  OutgoingEvents,
  OutgoingRequest,
} from '../../application/contract/outgoing.ts';
import type { Unit } from '../process/unit.ts';
import type { JobEnd } from '../services/exec.ts';
import type { FetchAnswer, FetchRequest } from '../services/fetch/client.ts';
import type { Json } from '../wire/wire.ts';

export interface StandIns {
  /** The time of scripts, ms since 1970. It is held: whoever stands in moves it, `Unit.tick`. */
  nowMs(): number;
  /** A version of a script, about to be loaded. */
  opened(unit: Unit): void;
  /** The Web. Rejects with a ServiceError. */
  fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchAnswer>;
  /** Other servers. */
  connect(request: OutgoingRequest, events: OutgoingEvents): OutgoingConnection;
  /** A command, by its name and with its arguments filled in. Must not reject. */
  run(command: string, args: readonly string[]): Promise<JobEnd>;
  /** `application.env`, over that of Application.xml. */
  readonly env: { readonly [name: string]: Json };
}
