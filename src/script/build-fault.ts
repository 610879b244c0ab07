// What is wrong with a script before it runs.

/** Something that keeps a script from running. Lines and columns count from 1. */
export interface BuildFault {
  /** From the application's folder. */
  file?: string;
  line?: number;
  column?: number;
  message: string;
  lineText?: string;
}
