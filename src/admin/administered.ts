// What is administered, as server.ts hands it in.
import type { Registry } from '../application/registry.ts';
import type { Statistics } from '../application/statistics.ts';

export interface Administered {
  /** `Understudy/1.0.0` */
  readonly software: string;
  readonly registry: Registry;
  readonly statistics: Statistics;
  /** Names; the applications are those of the first virtual host of the first one. */
  readonly adaptors: readonly { readonly name: string; readonly vhosts: readonly string[] }[];
  /** Those that can be started. */
  applications(): string[];
  /** Open connections, those that have not said what they want included. */
  connections(): number;
  /** Begins to stop; does not wait for it. */
  stop(why: string): void;
}
