// Why an application does not do what its files say, as administrators see it.

/**
 * `closed`: its settings have been wrong since the start, and nobody can connect. `quarantined`: its script ended the hard way
 * too often, and nothing of it runs. `broken`: no version of its script can be started, and every connect is refused.
 * `outdated`: what was saved last is wrong, and what was right before goes on.
 */
export const APPLICATION_STATES = ['closed', 'quarantined', 'broken', 'outdated'] as const;
export type ApplicationState = (typeof APPLICATION_STATES)[number];

export interface ApplicationProblem {
  readonly state: ApplicationState;
  readonly reason: string;
  /** From the application's folder, or absolute where it lies elsewhere; lines and columns count from 1. */
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** Of this one alone. */
  readonly instance?: string | undefined;
}
