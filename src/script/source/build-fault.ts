// What is wrong with a script before it runs.
import type { LimitName } from '../../log/limits.ts';

/** Something that keeps a script from running. Lines and columns count from 1. */
export interface BuildFault {
  /** From the application's folder. */
  file?: string;
  line?: number;
  column?: number;
  message: string;
  lineText?: string;
  /** The limit that was reached. */
  limit?: LimitName;
}

/** Thrown while a script is built: its author has to change something. */
export class Unbuildable extends Error {
  readonly fault: BuildFault;
  constructor(fault: BuildFault) {
    super(fault.message);
    this.fault = fault;
  }
}
