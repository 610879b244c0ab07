// What clients and their streams need of the application that is tested.

/** What a client hears of its connection, of a stream that it publishes, or of one that it plays. */
export interface Status {
  readonly code: string;
  readonly description: string;
}

export interface ClientHost {
  readonly clock: { now(): Date };
  /** Resolves when the script has nothing to do. */
  settled(): Promise<void>;
}
