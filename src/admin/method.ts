// One method of /admin/…
import type { Accounts } from './accounts.ts';
import type { Administered } from './administered.ts';
import type { Caller, Commands } from './commands.ts';
import type { Parameters } from './parameters.ts';
import type { ProcessMeter } from './process-meter.ts';
import type { Value } from './xml.ts';

export interface MethodsOptions {
  administered: Administered;
  accounts: Accounts;
  commands: Commands;
  meter: ProcessMeter;
  /** Of the wall clock, ms. */
  nowMs(): number;
}

export interface Call {
  readonly parameters: Parameters;
  readonly caller: Caller;
}
export type Method = (call: Call) => Value | Promise<Value>;
