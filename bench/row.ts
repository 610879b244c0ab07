// One measurement, as it is kept in the JSON.

/** What was measured, by name (`workloads/` says what each is); what a server could not give is absent. */
export type Figures = Record<string, number>;

export interface Row {
  /** `fan-out`, `ingest` … */
  workload: string;
  /** `understudy, frame`, `nginx-rtmp` … */
  server: string;
  /** How many players, publishers …; whatever the workload counts. */
  count: number;
  figures: Figures;
  /** What a reader has to know about this row. */
  notes: string[];
  /** Something else took the processor meanwhile: the row stands because repeating it did not help. */
  isDisturbed: boolean;
}

/** One line of a table: the medians of what was measured several times. */
export interface Summary {
  server: string;
  count: number;
  figures: Figures;
  /** Of the same figures, over the repeats. */
  lowest: Figures;
  highest: Figures;
  repeats: number;
  notes: string[];
}
