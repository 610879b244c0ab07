// What routes and methods act on.
import type { SecretMask } from '../log/secrets.ts';
import type { Accounts } from './accounts.ts';
import type { Administered } from './administered.ts';
import type { Commands } from './commands.ts';
import type { EventStreams } from './events.ts';
import type { ProcessMeter } from './process-meter.ts';
import type { Tokens } from './tokens.ts';

/** For an administrator of a virtual host there is nothing but that host in it: scope.ts. */
export interface AdminContext {
  readonly administered: Administered;
  readonly accounts: Accounts;
  readonly commands: Commands;
  readonly meter: ProcessMeter;
  readonly tokens: Tokens;
  readonly events: EventStreams;
  /** For addresses that clients have sent. */
  readonly mask: SecretMask;
  /** Of the wall clock, ms. */
  nowMs(): number;
}
